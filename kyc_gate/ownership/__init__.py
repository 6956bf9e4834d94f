"""Who owns whom: the ultimate parent, the control group, the 50 % cascade, and what the LEI register says of them.

No list is read here: whether an owner is listed is passed in.
"""
