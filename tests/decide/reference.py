"""A second implementation of `decide`, written to be obvious: plain dicts, text walked anew each time, no speed.

It shares no code with the product but the records that go in. Conditions are read by its own small parser, answers
are `True`, `False`, `None` for unknown and `"error"`, and dates, groups and grants are looked up as the page of
policies tells it.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

TOKEN = re.compile(
    r'\s*(?:(//[^\n]*)|([0-9.]+(?:[eE]-?[0-9]+)?)|("[^"]*")|([A-Za-z_][\w.]*)|(&&|\|\||[=!<>]=|[-+*/<>!?:(),\[\]]))'
)


class Words:
    """The words of a condition, and where reading stands."""

    def __init__(self, text: str) -> None:
        self.words = []
        text = text.strip()
        position = 0
        while position < len(text):
            found = TOKEN.match(text, position)
            assert found, text[position:]
            if not found.group(1):
                self.words.append(found.group(0).strip())
            position = found.end()
        self.at = 0

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def next(self) -> str:
        self.at += 1
        return self.words[self.at - 1]


def evaluate(text: str, world: dict[str, Any]) -> Any:
    """The answer of a condition in a world of dotted names."""
    words = Words(text)
    answer = ternary(words, world)
    assert words.peek() == "", words.peek()
    return answer


def ternary(words: Words, world: dict[str, Any]) -> Any:
    test = either(words, world)
    if words.peek() != "?":
        return test
    words.next()
    then = either(words, world)
    assert words.next() == ":"
    otherwise = ternary(words, world)
    return test if test in (None, "error") else then if test else otherwise


def either(words: Words, world: dict[str, Any]) -> Any:
    answers = [both(words, world)]
    while words.peek() == "||":
        words.next()
        answers.append(both(words, world))
    return answers[0] if len(answers) == 1 else fold(answers, True)


def both(words: Words, world: dict[str, Any]) -> Any:
    answers = [compared(words, world)]
    while words.peek() == "&&":
        words.next()
        answers.append(compared(words, world))
    return answers[0] if len(answers) == 1 else fold(answers, False)


def fold(answers: list[Any], decisive: bool) -> Any:
    if any(answer is decisive for answer in answers):
        return decisive
    if any(answer is None for answer in answers):
        return None
    return "error" if "error" in answers else not decisive


def compared(words: Words, world: dict[str, Any]) -> Any:
    left = added(words, world)
    while words.peek() in ("==", "!=", "<", "<=", ">", ">=", "in"):
        sign = words.next()
        asks = words.peek() == "null"
        right = added(words, world)
        if asks:
            left = (left is None) is (sign == "==")
        elif left is None or right is None:
            left = None
        elif "error" in (left, right):
            left = "error"
        elif sign == "in":
            left = left in right
        else:
            left = {
                "==": left == right,
                "!=": left != right,
                "<": sign == "<" and left < right,
                "<=": sign == "<=" and left <= right,
                ">": sign == ">" and left > right,
                ">=": sign == ">=" and left >= right,
            }[sign]
    return left


def added(words: Words, world: dict[str, Any]) -> Any:
    left = multiplied(words, world)
    while words.peek() in ("+", "-"):
        sign, right = words.next(), multiplied(words, world)
        left = number(left, right) or (left + right if sign == "+" else left - right)
        left = None if left == "unknown" else left
    return left


def multiplied(words: Words, world: dict[str, Any]) -> Any:
    left = single(words, world)
    while words.peek() in ("*", "/"):
        sign, right = words.next(), single(words, world)
        left = number(left, right) or (left * right if sign == "*" else Fraction(left) / right if right else "error")
        left = None if left == "unknown" else left
    return left


def number(left: Any, right: Any) -> str | None:
    if left is None or right is None:
        return "unknown"
    return "error" if "error" in (left, right) else None


def single(words: Words, world: dict[str, Any]) -> Any:
    word = words.next()
    if word == "!":
        answer = single(words, world)
        return answer if answer in (None, "error") else not answer
    if word == "(":
        answer = ternary(words, world)
        assert words.next() == ")"
        return answer
    if word == "[":
        items = []
        while words.peek() != "]":
            items.append(ternary(words, world))
            if words.peek() == ",":
                words.next()
        words.next()
        return items
    if word.startswith('"'):
        return word[1:-1]
    if word[0].isdigit():
        return Fraction(Decimal(word))
    if word in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[word]
    if word == "size" and words.peek() == "(":
        words.next()
        items = ternary(words, world)
        assert words.next() == ")"
        return items if items in (None, "error") else len(items)
    if word.endswith(".exists") and words.peek() == "(":
        return some(words, world, word.removesuffix(".exists"))
    return world[word]


def some(words: Words, world: dict[str, Any], name: str) -> Any:
    """`list.exists(variable, test)`: the test is read once for each item, and once in vain for none."""
    items = world[name]
    words.next()
    variable = words.next()
    assert words.next() == ","
    start, answers = words.at, []
    for item in items or ["in vain"]:
        words.at = start
        answers.append(ternary(words, {**world, variable: item}))
    assert words.next() == ")"
    if items is None:
        return None
    return fold(answers, True) if items else False


def read_pack(folder: Path) -> dict[str, Any]:
    """A pack as nested dicts, with what it extends and with its data."""
    table = tomllib.loads((folder / "policy.toml").read_text(), parse_float=Decimal)
    parts = [read_pack(folder / parent) for parent in table["policy"].get("extends", [])]
    data = {
        path.stem: tomllib.loads(path.read_text(), parse_float=Decimal) for path in (folder.parent / "data").iterdir()
    }
    limits = {
        name: Fraction(Decimal(data["thresholds"][value["threshold"]]["value"] if isinstance(value, dict) else value))
        for name, value in table.get("limits", {}).items()
    }
    rules = [{**rule, **days_of(rule, data)} for rule in table.get("rule", [])]
    for part in reversed(parts):
        limits = {**part["limits"], **limits}
    options = {name: value for part in parts for name, value in part["options"].items()}
    found = [rule for part in parts for rule in part["rules"]] + rules
    return {
        "rules": list({rule["id"]: rule for rule in found}.values()),
        "limits": limits,
        "options": {**options, **table.get("options", {})},
        "data": data,
    }


def days_of(rule: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """The days of the period that a rule names, by the names of the rule's own keys."""
    period = data["periods"][rule["period"]] if "period" in rule else {}
    names = {"from": "effective_from", "to": "effective_to"}
    return {names[key]: day for key, day in period.items() if key in names}


def members(data: dict[str, Any], name: str, day: date) -> set[str]:
    """The countries of a group on a day, without territories."""
    group = data["groups"][name]
    found: set[str] = set()
    for other in group.get("includes", []):
        found |= members(data, other, day)
    for other in group.get("excludes", []):
        found -= members(data, other, day)
    found |= set(group.get("codes", []))
    for member in group.get("dated", []):
        if member.get("from", date.min) <= day <= member.get("to", date.max):
            found.add(member["code"])
    return found


def world_of(facts: dict[str, Any], pack: dict[str, Any], day: date) -> dict[str, Any]:
    """Every name that a condition may use."""
    world: dict[str, Any] = {}
    for room, leaves in facts.items():
        for name, value in leaves.items() if isinstance(leaves, dict) else ():
            world[f"{room}.{name}"] = Fraction(repr(value)) if isinstance(value, float) else value
    world.update({f"limits.{name}": value for name, value in pack["limits"].items()})
    world.update({f"options.{name}": value for name, value in pack["options"].items()})
    for name in pack["data"]["groups"]:
        codes = members(pack["data"], name, day)
        for code, territory in pack["data"]["territories"].items():
            if "treat_as" in territory:
                codes = codes | {code} if territory["treat_as"] in codes else codes - {code}
        world[f"groups.{name}"] = codes
    return world


def decide(facts: dict[str, Any], pack: dict[str, Any]) -> tuple[str, set[tuple[str, str, str, bool]]]:
    """The outcome, and for each finding its rule, kind, outcome and whether it counts."""
    day = facts["as_of"].astimezone(UTC).date()
    world = world_of(facts, pack, day)
    findings = set()
    worst = "allow"
    for rule in pack["rules"]:
        mode = rule.get("mode", "enforce")
        if mode == "off" or not rule.get("effective_from", date.min) <= day <= rule.get("effective_to", date.max):
            continue
        answer = evaluate(rule["when"], world)
        if answer is False:
            continue
        kind = "fired" if answer is True else "unknown" if answer is None else "error"
        outcome = rule["then"] if kind == "fired" else "escalate"
        grant = facts["grant"]
        covered = (
            grant is not None
            and rule.get("overridable", rule["then"] == "escalate")
            and rule["id"] in grant["rules"]
            and (outcome == "escalate" or grant["outcome"] == "block")
            and (
                not facts["request"]["resolved"]
                if facts["operations"]["high"] is None
                else facts["operations"]["high"] <= grant["budget"]
            )
        )
        counts = mode == "enforce" and not covered
        findings.add((rule["id"], kind, outcome, counts))
        if counts and (worst == "allow" or outcome == "block"):
            worst = outcome
    return worst, findings
