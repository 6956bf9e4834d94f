"""Conditions of the shipped policies in this project's evaluator, beside three CEL libraries, in one run.

Libraries that are not installed are left out by name. Each is measured compiled, on the same eight conditions and the
same facts, with its context ready and with the facts put into it anew, as every request needs. What a library answers
where 64 bits end, and where a fact is unknown, stands below the times.
"""

from __future__ import annotations

import importlib
import timeit
from collections.abc import Callable
from typing import Any

import msgspec

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import digest
from kyc_gate.policy.cases import read_cases
from kyc_gate.policy.expressions import compile_condition
from kyc_gate.policy.names import Constants
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.syntax import parse_condition

REPEATS = 5
ROUNDS = 2_000

CONDITIONS = (
    "workload.may_train && chips.count != 0 && customer.headquarters != parent.headquarters",
    'workload.may_train && chips.count != 0 && !(customer.headquarters in ["NO", "SE"])',
    'screening.outcome == "match" && "SDN" in screening.matched',
    'screening.outcome in ["possible", "match"] && screening.possible.exists(code, code in ["DPL", "EL", "MEU"])',
    "chips.count > 1024 || chips.tpp > 20000.0",
    "indicators.military || indicators.wmd",
    "!request.resolved || !account.known",
    "chips.count * 2 + 1 >= 17 && chips.count * 2 < 18",
)
HARD = (
    ("1e26 against one less", "operations.projected >= 100000000000000000000000000", {"projected": 10**26 - 1}),
    ("false && unknown", "chips.count < 0 && customer.headquarters == parent.headquarters", {}),
    ("unknown && false", "customer.headquarters == parent.headquarters && chips.count < 0", {}),
    ("true && unknown", "chips.count > 0 && customer.headquarters == parent.headquarters", {}),
)

Ask = Callable[[dict[str, Any]], Any]


def main() -> None:
    """Print the times and the hard questions."""
    facts = read_cases(shipped_policies() / "gate-base")[0].facts
    print(f"{len(CONDITIONS)} conditions, microseconds for all of them, best of {REPEATS} x {ROUNDS}")
    _own(facts)
    for name, prepare in (("common-expression-language", _rust), ("cel-expr-python", _google), ("cel-python", _python)):
        try:
            fresh, ready = prepare(_context(facts))
        except ImportError as error:
            print(f"  {name:28} not installed ({error.name})")
            continue
        rounds = 20 if name == "cel-python" else ROUNDS
        print(f"  {name:28} facts put in anew {_best(fresh, rounds):9.1f}   context ready {_best(ready, rounds):9.1f}")
    _hard(facts)
    _policies(facts)


def _best(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    return min(timeit.repeat(call, number=rounds, repeat=REPEATS)) / rounds * 1e6


def _own(facts: Facts) -> None:
    constants = Constants(limits={}, options={}, groups={})
    compiled = [compile_condition(parse_condition(text), constants) for text in CONDITIONS]
    took = _best(lambda: [condition(facts, {}, ()) for condition in compiled])
    print(f"  {'kyc_gate':28} facts as they are   {took:9.1f}")


def _context(facts: Facts) -> dict[str, Any]:
    """The facts as the dicts that the libraries want, without what has more than 64 bits."""
    rooms = ("customer", "parent", "account", "request", "workload", "chips", "screening", "indicators")
    context: dict[str, Any] = {room: msgspec.structs.asdict(getattr(facts, room)) for room in rooms}
    context["screening"].update(matched=[], possible=[])
    return context


def _rust(context: dict[str, Any]) -> tuple[Callable[[], object], Callable[[], object]]:
    cel = importlib.import_module("cel")
    programs = [cel.compile(text) for text in CONDITIONS]
    ready = cel.Context(variables=context)

    def fresh() -> object:
        made = cel.Context(variables=context)
        return [program.execute(made) for program in programs]

    return fresh, lambda: [program.execute(ready) for program in programs]


def _google(context: dict[str, Any]) -> tuple[Callable[[], object], Callable[[], object]]:
    module = importlib.import_module("cel_expr_python.cel")
    env = module.NewEnv(variables=dict.fromkeys(context, module.Type.DYN))
    programs = [env.compile(text) for text in CONDITIONS]
    ready = env.Activation(context)

    def fresh() -> object:
        activation = env.Activation(context)
        return [program.eval(activation) for program in programs]

    return fresh, lambda: [program.eval(ready) for program in programs]


def _python(context: dict[str, Any]) -> tuple[Callable[[], object], Callable[[], object]]:
    celpy = importlib.import_module("celpy")
    adapters = importlib.import_module("celpy.adapter")
    env = celpy.Environment()
    programs = [env.program(env.compile(text)) for text in CONDITIONS]
    ready = adapters.json_to_cel(context)

    def fresh() -> object:
        activation = adapters.json_to_cel(context)
        return [program.evaluate(activation) for program in programs]

    return fresh, lambda: [program.evaluate(ready) for program in programs]


def _askers() -> dict[str, Callable[[str], Ask]]:
    def rust(text: str) -> Ask:
        cel = importlib.import_module("cel")
        return lambda context: cel.compile(text).execute(context)

    def google(text: str) -> Ask:
        module = importlib.import_module("cel_expr_python.cel")
        names = ("customer", "parent", "chips", "operations")
        env = module.NewEnv(variables=dict.fromkeys(names, module.Type.DYN))
        return lambda context: env.compile(text).eval(env.Activation(context)).value()

    def python(text: str) -> Ask:
        celpy = importlib.import_module("celpy")
        adapters = importlib.import_module("celpy.adapter")
        env = celpy.Environment()
        return lambda context: bool(env.program(env.compile(text)).evaluate(adapters.json_to_cel(context)))

    return {"common-expression-language": rust, "cel-expr-python": google, "cel-python": python}


def _hard(facts: Facts) -> None:
    print("\nwhere 64 bits end, and where `customer.headquarters` is unknown (left out, as a library wants it)")
    constants = Constants(limits={}, options={}, groups={})
    for title, text, operations in HARD:
        replaced = msgspec.structs.replace(facts.operations, **operations)
        unknown = msgspec.structs.replace(facts.customer, headquarters=None)
        changed = msgspec.structs.replace(facts, operations=replaced, customer=unknown)
        print(f"  {title}")
        print(f"    {'kyc_gate':28} {compile_condition(parse_condition(text), constants)(changed, {}, ())}")
        context = {
            "operations": {"projected": changed.operations.projected if operations else 1},
            "chips": {"count": changed.chips.count},
            "customer": {"name": changed.customer.name},
            "parent": {"headquarters": changed.parent.headquarters},
        }
        for name, asker in _askers().items():
            print(f"    {name:28} {_answer(asker, text, context)}")


def _answer(asker: Callable[[str], Ask], text: str, context: dict[str, Any]) -> str:
    try:
        return str(asker(text)(context))
    # Each library has errors of its own, and what they say is the result.
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"


def _policies(facts: Facts) -> None:
    policies = [read_policy(shipped_policies() / name) for name in ("us-ai-diffusion", "us-in-force")]
    request, known = request_of(facts), digest(facts)
    took = _best(lambda: [decide(request, facts, policy, facts_digest=known) for policy in policies])
    rules = sum(len(policy.rules) for policy in policies)
    print(
        f"\nboth shipped policies, {rules} rules, an ordinary request: {took:.1f} us (digest of the facts apart:",
        end="",
    )
    print(f" {_best(lambda: digest(facts)):.1f} us)")


if __name__ == "__main__":
    main()
