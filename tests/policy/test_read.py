"""Policy folders, read and checked whole."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from kyc_gate.errors import PolicyError
from kyc_gate.policy.lint import lint
from kyc_gate.policy.read import Adjustments, read_policy, shipped_policies

from .builders import POLICY, write_policy

RULE = POLICY[POLICY.index("[[rule]]") :]


def problems(folder: Path) -> list[str]:
    """Every problem of a folder, which must not be readable."""
    with pytest.raises(PolicyError) as caught:
        read_policy(folder)
    assert all("\n" not in problem for problem in caught.value.problems)
    return list(caught.value.problems)


def said(tmp_path: Path, text: str) -> str:
    """The problems of a policy with this text, in one string."""
    return "\n".join(problems(write_policy(tmp_path / "small", text)))


def test_a_pack_that_is_not_there_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    """A misspelt pack is told at its line with the one that was meant, beside the policy or shipped."""
    write_policy(tmp_path / "house-rules")
    for wrong, meant in (("../house-rule", "../house-rules"), ("shipped:gate-bsae", "shipped:gate-base")):
        text = POLICY.replace('status = "operator"\n', f'status = "operator"\nextends = ["{wrong}"]\n', 1)
        (problem,) = lint(write_policy(tmp_path / "small", text))
        assert (problem.file, problem.line) == (
            "small/policy.toml",
            text.splitlines().index(f'extends = ["{wrong}"]') + 1,
        )
        assert problem.message == f"extends `{wrong}`, and there is no such folder; did you mean `{meant}`?"
        assert problem.fix == f"write `{meant}`"


def test_a_wrong_limit_is_told_once(tmp_path: Path) -> None:
    """A rule that names a limit with an error is not told of it too; a misspelt limit has the nearest limit."""
    text = POLICY.replace("[[rule]]", '[limits]\nline = "much"\n[[rule]]', 1).replace("> 100", "> limits.lin")
    messages = [problem.message for problem in lint(write_policy(tmp_path / "small", text))]
    assert len(messages) == 2
    assert "unknown limit `limits.lin`; did you mean `limits.line`?" in messages[1]
    fixed = text.replace('limits.lin"', 'limits.line"')
    assert len(lint(write_policy(tmp_path / "small", fixed))) == 1


def test_a_fix_stands_beside_each_problem(tmp_path: Path) -> None:
    """What is missing is to be added, and what must be otherwise is to be made so."""
    text = POLICY.replace("revision = 1", "revision = 0").replace('title = "A first rule"\n', "")
    fixes = {problem.fix for problem in lint(write_policy(tmp_path / "small", text))}
    assert fixes == {"make `revision` a whole number from 1", "add `title`"}


def test_a_small_policy_is_read(tmp_path: Path) -> None:
    """One head and one rule make a policy, with the shipped data."""
    policy = read_policy(write_policy(tmp_path / "small"))
    assert str(policy.reference) == "small@1"
    assert [rule.id for rule in policy.rules] == ["first"]
    assert policy.disclosure == "public"
    assert lint(tmp_path / "small") == []


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    """Five mistakes in three rules are five problems, each with file, line, rule and nearest spelling."""
    text = POLICY.replace("chips.count > 100", "chips.cuont > 100")
    text += RULE.replace('"first"', '"second"').replace("OPERATOR-01", "OPERATOR-1").replace("then", "than")
    text += RULE.replace('"first"', '"third"').replace("{customer.name}", "{customer.nam}") + 'mode = "enforced"\n'
    found = problems(write_policy(tmp_path / "small", text))
    assert found == [
        "policy `small`: small/policy.toml:11: rule `first`: `when`: unknown fact `chips.cuont`; "
        "did you mean `chips.count`?",
        "policy `small`: small/policy.toml:17: rule `second`: `then` is missing",
        "policy `small`: small/policy.toml:21: rule `second`: unknown citation `OPERATOR-1`; "
        "did you mean `OPERATOR-01`?",
        "policy `small`: small/policy.toml:20: rule `second`: unknown key `than`; did you mean `then`?",
        "policy `small`: small/policy.toml:31: rule `third`: unknown fact `customer.nam` in `because`; "
        "did you mean `customer.name`?",
        "policy `small`: small/policy.toml:32: rule `third`: `mode` is `enforced`, and must be one of "
        "off, observe, warn, enforce; did you mean `enforce`?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("revision = 1", "", "`revision` is missing"),
        ("revision = 1", "revision = 0", "`revision` must be a whole number from 1"),
        ("revision = 1", 'revision = 1\ndefault = "allow"', "what no rule stops is allowed, so remove it"),
        ("revision = 1", "revision = 1\nabuot = 1", "unknown key `abuot`; did you mean `about`?"),
        ("revision = 1", 'revision = 1\ndisclosure = "secret"', "must be one of public, partner, internal"),
        ("[policy]", "[polcy]", "needs exactly one"),
        ('then = "escalate"', 'then = "allow"', "`then` must be escalate or block"),
        ('cites = ["OPERATOR-01"]', "cites = []", "a rule cites at least one text"),
        ('cites = ["OPERATOR-01"]', 'cites = "OPERATOR-01"', "`cites` must be a list of text"),
        ("because =", "becuase =", "unknown key `becuase`; did you mean `because`?"),
        ('because = "{customer.name}', 'because = "{customer.name', "brace"),
        ('id = "first"', 'id = "First Rule"', "`id` must be lower-case words"),
        ('when = "chips.count > 100"', 'when = ""', "`when` must be text"),
        ('when = "chips.count > 100"', 'when = "chips.count >"', "the condition ends too early"),
        ('when = "chips.count > 100"', "when = true", "`when` must be text"),
        ('status = "operator"\nbecause', 'status = "in_force"\nbecause', "`status` is in_force, and its citations are"),
        (
            'cites = ["OPERATOR-01"]\nstatus = "operator"',
            'cites = ["US-LIST-CMIC", "KR-01"]\nstatus = "in_force"',
            "every citation is of grade 1 or M, which is not enforced",
        ),
        (
            'cites = ["OPERATOR-01"]\nstatus = "operator"',
            'cites = ["US-EO-01"]\nstatus = "rescinded"',
            "law with status rescinded is not enforced",
        ),
        (
            "because",
            "effective_from = 2026-01-02\neffective_to = 2026-01-01\nbecause",
            "`effective_to` is before `effective_from`",
        ),
        ("because", 'effective_from = "2026-01-02"\nbecause', "must be a date without quotes"),
        ("because", "effective_to = 9999-12-31\nbecause", "must be a year from 1900 to 2999"),
        ("because", 'overridable = "no"\nbecause', "`overridable` must be true or false"),
        ("because", 'mode = "off"\nbecause', "has no rule in mode `enforce`, so it would allow everything"),
        ("[[rule]]", "[limits]\nx = nan\n[[rule]]", "limit `x`: `NaN` is not a finite number"),
        ("[[rule]]", "[limits]\nx = -inf\n[[rule]]", "limit `x`: `-Infinity` is not a finite number"),
        ("[[rule]]", "[limits]\nx = 1e400\n[[rule]]", "limit `x`: a number has more than 100 digits"),
        ("[[rule]]", '[limits]\nx = "many"\n[[rule]]', "limit `x`: `many` is not a number"),
        ("[[rule]]", "[limits]\nx = true\n[[rule]]", "limit `x`: `nothing` is not a number"),
        (
            "[[rule]]",
            '[limits]\nx = { threshold = "us_4e091_ops" }\n[[rule]]',
            "unknown threshold `us_4e091_ops`; did you mean `us_4e091_operations`?",
        ),
        ("[[rule]]", "[limts]\nx = 1\n[[rule]]", "unknown key `limts`; did you mean `limits`?"),
        ("[[rule]]", "[options]\nx = 1\n[[rule]]", "option `x` must be true or false"),
        ("[[rule]]", '[territories]\nHK = "US"\n[[rule]]', "territory `HK` is not the operator's to choose"),
        ("[[rule]]", '[territories]\nPR = "usa"\n[[rule]]', "must be a country code of two capital letters"),
        ("[[rule]]", "[rule]", "`rule` must be an array of tables"),
        ("revision = 1", 'revision = 1\nextends = ["../nowhere"]', "there is no such folder"),
        ("revision = 1", 'revision = 1\nextends = ["."]', "extends itself"),
        ("[policy]", "[policy", "is not TOML"),
        ("[policy]", "\ufeff[policy]", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Each mistake is refused with a message that names it."""
    text = POLICY.replace(old, new, 1) if old != "because" else POLICY.replace(old, new)
    assert text != POLICY
    assert message in said(tmp_path, text)


def test_an_empty_policy_is_refused(tmp_path: Path) -> None:
    """A policy without rules would allow everything, and so would a folder without files."""
    assert "would allow everything" in said(tmp_path, POLICY[: POLICY.index("[[rule]]")])
    (tmp_path / "bare").mkdir()
    assert "has no policy file" in "\n".join(problems(tmp_path / "bare"))
    assert "no such folder" in "\n".join(problems(tmp_path / "absent"))


def test_a_rule_id_stands_once(tmp_path: Path) -> None:
    """The same id in two files of a folder is named in both."""
    folder = write_policy(tmp_path / "small")
    write_policy(folder, RULE, "more.toml")
    found = "\n".join(problems(folder))
    assert "more.toml:2: rule `first`: the id is used 2 times" in found
    assert "policy.toml:9: rule `first`: the id is used 2 times" in found


def test_an_id_of_an_extended_policy_is_taken(tmp_path: Path) -> None:
    """A policy cannot hide a rule of the policy that it extends."""
    text = POLICY.replace("revision = 1", 'revision = 1\nextends = ["shipped:gate-base"]')
    assert "is used 2 times" in said(tmp_path, text.replace('"first"', '"gate.lists-stale"'))


def test_a_policy_may_stand_in_several_files(tmp_path: Path) -> None:
    """Files are read in the order of their names, and cases are no part of the policy."""
    folder = write_policy(tmp_path / "small")
    write_policy(folder, RULE.replace('"first"', '"second"'), "a.toml")
    write_policy(folder, "nonsense", "small.cases.toml")
    assert [rule.id for rule in read_policy(folder).rules] == ["second", "first"]
    assert lint(folder) != []


def test_limits_are_exact(tmp_path: Path) -> None:
    """1e26, its text, and a hundred digits are whole numbers, and a tenth is a tenth."""
    limits = "[limits]\na = 1e26\nb = '1e26'\nc = 100000000000000000000000001\nd = 0.1\n"
    policy = read_policy(write_policy(tmp_path / "small", POLICY.replace("[[rule]]", f"{limits}[[rule]]", 1)))
    assert policy.limits == {"a": 10**26, "b": 10**26, "c": 10**26 + 1, "d": Fraction(1, 10)}


def test_the_digest_covers_every_byte(tmp_path: Path) -> None:
    """A comment changes the digest, a case does not, an adjustment does."""
    folder = write_policy(tmp_path / "small", POLICY + "[limits]\nx = 1\n")
    first = read_policy(folder).reference.digest
    write_policy(folder, "", "new.cases.toml")
    assert read_policy(folder).reference.digest == first
    assert read_policy(folder, Adjustments(limits={"x": 2})).reference.digest != first
    write_policy(folder, POLICY + "[limits]\nx = 1 # why\n")
    assert read_policy(folder).reference.digest != first


def test_data_beside_the_policy_is_used_and_digested(tmp_path: Path) -> None:
    """An operator's own data folder replaces the shipped one, whole."""
    folder = write_policy(tmp_path / "small")
    first = read_policy(folder).reference.digest
    for path in (shipped_policies() / "data").iterdir():
        write_policy(tmp_path / "data", path.read_text(), path.name)
    assert read_policy(folder).reference.digest == first
    groups = (tmp_path / "data" / "groups.toml").read_text()
    write_policy(tmp_path / "data", groups.replace('"AU", ', "", 1), "groups.toml")
    assert "AU" not in read_policy(folder).edition_on(date(2026, 1, 1)).groups["ai_authorization"]
    assert read_policy(folder).reference.digest != first
    (tmp_path / "data" / "groups.toml").unlink()
    assert "data/groups.toml: cannot be read" in "\n".join(problems(folder))


def test_the_digest_covers_the_names_of_files(tmp_path: Path) -> None:
    """The same bytes under another name are another policy, since rules are asked in the order of files."""
    first = read_policy(write_policy(tmp_path / "one" / "small", name="a.toml")).reference.digest
    assert read_policy(write_policy(tmp_path / "two" / "small", name="b.toml")).reference.digest != first


def test_a_weak_citation_beside_a_strong_one_is_enforced(tmp_path: Path) -> None:
    """One citation of grade P or S carries the rule."""
    text = POLICY.replace('["OPERATOR-01"]', '["US-LIST-CMIC", "OPERATOR-01"]')
    assert read_policy(write_policy(tmp_path / "small", text)).rules[0].mode == "enforce"


def test_a_territory_follows_its_country_out_of_a_group(tmp_path: Path) -> None:
    """Hong Kong written into the AI Authorization countries is not in them as long as China is not."""
    for path in (shipped_policies() / "data").iterdir():
        write_policy(
            tmp_path / "data",
            path.read_text().replace('"AU", "BE", "CA", "DE"', '"HK", "AU", "BE", "CA", "DE"'),
            path.name,
        )
    policy = read_policy(write_policy(tmp_path / "small"))
    assert "HK" in policy.groups["ai_authorization"].codes
    assert "HK" not in policy.edition_on(date(2026, 1, 1)).groups["ai_authorization"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("groups.toml", '"AU",', '"Aus",', "`Aus` is not a country code of two capital letters"),
        ("groups.toml", '"AU",', '"BE",', "country `BE` stands twice"),
        ("groups.toml", 'includes = ["country_group_d5"]', 'includes = ["group_d5"]', "unknown group `group_d5`"),
        ("groups.toml", 'includes = ["country_group_d5"]', 'includes = ["d5_or_macau"]', "the group includes itself"),
        ("groups.toml", 'cite = "US-AIDR-01"', 'cite = "US-AIDR-99"', "unknown citation `US-AIDR-99`"),
        ("thresholds.toml", 'comparator = ">="', 'comparator = "=>"', "`comparator` must be one of"),
        ("thresholds.toml", "value = 1e26", "value = nan", "`value`: `NaN` is not a finite number"),
        ("citations.toml", 'grade = "P"', 'grade = "A"', "`grade` is `A`, and must be one of P, S, 1, M"),
        ("citations.toml", "as_of = 2026-09-24", "", "`as_of` is missing"),
        ("territories.toml", 'treat_as = "CN"', 'treat_as = "China"', "`China` is not a country code"),
    ],
)
def test_wrong_data_is_refused(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    """Data are checked as strictly as rules."""
    for path in (shipped_policies() / "data").iterdir():
        write_policy(tmp_path / "data", path.read_text(), path.name)
    text = (tmp_path / "data" / file).read_text()
    assert old in text
    write_policy(tmp_path / "data", text.replace(old, new, 1), file)
    assert message in "\n".join(problems(write_policy(tmp_path / "small")))


def test_an_operator_puts_a_territory_into_the_groups_of_a_country(tmp_path: Path) -> None:
    """`PR = "US"` puts Puerto Rico wherever the United States are."""
    text = POLICY.replace("[[rule]]", '[territories]\nPR = "US"\n[[rule]]', 1)
    groups = read_policy(write_policy(tmp_path / "small", text)).edition_on(date(2026, 1, 1)).groups
    assert "PR" in groups["ai_authorization"]
    assert "GU" not in groups["ai_authorization"]


def test_options_and_limits_are_adjusted_by_name() -> None:
    """An operator sets options and limits outside the folder; a misspelt name is refused."""
    folder = shipped_policies() / "us-ai-diffusion"
    assert read_policy(folder, Adjustments(options={"aia_certified": True})).options["aia_certified"] is True
    with pytest.raises(PolicyError, match="unknown option `aia_certifed`; did you mean `aia_certified`"):
        read_policy(folder, Adjustments(options={"aia_certifed": True}))
    with pytest.raises(PolicyError, match="unknown limit `approach`"):
        read_policy(folder, Adjustments(limits={"approach": 1}))


def test_a_rule_is_in_force_on_both_its_days(tmp_path: Path) -> None:
    """`effective_from` and `effective_to` are the first and the last day."""
    text = POLICY + "effective_from = 2026-01-10\neffective_to = 2026-01-20\n"
    policy = read_policy(write_policy(tmp_path / "small", text))
    held = [day for day in range(8, 24) if policy.edition_on(date(2026, 1, day)).rules]
    assert held == list(range(10, 21))
