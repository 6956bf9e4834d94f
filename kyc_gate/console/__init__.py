"""The pages on which people read and decide cases, rendered on the server, with every step taken through `service`.

Nothing is decided, screened or stored here, and no page runs a script or a style of another host or of its own text.
"""
