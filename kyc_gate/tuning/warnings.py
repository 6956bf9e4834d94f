"""Warnings about a policy that can be used: what its author hardly means.

Each kind has a code of `WARNINGS`; a rule that lists the code in `accepts` is not told of it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import product
from pathlib import Path

from msgspec.structs import replace

from kyc_gate.model.decision import LegalStatus, Mode, Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.law import Law, Threshold
from kyc_gate.policy.names import Constants
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.read import Reading, read_folder, shipped_policies
from kyc_gate.policy.routes import Route
from kyc_gate.policy.source import Problem, Severity, Source
from kyc_gate.policy.syntax import Arithmetic, Compare, Literal, Name, Node, Number, walk
from kyc_gate.policy.vocabulary import vocabulary
from kyc_gate.policy.written_conditions import condition_text, number_text
from kyc_gate.tuning.boundaries import changing_moments, rule_facts
from kyc_gate.tuning.difference import rule_behaviour
from kyc_gate.tuning.reach import FALSE, NEITHER, TRUE, Reached, Wanted, reach
from kyc_gate.tuning.told import value_told
from kyc_gate.tuning.weakened import at_setting, own_sources, setting_behind, weak_settings

STALE_DAYS = 180
"""Days after which a text of law should be read again. The Country Groups changed twice within 157 days of 2026."""

_REACHES_LINE = (">=", "<")
"""Comparators that put the number itself on the side of more; `>` and `<=` put it on the side of less."""

_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class Review(Record):
    """The warnings, and the rules of which no search could tell whether they can fire."""

    warnings: tuple[Problem, ...]
    undecided: tuple[str, ...]


def review(folder: Path, today: date, base: Facts, *, stale_days: int = STALE_DAYS) -> Review:
    """Return what the policy in `folder` says that its author hardly means, as of `today`.

    `base` holds the facts of an ordinary request. Of a policy with errors it is what needs no proof, about the rules
    that could be read.
    """
    reading = read_folder(folder)
    if reading.law is None:
        return Review(warnings=(), undecided=())
    worded = _Worded(reading, reading.law, today, stale_days)
    if reading.policy is None:
        return Review(warnings=worded.run(), undecided=())
    return _Reviewer(reading, reading.policy, worded, today, base).run(folder)


class _Worded:
    """The warnings that reading the rules is enough for, each for itself."""

    def __init__(self, reading: Reading, law: Law, today: date, stale_days: int) -> None:
        self._reading, self.law = reading, law
        self._rules = [rule for rule in reading.rules if rule.id]
        self._today, self._stale_days = today, stale_days
        self.found: list[Problem] = []

    def run(self) -> tuple[Problem, ...]:
        for rule in self._rules:
            self._comparators(rule)
            if not rule.runbook:
                self.warn(rule, "no-runbook", "tells a reviewer nothing to do; add `runbook`", None)
            future = rule.effective_from is not None and rule.effective_from > self._today
            if future and rule.status is not LegalStatus.ENACTED_FUTURE:
                self.warn(rule, "future", f"is not in force before {rule.effective_from}", "effective_from")
        self._dates()
        self._stale()
        return tuple(dict.fromkeys(self.found))

    def warn(self, rule: Rule, code: str, message: str, key: str | None, position: int | None = None) -> None:
        if code in rule.accepts:
            return
        source = self.source_of(rule)
        line = source.line_of(rule.id, key) if source is not None else None
        column = None
        if source is not None and line is not None:
            line, column = (line, 1) if position is None else source.place_in(line, rule.text, position)
        self.found.append(
            Problem(
                file=source.name if source is not None else rule.policy,
                line=line,
                column=column,
                rule=rule.id,
                message=message,
                severity=Severity.WARNING,
                code=code,
            )
        )

    def source_of(self, rule: Rule) -> Source | None:
        here = [source for source in self._reading.sources if source.line_of(rule.id) is not None]
        own = [source for source in here if source.name.startswith(f"{rule.policy}/")]
        return next(iter((*own, *here)), None)

    def _dates(self) -> None:
        """A rule that follows on another begins on the day after that one ends."""
        for rule in self._rules:
            before = self._followed(rule)
            if before is None or before.effective_to is None or rule.effective_from is None:
                continue
            due = before.effective_to + timedelta(days=1)
            if rule.effective_from > due:
                last = rule.effective_from - timedelta(days=1)
                message = f"`{before.id}` ends on {before.effective_to}, so neither is in force from {due} to {last}"
                self.warn(rule, "gap", f"{message}; begin on {due}", "effective_from")
            elif rule.effective_from < due and rule.replaces:
                message = f"both this rule and `{before.id}` are in force up to {before.effective_to}"
                self.warn(rule, "overlap", f"{message}; begin on {due}", "effective_from")

    def _followed(self, rule: Rule) -> Rule | None:
        """The rule that `rule` follows on: the one it names, or the last to end before it of those named alike."""
        if rule.replaces:
            return next((one for one in self._rules if one.id == rule.replaces), None)
        kin = [
            one
            for one in self._rules
            if one is not rule
            and one.effective_to
            and _kin(one.id, rule.id)
            and rule.effective_from
            and one.effective_to < rule.effective_from
        ]
        return max(kin, key=lambda one: one.effective_to or date.min, default=None)

    # A rule and its law.

    def _comparators(self, rule: Rule) -> None:
        for part in walk(rule.node):
            if not isinstance(part, Compare) or part.operator not in _TURNED:
                continue
            for side, operator in ((part.right, part.operator), (part.left, _TURNED[part.operator])):
                threshold = self._threshold(side, rule)
                if threshold is None or (operator in _REACHES_LINE) == (threshold.comparator in _REACHES_LINE):
                    continue
                text = condition_text(part)
                right = _as_the_law(part.operator)
                message = (
                    f"`{text}` draws the line beside the one of {threshold.source}, which says "
                    f"`{threshold.comparator} {number_text(threshold.value)}`; write `{right}` for `{part.operator}`"
                )
                self.warn(rule, "comparator", message, "when", part.position)

    def _threshold(self, side: Node, rule: Rule) -> Threshold | None:
        """The threshold that one side of a comparison stands for, alone or times a fact."""
        if isinstance(side, Name):
            return self._reading.drawn.get(side.path.removeprefix("limits."))
        if isinstance(side, Arithmetic) and side.operator == "*":
            sides = [self._threshold(side.left, rule), self._threshold(side.right, rule)]
            facts = [part for part in (side.left, side.right) if isinstance(part, Name) and part.path in vocabulary()]
            return next((one for one in sides if one is not None), None) if facts else None
        if isinstance(side, Literal) and isinstance(side.value, Number) and not isinstance(side.value, bool):
            cited = [one for one in self.law.thresholds.values() if one.cite in rule.cites]
            same = [one for one in cited if one.value == side.value and one.value not in (0, 1)]
            return same[0] if same and len({one.comparator in _REACHES_LINE for one in same}) == 1 else None
        return None

    def _stale(self) -> None:
        """Say once for each file how many texts that the rules rest on should be read again."""
        oldest = self._today - timedelta(days=self._stale_days)
        read: Mapping[str, list[tuple[date, str]]] = defaultdict(list)
        for rule in self._rules:
            for cite in rule.cites:
                day = self.law.citations[cite].as_of
                if day is not None:
                    read["citations"].append((day, cite))
            for part in walk(rule.node):
                if isinstance(part, Name) and part.path.startswith("groups."):
                    name = part.path[7:]
                    read["groups"].append((self.law.groups[name].as_of, name))
        for threshold in self._reading.drawn.values():
            read["thresholds"].append((threshold.as_of, threshold.name))
        for file, entries in read.items():
            old = sorted({entry for entry in entries if entry[0] < oldest})
            if old:
                self._say_stale(file, old)

    def _say_stale(self, file: str, old: Sequence[tuple[date, str]]) -> None:
        day, name = old[0]
        source = next((one for one in self.law.sources if one.name == f"data/{file}.toml"), None)
        line = source.line_of(name, "as_of") if source is not None else None
        message = (
            f"{len(old)} entries that this policy uses were last read over {self._stale_days} days ago, first of all "
            f"`{name}` on {day}; read them again and set `as_of`"
        )
        self.found.append(
            Problem(
                file=f"data/{file}.toml",
                line=line,
                column=1 if line else None,
                message=message,
                severity=Severity.WARNING,
                code="stale",
            )
        )


class _Reviewer:
    def __init__(self, reading: Reading, policy: Policy, worded: _Worded, today: date, base: Facts) -> None:
        self._reading, self._policy, self._worded = reading, policy, worded
        self._today, self._base, self._law = today, base, worded.law
        self._found = worded.found
        self._warn = worded.warn
        self._undecided: list[str] = []

    def run(self, folder: Path) -> Review:
        self._worded.run()
        self._firing()
        self._covered()
        self._routes()
        if not folder.resolve().is_relative_to(shipped_policies().resolve()):
            self._weaker()
        return Review(warnings=tuple(dict.fromkeys(self._found)), undecided=tuple(self._undecided))

    # What a rule can come to.

    def _firing(self) -> None:
        for rule in self._policy.rules:
            if rule.strictest is Mode.OFF:
                continue
            found = [
                self._reach([(rule.node, constants, TRUE)], day)
                for constants in self._switched(rule.node)
                for day in self._days(rule)
            ]
            if all(one.facts is None for one in found):
                self._never(rule, decided=all(one.complete for one in found))
                continue
            quiet = [self._reach([(rule.node, self._policy.constants, FALSE)], day) for day in self._days(rule)]
            if all(one.facts is None and one.complete for one in quiet):
                self._warn(rule, "always-fires", "`when` holds for every request; narrow it", "when")

    def _never(self, rule: Rule, *, decided: bool) -> None:
        if decided:
            self._warn(
                rule, "never-fires", "`when` is true for no facts at all; its parts contradict each other", "when"
            )
        else:
            self._undecided.append(rule.id)

    def _switched(self, node: Node) -> Iterator[Constants]:
        """The policy's constants with each setting of the options that a condition names."""
        named = sorted({part.path[8:] for part in walk(node) if isinstance(part, Name) and part.path[:8] == "options."})
        for setting in product((True, False), repeat=len(named)):
            options = {**self._policy.constants.options, **dict(zip(named, setting, strict=True))}
            yield replace(self._policy.constants, options=options)

    def _days(self, *rules: Rule) -> list[datetime]:
        """One moment for each way in which the groups stand while all these rules are in force."""
        moments = [self._noon(self._today), *changing_moments([self._policy])]
        moments += [self._noon(rule.effective_from) for rule in rules if rule.effective_from]
        found: dict[object, datetime] = {}
        names = sorted(
            {p.path[7:] for r in rules for p in walk(r.node) if isinstance(p, Name) and p.path[:7] == "groups."}
        )
        for moment in moments:
            if all(rule.in_force(moment.date()) for rule in rules):
                groups = self._policy.edition_on(moment.date()).groups
                found.setdefault(tuple(groups[name] for name in names), moment)
        return list(found.values())

    def _noon(self, day: date) -> datetime:
        return datetime.combine(day, time(12), UTC)

    def _reach(self, wanted: Sequence[tuple[Node, Constants, int]], day: datetime) -> Reached:
        asked = [Wanted(node=node, constants=constants, answers=answers) for node, constants, answers in wanted]
        return reach(asked, [self._policy], self._base, day)

    # One rule beside another.

    def _covered(self) -> None:
        told: set[str] = set()
        for rule in self._policy.rules:
            for other in self._policy.rules:
                if rule.id in told or other.id in told or not _may_cover(other, rule):
                    continue
                days = self._days(rule, other)
                if days and all(self._covers(other, rule, day) for day in days):
                    told.add(rule.id)
                    message = (
                        f"`{other.id}` finds something whenever this rule does, with the same effect or more; "
                        "narrow that rule, or remove this one"
                    )
                    self._warn(rule, "covered", message, "when")

    def _covers(self, other: Rule, rule: Rule, day: datetime) -> bool:
        constants = self._policy.constants
        found = [self._reach([(rule.node, constants, TRUE | NEITHER), (other.node, constants, FALSE)], day)]
        if rule.outcome is Outcome.BLOCK:
            found.append(self._reach([(rule.node, constants, TRUE), (other.node, constants, FALSE | NEITHER)], day))
        alone = self._reach([(rule.node, constants, TRUE)], day)
        return alone.facts is not None and all(one.facts is None and one.complete for one in found)

    # Rules on routes.

    def _routes(self) -> None:
        for route in self._policy.routes:
            modes = [(rule, each.mode) for rule in self._policy.rules for each in rule.routes if each.route == route]
            lowered = [rule.id for rule, mode in modes if mode.reach < rule.mode.reach]
            if lowered:
                told = ", ".join(lowered[:5]) + (f" and {len(lowered) - 5} more" if len(lowered) > 5 else "")
                message = f"is milder on this route: {len(lowered)} rules are in mode {route.mode} there ({told})"
                self._warn_route(route, "lowered", f"{message}; accept it with `accepts`, or narrow the route", "mode")
            if all(mode is rule.mode for rule, mode in modes):
                self._warn_route(route, "idle", "no rule is in another mode on this route; remove it", "mode")

    def _warn_route(self, route: Route, code: str, message: str, key: str) -> None:
        if code in route.accepts:
            return
        sources = [source for source in self._reading.sources if _names_route(source, route.name)]
        line = sources[-1].line_of(route.name, key) if sources else None
        self._found.append(
            Problem(
                file=sources[-1].name if sources else self._policy.reference.name,
                line=line,
                column=1 if line else None,
                rule=route.name,
                kind="route",
                message=message,
                severity=Severity.WARNING,
                code=code,
            )
        )

    # A rule and the shipped rule of its name.

    def _weaker(self) -> None:
        shipped = _shipped_rules()
        for rule in self._policy.rules:
            for policy, other in shipped.get(rule.id, ()):
                if rule_behaviour(rule, self._policy) == rule_behaviour(other, policy):
                    continue
                for message, key in self._weakened(rule, other, policy):
                    self._warn_weaker(rule, other, policy, message, key)
        for problem in weak_settings(self._policy, self._law, self._reading.sources, self._today):
            self._warn_setting(problem)

    def _warn_weaker(self, rule: Rule, other: Rule, policy: Policy, message: str, key: str) -> None:
        """Tell it where it was written: at the rule, or at the limit or option of one that stands elsewhere."""
        told = f"is weaker than the shipped rule of `{other.policy}`"
        own = own_sources(self._reading.sources)
        found = setting_behind(rule, self._policy, policy, own) if rule.text == other.text and key == "when" else None
        if found is None or self._worded.source_of(rule) in own:
            self._warn(rule, "weaker", f"{told}: {message}", key)
        elif "weaker" not in rule.accepts:
            source, table, name = found
            self._warn_setting(at_setting(source, table, name, f"{told} by `{name}`: {message}", rule.id))

    def _warn_setting(self, problem: Problem) -> None:
        """Tell a warning about a setting, where the head of its policy does not accept it."""
        pack = problem.file.partition("/")[0]
        heads = [each.table.get("policy", {}) for each in self._reading.sources if each.name.startswith(f"{pack}/")]
        if not any(problem.code in head.get("accepts", ()) for head in heads):
            self._found.append(problem)

    def _weakened(self, rule: Rule, other: Rule, policy: Policy) -> Iterator[tuple[str, str]]:
        if rule.outcome.severity < other.outcome.severity:
            yield f"`then` is {rule.outcome}, and was {other.outcome}", "then"
        if rule.mode.reach < other.mode.reach:
            yield f"`mode` is {rule.mode}, and was {other.mode}", "mode"
        if rule.overridable and not other.overridable:
            yield "an approval lifts it now", "overridable"
        if rule.overridable and other.four_eyes and not rule.four_eyes:
            yield "one person approves it now, and it took two", "four_eyes"
        if (rule.effective_from or date.min) > (other.effective_from or date.min):
            yield f"it begins on {rule.effective_from}, and began {other.effective_from or 'at once'}", "effective_from"
        if (rule.effective_to or date.max) < (other.effective_to or date.max):
            yield f"it ends on {rule.effective_to}, and ended {other.effective_to or 'never'}", "effective_to"
        for day in self._days(rule):
            if not other.in_force(day.date()):
                continue
            own = Wanted(node=rule.node, constants=self._policy.constants, answers=FALSE)
            theirs = Wanted(node=other.node, constants=policy.constants, answers=TRUE | NEITHER)
            found = reach([theirs, own], [self._policy, policy], self._base, day).facts
            if found is not None:
                told = ", ".join(f"{path} = {value_told(value)}" for path, value in found.items())
                yield f"it finds nothing where that one did, such as {told}", "when"
                return


def _names_route(source: Source, name: str) -> bool:
    tables = source.table.get("route", ())
    return any(table.get("name") == name for table in tables if isinstance(table, dict))


@cache
def _shipped_rules() -> Mapping[str, list[tuple[Policy, Rule]]]:
    found: dict[str, list[tuple[Policy, Rule]]] = defaultdict(list)
    for file in sorted(shipped_policies().glob("*/policy.toml")):
        policy = read_folder(file.parent).policy
        for rule in policy.rules if policy is not None else ():
            if policy is not None and rule.policy == file.parent.name:
                found[rule.id].append((policy, rule))
    return found


def _may_cover(other: Rule, rule: Rule) -> bool:
    """Whether `other` has at least the effect of `rule` and asks for none but its facts."""
    if other is rule or Mode.OFF in (rule.strictest, other.mildest):
        return False
    return (
        other.outcome.severity >= rule.outcome.severity
        and other.mildest.reach >= rule.strictest.reach
        and (rule.overridable or not other.overridable)
        and (other.effective_from or date.min) <= (rule.effective_from or date.min)
        and (other.effective_to or date.max) >= (rule.effective_to or date.max)
        and set(rule_facts(other)) <= set(rule_facts(rule))
    )


def _kin(one: str, other: str) -> bool:
    """Whether two ids begin alike, as `affiliates-50` and `affiliates-50-stayed` do, or `x-2025` and `x-2026`."""
    first, second = one.split("-"), other.split("-")
    shorter = min(len(first), len(second))
    same = sum(1 for left, right in zip(first, second, strict=False) if left == right)
    return first[:same] == second[:same] and same >= max(1, shorter - 1) and same >= max(len(first), len(second)) - 1


def _as_the_law(operator: str) -> str:
    """The operator on the same side whose line is the other one."""
    return {">": ">=", ">=": ">", "<": "<=", "<=": "<"}[operator]
