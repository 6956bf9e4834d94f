"""`kyc-gate policy diff`: how two policies differ, in words and by what they decide."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from kyc_gate.cli.output import add_json, print_json, printable
from kyc_gate.cli.policies import policy_folder
from kyc_gate.model.record import plain
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.policy.read import read_policy
from kyc_gate.tuning.difference import Difference, Example, difference
from kyc_gate.tuning.told import value_told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("old", metavar="OLD", help="a policy's folder, or the name of a shipped one")
    parser.add_argument("new", metavar="NEW", help="the policy that would take its place")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print how the policies differ; the status is 0, 3 (only stricter) or 4 (more lenient somewhere)."""
    found = difference(
        read_policy(policy_folder(options.old)), read_policy(policy_folder(options.new)), ordinary_facts()
    )
    if options.json:
        print_json({**plain(found), "status": found.status})
    else:
        for line in difference_lines(found):
            print(printable(line))
    return found.status


def difference_lines(found: Difference) -> Iterable[str]:
    """Return the difference line by line, what is more lenient first."""
    for word in found.words:
        yield str(word)
    for title, examples in (("more lenient", found.lenient), ("stricter", found.stricter)):
        if examples:
            yield ""
            yield f"{title}, for example"
            yield from (f"  {_told(example)}" for example in examples)
    yield ""
    asked = f"{found.drawn:,} combinations of facts asked{'' if found.exhaustive else ', some drawn at random'}"
    yield {0: f"the same decisions: {asked}", 3: f"only stricter: {asked}", 4: f"MORE LENIENT: {asked}"}[found.status]


def _told(example: Example) -> str:
    set_to = ", ".join(f"{path} = {value_told(value)}" for path, value in example.facts) or "an ordinary request"
    behind = example.old_rules if example.lenient else example.new_rules
    granted = ", approved by a reviewer" if example.granted else ""
    return f"{example.old} -> {example.new} ({', '.join(behind)}) on {example.as_of:%Y-%m-%d}{granted}: {set_to}"
