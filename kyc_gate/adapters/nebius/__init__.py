"""The dialect of Nebius: gRPC calls that ask for machines, read from the messages as they are on the wire.

Tokens are read for nobody and never checked; the upstream has the keys.
"""

from kyc_gate.adapters.nebius.adapter import NebiusAdapter

__all__ = ["NebiusAdapter"]
