"""Routes beside the tools: what is milder on a route is told, found, proved and replayed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from policy.builders import POLICY, facts, write_policy

from kyc_gate.decide.cases import run_case
from kyc_gate.policy.cases import read_cases
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.coverage import coverage
from kyc_gate.tuning.difference import difference, sets_lenient
from kyc_gate.tuning.replay import Replay, read_recorded
from kyc_gate.tuning.warnings import review

from .test_backtest import recorded

BASE = facts()
RULE = POLICY[POLICY.index("[[rule]]") :]
RULES = (
    POLICY
    + RULE.replace('"first"', '"second"').replace("> 100", "> 200").replace('"escalate"', '"block"')
    + RULE.replace('"first"', '"third"').replace("chips.count > 100", "account.known == false")
    + 'mode = "observe"\n'
)
ROUTES = """
[[route]]
name = "trial"
mode = "warn"
rules = ["first"]
operations = ["CreateCluster"]
kinds = ["create"]

[[route]]
name = "strict"
mode = "enforce"
rules = ["third"]
providers = ["aws"]
kinds = ["create", "start"]
"""


def read(tmp_path: Path, name: str, text: str) -> Policy:
    return read_policy(write_policy(tmp_path / name / "small", text))


MOVED = "a strict route elsewhere"
"""More lenient where it was, and stricter where it is now."""


def loosened() -> Iterator[tuple[str, str]]:
    """The routes with one leniency planted, and a name for it."""
    yield "a mode lowered", ROUTES.replace('mode = "warn"', 'mode = "observe"').replace('"enforce"', '"warn"')
    yield "an operation added", ROUTES.replace('["CreateCluster"]', '["CreateCluster", "ResizeCluster"]')
    yield "a rule added", ROUTES.replace('rules = ["first"]', 'rules = ["first", "second"]')
    yield "every rule", ROUTES.replace('rules = ["first"]\n', "")
    yield "a condition left out", ROUTES.replace('kinds = ["create"]\n', "")
    yield "a strict route narrowed", ROUTES.replace('kinds = ["create", "start"]', 'kinds = ["create"]')
    yield MOVED, ROUTES.replace('["aws"]', '["azure"]')
    yield "a strict route gone", ROUTES[: ROUTES.index('[[route]]\nname = "strict"')]
    wide = '\n[[route]]\nname = "wide"\nmode = "off"\nservices = ["ec2"]\n'
    yield "a new route", ROUTES + wide


@pytest.mark.parametrize(("what", "text"), [pytest.param(*each, id=each[0]) for each in loosened()])
def test_a_leniency_on_a_route_is_found(tmp_path: Path, what: str, text: str) -> None:
    """`diff` has status 4, and a bundle needs the second signature; going back is only stricter."""
    assert text != ROUTES
    old, new = read(tmp_path, "old", RULES + ROUTES), read(tmp_path, "new", RULES + text)
    found = difference(old, new, BASE)
    assert found.status == 4, what
    assert any("on route" in str(word) for word in found.words)
    assert sets_lenient([old], [new], BASE) is not None
    assert difference(new, old, BASE).status == (4 if what == MOVED else 3)


def test_adding_a_milder_route_is_lenient_and_a_stricter_one_is_not(tmp_path: Path) -> None:
    """Against the policy without routes, the trial lets through and the strict route stops more."""
    bare = read(tmp_path, "bare", RULES)
    trial, strict = (
        ROUTES[: ROUTES.index('\n[[route]]\nname = "strict"')],
        ROUTES[ROUTES.index('\n[[route]]\nname = "s') :],
    )
    assert difference(bare, read(tmp_path, "trial", RULES + trial), BASE).status == 4
    assert difference(bare, read(tmp_path, "strict", RULES + strict), BASE).status == 3
    assert difference(bare, read(tmp_path, "same", RULES), BASE).status == 0


@pytest.mark.parametrize(("what", "text"), [pytest.param(*each, id=each[0]) for each in loosened()])
def test_a_leniency_on_a_route_is_refuted_and_the_way_back_proven(tmp_path: Path, what: str, text: str) -> None:
    """The solver shows a request on the route that is let through, and proves that the old routes let none more."""
    pytest.importorskip("z3", reason="the extra `prove` is not installed")
    from kyc_gate.tuning.proof import prove

    old, new = read(tmp_path, "old", RULES + ROUTES), read(tmp_path, "new", RULES + text)
    assert prove(old, new, BASE).examples, what
    assert prove(new, old, BASE).proven is (what != MOVED)


def test_a_replay_decides_on_routes_as_the_gate_does(tmp_path: Path) -> None:
    """Calls on and off routes, in any order, are replayed with the outcome and the rules of `decide`."""
    old, new = read(tmp_path, "old", RULES + ROUTES), read(tmp_path, "new", RULES)
    replay = Replay((old,), (new,))
    dice = random.Random(3)  # noqa: S311 - the same draw every time
    seen = set()
    for number in range(300):
        asked = facts(
            {
                "chips.count": dice.choice([50, 150, 250, None]),
                "account.known": dice.choice([True, False]),
                "request.provider": dice.choice(["aws", "generic"]),
                "request.operation": dice.choice(["CreateCluster", "RunInstances"]),
                "request.kind": dice.choice(["create", "resize"]),
            }
        )
        rulings = replay.rulings(read_recorded(recorded(asked, (old,), number)))
        for ruling, policy in zip(rulings, (old, new), strict=True):
            wanted = read_recorded(recorded(asked, (policy,), number))
            assert (ruling.outcome, ruling.rules) == (wanted.outcome, wanted.rules)
        seen.add(rulings)
    assert len(seen) > 5


def test_lint_tells_what_a_route_lowers(tmp_path: Path) -> None:
    """A milder route is a warning at its line, until it is accepted; one that changes nothing is told, too."""
    folder = write_policy(tmp_path / "small", RULES + ROUTES)
    today = date(2026, 11, 24)
    found = [one for one in review(folder, today, BASE).warnings if one.code in ("lowered", "idle")]
    assert [(one.rule, one.code) for one in found] == [("trial", "lowered")]
    line = (folder / "policy.toml").read_text().splitlines()[(found[0].line or 0) - 1]
    assert line == 'mode = "warn"'
    assert "1 rules are in mode warn there (first)" in found[0].message
    write_policy(folder, RULES + ROUTES.replace('name = "trial"', 'name = "trial"\naccepts = ["lowered"]'))
    assert not [one for one in review(folder, today, BASE).warnings if one.code == "lowered"]
    write_policy(
        folder, RULES + ROUTES.replace('rules = ["first"]', 'rules = ["second"]').replace('"warn"', '"enforce"')
    )
    assert [one.code for one in review(folder, today, BASE).warnings if one.rule == "trial"] == ["idle"]


def test_cases_are_asked_for_on_each_route(tmp_path: Path) -> None:
    """A rule that is in another mode on a route should find something there, in some case."""
    case = """
[[case]]
name = "on the route, it only tells"
facts = { chips.count = 150, request.operation = "%s", request.kind = "create" }
outcome = "%s"
%s = ["first"]
"""
    (tmp_path / "data").symlink_to(shipped_policies() / "data")
    shutil.copytree(shipped_policies() / "gate-base", tmp_path / "gate-base")
    text = (RULES + ROUTES).replace('status = "operator"\n', 'status = "operator"\nextends = ["../gate-base"]\n', 1)
    folder = write_policy(tmp_path / "small", text)
    for operation, outcome, how, met in (
        ("CreateCluster", "allow", "noted", True),
        ("Other", "escalate", "rules", False),
    ):
        write_policy(folder, case % (operation, outcome, how), "policy.cases.toml")
        cases = read_cases(folder)
        assert all(run_case(one).passed for one in cases)
        aims = {aim.what: aim.met for aim in coverage(read_policy(folder), cases, "small").aims if aim.rule == "first"}
        assert aims["fires it on route `trial`"] is met
