"""The middleware that stands in front of an ASGI application.

It moves bytes and asks the gate; it decides nothing.
"""
