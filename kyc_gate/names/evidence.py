"""What speaks for or against a match beside the name: country, kind, numbers and address, as signed contributions.

Contributions are log-odds, so that they add up. What a customer says of itself is easily false: evidence against a
match puts it further down, and never takes it below the line of review.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kyc_gate.model.listing import Identifier, ListEntry
from kyc_gate.model.match import Contribution
from kyc_gate.model.party import PartyKind

SAME_COUNTRY = 0.4
OTHER_COUNTRY = -0.3
SAME_KIND = 0.1
OTHER_KIND = -0.6
OTHER_NUMBER = -0.8
SAME_CITY = 0.5
"""Log-odds of each finding, chosen by hand within what record linkage finds for such fields (0.3 to 3 bits)."""

NICKNAME_OF_ANOTHER_KIND = 0.74
"""Score at most of a firm that shares one word with a ship, an aircraft or a person: below the line of review."""

CERTAIN = 0.9999
"""A score is below 1 by so much before it is turned into odds."""

_CRAFT = frozenset({"vessel", "aircraft"})
_UNIQUE = frozenset({"lei", "imo", "bic", "duns"})


def contributions_of(
    entry: ListEntry,
    *,
    country: str | None = None,
    kind: PartyKind = PartyKind.UNKNOWN,
    identifiers: Sequence[Identifier] = (),
    address: str = "",
) -> tuple[Contribution, ...]:
    """Return what is known of the party beside its name, each as far as the list says something of the same sort."""
    found = (
        _country(entry, country),
        _kind(entry, kind),
        _numbers(entry, identifiers),
        _address(entry, address.casefold()),
    )
    return tuple(one for one in found if one is not None)


def weighed(score: float, contributions: Sequence[Contribution], line: float) -> float:
    """Return a name's score with the contributions added. A score of `line` or more stays so: evidence orders."""
    if not contributions or not 0 < score < 1:
        return score
    odds = math.log(min(score, CERTAIN) / (1 - min(score, CERTAIN))) + sum(one.log_odds for one in contributions)
    found = 1 / (1 + math.exp(-odds))
    return max(found, line) if score >= line else min(found, score)


def is_other_kind(entry: ListEntry, *, is_firm: bool) -> bool:
    """Return whether a firm is compared with a ship, an aircraft or a person."""
    return is_firm and (entry.kind is PartyKind.PERSON or entry.details.subject in _CRAFT)


def _country(entry: ListEntry, country: str | None) -> Contribution | None:
    listed = {*entry.countries, *entry.nationalities}
    if country is None or not listed:
        return None
    if country in listed:
        return Contribution(of="country", log_odds=SAME_COUNTRY, said=f"both in {country}")
    return Contribution(of="country", log_odds=OTHER_COUNTRY, said=f"{country}, listed in {', '.join(sorted(listed))}")


def _kind(entry: ListEntry, kind: PartyKind) -> Contribution | None:
    if kind is PartyKind.UNKNOWN or entry.kind is PartyKind.UNKNOWN:
        return None
    if kind is entry.kind:
        return Contribution(of="kind", log_odds=SAME_KIND, said=f"both a {kind.value}")
    return Contribution(of="kind", log_odds=OTHER_KIND, said=f"a {kind.value}, listed as a {entry.kind.value}")


def _numbers(entry: ListEntry, identifiers: Sequence[Identifier]) -> Contribution | None:
    """Return what it says that both have a number of a kind of which each party has one, and not the same."""
    for asked in identifiers:
        own = [one.value for one in entry.identifiers if one.kind == asked.kind and asked.kind in _UNIQUE]
        if own and asked.value.strip().casefold() not in {value.strip().casefold() for value in own}:
            return Contribution(of="identifier", log_odds=OTHER_NUMBER, said=f"another {asked.kind} than {own[0]}")
    return None


def _address(entry: ListEntry, address: str) -> Contribution | None:
    if not address:
        return None
    cities = [one.city for one in entry.addresses if len(one.city) > 2 and one.city.casefold() in address]
    return Contribution(of="address", log_odds=SAME_CITY, said=f"both in {cities[0]}") if cities else None
