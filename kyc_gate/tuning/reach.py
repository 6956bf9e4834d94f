"""Whether any facts can bring a condition to an answer: a search that is complete where it says so.

Each fact has the values on both sides of everything that it is asked. Facts are chosen one by one, and a branch is
left as soon as what is chosen rules the wanted answers out. Where every question asks one fact about constants, these
values stand for all others, so that finding nothing means that there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import combinations

from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.expressions import Groups, Part, compile_condition, constant_value
from kyc_gate.policy.names import Constants
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.syntax import All, Any, Apply, Compare, Items, Literal, Name, Node, Not, Quantified, walk
from kyc_gate.policy.typecheck import parse_moment
from kyc_gate.policy.vocabulary import Type, vocabulary
from kyc_gate.tuning.boundaries import boundary_values, value_at, with_facts

TRUE, FALSE, NEITHER = 1, 2, 4
"""Answers of a condition, as bits; `NEITHER` is unknown or failed."""

MOST_STEPS = 20_000
"""Values that one search tries, at most: about a second."""

MOST_WORDS = 4
"""Words that a list is given at once, at most; a condition with more questions of one list is not searched wholly."""

_ANY = TRUE | FALSE | NEITHER


class Wanted(Record):
    """A condition, and the answers that it should come to, as bits."""

    node: Node
    constants: Constants
    answers: int


class Reached(Record):
    """What a search found: the facts that bring every condition to a wanted answer, or None.

    `complete` is false where there may be facts that the search has not tried.
    """

    facts: Mapping[str, object] | None
    complete: bool


def reach(wanted: Sequence[Wanted], policies: Sequence[Policy], base: Facts, day: datetime) -> Reached:
    """Return facts as of `day` that bring each condition to one of its answers, or that there are none."""
    return _Search(wanted, policies, base, day).run()


class _Question(Record):
    """A part of a condition that is asked as a whole: its text's node, the facts in it, and how it is answered."""

    paths: tuple[str, ...]
    part: Part


class _Search:
    def __init__(self, wanted: Sequence[Wanted], policies: Sequence[Policy], base: Facts, day: datetime) -> None:
        self._wanted = wanted
        self._base = with_facts(base, {"as_of": day})
        self._groups: Groups = policies[0].edition_on(day.astimezone(UTC).date()).groups
        self._questions: dict[int, _Question] = {}
        self._answers: dict[tuple[int, tuple[object, ...]], int] = {}
        self._unions: dict[int, int] = {}
        self._steps = 0
        self.complete = True
        for one in wanted:
            self._prepare(one.node, one.constants)
        self._values = self._domains(policies, day)
        self._paths = tuple(self._values)

    def run(self) -> Reached:
        found = self._extend({}, 0)
        return Reached(facts=found, complete=self.complete and self._steps <= MOST_STEPS)

    def _prepare(self, node: Node, constants: Constants) -> None:
        if isinstance(node, All | Any):
            for operand in node.operands:
                self._prepare(operand, constants)
        elif isinstance(node, Not):
            self._prepare(node.operand, constants)
        else:
            names = dict.fromkeys(part.path for part in walk(node) if isinstance(part, Name))
            paths = tuple(path for path in names if path in vocabulary())
            self._questions[id(node)] = _Question(paths=paths, part=compile_condition(node, constants))
            if not _plain(node, constants):
                self.complete = False

    def _domains(self, policies: Sequence[Policy], day: datetime) -> dict[str, tuple[object, ...]]:
        """The values of each fact. A list has every choice of its words up to the number of questions about it."""
        values = dict(boundary_values(policies, day, nodes=[(one.node, one.constants) for one in self._wanted]))
        asked = [path for question in self._questions.values() for path in question.paths]
        found: dict[str, tuple[object, ...]] = {}
        for path in dict.fromkeys(asked):
            options = tuple(dict.fromkeys((value_at(self._base, path), *values.get(path, ()))))
            if path == "as_of":
                options = tuple(self._moments(day))
            elif vocabulary()[path].type in (Type.TEXTS, Type.COUNTRIES):
                options = self._lists(path, options, asked.count(path))
            found[path] = options
        return found

    def _moments(self, day: datetime) -> list[object]:
        """The day's noon, and moments beside each that a condition names, where they are of that day."""
        named = [
            parse_moment(str(part.arguments[0].value))
            for one in self._wanted
            for part in walk(one.node)
            if isinstance(part, Apply)
            and part.function in ("date", "timestamp")
            and isinstance(part.arguments[0], Literal)
        ]
        start = datetime.combine(day.astimezone(UTC).date(), time(0), UTC)
        beside = [moment + timedelta(seconds=step) for moment in named for step in (-1, 0, 1)]
        return [day, *(moment for moment in beside if start <= moment < start + timedelta(days=1))]

    def _lists(self, path: str, options: tuple[object, ...], questions: int) -> tuple[object, ...]:
        words = sorted({str(word) for option in options if isinstance(option, tuple) for word in option})
        if vocabulary()[path].type is Type.COUNTRIES:
            words = sorted({*words, *(str(code) for code in self._kinds())})
        most = min(questions, MOST_WORDS, len(words))
        if most < min(questions, len(words)):
            self.complete = False
        chosen = [tuple(choice) for size in range(most + 1) for choice in combinations(words, size)]
        return tuple(dict.fromkeys((*options, *chosen)))

    def _kinds(self) -> list[str]:
        kinds: dict[tuple[bool, ...], str] = {}
        names = sorted(
            {p.path[7:] for w in self._wanted for p in walk(w.node) if isinstance(p, Name) and p.path[:7] == "groups."}
        )
        for code in ("ZZ", *sorted(frozenset[str]().union(*(self._groups[name] for name in names)))):
            kinds.setdefault(tuple(code in self._groups[name] for name in names), code)
        return list(kinds.values())

    def _extend(self, chosen: dict[str, object], depth: int) -> dict[str, object] | None:
        if any(not self._possible(one.node, chosen) & one.answers for one in self._wanted):
            return None
        if depth == len(self._paths):
            return dict(chosen)
        path = self._paths[depth]
        for value in self._values[path]:
            self._steps += 1
            if self._steps > MOST_STEPS:
                return None
            chosen[path] = value
            found = self._extend(chosen, depth + 1)
            if found is not None:
                return found
        del chosen[path]
        return None

    def _possible(self, node: Node, chosen: Mapping[str, object]) -> int:
        """The answers that a condition may still come to."""
        match node:
            case Not(operand=operand):
                return _turned(self._possible(operand, chosen))
            case All(operands=operands):
                return _joined([self._possible(operand, chosen) for operand in operands])
            case Any(operands=operands):
                return _turned(_joined([_turned(self._possible(operand, chosen)) for operand in operands]))
            case _:
                return self._asked(node, chosen)

    def _asked(self, node: Node, chosen: Mapping[str, object]) -> int:
        question = self._questions[id(node)]
        if all(path in chosen for path in question.paths):
            return self._answer(node, tuple(chosen[path] for path in question.paths))
        if len(question.paths) > 1:
            return _ANY
        if id(node) not in self._unions:
            (path,) = question.paths
            union = 0
            for value in self._values[path]:
                union |= self._answer(node, (value,))
            self._unions[id(node)] = union
        return self._unions[id(node)]

    def _answer(self, node: Node, values: tuple[object, ...]) -> int:
        key = (id(node), values)
        if key not in self._answers:
            question = self._questions[id(node)]
            facts = with_facts(self._base, dict(zip(question.paths, values, strict=True)))
            try:
                value = question.part(facts, self._groups, ())
            # As when a rule is asked: whatever goes wrong is neither true nor false.
            except Exception:  # noqa: BLE001
                value = None
            self._answers[key] = TRUE if value is True else FALSE if value is False else NEITHER
        return self._answers[key]


def _turned(answers: int) -> int:
    return (FALSE if answers & TRUE else 0) | (TRUE if answers & FALSE else 0) | (answers & NEITHER)


def _joined(parts: Sequence[int]) -> int:
    """The answers of a conjunction whose parts may come to these."""
    found = TRUE if all(part & TRUE for part in parts) else 0
    if any(part & FALSE for part in parts):
        found |= FALSE
    if any(part & NEITHER for part in parts) and all(part & (TRUE | NEITHER) for part in parts):
        found |= NEITHER
    return found


def _plain(node: Node, constants: Constants) -> bool:
    """Whether a question asks one fact about constants, so that values beside those stand for all others."""
    match node:
        case Literal() | Name():
            return True
        case Compare(operator="in", left=left, right=right):
            return _constant_text(left, constants) != _constant_text(right, constants) and _simple(left, right)
        case Compare(left=left, right=right):
            named, other = (left, right) if isinstance(left, Name) and left.path in vocabulary() else (right, left)
            if not (isinstance(named, Name) and named.path in vocabulary()):
                return False
            return named.path != "as_of" and _constant_text(other, constants)
        case Apply(function="has"):
            return True
        case Quantified(items=Name(path=path), variable=variable, test=test) if path in vocabulary():
            return all(
                isinstance(part, Literal | Items | Compare | Not | All | Any)
                or (isinstance(part, Name) and (part.path == variable or part.path.startswith("groups.")))
                for part in walk(test)
            )
        case _:
            return False


def _simple(left: Node, right: Node) -> bool:
    return all(isinstance(side, Name | Literal | Items) for side in (left, right))


def _constant_text(node: Node, constants: Constants) -> bool:
    """Whether a side of a comparison is the same whatever the facts."""
    if isinstance(node, Literal) or (isinstance(node, Name) and node.path.startswith("groups.")):
        return True
    if isinstance(node, Items):
        return all(isinstance(item, Literal) for item in node.items)
    value = constant_value(node, constants)
    return isinstance(value, int | str | bool) or hasattr(value, "denominator")
