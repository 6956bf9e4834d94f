"""The audit record and the hash chain that binds each record to the one before.

Bytes in, bytes out: where records are kept is the business of `storage`.
"""
