"""Any text to a country, with evidence, or unknown; never a guess.

What a country means to a policy is data under `policies/`; this is the only room that imports pycountry.
"""
