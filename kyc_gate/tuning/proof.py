"""A proof that one policy is nowhere more lenient than another, or facts on which it is.

Needs the extra `prove`. The proof is over all facts, known and unknown, on all days, with every grant that a reviewer
may have given; numbers are from 0 up. What could not be proved is told, and never taken for proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from typing import Any as Formula  # z3 has no types of its own

import z3
from msgspec.structs import replace

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.model.decision import Decision, Mode, Outcome
from kyc_gate.model.facts import Facts, GrantFacts
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Edition, Policy, Rule, enforced_where
from kyc_gate.policy.shaping import shaped_otherwise
from kyc_gate.policy.syntax import Name, walk
from kyc_gate.policy.vocabulary import vocabulary
from kyc_gate.policy.written_conditions import condition_text
from kyc_gate.tuning.boundaries import value_at, with_facts
from kyc_gate.tuning.difference import Example, example_of, told_otherwise, weight
from kyc_gate.tuning.smt import Truth, Untranslatable, World

SECONDS = 10
"""Seconds that the solver has for one question. The questions of the shipped packs take hundredths."""

_LAST = date(2999, 12, 31)
_FIRST = date(1900, 1, 1)
"""The days between which dates of a policy lie; see `tables`."""


class Asked(Enum):
    """What a finding does that another policy may not do: stop a request, block it, or ask two people about it."""

    STOP = auto()
    BLOCK = auto()
    FOUR_EYES = auto()


class Proof(Record):
    """What was proved. With `examples` the new policy is more lenient; with `open` it is not known everywhere.

    Each example was decided by both policies. `open` says what is not proved, and why. `questions` counts what the
    solver was asked; rules that are the same in both policies need no question.
    """

    examples: tuple[Example, ...]
    open: tuple[str, ...]
    questions: int

    @property
    def proven(self) -> bool:
        """Whether the new policy is nowhere more lenient."""
        return not self.examples and not self.open


def prove(old: Policy, new: Policy, base: Facts, *, seconds: float = SECONDS) -> Proof:
    """Return whether `new` is nowhere more lenient than `old`. Examples start from `base`."""
    prover = _Prover(old, new, base, seconds)
    for start, end in _stretches(old, new):
        prover.ask(start, end)
    for shaped in (*shaped_otherwise(old, new), *told_otherwise(old, new)):
        if shaped.lenient:
            prover.open[f"{shaped}: no part of the proof, which asks what is stopped by given facts"] = None
    if old.lines != new.lines:
        prover.open["lines of screening differ: what they make of a score is no part of the proof"] = None
    return Proof(examples=tuple(prover.examples.values()), open=tuple(prover.open), questions=prover.questions)


def _stretches(old: Policy, new: Policy) -> Iterator[tuple[date, date]]:
    """First and last day of each stretch on which neither policy changes."""
    starts = sorted({_FIRST, *old.starts, *new.starts})
    for start, following in zip(starts, [*starts[1:], _LAST + timedelta(days=1)], strict=True):
        yield start, following - timedelta(days=1)


class _Prover:
    def __init__(self, old: Policy, new: Policy, base: Facts, seconds: float) -> None:
        self._old, self._new, self._base = old, new, base
        self._milliseconds = max(1, round(seconds * 1000))
        self.examples: dict[tuple[str, tuple[int, int], tuple[int, int]], Example] = {}
        self.open: dict[str, None] = {}
        self.questions = 0

    def ask(self, start: date, end: date) -> None:
        """Ask each rule of the old policy that the new one has otherwise, or not, on one stretch of days."""
        before, after = self._old.edition_on(start), self._new.edition_on(start)
        same = {(rule.id, _standing(rule, self._new, after)) for rule in after.rules}
        for rule in before.rules:
            if rule.strictest is Mode.ENFORCE and (rule.id, _standing(rule, self._old, before)) not in same:
                _Question(self, rule, before, after, start, end).settle()

    def decides(self, facts: Facts) -> tuple[Decision, Decision]:
        """Return what the old policy and the new one really decide on facts."""
        old, new = (decide(request_of(facts), facts, policy, facts_digest="") for policy in (self._old, self._new))
        return old, new

    @property
    def policies(self) -> tuple[Policy, Policy]:
        """The old policy and the new one."""
        return self._old, self._new

    @property
    def base(self) -> Facts:
        """The facts that stand where none matter."""
        return self._base

    @property
    def milliseconds(self) -> int:
        """How long the solver may take for one question."""
        return self._milliseconds


class _Question:
    """Whether one old rule finds something, on a stretch of days, where the new policy finds nothing as severe."""

    def __init__(self, prover: _Prover, rule: Rule, before: Edition, after: Edition, start: date, end: date) -> None:
        self._prover, self._rule, self._before, self._after = prover, rule, before, after
        self._start, self._end = start, end
        window = (_midnight(start), _midnight(end + timedelta(days=1)))
        others = [one for one in after.rules if one.strictest is Mode.ENFORCE]
        self._rivals = sorted(others, key=lambda one: one.id != rule.id)
        nodes = [node for one in (rule, *self._rivals) for node in (one.node, enforced_where(one))]
        self._world = World(nodes, (before.groups, after.groups), window)
        self._granted, self._severity = z3.Bool("grant"), z3.Int("grant.severity")
        self._budget = z3.Int("grant.budget")
        self._model: Formula = None

    def settle(self) -> None:
        """Ask for anything at all that was found; where the rule blocks, for a block; and for four eyes likewise."""
        try:
            self._ask(Asked.STOP)
            if self._rule.outcome is Outcome.BLOCK:
                self._ask(Asked.BLOCK)
            if self._rule.four_eyes:
                self._ask(Asked.FOUR_EYES)
        except Untranslatable as error:
            self._leave_open(f"a condition has no translation ({error})")

    def _leave_open(self, why: str) -> None:
        self._prover.open[f"rule {self._rule.id} from {self._start} to {self._end}: {why}"] = None

    def _ask(self, asked: Asked) -> None:
        solver = z3.Solver()
        solver.set("timeout", self._prover.milliseconds)
        old, new = self._prover.policies
        solver.add(self._stops(self._rule, old, self._before, asked))
        for index, rival in enumerate(self._rivals):
            solver.add(z3.Not(self._stops(rival, new, self._after, asked)))
            # The rule's own new version settles most questions; the rest is translated only where it must be.
            if index == 0 and self._check(solver) == z3.unsat:
                return
        found = self._check(solver)
        if found == z3.unknown:
            self._leave_open(f"the solver gave no answer ({solver.reason_unknown()})")
        elif found == z3.sat and not self._shown():
            solver.add(*self._world.coarse())
            if self._check(solver) != z3.sat or not self._shown():
                self._leave_open("the solver's facts could not be written down as facts that show it")

    def _check(self, solver: Formula) -> Formula:
        self._prover.questions += 1
        solver.push()
        solver.add(*self._world.constraints, self._severity >= 1, self._severity <= 2, self._budget >= 0)
        found = solver.check()
        self._model = solver.model() if found == z3.sat else None
        solver.pop()
        return found

    def _stops(self, rule: Rule, policy: Policy, edition: Edition, asked: Asked) -> Formula:
        """When a finding of the rule counts and does what is asked for."""
        truth: Truth = self._world.truth(rule.node, policy.constants, edition.groups)
        enforced = self._world.truth(enforced_where(rule), policy.constants, edition.groups).true
        return z3.And(enforced, self._finds(rule, truth, asked))

    def _finds(self, rule: Rule, truth: Truth, asked: Asked) -> Formula:
        blocks = rule.outcome is Outcome.BLOCK
        fired = z3.And(truth.true, z3.Not(self._covered(rule, rule.outcome)))
        if asked is Asked.BLOCK or (asked is Asked.FOUR_EYES and not rule.four_eyes):
            return fired if blocks else z3.BoolVal(False)
        return z3.Or(fired, z3.And(truth.neither, z3.Not(self._covered(rule, Outcome.ESCALATE))))

    def _covered(self, rule: Rule, outcome: Outcome) -> Formula:
        """When a grant covers a finding: as `decide` has it."""
        if not rule.overridable:
            return z3.BoolVal(False)
        high, resolved = self._world.term("operations.high"), self._world.term("request.resolved")
        within = z3.If(high.known, high.value <= self._budget, z3.Not(resolved.value))
        return z3.And(self._granted, z3.Bool(f"grant[{rule.id}]"), outcome.severity <= self._severity, within)

    def _shown(self) -> bool:
        """Whether both policies really decide so on the solver's facts; they are kept as an example then."""
        model = self._model
        noon = datetime.combine(self._start, time(12), UTC)
        asked = {"as_of": noon, **dict(self._world.facts(model))}
        facts = with_facts(self._prover.base, asked)
        granted = z3.is_true(model.eval(self._granted, model_completion=True))
        facts = replace(facts, grant=self._grant(model) if granted else None, resembled=None)
        old, new = self._prover.decides(facts)
        if weight(new) >= weight(old):
            return False
        base = self._prover.base
        self._prover.examples.setdefault(
            (self._rule.id, weight(old), weight(new)),
            example_of(
                self._rule.id,
                facts,
                [(path, value) for path, value in asked.items() if value != value_at(base, path)],
                old,
                new,
            ),
        )
        return True

    def _grant(self, model: Formula) -> GrantFacts:
        rules: Sequence[Rule] = (self._rule, *self._rivals)
        held = [rule.id for rule in rules if z3.is_true(model.eval(z3.Bool(f"grant[{rule.id}]")))]
        severe = model.eval(self._severity, model_completion=True).as_long() == Outcome.BLOCK.severity
        return GrantFacts(
            id="a-grant",
            rules=tuple(dict.fromkeys(held)),
            budget=model.eval(self._budget, model_completion=True).as_long(),
            outcome=Outcome.BLOCK if severe else Outcome.ESCALATE,
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


def _standing(rule: Rule, policy: Policy, edition: Edition) -> tuple[object, ...]:
    """Everything that a rule's findings rest on while an edition holds, apart from the facts."""
    names = sorted({node.path for node in walk(rule.node) if isinstance(node, Name)} - set(vocabulary()))
    named = [
        policy.constants.limits.get(name[7:])
        if name.startswith("limits.")
        else policy.constants.options.get(name[8:])
        if name.startswith("options.")
        else edition.groups.get(name[7:])
        for name in names
    ]
    own = (rule.outcome, rule.mode, rule.routes, rule.overridable, rule.four_eyes)
    return (condition_text(rule.node), *own, tuple(names), tuple(named))
