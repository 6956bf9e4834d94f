"""Published restricted-party lists: their files unpacked, recognised and read to entries, and the merged snapshot.

Nothing is fetched here and nobody is screened.
"""
