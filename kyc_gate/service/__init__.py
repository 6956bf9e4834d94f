"""The one conductor: gather the facts, take the hold, decide, write the record, act.

No dialect, no SQL and no rule is written here.
"""
