"""The dialect of AWS: EC2, SageMaker, Auto Scaling, Batch, EKS, Parallel Computing Service and Bedrock.

Signatures are read for whom they name and never checked: the gate has no secret, the upstream has it.
"""

from kyc_gate.adapters.aws.adapter import AWSAdapter

__all__ = ["AWSAdapter"]
