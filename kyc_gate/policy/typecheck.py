"""Conditions checked against the closed vocabulary, before any request is seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from fractions import Fraction

from kyc_gate.policy.country_codes import code_problem
from kyc_gate.policy.names import Constants
from kyc_gate.policy.syntax import (
    All,
    Any,
    Apply,
    Arithmetic,
    Compare,
    Conditional,
    ConditionError,
    Items,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    Quantified,
)
from kyc_gate.policy.vocabulary import Type, nearest, vocabulary

_LISTS = {Type.TEXTS: Type.TEXT, Type.COUNTRIES: Type.COUNTRY}
_ORDERED = (Type.NUMBER, Type.MOMENT)


def check_condition(node: Node, constants: Constants) -> list[ConditionError]:
    """Return everything that is wrong with a rule's condition; nothing when it is a boolean over known names."""
    checker = _Checker(constants)
    found = checker.type(node, {})
    if found not in (None, Type.BOOLEAN):
        checker.refuse(f"a condition must be true or false, and this is a {found}", node)
    return checker.problems


def parse_moment(text: str) -> datetime:
    """Return the moment that `text` writes: midnight UTC of a date, or an RFC 3339 timestamp with its offset."""
    try:
        if len(text) == len("2025-05-13"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConditionError(f"`{text}` is not a date; write `2025-05-13`") from None
    if moment.tzinfo is None:
        raise ConditionError(f"`{text}` has no offset; add `Z`")
    return moment


class _Checker:
    def __init__(self, constants: Constants) -> None:
        self.constants = constants
        self.problems: list[ConditionError] = []

    def refuse(self, message: str, node: Node) -> None:
        self.problems.append(ConditionError(message, node.position))

    def type(self, node: Node, bound: Mapping[str, Type]) -> Type | None:
        """Return the type of `node`, or None where a problem below was already noted."""
        match node:
            case Literal():
                return _literal_type(node)
            case Name():
                return self.name(node, bound)
            case Not(operand=operand):
                self.need(operand, Type.BOOLEAN, "`!`", bound)
                return Type.BOOLEAN
            case Negative(operand=operand):
                self.need(operand, Type.NUMBER, "`-`", bound)
                return Type.NUMBER
            case All(operands=operands) | Any(operands=operands):
                for operand in operands:
                    self.need(operand, Type.BOOLEAN, "`&&`" if isinstance(node, All) else "`||`", bound)
                return Type.BOOLEAN
            case Compare():
                self.compare(node, bound)
                return Type.BOOLEAN
            case Arithmetic(left=left, right=right):
                self.need(left, Type.NUMBER, f"`{node.operator}`", bound)
                self.need(right, Type.NUMBER, f"`{node.operator}`", bound)
                return Type.NUMBER
            case Conditional():
                return self.conditional(node, bound)
            case Items():
                return self.items(node, bound)
            case Apply():
                return self.apply(node, bound)
            case Quantified():
                return self.quantified(node, bound)
        raise TypeError(f"no such node: {node}")

    def need(self, node: Node, wanted: Type, by: str, bound: Mapping[str, Type]) -> None:
        found = self.type(node, bound)
        if found is not None and not _fits(found, wanted):
            self.refuse(f"{by} needs a {wanted}, and `{_shown(node)}` is a {found}", node)

    def name(self, node: Name, bound: Mapping[str, Type]) -> Type | None:
        if node.path in bound:
            return bound[node.path]
        if node.path in vocabulary():
            return vocabulary()[node.path].type
        room, _, rest = node.path.partition(".")
        rooms: Mapping[str, tuple[Mapping[str, object], Type]] = {
            "limits": (self.constants.limits, Type.NUMBER),
            "options": (self.constants.options, Type.BOOLEAN),
            "groups": (self.constants.groups, Type.COUNTRIES),
        }
        if room in rooms and rest in rooms[room][0]:
            return rooms[room][1]
        known = [*vocabulary(), *self.constants.paths(), *bound]
        what = {"limits": "limit", "options": "option", "groups": "group"}.get(room, "fact")
        alike = [path for path in known if what != "fact" and path.startswith(f"{room}.")]
        self.refuse(f"unknown {what} `{node.path}`{nearest(node.path, alike or known)}", node)
        return None

    def compare(self, node: Compare, bound: Mapping[str, Type]) -> None:
        if node.operator in ("==", "!=") and Literal(value=None) in (_bare(node.left), _bare(node.right)):
            self.knownness(node.right if _bare(node.left) == Literal(value=None) else node.left, node, bound)
            return
        left, right = self.type(node.left, bound), self.type(node.right, bound)
        if left is None or right is None:
            return
        if node.operator == "in":
            if right not in _LISTS or not (_fits(left, _LISTS[right]) or _fits(_LISTS[right], left)):
                self.refuse(f"`in` cannot look for a {left} in a {right}", node)
            self.values(node.left, node.right)
            return
        if not (_fits(left, right) or _fits(right, left)):
            self.refuse(f"`{node.operator}` cannot compare a {left} with a {right}", node)
        elif node.operator not in ("==", "!=") and left not in _ORDERED:
            self.refuse(f"`{node.operator}` needs numbers or moments, not a {left}", node)
        elif left in _LISTS:
            self.refuse("lists are not compared; use `in`, `size` or `exists`", node)
        self.values(node.left, node.right)
        self.values(node.right, node.left)

    def knownness(self, operand: Node, node: Compare, bound: Mapping[str, Type]) -> None:
        if not isinstance(operand, Name):
            self.refuse("only a fact can be compared with `null`", node)
        elif self.type(operand, bound) is not None and not self.nullable(operand):
            self.refuse(f"`{operand.path}` is never unknown, so it is not compared with `null`", node)

    def nullable(self, name: Name) -> bool:
        return name.path in vocabulary() and vocabulary()[name.path].nullable

    def values(self, named: Node, compared: Node) -> None:
        """Note each text compared with a fact that can never have it: a misspelt value, or no country code."""
        if not isinstance(named, Name) or named.path not in vocabulary():
            return
        fact = vocabulary()[named.path]
        for literal in compared.items if isinstance(compared, Items) else (compared,):
            if not isinstance(literal, Literal) or not isinstance(literal.value, str):
                continue
            if fact.values and literal.value not in fact.values:
                hint = nearest(literal.value, fact.values)
                self.refuse(f"`{named.path}` is never `{literal.value}`{hint}", literal)
            if fact.type is Type.COUNTRY and (wrong := code_problem(literal.value)):
                self.refuse(wrong, literal)

    def conditional(self, node: Conditional, bound: Mapping[str, Type]) -> Type | None:
        self.need(node.test, Type.BOOLEAN, "`?`", bound)
        then, otherwise = self.type(node.then, bound), self.type(node.otherwise, bound)
        if then is None or otherwise is None:
            return None
        if then is not otherwise:
            self.refuse(f"both sides of `:` must be alike, and these are a {then} and a {otherwise}", node)
        return then

    def items(self, node: Items, bound: Mapping[str, Type]) -> Type | None:
        for item in node.items:
            self.need(item, Type.TEXT, "a list", bound)
        return Type.TEXTS

    def apply(self, node: Apply, bound: Mapping[str, Type]) -> Type | None:
        match node.function:
            case "has":
                argument = node.arguments[0]
                if not isinstance(argument, Name):
                    self.refuse("`has` needs a fact", node)
                elif self.type(argument, bound) is not None and not self.nullable(argument):
                    self.refuse(f"`{argument.path}` is never unknown, so `has` is always true", node)
                return Type.BOOLEAN
            case "date" | "timestamp":
                self.moment(node)
                return Type.MOMENT
            case "size":
                found = self.type(node.arguments[0], bound)
                if found is not None and found not in (Type.TEXT, *_LISTS):
                    self.refuse(f"`size` needs a list or text, not a {found}", node)
                return Type.NUMBER
            case _:
                for argument in node.arguments:
                    self.need(argument, Type.TEXT, f"`{node.function}`", bound)
                return Type.BOOLEAN

    def moment(self, node: Apply) -> None:
        argument = node.arguments[0]
        if not (isinstance(argument, Literal) and isinstance(argument.value, str)):
            self.refuse(f'`{node.function}` needs a date in quotes, such as `{node.function}("2025-05-13")`', node)
            return
        try:
            parse_moment(argument.value)
        except ConditionError as error:
            self.refuse(str(error), argument)

    def quantified(self, node: Quantified, bound: Mapping[str, Type]) -> Type | None:
        items = self.type(node.items, bound)
        if items is not None and items not in _LISTS:
            self.refuse(f"`{node.quantifier}` needs a list, not a {items}", node)
            return Type.BOOLEAN
        if node.variable in bound or any(path.split(".")[0] == node.variable for path in self.taken()):
            self.refuse(f"`{node.variable}` already names something else", node)
        variable = Type.TEXT if items is None else _LISTS[items]
        self.need(node.test, Type.BOOLEAN, f"`{node.quantifier}`", {**bound, node.variable: variable})
        return Type.BOOLEAN

    def taken(self) -> list[str]:
        return [*vocabulary(), "limits", "options", "groups"]


def _literal_type(node: Literal) -> Type:
    match node.value:
        case bool():
            return Type.BOOLEAN
        case int() | Fraction():
            return Type.NUMBER
        case str():
            return Type.TEXT
        case None:
            return Type.NOTHING


def _fits(found: Type, wanted: Type) -> bool:
    """A country is text too: it may stand wherever text may, and text literals compare with countries."""
    return found is wanted or (found is Type.COUNTRY and wanted is Type.TEXT)


def _bare(node: Node) -> Node:
    return Literal(value=node.value) if isinstance(node, Literal) else node


def _shown(node: Node) -> str:
    match node:
        case Name(path=path):
            return path
        case Literal(value=value):
            return "null" if value is None else str(value)
        case _:
            return "it"
