"""The dialects of smaller clouds of accelerators: Lambda, RunPod, Together and CoreWeave.

A key is the only thing that says whose call it is, so that the account is the digest of the key.
"""

from kyc_gate.adapters.neoclouds.adapter import NeocloudAdapter

__all__ = ["NeocloudAdapter"]
