"""The reverse proxy: every byte as it was sent, or signed anew for a customer whose signature was checked.

The gate itself is the middleware in front of it.
"""
