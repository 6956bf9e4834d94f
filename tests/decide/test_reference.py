"""The decision agrees with a naive second implementation, on random facts and on random policies."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.model.decision import Outcome
from kyc_gate.model.facts import Facts, GrantFacts
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.vocabulary import Fact, Type, vocabulary
from kyc_gate.policy.written_facts import build_facts

from . import reference

PACKS = sorted({folder.parent.name for folder in shipped_policies().glob("*/policy.toml")} - {"gate-base"})
COUNTRIES = ["NO", "US", "TW", "CN", "HK", "MO", "KH", "AE", "AT", "CD", "CG", "PR", "KP", "KR"]
LISTS = ["SDN", "EL", "DPL", "MEU", "UVL", "CAP", "EU"]
EDGES = [0, 1, 10**24 - 1, 10**24, 10**25 - 1, 10**25, 10**25 + 1, 10**26 - 1, 10**26, 10**26 + 1, 10**27]
MEASURES = [0.0, 0.01, 0.3, 0.4999, 0.5, 0.51, 1.0, 1599.9, 1600.0, 4800.0, 15832.0]
DAYS = [
    *[datetime(2025, 1, day, 12, tzinfo=UTC) for day in (12, 13)],
    *[datetime(2025, 5, day, 12, tzinfo=UTC) for day in (12, 13)],
    *[datetime(2025, 9, day, 12, tzinfo=UTC) for day in (28, 29)],
    *[datetime(2025, 11, day, 12, tzinfo=UTC) for day in (9, 10)],
    *[datetime(2026, 1, day, 12, tzinfo=UTC) for day in (14, 15)],
    *[datetime(2026, 2, day, 12, tzinfo=UTC) for day in (3, 4)],
    *[datetime(2026, 7, day, 12, tzinfo=UTC) for day in (9, 10)],
    *[datetime(2026, 11, day, 12, tzinfo=UTC) for day in (9, 10, 24)],
]


def values(fact: Fact) -> st.SearchStrategy[Any]:
    """Values of a fact: those at which something changes, and unknown where it can be."""
    if fact.values:
        found = st.sampled_from(fact.values)
    elif fact.type is Type.BOOLEAN:
        found = st.booleans()
    elif fact.type is Type.NUMBER and fact.exact:
        found = st.one_of(st.sampled_from(EDGES), st.integers(0, 10**27))
    elif fact.type is Type.NUMBER:
        found = st.one_of(st.sampled_from(MEASURES), st.floats(0, 20000, allow_nan=False))
    elif fact.type is Type.COUNTRY:
        found = st.sampled_from(COUNTRIES)
    elif fact.type is Type.TEXTS:
        found = st.lists(st.sampled_from(LISTS), max_size=3).map(tuple)
    elif fact.type is Type.COUNTRIES:
        found = st.lists(st.sampled_from(COUNTRIES), max_size=3).map(tuple)
    elif fact.type is Type.MOMENT:
        found = st.sampled_from(DAYS)
    else:
        found = st.sampled_from(["a", "b"])
    return st.one_of(st.none(), found) if fact.nullable else found


@st.composite
def random_facts(draw: st.DrawFn, rules: list[str], most: int = 8) -> Facts:
    written = {path: draw(values(fact)) for path, fact in vocabulary().items()}
    granted = st.lists(st.sampled_from(rules), max_size=most).map(tuple)
    budget = st.sampled_from(EDGES)
    outcome = st.sampled_from([Outcome.ESCALATE, Outcome.BLOCK])
    grants = st.builds(GrantFacts, id=st.just("g"), rules=granted, budget=budget, outcome=outcome)
    grant = draw(st.one_of(st.none(), grants))
    return build_facts(written, grant=grant)


@cache
def shipped(name: str) -> tuple[Policy, dict[str, Any]]:
    folder = shipped_policies() / name
    return read_policy(folder), reference.read_pack(folder)


def agree(facts: Facts, policy: Policy, pack: dict[str, Any]) -> None:
    decision = decide(request_of(facts), facts, policy)
    found = {(one.rule, str(one.kind), str(one.outcome), one.counts) for one in decision.findings}
    plain = msgspec.structs.asdict(facts)
    plain = {
        room: msgspec.structs.asdict(part) if hasattr(part, "__struct_fields__") else part
        for room, part in plain.items()
    }
    assert (str(decision.outcome), found) == reference.decide(plain, pack)


def test_shipped_policies_decide_as_the_reference() -> None:
    """On random facts around every threshold and date, outcome and findings are the same under every pack."""
    rules = sorted({rule.id for name in PACKS for rule in shipped(name)[0].rules})

    @settings(max_examples=60, deadline=None)
    @given(facts=random_facts(rules, most=len(rules)))
    def agrees(facts: Facts) -> None:
        for name in PACKS:
            agree(facts, *shipped(name))

    agrees()


CONDITIONS = [
    "chips.count > 1",
    "operations.projected >= limits.scale",
    "operations.projected * limits.share < operations.high - 1",
    "operations.likely / operations.used > 2",
    "customer.headquarters in groups.d5_or_macau",
    'customer.headquarters in ["NO", "HK"]',
    "customer.headquarters == parent.headquarters",
    "parent.headquarters == null",
    "operations.declared != null",
    "account.known",
    "indicators.military",
    "options.strict",
    "ownership.sdn_share >= limits.share",
    'screening.outcome == "match"',
    'screening.matched.exists(code, code == "SDN")',
    '"EL" in screening.possible',
    "place.use != place.data_centre",
    "true",
    "false",
]


def conditions() -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(CONDITIONS),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({' '.join(parts)})"),
            inner.map(lambda part: f"!({part})"),
            st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
        ),
        max_leaves=6,
    )


@st.composite
def policies(draw: st.DrawFn) -> str:
    text = '[policy]\nname = "random"\nrevision = 1\nabout = "Random."\nstatus = "operator"\n'
    share = draw(st.sampled_from(["0.3", "0.5", "1e-3"]))
    text += f"[limits]\nscale = {draw(st.sampled_from(EDGES))}\nshare = {share}\n"
    text += f"[options]\nstrict = {str(draw(st.booleans())).lower()}\n"
    for number in range(draw(st.integers(1, 5))):
        mode = "enforce" if number == 0 else draw(st.sampled_from(["off", "observe", "warn", "enforce"]))
        text += f"[[rule]]\nid = \"rule-{number}\"\ntitle = \"A rule\"\nwhen = '''{draw(conditions())}'''\n"
        text += f'then = "{draw(st.sampled_from(["escalate", "block"]))}"\nmode = "{mode}"\n'
        text += 'cites = ["OPERATOR-01"]\nstatus = "operator"\nbecause = "{customer.name}"\n'
        if draw(st.booleans()):
            text += f"overridable = {str(draw(st.booleans())).lower()}\n"
        first, last = sorted(draw(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))))
        text += f"effective_from = {first.date()}\n" if draw(st.booleans()) else ""
        text += f"effective_to = {last.date()}\n" if draw(st.booleans()) else ""
    return text


def test_random_policies_decide_as_the_reference(tmp_path: Path) -> None:
    """On random rules, modes, dates and grants too."""
    folder = tmp_path / "random"
    folder.mkdir()
    (tmp_path / "data").symlink_to(shipped_policies() / "data")

    several = st.lists(random_facts([f"rule-{number}" for number in range(5)]), min_size=2, max_size=2)

    @settings(max_examples=40, deadline=None)
    @given(text=policies(), given_facts=several)
    def agrees(text: str, given_facts: list[Facts]) -> None:
        (folder / "policy.toml").write_text(text)
        policy, pack = read_policy(folder), reference.read_pack(folder)
        for facts in given_facts:
            agree(facts, policy, pack)

    agrees()
