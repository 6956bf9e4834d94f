"""The list manager: published lists fetched, checked, kept on disk and activated as one generation.

What a list says is read in `lists`, and nobody is judged here.
"""
