"""`kyc-gate cases`: the requests that wait for a person, and what the person says."""

from __future__ import annotations

import argparse
import asyncio
import getpass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from kyc_gate.cli.output import UsageError, add_json, print_json, print_table, printable
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.case import Case, CaseState, Grant
from kyc_gate.model.record import plain
from kyc_gate.storage.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    listing = steps.add_parser("list", help="list cases, most urgent first", allow_abbrev=False)
    listing.add_argument("--state", choices=[*(state.value for state in CaseState), "all"], default="open")
    listing.add_argument("--limit", type=int, default=100, help="at most so many (default: %(default)s)")
    show = steps.add_parser("show", help="show a case and the decisions that joined it", allow_abbrev=False)
    approve = steps.add_parser("approve", help="approve a case: one grant for the same request", allow_abbrev=False)
    reject = steps.add_parser("reject", help="reject a case", allow_abbrev=False)
    approve.add_argument("--expires-hours", type=_hours, help="the grant's life (default: `cases.grant_hours`)")
    approve.add_argument(
        "--budget",
        metavar="OPERATIONS",
        type=_operations,
        help="operations granted, such as 2e25 (default: the ceiling)",
    )
    for step in (show, approve, reject):
        step.add_argument("case", metavar="CASE", help="the case's id")
    for step in (approve, reject):
        step.add_argument("--reviewer", help="who decides (default: the login name)")
        step.add_argument("--note", required=True, help="why; kept in the audit record")
    for step in (listing, show, approve, reject):
        add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    asyncio.run(_STEPS[options.step](options))
    return 0


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= 24 * 366:
        raise argparse.ArgumentTypeError(f"`{text}` is not from above 0 to 8784 hours")
    return hours


def _operations(text: str) -> int:
    try:
        operations = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number; write it like 2e25") from None
    if not operations.is_finite() or operations <= 0 or operations.adjusted() > 40:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of operations above 0")
    return int(operations)


async def _list(options: argparse.Namespace) -> None:
    async with opened_store(options.config) as (_, store):
        cases = await store.fetch_cases(state=None if options.state == "all" else options.state, limit=options.limit)
    cases = tuple(sorted(cases, key=lambda case: case.due_at))
    if options.json:
        for case in cases:
            print_json(plain(case))
        return
    header = ("case", "state", "severity", "due (UTC)", "account", "operation", "operations", "rules")
    print_table(header, [_row(case) for case in cases])


def _row(case: Case) -> tuple[str, ...]:
    due = case.due_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return (
        case.id,
        case.state.value,
        case.severity,
        due,
        case.account,
        case.operation,
        f"{Decimal(case.likely):.1e}",
        ", ".join(case.rules),
    )


async def _show(options: argparse.Namespace) -> None:
    async with opened_store(options.config) as (_, store):
        case = await fetched_case(store, options.case)
        decisions = [await store.fetch_decision(each) for each in case.decision_ids]
    if options.json:
        print_json({**plain(case), "decisions": decisions})
        return
    for name, value in plain(case).items():
        print(f"{name:<14} {printable(_cell(value))}")
    for decision in decisions:
        for line in _explained(decision):
            print(printable(line))


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


async def _approve(options: argparse.Namespace) -> None:
    async with opened_store(options.config) as (configuration, store):
        grant = await approve_case(
            store,
            options.case,
            reviewer=options.reviewer or login_name(),
            note=options.note,
            hours=options.expires_hours or configuration.cases.grant_hours,
            budget=options.budget,
        )
    if options.json:
        print_json(plain(grant))
        return
    if not grant.uses_left:
        print(f"approved {grant.case_id}: the resemblances are settled until the party or the entries change")
        print("no request waited for it and none is granted; each is screened and decided as before")
        return
    until = grant.expires_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(
        f"approved {grant.case_id}: grant {grant.id} for {Decimal(grant.budget):.2e} operations, one use, until {until}"
    )
    print("the customer may now send the same request again")


async def approve_case(
    store: Store, case_id: str, *, reviewer: str, note: str, hours: float, budget: int | None = None
) -> Grant:
    """Approve the case now and return its grant. The one way in, for people and for the demo. Raises `CaseError`."""
    await fetched_case(store, case_id)
    now = datetime.now(UTC)
    return await store.approve_case(
        case_id, reviewer=reviewer, note=note, at=now, expires_at=now + timedelta(hours=hours), budget=budget
    )


async def _reject(options: argparse.Namespace) -> None:
    async with opened_store(options.config) as (_, store):
        await fetched_case(store, options.case)
        case = await store.reject_case(
            options.case, reviewer=options.reviewer or login_name(), note=options.note, at=datetime.now(UTC)
        )
    if options.json:
        print_json(plain(case))
        return
    print(f"rejected {case.id}")


async def fetched_case(store: Store, case_id: str) -> Case:
    """Return the case. Raises `InputError` when there is none of that id."""
    case = await store.fetch_case(case_id)
    if case is None:
        raise InputError(f"there is no case `{case_id}`; `kyc-gate cases list` shows the open ones")
    return case


def login_name() -> str:
    """Return the name that the operating system knows the caller by. Raises `UsageError` when it knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise UsageError("say who decides with `--reviewer`") from None


_STEPS = {"list": _list, "show": _show, "approve": _approve, "reject": _reject}
