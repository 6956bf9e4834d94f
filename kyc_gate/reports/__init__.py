"""Papers made from stored facts: charts, and drafts of reports that a person completes.

Nothing is fetched or decided here, and what is not known is said to be unknown.
"""
