"""What operators watch: the log line of each decision.

Nothing is decided from here.
"""
