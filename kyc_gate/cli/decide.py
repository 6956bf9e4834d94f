"""`kyc-gate decide`: requests from a file under policies, with the same facts and rules as the gate, and no store."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from kyc_gate.cli.lines import Row, add_input, answer_lines, input_of
from kyc_gate.cli.lists import add_lists, read_lists
from kyc_gate.cli.output import UsageError, complain
from kyc_gate.cli.policies import policy_folder
from kyc_gate.cli.request_input import Asked, read_line, usage_after
from kyc_gate.compute.registry import Models
from kyc_gate.errors import InputError, StorageFault
from kyc_gate.model.decision import Finding
from kyc_gate.model.facts import Facts
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.match import Screening, ScreeningOutcome
from kyc_gate.model.party import Party
from kyc_gate.model.record import Record
from kyc_gate.ownership.register import Register
from kyc_gate.places.ip_countries import IPCountries
from kyc_gate.policy.composition import check_composition
from kyc_gate.policy.read import Policy, read_policy
from kyc_gate.policy.shaping import horizon_days, lineage_lines
from kyc_gate.screening.screener import Screener
from kyc_gate.service.gather import UNKNOWN_PARTY, ListStanding, Standing, estimate_of, gather, standing_of
from kyc_gate.service.ip_file import read_ip_countries
from kyc_gate.service.lineage_facts import with_models
from kyc_gate.service.model_file import read_models
from kyc_gate.service.runs import decided
from kyc_gate.service.settings import Settings
from kyc_gate.storage.gleif import GleifRegister

MAX_AGE_HOURS = Settings().max_age_hours


class World(Record):
    """What every line is decided with."""

    policies: tuple[Policy, ...]
    screener: Screener | None
    lists: ListStanding
    as_of: datetime
    utilisation: Decimal
    models: Models
    ip_countries: IPCountries | None = None
    register: Register | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--policy",
        metavar="DIR",
        required=True,
        action="append",
        help="a policy's folder, or the name of a shipped one; give it once for each policy, in order",
    )
    add_world(parser)
    parser.add_argument("--all", action="store_true", help="show findings of rules that are not enforced too")


def add_world(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `world_of` reads, apart from `--policy`."""
    parser.add_argument("--models", metavar="FILE", help="models on file, which a lineage may name, one a line")
    add_input(parser, '{"id", "request": {...}, "party": {...}, "usage"?: {...}}')
    add_lists(parser)
    parser.add_argument(
        "--ip-countries", metavar="FILE", help="a CSV file of IP ranges, `first,last,country` or `network,country`"
    )
    parser.add_argument(
        "--register",
        metavar="FILE",
        help="the LEI register that `owners pull` built: parties take headquarters and parents from it",
    )
    parser.add_argument("--as-of", metavar="DATE", help="decide as on this date or moment, ISO 8601 (default: now)")
    parser.add_argument(
        "--max-list-age-hours",
        metavar="HOURS",
        type=float,
        default=MAX_AGE_HOURS,
        help="lists older than this are stale (default: %(default)s)",
    )
    parser.add_argument(
        "--utilisation",
        metavar="SHARE",
        type=Decimal,
        default=Settings().utilisation,
        help="share of peak that the likely figure assumes (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the decision on each input line."""
    source = input_of(options)
    world = world_of(options)
    return answer_lines(source, lambda row: _answer(read_line(row), world, everything=options.all))


def world_of(options: argparse.Namespace) -> World:
    """Return what every line is decided with, as the arguments of `decide` say."""
    as_of = moment(options.as_of)
    snapshot = read_lists(options.lists)
    policies = tuple(read_policy(policy_folder(name)) for name in options.policy)
    check_composition(policies)
    return World(
        policies=policies,
        screener=_screener(snapshot, policies) if snapshot else None,
        lists=_lists(snapshot, as_of, options.max_list_age_hours),
        as_of=as_of,
        utilisation=options.utilisation,
        models=read_models([Path(options.models)] if options.models else []),
        ip_countries=read_ip_countries(Path(options.ip_countries)) if options.ip_countries else None,
        register=_register(options.register),
    )


def _register(file: str | None) -> GleifRegister | None:
    """Return the LEI register in a file. Raises `InputError` where it is none."""
    try:
        return GleifRegister(file) if file else None
    except StorageFault as error:
        raise InputError(f"`--register`: {error}") from error


def _screener(snapshot: ListSnapshot, policies: Sequence[Policy]) -> Screener:
    drawn = [policy.lines.lowest for policy in policies if policy.lines is not None]
    return Screener(snapshot, floor=min(drawn, default=1.0))


def _lists(snapshot: ListSnapshot | None, as_of: datetime, max_age_hours: float) -> ListStanding:
    """Return the standing of the lists; where none is given, say so, and let the parties pass for screened today."""
    if snapshot is not None:
        return ListStanding.of(snapshot, max_age_hours=max_age_hours)
    complain("no `--lists`: each party is taken to be screened and clear; nothing is let through on this answer")
    return ListStanding(digest=None, as_of=as_of, max_age_hours=max_age_hours)


def moment(text: str | None) -> datetime:
    """Return the moment that `text` writes, in UTC; a bare date is its noon, and None is now. Raises `UsageError`."""
    if text is None:
        return datetime.now(UTC)
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(12), UTC)
        read = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is not a date; write it like 2025-05-13") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def facts_of(asked: Asked, world: World) -> Facts:
    """Return the facts of one line."""
    asked = replace(asked, request=with_models(asked.request, world.models))
    estimated = estimate_of(
        asked.request,
        horizon_days=horizon_days(world.policies),
        utilisation=world.utilisation,
    )
    return gather(
        asked.request,
        as_of=world.as_of,
        standing=_standing(asked.party, world),
        lists=world.lists,
        estimated=estimated,
        usage=usage_after(asked.used, estimated),
        account_known=asked.account_known and asked.party is not None,
        match_threshold=world.screener.match if world.screener else 1.0,
        drawn=world.screener.lines if world.screener else None,
        lines=lineage_lines(world.policies),
    )


def _answer(asked: Asked, world: World, *, everything: bool) -> Row:
    """Return the decision on one line, in the shape that other programs read."""
    decision = decided(asked.request, facts_of(asked, world), world.policies)
    return {
        "id": asked.id,
        "outcome": decision.outcome.value,
        "findings": [
            _finding(finding, everything=everything)
            for finding in (decision.findings if everything else decision.counting)
        ],
        "policy": ", ".join(str(policy) for policy in decision.policies),
        "facts_digest": decision.facts_digest,
    }


def _standing(party: Party | None, world: World) -> Standing:
    """Return what is true of the party; without lists it is taken to be screened and clear, as `run` has told."""
    if party is None:
        return UNKNOWN_PARTY
    standing = standing_of(
        party, {party.id: party}, world.screener, ip_countries=world.ip_countries, register=world.register
    )
    return standing if world.screener else replace(standing, screening=Screening(outcome=ScreeningOutcome.CLEAR))


def _finding(finding: Finding, *, everything: bool) -> Row:
    told: Row = {
        "rule": finding.rule,
        "outcome": finding.outcome.value,
        "reason": finding.reason,
        "cites": list(finding.cites),
    }
    return {**told, "mode": finding.mode.value, "counts": finding.counts} if everything else told
