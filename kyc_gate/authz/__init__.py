"""The door for those who ask and act themselves: Envoy and Traefik about calls, slurmctld about jobs.

It answers yes or with the refusal to give, and never sees what becomes of what it let through.
"""
