"""Slurm jobs: what one asks for, in accelerators, copies and time, and whose it is.

Plain functions from a job's fields to a request; nothing here asks the scheduler or the ledger.
"""
