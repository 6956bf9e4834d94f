"""Published lists, and bundles of policies, fetched, checked, kept and activated as one generation.

What a list says is read in `lists`, and nobody is judged here.
"""
