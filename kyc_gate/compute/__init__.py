"""How much a request asks for: chips, instance types and operations, in exact integers.

What is too much is for a policy to say.
"""
