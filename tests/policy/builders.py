"""Small policies and facts for tests of the policy and decide rooms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from kyc_gate.model.facts import Facts
from kyc_gate.policy.expressions import Groups, Value, compile_condition
from kyc_gate.policy.names import Constants
from kyc_gate.policy.read import shipped_policies
from kyc_gate.policy.source import Problem, read_source
from kyc_gate.policy.syntax import ConditionError, parse_condition
from kyc_gate.policy.tables import Table
from kyc_gate.policy.typecheck import check_condition
from kyc_gate.policy.written_facts import Written, build_facts, read_facts

CONSTANTS = Constants(
    limits=MappingProxyType({"frontier_operations": 10**26, "half": 10**26 // 2}),
    options=MappingProxyType({"strict": True, "lenient": False}),
    groups=MappingProxyType({"north": "the north"}),
)
GROUPS: Groups = MappingProxyType({"north": frozenset({"NO", "SE"})})

POLICY = """
[policy]
name = "small"
revision = 1
about = "A policy for tests."
status = "operator"

[[rule]]
id = "first"
title = "A first rule"
when = "chips.count > 100"
then = "escalate"
cites = ["OPERATOR-01"]
status = "operator"
because = "{customer.name} asks for {chips.count} chips"
"""


def base_facts() -> Written:
    """Return the ordinary customer of the shipped cases, by dotted path."""
    problems: list[Problem] = []
    source = read_source(shipped_policies() / "gate-base" / "policy.cases.toml", "base", problems)
    assert source is not None
    values = dict(source.table["base"])
    table = Table({"unknown": values.pop("unknown"), "facts": values}, source, problems)
    written = read_facts(table, "facts", "unknown")
    assert not problems
    return written


_BASE = base_facts()


def facts(changes: dict[str, object] | None = None, **more: object) -> Facts:
    """Return the facts of the ordinary customer with `changes` by dotted path, and a grant among `more`."""
    return build_facts({**_BASE, **(changes or {})}, **more)


def ask(text: str, changes: dict[str, object] | None = None) -> Value:
    """Return what the condition `text` says to the ordinary customer with `changes`."""
    node = parse_condition(text)
    assert [str(problem) for problem in check_condition(node, CONSTANTS)] == []
    return compile_condition(node, CONSTANTS)(facts(changes), GROUPS, ())


def wrong(text: str) -> list[str]:
    """Return everything that is wrong with the condition `text`."""
    try:
        node = parse_condition(text)
    except ConditionError as error:
        return [str(error)]
    return [str(problem) for problem in check_condition(node, CONSTANTS)]


def write_policy(folder: Path, text: str = POLICY, name: str = "policy.toml") -> Path:
    """Write a policy file into `folder`, which is made, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
