"""`kyc-gate policy schema`: what editors and authors complete from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from kyc_gate.cli.output import add_json, print_json
from kyc_gate.model.record import plain
from kyc_gate.policy.schema import cases_schema, policy_schema
from kyc_gate.policy.vocabulary import Fact, Type, vocabulary

_EXAMPLES = {
    Type.BOOLEAN: "{path}",
    Type.NUMBER: "{path} >= 10",
    Type.TEXT: '{path} == "{value}"',
    Type.COUNTRY: "{path} in groups.ai_authorization",
    Type.MOMENT: '{path} >= date("2026-11-10")',
    Type.TEXTS: '"{value}" in {path}',
    Type.COUNTRIES: "{path}.exists(each, each in groups.d5_or_macau)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument(
        "what", choices=("policy", "cases", "facts"), help="the kind of file, or the facts of conditions"
    )
    parser.add_argument("--markdown", action="store_true", help="print the facts as the page docs/facts.md")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print a JSON Schema, or the facts that conditions may name."""
    if options.what != "facts":
        print(json.dumps(policy_schema() if options.what == "policy" else cases_schema(), indent=2))
        return 0
    if options.markdown:
        print(facts_page(), end="")
        return 0
    for fact in vocabulary().values():
        if getattr(options, "json", False):
            print_json({**plain(fact), "example": example(fact)})
        else:
            print(f"{fact.path}: {_kind(fact)}: {fact.meaning}")
    return 0


def facts_page() -> str:
    """Return docs/facts.md: every fact with its type, its values, its meaning and how a condition asks for it."""
    return "\n".join(_page()) + "\n"


def example(fact: Fact) -> str:
    """Return a condition that asks for a fact."""
    value = fact.values[0] if fact.values else "SDN" if fact.path.startswith("screening.") else "text"
    asked = _EXAMPLES[fact.type].format(path=fact.path, value=value)
    return f"{fact.path} != null && {asked}" if fact.nullable else asked


def _page() -> Iterator[str]:
    yield "# Facts"
    yield ""
    yield "Every name that a condition may use, as `kyc-gate policy schema facts --markdown` prints it."
    yield "A condition that needs a fact which is unknown escalates; `fact == null` asks whether it is."
    yield "Besides these, `limits.*`, `options.*` and `groups.*` name what the policy and its data declare."
    room = ""
    for fact in vocabulary().values():
        own = fact.path.partition(".")[0]
        if own != room:
            room = own
            yield ""
            yield f"## {room}"
            yield ""
            yield "| fact | type | meaning | in a condition |"
            yield "|---|---|---|---|"
        cell = example(fact).replace("|", "\\|")
        yield f"| `{fact.path}` | {_kind(fact)} | {fact.meaning} | `{cell}` |"


def _kind(fact: Fact) -> str:
    """The type in words, with the values of a closed set."""
    kind = f"one of {', '.join(fact.values)}" if fact.values else str(fact.type)
    return f"{kind}, or unknown" if fact.nullable else kind
