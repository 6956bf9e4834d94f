"""A party against a list snapshot: candidates, scores and explanations.

A match is a fact, never a judgement.
"""
