"""Conditions as formulas of z3, with three-valued logic: for each condition when it is true and when it is false.

Needs the extra `prove`. Whole numbers are integers, measured ones reals, both from 0. A text is a number for a
word; words that no condition names are told apart and nothing more. A list is the set of its words with a length:
every word that is named, and as many others as can be told apart by which lists hold them. What has no translation is
said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any as Formula  # z3 has no types of its own

import z3

from kyc_gate.model.record import Record
from kyc_gate.policy.expressions import Groups
from kyc_gate.policy.names import Constants
from kyc_gate.policy.syntax import (
    All,
    Any,
    Apply,
    Arithmetic,
    Compare,
    Conditional,
    Items,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    Quantified,
    children,
    walk,
)
from kyc_gate.policy.typecheck import parse_moment
from kyc_gate.policy.vocabulary import Type, vocabulary

MOST_LISTS = 3
"""Lists that one condition may hold against each other: the words that they tell apart double with each."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNASSIGNED = tuple(f"X{letter}" for letter in "ABCDEFGHIJLMNOPQRSTUVWXYZ") + tuple(f"Q{c}" for c in "MNOPQRSTUVWXY")
"""Codes that ISO 3166 leaves to its users, Kosovo's apart: countries in no group."""


class Untranslatable(Exception):
    """A condition has a part that no formula stands for; the message names it."""


class Truth(Record):
    """When a condition is true, and when it is false; it is neither where a fact that it needs is unknown."""

    true: Formula
    false: Formula

    @property
    def neither(self) -> Formula:
        """When the condition has no answer."""
        return z3.And(z3.Not(self.true), z3.Not(self.false))


class _Term(Record):
    """A value and when there is one."""

    known: Formula
    value: Formula


class _List(Record):
    """A list: whether it is known, whether it holds each word of its universe, and its length."""

    known: Formula
    holds: Mapping[int, Formula]
    size: Formula


class World:
    """The facts as variables, for conditions that are named beforehand, on days with these groups."""

    def __init__(self, nodes: Sequence[Node], groups: Sequence[Groups], window: tuple[datetime, datetime]) -> None:
        self.constraints: list[Formula] = []
        self._nodes = nodes
        self._groups = groups
        self._window = window
        self._words: dict[str, int] = {}
        self._terms: dict[str, _Term] = {}
        self._lists: dict[str, _List] = {}
        self._strange: dict[int, str] = {}

    def truth(self, node: Node, constants: Constants, groups: Groups) -> Truth:
        """Return when a condition is true and when false. Raises `Untranslatable`."""
        return _Translation(self, constants, groups).truth(node, {})

    def word(self, text: str) -> int:
        """Return the number that stands for a word."""
        return self._words.setdefault(text, len(self._words) + 1)

    def term(self, path: str) -> _Term:
        """Return the variable of a fact that is no list."""
        if path not in self._terms:
            self._terms[path] = self._variable(path)
        return self._terms[path]

    def listed(self, path: str) -> _List:
        """Return the variables of a list."""
        if path not in self._lists:
            self._lists[path] = self._list_variables(path)
        return self._lists[path]

    def facts(self, model: Formula) -> Iterator[tuple[str, object]]:
        """Yield the facts of a solution, by path."""
        spelt = {number: text for text, number in self._words.items()}
        for path, term in self._terms.items():
            known = z3.is_true(model.eval(term.known, model_completion=True))
            yield path, self._value(path, model.eval(term.value, model_completion=True), spelt) if known else None
        for path, held in self._lists.items():
            known = z3.is_true(model.eval(held.known, model_completion=True))
            yield path, self._words_in(path, held, model, spelt) if known else None

    def named(self) -> list[str]:
        """Return the paths of the facts that conditions have asked for so far."""
        return [*self._terms, *self._lists]

    def coarse(self) -> list[Formula]:
        """Return that each measured fact has at most nine decimals, so that it can be written down."""
        return [
            z3.IsInt(term.value * 10**9)
            for path, term in self._terms.items()
            if vocabulary()[path].type is Type.NUMBER and not vocabulary()[path].exact
        ]

    def _variable(self, path: str) -> _Term:
        fact = vocabulary()[path]
        known = z3.Bool(f"{path}?") if fact.nullable else z3.BoolVal(True)
        match fact.type:
            case Type.BOOLEAN:
                return _Term(known=known, value=z3.Bool(path))
            case Type.NUMBER:
                value = z3.Int(path) if fact.exact else z3.Real(path)
                self.constraints.append(value >= 0)
                return _Term(known=known, value=value)
            case Type.MOMENT:
                value = z3.Int(path)
                start, end = (_microseconds(moment) for moment in self._window)
                self.constraints += [value >= start, value < end]
                return _Term(known=known, value=value)
            case _:
                value = z3.Int(path)
                if fact.values:
                    self.constraints.append(z3.Or([value == self.word(text) for text in fact.values]))
                return _Term(known=known, value=value)

    def _list_variables(self, path: str) -> _List:
        fact = vocabulary()[path]
        universe = self._countries() if fact.type is Type.COUNTRIES else self._universe(path)
        holds = {word: z3.Bool(f"{path}[{word}]") for word in universe}
        size = z3.Int(f"{path}#")
        count = z3.Sum([z3.If(held, 1, 0) for held in holds.values()])
        self.constraints += [size >= count, z3.Implies(size > 0, count > 0)]
        known = z3.Bool(f"{path}?") if fact.nullable else z3.BoolVal(True)
        return _List(known=known, holds=holds, size=size)

    def _universe(self, path: str) -> list[int]:
        """The named words, and as many others as the lists that are held against each other can tell apart."""
        kin = self._kin(path)
        if len(kin) > MOST_LISTS:
            raise Untranslatable(f"{len(kin)} lists are held against each other: {', '.join(sorted(kin))}")
        about = [node for node in self._nodes if kin & _named(node)]
        texts = {name for node in about for name in _looked_for(node)}
        if any(vocabulary()[name].type is Type.COUNTRY for name in texts):
            raise Untranslatable(f"a country is looked for in `{path}`")
        # A text that is looked for may be any word that a condition names of it.
        words = {word for node in (self._nodes if texts else about) for word in _literals(node)}
        words |= {word for name in texts for word in vocabulary()[name].values}
        depth = max((_quantifiers(node) for node in about), default=1)
        others = (2 ** len(kin) - 1) * max(depth, 1) + len(texts)
        return [*(self.word(word) for word in sorted(words)), *range(-others, 0)]

    def _kin(self, path: str) -> set[str]:
        """The lists that conditions hold against `path`, directly or through others."""
        kin = {path}
        while True:
            more = {
                name
                for node in self._nodes
                for part in walk(node)
                if isinstance(part, Quantified) and kin & _named(part)
                for name in _named(part)
                if name in vocabulary() and vocabulary()[name].type is Type.TEXTS
            }
            if more <= kin:
                return kin
            kin |= more

    def _countries(self) -> list[int]:
        """One country of each kind that the groups and the words of conditions tell apart, and one of no kind."""
        named = {word for node in self._nodes for word in _literals(node)}
        names = sorted({name for groups in self._groups for name in groups})
        kinds: dict[object, str] = {}
        codes = sorted({code for groups in self._groups for name in names for code in groups.get(name, ())} | named)
        for code in ("ZZ", *(code for code in codes if len(code) == 2 and code.isupper())):
            held = tuple(code in groups.get(name, ()) for groups in self._groups for name in names)
            kinds.setdefault((held, code if code in named else None), code)
        return [self.word(code) for code in kinds.values()]

    def _value(self, path: str, value: Formula, spelt: Mapping[int, str]) -> object:
        fact = vocabulary()[path]
        match fact.type:
            case Type.BOOLEAN:
                return z3.is_true(value)
            case Type.NUMBER if fact.exact:
                return int(value.as_long())
            case Type.NUMBER:
                found = value.as_fraction() if z3.is_rational_value(value) else value.approx(20).as_fraction()
                return float(Fraction(found.numerator, found.denominator))
            case Type.MOMENT:
                return _EPOCH + timedelta(microseconds=value.as_long())
            case _:
                return self._spelt(value.as_long(), spelt, country=fact.type is Type.COUNTRY)

    def _words_in(self, path: str, held: _List, model: Formula, spelt: Mapping[int, str]) -> tuple[str, ...]:
        country = vocabulary()[path].type is Type.COUNTRIES
        there = [word for word, holds in held.holds.items() if z3.is_true(model.eval(holds, model_completion=True))]
        words = [self._spelt(word, spelt, country=country) for word in there]
        size = model.eval(held.size, model_completion=True).as_long()
        return tuple(words + words[:1] * (size - len(words)))

    def _spelt(self, number: int, spelt: Mapping[int, str], *, country: bool) -> str:
        """The word that a number stands for; one that no condition names gets a spelling of its own."""
        if number in spelt and (not country or (len(spelt[number]) == 2 and spelt[number].isupper())):
            return spelt[number]
        index = len(self._strange)
        word = _UNASSIGNED[index % len(_UNASSIGNED)] if country else f"other-{index}"
        return self._strange.setdefault(number, word)


class _Translation:
    """Conditions of one policy."""

    def __init__(self, world: World, constants: Constants, groups: Groups) -> None:
        self._world, self._constants, self._groups = world, constants, groups

    def truth(self, node: Node, bound: Mapping[str, int]) -> Truth:
        match node:
            case Not(operand=operand):
                inner = self.truth(operand, bound)
                return Truth(true=inner.false, false=inner.true)
            case All(operands=operands):
                return _all([self.truth(operand, bound) for operand in operands])
            case Any(operands=operands):
                return _any([self.truth(operand, bound) for operand in operands])
            case Compare():
                return self.compare(node, bound)
            case Apply(function="has", arguments=(Name(path=path),)):
                known = self.known(path)
                return Truth(true=known, false=z3.Not(known))
            case Quantified(items=items, variable=variable, test=test):
                return self.quantified(node, items, variable, test, bound)
            case Conditional(test=test, then=then, otherwise=otherwise):
                asked, one, other = (self.truth(part, bound) for part in (test, then, otherwise))
                return Truth(
                    true=z3.Or(z3.And(asked.true, one.true), z3.And(asked.false, other.true)),
                    false=z3.Or(z3.And(asked.true, one.false), z3.And(asked.false, other.false)),
                )
            case Apply(function=("startsWith" | "endsWith" | "contains") as function):
                raise Untranslatable(f"`{function}` looks into a text")
            case _:
                term = self.term(node, bound)
                return Truth(true=z3.And(term.known, term.value), false=z3.And(term.known, z3.Not(term.value)))

    def known(self, path: str) -> Formula:
        if vocabulary()[path].type in (Type.TEXTS, Type.COUNTRIES):
            return self._world.listed(path).known
        return self._world.term(path).known

    def compare(self, node: Compare, bound: Mapping[str, int]) -> Truth:
        sides = (node.left, node.right)
        if any(isinstance(side, Literal) and side.value is None for side in sides):
            (name,) = (side for side in sides if isinstance(side, Name))
            known = self.known(name.path)
            return _answer(z3.BoolVal(True), known if node.operator == "!=" else z3.Not(known))
        if node.operator == "in":
            return self.member(node, bound)
        left, right = self.term(node.left, bound), self.term(node.right, bound)
        known, first, second = z3.And(left.known, right.known), left.value, right.value
        match node.operator:
            case "==":
                return _answer(known, first == second)
            case "!=":
                return _answer(known, first != second)
            case "<":
                return _answer(known, first < second)
            case "<=":
                return _answer(known, first <= second)
            case ">":
                return _answer(known, first > second)
            case _:
                return _answer(known, first >= second)

    def member(self, node: Compare, bound: Mapping[str, int]) -> Truth:
        item = self.term(node.left, bound)
        match node.right:
            case Items(items=items):
                terms = [self.term(one, bound) for one in items]
                known = z3.And(item.known, *(term.known for term in terms))
                return _answer(known, z3.Or([item.value == term.value for term in terms]))
            case Name(path=path) if path.startswith("groups."):
                codes = sorted(self._groups[path[7:]])
                return _answer(item.known, z3.Or([item.value == self._world.word(code) for code in codes]))
            case Name(path=path) if path in vocabulary():
                if vocabulary()[path].type is Type.COUNTRIES and not isinstance(node.left, Literal):
                    raise Untranslatable(f"a fact is looked for in `{path}`")
                held = self._world.listed(path)
                there = z3.Or([z3.And(item.value == word, holds) for word, holds in held.holds.items()])
                return _answer(z3.And(item.known, held.known), there)
            case _:
                raise Untranslatable("`in` looks into something other than a list")

    def quantified(self, node: Quantified, items: Node, variable: str, test: Node, bound: Mapping[str, int]) -> Truth:
        fold = _any if node.quantifier == "exists" else _all
        if isinstance(items, Items):
            words = [one.value for one in items.items if isinstance(one, Literal) and isinstance(one.value, str)]
            if len(words) != len(items.items):
                raise Untranslatable("a list with facts in it is gone through")
            return fold([self.truth(test, {**bound, variable: self._world.word(word)}) for word in words])
        if not isinstance(items, Name) or items.path not in vocabulary():
            raise Untranslatable("something other than a list of facts is gone through")
        if vocabulary()[items.path].type is Type.COUNTRIES and any(
            name in vocabulary() for name in _named(test) if name != variable
        ):
            raise Untranslatable(f"facts are held against each of `{items.path}`")
        held = self._world.listed(items.path)
        parts = []
        for word, holds in held.holds.items():
            inner = self.truth(test, {**bound, variable: word})
            if node.quantifier == "exists":
                parts.append(Truth(true=z3.And(holds, inner.true), false=z3.Or(z3.Not(holds), inner.false)))
            else:
                parts.append(Truth(true=z3.Or(z3.Not(holds), inner.true), false=z3.And(holds, inner.false)))
        found = fold(parts)
        return Truth(true=z3.And(held.known, found.true), false=z3.And(held.known, found.false))

    def term(self, node: Node, bound: Mapping[str, int]) -> _Term:
        match node:
            case Literal(value=bool() as value):
                return _known(z3.BoolVal(value))
            case Literal(value=str() as value):
                return _known(z3.IntVal(self._world.word(value)))
            case Literal(value=value):
                return _known(_number(value))
            case Name(path=path):
                return self.name(path, bound)
            case Negative(operand=operand):
                term = self.term(operand, bound)
                return _Term(known=term.known, value=-term.value)
            case Arithmetic():
                return self.arithmetic(node, bound)
            case Conditional(test=test, then=then, otherwise=otherwise):
                asked, one, other = self.truth(test, bound), self.term(then, bound), self.term(otherwise, bound)
                known = z3.Or(z3.And(asked.true, one.known), z3.And(asked.false, other.known))
                return _Term(known=known, value=z3.If(asked.true, one.value, other.value))
            case Apply(function=("date" | "timestamp"), arguments=(Literal(value=str() as text),)):
                return _known(z3.IntVal(_microseconds(parse_moment(text))))
            case Apply(function="size", arguments=(Name(path=path),)) if path in vocabulary():
                if vocabulary()[path].type not in (Type.TEXTS, Type.COUNTRIES):
                    raise Untranslatable("`size` counts the letters of a text")
                held = self._world.listed(path)
                return _Term(known=held.known, value=held.size)
            case Apply(function=function):
                raise Untranslatable(f"`{function}` of something other than a fact")
            case _:
                truth = self.truth(node, bound)
                return _Term(known=z3.Not(truth.neither), value=truth.true)

    def name(self, path: str, bound: Mapping[str, int]) -> _Term:
        if path in bound:
            return _known(z3.IntVal(bound[path]))
        room, _, rest = path.partition(".")
        if room == "limits":
            return _known(_number(self._constants.limits[rest]))
        if room == "options":
            return _known(z3.BoolVal(self._constants.options[rest]))
        return self._world.term(path)

    def arithmetic(self, node: Arithmetic, bound: Mapping[str, int]) -> _Term:
        left, right = self.term(node.left, bound), self.term(node.right, bound)
        known = z3.And(left.known, right.known)
        match node.operator:
            case "+":
                return _Term(known=known, value=left.value + right.value)
            case "-":
                return _Term(known=known, value=left.value - right.value)
            case "*":
                return _Term(known=known, value=left.value * right.value)
            case _:
                divided = _real(left.value) / _real(right.value)
                return _Term(known=z3.And(known, right.value != 0), value=divided)


def _answer(known: Formula, value: Formula) -> Truth:
    return Truth(true=z3.And(known, value), false=z3.And(known, z3.Not(value)))


def _all(parts: Sequence[Truth]) -> Truth:
    return Truth(true=z3.And([part.true for part in parts]), false=z3.Or([part.false for part in parts]))


def _any(parts: Sequence[Truth]) -> Truth:
    return Truth(true=z3.Or([part.true for part in parts]), false=z3.And([part.false for part in parts]))


def _known(value: Formula) -> _Term:
    return _Term(known=z3.BoolVal(True), value=value)


def _number(value: object) -> Formula:
    if isinstance(value, Fraction):
        return z3.RealVal(f"{value.numerator}/{value.denominator}")
    return z3.IntVal(str(value))


def _real(value: Formula) -> Formula:
    return z3.ToReal(value) if z3.is_int(value) else value


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _named(node: Node) -> set[str]:
    return {part.path for part in walk(node) if isinstance(part, Name)}


def _literals(node: Node) -> set[str]:
    return {part.value for part in walk(node) if isinstance(part, Literal) and isinstance(part.value, str)}


def _looked_for(node: Node) -> set[str]:
    """The texts and countries that a condition holds against the words of a list."""
    found: set[str] = set()
    for part in walk(node):
        if isinstance(part, Quantified):
            found |= _named(part.test)
        elif isinstance(part, Compare) and part.operator == "in" and isinstance(part.right, Name):
            found |= _named(part.left) if part.right.path in vocabulary() else set()
    return {name for name in found if name in vocabulary() and vocabulary()[name].type in (Type.TEXT, Type.COUNTRY)}


def _quantifiers(node: Node) -> int:
    """How deep quantifiers stand in each other."""
    return (1 if isinstance(node, Quantified) else 0) + max(
        (_quantifiers(child) for child in children(node)), default=0
    )
