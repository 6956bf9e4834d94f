"""`kyc-gate report`: drafts of reports, filled from the directory, the ledger and the audit record."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from kyc_gate.cli.output import UsageError, print_json
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import Accelerators, ProvisioningRequest
from kyc_gate.model.record import plain
from kyc_gate.ownership.control_groups import control_group
from kyc_gate.reports.page import render_training_report
from kyc_gate.reports.training_run import ReportedRun, TrainingReport, training_report
from kyc_gate.storage.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    training = steps.add_parser(
        "training-run", help="draft the training report of proposed 15 CFR 7.308(d)", allow_abbrev=False
    )
    training.add_argument("party", metavar="PARTY", help="the party's id in the directory")
    training.add_argument("--days", type=int, help="runs of this many days (default: `compute.window_days`)")
    training.add_argument(
        "--output", metavar="FILE", type=Path, help="write a page to print (.html) or the data (.json)"
    )
    add_config(training)


def run(options: argparse.Namespace) -> int:
    """Print or write the draft."""
    if options.output is not None and options.output.suffix not in (".html", ".json"):
        raise UsageError("`--output` takes a file that ends in .html or .json")
    report = asyncio.run(_report(options))
    if options.output is None:
        print_json(plain(report))
    elif options.output.suffix == ".json":
        options.output.write_text(json.dumps(plain(report), indent=2) + "\n", encoding="utf-8")
    else:
        options.output.write_text(render_training_report(report), encoding="utf-8")
    return 0


async def _report(options: argparse.Namespace) -> TrainingReport:
    async with opened_store(options.config) as (configuration, store):
        now = datetime.now(UTC)
        since = now - timedelta(days=options.days or configuration.compute.window_days)
        parties = {party.id: party for party in await store.fetch_parties()}
        party = parties.get(options.party)
        if party is None:
            raise InputError(f"there is no party `{options.party}` on file; `kyc-gate parties list` shows them")
        group = control_group(party, parties)
        return training_report(
            party,
            await _runs(store, party.id, since),
            await store.fetch_usage(group, since, now),
            control_group=group,
            as_of=now,
        )


async def _runs(store: Store, party_id: str, since: datetime) -> list[ReportedRun]:
    """Return the runs of the party on record that may train, dry runs aside."""
    runs = []
    async for record in store.records():
        facts = record.get("facts")
        customer = facts.get("customer") if isinstance(facts, dict) else None
        if record.get("type") != "decision" or not isinstance(customer, dict) or customer.get("id") != party_id:
            continue
        found = _run(record)
        if found is not None and found.at >= since:
            runs.append(found)
    return runs


class _Recorded(msgspec.Struct):
    """The parts of a decision's record that a report tells; what other releases wrote beside them is left alone."""

    decision_id: str
    at: datetime
    acted: str
    request: dict[str, object]
    facts: dict[str, object]
    decision: dict[str, object]


def _run(record: dict[str, object]) -> ReportedRun | None:
    recorded = msgspec.convert(record, _Recorded)
    request = msgspec.convert(recorded.request, ProvisioningRequest)
    facts = msgspec.convert(recorded.facts, Facts)
    if not facts.workload.may_train or request.dry_run:
        return None
    ends = None if request.duration_seconds is None else recorded.at + timedelta(seconds=request.duration_seconds)
    return ReportedRun(
        decision_id=recorded.decision_id,
        at=recorded.at,
        outcome=str(recorded.decision["outcome"]),
        acted=recorded.acted,
        account=f"{request.provider}:{request.caller.account or ''}",
        operation=request.operation,
        workload=request.workload.value,
        machines=tuple(_machines(line) for line in request.lines),
        region=request.region,
        starts_at=recorded.at,
        ends_at=ends,
        likely=facts.operations.likely,
        high=facts.operations.high,
        declared=facts.operations.declared,
    )


def _machines(line: Accelerators) -> str:
    return f"{line.count * line.multiplier} x {line.instance_type or line.model}"
