"""Policy files: read, checked, tested against their cases, and compiled to conditions over facts.

No fact is gathered here and no outcome is chosen.
"""
