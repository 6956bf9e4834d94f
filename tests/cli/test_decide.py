"""`kyc-gate decide`: requests from a file under a policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.storage.gleif import load_register
from tests.ownership.gleif.published import json_of, lei
from tests.storage.test_gleif import LEVEL1, RELATIONS

from .conftest import Ran

AT_HOME: dict[str, Any] = {
    "name": "Fjordlys Robotikk AS",
    "headquarters": "Norway",
    "location": "NO",
    "ultimate_parent": {"is_self": True},
    "owners": [],
    "military_end_use": False,
    "wmd_end_use": False,
}
ELSEWHERE = {**AT_HOME, "name": "Qasr Compute FZ-LLC", "headquarters": "AE", "location": "AE"}
IN_CHINA = {**AT_HOME, "name": "Yunheng Simulation Co., Ltd.", "headquarters": "China", "military_end_use": True}


def training(chips: int, **more: Any) -> dict[str, Any]:
    """Return a request to train on H100 for thirty days."""
    machines = {"accelerators": [{"model": "H100", "count": chips}], "duration_hours": 720}
    return {**machines, "workload": "pre_training", "account": "a-1", **more}


def decided(kyc_gate: Callable[..., Ran], policy: str, *lines: dict[str, Any], more: tuple[str, ...] = ()) -> Ran:
    """Run the command over the lines."""
    return kyc_gate("decide", "--policy", policy, "--input", "-", *more, given="\n".join(map(json.dumps, lines)))


def test_the_shape_is_the_one_that_other_programs_read(kyc_gate: Callable[..., Ran]) -> None:
    """An answer holds id, outcome, findings with rule, outcome, reason and citations, the policy, and a digest."""
    ran = decided(kyc_gate, "us-ai-diffusion", {"id": "x", "request": training(16_384), "party": ELSEWHERE})
    (row,) = ran.rows
    assert ran.status == 0
    assert list(row) == ["id", "outcome", "findings", "policy", "facts_digest"]
    assert (row["id"], row["outcome"], row["policy"]) == ("x", "escalate", "us-ai-diffusion@1")
    (finding,) = row["findings"]
    assert list(finding) == ["rule", "outcome", "reason", "cites"]
    assert (finding["rule"], finding["outcome"]) == ("red-flag-28", "escalate")
    assert "US-AIDR-03" in finding["cites"]
    assert len(row["facts_digest"]) == 64


@pytest.mark.parametrize(
    ("policy", "request_", "party", "outcome"),
    [
        pytest.param("us-ai-diffusion", training(64), AT_HOME, "allow", id="small-at-home"),
        pytest.param("us-ai-diffusion", training(16_384), AT_HOME, "allow", id="near-frontier-at-home"),
        pytest.param("us-ai-diffusion", training(64), ELSEWHERE, "allow", id="small-elsewhere"),
        pytest.param("us-ai-diffusion", training(16_384), ELSEWHERE, "escalate", id="near-frontier-elsewhere"),
        pytest.param(
            "us-ai-diffusion", training(16_384, workload="inference"), ELSEWHERE, "allow", id="inference-elsewhere"
        ),
        pytest.param("us-ai-diffusion", training(16_384), None, "escalate", id="nobody-on-file"),
        pytest.param(
            "us-ai-diffusion",
            training(16_384),
            {**AT_HOME, "ultimate_parent": {"name": "P", "headquarters": "Singapore"}},
            "escalate",
            id="parent-elsewhere",
        ),
        pytest.param(
            "us-ai-diffusion", training(16_384), {**AT_HOME, "headquarters": "Remote"}, "escalate", id="unknown-place"
        ),
        pytest.param("us-in-force", training(64), IN_CHINA, "block", id="d5-military-training"),
        pytest.param("us-in-force", training(64), AT_HOME, "allow", id="in-force-at-home"),
    ],
)
def test_outcomes_follow_the_policy(
    policy: str,
    request_: dict[str, Any],
    party: dict[str, Any] | None,
    outcome: str,
    kyc_gate: Callable[..., Ran],
) -> None:
    """The outcome is the policy's, from the request and the party alone."""
    line = {"id": 1, "request": request_, **({"party": party} if party else {})}
    assert decided(kyc_gate, policy, line).rows[0]["outcome"] == outcome


def test_earlier_usage_counts(kyc_gate: Callable[..., Ran]) -> None:
    """Earlier usage is added: a small request on top of much escalates, and so does not knowing."""
    small = {"request": training(64), "party": ELSEWHERE}
    ran = decided(kyc_gate, "us-ai-diffusion", small, {**small, "usage": {"used": 9.99e24}}, {**small, "usage": None})
    assert [row["outcome"] for row in ran.rows] == ["allow", "escalate", "escalate"]


def test_the_date_matters(kyc_gate: Callable[..., Ran]) -> None:
    """The same line is decided by the rules in force on `--as-of`: before 2025-01-13 there was no red flag 28."""
    line = {"request": training(16_384), "party": ELSEWHERE}
    before = decided(kyc_gate, "us-ai-diffusion", line, more=("--as-of", "2025-01-12"))
    after = decided(kyc_gate, "us-ai-diffusion", line, more=("--as-of", "2025-01-13"))
    assert [before.rows[0]["outcome"], after.rows[0]["outcome"]] == ["allow", "escalate"]


def test_the_same_line_gives_the_same_answer(kyc_gate: Callable[..., Ran]) -> None:
    """With the clock fixed, two runs agree to the digest of the facts."""
    line = {"request": training(64), "party": AT_HOME}
    first, second = (decided(kyc_gate, "us-in-force", line, more=("--as-of", "2026-11-24")).out for _ in range(2))
    assert first == second


def test_lists_are_screened_and_must_be_fresh(tmp_path: Path, kyc_gate: Callable[..., Ran]) -> None:
    """With `--lists` a listed party is blocked; with old lists everybody waits; without lists the command says so."""
    file = tmp_path / "own.jsonl"
    file.write_text('{"id": "1", "name": "Sealed Machinery Works", "list": "SDN"}\n', encoding="utf-8")
    lines = [
        {"request": training(8), "party": {**AT_HOME, "name": name}} for name in ("Sealed Machinery Works", "Fjordlys")
    ]
    fresh = decided(kyc_gate, "us-in-force", *lines, more=("--lists", str(file)))
    assert [row["outcome"] for row in fresh.rows] == ["block", "allow"]
    assert fresh.err == ""
    stale = decided(kyc_gate, "us-in-force", *lines, more=("--lists", str(file), "--as-of", "2036-01-01"))
    assert [row["outcome"] for row in stale.rows] == ["block", "escalate"]
    assert "no `--lists`" in decided(kyc_gate, "us-in-force", *lines).err


def test_a_bad_line_leaves_the_others(kyc_gate: Callable[..., Ran]) -> None:
    """A line that cannot be read names its field and has no outcome; the others are decided; the status is 1."""
    good = {"id": "g", "request": training(64), "party": AT_HOME}
    bad = {"id": "b", "request": {**training(64), "duration_huors": 5}, "party": AT_HOME}
    ran = decided(kyc_gate, "us-ai-diffusion", bad, good)
    assert ran.status == 1
    assert "outcome" not in ran.rows[0]
    assert ran.rows[0]["field"] == "request.duration_huors"
    assert "did you mean `duration_hours`?" in ran.err
    assert ran.rows[1]["outcome"] == "allow"


def test_all_shows_what_is_not_enforced(kyc_gate: Callable[..., Ran]) -> None:
    """`--all` adds findings of observing rules, marked as not counting."""
    line = {"request": training(16_384), "party": AT_HOME}
    (row,) = decided(kyc_gate, "us-ai-diffusion", line, more=("--all",)).rows
    assert row["outcome"] == "allow"
    assert {finding["rule"]: finding["counts"] for finding in row["findings"]}["diffusion-not-enforced"] is False


def test_an_unknown_policy_is_one_line(kyc_gate: Callable[..., Ran]) -> None:
    """A policy that is not there is an error of one line."""
    ran = decided(kyc_gate, "us-in-farce", {"request": training(1)})
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.count("\n") == 1


def test_several_policies_decide_together_in_any_order(kyc_gate: Callable[..., Ran]) -> None:
    """The worst outcome counts in either order, and the answer names the policies in the order given."""
    line = {"id": "x", "request": training(64), "party": IN_CHINA}
    first, second = ("us-in-force", "us-ai-diffusion"), ("us-ai-diffusion", "us-in-force")
    rows = []
    for order in (first, second):
        ran = decided(kyc_gate, order[0], line, more=("--policy", order[1]))
        assert ran.status == 0, ran.err
        (row,) = ran.rows
        assert row["policy"] == ", ".join(f"{name}@1" for name in order)
        rows.append(row)
    assert [row["outcome"] for row in rows] == ["block", "block"]
    rules = [{finding["rule"] for finding in row["findings"]} for row in rows]
    assert rules[0] == rules[1]
    twice = decided(kyc_gate, "us-in-force", line, more=("--policy", "us-in-force"))
    assert twice.status == 1
    assert "stands 2 times" in twice.err


@pytest.fixture
def register(tmp_path: Path) -> str:
    """An LEI register: Fjord Analytics of Oslo, below a holding of Oslo, below one of Shenzhen."""
    files = {"lei2.json": json_of(LEVEL1), "rr.json": json_of(RELATIONS)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    load_register(tmp_path / "leis.db", [tmp_path / name for name in files])
    return str(tmp_path / "leis.db")


UNSAID = {**{key: value for key, value in AT_HOME.items() if key != "ultimate_parent"}, "name": "Fjord Analytics AS"}
"""A party that says nothing of its parent."""


@pytest.mark.parametrize(
    ("party", "reason"),
    [
        pytest.param({**UNSAID, "name": "Fjord", "lei": lei(1)}, "NO/CN", id="by-lei"),
        pytest.param({**UNSAID, "name": "Fjord Analytica AS"}, "parent.headquarters unknown", id="another-name"),
        pytest.param({**UNSAID, "name": "fjord analytics as"}, "NO/CN", id="by-name-and-country"),
        pytest.param(
            {**UNSAID, "headquarters": "SE", "location": "SE"}, "parent.headquarters unknown", id="name-of-elsewhere"
        ),
        pytest.param({**UNSAID, "lei": lei(1), "headquarters": None}, "NO/CN", id="headquarters-from-the-register"),
    ],
)
def test_a_party_takes_its_parents_from_the_register(
    party: dict[str, Any], reason: str, register: str, kyc_gate: Callable[..., Ran]
) -> None:
    """With `--register` a party with an LEI, or one of its exact name and country, has the parents reported there."""
    line = {"request": training(16_384), "party": party}
    asked = decided(kyc_gate, "us-ai-diffusion", line, more=("--register", register)).rows[0]
    alone = decided(kyc_gate, "us-ai-diffusion", line).rows[0]
    assert reason in " ".join(each["reason"] for each in asked["findings"]), asked
    assert "CN" not in " ".join(each["reason"] for each in alone["findings"])
    assert {asked["outcome"], alone["outcome"]} == {"escalate"}


def test_the_register_is_no_way_to_a_pass_that_contradicts_it(register: str, kyc_gate: Callable[..., Ran]) -> None:
    """A party that says it has no parent, where the register reports one abroad, waits for a person."""
    line = {"request": training(16_384), "party": {**AT_HOME, "lei": lei(1)}}
    assert decided(kyc_gate, "us-ai-diffusion", line).rows[0]["outcome"] == "allow"
    told = decided(kyc_gate, "us-ai-diffusion", line, more=("--register", register)).rows[0]
    assert told["outcome"] == "escalate"


def test_a_register_that_is_none_is_told(tmp_path: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A file that is no register fails the command in one line that names the option and the fix."""
    (tmp_path / "no.db").write_text("no register", encoding="utf-8")
    for name in ("no.db", "none.db"):
        ran = decided(kyc_gate, "us-in-force", {"request": training(8)}, more=("--register", str(tmp_path / name)))
        assert (ran.status, ran.out) == (1, "")
        assert "`--register`" in ran.err
        assert "owners pull" in ran.err
