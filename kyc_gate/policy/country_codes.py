"""Country codes as policies may write them: ISO 3166-1, and codes that the territories map by name."""

from __future__ import annotations

from collections.abc import Container

from kyc_gate.places.countries import country_name, parse_country

MAPPED = frozenset({"XK"})
"""Codes that ISO leaves to its users and that `data/territories.toml` gives a meaning."""


def code_problem(code: str, mapped: Container[str] = MAPPED) -> str:
    """Return what is wrong with `code` in one line, with the code that was meant; nothing when it may stand."""
    if not (len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()):
        return f"`{code}` is not a country code of two capital letters"
    if code in mapped or country_name(code) is not None:
        return ""
    meant = parse_country(code)
    hint = f"; did you mean `{meant}`?" if meant else "; a code of another list needs an entry in the territories"
    return f"`{code}` is not a code of ISO 3166-1{hint}"
