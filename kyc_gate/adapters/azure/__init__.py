"""The dialect of Azure Resource Manager: machines, scale sets, capacity, machine learning, clusters and templates.

Tokens are read for whom they name and never checked: the gate has no key, the upstream has it.
"""

from kyc_gate.adapters.azure.adapter import AzureAdapter

__all__ = ["AzureAdapter"]
