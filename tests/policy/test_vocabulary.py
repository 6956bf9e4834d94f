"""The closed vocabulary of facts and its page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.vocabulary import NOT_FOR_RULES, Fact, Type, nearest, vocabulary

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies.md"


def row(fact: Fact) -> str:
    """One line of the table of facts in `docs/policies.md`."""
    kind = f"{fact.type}, or unknown" if fact.nullable else str(fact.type)
    return f"| `{fact.path}` | {kind} | {fact.meaning} |"


@pytest.mark.parametrize("fact", vocabulary().values(), ids=lambda fact: fact.path)
def test_every_fact_is_documented(fact: Fact) -> None:
    """The page lists each fact with its type and meaning."""
    assert row(fact) in PAGE.read_text()


def test_the_page_lists_no_other_fact() -> None:
    """The table of facts holds exactly the vocabulary, in its order."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `") and line.count("|") == 4]
    facts = [line for line in rows if line.split("`")[1] in vocabulary() or "." in line.split("`")[1]]
    assert [line for line in facts if not line.startswith(("| `limits.", "| `options.", "| `groups."))] == [
        row(fact) for fact in vocabulary().values()
    ]


def test_every_leaf_of_the_record_is_a_fact() -> None:
    """What the record holds, a rule may name, but for what would let it undo a decision."""
    leaves = []
    for field in msgspec.structs.fields(Facts):
        inner = field.type
        if isinstance(inner, type) and issubclass(inner, Record):
            leaves += [f"{field.name}.{leaf.name}" for leaf in msgspec.structs.fields(inner)]
        else:
            leaves.append(field.name)
    assert [leaf for leaf in leaves if leaf not in NOT_FOR_RULES] == list(vocabulary())


def test_the_grant_is_no_fact_for_rules() -> None:
    """A rule that read the grant could undo it."""
    assert not any(path.startswith("grant") for path in vocabulary())


def test_types_come_from_the_record() -> None:
    """A country is a country, a count may be unknown, a flag may not."""
    assert vocabulary()["customer.headquarters"].type is Type.COUNTRY
    assert vocabulary()["chips.count"].nullable
    assert not vocabulary()["account.known"].nullable
    assert vocabulary()["screening.matched"].type is Type.TEXTS
    assert vocabulary()["as_of"].type is Type.MOMENT
    assert "pre_training" in vocabulary()["workload.kind"].values


def test_nothing_near_is_no_suggestion() -> None:
    """A suggestion is made only when one is near."""
    assert nearest("xyzzy", ["customer.name"]) == ""
    assert nearest("customer.nam", ["customer.name"]) == "; did you mean `customer.name`?"
