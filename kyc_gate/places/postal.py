"""Postal codes: how many digits a country's have. A code fits many countries, and rules out most."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DIGITS: Mapping[int, str] = {
    3: "FO IS MG",
    4: "AF AL AM AR AT AU BD BE BG BN CH CR CV CY DK GE GL GT HT HU LI LU LV MD MK MZ NE NL NO NZ PH PY SI TN VE ZA",
    5: "AX BA BT BY CU CZ DE DO DZ EE EG ES ET FI FR GF GP GR HN HR ID IQ IT JO KE KH KR KW LA LK LT MA ME MM MN MQ MX "
    "MY NC NI NP OM PE PF PK PR RE RS SA SD SE SK SN SV TH TR TW TZ UA US UY VI XK YT ZM",
    6: "CN CO EC IN KG KZ NG PG RO RU SG TJ TM TW UZ VN BY TT",
    7: "CL IL JP",
    8: "BR",
}
"""Universal Postal Union, addressing systems. Countries whose codes have letters (Canada, the United Kingdom, Ireland,
Malta ...) and those without codes are in none; Belarus and Taiwan write five digits and six."""

_BY_COUNTRY: Mapping[str, frozenset[int]] = {
    country: frozenset(digits for digits, countries in _DIGITS.items() if country in countries.split())
    for all_of_them in _DIGITS.values()
    for country in all_of_them.split()
}

_LETTERED = frozenset({"CA", "GB", "IE", "MT", "JE", "GG", "IM", "BM"})
"""Countries whose codes hold letters: a code of digits alone is none of theirs."""

_CODE = re.compile(r"(?<![\w/.-])(?:[A-Z]{1,2}-)?(\d{4,7}|\d{3} \d{2}|\d{3}-\d{4}|\d{5}-\d{3,4})(?![\w/-])")


def postal_code_fits(text: str, country: str) -> bool | None:
    """Return whether the last postal code of an address can be one of the country's; None where there is no code.

    Only the end of the text counts, since street numbers have digits, too.
    """
    own = _OWN_FORMS.get(country)
    if own and own.search(text[-40:]):
        return True
    found = _CODE.findall(text[-40:])
    if not found:
        return None
    digits = len(re.sub(r"\D", "", found[-1]))
    if country in _LETTERED:
        return False
    known = _BY_COUNTRY.get(country)
    if known is None:
        return None
    return digits in known or (country == "US" and digits == 9)


def has_six_digits(text: str) -> bool:
    """Return whether the last postal code of an address has six digits, as in Russia, Belarus, India and China."""
    found = _CODE.findall(text[-40:])
    return bool(found) and found[-1].isdigit() and len(found[-1]) == 6


_OWN_FORMS: Mapping[str, re.Pattern[str]] = {
    "GB": re.compile(r"\b(?!JE|GY|GX|IM|BF)[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}\b"),
    "CA": re.compile(r"\b[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d\b"),
    "NL": re.compile(r"(?<![\w.-])[1-9]\d{3} ?(?!SA|SD|SS)[A-Z]{2}\b"),
}
"""Postal codes of a form that no other country has, in capitals. The Crown dependencies and Gibraltar, which write
codes like Britain's, are left out by their first letters."""


def country_of_postal_code(text: str) -> str | None:
    """Return the country whose own form of a postal code stands at the end of an address, or None."""
    found = {country for country, form in _OWN_FORMS.items() if form.search(text[-40:])}
    return found.pop() if len(found) == 1 else None


_ZIP = re.compile(r"(?<![\w/.-])(\d)\d{4}(?:-\d{4})?(?![\w/-])")

_STATES_BY_FIRST_DIGIT = (
    "CT MA ME NH NJ RI VT", "DE NY PA", "DC MD NC SC VA WV", "AL FL GA MS TN", "IN KY MI OH", "IA MN MT ND SD WI",
    "IL KS MO NE", "AR LA OK TX", "AZ CO ID NM NV UT WY", "AK CA HI OR WA",
)  # fmt: skip
"""United States Postal Service: what the first digit of a ZIP code says."""


def zip_is_of(text: str, region: str) -> bool:
    """Return whether the last ZIP code of an address is of a state of the United States, such as `US-DE`."""
    found = _ZIP.findall(text[-40:])
    return bool(found) and region[3:] in _STATES_BY_FIRST_DIGIT[int(found[-1])].split()
