"""Country groups with dated members, and territories."""

from __future__ import annotations

from datetime import date

import pytest

from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(shipped_policies() / "us-in-force")


def members(policy: Policy, group: str, day: str = "2026-11-24") -> frozenset[str]:
    return policy.edition_on(date.fromisoformat(day)).groups[group]


def test_the_ai_authorization_countries_are_nineteen(policy: Policy) -> None:
    """Supplement No. 5 to Part 740, paragraph (a), and nothing added."""
    expected = "AU BE CA DE DK ES FI FR GB IE IT JP KR NL NO NZ SE TW US"
    assert members(policy, "ai_authorization") == frozenset(expected.split())


@pytest.mark.parametrize(
    ("group", "count"),
    [
        ("country_group_a1", 40),
        ("country_group_a5", 38),
        ("country_group_a6", 8),
        ("country_group_d1", 24),
        ("country_group_d4", 21),
        ("country_group_d5", 22),
        ("country_group_e1", 3),
        ("country_group_e2", 1),
        ("d5_or_macau", 23),
        ("china_rule_remote_users", 8),
    ],
)
def test_groups_have_the_published_size(policy: Policy, group: str, count: int) -> None:
    """The sizes of Supplement No. 1 to Part 740 on 2026-09-24, Hong Kong apart."""
    assert len(members(policy, group) - {"HK"}) == count


def test_hong_kong_is_wherever_china_is(policy: Policy) -> None:
    """Hong Kong is in exactly the groups of China, and never in the AI Authorization countries."""
    for name, codes in policy.edition_on(date(2026, 11, 24)).groups.items():
        assert ("HK" in codes) is ("CN" in codes), name
    assert "HK" not in members(policy, "ai_authorization")


def test_macau_is_named_beside_d5(policy: Policy) -> None:
    """Macau is in D:1 and not in D:5, and the group of both holds it."""
    assert "MO" in members(policy, "country_group_d1")
    assert "MO" not in members(policy, "country_group_d5")
    assert "MO" in members(policy, "d5_or_macau")


def test_taiwan_is_not_china(policy: Policy) -> None:
    """Taiwan is authorized and in none of China's groups."""
    assert "TW" in members(policy, "ai_authorization")
    assert "TW" not in members(policy, "d5_or_macau")


@pytest.mark.parametrize(
    ("group", "code", "last", "first"),
    [
        ("country_group_d5", "KH", "2026-02-03", "2026-02-04"),
        ("d5_or_macau", "KH", "2026-02-03", "2026-02-04"),
        ("country_group_d4", "AE", "2026-07-09", "2026-07-10"),
    ],
)
def test_a_country_leaves_on_its_day(policy: Policy, group: str, code: str, last: str, first: str) -> None:
    """Cambodia left D:5 on 2026-02-04, and the UAE left D:4 on 2026-07-10."""
    assert code in members(policy, group, last)
    assert code not in members(policy, group, first)


def test_the_uae_joined_a5_on_its_day(policy: Policy) -> None:
    """The UAE are in A:5 from 2026-07-10, and named for 3A090.b on both sides of it."""
    assert "AE" not in members(policy, "country_group_a5", "2026-07-09")
    assert "AE" in members(policy, "country_group_a5", "2026-07-10")
    for day in ("2026-07-09", "2026-07-10"):
        assert "AE" in members(policy, "destinations_3a090b", day)


@pytest.mark.parametrize(("congo", "inside"), [("CD", True), ("CG", False)])
def test_codes_one_letter_apart_are_told_apart(policy: Policy, congo: str, inside: bool) -> None:
    """The Democratic Republic of the Congo is in D:5, the Republic of the Congo is not."""
    assert (congo in members(policy, "country_group_d5")) is inside


@pytest.mark.parametrize("code", ["PR", "GU", "JE", "IM", "GL", "FO", "AW"])
def test_a_territory_that_the_law_does_not_mention_is_in_no_group(policy: Policy, code: str) -> None:
    """Until the operator chooses, it is outside the AI Authorization countries."""
    assert all(code not in codes for codes in policy.edition_on(date(2026, 11, 24)).groups.values())
