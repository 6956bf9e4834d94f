"""Modes of rules on routes: which calls are on one, and what a rule does there."""

from __future__ import annotations

from pathlib import Path

import pytest

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.errors import PolicyError
from kyc_gate.model.decision import Finding, Mode, Outcome
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy

from .builders import POLICY, facts, write_policy

SECOND = POLICY[POLICY.index("[[rule]]") :].replace('"first"', '"second"').replace("> 100", "> 200")


def route(name: str, mode: str, *lines: str) -> str:
    return f'\n[[route]]\nname = "{name}"\nmode = "{mode}"\n' + "".join(f"{line}\n" for line in lines)


def policy(tmp_path: Path, *parts: str) -> Policy:
    return read_policy(write_policy(tmp_path / "small", POLICY + SECOND + "".join(parts)))


def findings(policy: Policy, operation: str = "CreateCluster", kind: str = "create") -> dict[str, Finding]:
    asked = facts({"chips.count": 300, "request.operation": operation, "request.kind": kind})
    return {finding.rule: finding for finding in decide(request_of(asked), asked, policy).findings}


def test_a_rule_is_in_another_mode_on_a_route(tmp_path: Path) -> None:
    """There its finding is recorded with the mode and the route; everywhere else it counts."""
    found = policy(tmp_path, route("trial", "warn", 'rules = ["first"]', 'operations = ["CreateCluster"]'))
    on, off = findings(found), findings(found, "ResizeCluster")
    assert (on["first"].mode, on["first"].counts, on["first"].route) == (Mode.WARN, False, "trial")
    assert (on["second"].mode, on["second"].counts, on["second"].route) == (Mode.ENFORCE, True, None)
    assert (off["first"].mode, off["first"].counts, off["first"].route) == (Mode.ENFORCE, True, None)


def test_a_route_without_rules_bears_on_all_and_only_lowers(tmp_path: Path) -> None:
    """A route that is new behind the gate only tells; what only observes anywhere does not tell there."""
    observing = SECOND.replace('"second"', '"third"') + 'mode = "observe"\n'
    found = policy(tmp_path, observing, route("new", "warn", 'kinds = ["create"]'))
    modes = {rule: (one.mode, one.route) for rule, one in findings(found).items()}
    assert modes == {"first": (Mode.WARN, "new"), "second": (Mode.WARN, "new"), "third": (Mode.OBSERVE, None)}
    asked = facts({"chips.count": 300, "request.operation": "CreateCluster", "request.kind": "create"})
    assert decide(request_of(asked), asked, found).outcome is Outcome.ALLOW


def test_every_list_of_a_route_must_fit(tmp_path: Path) -> None:
    """A call is on a route when it has a word of each list that is given."""
    found = policy(tmp_path, route("narrow", "off", 'operations = ["CreateCluster"]', 'kinds = ["resize"]'))
    assert findings(found)["first"].counts
    assert findings(found, kind="resize") == {}


def test_of_several_routes_the_strictest_counts(tmp_path: Path) -> None:
    """Whatever their order, no route takes away what another asks for."""
    routes = [
        route("wide", "off", 'kinds = ["create"]'),
        route("narrow", "warn", 'rules = ["first"]', 'operations = ["CreateCluster"]'),
    ]
    for order in (routes, routes[::-1]):
        found = findings(policy(tmp_path, *order))
        assert set(found) == {"first"}
        assert (found["first"].mode, found["first"].route) == (Mode.WARN, "narrow")


def test_a_rule_is_raised_on_a_route(tmp_path: Path) -> None:
    """A rule that is off, or only observed, elsewhere is enforced on the routes that say so."""
    for mode in ("off", "observe"):
        raised = SECOND.replace('"second"', '"third"') + f'mode = "{mode}"\n'
        more = route("strict", "enforce", 'rules = ["third"]', 'operations = ["CreateCluster"]')
        found = policy(tmp_path, raised, more)
        assert findings(found)["third"].counts
        assert "third" not in findings(found, "Other") or not findings(found, "Other")["third"].counts


def test_a_route_reaches_the_rules_of_what_the_policy_extends(tmp_path: Path) -> None:
    """The operator's own policy lowers a rule of a shipped one without a copy of it."""
    text = POLICY.replace('status = "operator"\n', 'status = "operator"\nextends = ["shipped:gate-base"]\n', 1)
    more = route("trial", "observe", 'rules = ["gate.unknown-account"]', 'providers = ["generic"]')
    found = read_policy(write_policy(tmp_path / "small", text + more))
    asked = facts({"account.known": False, "request.provider": "generic"})
    told = {finding.rule: finding for finding in decide(request_of(asked), asked, found).findings}
    rule = told["gate.unknown-account"]
    assert (rule.mode, rule.counts, rule.route) == (Mode.OBSERVE, False, "trial")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (route("r", "warn"), "a route says which calls are on it; add one of providers, services, operations, kinds"),
        (route("r", "warn", 'rules = ["frist"]', 'kinds = ["create"]'), "unknown rule `frist`; did you mean `first`?"),
        (route("r", "warn", 'kinds = ["craete"]'), "unknown kind of request `craete`; did you mean `create`?"),
        (route("r", "warm", 'kinds = ["create"]'), "`mode` is `warm`"),
        (route("r", "warn", 'operation = ["X"]'), "unknown key `operation`; did you mean `operations`?"),
        (route("r", "warn", "rules = []", 'kinds = ["create"]'), "`rules` names nothing"),
        (route("r", "enforce", 'kinds = ["create"]'), "mode `enforce` lowers nothing; name the `rules`"),
        (route("r", "warn", 'kinds = ["create"]') * 2, "several routes have this name"),
        ('\n[[route]]\nmode = "warn"\nkinds = ["create"]\n', "`name` is missing"),
    ],
)
def test_a_wrong_route_is_no_policy(tmp_path: Path, text: str, message: str) -> None:
    """Each error names the route's file and line, and what to write."""
    with pytest.raises(PolicyError) as caught:
        policy(tmp_path, text)
    assert message in str(caught.value)
    assert "small/policy.toml" in str(caught.value)


def test_what_must_not_be_enforced_is_not_enforced_on_a_route(tmp_path: Path) -> None:
    """Law that is rescinded is enforced nowhere, whatever a route says."""
    dead = SECOND.replace('"second"', '"third"').replace("OPERATOR-01", "EO-14110").replace('"operator"', '"rescinded"')
    cites = read_policy(write_policy(tmp_path / "any")).citations
    cite = next(one.id for one in cites.values() if one.status == "rescinded")
    text = dead.replace("EO-14110", cite) + 'mode = "observe"\n'
    assert policy(tmp_path, text).rules[-1].id == "third"
    with pytest.raises(PolicyError, match="law with status rescinded is not enforced"):
        policy(tmp_path, text, route("r", "enforce", 'rules = ["third"]', 'kinds = ["create"]'))
