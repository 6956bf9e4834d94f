"""Names that hold other names: `A (a.k.a. B)`, `A -AKA- B`, `A, f.k.a. B; C`."""

from __future__ import annotations

import re

from kyc_gate.lists.reading import LONGEST_NAME

_WORD = r"(?:[afn]\.?k\.?a\b\.?|d[./]?b[./]?a\b\.?|also known as|formerly known as)"
_ANY = re.compile(rf"(?<![\w.]){_WORD}", re.IGNORECASE)
_BRACKETED = re.compile(rf"\s*[(\[]\s*{_WORD}[\s:,]*((?:[^()\[\]]|\([^()]*\))*)[)\]]", re.IGNORECASE)
_INTRODUCED = re.compile(rf"[\s;,(\[-]*(?<![\w.]){_WORD}[\s:,-]*", re.IGNORECASE)
_FORMER = re.compile(r"f\.?k\.?a|formerly", re.IGNORECASE)
_ENDS = " ,;-"


def parted(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the name without the names inside it, and those, each with its kind (`aka` or `fka`).

    Agencies without a field for aliases write them into the name. A text that begins with such a word is a name as it
    stands (`AKA Integral Services`), so nothing is taken out of it.
    """
    if len(text) > LONGEST_NAME or not _ANY.search(text):
        return text, []
    kind = "fka" if _FORMER.search(text) else "aka"
    inside: list[str] = _BRACKETED.findall(text)
    outside = _BRACKETED.sub("", text)
    name, *others = _INTRODUCED.split(outside)
    if not name.strip(_ENDS):
        return text, []
    found = [part for other in (*inside, *others) for whole in _INTRODUCED.split(other) for part in whole.split(";")]
    return _closed(name), [(_closed(part), kind) for part in found if part.strip(_ENDS)]


def alias_parts(text: str) -> list[tuple[str, str]]:
    """Return the names in a text that stands where one alias belongs: parted by `;`, and each with those inside it.

    `F.K.A. Presidency Office` is the former name; it is given with and without the words before it.
    """
    found: list[tuple[str, str]] = []
    for part in text.split(";"):
        bare = part.strip(_ENDS).removeprefix("and ")
        name, others = parted(bare)
        found += [(name, ""), *others]
        begins = _ANY.match(bare)
        if begins:
            found.append((_closed(bare[begins.end() :]), "fka" if _FORMER.match(bare) else "aka"))
    return [(name, kind) for name, kind in found if name.strip(_ENDS)]


def _closed(name: str) -> str:
    """The name without the separators around it, and without a bracket that nothing opened."""
    bare = name.strip(_ENDS)
    return bare.removesuffix(")") if bare.count(")") > bare.count("(") else bare
