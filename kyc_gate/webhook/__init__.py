"""The admission webhook of Kubernetes: reviews come in, and answers that let an object in, keep it out or pause it.

It keeps the ledger told of what starts and ends, and decides nothing.
"""
