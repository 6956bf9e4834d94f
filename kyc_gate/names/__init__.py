"""Strings that name somebody: folding, tokens and comparison, each answer with its explanation.

No list is known here and nothing is decided; this is the only room that imports rapidfuzz.
"""
