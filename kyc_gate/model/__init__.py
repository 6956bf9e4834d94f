"""The nouns of the house, as frozen records, and nothing that acts.

What is asked for, who asks, what was found out and what was decided live here; no file is read, no clock is called
and no rule is applied in this room.
"""
