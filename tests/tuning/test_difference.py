"""How two policies differ."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest
from msgspec.structs import replace
from policy.builders import POLICY, facts, write_policy

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.errors import PolicyError
from kyc_gate.model.decision import Outcome
from kyc_gate.model.facts import Facts, GrantFacts
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.boundaries import boundary_values, changing_moments, with_facts
from kyc_gate.tuning.difference import difference, sets_lenient

PACKS = sorted(folder.parent.name for folder in shipped_policies().glob("*/policy.toml"))
BASE = facts()


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A copy of the shipped packs that a test may change."""
    return Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))


def changed(packs: Path, file: str, old: str, new: str) -> Policy:
    path = packs / file
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    pack = file.partition("/")[0]
    return read_policy(packs / (pack if pack in PACKS else "us-ai-diffusion"))


@pytest.mark.parametrize("pack", PACKS)
def test_a_policy_does_not_differ_from_itself(pack: str) -> None:
    """The same policy read twice gives no word and no example."""
    found = difference(read_policy(shipped_policies() / pack), read_policy(shipped_policies() / pack), BASE)
    assert (found.words, found.lenient, found.stricter, found.status) == ((), (), (), 0)


DIFFUSION = "us-ai-diffusion/policy.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "status"),
    [
        pytest.param(DIFFUSION, "approach_share = 0.10", "approach_share = 0.11", 4, id="a threshold raised"),
        pytest.param(DIFFUSION, "approach_share = 0.10", "approach_share = 0.09", 3, id="a threshold lowered"),
        pytest.param("data/groups.toml", '"AU"', '"AU", "AT"', 4, id="a country added to those authorized"),
        pytest.param(DIFFUSION, "effective_from = 2025-01-13", "effective_from = 2025-01-14", 4, id="a date moved on"),
        pytest.param(DIFFUSION, 'then = "block"', 'then = "escalate"', 4, id="a block softened"),
        pytest.param(DIFFUSION, "overridable = false", "overridable = true", 4, id="a rule that approvals now lift"),
        pytest.param(
            DIFFUSION,
            "operations.projected >= limits.frontier_operations))",
            "operations.projected > limits.frontier_operations))",
            4,
            id="the threshold itself no longer enough",
        ),
        pytest.param(DIFFUSION, 'because = "', 'because = "in short: ', 0, id="only a reason reworded"),
        pytest.param(DIFFUSION, 'title = "', 'title = "A rule: ', 0, id="only a title reworded"),
    ],
)
def test_a_planted_change_is_found(packs: Path, file: str, old: str, new: str, status: int) -> None:
    """Each kind of change is told as what it is: the same, stricter, or more lenient with an example."""
    before = read_policy(shipped_policies() / "us-ai-diffusion")
    if "options.aia" in new or "block" in old or "overridable" in old:
        switched = (
            (packs / DIFFUSION).read_text(encoding="utf-8").replace("aia_certified = false", "aia_certified = true")
        )
        (packs / DIFFUSION).write_text(switched, encoding="utf-8")
        before = read_policy(packs / "us-ai-diffusion")
    found = difference(before, changed(packs, file, old, new), BASE)
    assert found.status == status, found
    for example in found.lenient:
        assert example.new.severity < example.old.severity


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param("possible = 0.8\nmatch = 0.95", "possible = 0.85\nmatch = 0.95", 4, id="raised"),
        pytest.param("possible = 0.8\nmatch = 0.95", "possible = 0.8\nmatch = 0.97", 4, id="a match less"),
        pytest.param("possible = 0.8\nmatch = 0.95", "possible = 0.7\nmatch = 0.95", 3, id="lowered"),
        pytest.param(
            "possible = 0.8\nmatch = 0.95",
            "possible = 0.8\nmatch = 0.95\n[screening.lists.SDN]\npossible = 0.9",
            4,
            id="raised for one list",
        ),
    ],
)
def test_lines_of_screening_are_compared(packs: Path, before: str, after: str, status: int) -> None:
    """A line that is raised lets resemblances through, for one list as well as for all."""
    file = packs / "us-in-force" / "policy.toml"
    text = file.read_text(encoding="utf-8")
    policies = []
    for lines in (before, after):
        file.write_text(text + f"\n[screening]\n{lines}\n", encoding="utf-8")
        policies.append(read_policy(packs / "us-in-force"))
    found = difference(*policies, BASE)
    assert found.status == status, found
    assert any(word.about.startswith("screening ") for word in found.words)


def test_a_rule_that_others_always_stop_with_it_is_compared(packs: Path) -> None:
    """What only an approval of the other rules would show is found: it approves nothing of the changed one."""
    path = packs / "us-ai-diffusion" / "policy.toml"
    text = path.read_text(encoding="utf-8")
    rule = text.index('id = "d5-training-at-scale"')
    before = "parent.headquarters in groups.d5_or_macau"
    assert before in text[rule : text.index("[[rule]]", rule)]
    path.write_text(text[:rule] + text[rule:].replace(before, "parent.headquarters in groups.ai_authorization", 1))
    found = difference(read_policy(shipped_policies() / "us-ai-diffusion"), read_policy(path.parent), BASE)
    assert found.status == 4
    assert found.lenient[0].granted


def test_an_example_is_the_decision_that_it_claims(packs: Path) -> None:
    """The facts of an example, decided under both policies, give both outcomes."""
    before = read_policy(shipped_policies() / "us-ai-diffusion")
    after = changed(packs, DIFFUSION, "approach_share = 0.10", "approach_share = 0.2")
    found = difference(before, after, BASE)
    assert found.lenient
    for example in found.lenient:
        given = replace(with_facts(BASE, {**dict(example.facts), "as_of": example.as_of}), grant=example.grant)
        assert _outcome(before, given) is example.old
        assert _outcome(after, given) is example.new
    assert [str(word) for word in found.words] == ["limit approach_share: 0.1 -> 0.2"]


def test_words_name_what_changed(packs: Path) -> None:
    """A rule's condition, mode and a group's members are told in words."""
    before = read_policy(shipped_policies() / "us-ai-diffusion")
    changed(packs, "data/groups.toml", '"AU"', '"AU", "AT"')
    after = changed(packs, DIFFUSION, 'mode = "observe"', 'mode = "warn"')
    told = [str(word) for word in difference(before, after, BASE).words]
    assert any(word.startswith("group ai_authorization on ") and word.endswith("with AT") for word in told)
    assert "rule diffusion-not-enforced, mode: observe -> warn" in told


def _outcome(policy: Policy, given: Facts) -> Outcome:
    return decide(request_of(given), given, policy, facts_digest="").outcome


# Mutations of the text of a pack, each of which reads as a policy again.
MUTATIONS: tuple[tuple[str, str], ...] = (
    (r"&&", "||"),
    (r"\|\|", "&&"),
    (r">=", ">"),
    (r" > ", " >= "),
    (r" < ", " <= "),
    (r"!\(", "("),
    (r"!ownership", "ownership"),
    (r'then = "block"', 'then = "escalate"'),
    (r"overridable = false", "overridable = true"),
    (r"overridable = true", "overridable = false"),
    (r'status = "in_force"\n', 'status = "in_force"\nmode = "warn"\n'),
    (r'mode = "warn"', 'mode = "enforce"'),
    (r'mode = "observe"', 'mode = "off"'),
    (r"effective_from = 2025-(\d\d)", r"effective_from = 2026-\1"),
    (r"effective_from = 2025-(\d\d)", r"effective_from = 2024-\1"),
    (r"= 1e24", "= 1e25"),
    (r"approach_share = 0.10", "approach_share = 0.25"),
    (r"!= 0", "!= 1"),
    (r"== null", "!= null"),
    (r'"SDN" in', '"SSI" in'),
    (r'\["EL", "MEU"\]', '["EL"]'),
    (r'"match" &&', '"clear" &&'),
    (r"customer\.headquarters in", "customer.location in"),
    (r"parent\.headquarters in", "customer.headquarters in"),
    (r"groups\.d5_or_macau", "groups.ai_authorization"),
    (r"aia_certified = false", "aia_certified = true"),
)
DATA_MUTATIONS: tuple[tuple[str, str], ...] = ((r'"(IR|KP|SY|MO|BY)",? ?', ""), (r'"(AU|JP|NO)"', r'"\1", "CN"'))


def mutant(packs: Path, pack: str, dice: random.Random) -> Policy | None:
    """A pack with one random place changed; None where no change was made or the result is no policy."""
    file, mutations = (
        (f"{pack}/policy.toml", MUTATIONS) if dice.random() < 0.85 else ("data/groups.toml", DATA_MUTATIONS)
    )
    path = packs / file
    text = path.read_text(encoding="utf-8")
    pattern, replacement = dice.choice(mutations)
    places = list(re.finditer(pattern, text))
    if not places:
        return None
    place = dice.choice(places)
    path.write_text(text[: place.start()] + place.expand(replacement) + text[place.end() :], encoding="utf-8")
    try:
        return read_policy(packs / pack)
    except PolicyError:
        return None
    finally:
        path.write_text(text, encoding="utf-8")


def several(packs: Path, count: int, dice: random.Random) -> Iterator[tuple[Policy, Policy]]:
    """So many packs and mutants of theirs, each pack in its turn."""
    originals = [read_policy(packs / pack) for pack in PACKS]
    for before in islice(cycle(originals), count):
        made = (mutant(packs, before.reference.name, dice) for _ in range(1000))
        yield before, next(after for after in made if after is not None)


def brute_force(old: Policy, new: Policy, dice: random.Random, tries: int) -> bool:
    """Whether some of many random facts are decided more leniently by the new policy."""
    moments = (*changing_moments([old, new]), BASE.as_of)
    grant = GrantFacts(id="g", rules=tuple(rule.id for rule in old.rules), budget=10**40, outcome=Outcome.BLOCK)
    for _ in range(tries):
        moment = dice.choice(moments)
        values = boundary_values([old, new], moment)
        asked = sorted(path for path in values if values[path])
        some = dice.sample(asked, k=min(len(asked), dice.randint(1, 7)))
        given = with_facts(BASE, {path: dice.choice(values[path]) for path in some})
        given = with_facts(given, {"as_of": moment, "grant": dice.choice((None, grant))})
        if _outcome(new, given).severity < _outcome(old, given).severity:
            return True
    return False


def missed(packs: Path, count: int, tries: int) -> list[str]:
    """Mutants in which brute force finds a leniency, and the difference does not."""
    dice = random.Random(31)  # noqa: S311 - any mutants will do
    wrong = []
    for before, after in several(packs, count, dice):
        found = difference(before, after, BASE)
        if not found.lenient and brute_force(before, after, dice, tries):
            wrong.append("; ".join(map(str, found.words)))
    return wrong


def test_no_leniency_is_missed(packs: Path) -> None:
    """In two random mutants of each pack, whatever brute force finds is found."""
    assert missed(packs, 2 * len(PACKS), 50) == []


@pytest.mark.long
def test_no_leniency_is_missed_in_two_hundred_mutants(packs: Path) -> None:
    """In 200 random mutants of the shipped packs, whatever brute force finds is found."""
    assert missed(packs, 200, 400) == []


LAW = "us_4e091_"


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        pytest.param("horizon_days = 30 ", "horizon_days = 1 ", 4, id="a shorter horizon"),
        pytest.param("horizon_days = 30 ", "horizon_days = 60 ", 3, id="a longer horizon"),
        pytest.param("horizon_days = 30 ", "window_days = 730\nhorizon_days = 30 ", 3, id="a window of its own"),
        pytest.param(f'{{ threshold = "{LAW}derivative_share" }}', "0.99", 4, id="a share that derives"),
        pytest.param(f'{{ threshold = "{LAW}derivative_operations" }}', "1e27", 4, id="operations that derive"),
        pytest.param(f'{{ threshold = "{LAW}synthetic_share" }}', "0.99", 4, id="a share of synthetic data"),
        pytest.param(f'{{ threshold = "{LAW}synthetic_share" }}', "0.05", 3, id="a smaller share of it"),
    ],
)
def test_limits_by_which_a_gate_makes_facts_are_compared(packs: Path, old: str, new: str, status: int) -> None:
    """No condition names them, and the second signature is asked for all the same."""
    before, after = read_policy(shipped_policies() / "us-ai-diffusion"), changed(packs, DIFFUSION, old, new)
    assert difference(before, after, BASE).status == status
    assert (sets_lenient([before], [after], BASE) is not None) is (status == 4)
    assert difference(after, before, BASE).status == 7 - status


def telling(folder: Path, mode: str, more: str = "") -> Policy:
    """The small policy with a second rule in some mode."""
    second = POLICY[POLICY.index("[[rule]]") :].replace('id = "first"', f'id = "second"\nmode = "{mode}"')
    return read_policy(write_policy(folder / "small", f"{POLICY}\n{second}{more}"))


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [("warn", "off", 4), ("warn", "observe", 4), ("observe", "off", 4), ("observe", "warn", 3)],
)
def test_a_mode_lowered_below_enforce_is_found(tmp_path: Path, before: str, after: str, status: int) -> None:
    """Such a rule stops nothing, and somebody is no longer told."""
    found = difference(telling(tmp_path / "a", before), telling(tmp_path / "b", after), BASE)
    assert found.status == status
    assert [str(each) for each in found.shaped] == [f"rule second, mode: {before} -> {after}"]


def test_a_route_that_quiets_a_warning_is_found(tmp_path: Path) -> None:
    """A rule that warns everywhere but on one route tells less."""
    route = '\n[[route]]\nname = "quiet"\nmode = "off"\nrules = ["second"]\nproviders = ["aws"]\n'
    old, new = telling(tmp_path / "a", "warn"), telling(tmp_path / "b", "warn", route)
    assert difference(old, new, BASE).status == 4
    assert difference(new, old, BASE).status == 3
