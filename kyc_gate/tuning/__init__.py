"""What a policy does and would do: explanations, the facts at which it turns, and how two policies differ.

Nothing is decided for a request here, and no policy is changed.
"""
