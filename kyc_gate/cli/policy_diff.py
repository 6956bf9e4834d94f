"""`kyc-gate policy diff`: how two policies differ, in words and by what they decide."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kyc_gate.cli.output import UsageError, add_json, print_json, printable
from kyc_gate.cli.policies import policy_folder
from kyc_gate.model.record import plain
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy
from kyc_gate.tuning.difference import Difference, Example, difference
from kyc_gate.tuning.told import value_told

if TYPE_CHECKING:
    from kyc_gate.tuning.proof import Proof

LENIENT, NOT_PROVEN = 4, 5
"""Exit statuses: more lenient somewhere; neither found nor proved."""

MOST_SECONDS = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("old", metavar="OLD", help="a policy's folder, or the name of a shipped one")
    parser.add_argument("new", metavar="NEW", help="the policy that would take its place")
    parser.add_argument(
        "--prove",
        action="store_true",
        help="prove that NEW is nowhere more lenient, or show where it is (extra `prove`)",
    )
    parser.add_argument(
        "--seconds", metavar="N", type=float, default=10.0, help="time for one question of a proof (default: 10)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print how the policies differ.

    The status is 0, 3 (only stricter), 4 (more lenient somewhere), or with `--prove` 5 (not proved either way).
    """
    old, new = read_policy(policy_folder(options.old)), read_policy(policy_folder(options.new))
    found = difference(old, new, ordinary_facts())
    proof = _proof(old, new, options.seconds) if options.prove else None
    status = _status(found, proof)
    if options.json:
        proved = {} if proof is None else {"proof": {**plain(proof), "proven": proof.proven}}
        print_json({**plain(found), **proved, "status": status})
        return status
    for line in difference_lines(found):
        print(printable(line))
    for line in _proof_lines(proof) if proof is not None else ():
        print(printable(line))
    return status


def _proof(old: Policy, new: Policy, seconds: float) -> Proof:
    if not 0 < seconds <= MOST_SECONDS:
        raise UsageError(f"`--seconds` must be above 0 and at most {MOST_SECONDS}")
    try:
        from kyc_gate.tuning.proof import prove
    except ImportError as error:
        raise UsageError("`--prove` needs the solver z3; install `kyc-gate[prove]`") from error
    return prove(old, new, ordinary_facts(), seconds=seconds)


def _status(found: Difference, proof: Proof | None) -> int:
    if proof is None or found.status == LENIENT:
        return found.status
    if proof.examples:
        return LENIENT
    return found.status if proof.proven else NOT_PROVEN


def _proof_lines(proof: Proof) -> Iterable[str]:
    if proof.examples:
        yield "REFUTED: the new policy is more lenient, for example"
        yield from (f"  {_told(example)}" for example in proof.examples)
    yield from (f"NOT PROVEN: {why}" for why in proof.open)
    if proof.proven:
        yield f"proven: nowhere more lenient, over all facts and days ({proof.questions} questions)"


def difference_lines(found: Difference) -> Iterable[str]:
    """Return the difference line by line, what is more lenient first."""
    for word in found.words:
        yield str(word)
    for title, lenient in (("more lenient, whatever the facts", True), ("stricter, whatever the facts", False)):
        if shaped := [each for each in found.shaped if each.lenient is lenient]:
            yield ""
            yield title
            yield from (f"  {each}" for each in shaped)
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
    return f"{example.turn} ({', '.join(behind)}) on {example.as_of:%Y-%m-%d}{granted}: {set_to}"
