"""RunPod's GraphQL, read by its words: what a document may do, whatever its aliases, fragments and variables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.values import digits, reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators

_TOKEN = re.compile(
    r'(?P<skip>[\s,\ufeff]+|\#[^\n\r]*)|(?P<text>"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*")'
    r"|(?P<name>[_A-Za-z][_0-9A-Za-z]*)|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(?P<sign>\.\.\.|[!$&():=@\[\]{|}])"
)

DEPLOYS = frozenset({"podFindAndDeployOnDemand", "podRentInterruptable", "podResume", "podBidResume", "podEditJob"})
"""Mutations that rent machines: of a pod, or of one that is there already."""

HARMLESS = frozenset(
    {"podStop", "podTerminate", "saveTemplate", "deleteTemplate", "updateUserSettings", "saveRegistryAuth"}
)
"""Mutations that rent nothing."""

MOST_TOKENS = 5_000
"""Words and signs of a document that is read."""


def read_document(body: Fields) -> tuple[list[Accelerators], list[str]] | None:
    """Return lines and what stays unresolved; None for a document that only queries, or whose mutations rent nothing.

    One deployment with its type and number written out, or given as variables, is read. Anything else that may rent,
    and a mutation with a fragment or with a variable's default, stays unresolved.
    Raises `RefusedCall` 400 for a document that cannot be read.
    """
    tokens = _tokens(body.text("query") or "")
    if ("name", "mutation") not in tokens and ("name", "subscription") not in tokens:
        return None
    hides = ("sign", "...") in tokens or ("sign", "=") in tokens
    words = [value for kind, value in tokens if kind == "name"]
    fields = [word for index, word in enumerate(words) if word in DEPLOYS]
    if not fields:
        known = HARMLESS & set(words)
        roots = _roots(tokens)
        return None if known and roots <= HARMLESS and not hides else ([], [reference("operation", "graphql-mutation")])
    if (
        hides
        or len(fields) > 1
        or _roots(tokens) != set(fields)
        or fields[0] not in ("podFindAndDeployOnDemand", "podRentInterruptable")
    ):
        return [], [reference("operation", fields[0])]
    return _deployment(tokens, body.part("variables"), fields[0])


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or len(found) > MOST_TOKENS:
            raise RefusedCall(400, "graphql", f"query is no GraphQL document near {shown(text[at : at + 20])}")
        at = token.end()
        if token.lastgroup not in (None, "skip"):
            found.append((str(token.lastgroup), token[0]))
    if not found:
        raise RefusedCall(400, "graphql", "query is empty; send one GraphQL document")
    return found


def _roots(tokens: list[tuple[str, str]]) -> set[str]:
    """Return the fields that stand at the outermost level of any operation or fragment, aliases left out."""
    found: set[str] = set()
    depth = inside = 0
    for index, (kind, value) in enumerate(tokens):
        if kind == "sign":
            depth += (value == "{" and not inside) - (value == "}" and not inside)
            inside += (value == "(") - (value == ")")
        is_alias = index + 1 < len(tokens) and tokens[index + 1] == ("sign", ":")
        if kind == "name" and depth == 1 and not inside and not is_alias:
            found.add(value)
    return found


def _deployment(tokens: list[tuple[str, str]], variables: Fields, field: str) -> tuple[list[Accelerators], list[str]]:
    named = {name: _argument(tokens, name, variables) for name in ("gpuTypeId", "gpuCount")}
    inputs = [home for _, home in _objects(variables.home)]
    for name in named:
        given = [home.value(name) for home in inputs if home.has(name)]
        if ("name", name) in tokens:
            named[name] = None if given else named[name]  # told twice, in the document and beside it
        elif len(given) == 1:
            named[name] = given[0]
    kind, number = named["gpuTypeId"], named["gpuCount"]
    if isinstance(number, str):
        number = digits(number, "gpuCount")
    if not isinstance(kind, str) or isinstance(number, bool) or not isinstance(number, int) or number < 1:
        return [], [reference("operation", field)]
    return [Accelerators(model=kind, count=number)], []


def _objects(home: Mapping[str, JsonValue]) -> list[tuple[str, Fields]]:
    return [(name, Fields(value, name)) for name, value in home.items() if isinstance(value, dict)]


def _argument(tokens: list[tuple[str, str]], name: str, variables: Fields) -> JsonValue:
    """Return the one value that the document gives to an argument, itself or by a variable."""
    places = [index for index, token in enumerate(tokens) if token == ("name", name)]
    values = [index for index in places if index + 2 < len(tokens) and tokens[index + 1] == ("sign", ":")]
    if len(values) != 1:
        return None
    kind, value = tokens[values[0] + 2]
    if kind == "text" and "\\" not in value and not value.startswith('"""'):
        return value[1:-1]
    if kind == "number":
        return value
    if value == "$" and values[0] + 3 < len(tokens):
        return variables.home.get(tokens[values[0] + 3][1])
    return None
