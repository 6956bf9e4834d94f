"""The command line: one module for each command.

Every command prints results on standard output, logs on standard error, and no traceback for a mistake of its caller.
"""
