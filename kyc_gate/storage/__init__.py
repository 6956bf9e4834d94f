"""What must outlive the process: directory, compute ledger, audit chain, cases and grants.

Rows in and records out; no rule is applied here and no provider's dialect is known.
"""
