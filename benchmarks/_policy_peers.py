"""Run by `.venv-policy`: reads facts and rules on standard input, writes how long each engine takes for all of them.

An engine is given each rule that its language can say; one whose answers differ from ours is told, and not timed.
The project itself never imports this.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

Found = Callable[[], list[str]]


def main() -> None:
    """Time every engine."""
    asked = json.load(sys.stdin)
    for name, prepare in ENGINES.items():
        try:
            run, rules = prepare(asked["facts"], asked["rules"])
            found = run()
        # Each engine has errors of its own, and what they say is the result.
        except Exception as error:  # noqa: BLE001
            print(json.dumps({"engine": name, "why": f"{type(error).__name__}: {str(error)[:120]}"}))
            continue
        wanted = [id for id in asked["found"] if id in rules]
        if sorted(found) != wanted:
            print(json.dumps({"engine": name, "why": f"finds {sorted(found)}, not {wanted}"}))
            continue
        print(json.dumps({"engine": name, "microseconds": best(run), "rules": len(rules)}), flush=True)


def best(run: Found) -> float:
    """The least processor time for one call, in microseconds."""
    took = []
    started = time.process_time()
    while len(took) < 20 and (time.process_time() - started < 4 or len(took) < 3):
        before = time.process_time()
        for _ in range(5):
            run()
        took.append((time.process_time() - before) / 5 * 1e6)
    return min(took)


def literal(value: Any) -> str:
    """A value as CEL, Rego and Python-like languages write it."""
    return json.dumps(value)


def cel_text(tree: Any) -> str:
    """A rule in CEL."""
    match tree:
        case ["value", value]:
            return literal(value)
        case ["list", values]:
            return literal(values)
        case ["name", path]:
            return str(path)
        case ["not", part]:
            return f"!({cel_text(part)})"
        case ["all", *parts]:
            return " && ".join(f"({cel_text(part)})" for part in parts)
        case ["any", *parts]:
            return " || ".join(f"({cel_text(part)})" for part in parts)
        case ["compare", sign, left, right]:
            return f"({cel_text(left)}) {sign} ({cel_text(right)})"
        case ["size", part]:
            return f"double(({cel_text(part)}).size())"
        case [("exists" | "all_of") as kind, variable, items, test]:
            return f"({cel_text(items)}).{kind}({variable}, {cel_text(test)})"
    raise TypeError(f"CEL has no {tree[0]}")


def cel_python(facts: Any, rules: Any) -> tuple[Found, set[str]]:
    """cel-python, each rule compiled, the facts converted anew as each request needs."""
    celpy = importlib.import_module("celpy")
    adapter = importlib.import_module("celpy.adapter")
    env = celpy.Environment()
    programs = [(rule["id"], env.program(env.compile(cel_text(rule["when"])))) for rule in rules]

    def run() -> list[str]:
        context = adapter.json_to_cel(facts)
        found = []
        for id, program in programs:
            try:
                if program.evaluate(context):
                    found.append(id)
            except celpy.CELEvalError:
                found.append(id)
        return found

    return run, {rule["id"] for rule in rules}


def cel_rust(facts: Any, rules: Any) -> tuple[Found, set[str]]:
    """common-expression-language, the same."""
    cel = importlib.import_module("cel")
    programs = [(rule["id"], cel.compile(cel_text(rule["when"]))) for rule in rules]

    def run() -> list[str]:
        context = cel.Context(variables=facts)
        found = []
        for id, program in programs:
            try:
                if program.execute(context):
                    found.append(id)
            except (KeyError, TypeError, ValueError, RuntimeError):
                found.append(id)
        return found

    return run, {rule["id"] for rule in rules}


def rego(facts: Any, rules: Any) -> tuple[Found, set[str]]:
    """regopy (rego-cpp): one module with a set of found ids, the facts as input."""
    regopy = importlib.import_module("regopy")
    lines = ["package kyc"]
    for number, rule in enumerate(rules):
        lines += rego_rule(f"r{number}", rule["when"])
        lines.append(f'found contains "{rule["id"]}" if r{number}')
    interpreter = regopy.Interpreter()
    interpreter.add_module("kyc", "\n".join(lines))

    def run() -> list[str]:
        interpreter.set_input(facts)
        output = interpreter.query("x = data.kyc.found")
        return list(output.binding("x"))

    return run, {rule["id"] for rule in rules}


def rego_rule(name: str, tree: Any) -> Iterator[str]:
    """A condition as Rego rules: `any` becomes several bodies, and `not` a rule of its own."""
    made: list[str] = []

    def body(part: Any) -> str:
        match part:
            case ["all", *parts]:
                return "; ".join(body(one) for one in parts)
            case ["any", *parts]:
                own = f"{name}_{len(made)}"
                made.append("")
                made.extend(f"{own} if {{ {body(one)} }}" for one in parts)
                return own
            case ["not", inner]:
                own = f"{name}_{len(made)}"
                made.append("")
                made.append(f"{own} if {{ {body(inner)} }}")
                return f"not {own}"
            case ["compare", "in", left, right]:
                return f"{term(left)} in {term(right)}"
            case ["compare", sign, left, right]:
                return f"{term(left)} {sign} {term(right)}"
            case ["value", value]:
                return literal(value)
            case ["name", path]:
                return f"input.{path} == true"
            case ["exists", variable, items, test]:
                own = f"{name}_{len(made)}"
                made.append("")
                made.append(f"{own} if {{ some {variable} in {term(items)}; {body(bind(test, variable))} }}")
                return own
        raise TypeError(f"Rego has no {part[0]} here")

    def term(part: Any) -> str:
        match part:
            case ["bound", variable]:
                return str(variable)
            case ["name", path]:
                return f"input.{path}"
            case ["value", value] | ["list", value]:
                return literal(value)
            case ["size", inner]:
                return f"count({term(inner)})"
            case ["compare", sign, left, right]:
                return f"({term(left)} {sign} {term(right)})"
        raise TypeError(f"Rego has no {part[0]} as a value")

    whole = body(tree)
    yield from (line for line in made if line)
    yield f"{name} if {{ {whole} }}"


def bind(tree: Any, variable: str) -> Any:
    """A test with its variable marked."""
    if tree == ["name", variable]:
        return ["bound", variable]
    return [bind(part, variable) if isinstance(part, list) else part for part in tree]


def casbin(facts: Any, rules: Any) -> tuple[Found, set[str]]:
    """pycasbin: its matchers are Python expressions read by simpleeval, so each rule is one, asked as casbin asks."""
    util = importlib.import_module("simpleeval")
    importlib.import_module("casbin")
    flat = {f"{room}_{name}": value for room, held in facts.items() for name, value in held.items()}
    texts = []
    for rule in rules:
        try:
            texts.append((rule["id"], python_text(rule["when"])))
        except TypeError:
            continue
    engine = util.EvalWithCompoundTypes(functions={"size": len})
    parsed = [(id, engine.parse(text)) for id, text in texts]

    def run() -> list[str]:
        engine.names = flat
        found = []
        for id, tree in parsed:
            try:
                if engine.eval("", previously_parsed=tree):
                    found.append(id)
            except TypeError:
                found.append(id)
        return found

    return run, {id for id, _ in texts}


def python_text(tree: Any) -> str:
    """A rule as a matcher of casbin."""
    match tree:
        case ["value", value] | ["list", value]:
            return repr(value)
        case ["name", path]:
            return str(path).replace(".", "_") if "." in path else str(path)
        case ["not", part]:
            return f"(not ({python_text(part)}))"
        case ["all", *parts]:
            return "(" + " and ".join(python_text(part) for part in parts) + ")"
        case ["any", *parts]:
            return "(" + " or ".join(python_text(part) for part in parts) + ")"
        case ["compare", sign, left, right]:
            return f"({python_text(left)} {sign} {python_text(right)})"
        case ["size", part]:
            return f"size({python_text(part)})"
        case ["exists", variable, items, test]:
            return f"(True in [{python_text(test)} for {variable} in {python_text(items)}])"
    raise TypeError(f"casbin has no {tree[0]}")


def cedar(facts: Any, rules: Any) -> tuple[Found, set[str]]:
    """cedarpy: a `forbid` for each rule; Cedar has 64-bit whole numbers and no quantifier, so some cannot be said."""
    cedarpy = importlib.import_module("cedarpy")
    texts, ids = [], []
    for rule in rules:
        try:
            text = cedar_text(rule["when"])
        except TypeError:
            continue
        texts.append(f'@id("{rule["id"]}")\nforbid(principal, action, resource) when {{ {text} }};')
        ids.append(rule["id"])
    policies = "permit(principal, action, resource);\n" + "\n".join(texts)
    context = {room: {k: cedar_value(v) for k, v in held.items() if v is not None} for room, held in facts.items()}
    request = {"principal": 'U::"a"', "action": 'A::"a"', "resource": 'R::"a"', "context": context}

    def run() -> list[str]:
        reasons = cedarpy.is_authorized(request, policies, []).diagnostics.reasons
        return [ids[int(reason[6:]) - 1] for reason in reasons if reason != "policy0"]

    return run, set(ids)


def cedar_value(value: Any) -> Any:
    """A fact as Cedar has it: whole numbers of 64 bits, large ones drawn together without changing their order."""
    if not isinstance(value, float):
        return value
    return int(value) if value < 1e9 else 10**9 + int(value / 1e10)


def cedar_text(tree: Any) -> str:
    """A rule in Cedar."""
    match tree:
        case ["value", float() as value] if value == int(value):
            return str(cedar_value(value))
        case ["value", (bool() | str()) as value]:
            return literal(value)
        case ["list", values]:
            return literal(values)
        case ["name", path] if "." in path:
            return f"context.{path}"
        case ["not", part]:
            return f"!({cedar_text(part)})"
        case ["all", *parts]:
            return "(" + " && ".join(cedar_text(part) for part in parts) + ")"
        case ["any", *parts]:
            return "(" + " || ".join(cedar_text(part) for part in parts) + ")"
        case ["compare", "in", left, right]:
            return f"{cedar_text(right)}.contains({cedar_text(left)})"
        case ["compare", sign, left, right] if sign in ("==", "!=", "<", "<=", ">", ">="):
            return f"({cedar_text(left)} {sign} {cedar_text(right)})"
    raise TypeError(f"Cedar has no {tree[0]} here")


ENGINES: dict[str, Callable[[Any, Any], tuple[Found, set[str]]]] = {
    "common-expression-language": cel_rust,
    "cel-python": cel_python,
    "cedarpy": cedar,
    "regopy": rego,
    "pycasbin": casbin,
}

if __name__ == "__main__":
    main()
