"""`kyc-gate policy explain`: why a decision is what it is, and what would change it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kyc_gate.cli.decide import World, add_world, facts_of, world_of
from kyc_gate.cli.lines import Row, answer_lines, input_of, numbered_rows
from kyc_gate.cli.output import UsageError, add_json, complain, print_json, printable
from kyc_gate.cli.request_input import read_line
from kyc_gate.cli.state import opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import plain
from kyc_gate.policy.read import Policy
from kyc_gate.service.policy_source import policies_of
from kyc_gate.tuning.explanation import Explanation, explain
from kyc_gate.tuning.told import explanation_lines, render_explanation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("decision", metavar="DECISION", nargs="?", help="the id of a decision on record")
    parser.add_argument("--config", metavar="FILE", help="the configuration whose store holds the decision")
    parser.add_argument(
        "--policy",
        metavar="DIR",
        action="append",
        help="explain the lines of `--input` under this policy; give it once for each, in order",
    )
    add_world(parser)
    parser.add_argument("--all", action="store_true", help="show rules that found nothing, too")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page instead")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Explain a decision on record, or each line of a file."""
    if options.decision is not None:
        if options.config is None:
            raise UsageError("a decision on record needs `--config FILE`")
        return _on_record(options)
    if options.policy is None:
        raise UsageError("give a decision's id with `--config`, or `--policy DIR` with `--input FILE`")
    world = world_of(options)
    explained = _Lines(options, world)
    if options.json:
        return answer_lines(input_of(options), lambda row: {"id": row.get("id"), **plain(explained.of(row))})
    refused = 0
    for number, read in numbered_rows(input_of(options)):
        try:
            row = read()
            _show(explained.of(row), f"Line {number}: {row.get('id') or ''}".rstrip(": "), options)
        except InputError as error:
            refused += 1
            complain(f"line {number}: {error}")
    return 1 if refused else 0


class _Lines:
    """Lines of input, as `decide` reads them, explained."""

    def __init__(self, options: argparse.Namespace, world: World) -> None:
        if options.html and options.json:
            raise UsageError("give `--json` or `--html`, not both")
        self._world = world

    def of(self, row: Row) -> Explanation:
        """Return the explanation of one line. Raises `InputError`."""
        return explain(facts_of(read_line(row), self._world), self._world.policies)


def _on_record(options: argparse.Namespace) -> int:
    explanation = asyncio.run(_recorded(options))
    if options.json:
        print_json({"id": options.decision, **plain(explanation)})
    else:
        _show(explanation, f"Decision {options.decision}", options)
    return 0


async def _recorded(options: argparse.Namespace) -> Explanation:
    """Return the explanation of a decision on record under the policies of the configuration as they are now."""
    async with opened_store(options.config) as (configuration, store):
        record = await store.fetch_decision(options.decision)
        policies = policies_of(configuration)
    if record is None:
        raise InputError(f"there is no decision `{options.decision}` on record")
    try:
        facts = msgspec.convert(record["facts"], Facts)
    except msgspec.ValidationError as error:
        raise InputError(f"the facts on record are of another release: {error}") from error
    _say_if_changed(record, policies)
    return explain(facts, policies)


def _say_if_changed(record: Row, policies: Sequence[Policy]) -> None:
    """Tell on standard error when the policies are not those that decided."""
    then = {policy["digest"] for policy in record["decision"]["policies"]}
    if then != {policy.reference.digest for policy in policies}:
        complain("the policies have changed since this decision; it is explained under the policies of today")


def _show(explanation: Explanation, title: str, options: argparse.Namespace) -> None:
    if options.html:
        options.html.write_text(render_explanation(explanation, title), encoding="utf-8")
        return
    print(printable(title))
    for line in explanation_lines(explanation, everything=options.all):
        print(printable(line))
    print()
