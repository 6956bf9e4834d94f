"""Published restricted-party lists: bytes to entries, one module for each format, and the merged snapshot.

Nothing is fetched here and nobody is screened.
"""
