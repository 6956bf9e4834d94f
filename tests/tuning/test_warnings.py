"""Warnings about policies: each kind is told, and only where it is true."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from policy.builders import POLICY, facts, write_policy

from kyc_gate.policy.lint import lint
from kyc_gate.policy.read import shipped_policies
from kyc_gate.policy.source import Severity
from kyc_gate.tuning.warnings import Review, review

TODAY = date(2026, 11, 24)
BASE = facts()
TESTED = POLICY.replace("[[rule]]", "[limits]\n[[rule]]", 1) + 'runbook = "docs/runbooks/red-flag-28.md"\n'
RULE = TESTED[TESTED.index("[[rule]]") :]
OLD_WHEN = 'when = "chips.count > 100"'


def reviewed(tmp_path: Path, text: str, today: date = TODAY) -> Review:
    return review(write_policy(tmp_path / "small", text), today, BASE)


def told(tmp_path: Path, text: str, today: date = TODAY) -> list[str]:
    """The warnings of a policy with this text."""
    found = reviewed(tmp_path, text, today)
    assert all(one.severity is Severity.WARNING for one in found.warnings)
    return [f"{one.rule}: {one.code}: {one.message}" for one in found.warnings]


def asking(when: str, *more: str) -> str:
    """The small policy with another condition, and lines more in its rule."""
    assert OLD_WHEN in TESTED
    return TESTED.replace(OLD_WHEN, f"when = '{when}'") + "".join(f"{line}\n" for line in more)


@pytest.mark.parametrize("pack", sorted(path.parent.name for path in shipped_policies().glob("*/policy.toml")))
def test_shipped_packs_have_no_warning(pack: str) -> None:
    """The packs are clean, and of each rule it can be told that it may fire."""
    found = review(shipped_policies() / pack, TODAY, BASE)
    assert [str(one) for one in found.warnings] == []
    assert found.undecided == ()


def test_a_clean_policy_has_no_warning(tmp_path: Path) -> None:
    """The policy that the other tests spoil has nothing to warn of."""
    assert told(tmp_path, TESTED) == []


@pytest.mark.parametrize(
    "when",
    [
        "chips.count > 100 && chips.count < 50",
        "chips.count > 100 && chips.count <= 100",
        "chips.count > 100 && chips.count < 102 && chips.count != 101",
        'customer.headquarters == "NO" && customer.headquarters in groups.d5_or_macau',
        "customer.headquarters in groups.ai_authorization && customer.headquarters in groups.d5_or_macau",
        'screening.outcome == "match" && screening.outcome == "clear"',
        "account.known && !account.known",
        "customer.headquarters == null && customer.headquarters != null",
        "operations.projected >= 1e26 && !(operations.projected >= 1e25)",
        "size(screening.matched) > 0 && account.known && false",
        '"SDN" in screening.matched && !screening.matched.exists(code, code == "SDN")',
    ],
)
def test_a_rule_that_contradicts_itself_never_fires(tmp_path: Path, when: str) -> None:
    """Contradictions over ranges, groups, closed sets, flags, lists and knowledge are found."""
    found = reviewed(tmp_path, asking(when))
    assert [one.code for one in found.warnings] == ["never-fires"] or found.undecided == ("first",), found
    if "size(" not in when:
        assert found.undecided == ()


@pytest.mark.parametrize(
    "when",
    [
        "chips.count > 100 && chips.count < 102",
        "customer.headquarters in groups.country_group_a6 && customer.headquarters in groups.country_group_d4",
        'customer.headquarters == "AE" && customer.headquarters in groups.country_group_d4',
        '"SDN" in screening.matched && "EL" in screening.matched && !("MEU" in screening.matched)',
        "chips.count * 2 > 7 && chips.count < 5",
        "operations.declared * 3 < operations.likely",
        "parent.countries.exists(each, each in groups.d5_or_macau)",
    ],
)
def test_a_rule_that_can_fire_is_not_called_impossible(tmp_path: Path, when: str) -> None:
    """A narrow rule is no contradiction; a group that changes counts as it stands on any day."""
    assert not any("never-fires" in one for one in told(tmp_path, asking(when)))


@pytest.mark.parametrize("when", ["true", "account.known || !account.known", "chips.count == null || has(chips.count)"])
def test_a_rule_that_fires_on_everything_is_told(tmp_path: Path, when: str) -> None:
    """A condition that no facts make false is told."""
    assert [one.split(": ")[1] for one in told(tmp_path, asking(when))] == ["always-fires"]


def test_a_rule_that_another_covers_is_told(tmp_path: Path) -> None:
    """The narrower of two rules with the same effect is told, with the wider one's id; in either order."""
    wide, narrow = RULE, RULE.replace('"first"', '"second"').replace("> 100", "> 200")
    (found,) = told(tmp_path, TESTED + narrow)
    assert found.startswith("second: covered: `first` finds something whenever this rule does")
    (found,) = told(tmp_path, TESTED[: TESTED.index("[[rule]]")] + narrow + wide)
    assert found.startswith("second: covered: ")


@pytest.mark.parametrize(
    "change",
    [("escalate", "block"), ('status = "operator"', 'status = "operator"\neffective_from = 2020-01-01')],
    ids=["a severer outcome", "not in force so long"],
)
def test_a_rule_with_more_effect_is_not_covered(tmp_path: Path, change: tuple[str, str]) -> None:
    """A narrower rule is not covered by one that is milder, nor by one that begins later."""
    narrow = RULE.replace('"first"', '"second"').replace("> 100", "> 200")
    if change[0] == "escalate":
        assert told(tmp_path, TESTED + narrow.replace(*change)) == []
    else:
        assert told(tmp_path, TESTED.replace(*change) + narrow) == []


def test_an_accepted_warning_is_not_told(tmp_path: Path) -> None:
    """`accepts` names what the author has seen; a misspelt name is an error."""
    narrow = RULE.replace('"first"', '"second"').replace("> 100", "> 200") + 'accepts = ["covered"]\n'
    assert told(tmp_path, TESTED + narrow) == []


@pytest.mark.parametrize(
    ("limit", "when", "write"),
    [
        ("us_4e091_operations", "operations.projected > limits.line", ">="),
        ("us_4e091_operations", "limits.line < operations.projected", "<="),
        ("us_4e091_operations", "operations.projected <= limits.line", "<"),
        ("us_outbound_prohibited_bio_operations", "operations.model_total >= limits.line", ">"),
        ("veu_fine_tuning_share", "operations.projected < limits.line * operations.likely", "<="),
    ],
)
def test_a_comparison_beside_the_line_of_the_law_is_told(tmp_path: Path, limit: str, when: str, write: str) -> None:
    """Where the text says `>=`, a rule that asks for `>` misses the line itself; the place is that of the sign."""
    text = asking(when).replace("[limits]", f'[limits]\nline = {{ threshold = "{limit}" }}')
    found = reviewed(tmp_path, text).warnings
    assert [one.code for one in found] == ["comparator"]
    assert found[0].message.split("; write ")[1].startswith(f"`{write}` for")
    line = text.splitlines()[(found[0].line or 0) - 1]
    sign = next(sign for sign in (" <= ", " >= ", " < ", " > ") if sign in when)
    assert line[(found[0].column or 0) - 1 :].startswith(sign.strip())


def test_a_comparison_as_the_law_says_is_not_told(tmp_path: Path) -> None:
    """`>=` and its opposite `<` draw the same line; a share of a threshold is the operator's own."""
    for when in (
        "operations.projected >= limits.line",
        "operations.projected < limits.line",
        "operations.projected > 0.1 * limits.line",
    ):
        text = asking(when).replace("[limits]", '[limits]\nline = { threshold = "us_4e091_operations" }')
        assert told(tmp_path, text) == []


def test_a_number_of_a_cited_text_is_compared_as_it_says(tmp_path: Path) -> None:
    """A number written out counts as the threshold when the rule cites its text."""
    text = asking("operations.projected > 1e26").replace("OPERATOR-01", 'OPERATOR-01", "US-AIDR-05')
    assert [one.split(": ")[1] for one in told(tmp_path, text)] == ["comparator"]
    assert told(tmp_path, asking("operations.projected > 1e26")) == []


def test_a_rule_without_a_runbook_is_told(tmp_path: Path) -> None:
    """A reviewer needs something to do."""
    assert [one.split(": ")[1] for one in told(tmp_path, POLICY)] == ["no-runbook"]


def test_texts_that_were_not_read_for_long_are_told(tmp_path: Path) -> None:
    """Half a year after the texts were read, one line for each file says so; a day before, none."""
    text = asking("customer.headquarters in groups.d5_or_macau")
    assert told(tmp_path, text, date(2027, 3, 20)) == []
    found = told(tmp_path, text, date(2027, 7, 1))
    assert len(found) == 2
    assert all(": stale: " in one and "read them again and set `as_of`" in one for one in found)


def dated(first: str, second: str, *, key: str = "") -> str:
    one = asking("chips.count > 100", f"effective_to = {first}")
    other = RULE.replace('"first"', '"first-again"') + f"effective_from = {second}\n{key}\n"
    return one + other


@pytest.mark.parametrize(
    ("second", "key", "code"),
    [
        ("2026-01-01", "", []),
        ("2026-01-02", "", ["gap"]),
        ("2026-03-01", 'replaces = "first"', ["gap"]),
        ("2025-12-31", 'replaces = "first"', ["overlap"]),
        ("2026-01-01", 'replaces = "first"', []),
    ],
)
def test_a_gap_between_a_rule_and_the_one_that_follows_is_told(
    tmp_path: Path, second: str, key: str, code: list[str]
) -> None:
    """The rule that follows, by name or as it says, begins on the day after."""
    found = told(tmp_path, dated("2025-12-31", second, key=key))
    assert [one.split(": ")[1] for one in found] == code
    if code == ["gap"]:
        assert "begin on 2026-01-01" in found[0]


def test_a_rule_of_the_future_is_told(tmp_path: Path) -> None:
    """A rule that is not yet in force is told, for a slip of the pen in a year stops nobody."""
    assert told(tmp_path, asking("chips.count > 100", "effective_from = 2099-01-01")) == [
        "first: future: is not in force before 2099-01-01"
    ]


WEAKENED = [
    ('then = "block"', 'then = "escalate"', "`then` is escalate, and was block"),
    ("overridable = false", "overridable = true", "an approval lifts it now"),
    ('then = "block"', 'then = "block"\nmode = "warn"', "`mode` is warn, and was enforce"),
    ('then = "block"', 'then = "block"\neffective_from = 2026-01-01', "it begins on 2026-01-01, and began at once"),
    ('then = "block"', 'then = "block"\neffective_to = 2030-01-01', "it ends on 2030-01-01, and ended never"),
    (
        '"SDN" in screening.matched',
        '"SDN" in screening.matched && chips.count > 0',
        "it finds nothing where that one did",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), WEAKENED)
def test_a_rule_that_weakens_a_shipped_one_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A rule with the id of a shipped one is compared with it: outcome, mode, approvals, dates and condition."""
    text = (shipped_policies() / "us-in-force" / "policy.toml").read_text(encoding="utf-8")
    rule = text[text.index('[[rule]]\nid = "sdn-match"') :].partition("\n\n")[0]
    assert old in rule
    head = TESTED
    assert told(tmp_path, f"{head}\n{rule}\n") == []
    found = told(tmp_path, f"{head}\n{rule.replace(old, new)}\n")
    assert len([one for one in found if "weaker" in one and message in one]) == 1, found


def test_a_copy_of_a_pack_has_no_warning_of_being_weaker(tmp_path: Path) -> None:
    """A pack taken over as it stands is no weaker than itself."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    assert review(packs / "us-in-force", TODAY, BASE).warnings == ()


EXTENDING = """
[policy]
name = "small"
revision = 1
about = "us-in-force with settings of its own."
status = "operator"
extends = ["shipped:us-in-force"]
"""


@pytest.mark.parametrize(
    ("setting", "line", "message"),
    [
        ("[limits]\nsdn_share = 0.9", "sdn_share = 0.9", "by `sdn_share`: it finds nothing where that one did"),
        ("[screening]\npossible = 0.79\nmatch = 0.999", "match = 0.999", "`match` is 0.999, and was 0.94"),
        (
            "[screening]\npossible = 0.7\nmatch = 0.9\n[screening.lists.SDN]\nmatch = 0.97",
            "match = 0.97",
            "`match` is 0.97, and was 0.94",
        ),
    ],
)
def test_a_setting_that_weakens_is_told_at_its_own_line(tmp_path: Path, setting: str, line: str, message: str) -> None:
    """A limit or a line of screening that lets shipped rules find less is told where it was set, unless accepted."""
    found = reviewed(tmp_path, f"{EXTENDING}\n{setting}\n").warnings
    text = f"{EXTENDING}\n{setting}\n".splitlines()
    weaker = [one for one in found if one.code == "weaker"]
    assert any(message in one.message for one in weaker), found
    assert {(one.file, text[(one.line or 0) - 1]) for one in weaker} == {("small/policy.toml", line)}
    accepting = EXTENDING.replace("extends", 'accepts = ["weaker"]\nextends')
    assert not [one for one in reviewed(tmp_path, f"{accepting}\n{setting}\n").warnings if one.code == "weaker"]


def test_a_stricter_setting_is_not_told(tmp_path: Path) -> None:
    """A lower limit and lower lines find more."""
    assert (
        told(tmp_path, f"{EXTENDING}\n[limits]\ninquiry_operations = 1e23\n[screening]\npossible = 0.7\nmatch = 0.9\n")
        == []
    )


def test_a_territory_that_joins_groups_is_told(tmp_path: Path) -> None:
    """A choice that puts a territory into groups that rules ask for is told, with some of those rules."""
    text = EXTENDING.replace("us-in-force", "us-ai-diffusion") + '\n[territories]\nPR = "US"\n'
    (found,) = reviewed(tmp_path, text).warnings
    assert (found.code, text.splitlines()[(found.line or 0) - 1]) == ("weaker", 'PR = "US"')
    assert "`PR` counts as `US`" in found.message
    assert "red-flag-28" in found.message


def test_what_needs_no_proof_is_told_beside_errors(tmp_path: Path) -> None:
    """One error anywhere leaves the warnings of rules that could be read: all three that a bare rule lacks at once."""
    bare = POLICY.replace('cites = ["OPERATOR-01"]\n', "").replace('because = "{customer.name} asks for', "# ")
    assert "because" not in bare
    folder = write_policy(tmp_path / "small", bare)
    told = [f"{one.code}: {one.message}" for one in (*lint(folder), *review(folder, TODAY, BASE).warnings)]
    assert len(told) == 3
    for part in ("`because` is missing", "add `cites`", "no-runbook"):
        assert any(part in one for one in told), told
    compared = asking("operations.projected > limits.line").replace(
        "[limits]", '[limits]\nline = { threshold = "us_4e091_operations" }'
    )
    broken = compared + RULE.replace('"first"', '"second"').replace("escalate", "escalat")
    assert [one.code for one in reviewed(tmp_path, broken).warnings] == ["comparator"]
