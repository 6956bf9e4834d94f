"""The LEI register of GLEIF as it publishes it: level 1, relationships and reporting exceptions, in three formats.

Bytes come in and records go out; nothing is opened, fetched or stored here.
"""
