"""The hook that stands in an aiohttp client session.

It moves requests and asks the gate; it decides nothing.
"""
