"""`kyc-gate cases`: the requests that wait for a person, and what the person says."""

from __future__ import annotations

import argparse
import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from kyc_gate.cli.case_pages import print_cases, print_clearances, print_file, print_moved, print_read
from kyc_gate.cli.output import UsageError, add_json, print_json, printable
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.access import Actor, local_actor
from kyc_gate.model.case import SEVERITIES, Case, CaseState, Disposition
from kyc_gate.model.case_steps import Moved, Step
from kyc_gate.model.record import plain
from kyc_gate.service.casework import Casework
from kyc_gate.service.config import Configuration
from kyc_gate.service.settings import settings_of
from kyc_gate.storage.store import CaseQuery, Store

_ABOUT = {
    "list": "list cases, most urgent first",
    "show": "show a case: its requests, history, and the decisions that joined it",
    "next": "take the most urgent case that nobody has",
    "take": "take a case",
    "assign": "assign a case to somebody",
    "put-back": "give a case back to the queue",
    "note": "add a note to a case",
    "attach": "keep a file with a case",
    "link": "add a link to evidence",
    "ask": "make a link under which the customer answers the questionnaire",
    "propose": "propose to approve or to reject a case; another person decides",
    "withdraw": "take a proposal back",
    "approve": "approve a case, or what was proposed for it: a grant for each request",
    "reject": "reject a case",
    "revoke": "take back what is left of a grant",
    "clearances": "list the clearances that stand, or those about to expire",
    "end-clearance": "end a clearance: the pair counts again",
}
_OF_A_CASE = tuple(name for name in _ABOUT if name not in ("list", "next", "revoke", "clearances", "end-clearance"))
_NOTED = ("put-back", "note", "attach", "link", "ask", "propose", "withdraw", "approve", "reject", "assign")
_WHY = ("note", "propose", "approve", "reject", "revoke", "end-clearance")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    of = {name: steps.add_parser(name, help=about, allow_abbrev=False) for name, about in _ABOUT.items()}
    for name in _OF_A_CASE:
        of[name].add_argument("case", metavar="CASE", help="the case's id")
    of["list"].add_argument("--state", choices=["waiting", *CaseState, "all"], default="waiting")
    of["list"].add_argument("--severity", choices=SEVERITIES)
    of["list"].add_argument("--assignee", metavar="NAME", help="only what this person has")
    of["list"].add_argument("--overdue", action="store_true", help="only what is overdue")
    of["list"].add_argument(
        "--search", metavar="TEXT", help="how words of an id, account, party, operation or rule begin"
    )
    of["list"].add_argument("--limit", type=int, default=100, help="at most so many (default: %(default)s)")
    of["assign"].add_argument("assignee", metavar="NAME", help="who sees to it")
    of["attach"].add_argument("file", metavar="FILE", help="the file to keep")
    of["link"].add_argument("url", metavar="URL", help="an https address")
    of["propose"].add_argument("decision", choices=[Step.APPROVE, Step.REJECT])
    of["propose"].add_argument(
        "--clear", metavar="LIST/ENTRY", action="append", default=[], help="clear this resemblance; may be repeated"
    )
    of["propose"].add_argument("--clear-days", metavar="DAYS", type=int, help="the clearance's life (default: 180)")
    for name in ("propose", "approve"):
        _add_grant(of[name])
    for name in ("propose", "approve", "reject"):
        of[name].add_argument("--disposition", choices=list(Disposition), help="what you concluded")
        of[name].add_argument(
            "--version",
            metavar="N",
            type=int,
            help="the case's version as you read it; where it changed, nothing is done",
        )
    of["reject"].add_argument("--duplicate-of", metavar="CASE", help="the case that this one repeats")
    of["revoke"].add_argument("grant", metavar="GRANT", help="the grant's id")
    of["clearances"].add_argument("--within-days", metavar="DAYS", type=float, help="only those that expire by then")
    of["end-clearance"].add_argument("clearance", metavar="CLEARANCE", help="the clearance's id")
    for name, step in of.items():
        if name not in ("list", "show", "clearances"):
            step.add_argument("--reviewer", help="who takes the step (default: the login name)")
        if name in {*_NOTED, *_WHY}:
            step.add_argument("--note", required=name in _WHY, default="", help="why; kept in the audit record")
        add_config(step)
        add_json(step)


def _add_grant(step: argparse.ArgumentParser) -> None:
    step.add_argument("--expires-hours", type=_hours, help="the grant's life (default: `cases.grant_hours`)")
    step.add_argument("--uses", type=int, default=1, help="how often it may be used (default: once)")
    step.add_argument("--run", action="store_true", help="one grant for the run (the model) that the requests name")
    step.add_argument(
        "--budget",
        metavar="OPERATIONS",
        type=_operations,
        help="operations granted in all, such as 2e25 (default: the ceiling of each use)",
    )


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    asyncio.run(_done(options))
    return 0


async def _done(options: argparse.Namespace) -> None:
    async with opened_store(options.config) as (configuration, store):
        work = Casework(store, settings_of(configuration))
        actor = _actor(options)
        if hasattr(options, "case"):
            await fetched_case(store, options.case)
        if options.step in _READS:
            await _READS[options.step](options, work, actor, store)
            return
        if options.step == "propose" and options.clear:
            await _propose_clearance(options, actor)
            return
        await _STEPS[options.step](options, work, actor, configuration)


def _actor(options: argparse.Namespace) -> Actor:
    """Return the person who takes the step. Who runs commands over the store can read and write all of it."""
    return local_actor(getattr(options, "reviewer", None) or login_name())


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


# What only reads


async def _list(options: argparse.Namespace, work: Casework, actor: Actor, _: Store) -> None:
    query = CaseQuery(
        state=None if options.state == "all" else options.state,
        severity=options.severity,
        assignee=options.assignee,
        overdue=options.overdue,
        text=options.search,
        order="urgency",
        limit=options.limit,
    )
    print_cases(await work.list(actor, query), as_json=options.json)


async def _show(options: argparse.Namespace, work: Casework, actor: Actor, store: Store) -> None:
    file = await work.show(actor, options.case)
    if file is not None:
        decisions = [await store.fetch_decision(each) for each in file.case.decision_ids]
        print_file(file, decisions, as_json=options.json)


async def _clearances(options: argparse.Namespace, work: Casework, actor: Actor, _: Store) -> None:
    print_clearances(await work.clearances(actor, within_days=options.within_days), as_json=options.json)


_READS: dict[str, Callable[[argparse.Namespace, Casework, Actor, Store], Awaitable[None]]] = {
    "list": _list,
    "show": _show,
    "clearances": _clearances,
}

# Steps


async def _next(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    case = await work.take_next(actor)
    if case is None:
        print_json({}) if options.json else print("nobody waits")
        return
    _told(options, case, f"{case.id} is yours: {case.severity}, {', '.join(case.rules)}")


async def _take(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    _told(options, await work.take(actor, options.case), f"{options.case} is yours")


async def _assign(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    case = await work.assign(actor, options.case, options.assignee, note=options.note)
    _told(options, case, f"{case.id} is assigned to {case.assignee}")


async def _put_back(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    _told(options, await work.put_back(actor, options.case, note=options.note), f"{options.case} waits for somebody")


async def _note(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    _told(options, await work.note(actor, options.case, options.note), f"noted in {options.case}")


async def _attach(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    content = _read(Path(options.file))
    digest = await work.attach(actor, options.case, Path(options.file).name, content, note=options.note)
    told = {"case": options.case, "sha256": digest, "bytes": len(content)}
    print_json(told) if options.json else print(f"kept with {options.case}: sha256 {digest}")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read `{file}`: {error.strerror or error}") from error


async def _link(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    case = await work.link(actor, options.case, options.url, note=options.note)
    _told(options, case, f"linked from {options.case}")


async def _ask(options: argparse.Namespace, work: Casework, actor: Actor, configuration: Configuration) -> None:
    sent = await work.ask(actor, options.case, note=options.note)
    url = f"{(configuration.cases.public_url or '').rstrip('/')}{sent.path}"
    if options.json:
        print_json({"case": sent.case.id, "url": url, "expires_at": sent.questionnaire.expires_at})
        return
    print(f"send this link to the customer; it is shown once and good until {sent.questionnaire.expires_at:%Y-%m-%d}:")
    print(url)


async def _propose(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    case = await work.propose(
        actor,
        options.case,
        Step(options.decision),
        note=options.note,
        seen=await _seen(options, work, actor),
        disposition=_disposition(options),
        budget=options.budget,
        uses=options.uses,
        run=options.run,
        grant_hours=options.expires_hours,
    )
    _told(options, case, f"proposed to {options.decision} {case.id}; another person decides")


async def _propose_clearance(options: argparse.Namespace, actor: Actor) -> None:
    """Propose an approval with clearances: what the party resembles is found with the lists, as the gate does."""
    from kyc_gate.service.gate import Gate  # with the lists and all that reads them

    async with Gate.from_config(options.config) as gate:
        case = await gate.casework.propose(
            actor,
            options.case,
            Step(options.decision),
            note=options.note,
            seen=await _seen(options, gate.casework, actor),
            disposition=_disposition(options) or Disposition.FALSE_POSITIVE,
            budget=options.budget,
            uses=options.uses,
            run=options.run,
            grant_hours=options.expires_hours,
            clear=await gate.pairs(options.case, options.clear),
            clear_days=options.clear_days,
        )
    cleared = len(case.proposal.clear) if case.proposal else 0
    _told(options, case, f"proposed to {options.decision} {case.id} and to clear {cleared}; another person decides")


async def _withdraw(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    _told(options, await work.withdraw(actor, options.case, note=options.note), f"withdrawn for {options.case}")


async def _approve(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    moved = await work.approve(
        actor,
        options.case,
        note=options.note,
        seen=await _seen(options, work, actor),
        disposition=_disposition(options),
        budget=options.budget,
        uses=options.uses,
        run=options.run,
        grant_hours=options.expires_hours,
    )
    print_moved(moved, as_json=options.json)


async def _reject(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    case = await work.reject(
        actor,
        options.case,
        note=options.note,
        disposition=_disposition(options),
        duplicate_of=options.duplicate_of,
        seen=options.version,
    )
    _told(options, case, f"rejected {case.id}")


async def _revoke(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    grant = await work.revoke(actor, options.grant, note=options.note)
    print_json(plain(grant)) if options.json else print(f"revoked {grant.id}")


async def _end_clearance(options: argparse.Namespace, work: Casework, actor: Actor, _: Configuration) -> None:
    ended = await work.end_clearance(actor, options.clearance, note=options.note)
    print_json(plain(ended)) if options.json else print(f"ended {ended.id}: the pair counts again")


_STEPS: dict[str, Callable[[argparse.Namespace, Casework, Actor, Configuration], Awaitable[None]]] = {
    "next": _next,
    "take": _take,
    "assign": _assign,
    "put-back": _put_back,
    "note": _note,
    "attach": _attach,
    "link": _link,
    "ask": _ask,
    "propose": _propose,
    "withdraw": _withdraw,
    "approve": _approve,
    "reject": _reject,
    "revoke": _revoke,
    "end-clearance": _end_clearance,
}


def _told(options: argparse.Namespace, case: Case, line: str) -> None:
    print_json(plain(case)) if options.json else print(printable(line))


async def _seen(options: argparse.Namespace, work: Casework, actor: Actor) -> int | None:
    """Return the version that the person read: the one they name, or else that of the case as it is printed now."""
    if options.version is not None:
        return int(options.version)
    file = await work.show(actor, options.case)
    if file is None:
        return None
    if file.case.undecided:
        print_read(file, as_json=options.json)
    return file.case.version


def _disposition(options: argparse.Namespace) -> Disposition | None:
    return Disposition(options.disposition) if options.disposition else None


async def approve_case(store: Store, case_id: str, *, reviewer: str, note: str, hours: float) -> Moved:
    """Approve the case now, for whoever works over the store. Raises `CaseError`, `InputError`."""
    seen = (await fetched_case(store, case_id)).version
    work = Casework(store, now=lambda: datetime.now(UTC))
    return await work.approve(local_actor(reviewer), case_id, note=note, seen=seen, grant_hours=hours)


async def fetched_case(store: Store, case_id: str) -> Case:
    """Return the case. Raises `InputError` when there is none of that id."""
    case = await store.fetch_case(case_id)
    if case is None:
        raise InputError(f"there is no case `{case_id}`; `kyc-gate cases list` shows those that wait")
    return case


def login_name() -> str:
    """Return the name that the operating system knows the caller by. Raises `UsageError` when it knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise UsageError("say who decides with `--reviewer`") from None
