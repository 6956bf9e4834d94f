"""The dialect of Google Cloud: Compute Engine, Vertex AI, Cloud TPU, Kubernetes Engine and Batch, over REST with JSON.

Tokens are read for whom they name and never checked: the gate has no key, the upstream has it.
"""

from kyc_gate.adapters.gcp.adapter import GCPAdapter

__all__ = ["GCPAdapter"]
