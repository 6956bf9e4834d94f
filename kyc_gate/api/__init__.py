"""The HTTP interface of the gate itself: decisions, cases, health.

It reads and writes JSON and asks the gate; it decides nothing.
"""
