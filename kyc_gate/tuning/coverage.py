"""What the cases beside a policy try: each rule, each question of it, and both sides of each line and date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, timedelta
from fractions import Fraction

from kyc_gate.model.decision import Mode
from kyc_gate.model.record import Record
from kyc_gate.policy.cases import PolicyCase
from kyc_gate.policy.expressions import compile_condition, constant_value
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.syntax import All, Any, Compare, Name, Node, Not
from kyc_gate.policy.vocabulary import Fact, Type, vocabulary
from kyc_gate.policy.written_conditions import condition_text, number_text
from kyc_gate.tuning.boundaries import value_at

NEAR = Fraction(1, 100)
"""How far from a line, as a share of it, a measured fact may lie to stand beside it."""


class Aim(Record):
    """One thing that a case should try: of which rule, what, and whether some case does."""

    rule: str
    what: str
    met: bool

    def __str__(self) -> str:
        return f"rule `{self.rule}`: no case {self.what}"


class Coverage(Record):
    """Everything that cases should try, and how much of it they do."""

    aims: tuple[Aim, ...]

    @property
    def missing(self) -> tuple[Aim, ...]:
        """What no case tries."""
        return tuple(aim for aim in self.aims if not aim.met)

    @property
    def percent(self) -> float:
        """How much is tried, of 100; all of nothing is 100."""
        return 100.0 * (1 - len(self.missing) / len(self.aims)) if self.aims else 100.0


def coverage(policy: Policy, cases: Sequence[PolicyCase], pack: str) -> Coverage:
    """Return what `cases` try of the rules that stand in the folder `pack` itself.

    A rule that is in force should find something in one case and nothing in another; each question of its condition
    should be answered with yes and with no; a fact that is compared with a number should stand at the line and beside
    it; and each date should have a case on both its sides. Where a rule is in another mode on a route, it should find
    something there. A rule in mode `off` asks for nothing.
    """
    rules = [rule for rule in policy.rules if rule.policy == pack and rule.strictest is not Mode.OFF]
    return Coverage(aims=tuple(aim for rule in rules for aim in _aims(rule, cases)))


def _aims(rule: Rule, cases: Sequence[PolicyCase]) -> Iterator[Aim]:
    tried = [(case, own) for case in cases if (own := _own(rule, case)) is not None]
    in_force = [(case, own) for case, own in tried if own.in_force(_day(case))]
    yield _aim(rule, "fires it", any(rule.id in case.rules | case.noted for case, _ in in_force))
    quiet = any(rule.id not in case.rules | case.noted for case, _ in in_force)
    yield _aim(rule, "leaves it quiet while it is in force", quiet)
    for each in rule.routes:
        on_route = any(
            rule.id in case.rules | case.noted and each.route.fits(case.facts.request) for case, _ in in_force
        )
        if each.mode is not Mode.OFF:
            yield _aim(rule, f"fires it on route `{each.route.name}`", on_route)
    for index, question in enumerate(_questions(rule.node)):
        text = condition_text(question)
        answers = {_answer(own, case, index) for case, own in in_force}
        yield _aim(rule, f"answers `{text}` with yes", True in answers)
        yield _aim(rule, f"answers `{text}` with no", False in answers)
        line = _line(question, tried[0][0].policy) if tried else None
        if line is not None:
            yield from _line_aims(rule, text, line, [case for case, _ in in_force])
    days = {_day(case) for case, _ in tried}
    for name, day, other in _dates(rule):
        yield _aim(rule, f"is on {day}, {name}", day in days)
        yield _aim(rule, f"is on {other}, beside {name}", other in days)


def _aim(rule: Rule, what: str, met: bool) -> Aim:
    return Aim(rule=rule.id, what=what, met=met)


def _own(rule: Rule, case: PolicyCase) -> Rule | None:
    """The rule in the policy that decides a case, which may have limits and options of its own."""
    return next((one for one in case.policy.rules if one.id == rule.id), None)


def _day(case: PolicyCase) -> date:
    return case.facts.as_of.astimezone(UTC).date()


def _questions(node: Node) -> list[Node]:
    """The parts of a condition that ask something, in order; what joins or turns them is none."""
    match node:
        case All(operands=operands) | Any(operands=operands):
            return [question for operand in operands for question in _questions(operand)]
        case Not(operand=operand):
            return _questions(operand)
        case _:
            return [node]


def _answer(rule: Rule, case: PolicyCase, index: int) -> bool | None:
    question = _questions(rule.node)[index]
    groups = case.policy.edition_on(_day(case)).groups
    value = compile_condition(question, case.policy.constants)(case.facts, groups, ())
    return value if isinstance(value, bool) else None


class _Line(Record):
    """A fact, the number that it is compared with, and whether the number itself is on the side of more."""

    fact: Fact
    value: int | Fraction
    includes: bool


def _line(question: Node, policy: Policy) -> _Line | None:
    if not isinstance(question, Compare) or question.operator not in (">", ">=", "<", "<="):
        return None
    turned = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
    pairs = (
        (question.left, question.right, question.operator),
        (question.right, question.left, turned[question.operator]),
    )
    for named, other, operator in pairs:
        if isinstance(named, Name) and named.path in vocabulary() and vocabulary()[named.path].type is Type.NUMBER:
            value = constant_value(other, policy.constants)
            if isinstance(value, int | Fraction) and not isinstance(value, bool):
                return _Line(fact=vocabulary()[named.path], value=value, includes=operator in (">=", "<"))
    return None


def _line_aims(rule: Rule, text: str, line: _Line, cases: Sequence[PolicyCase]) -> Iterator[Aim]:
    """A case at the line, and one on the other side of it: the next whole number, or a measure within a hundredth."""
    held = [value_at(case.facts, line.fact.path) for case in cases]
    values = [_exact(value) for value in held if isinstance(value, int | float)]
    beside = [value for value in values if (value < line.value if line.includes else value > line.value)]
    reach = Fraction(1) if line.fact.exact else max(line.value * NEAR, NEAR)
    near = any(abs(value - line.value) <= reach for value in beside)
    side = "below" if line.includes else "above"
    if line.value > 0 or not line.includes:
        yield _aim(rule, f"stands just {side} the line of `{text}`", near)
    yield _aim(rule, f"stands at the line of `{text}`, {number_text(line.value)}", line.value in values)


def _exact(value: float) -> Fraction:
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _dates(rule: Rule) -> Iterator[tuple[str, date, date]]:
    if rule.effective_from is not None:
        yield "its first day", rule.effective_from, rule.effective_from - timedelta(days=1)
    if rule.effective_to is not None:
        yield "its last day", rule.effective_to, rule.effective_to + timedelta(days=1)
