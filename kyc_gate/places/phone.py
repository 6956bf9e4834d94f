"""Telephone numbers: the country that a number in international form belongs to."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def countries_of_number(number: str) -> frozenset[str]:
    """Return the countries that share the number's calling code, or the one that has the number; empty for none.

    `number` is in international form, with `+` or `00`; any other says nothing about a country.
    """
    import phonenumbers

    bare = re.sub(r"[^\d+]", "", number)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    if not bare.startswith("+") or not 8 <= len(bare) <= 16:
        return frozenset()
    try:
        parsed = phonenumbers.parse(bare, None)
    except phonenumbers.NumberParseException:
        return frozenset()
    region = phonenumbers.region_code_for_number(parsed)
    if region and region != "001":
        return frozenset({region})
    shared = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(parsed.country_code or 0, ())
    return frozenset(shared) - {"001"}
