"""Kubernetes admission reviews: what an object asks for, whose it is, and how an answer is worded.

Plain functions from bytes to records and back; nothing here asks the ledger or waits.
"""
