"""How two policies differ: rule by rule in words, and by what they decide."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, product
from math import prod

from msgspec.structs import replace

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.decide.lines import facts_by_lines
from kyc_gate.model.decision import Decision, Mode, Outcome
from kyc_gate.model.facts import Facts, GrantFacts, Resembled
from kyc_gate.model.match import Band, Lines
from kyc_gate.model.party import PartyKind
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.routes import RuleRoute
from kyc_gate.policy.shaping import Shaped, shaped_otherwise
from kyc_gate.policy.syntax import Name, walk
from kyc_gate.policy.templates import template_text
from kyc_gate.policy.vocabulary import vocabulary
from kyc_gate.policy.written_conditions import condition_text, number_text
from kyc_gate.screening.screener import MATCH, POSSIBLE
from kyc_gate.tuning.boundaries import boundary_values, changing_moments, rule_facts, value_at, with_facts

MOST_DRAWN = 20_000
"""Combinations of boundary values that a changed rule is asked on one day; where there are more, so many are drawn."""

EXAMPLES = 10
"""Examples that are kept for each direction."""


class Wording(Record):
    """One difference in words: what it is about, and the two texts; an empty one where there is none."""

    about: str
    old: str
    new: str

    def __str__(self) -> str:
        if not self.old:
            return f"{self.about}: added: {self.new}"
        return f"{self.about}: {self.old} -> {self.new}" if self.new else f"{self.about}: removed: {self.old}"


class Example(Record):
    """Facts on which the two policies decide otherwise: the facts that were set, and both decisions.

    `grant` is the approval that the request came with; None where it had none. `old_people` and `new_people` say how
    many people it takes to let the request through: 0 where it passes, 2 where a finding asks for four eyes.
    """

    rule: str
    as_of: datetime
    facts: tuple[tuple[str, object], ...]
    old: Outcome
    new: Outcome
    old_rules: tuple[str, ...]
    new_rules: tuple[str, ...]
    grant: GrantFacts | None = None
    old_people: int = 0
    new_people: int = 0

    @property
    def granted(self) -> bool:
        """Whether the difference shows only to a request that a reviewer has approved."""
        return self.grant is not None

    @property
    def lenient(self) -> bool:
        """Whether the new policy lets more through here, or lets fewer people do it."""
        return (self.new.severity, self.new_people) < (self.old.severity, self.old_people)

    @property
    def turn(self) -> str:
        """Both outcomes in words, with the people that they take where only those differ."""
        if self.old is not self.new:
            return f"{self.old} -> {self.new}"
        return f"{self.old}, {self.old_people} to approve -> {self.new}, {self.new_people} to approve"


class Difference(Record):
    """Everything in which two policies differ. `drawn` says how many combinations of facts were asked.

    `exhaustive` is true where those were all combinations of boundary values of every changed rule. `shaped` are limits
    by which a gate makes other facts and modes of rules that stop nothing, which no combination shows.
    """

    words: tuple[Wording, ...]
    shaped: tuple[Shaped, ...]
    lenient: tuple[Example, ...]
    stricter: tuple[Example, ...]
    drawn: int
    exhaustive: bool

    @property
    def status(self) -> int:
        """The exit status: 0 for the same decisions, 3 for stricter ones only, 4 for more lenient ones somewhere."""
        if self.lenient or any(each.lenient for each in self.shaped):
            return 4
        return 3 if self.stricter or self.shaped else 0

    @property
    def leniency(self) -> str | None:
        """In a few words, where the new policy lets more through; None where nowhere."""
        shaped = (str(each) for each in self.shaped if each.lenient)
        examples = (f"rule `{each.rule}`: {each.turn}" for each in self.lenient)
        return next(chain(shaped, examples), None)


def difference(old: Policy, new: Policy, base: Facts) -> Difference:
    """Return how `new` differs from `old`. Facts that no changed rule asks for stand as in `base`.

    Each changed rule is asked, old and new, with the values of its facts at which either turns, on each day on which
    either changes. Where the two answer otherwise, both policies decide: without a grant, with one for every rule, and
    with one for every rule but the changed one.
    """
    search = _Search(old, new, base)
    for changed in changed_rules(old, new):
        search.ask(changed)
    if old.lines != new.lines:
        search.ask_lines()
    return Difference(
        words=tuple(worded(old, new)),
        shaped=(*shaped_otherwise(old, new), *told_otherwise(old, new)),
        lenient=search.found(lenient=True),
        stricter=search.found(lenient=False),
        drawn=search.drawn,
        exhaustive=search.exhaustive,
    )


def sets_lenient(old: Sequence[Policy], new: Sequence[Policy], base: Facts) -> str | None:
    """Return, in a few words, where the policies `new` together let more through than `old`; None where nowhere.

    Policies are compared by name. One that is gone is more lenient, whatever the others say: they were not written to
    stand in for it.
    """
    after = {policy.reference.name: policy for policy in new}
    for policy in old:
        name = policy.reference.name
        other = after.get(name)
        if other is None:
            return f"policy `{name}` is gone"
        if other.reference.digest == policy.reference.digest:
            continue
        if (found := difference(policy, other, base).leniency) is not None:
            return f"policy `{name}`, {found}"
    return None


class Changed(Record):
    """A rule in two versions; None where one policy has none."""

    id: str
    old: Rule | None
    new: Rule | None


def changed_rules(old: Policy, new: Policy) -> Iterator[Changed]:
    """Yield every rule that may answer otherwise: by its own text, or by a limit, option or group that it names."""
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for id in dict.fromkeys((*before, *after)):
        one, other = before.get(id), after.get(id)
        if one is None or other is None or rule_behaviour(one, old) != rule_behaviour(other, new):
            yield Changed(id=id, old=one, new=other)


def rule_behaviour(rule: Rule, policy: Policy) -> tuple[object, ...]:
    """Return everything that a rule's answer rests on, apart from the facts."""
    names = sorted({node.path for node in walk(rule.node) if isinstance(node, Name)})
    settings = [(name, policy.constants.limits.get(name[7:])) for name in names if name.startswith("limits.")]
    options = [(name, policy.constants.options.get(name[8:])) for name in names if name.startswith("options.")]
    groups = [name[7:] for name in names if name.startswith("groups.")]
    members = [
        (start, [(name, sorted(edition.groups.get(name, ()))) for name in groups])
        for start, edition in zip((None, *policy.starts), policy.editions, strict=True)
    ]
    spans = [span for index, span in enumerate(members) if index == 0 or span[1] != members[index - 1][1]]
    own = (
        rule.outcome,
        rule.mode,
        rule.routes,
        rule.overridable,
        rule.four_eyes,
        rule.effective_from,
        rule.effective_to,
    )
    return (condition_text(rule.node), *own, settings, options, spans)


class _Search:
    """The facts on which two policies were asked, and what came of it."""

    def __init__(self, old: Policy, new: Policy, base: Facts) -> None:
        self._old, self._new, self._base = old, new, base
        self._examples: list[Example] = []
        self._dice = random.Random(7)  # noqa: S311 - the same draw every time, so that an answer can be repeated
        self.drawn = 0
        self.exhaustive = True
        rules = tuple({rule.id for policy in (old, new) for rule in policy.rules})
        self._grant = GrantFacts(id="any", rules=rules, budget=10**40, outcome=Outcome.BLOCK)

    def found(self, *, lenient: bool) -> tuple[Example, ...]:
        """Return examples of one direction, those of different rules and outcomes first."""
        chosen = [example for example in self._examples if example.lenient is lenient]
        first = {(example.rule, example.old, example.new, example.granted): example for example in reversed(chosen)}
        ordered = [*reversed(first.values()), *chosen]
        return tuple({id(example): example for example in ordered}.values())[:EXAMPLES]

    def ask(self, changed: Changed) -> None:
        """Ask a changed rule on each day on which something changes, and on the day of the base."""
        rules = [rule for rule in (changed.old, changed.new) if rule is not None]
        paths = tuple(dict.fromkeys(path for rule in rules for path in rule_facts(rule)))
        for moment in self._moments(changed):
            values = boundary_values((self._old, self._new), moment, only=changed.id)
            options = [tuple(dict.fromkeys((value_at(self._base, path), *values.get(path, ())))) for path in paths]
            base = replace(self._base, as_of=moment)
            for combination in self._combinations(options):
                self.drawn += 1
                asked = dict(zip(paths, combination, strict=True))
                facts = with_facts(base, asked)
                if _answer(changed.old, self._old, facts) != _answer(changed.new, self._new, facts):
                    self._decide(changed.id, facts, asked)

    def ask_lines(self) -> None:
        """Ask about one resemblance on each side of every line, for lists and kinds that have their own."""
        drawn = [_lines(self._old), _lines(self._new)]
        for name, kind in sorted({pair for lines in drawn for pair in _drawn_for(lines)}):
            bands = [lines.of(name, kind) for lines in drawn]
            for score in sorted({beside for band in bands for beside in _beside(band)}):
                self.drawn += 1
                resembled = (Resembled(list=name, kind=kind, score=score),)
                facts = replace(self._base, resembled=resembled)
                given = tuple(facts_by_lines(facts, lines) for lines in drawn)
                if given[0].screening != given[1].screening:
                    self._decide_resemblance(given, {"screening.score": score, "screening.list": f"{name}/{kind}"})

    def _decide_resemblance(self, given: tuple[Facts, ...], asked: Mapping[str, object]) -> None:
        for granted in (False, True):
            facts = [replace(one, grant=self._grant if granted else None) for one in given]
            old, new = _decided(self._old, facts[0]), _decided(self._new, facts[1])
            if weight(old) != weight(new):
                self._keep("screening", facts[0], asked, old, new)
                return

    def _moments(self, changed: Changed) -> Iterable[datetime]:
        """One moment for each way in which the two versions may stand: in force or not, and with which groups."""
        found: dict[object, datetime] = {}
        for moment in (self._base.as_of, *changing_moments([self._old, self._new])):
            found.setdefault(
                (_standing(changed.old, self._old, moment), _standing(changed.new, self._new, moment)), moment
            )
        return found.values()

    def _combinations(self, options: Sequence[tuple[object, ...]]) -> Iterable[tuple[object, ...]]:
        if prod(map(len, options)) <= MOST_DRAWN:
            return product(*options)
        self.exhaustive = False
        return (tuple(self._dice.choice(some) for some in options) for _ in range(MOST_DRAWN))

    def _decide(self, rule: str, facts: Facts, asked: Mapping[str, object]) -> None:
        for grant in self._grants(without=rule):
            given = replace(facts, grant=grant)
            old, new = _decided(self._old, given), _decided(self._new, given)
            if weight(old) != weight(new):
                example = self._keep(rule, given, asked, old, new)
                if example.lenient:
                    return

    def _grants(self, *, without: str) -> tuple[GrantFacts | None, ...]:
        """No grant, one for every rule, and one for every rule but the one that changed.

        The last shows what a rule stops that others always stop with it: a reviewer who approves the others has not
        approved this one.
        """
        others = tuple(id for id in self._grant.rules if id != without)
        return (None, self._grant, replace(self._grant, rules=others))

    def _keep(self, rule: str, facts: Facts, asked: Mapping[str, object], old: Decision, new: Decision) -> Example:
        moved = [pair for pair in asked.items() if pair != (pair[0], _base_value(self._base, pair[0]))]
        example = example_of(rule, facts, moved, old, new)
        kept = sum(1 for one in self._examples if _sort(one) == _sort(example))
        if kept < EXAMPLES:
            self._examples.append(example)
        return example


def _sort(example: Example) -> tuple[object, ...]:
    return (example.rule, example.old, example.new, example.lenient, example.granted)


def told_otherwise(old: Policy, new: Policy) -> Iterator[Shaped]:
    """Yield rules that stop nothing, and are recorded or told of in another mode, somewhere or everywhere."""
    after = {rule.id: rule for rule in new.rules}
    for rule in old.rules:
        if rule.strictest in (Mode.OBSERVE, Mode.WARN):
            other = after.get(rule.id)
            was, now = _modes(rule), _modes(other)
            if was != now:
                quieter = any(now.get(route, now[""]).reach < mode.reach for route, mode in was.items()) or any(
                    mode.reach < was[""].reach for route, mode in now.items() if route not in was
                )
                yield Shaped(about=f"rule {rule.id}, mode", old=_listed(was), new=_listed(now), lenient=quieter)


def _modes(rule: Rule | None) -> dict[str, Mode]:
    """Return a rule's mode on each of its routes, and under an empty name everywhere else; off where there is none."""
    if rule is None:
        return {"": Mode.OFF}
    return {"": rule.mode, **{_routed(each).partition(" where ")[2]: each.mode for each in rule.routes}}


def _listed(modes: Mapping[str, Mode]) -> str:
    return ", ".join(f"{mode} where {route}" if route else str(mode) for route, mode in modes.items())


def example_of(rule: str, facts: Facts, moved: Iterable[tuple[str, object]], old: Decision, new: Decision) -> Example:
    """Return the example of two decisions on facts of which `moved` were set."""
    return Example(
        rule=rule,
        as_of=facts.as_of,
        facts=tuple(moved),
        old=old.outcome,
        new=new.outcome,
        old_rules=tuple(finding.rule for finding in old.counting),
        new_rules=tuple(finding.rule for finding in new.counting),
        grant=facts.grant,
        old_people=weight(old)[1],
        new_people=weight(new)[1],
    )


def _base_value(base: Facts, path: str) -> object:
    return value_at(base, path) if path in vocabulary() else None


def _lines(policy: Policy) -> Lines:
    """Return the lines of a policy; one that draws none takes the operator's, which are these by default."""
    return policy.lines or Lines(default=Band(possible=POSSIBLE, match=MATCH))


def _drawn_for(lines: Lines) -> Iterator[tuple[str, PartyKind]]:
    """Pairs of list and kind that some lines are drawn for, and one that only the default is for."""
    yield ("ANY", PartyKind.UNKNOWN)
    for name in (*lines.lists, "SDN", "EL"):
        yield from ((name, kind) for kind in (PartyKind.UNKNOWN, PartyKind.COMPANY, PartyKind.PERSON))
    for kind in lines.kinds:
        yield from ((name, PartyKind(kind)) for name in ("ANY", "SDN", "EL", *lines.lists))
    for pair in lines.pairs:
        name, _, kind = pair.partition("/")
        yield (name, PartyKind(kind))


def _beside(band: Band) -> tuple[float, ...]:
    """Scores at both lines and just below them."""
    return tuple(score for line in (band.possible, band.match) for score in (max(line - 1e-6, 0.0), line))


def _standing(rule: Rule | None, policy: Policy, moment: datetime) -> object:
    """Whether a rule is in force, with the groups that it names; None where it is not."""
    day = moment.astimezone(UTC).date()
    if rule is None or not rule.in_force(day):
        return None
    groups = policy.edition_on(day).groups
    return tuple(
        (node.path, groups[node.path[7:]])
        for node in walk(rule.node)
        if isinstance(node, Name) and node.path.startswith("groups.")
    )


def _answer(rule: Rule | None, policy: Policy, facts: Facts) -> tuple[object, ...] | None:
    """What a rule does about facts: its answer with all that decides what follows from it; None where it is silent."""
    day = facts.as_of.astimezone(UTC).date()
    if rule is None or not rule.in_force(day):
        return None
    mode, _ = rule.mode_on(facts.request)
    if mode is Mode.OFF:
        return None
    try:
        value = rule.condition(facts, policy.edition_on(day).groups, ())
    # As when a rule is asked: whatever goes wrong is a finding that escalates.
    except Exception:  # noqa: BLE001
        value = None
    if value is False:
        return None
    outcome = rule.outcome if value is True else Outcome.ESCALATE
    return (outcome, mode, rule.overridable, rule.four_eyes)


def weight(decision: Decision) -> tuple[int, int]:
    """How much stands in a request's way: the severity, then how many people it takes to let it through."""
    if decision.outcome is Outcome.ALLOW:
        return decision.outcome.severity, 0
    return decision.outcome.severity, 2 if any(finding.four_eyes for finding in decision.counting) else 1


def _decided(policy: Policy, facts: Facts) -> Decision:
    return decide(request_of(facts), facts, policy, facts_digest="")


def worded(old: Policy, new: Policy) -> Iterator[Wording]:
    """Yield the differences in words: rules, limits, options and groups."""
    yield from _maps("limit", _numbers(old), _numbers(new))
    yield from _maps("option", _options(old), _options(new))
    if old.disclosure != new.disclosure:
        yield Wording(about="disclosure", old=str(old.disclosure), new=str(new.disclosure))
    yield from _groups(old, new)
    if old.lines != new.lines:
        yield from _maps("screening", _bands(_lines(old)), _bands(_lines(new)))
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for id in dict.fromkeys((*before, *after)):
        one, other = before.get(id), after.get(id)
        if one is None or other is None:
            yield Wording(about=f"rule {id}", old=one.title if one else "", new=other.title if other else "")
        else:
            yield from _maps(f"rule {id},", _told(one), _told(other))


def _bands(lines: Lines) -> Mapping[str, str]:
    every = {"everywhere": lines.default, **lines.lists, **lines.kinds, **lines.pairs}
    return {name: f"possible from {band.possible:g}, match from {band.match:g}" for name, band in every.items()}


def _numbers(policy: Policy) -> Mapping[str, str]:
    return {name: number_text(value) for name, value in policy.limits.items()}


def _options(policy: Policy) -> Mapping[str, str]:
    return {name: str(value).lower() for name, value in policy.options.items()}


def _told(rule: Rule) -> Mapping[str, str]:
    return {
        "when": condition_text(rule.node),
        "then": str(rule.outcome),
        "mode": str(rule.mode),
        "overridable": str(rule.overridable).lower(),
        "four_eyes": str(rule.four_eyes).lower(),
        "from": str(rule.effective_from or "always"),
        "to": str(rule.effective_to or "open"),
        "cites": ", ".join(rule.cites) or "none",
        "because": template_text(rule.because),
        "runbook": rule.runbook or "none",
        "status": str(rule.status),
        "title": rule.title,
        **{f"mode on route `{each.route.name}`": _routed(each) for each in rule.routes},
    }


def _routed(each: RuleRoute) -> str:
    return f"{each.mode} where {condition_text(each.route.node)}"


def _maps(about: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Wording]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Wording(about=f"{about} {name}", old=old.get(name, ""), new=new.get(name, ""))


def _groups(old: Policy, new: Policy) -> Iterator[Wording]:
    """Groups whose members differ, as from the first day on which they do."""
    told: set[str] = set()
    for moment in changing_moments([old, new]):
        before, after = (policy.edition_on(moment.date()).groups for policy in (old, new))
        for name in dict.fromkeys((*before, *after)):
            one, other = before.get(name, frozenset()), after.get(name, frozenset())
            if one != other and name not in told:
                told.add(name)
                yield Wording(
                    about=f"group {name} on {moment.date()}",
                    old=f"without {', '.join(sorted(one - other)) or 'none'}",
                    new=f"with {', '.join(sorted(other - one)) or 'none'}",
                )
