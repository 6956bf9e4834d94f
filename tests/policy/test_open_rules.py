"""Rules that are left out for some facts: only those that are sure to be false, and never a moment too long."""

from __future__ import annotations

from pathlib import Path

import pytest
from decide.test_reference import random_facts
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.model.facts import Facts
from kyc_gate.policy import open_rules
from kyc_gate.policy.policy import Edition
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.boundaries import with_facts

from .builders import POLICY, facts, write_policy

PACKS = {name: read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion")}


def edition_of(folder: Path, when: str) -> Edition:
    """The edition of a policy of one rule."""
    text = POLICY.replace("chips.count > 100", when.replace('"', '\\"'))
    return read_policy(write_policy(folder / "small", text)).editions[-1]


def left_out(edition: Edition, given: Facts) -> bool:
    return not edition.open_rules.of(given)


@settings(max_examples=12)
@given(data=st.data())
@pytest.mark.parametrize("name", PACKS)
def test_what_is_left_out_is_false(name: str, data: st.DataObject) -> None:
    """Asked in full, each rule that is left out answers false; the others stand in their order."""
    edition = PACKS[name].editions[-1]
    given_facts = data.draw(random_facts(["r"]))
    for _ in range(2):  # the second time it is remembered
        found = edition.open_rules.of(given_facts)
        asked = {rule.id for rule in found}
        assert [rule.id for rule in edition.rules if rule.id in asked] == [rule.id for rule in found]
        for rule in edition.rules:
            if rule.id not in asked:
                assert rule.condition(given_facts, edition.groups, ()) is False


def test_a_change_is_seen_at_once(tmp_path: Path) -> None:
    """Another country, another machine or another amount opens a rule that was left out a moment ago."""
    edition = edition_of(tmp_path, 'customer.headquarters == "CN" && chips.count > 8 && operations.projected > 5')
    home = facts({"customer.headquarters": "NO", "chips.count": 9, "operations.projected": 6})
    assert left_out(edition, home)
    assert left_out(edition, home)
    assert not left_out(edition, changed(home, "customer.headquarters", "CN"))
    assert not left_out(edition, changed(home, "customer.headquarters", None))
    assert left_out(edition, home)
    moved = changed(home, "customer.headquarters", "CN")
    assert left_out(edition, changed(moved, "chips.count", 8))
    assert not left_out(edition, changed(moved, "operations.projected", 1))


def test_amounts_are_always_asked(tmp_path: Path) -> None:
    """A rule that asks after nothing but amounts is never left out, whatever was found before."""
    edition = edition_of(tmp_path, "operations.projected > 5")
    for amount in (1, 10, None):
        assert not left_out(edition, facts({"operations.projected": amount}))


@pytest.mark.parametrize("wrong", [1, 1.0, "true", float("nan")])
def test_a_fact_of_a_wrong_type_is_always_asked(tmp_path: Path, wrong: object) -> None:
    """What is equal and not the same stands for nothing that was found: the rule is asked, and can fail."""
    edition = edition_of(tmp_path, "!evidence.occupied && operations.projected > 5")
    given_facts = facts({"evidence.occupied": True, "operations.projected": 6})
    assert left_out(edition, given_facts)
    assert not left_out(edition, changed(given_facts, "evidence.occupied", wrong))
    assert not left_out(edition, changed(given_facts, "operations.projected", "many"))
    assert left_out(edition, given_facts)


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers choose what they ask for, so what is remembered has an end; answers stay right beyond it."""
    monkeypatch.setattr(open_rules, "MOST_REMEMBERED", 10)
    edition = edition_of(tmp_path, "chips.count > 100")
    for count in range(300):
        assert left_out(edition, facts({"chips.count": count})) is (count <= 100)
        assert sum(map(len, edition.open_rules._remembered.values())) <= 10


def changed(given_facts: Facts, path: str, value: object) -> Facts:
    """The facts with one of them changed, to a wrong type where the test asks for it."""
    return with_facts(given_facts, {path: value})
