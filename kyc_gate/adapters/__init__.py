"""A provider's dialect: bytes to a `ProvisioningRequest`, and a refusal to bytes that its clients understand.

Adapters are pure: no network, no disk, no clock, no party and no policy.
"""
