"""The door for proxies that ask whether a call may pass and forward it themselves: Envoy and Traefik.

It answers yes or with the refusal that the proxy must send, and never sees what becomes of the call.
"""
