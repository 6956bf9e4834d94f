"""The published formats, one module for each: decoded text, rows or nodes in, a reading out.

No file is opened and no archive unpacked here.
"""
