"""The decision: request, facts and policy in, outcome and findings out, without I/O and without a clock.

Everything impure was put into the facts by `service`.
"""
