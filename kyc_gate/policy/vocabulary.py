"""The facts that a rule may name: a closed, typed and documented set, derived from the record `Facts` itself."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache

import msgspec

from kyc_gate.model.country import CountryCode
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import RequestKind, Workload
from kyc_gate.model.lineage import BaseWeights
from kyc_gate.model.match import ScreeningOutcome
from kyc_gate.model.party import PartyKind
from kyc_gate.model.record import Record


class Type(StrEnum):
    """What a condition's parts may be. `NUMBER` is one exact type: whole numbers, decimals and fractions."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    COUNTRY = "country"
    MOMENT = "moment"
    TEXTS = "list of text"
    COUNTRIES = "list of countries"
    NOTHING = "null"


class Fact(Record):
    """One fact: its dotted path, type, meaning and unit, and whether it can be unknown.

    `values` holds every value that the fact can have, where that is a closed set.
    """

    path: str
    type: Type
    meaning: str
    nullable: bool
    values: tuple[str, ...] = ()
    exact: bool = True


NOT_FOR_RULES = frozenset({"grant", "snapshot", "control_group", "lists", "five_countries", "resembled", "cleared"})
"""Facts that `decide` or the audit record uses, and that no rule may name: a rule that read the grant could undo it."""

_VALUES: Mapping[str, type[StrEnum]] = {
    "customer.kind": PartyKind,
    "request.kind": RequestKind,
    "workload.kind": Workload,
    "screening.outcome": ScreeningOutcome,
    "lineage.base_weights": BaseWeights,
    "managers.outcome": ScreeningOutcome,
}


@cache
def vocabulary() -> Mapping[str, Fact]:
    """Return every fact by its path, in the order of the record."""
    found = _facts(Facts, "")
    return types.MappingProxyType({fact.path: fact for fact in found if fact.path not in NOT_FOR_RULES})


def _facts(record: type[Record], prefix: str) -> list[Fact]:
    hints = typing.get_type_hints(record, include_extras=True)
    found: list[Fact] = []
    for field in msgspec.structs.fields(record):
        path = f"{prefix}{field.name}"
        if path in NOT_FOR_RULES:
            continue
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, Record):
            found.extend(_facts(hint, f"{path}."))
        else:
            found.append(_fact(path, hint))
    return found


def _fact(path: str, hint: object) -> Fact:
    meanings = [extra.description for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, msgspec.Meta)]
    if not meanings or not meanings[0]:
        raise TypeError(f"fact `{path}` has no description")
    bare = typing.get_args(hint)[0]
    options = typing.get_args(bare) if isinstance(bare, types.UnionType) else (bare,)
    if isinstance(bare, types.UnionType) or typing.get_origin(bare) is typing.Union:
        options = typing.get_args(bare)
    kinds = [option for option in options if option is not type(None)]
    if len(kinds) != 1 or kinds[0] not in _TYPES:
        raise TypeError(f"fact `{path}` has a type that rules cannot use: {bare}")
    values = tuple(_VALUES[path]) if path in _VALUES else ()
    return Fact(
        path=path,
        type=_TYPES[kinds[0]],
        meaning=meanings[0],
        nullable=len(kinds) != len(options),
        values=tuple(str(value) for value in values),
        exact=kinds[0] is not float,
    )


_TYPES: Mapping[object, Type] = {
    bool: Type.BOOLEAN,
    int: Type.NUMBER,
    float: Type.NUMBER,
    str: Type.TEXT,
    CountryCode: Type.COUNTRY,
    datetime: Type.MOMENT,
    tuple[str, ...]: Type.TEXTS,
    tuple[CountryCode, ...]: Type.COUNTRIES,
}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a suggestion, ``; did you mean `x`?``, or nothing when no known name is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else ""
