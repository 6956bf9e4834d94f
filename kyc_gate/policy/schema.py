"""JSON Schema of policy files and of case files, for editors: the same keys, types and values that reading accepts.

Editors complete and check as one types; `policy lint` remains what decides. A file names its schema in its first line,
as `#:schema ../../docs/schemas/policy.schema.json`, which TOML takes for a comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from kyc_gate.model.decision import LegalStatus, Mode, Outcome
from kyc_gate.model.job import RequestKind
from kyc_gate.model.party import PartyKind
from kyc_gate.policy.policy import Disclosure
from kyc_gate.policy.source import WARNINGS
from kyc_gate.policy.vocabulary import Fact, Type, vocabulary

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_TEXTS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
_DAY: Mapping[str, Any] = {"type": "string", "format": "date"}
_NAME = "^[a-z][a-z0-9_]*$"
_RULE = "^[a-z0-9]+(?:[.-][a-z0-9]+)*$"
_SCORE: Mapping[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_NUMBER: Mapping[str, Any] = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}


def policy_schema() -> dict[str, Any]:
    """Return the schema of a policy file. `Any` because that is what JSON is."""
    band = _table({"possible": _SCORE, "match": _SCORE})
    threshold = _table({"threshold": _TEXT}, needed=("threshold",))
    return {
        "$schema": _DIALECT,
        "title": "A policy of kyc_gate",
        **_table(
            {
                "policy": _head(),
                "limits": _named({"anyOf": [*_NUMBER["anyOf"], threshold]}),
                "options": _named({"type": "boolean"}),
                "territories": {
                    "type": "object",
                    "propertyNames": {"pattern": "^[A-Z]{2}$"},
                    "additionalProperties": {"type": "string", "pattern": "^[A-Z]{2}$"},
                },
                "screening": _table(
                    {
                        "possible": _SCORE,
                        "match": _SCORE,
                        "lists": {"type": "object", "additionalProperties": band},
                        "kinds": _table(dict.fromkeys(map(str, PartyKind), band)),
                        "pairs": {"type": "object", "additionalProperties": band},
                    },
                    needed=("possible", "match"),
                ),
                "rule": {"type": "array", "items": _rule()},
                "route": {"type": "array", "items": _route()},
            }
        ),
    }


def cases_schema() -> dict[str, Any]:
    """Return the schema of a file of cases."""
    facts, base = _facts(), _facts()
    base["properties"]["unknown"] = _paths()
    resembled = _table(
        {"list": _TEXT, "kind": _choice(PartyKind), "score": {"type": "number", "minimum": 0, "maximum": 1}},
        needed=("list", "score"),
    )
    grant = _table(
        {"id": _TEXT, "rules": _TEXTS, "budget": _NUMBER, "outcome": {"enum": ["escalate", "block"]}},
        needed=("budget",),
    )
    case = _table(
        {
            "name": _TEXT,
            "as_of": {"type": "string", "description": "a day, which stands for its noon (UTC), or a moment"},
            "facts": facts,
            "unknown": _paths(),
            "options": _named({"type": "boolean"}),
            "limits": _named(_NUMBER),
            "grant": grant,
            "resembled": {"type": "array", "items": resembled},
            "outcome": _choice(Outcome),
            "rules": _TEXTS,
            "noted": _TEXTS,
        },
        needed=("name", "outcome"),
    )
    return {
        "$schema": _DIALECT,
        "title": "Cases of a policy of kyc_gate",
        **_table({"base": base, "case": {"type": "array", "items": case}}),
    }


def _head() -> dict[str, Any]:
    return _table(
        {
            "name": _TEXT,
            "revision": {"type": "integer", "minimum": 1},
            "about": _TEXT,
            "status": _choice(LegalStatus),
            "disclosure": _choice(Disclosure),
            "extends": _TEXTS,
            "accepts": {"type": "array", "items": {"enum": list(WARNINGS)}},
        },
        needed=("name", "revision", "about", "status"),
    )


def _rule() -> dict[str, Any]:
    return _table(
        {
            "id": {"type": "string", "pattern": _RULE},
            "title": _TEXT,
            "when": {**_TEXT, "description": "a condition in CEL over the facts of docs/facts.md", "maxLength": 4000},
            "then": {"enum": ["escalate", "block"]},
            "cites": {**_TEXTS, "minItems": 1},
            "status": _choice(LegalStatus),
            "mode": _choice(Mode),
            "overridable": {"type": "boolean"},
            "four_eyes": {"type": "boolean"},
            "because": {**_TEXT, "description": "the reason, with facts in braces"},
            "runbook": _TEXT,
            "effective_from": _DAY,
            "effective_to": _DAY,
            "period": _TEXT,
            "replaces": {"type": "string", "pattern": _RULE},
            "accepts": {"type": "array", "items": {"enum": list(WARNINGS)}},
        },
        needed=("id", "title", "when", "then", "cites", "status", "because"),
    )


def _route() -> dict[str, Any]:
    listed = {**_TEXTS, "minItems": 1}
    return _table(
        {
            "name": _TEXT,
            "mode": _choice(Mode),
            "rules": {"type": "array", "items": {"type": "string", "pattern": _RULE}, "minItems": 1},
            "providers": listed,
            "services": listed,
            "operations": listed,
            "kinds": {"type": "array", "items": _choice(RequestKind), "minItems": 1},
            "accepts": {"type": "array", "items": {"enum": list(WARNINGS)}},
        },
        needed=("name", "mode"),
    )


def _facts() -> dict[str, Any]:
    """Facts by room, as TOML nests dotted keys."""
    rooms: dict[str, Any] = {}
    for path, fact in vocabulary().items():
        room, _, name = path.partition(".")
        if not name:
            rooms[room] = _fact(fact)
        else:
            rooms.setdefault(room, _table({}))["properties"][name] = _fact(fact)
    return _table(rooms)


def _fact(fact: Fact) -> dict[str, Any]:
    kinds: Mapping[Type, Mapping[str, Any]] = {
        Type.BOOLEAN: {"type": "boolean"},
        Type.NUMBER: {"type": "number"},
        Type.TEXT: {"enum": list(fact.values)} if fact.values else {"type": "string"},
        Type.COUNTRY: {"type": "string", "pattern": "^[A-Z]{2}$"},
        Type.MOMENT: {"type": "string"},
        Type.TEXTS: _TEXTS,
        Type.COUNTRIES: {"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{2}$"}},
    }
    return {**kinds[fact.type], "description": fact.meaning}


def _paths() -> dict[str, Any]:
    return {"type": "array", "items": {"enum": [path for path, fact in vocabulary().items() if fact.nullable]}}


def _table(properties: Mapping[str, Any], needed: tuple[str, ...] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**made, "required": list(needed)} if needed else made


def _named(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": _NAME}, "additionalProperties": value}


def _choice(kind: type[StrEnum]) -> dict[str, Any]:
    return {"enum": [str(one) for one in kind]}
