"""The grammar of conditions: text in, syntax tree out.

The grammar is a subset of CEL, the Common Expression Language: literals, dotted names, `&& || !`, comparisons, `in`,
`+ - * /`, the conditional `?:`, lists, and calls. Everything is bounded, since the text comes from a file:
`MAX_LENGTH` characters, `MAX_NODES` nodes, `MAX_DEPTH` levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from kyc_gate.model.record import Record

MAX_LENGTH = 4000
MAX_NODES = 400
MAX_DEPTH = 40
MAX_DIGITS = 100
"""Digits of a number and size of its exponent. 4E091 needs 27; the bound keeps exact arithmetic cheap."""

Number = int | Fraction


class ConditionError(Exception):
    """A condition that cannot be read. The message is one line, and `position` counts characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class Node(Record):
    """A part of a condition. `position` is where it starts in the text."""

    position: int = 0


class Literal(Node, kw_only=True):
    """A number, text, boolean, or null (None)."""

    value: Number | str | bool | None


class Name(Node, kw_only=True):
    """A dotted name: a fact, a limit, a group, an option or a bound variable."""

    path: str


class Not(Node, kw_only=True):
    """The opposite of a condition."""

    operand: Node


class Negative(Node, kw_only=True):
    """A number with its sign turned."""

    operand: Node


class All(Node, kw_only=True):
    """`a && b && ...`: at least two operands."""

    operands: tuple[Node, ...]


class Any(Node, kw_only=True):
    """`a || b || ...`: at least two operands."""

    operands: tuple[Node, ...]


class Compare(Node, kw_only=True):
    """`operator` is one of `== != < <= > >= in`."""

    operator: str
    left: Node
    right: Node


class Arithmetic(Node, kw_only=True):
    """`operator` is one of `+ - * /`."""

    operator: str
    left: Node
    right: Node


class Conditional(Node, kw_only=True):
    """One of two values, as a condition says."""

    test: Node
    then: Node
    otherwise: Node


class Items(Node, kw_only=True):
    """A list written out."""

    items: tuple[Node, ...]


class Apply(Node, kw_only=True):
    """A function or method call; a method's receiver is its first argument."""

    function: str
    arguments: tuple[Node, ...]


class Quantified(Node, kw_only=True):
    """`items.exists(variable, test)` or `items.all(variable, test)`; `quantifier` is `exists` or `all`."""

    quantifier: str
    items: Node
    variable: str
    test: Node


FUNCTIONS = {"size": 1, "has": 1, "date": 1, "timestamp": 1}
METHODS = {"size": 0, "startsWith": 1, "endsWith": 1, "contains": 1}
QUANTIFIERS = ("exists", "all")
RESERVED = frozenset({"true", "false", "null", "in"})

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|//[^\n]*)
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z_0-9])
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/<>!?:.,()\[\]])
    """,
    re.VERBOSE,
)
_ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t"}


class _Token(Record):
    kind: str
    text: str
    position: int


def parse_condition(text: str) -> Node:
    """Return the syntax tree of `text`. Raises `ConditionError` with the first thing that is wrong."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(text)} characters, more than {MAX_LENGTH}")
    node = _Parser(tuple(_tokens(text))).parse()
    if depth(node) > MAX_DEPTH:
        raise ConditionError(f"the condition is nested more than {MAX_DEPTH} levels deep")
    return node


def parse_number(text: str) -> Number:
    """Return the number that `text` writes, exactly. Raises `ConditionError` for NaN, infinity and excess digits."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ConditionError(f"`{text[:40]}` is not a number") from None
    return exact(value)


def exact(value: Decimal) -> Number:
    """Return `value` as an int where it is whole, else as a fraction. Raises `ConditionError` as `parse_number`."""
    if not value.is_finite():
        raise ConditionError(f"`{value}` is not a finite number")
    if len(value.as_tuple().digits) > MAX_DIGITS or abs(value.adjusted()) > MAX_DIGITS:
        raise ConditionError(f"a number has more than {MAX_DIGITS} digits")
    return simplified(Fraction(value))


def simplified(value: Number) -> Number:
    """Return an int for a whole number: it compares ten times faster than the fraction."""
    return value.numerator if value.denominator == 1 else value


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of `node`, in order."""
    match node:
        case Not(operand=operand) | Negative(operand=operand):
            return (operand,)
        case All(operands=operands) | Any(operands=operands):
            return operands
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case Conditional(test=test, then=then, otherwise=otherwise):
            return (test, then, otherwise)
        case Items(items=items):
            return items
        case Apply(arguments=arguments):
            return arguments
        case Quantified(items=items, test=test):
            return (items, test)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and every part of it."""
    yield node
    for child in children(node):
        yield from walk(child)


def depth(node: Node) -> int:
    """Return the number of levels of `node`; at most `MAX_NODES`, since the parser counts nodes."""
    return 1 + max((depth(child) for child in children(node)), default=0)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ConditionError(f"`{text[position]}` is not understood here", position)
        if found.lastgroup != "space":
            yield _Token(kind=str(found.lastgroup), text=found.group(), position=position)
        position = found.end()
    yield _Token(kind="end", text="", position=len(text))


def _unquoted(token: _Token) -> str:
    def replaced(found: re.Match[str]) -> str:
        if found.group(1) not in _ESCAPES:
            raise ConditionError(f"`\\{found.group(1)}` is not an escape", token.position)
        return _ESCAPES[found.group(1)]

    return re.sub(r"\\(.)", replaced, token.text[1:-1], flags=re.DOTALL)


class _Parser:
    """Recursive descent, one method for each level of precedence, loosest first."""

    def __init__(self, tokens: tuple[_Token, ...]) -> None:
        self.tokens = tokens
        self.next = 0
        self.nodes = 0
        self.levels = 0

    def parse(self) -> Node:
        node = self.conditional()
        if self.current.kind != "end":
            raise self.misfit()
        return node

    @property
    def current(self) -> _Token:
        return self.tokens[self.next]

    def misfit(self) -> ConditionError:
        token = self.current
        found = f"`{token.text}` does not fit here" if token.text else "the condition ends too early"
        return ConditionError(found, token.position)

    def take(self, *texts: str) -> _Token | None:
        """Return the current token and step over it, if it is one of `texts`."""
        token = self.current
        if token.kind in ("sign", "word") and token.text in texts:
            self.next += 1
            return token
        return None

    def need(self, text: str) -> None:
        if self.take(text) is None:
            raise self.misfit()

    def made(self, node: Node) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ConditionError(f"the condition has more than {MAX_NODES} parts")
        return node

    def conditional(self) -> Node:
        self.levels += 1
        if self.levels > MAX_DEPTH:
            raise ConditionError(f"the condition is nested more than {MAX_DEPTH} levels deep", self.current.position)
        test = self.any()
        if token := self.take("?"):
            then = self.any()
            self.need(":")
            otherwise = self.conditional()
            test = self.made(Conditional(position=token.position, test=test, then=then, otherwise=otherwise))
        self.levels -= 1
        return test

    def any(self) -> Node:
        operands = [self.all()]
        while self.take("||"):
            operands.append(self.all())
        if len(operands) == 1:
            return operands[0]
        return self.made(Any(position=operands[0].position, operands=tuple(operands)))

    def all(self) -> Node:
        operands = [self.comparison()]
        while self.take("&&"):
            operands.append(self.comparison())
        if len(operands) == 1:
            return operands[0]
        return self.made(All(position=operands[0].position, operands=tuple(operands)))

    def comparison(self) -> Node:
        left = self.sum()
        while token := self.take("==", "!=", "<", "<=", ">", ">=", "in"):
            left = self.made(Compare(position=token.position, operator=token.text, left=left, right=self.sum()))
        return left

    def sum(self) -> Node:
        left = self.product()
        while token := self.take("+", "-"):
            left = self.made(Arithmetic(position=token.position, operator=token.text, left=left, right=self.product()))
        return left

    def product(self) -> Node:
        left = self.unary()
        while token := self.take("*", "/"):
            left = self.made(Arithmetic(position=token.position, operator=token.text, left=left, right=self.unary()))
        return left

    def unary(self) -> Node:
        signs = []
        while token := self.take("!", "-"):
            signs.append(token)
        node = self.member()
        for token in reversed(signs):
            made = Not if token.text == "!" else Negative
            node = self.made(made(position=token.position, operand=node))
        return node

    def member(self) -> Node:
        node = self.primary()
        while token := self.take("."):
            word = self.word()
            if self.current.text == "(" and self.current.kind == "sign":
                node = self.method(node, word)
            elif isinstance(node, Name):
                node = Name(position=node.position, path=f"{node.path}.{word.text}")
            else:
                raise ConditionError(f"`.{word.text}` must follow a name", token.position)
        return node

    def word(self) -> _Token:
        token = self.current
        if token.kind != "word" or token.text in RESERVED:
            raise self.misfit()
        self.next += 1
        return token

    def method(self, receiver: Node, name: _Token) -> Node:
        if name.text in QUANTIFIERS:
            self.need("(")
            variable = self.word()
            self.need(",")
            test = self.conditional()
            self.need(")")
            return self.made(
                Quantified(
                    position=name.position, quantifier=name.text, items=receiver, variable=variable.text, test=test
                )
            )
        if name.text not in METHODS:
            known = ", ".join(sorted({*METHODS, *QUANTIFIERS}))
            raise ConditionError(f"there is no method `{name.text}`; there are {known}", name.position)
        arguments = self.arguments(name, METHODS[name.text])
        return self.made(Apply(position=name.position, function=name.text, arguments=(receiver, *arguments)))

    def arguments(self, name: _Token, count: int) -> tuple[Node, ...]:
        self.need("(")
        arguments = self.list_until(")")
        if len(arguments) != count:
            raise ConditionError(f"`{name.text}` takes {count} arguments, not {len(arguments)}", name.position)
        return arguments

    def list_until(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self.take(end):
            if items:
                self.need(",")
                if self.take(end):
                    break
            items.append(self.conditional())
        return tuple(items)

    def primary(self) -> Node:
        token = self.current
        self.next += 1
        match token.kind, token.text:
            case "number", text:
                return self.made(Literal(position=token.position, value=parse_number(text)))
            case "text", _:
                return self.made(Literal(position=token.position, value=_unquoted(token)))
            case "word", ("true" | "false") as text:
                return self.made(Literal(position=token.position, value=text == "true"))
            case "word", "null":
                return self.made(Literal(position=token.position, value=None))
            case "word", word if word not in RESERVED:
                return self.named(token)
            case "sign", "(":
                node = self.conditional()
                self.need(")")
                return node
            case "sign", "[":
                return self.made(Items(position=token.position, items=self.list_until("]")))
            case _:
                self.next -= 1
                raise self.misfit()

    def named(self, token: _Token) -> Node:
        if not (self.current.kind == "sign" and self.current.text == "("):
            return self.made(Name(position=token.position, path=token.text))
        if token.text not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise ConditionError(f"there is no function `{token.text}`; there are {known}", token.position)
        arguments = self.arguments(token, FUNCTIONS[token.text])
        return self.made(Apply(position=token.position, function=token.text, arguments=arguments))
