"""Proofs that a policy is nowhere more lenient than another."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace
from policy.builders import POLICY, facts, write_policy

from kyc_gate.model.decision import Outcome
from kyc_gate.policy.expressions import compile_condition
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.boundaries import with_facts
from kyc_gate.tuning.difference import difference, sets_lenient

z3 = pytest.importorskip("z3", reason="the extra `prove` is not installed")

from kyc_gate.tuning.proof import Proof, prove  # noqa: E402
from kyc_gate.tuning.smt import World  # noqa: E402

from .test_difference import PACKS, brute_force, several  # noqa: E402

BASE = facts()
SIMPLE = POLICY.replace("[[rule]]", "[limits]\nline = 10\n[[rule]]", 1)


def proved(tmp_path: Path, old: str, new: str) -> Proof:
    """The proof for two conditions of the small policy."""
    texts = [SIMPLE.replace('when = "chips.count > 100"', f"when = '{when}'") for when in (old, new)]
    policies = [
        read_policy(write_policy(tmp_path / name / "small", text)) for name, text in zip("ab", texts, strict=True)
    ]
    return prove(*policies, BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("chips.count > 100", "chips.count > 99"),
        ("chips.count > 100", "chips.count >= 101"),
        ("chips.count > 100", "true"),
        ("chips.count != null && chips.count > 100", "chips.count > 100"),
        ('"SDN" in screening.matched', 'screening.matched.exists(code, code in ["SDN", "EL"])'),
        ('screening.possible.exists(c, !(c in screening.matched) && c != "SDN")', 'screening.possible.exists(c, !(c in screening.matched))'),
        ("size(screening.matched) > 1", "size(screening.matched) > 0"),
        ('"SDN" in screening.matched', "size(screening.matched) >= 1"),
        ("customer.headquarters in groups.country_group_e1", "customer.headquarters in groups.country_group_d5"),
        ("customer.headquarters in groups.country_group_e1", "!(customer.headquarters in groups.ai_authorization)"),
        ("parent.countries.exists(c, c in groups.country_group_e1)", "parent.countries.exists(c, c in groups.country_group_d1 || c in groups.country_group_d5)"),
        ("customer.headquarters != parent.headquarters && customer.headquarters in groups.ai_authorization && parent.headquarters in groups.ai_authorization", "customer.headquarters in groups.ai_authorization && customer.headquarters != parent.headquarters"),
        ("operations.declared * 3 < operations.likely", "operations.declared * 2 < operations.likely || operations.declared == 0"),
        ("ownership.sdn_share >= 0.5", "ownership.sdn_share > 0.25 && ownership.sdn_share + 0.1 > 0.5"),
        ("chips.count / operations.used > 2", "operations.used == 0 || chips.count > 2 * operations.used"),
        ('workload.kind in ["fine_tuning", "distillation"]', 'workload.kind != "inference"'),
        ("operations.open_ended ? chips.count > 5 : chips.count > 9", "chips.count > 5"),
    ],
)  # fmt: skip
def test_what_is_only_stricter_is_proved(tmp_path: Path, old: str, new: str) -> None:
    """A wider condition is proved to be nowhere more lenient, over numbers, lists, groups, words and the unknown."""
    found = proved(tmp_path, old, new)
    assert found.open == ()
    assert found.examples == ()
    assert found.proven


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("chips.count > 100", "chips.count > 101"),
        ("chips.count > 100", "chips.count > 100 && chips.count != 123456789012345678901234567890"),
        ("chips.count > 100", "chips.count != null && chips.count > 100"),
        ("chips.count > 100 || account.known", "account.known"),
        ('screening.matched.exists(code, code in ["SDN", "EL"])', '"SDN" in screening.matched'),
        ("screening.possible.exists(c, !(c in screening.matched))", 'screening.possible.exists(c, !(c in screening.matched) && c != "SDN")'),
        ("size(screening.matched) > 1", "size(screening.matched) > 2"),
        ("size(screening.matched) > 0", '"SDN" in screening.matched'),
        ("customer.headquarters in groups.country_group_d5", "customer.headquarters in groups.country_group_e1"),
        ("customer.headquarters != parent.headquarters", "!(customer.headquarters in groups.ai_authorization) && customer.headquarters != parent.headquarters"),
        ("!(customer.name in screening.matched)", '!(customer.name in screening.matched) && customer.name != "EL"'),
        ("operations.declared * 3 < operations.likely", "operations.declared * 4 < operations.likely"),
        ("ownership.sdn_share >= 0.5", "ownership.sdn_share > 0.5"),
        ("ownership.sdn_share >= 0.5", "ownership.sdn_share >= 0.5000001"),
        ("1 / operations.used > 2", "operations.used != 0 && 1 / operations.used > 2"),
        ("true", "screening.matched.all(a, screening.possible.exists(b, a == b))"),
    ],
)  # fmt: skip
def test_what_is_more_lenient_is_shown(tmp_path: Path, old: str, new: str) -> None:
    """A narrower condition has facts that show it, on which both policies were really decided."""
    found = proved(tmp_path, old, new)
    assert found.open == ()
    assert found.examples
    for example in found.examples:
        assert example.new.severity < example.old.severity


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('customer.name.startsWith("A")', 'customer.name.startsWith("AB")', "`startsWith` looks into a text"),
        ("size(customer.name) > 3", "size(customer.name) > 4", "`size` counts the letters of a text"),
    ],
)
def test_what_has_no_translation_is_said(tmp_path: Path, old: str, new: str, why: str) -> None:
    """What no formula stands for is not proved, and the reason is told."""
    found = proved(tmp_path, old, new)
    assert not found.proven
    assert why in "\n".join(found.open)
    assert "rule first from " in "\n".join(found.open)


def test_a_solver_without_time_proves_nothing(tmp_path: Path) -> None:
    """A question that the solver does not answer in time is told as not proved, never as proved."""
    hard = "operations.low * operations.low * operations.low + operations.likely * operations.likely * operations.likely == operations.high * operations.high * operations.high && operations.low > 1 && operations.likely > 1"
    # Whatever is unknown leaves both conditions open, so nothing but the cubes could tell them apart, and none do.
    all_three = "operations.low * operations.likely * operations.high"
    texts = [SIMPLE.replace("chips.count > 100", when) for when in (hard, f"{hard} && {all_three} > 1e60")]
    policies = [
        read_policy(write_policy(tmp_path / name / "small", text)) for name, text in zip("ab", texts, strict=True)
    ]
    found = prove(*policies, BASE, seconds=0.05)
    assert not found.proven
    assert "the solver gave no answer" in "\n".join(found.open)


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_is_as_strict_as_itself(pack: str) -> None:
    """Nothing need be asked where nothing differs."""
    policy = read_policy(shipped_policies() / pack)
    found = prove(policy, policy, BASE)
    assert found.proven
    assert found.questions == 0


def test_a_rule_moved_into_another_is_proved(tmp_path: Path) -> None:
    """A rule that goes is no leniency where another one stops all that it stopped, across the whole policy."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    before = read_policy(packs / "us-ai-diffusion")
    file = packs / "us-ai-diffusion" / "policy.toml"
    text = file.read_text(encoding="utf-8")
    start = text.index('[[rule]]\nid = "d5-training-at-scale"')
    file.write_text(text[:start] + text[text.index("[[rule]]", start + 8) :], encoding="utf-8")
    found = prove(before, read_policy(packs / "us-ai-diffusion"), BASE)
    granted = [example for example in found.examples if not example.granted]
    assert granted == [], granted
    assert found.examples, "an approval of red-flag-28 alone now lets such a request pass"


def test_lines_of_screening_are_not_part_of_a_proof(tmp_path: Path) -> None:
    """Policies that draw other lines are not proved to be alike."""
    lines = SIMPLE + "\n[screening]\npossible = 0.9\nmatch = 0.95\n"
    policies = [
        read_policy(write_policy(tmp_path / name / "small", text)) for name, text in (("a", SIMPLE), ("b", lines))
    ]
    assert "lines of screening differ" in "\n".join(prove(*policies, BASE).open)


@pytest.mark.parametrize("pack", PACKS)
def test_formulas_say_what_conditions_say(pack: str) -> None:
    """For every rule of a pack's own, on random facts of the solver's own choosing, formula and condition agree."""
    dice = random.Random(3)  # noqa: S311 - any facts will do
    policy = read_policy(shipped_policies() / pack)
    groups = policy.editions[-1].groups
    for rule in [rule for rule in policy.rules if rule.policy == pack]:
        world = World([rule.node], (groups,), (BASE.as_of, replace(BASE).as_of.replace(year=2999)))
        truth = world.truth(rule.node, policy.constants, groups)
        for wanted, answer in ((truth.true, True), (truth.false, False), (truth.neither, None)):
            solver = z3.Solver()
            solver.set("random_seed", dice.randrange(2**30))
            solver.add(wanted, *world.constraints, *world.coarse())
            if solver.check() != z3.sat:
                continue
            given = with_facts(BASE, dict(world.facts(solver.model())))
            value = compile_condition(rule.node, policy.constants)(given, groups, ())
            assert (value if isinstance(value, bool) else None) is answer, (rule.id, answer)


def unproved(packs: Path, count: int, tries: int) -> list[str]:
    """Mutants of which proof, difference and brute force do not say the same."""
    dice = random.Random(57)  # noqa: S311 - any mutants will do
    wrong = []
    for before, after in several(packs, count, dice):
        proof, found = prove(before, after, BASE), difference(before, after, BASE)
        words = "; ".join(map(str, found.words))
        # What facts a gate makes of a limit no proof says, and both say so.
        shaped = [each for each in found.shaped if each.lenient]
        if len(proof.open) != len(shaped) or not all(any(str(each) in why for why in proof.open) for each in shaped):
            wrong.append(f"open: {words}: {proof.open}")
        elif bool(proof.examples) is not bool(found.lenient):
            wrong.append(f"proof {len(proof.examples)}, difference {len(found.lenient)}: {words}")
        elif proof.proven and brute_force(before, after, dice, tries):
            wrong.append(f"refuted: {words}")
    return wrong


def test_proof_and_difference_agree_on_mutants(tmp_path: Path) -> None:
    """In a random mutant of each pack, what is proved has no example, and what is not has one, by two methods."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    assert unproved(packs, len(PACKS), 20) == []


@pytest.mark.long
def test_proof_and_difference_agree_on_sixty_mutants(tmp_path: Path) -> None:
    """The same for sixty mutants of the shipped packs."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    assert unproved(packs, 60, 200) == []


def four_eyes(tmp_path: Path, name: str, line: str, when: str = "chips.count > 100") -> Policy:
    """The small policy with a line more in its rule."""
    text = SIMPLE.replace("[[rule]]", f"[[rule]]\n{line}", 1).replace("chips.count > 100", when)
    return read_policy(write_policy(tmp_path / name / "small", text))


def test_one_person_where_it_took_two_is_more_lenient(tmp_path: Path) -> None:
    """The outcome is the same, and half of those who had to agree are enough."""
    two, one = four_eyes(tmp_path, "two", "four_eyes = true"), four_eyes(tmp_path, "one", "")
    found, proof = difference(two, one, BASE), prove(two, one, BASE)
    for example in (found.lenient[0], proof.examples[0]):
        assert (example.old, example.new) == (Outcome.ESCALATE, Outcome.ESCALATE)
        assert (example.old_people, example.new_people) == (2, 1)
        assert example.turn == "escalate, 2 to approve -> escalate, 1 to approve"
    assert found.status == 4
    assert sets_lenient([two], [one], BASE) is not None
    assert difference(one, two, BASE).status == 3
    assert prove(one, two, BASE).proven


def test_four_eyes_for_fewer_requests_is_more_lenient(tmp_path: Path) -> None:
    """Two people are asked about fewer requests; what they are asked about is wider again when the line is lower."""
    two = four_eyes(tmp_path, "two", "four_eyes = true")
    fewer = four_eyes(tmp_path, "fewer", "four_eyes = true", "chips.count > 200")
    more = four_eyes(tmp_path, "more", "four_eyes = true", "chips.count > 50")
    assert prove(two, fewer, BASE).examples
    assert prove(two, more, BASE).proven
