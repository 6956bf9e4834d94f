"""Weaker evidence inside a text: telephone numbers, addresses of the net, register numbers, legal forms.

None of it says where a headquarters is. It agrees with what the place names say, or contradicts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kyc_gate.model.record import Record

_PHONE = re.compile(r"(?:(?:tel|phone|fax|mob(?:ile)?|t|p)\.?\s*:?\s*)?\+\s?(\d[\d\s().-]{6,18}\d)", re.IGNORECASE)
_NET = re.compile(r"(?:https?://|www\.|[\w.+-]+@)[\w.-]*\.([a-z]{2})(?![\w.-])\S*", re.IGNORECASE)
_ANY_NET = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w.-]+\.\w+", re.IGNORECASE)
_CREDIT_CODE = re.compile(r"\b[159][1239]\d{6}[0-9A-HJ-NP-RTUW-Y]{10}\b")
_HANDELSREGISTER = re.compile(r"\bHR[AB]\s?\d{2,6}\b")
_OGRN = re.compile(r"\b(?:OGRN|ОГРН|INN|ИНН)\s*:?\s*(?:\d{15}|\d{13}|\d{12}|\d{10})\b", re.IGNORECASE)
_ABN = re.compile(r"\b(?:ABN|ACN)\s*:?\s*\d{2,3}(?:\s?\d{3}){2,3}\b")
_SIREN = re.compile(r"\b(?:SIREN|SIRET|RCS \w+)\s*:?\s*\d{3}\s?\d{3}\s?\d{3}(?:\s?\d{5})?\b")

_REGISTERS: Mapping[re.Pattern[str], tuple[str, frozenset[str]]] = {
    _CREDIT_CODE: ("a unified social credit code", frozenset({"CN"})),
    _HANDELSREGISTER: ("a number of the Handelsregister", frozenset({"DE"})),
    _OGRN: ("a Russian register number", frozenset({"RU"})),
    _ABN: ("an Australian business number", frozenset({"AU"})),
    _SIREN: ("a French register number", frozenset({"FR"})),
}

_FORMS: Mapping[re.Pattern[str], frozenset[str]] = {
    re.compile(r"\b(?:g?GmbH|GmbH & Co\.? KG)\b"): frozenset({"DE", "AT", "CH", "LI"}),
    re.compile(r"\bK\.?K\.?\b|株式会社|合同会社|有限会社"): frozenset({"JP"}),
    re.compile(r"\bOOO\b|\bООО\b|\bOAO\b|\bОАО\b|\bZAO\b|\bЗАО\b|\bПАО\b"): frozenset(
        {"RU", "BY", "KZ", "KG", "UZ", "TJ"}
    ),
    re.compile(r"有限公司|有限责任公司"): frozenset({"CN", "HK", "TW", "MO", "SG"}),
    re.compile(r"주식회사|\(주\)"): frozenset({"KR"}),
    re.compile(r"\bPty\.? Ltd\b", re.IGNORECASE): frozenset({"AU", "ZA", "NA", "BW"}),
    re.compile(r"\bSdn\.? Bhd\b", re.IGNORECASE): frozenset({"MY", "BN"}),
    re.compile(r"\bPte\.? Ltd\b", re.IGNORECASE): frozenset({"SG"}),
    re.compile(r"\bFZ(?:E|CO|[ -]?LLC)\b"): frozenset({"AE"}),
    re.compile(r"\bSp\. z ?o\.? ?o\b"): frozenset({"PL"}),
    re.compile(r"\bS\.?r\.?o\b"): frozenset({"CZ", "SK"}),
}
"""Legal forms that few countries know."""

_FORM_MARKS = (
    "gmbh", "kk", "k.k", "株式会社", "合同会社", "有限公司", "有限会社", "有限责任公司", "ooo", "ооо", "oao", "оао",
    "zao", "зао", "пао", "주식회사", "(주)", "pty", "sdn", "pte", "fz", "sp.", "s.r", "sro", "sr.o",
)  # fmt: skip
_REGISTER_MARKS = ["hra", "hrb", "ogrn", "огрн", "inn", "инн", "abn", "acn", "siren", "siret", "rcs"]
_LONG_NUMBER = re.compile(r"\d{8}")
"""What each pattern cannot do without, in small letters. Most texts have none, and need no pattern to be tried."""


class Hint(Record):
    """What a piece of weaker evidence points to. A `strong` one that contradicts leaves the country unknown."""

    text: str
    means: str
    countries: frozenset[str]
    strong: bool

    def __str__(self) -> str:
        """Return the hint as a clause of evidence."""
        return f"`{self.text}` is {self.means}"


def read_hints(text: str) -> tuple[Hint, ...]:
    """Return the weaker evidence in a text, in the order of its kinds."""
    return (*_phones(text), *_registers(text), *_domains(text), *_forms(text))


def without_hints(text: str) -> str:
    """Return the text without numbers and net addresses, which are no places."""
    for pattern in (_PHONE, _ANY_NET, *_REGISTERS, *_FORMS):
        text = pattern.sub(" , ", text)
    return text


def _phones(text: str) -> Iterator[Hint]:
    if "+" not in text:
        return
    from kyc_gate.places.phone import countries_of_number

    for found in _PHONE.finditer(text):
        countries = countries_of_number("+" + re.sub(r"\D", "", found.group(1)))
        if countries:
            shown = ", ".join(sorted(countries)[:3]) + (", ..." if len(countries) > 3 else "")
            yield Hint(text=found.group().strip(), means=f"a number of {shown}", countries=countries, strong=True)


def _registers(text: str) -> Iterator[Hint]:
    small = text.casefold()
    if not _LONG_NUMBER.search(text) and not any(mark in small for mark in _REGISTER_MARKS):
        return
    for pattern, (means, countries) in _REGISTERS.items():
        if found := pattern.search(text):
            yield Hint(text=found.group(), means=means, countries=countries, strong=True)


def _domains(text: str) -> Iterator[Hint]:
    if "@" not in text and "www." not in text and "://" not in text:
        return
    for found in _NET.finditer(text):
        code = found.group(1).upper()
        country = {"UK": "GB", "EU": None, "IO": None, "AI": None, "CO": None, "ME": None, "TV": None, "CC": None}.get(
            code, code
        )
        if country:
            yield Hint(
                text=found.group(), means=f"under the domain of {country}", countries=frozenset({country}), strong=False
            )


def _forms(text: str) -> Iterator[Hint]:
    small = text.casefold()
    if not any(mark in small for mark in _FORM_MARKS):
        return
    for pattern, countries in _FORMS.items():
        if found := pattern.search(text):
            shown = ", ".join(sorted(countries))
            yield Hint(text=found.group(), means=f"a legal form of {shown}", countries=countries, strong=False)
