"""Several policies that decide together."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import combine, decide
from kyc_gate.errors import PolicyError
from kyc_gate.policy.cases import read_cases
from kyc_gate.policy.composition import check_composition
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import Adjustments, read_folder, read_policy, shipped_policies

from .builders import POLICY

PACKS = sorted(folder.parent.name for folder in shipped_policies().glob("*/policy.toml"))


def shipped(name: str) -> Policy:
    return read_policy(shipped_policies() / name)


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_packs_decide_together_in_every_order() -> None:
    """No id of one pack is taken by another, whatever stands first."""
    policies = [shipped(name) for name in PACKS]
    check_composition(policies)
    check_composition(policies[::-1])


def test_a_policy_stands_once() -> None:
    """The same policy named twice is a slip, and is refused."""
    with pytest.raises(PolicyError, match="`us-in-force` stands 2 times"):
        check_composition([shipped("us-in-force"), shipped("us-affiliates"), shipped("us-in-force")])


def test_one_id_is_one_rule(tmp_path: Path) -> None:
    """A rule with the id of another is refused with both policies named: an approval of one would cover the other."""
    mine = read_policy(written(tmp_path / "mine", POLICY.replace('id = "first"', 'id = "d5-training"')))
    with pytest.raises(
        PolicyError, match=r"policy `small`: rule `d5-training` is another one than in policy `us-in-force`"
    ):
        check_composition([shipped("us-in-force"), mine])


def test_what_two_policies_extend_is_one_rule() -> None:
    """Rules of a pack that two policies extend are the same rules in both, even under other limits."""
    stricter = read_policy(shipped_policies() / "us-affiliates", Adjustments(limits={"affiliate_share": 0}))
    check_composition([shipped("us-in-force"), stricter])


def test_the_worst_outcome_counts_in_every_order() -> None:
    """On the cases of a pack, three packs decide the same in each order: outcome and findings, told in that order."""
    policies = [shipped(name) for name in ("us-in-force", "us-affiliates", "us-ai-diffusion")]
    for case in read_cases(shipped_policies() / "us-in-force")[::6]:
        request = request_of(case.facts)
        decided = {policy.reference.name: decide(request, case.facts, policy) for policy in policies}
        worst = max(each.outcome.severity for each in decided.values())
        found = set()
        for order in itertools.permutations(policies):
            decision = combine([decided[policy.reference.name] for policy in order])
            assert decision.outcome.severity == worst
            assert decision.policies == tuple(policy.reference for policy in order)
            found.add(frozenset(finding.rule for finding in decision.findings))
            rules = [finding.rule for finding in decision.findings]
            assert len(rules) == len(set(rules))
        assert len(found) == 1


BASE = """
[policy]
name = "{name}"
revision = 1
about = "A policy."
status = "operator"
{extends}
[limits]
{limits}
[[rule]]
id = "{name}"
title = "A rule"
when = "chips.count > limits.most"
then = "escalate"
cites = ["OPERATOR-01"]
status = "operator"
because = "{{chips.count}} chips"
"""


def pack(folder: Path, name: str, limits: str, *extends: str) -> Path:
    listed = ", ".join(f'"../{other}"' for other in extends)
    return written(folder / name, BASE.format(name=name, limits=limits, extends=f"extends = [{listed}]"))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_order_alone_sets_no_limit(tmp_path: Path, order: tuple[str, str]) -> None:
    """Packs that set a limit differently are refused in either order, until the policy that takes them in sets it."""
    pack(tmp_path, "a", "most = 3")
    pack(tmp_path, "b", "most = 5")
    (problem,) = read_folder(pack(tmp_path, "mine", "", *order)).problems
    assert "limit `most` differs between" in str(problem)
    assert str(problem).endswith("set it here")
    policy = read_policy(pack(tmp_path, "mine", "most = 4", *order))
    assert policy.limits["most"] == 4
    assert [rule.id for rule in policy.rules] == [*order, "mine"]


def test_a_policy_may_set_what_it_extends_otherwise(tmp_path: Path) -> None:
    """What extends stands above what is extended, at any distance."""
    pack(tmp_path, "a", "most = 3")
    pack(tmp_path, "b", "most = 5", "a")
    assert read_policy(pack(tmp_path, "mine", "", "b", "a")).limits["most"] == 5
