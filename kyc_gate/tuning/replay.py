"""Decisions on record made again, under the policies of then and of a candidate, without writing out reasons.

Most of what a decision rests on is the same in many: the party, its owners, what it resembles. The record is canonical
JSON, so equal parts are equal bytes. Each distinct set of those parts is read and asked once; what the ledger and the
clock change is read for every decision, and asked anew only where it lies elsewhere between the lines that rules draw.
Rules that both sides share are asked once for both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, cast, get_type_hints

import msgspec
from msgspec.structs import replace

from kyc_gate.audit.seal import erased
from kyc_gate.decide.decision import combine, decide, mismatch
from kyc_gate.decide.lines import facts_by_lines
from kyc_gate.model.decision import Mode, Outcome
from kyc_gate.model.facts import Facts, GrantFacts, OperationFacts, RequestFacts, ScreeningFacts
from kyc_gate.model.job import Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.match import Lines
from kyc_gate.model.record import Record
from kyc_gate.model.splitting import SplittingFacts
from kyc_gate.policy.expressions import Condition, Groups, compile_condition
from kyc_gate.policy.open_rules import facts_read
from kyc_gate.policy.policy import Policy, Rule, enforced_where
from kyc_gate.policy.syntax import All, Name, walk
from kyc_gate.policy.written_conditions import condition_text
from kyc_gate.tuning.places import HOT, Drawn, LinesOf, drawn, lines_of, places

VARYING: dict[str, type[Record]] = {
    "operations": OperationFacts,
    "screening": ScreeningFacts,
    "splitting": SplittingFacts,
}
"""Parts of the facts that the ledger and the clock change from one decision to the next: read every time."""

_BESIDE = ("as_of", "grant", "snapshot", "control_group", "lists", "five_countries", "resembled", "cleared")
"""What no rule names. `resembled` bears on a decision only where a policy draws lines."""

_STEADY = tuple(name for name in Facts.__struct_fields__ if name not in VARYING and name not in _BESIDE)

MOST_KNOWN = 50_000
"""Sets of steady facts that are kept; beyond, all are forgotten, so that memory stays bounded."""


class Ruling(Record):
    """An outcome, the ids of the rules that count, and whether the request would wait in a case for a person."""

    outcome: Outcome
    rules: tuple[str, ...]
    waits: bool


class _Asked(msgspec.Struct):
    """As much of a request as a decision compares with its facts."""

    provider: str
    service: str
    operation: str
    kind: RequestKind
    certainty: Certainty = Certainty.EXACT
    unresolved: tuple[str, ...] = ()
    dry_run: bool = False
    fingerprint: str = ""


class _Finding(msgspec.Struct):
    rule: str
    counts: bool = True


class _Policy(msgspec.Struct):
    digest: str


class _Decided(msgspec.Struct):
    outcome: Outcome
    findings: list[_Finding]
    policies: list[_Policy]


# The parts of `Facts`, those that seldom change as the bytes that they are: they are read only where they are new.
_Parts: Any = msgspec.defstruct(
    "_Parts",
    [
        ("as_of", datetime),
        ("grant", GrantFacts | None, None),
        ("operations", OperationFacts),
        ("screening", ScreeningFacts),
        ("splitting", SplittingFacts, SplittingFacts()),
        *((name, msgspec.Raw, msgspec.Raw()) for name in (*_STEADY, *_BESIDE[2:])),
    ],
    kw_only=True,
    forbid_unknown_fields=True,
)

_Record: Any = msgspec.defstruct(
    "_Record",
    [("decision_id", str), ("at", datetime), ("request", _Asked), ("facts", _Parts), ("decision", _Decided)],
    kw_only=True,
)


class Recorded(Record):
    """One decision on record, read as far as it must be."""

    decision_id: str
    at: datetime
    request: Any
    parts: Any
    outcome: Outcome
    rules: tuple[str, ...]
    digests: tuple[str, ...]


class NotReplayed(Exception):
    """A decision on record cannot be made again; the message is the reason, without details of the record."""


_DECODER = msgspec.json.Decoder(_Record)
_PARTS_RAW = (*_STEADY, *_BESIDE[2:])
_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in get_type_hints(Facts).items() if name in _PARTS_RAW}
_ENDS = '"type":"decision"}'
"""How the canonical text of a decision's record ends: `type` is the last of its names."""


def is_decision(body: str) -> bool:
    """Return whether the body of an audit record is that of a decision."""
    return body.endswith(_ENDS)


def read_recorded(body: str) -> Recorded:
    """Return the decision that a record's body holds. Raises `NotReplayed`."""
    try:
        found = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        if erased(body):
            raise NotReplayed("what it says of people was erased, and the facts with it") from error
        raise NotReplayed(_unfit(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _read_slowly(body)
    decided = found.decision
    return Recorded(
        decision_id=found.decision_id,
        at=found.at,
        request=found.request,
        parts=found.facts,
        outcome=decided.outcome,
        rules=_unique([each.rule for each in decided.findings if each.counts]),
        digests=tuple([each.digest for each in decided.policies]),
    )


def _read_slowly(body: str) -> Any:
    """Read a text that msgspec refuses: names on record may hold half of a pair of surrogates."""
    try:
        whole = json.loads(body)
        facts = whole["facts"]
        whole["facts"] = {
            name: msgspec.Raw(json.dumps(value, sort_keys=True).encode()) if name in _PARTS_RAW else value
            for name, value in facts.items()
        }
        return msgspec.convert(whole, _Record)
    except msgspec.ValidationError as error:
        raise NotReplayed(_unfit(str(error))) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotReplayed("the record is damaged") from error


def _unfit(message: str) -> str:
    if "`$.facts" in message or "`facts`" in message:
        return "its facts are of another release"
    return "its record is of another release"


def _unique(rules: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(rules)))


class _Ask(msgspec.Struct):
    """A condition with the groups of the days that it is asked on, and the lines that its policy draws.

    `guards` are those of its conjuncts that rest on steady facts alone: where one is false, so is the whole.
    """

    condition: Condition
    groups: Groups
    lines: Lines | None
    names: frozenset[str]
    guards: tuple[Condition, ...] = ()


class _Standing(msgspec.Struct):
    """What is known of one set of steady facts: answers that stay, questions still open, and requests that fit.

    The answers to the `open` questions follow from where hot facts lie between `lines`, and are kept by that; those to
    the `loose` ones do not.
    """

    facts: Facts
    hits: tuple[int, ...]
    open: tuple[int, ...]
    loose: tuple[int, ...]
    lines: tuple[Drawn, ...]
    fitting: set[tuple[object, ...]]
    answers: dict[tuple[int, ...], tuple[int, ...]]


class _Plan:
    """What is asked on days on which neither side changes, and what was found so far."""

    def __init__(self, sides: Sequence[Sequence[Policy]], at: datetime) -> None:
        self._asks: list[_Ask] = []
        self._lines: list[LinesOf | None] = []
        self._steady: list[int] = []
        self._varying: list[int] = []
        self._lined = any(policy.lines is not None for side in sides for policy in side)
        known: dict[object, int] = {}
        day = at.astimezone(UTC).date()
        self._sides = [
            [
                (self._ask(known, rule, policy, policy.edition_on(day).groups), self._mode(known, rule, policy), rule)
                for policy in side
                for rule in policy.edition_on(day).rules
            ]
            for side in sides
        ]
        self._standings: dict[object, _Standing] = {}
        self._alike: dict[object, _Standing] = {}
        self._read = _getter(self._asks)
        self._rulings: dict[tuple[int, ...], tuple[Ruling, ...]] = {}

    def _mode(self, known: dict[object, int], rule: Rule, policy: Policy) -> int | None:
        """Return the number of the question whether a rule is enforced on a call; None where it is so on every one."""
        if not rule.routes and rule.mode is Mode.ENFORCE:
            return None
        node = enforced_where(rule)
        asked = replace(rule, node=node, condition=compile_condition(node, policy.constants), routes=())
        return self._ask(known, asked, policy, {})

    def _ask(self, known: dict[object, int], rule: Rule, policy: Policy, groups: Groups) -> int:
        """Return the number under which a rule's condition is asked: the same for conditions that ask the same."""
        names = sorted({node.path for node in walk(rule.node) if isinstance(node, Name)})
        constants = policy.constants
        bound = [
            (name, constants.limits.get(name[7:]) if name.startswith("limits.") else None)
            if not name.startswith("options.")
            else (name, constants.options.get(name[8:]))
            for name in names
        ]
        members = [(name, groups.get(name[7:])) for name in names if name.startswith("groups.")]
        key = (condition_text(rule.node), tuple(bound), tuple(members), repr(policy.lines))
        if key not in known:
            known[key] = number = len(self._asks)
            varies = any(_varies(name) for name in names)
            self._asks.append(
                _Ask(
                    condition=rule.condition,
                    groups=groups,
                    lines=policy.lines,
                    names=facts_read(rule.node),
                    guards=_guards(rule, policy) if varies else (),
                )
            )
            self._lines.append(lines_of(rule.node, policy.constants) if varies else None)
            (self._varying if varies else self._steady).append(number)
        return known[key]

    def rulings(self, parts: Any, request: Any) -> tuple[Ruling, ...] | None:
        """Return the ruling of each side; None where only a whole decision will do.

        That is for a grant, a clearance, or contradictions.
        """
        if parts.grant is not None or bytes(parts.cleared) not in (b"", b"[]"):
            return None
        standing = self._standing(parts)
        if not _fits(request, standing):
            return None
        answers = (*standing.hits, *self._open_answers(standing, parts), *self._asked(standing, standing.loose, parts))
        found = self._rulings.get(answers)
        if found is None:
            found = self._rulings[answers] = tuple(_ruling(side, frozenset(answers)) for side in self._sides)
        return found

    def _open_answers(self, standing: _Standing, parts: Any) -> tuple[int, ...]:
        """Return the answers to the open questions, as they were where the hot facts lay between the same lines."""
        place = places(standing.lines, parts)
        if place is None:
            return self._asked(standing, standing.open, parts)
        found = standing.answers.get(place)
        if found is None:
            found = standing.answers[place] = self._asked(standing, standing.open, parts)
        return found

    def _asked(self, standing: _Standing, numbers: tuple[int, ...], parts: Any) -> tuple[int, ...]:
        if not numbers:
            return ()
        facts = replace(
            standing.facts,
            as_of=parts.as_of,
            operations=parts.operations,
            screening=parts.screening,
            splitting=parts.splitting,
        )
        return _hits(self._asks, numbers, facts)

    def _standing(self, parts: Any) -> _Standing:
        """Return what is known of the facts in which the clock and the ledger have no part."""
        key = _key(parts, lined=self._lined)
        known = self._standings.get(key)
        if known is not None:
            return known
        if len(self._standings) >= MOST_KNOWN:
            self._standings.clear()
            self._alike.clear()
        facts = facts_of(parts)
        alike = (self._read(facts), bytes(parts.resembled) if self._lined else b"")
        known = self._standings[key] = self._alike.get(alike) or self._new(facts)
        self._alike[alike] = known
        return known

    def _new(self, facts: Facts) -> _Standing:
        still_open = [number for number in self._varying if not _closed(self._asks[number], facts)]
        lined = [(number, lines) for number in still_open if (lines := self._lines[number]) is not None]
        return _Standing(
            facts=facts,
            hits=_hits(self._asks, self._steady, facts),
            open=tuple(number for number, _ in lined),
            loose=tuple(number for number in still_open if self._lines[number] is None),
            lines=drawn([lines for _, lines in lined]),
            fitting=set(),
            answers={},
        )


def _getter(asks: Sequence[_Ask]) -> Callable[[Facts], object]:
    """Return what gives all facts that the questions and `mismatch` read, but for the hot ones."""
    read = {name for ask in asks for name in ask.names} - HOT
    return attrgetter(*sorted(read | {f"request.{name}" for name in RequestFacts.__struct_fields__}))


def _guards(rule: Rule, policy: Policy) -> tuple[Condition, ...]:
    """Return the conjuncts of a rule's condition that the clock and the ledger have no part in."""
    operands = rule.node.operands if isinstance(rule.node, All) else ()
    return tuple(
        compile_condition(operand, policy.constants)
        for operand in operands
        if not any(isinstance(node, Name) and _varies(node.path) for node in walk(operand))
    )


def _closed(ask: _Ask, facts: Facts) -> bool:
    """Return whether a question is false whatever the clock and the ledger say: a false conjunct is enough."""
    given = facts if ask.lines is None else facts_by_lines(facts, ask.lines)
    try:
        return any(guard(given, ask.groups, ()) is False for guard in ask.guards)
    except Exception:  # noqa: BLE001 - it stays open, and is asked whole
        return False


def _fits(request: Any, standing: _Standing) -> bool:
    """Return whether the request is the one that the facts speak of."""
    asked = _COMPARED(request)
    if asked in standing.fitting:
        return True
    if mismatch(request, standing.facts):
        return False
    standing.fitting.add(asked)
    return True


_COMPARED = attrgetter("provider", "service", "operation", "kind", "certainty", "unresolved", "dry_run")
_CALM = attrgetter(
    *(
        f"{part}.{name}"
        for part, kind in VARYING.items()
        for name in kind.__struct_fields__
        if f"{part}.{name}" not in HOT
    )
)
_STEADILY = attrgetter(*_STEADY)


def _varies(name: str) -> bool:
    """Whether a fact is read anew for each decision."""
    return name in HOT


def _key(parts: Any, *, lined: bool) -> tuple[object, ...]:
    """Return what stands for all facts that are not hot."""
    steady = b"\n".join(map(bytes, _STEADILY(parts)))
    return (steady, _CALM(parts), bytes(parts.resembled) if lined else b"")


def facts_of(parts: Any) -> Facts:
    """Return the whole facts. Raises `NotReplayed` where they are of another release."""
    given = {name: _part(name, bytes(raw)) for name in _PARTS_RAW if bytes(raw := getattr(parts, name))}
    varying = {name: getattr(parts, name) for name in ("as_of", "grant", *VARYING)}
    try:
        return Facts(**given, **varying)
    except TypeError as error:  # a part that every decision has is not there
        raise NotReplayed("its facts are of another release") from error


@lru_cache(maxsize=MOST_KNOWN)
def _part(name: str, raw: bytes) -> Any:
    """Return one part of the facts. Equal bytes are equal parts, and most parts are the same in many decisions."""
    try:
        return _DECODERS[name].decode(raw)
    except msgspec.ValidationError as error:
        raise NotReplayed("its facts are of another release") from error
    except msgspec.DecodeError:
        return _part_slowly(name, raw)


def _part_slowly(name: str, raw: bytes) -> Any:
    """Read a part whose texts msgspec refuses."""
    try:
        return msgspec.convert(json.loads(raw), _DECODERS[name].type)
    except ValueError as error:
        raise NotReplayed("its facts are of another release") from error


def _hits(asks: Sequence[_Ask], numbers: Iterable[int], facts: Facts) -> tuple[int, ...]:
    """Return, for each question that is not plainly false, its number twice, and one more where it is true."""
    found = []
    drawn: dict[int, Facts] = {}
    for number in numbers:
        ask = asks[number]
        given = facts
        if ask.lines is not None:
            given = drawn.setdefault(id(ask.lines), facts_by_lines(facts, ask.lines))
        try:
            value = ask.condition(given, ask.groups, ())
        # As when a rule is asked: whatever goes wrong is a finding that escalates.
        except Exception:  # noqa: BLE001
            value = None
        if value is not False:
            found.append(number * 2 + (value is True))
    return tuple(found)


def _ruling(side: Sequence[tuple[int, int | None, Rule]], answers: frozenset[int]) -> Ruling:
    outcome, rules, overridable = Outcome.ALLOW, set(), True
    for number, enforced, rule in side:
        fired = number * 2 + 1 in answers
        if not (fired or number * 2 in answers) or (enforced is not None and enforced * 2 + 1 not in answers):
            continue
        rules.add(rule.id)
        overridable = overridable and rule.overridable
        found = rule.outcome if fired else Outcome.ESCALATE
        outcome = max(outcome, found, key=lambda each: each.severity)
    return Ruling(outcome=outcome, rules=tuple(sorted(rules)), waits=_waits(outcome, overridable=overridable))


def _waits(outcome: Outcome, *, overridable: bool) -> bool:
    return outcome is Outcome.ESCALATE or (outcome is Outcome.BLOCK and overridable)


class Replay:
    """Makes decisions again under several sets of policies at once."""

    def __init__(self, *sides: Sequence[Policy]) -> None:
        self._sides = sides
        self._plans: dict[tuple[int, ...], _Plan] = {}
        self._days: dict[date, _Plan] = {}

    def rulings(self, recorded: Recorded) -> tuple[Ruling, ...]:
        """Return what each set of policies says to a decision on record. Raises `NotReplayed`."""
        parts = recorded.parts
        if parts.as_of.tzinfo is None:
            raise NotReplayed("its clock has no offset")
        found = self._plan(parts.as_of).rulings(parts, recorded.request)
        return found if found is not None else self._whole(recorded)

    def _plan(self, at: datetime) -> _Plan:
        day = at.astimezone(UTC).date()
        found = self._days.get(day)
        if found is None:
            editions = tuple(id(policy.edition_on(day)) for side in self._sides for policy in side)
            if editions not in self._plans:
                self._plans[editions] = _Plan(self._sides, at)
            found = self._days[day] = self._plans[editions]
        return found

    def _whole(self, recorded: Recorded) -> tuple[Ruling, ...]:
        """Decide as the gate does, for what has a grant or contradicts itself."""
        facts = facts_of(recorded.parts)
        request = cast("ProvisioningRequest", recorded.request)  # a decision compares these fields, and reads no other
        found = []
        for side in self._sides:
            decision = combine([decide(request, facts, policy, facts_digest="") for policy in side])
            counting = decision.counting
            overridable = all(finding.overridable for finding in counting)
            found.append(
                Ruling(
                    outcome=decision.outcome,
                    rules=_unique(finding.rule for finding in counting),
                    waits=_waits(decision.outcome, overridable=overridable),
                )
            )
        return tuple(found)
