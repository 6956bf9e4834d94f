"""What stands for one party alone: numbers, crypto addresses and domains, looked up exactly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kyc_gate.model.listing import Identifier, ListEntry
from kyc_gate.screening.hosts import host_of, hosts_above, is_shared

WORLDWIDE = frozenset({"lei", "bic", "imo", "mmsi", "crypto", "duns", "isin"})
"""Kinds of identifier that one party in the world has."""

SAME = 1.0
"""Score of an identifier that is the listed party's own."""

COUNTRY_UNKNOWN = 0.9
"""Score of a national number where nobody says of which country it is: another country may have given it out too."""

DOMAIN = 0.97
"""Score of a web or mail domain that the list names: domains change hands, and firms share them with their parents."""

SHORTEST = 5
"""Characters of a number that is looked up, at least."""


class Identified(NamedTuple):
    """An entry that an identifier stands for, how surely, what was asked, and why."""

    entry: ListEntry
    score: float
    asked: str
    said: str


class IdentifierIndex:
    """Entries by identifier and by domain. Read-only once it is made."""

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        self._numbers: dict[str, list[tuple[ListEntry, Identifier]]] = {}
        self._hosts: dict[str, list[ListEntry]] = {}
        for entry in entries:
            for identifier in entry.identifiers:
                key = _key(identifier)
                if len(key) >= SHORTEST:
                    self._numbers.setdefault(key, []).append((entry, identifier))
            mail = entry.details.emails
            for host in {host for text in (*entry.websites, *mail) if (host := host_of(text)) and not is_shared(host)}:
                self._hosts.setdefault(host, []).append(entry)

    def by_number(self, asked: Identifier) -> list[Identified]:
        """Return the entries that have this very identifier. An unnamed kind (``""``) agrees with every kind."""
        found = self._numbers.get(_key(asked), ())
        return [
            Identified(entry, score, asked.value, f"`{asked.value}` is the {own.kind} of `{entry.name}`")
            for entry, own in found
            if (score := _agreement(asked, own))
        ]

    def by_host(self, text: str) -> list[Identified]:
        """Return the entries with the domain of a web or mail address, or with one that it belongs to."""
        host = host_of(text)
        if host is None or is_shared(host):
            return []
        return [
            Identified(entry, DOMAIN, text, f"`{text}` is at `{above}`, a domain of `{entry.name}`")
            for above in hosts_above(host)
            for entry in self._hosts.get(above, ())
        ]


def _key(identifier: Identifier) -> str:
    """Return the identifier as it is compared: letters and digits, in one case; a crypto address as it stands."""
    text = identifier.value.strip()
    if identifier.kind == "crypto" and not text.lower().startswith(("0x", "bc1")):
        return text
    bare = "".join(char for char in text.casefold() if char.isalnum())
    return bare.removeprefix("imo")


_NATIONAL = frozenset({"registration", "tax", "national-id"})


def _agreement(asked: Identifier, own: Identifier) -> float:
    """Return how surely two identifiers of one value are one: 0 where their kinds or countries differ."""
    national = asked.kind in _NATIONAL and own.kind in _NATIONAL
    if asked.kind and asked.kind != own.kind and not national:
        return 0.0
    if own.kind in WORLDWIDE:
        return SAME
    if not asked.country or not own.country:
        return COUNTRY_UNKNOWN
    return SAME if asked.country == own.country else 0.0
