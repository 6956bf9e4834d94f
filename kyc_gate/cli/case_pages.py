"""Cases, clearances and grants as `kyc-gate cases` prints them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal

from kyc_gate.cli.output import print_json, print_table, printable
from kyc_gate.model.case import Case, Grant
from kyc_gate.model.case_steps import Moved
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.record import plain
from kyc_gate.service.casework import CaseFile


def print_cases(cases: Sequence[Case], *, as_json: bool) -> None:
    """Print a table of cases, or a line of JSON each."""
    if as_json:
        for case in cases:
            print_json(plain(case))
        return
    header = ("case", "version", "state", "severity", "due (UTC)", "assignee", "account", "operation", "operations")
    print_table((*header, "rules"), [_row(case) for case in cases])


def _row(case: Case) -> tuple[str, ...]:
    due = case.due_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return (
        case.id,
        str(case.version),
        case.state.value,
        case.severity,
        f"{due}{' overdue' if case.overdue else ''}",
        case.assignee or "",
        case.account,
        case.operation,
        f"{Decimal(case.likely):.1e}",
        ", ".join(case.rules),
    )


def print_file(file: CaseFile, decisions: Sequence[dict[str, object] | None], *, as_json: bool) -> None:
    """Print a case with all that belongs to it, and the findings of its decisions."""
    document = plain(file)
    case = document.pop("case")
    if as_json:
        print_json({**case, **document, "decisions": decisions})
        return
    for name, value in case.items():
        print(f"{name:<14} {printable(_cell(value))}")
    for line in _requests(file):
        print(printable(line))
    for event in file.events:
        at = event.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        print(printable(f"  {at}  {event.step} by {event.by}{f': {event.note}' if event.note else ''}"))
    for questionnaire in file.questionnaires:
        for name, answer in questionnaire.answers.items():
            print(printable(f"  answer    {name}: {answer}"))
    for decision in decisions:
        for line in _explained(decision):
            print(printable(line))


def print_read(file: CaseFile, *, as_json: bool) -> None:
    """Print what a person is about to decide on: beside JSON on standard error, so that the answer stays one line."""
    case, proposal = file.case, file.case.proposal
    lines = [f"{case.id}, version {case.version}: {case.outcome}, {case.severity}, {', '.join(case.rules)}"]
    lines += _requests(file)
    if proposal is not None:
        run = " for the run" if proposal.run else ""
        budget = "each ceiling" if proposal.budget is None else f"{Decimal(proposal.budget):.2e} operations"
        what = f"{proposal.step}, {proposal.disposition}{run}, {budget}, uses {proposal.uses}"
        cleared = "".join(f", clears {pair.list}/{pair.entry_id}" for pair in proposal.clear)
        lines.append(f"  proposed  by {proposal.by}: {what}{cleared}: {proposal.note}")
    for line in lines:
        print(printable(line), file=sys.stderr if as_json else sys.stdout)


def _requests(file: CaseFile) -> list[str]:
    shown = "  request   {0.operation} of {0.account}, up to {1:.2e} operations: {2}"
    return [shown.format(each, Decimal(each.high), ", ".join(each.rules)) for each in file.requests]


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _explained(entry: dict[str, object] | None) -> list[str]:
    """Return the findings of a decision's record, a line each."""
    resemblance = (entry or {}).get("resemblance")
    if isinstance(resemblance, dict):
        shown = "  {outcome:<9} `{queried}` resembles `{listed}` ({list} {entry_id}), {score:.3f}: {explanation}"
        return [shown.format_map(resemblance)]
    decision = (entry or {}).get("decision")
    if not isinstance(decision, dict):
        return []
    return [
        f"  {finding['outcome']:<9} {finding['rule']}: {finding['reason']} [{', '.join(finding['cites'])}]"
        for finding in decision["findings"]
    ]


def print_moved(moved: Moved, *, as_json: bool) -> None:
    """Print what an approval gave: a line for each grant and clearance; in JSON the first grant's fields too."""
    if as_json:
        first = plain(moved.grants[0]) if moved.grants else {}
        print_json({**first, **plain(moved)})
        return
    case = moved.case
    if not case.waiting:
        print(f"approved {case.id}: the resemblances are settled until the party or the entries change")
        print("no request waited for it and none is granted; each is screened and decided as before")
    for grant in moved.grants if case.waiting else ():
        print(f"approved {case.id}: {_granted(grant)}")
    for clearance in moved.clearances:
        print(printable(f"cleared {_pair(clearance)} until {clearance.expires_at:%Y-%m-%d}: {clearance.id}"))
    if case.waiting:
        print("the customer may now send the same request again")


def _granted(grant: Grant) -> str:
    until = grant.expires_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    uses = "one use" if grant.uses_left == 1 else f"{grant.uses_left} uses"
    run = f" of the run `{grant.run}`" if grant.run else ""
    return f"grant {grant.id} for {Decimal(grant.budget):.2e} operations{run}, {uses}, until {until}"


def print_clearances(clearances: Sequence[Clearance], *, as_json: bool) -> None:
    """Print clearances, those that expire first in front."""
    if as_json:
        for each in clearances:
            print_json(plain(each))
        return
    header = ("clearance", "expires", "party", "entry", "proposed by", "approved by", "reason")
    rows = [
        (
            each.id,
            f"{each.expires_at:%Y-%m-%d}",
            each.pair.party_id,
            f"{each.pair.list}/{each.pair.entry_id}",
            each.proposed_by,
            each.approved_by,
            each.reason,
        )
        for each in clearances
    ]
    print_table(header, rows)


def _pair(clearance: Clearance) -> str:
    pair = clearance.pair
    return f"`{pair.queried}` and `{pair.listed}` ({pair.list} {pair.entry_id})"
