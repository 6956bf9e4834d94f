"""Decisions on record made again: as the gate makes them, whatever is remembered on the way."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from kyc_gate.audit.record import body_of
from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import combine, decide
from kyc_gate.model.decision import Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import plain
from kyc_gate.policy.cases import ordinary_facts, read_cases
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.backtest import Backtest
from kyc_gate.tuning.replay import Replay, read_recorded

NAMES = ("us-in-force", "us-ai-diffusion")
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)


@pytest.fixture(scope="module")
def shipped() -> tuple[Policy, ...]:
    return tuple(read_policy(shipped_policies() / name) for name in NAMES)


@pytest.fixture(scope="module")
def facts() -> list[Facts]:
    """The facts of every case of both packs: grants, unknown facts, dates and resemblances among them."""
    return [case.facts for name in NAMES for case in read_cases(shipped_policies() / name)]


def recorded(facts: Facts, policies: tuple[Policy, ...], number: int = 1, **request: object) -> str:
    """The body of a decision's record, as the gate writes it."""
    asked = replace(request_of(facts), fingerprint=f"{number:064x}", **request)  # type: ignore[arg-type]
    decision = combine([decide(asked, facts, policy) for policy in policies])
    return body_of(
        {
            "type": "decision",
            "decision_id": f"dec_{number}",
            "at": facts.as_of.isoformat(),
            "acted": "pass" if decision.outcome is Outcome.ALLOW else "refuse",
            "request": plain(asked),
            "facts": plain(facts),
            "decision": plain(decision),
            "hold_id": None,
            "grant_id": None,
        }
    )


def varied(facts: Facts, dice: random.Random) -> Facts:
    """The same party a little later, with another amount on the ledger, and lists of another age."""
    operations = replace(facts.operations, projected=dice.randrange(10**24, 3 * 10**26), used=dice.randrange(10**26))
    screening = replace(facts.screening, age_hours=dice.choice([0.5, 3.25, None]))
    later = facts.as_of + timedelta(seconds=dice.randrange(3_600))
    return replace(facts, as_of=later, operations=operations, screening=screening)


def test_it_decides_as_the_gate_does(shipped: tuple[Policy, ...], facts: list[Facts]) -> None:
    """On the facts of every case, and on variations of them, outcome and rules are those of `decide`."""
    dice = random.Random(11)  # noqa: S311 - the same draw every time
    replay = Replay(shipped)
    given = [*facts, *(varied(dice.choice(facts), dice) for _ in range(300))]
    for number, each in enumerate(given):
        found = read_recorded(recorded(each, shipped, number))
        (ruling,) = replay.rulings(found)
        assert (ruling.outcome, ruling.rules) == (found.outcome, found.rules), number


def test_lines_of_a_policy_are_drawn(facts: list[Facts], tmp_path: Path) -> None:
    """A policy that draws lines of its own is replayed with them."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    file = packs / "us-in-force" / "policy.toml"
    file.write_text(file.read_text() + "\n[screening]\npossible = 0.5\nmatch = 0.6\n")
    lined = (read_policy(packs / "us-in-force"),)
    backtest = Backtest(lined, lined)
    for number, each in enumerate(facts):
        backtest.take(recorded(each, lined, number))
    report = backtest.report(since=SINCE, until=UNTIL)
    assert report.determinism.checked == report.determinism.same == len(facts)


def test_the_same_policies_give_what_is_on_record(shipped: tuple[Policy, ...], facts: list[Facts]) -> None:
    """Nothing changes under the same policies, and every decision is found as it is on record."""
    backtest = Backtest(shipped, shipped)
    for number, each in enumerate(facts):
        backtest.take(recorded(each, shipped, number))
    report = backtest.report(since=SINCE, until=UNTIL)
    assert report.status == 0
    assert report.coverage.replayed == len(facts)
    assert report.determinism.same == report.determinism.checked == len(facts)
    assert report.examples == ()


def test_a_record_that_says_otherwise_is_told(shipped: tuple[Policy, ...]) -> None:
    """A recorded outcome that the same policies do not give again is counted and named."""
    body = recorded(ordinary_facts(), shipped)
    content = json.loads(body)
    assert content["decision"]["outcome"] == "allow"
    content["decision"]["outcome"] = "block"
    backtest = Backtest(shipped, shipped)
    backtest.take(body_of(content))
    found = backtest.report(since=SINCE, until=UNTIL).determinism
    assert (found.checked, found.same, found.differing) == (1, 0, ("dec_1",))


def test_what_cannot_be_replayed_is_counted_by_reason(shipped: tuple[Policy, ...]) -> None:
    """Facts of another release, and damaged records, are left out and said to be."""
    other = json.loads(recorded(ordinary_facts(), shipped, 2))
    other["facts"]["customer"]["aura"] = "green"
    newer = json.loads(recorded(ordinary_facts(), shipped, 3))
    newer["facts"]["omens"] = {"birds": 3}
    lacking = json.loads(recorded(ordinary_facts(), shipped, 4))
    del lacking["decision"]
    backtest = Backtest(shipped, shipped)
    for body in (
        recorded(ordinary_facts(), shipped),
        body_of(other),
        body_of(newer),
        body_of(lacking),
        '{"at":"2026","type":"decision"}',
        '{"facts":"\\ud800',
    ):
        backtest.take(body)
    coverage = backtest.report(since=SINCE, until=UNTIL).coverage
    assert (coverage.decisions, coverage.replayed) == (6, 1)
    assert coverage.reasons == {
        "its facts are of another release": 2,
        "its record is of another release": 2,
        "the record is damaged": 1,
    }


def test_half_a_surrogate_is_replayed(shipped: tuple[Policy, ...]) -> None:
    """A name that is no text to most readers is on record all the same, and is replayed."""
    odd = replace(ordinary_facts(), customer=replace(ordinary_facts().customer, name="Fjord \ud800 AS"))
    backtest = Backtest(shipped, shipped)
    backtest.take(recorded(odd, shipped))
    assert backtest.report(since=SINCE, until=UNTIL).determinism.same == 1


def test_a_looser_candidate_is_found_with_its_rules_and_examples(shipped: tuple[Policy, ...], tmp_path: Path) -> None:
    """Decisions that a candidate would let through are counted by day and rule, with examples to look at."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    file = packs / "us-ai-diffusion" / "policy.toml"
    text = file.read_text()
    assert "approach_share = 0.10" in text
    file.write_text(text.replace("approach_share = 0.10", "approach_share = 0.50"))
    new = (shipped[0], read_policy(packs / "us-ai-diffusion"))
    base = ordinary_facts()
    abroad = replace(
        base,
        customer=replace(base.customer, headquarters="AE", location="AE"),
        parent=replace(base.parent, headquarters="AE", countries=("AE",)),
    )
    backtest = Backtest(shipped, new)
    for number in range(60):
        amount = 2 * 10**25 if number % 2 else 10**20
        given = replace(
            abroad,
            as_of=abroad.as_of + timedelta(days=number % 3),
            operations=replace(abroad.operations, projected=amount),
        )
        backtest.take(recorded(given, shipped, number))
    report = backtest.report(since=SINCE, until=UNTIL)
    assert report.status == 4
    assert report.lenient == 30
    assert [(day.decisions, day.old_cases - day.new_cases) for day in report.days] == [(20, 10)] * 3
    assert report.rules[0].old_only == 30
    assert 1 <= len(report.examples) <= 10
    assert all(example.new is Outcome.ALLOW for example in report.examples)
    assert Backtest(new, shipped).report(since=SINCE, until=UNTIL).status == 0


def test_one_request_sent_again_is_one_case_a_day(shipped: tuple[Policy, ...]) -> None:
    """Cases are told apart by what is asked for, as the gate opens them; dry runs open none."""
    held = replace(ordinary_facts(), customer=replace(ordinary_facts().customer, headquarters=None))
    backtest = Backtest(shipped, shipped)
    for _ in range(5):
        backtest.take(recorded(held, shipped, 1))
    dry = replace(held, request=replace(held.request, dry_run=True))
    backtest.take(recorded(dry, shipped, 2))
    (day,) = backtest.report(since=SINCE, until=UNTIL).days
    assert (day.decisions, day.old_cases, day.new_cases) == (6, 1, 1)
