"""Golden calls of the smaller clouds."""
