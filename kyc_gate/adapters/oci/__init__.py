"""The dialect of Oracle Cloud Infrastructure: which call asks for machines, what it asks for, and how it is refused.

Signatures are read for the tenancy that they name and never checked; the upstream has the public keys.
"""

from kyc_gate.adapters.oci.adapter import OCIAdapter

__all__ = ["OCIAdapter"]
