"""The remarks of Treasury's CSV files: one sentence for each fact, `; ` between them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kyc_gate.lists.dates import iso_date
from kyc_gate.lists.draft import Draft
from kyc_gate.lists.labels import add_fact

LONGEST_FACT = 500
"""Characters of a sentence that is looked into; facts are short, and the text is kept whole beside them."""

MOST_IN_BRACKETS = 5
"""Semicolons within one pair of brackets; a bracket that is never closed must not hide what follows."""

_ALIAS = re.compile(r"(?:alt\. )?([afn])\.k\.a\. '(.+)'$")
_CURRENCY = re.compile(r"Digital Currency Address - (\w+) (\S+)")
_FACT = re.compile(
    r"(?P<label>Website|Email Address|Phone Number|Telephone|Tel\.|Legal Entity Number|SWIFT/BIC|D-U-N-S Number|ISIN|Equity Ticker"
    r"|MICEX Code|Vessel Registration Identification|MMSI|Nationality of Registration|BIK \(RU\)"
    r"|Aircraft Tail Number|Previous Aircraft Tail Number|Aircraft Mode S Transponder Code"
    r"|Aircraft Manufacturer's Serial Number \(MSN\)|Aircraft Construction Number \(also called L/N or S/N or F/N\)"
    r"|Unified Social Credit Code \(USCC\)|United Social Credit Code Certificate \(USCCC\)|Economic Register Number \(CBLS\)"
    r"|Numero Unico de Identificacao Tributaria \(NUIT\)|CNP \(Personal Numerical Code\)"
    r"|(?:[A-Z][\w.']*[ -])*?(?:No\.|Number|NIT #|RUC #|RIF #|#|ID|FEIN|Code|Passport|SSN|License|Card|R\.?F\.?C\.?|C\.U\.I\.T\."
    r"|C\.U\.R\.P\.|D\.N\.I\.|N\.I\.E\.|C\.I\.F\.|N\.I\.F\.|C\.U\.I\.|C\.R\.|Folio Mercantil No\.|Matricula Mercantil No)):?"
    r" (?!No\.|Number|Code|Card|Certificate)(?P<value>[^(]+?)(?: \((?P<place>[^)]+)\))?(?: issued .*)?(?: expires .*)?(?: \(\w+\))?$"
)
_PARENT = "Linked To: "


def add_remarks(draft: Draft, remarks: str) -> None:
    """Add what the remarks say to the draft: birth, nationality, weak aliases, identifiers, owners. The text is kept too."""
    if not remarks:
        return
    draft.remarks.append(remarks)
    for sentence in _sentences(remarks.strip().removesuffix(".")):
        if len(sentence) <= LONGEST_FACT:
            _add(draft, sentence.strip().removeprefix("alt. "))


def _sentences(text: str) -> Iterator[str]:
    """The parts between `; `, but where that stands in brackets."""
    waiting: list[str] = []
    depth = 0
    for part in text.split("; "):
        waiting.append(part)
        depth += part.count("(") - part.count(")")
        if depth <= 0 or len(waiting) > MOST_IN_BRACKETS:
            yield "; ".join(waiting)
            waiting, depth = [], 0
    if waiting:
        yield "; ".join(waiting)


def _add(draft: Draft, text: str) -> None:
    word, _, rest = text.partition(" ")
    if word == "DOB":
        draft.birth_dates.append(iso_date(rest) or rest)
    elif word == "POB":
        draft.birth_places.append(rest)
    elif word in {"nationality", "citizen"}:
        draft.nationalities.append(rest)
    elif found := _ALIAS.match(text):
        # Treasury writes its weak aliases into the remarks, and the others into ALT.CSV.
        draft.alias(found[2], f"{found[1]}ka", weak=True)
    elif text.startswith(_PARENT):
        draft.parents.append(text.removeprefix(_PARENT))
    elif found := _CURRENCY.match(text):
        add_fact(draft, "Digital Currency Address", found[2])
    elif found := _FACT.match(text):
        add_fact(draft, found["label"], found["value"], found["place"] or "")
