"""Who owns whom: the ultimate parent, the control group, and the 50 % cascade.

No list is read here: whether an owner is listed is passed in.
"""
