"""The reverse proxy: every byte as it was sent, or nothing at all.

The gate itself is the middleware in front of it.
"""
