"""`kyc-gate ledger caps`: installed chips against the accounts of the AI Diffusion rule, with its status today."""

from __future__ import annotations

import argparse
import asyncio
import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from msgspec import Meta

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.lines import Row, input_of, numbered_rows
from kyc_gate.cli.machines import Count
from kyc_gate.cli.output import UsageError, add_json, complain, print_json, print_table
from kyc_gate.cli.state import opened_store
from kyc_gate.compute import caps
from kyc_gate.compute.caps import Account, Geography, Line
from kyc_gate.compute.installed import UNKNOWN, Installed, Placed, resolve_installed
from kyc_gate.errors import InputError, PolicyError
from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import Record
from kyc_gate.places.countries import parse_country
from kyc_gate.policy.groups import expand_groups
from kyc_gate.policy.law import Law, read_law
from kyc_gate.policy.read import shipped_policies
from kyc_gate.policy.source import Problem
from kyc_gate.service.held_machines import held_machines

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class InstalledInput(Record):
    """One input line: chips or machines of one kind at one site."""

    count: Count
    model: Name | None = None
    instance_type: Name | None = None
    provider: Name | None = None
    multiplier: Count = 1
    site: Name | None = None
    country: Name | None = None
    consignee: Name | None = None
    installed_on: date | None = None
    network_gbit_s: Annotated[float, Meta(gt=0, le=10**6)] | None = None


class Frame(Record):
    """What the accounts are drawn with: the law's data, the day, and where the company is headquartered."""

    law: Law
    day: date
    headquarters: str | None
    geography: Geography


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument(
        "--input",
        metavar="FILE",
        help='a file of lines {"model" or "instance_type", "count", "country", "site"?, "consignee"?, "installed_on"?, '
        '"network_gbit_s"?}; `-` is standard input',
    )
    parser.add_argument(
        "--config", metavar="FILE", help="take the machines of the runs that go on from this configuration's state"
    )
    parser.add_argument("--headquarters", metavar="CC", help="country of the company that holds the chips")
    parser.add_argument("--as-of", metavar="DATE", help="the day of the accounts, like 2026-11-24 (default: today)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print each account."""
    frame = _frame(options)
    if options.config is not None and options.input is not None:
        raise UsageError("give `--input` or `--config`, not both: machines in both would count twice")
    placed = asyncio.run(_held(options.config)) if options.config else list(_placed(input_of(options, "`--config`")))
    installed = [resolve_installed(each) for each in placed]
    for unknown in sorted({_named(each) for each in installed if not each.known}):
        complain(f"`{unknown}` is not in the catalogue: counted as the strongest chip")
    for denied in _denied(installed, frame):
        complain(denied)
    accounts = _accounts(installed, frame)
    if options.json:
        for account in accounts:
            print_json(_row(account, frame))
        return 0
    _tell(accounts, installed, frame)
    return 0


def _frame(options: argparse.Namespace) -> Frame:
    problems: list[Problem] = []
    law = read_law(shipped_policies() / "data", problems)
    if problems:
        raise PolicyError([str(problem) for problem in problems])
    day = _day(options.as_of)
    periods = expand_groups(law.groups, law.territories.values())
    groups = periods.groups[bisect.bisect_right(periods.starts, day)]
    headquarters = parse_country(options.headquarters) if options.headquarters else None
    if options.headquarters and headquarters is None:
        raise UsageError(f"`--headquarters`: `{options.headquarters}` names no country")
    geography = Geography(authorized=groups["ai_authorization"], denied=groups["d5_or_macau"])
    return Frame(law=law, day=day, headquarters=headquarters, geography=geography)


def _day(text: str | None) -> date:
    try:
        return datetime.now(UTC).date() if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`--as-of`: `{text}` is not a date; write it like 2026-11-24") from None


async def _held(config: str) -> list[Placed]:
    async with opened_store(config) as (_, store):
        return [placed async for placed in held_machines(store, datetime.now(UTC))]


def _placed(source: str) -> Iterator[Placed]:
    for number, read in numbered_rows(source, exact=False):
        try:
            yield _one(read())
        except InputError as error:
            raise InputError(f"line {number}: {error}") from None


def _one(row: Row) -> Placed:
    given = read_record(row, InstalledInput)
    if (given.model is None) == (given.instance_type is None):
        raise FieldError("model", "give one of `model` and `instance_type`")
    country = parse_country(given.country)
    if given.country is not None and country is None:
        raise FieldError("country", f"field `country`: `{given.country}` names no country; write a code such as BR")
    line = Accelerators(
        count=given.count, model=given.model, instance_type=given.instance_type, multiplier=given.multiplier
    )
    return Placed(
        line=line,
        provider=given.provider,
        site=given.site or UNKNOWN,
        country=country,
        consignee=given.consignee or UNKNOWN,
        installed_on=given.installed_on,
        network_gbit_s=given.network_gbit_s,
    )


def _accounts(installed: list[Installed], frame: Frame) -> list[Account]:
    """Return every account that applies; those of both kinds of validated end user without `--headquarters`."""

    def line(name: str) -> Line:
        return Line(threshold=name, value=Fraction(frame.law.thresholds[name].value))

    home = frame.headquarters
    found = caps.country_caps(installed, frame.geography, line("country_cap_tpp"))
    annual, notice = line("lpp_annual_tpp"), line("lpp_prior_notice_tpp")
    found += caps.low_processing(installed, frame.geography, frame.day.year, annual, notice)
    found += caps.authorized_filing(installed, frame.geography, line("aia_report_tpp"))
    if home is None or home in frame.geography.authorized:
        american = line("uveu_us_outside_share") if home == "US" else None
        shares = (line("uveu_outside_share"), line("uveu_country_share"), american)
        found += caps.universal_veu(installed, frame.geography, *shares)
    if home is None or frame.geography.capped(home):
        found += caps.national_veu(installed, frame.geography, line(nveu_threshold(frame.day)))
    rate, network = line("eo14110_cluster_operations_per_second"), line("eo14110_cluster_network_gbit_s")
    return found + caps.clusters(installed, rate, network)


def _denied(installed: list[Installed], frame: Frame) -> Iterator[str]:
    """Yield what stands in no account, because no licence exception and no cap allows it."""
    denied, cite = frame.geography.denied, frame.law.citations["US-CHIP-04"].cite
    if frame.headquarters in denied:
        yield f"a company headquartered in {frame.headquarters} needs a licence wherever it is ({cite}), and has no cap"
    for country, tpp in caps.by_country(installed).items():
        if country in denied:
            yield f"{_figure(tpp, 'tpp')} TPP in {country} are in no account: a licence is needed ({cite})"


def nveu_threshold(day: date) -> str:
    """Return the name of the table's row for `day`; before it begins the first stands, after it ends the last."""
    if day.year >= 2027:
        return "nveu_2027_tpp"
    quarter = (day.month - 1) // 3 + 1
    return f"nveu_{max(day.year, 2025)}_q{quarter if day.year >= 2025 else 1}_tpp"


def _row(account: Account, frame: Frame) -> Row:
    threshold = frame.law.thresholds[account.line.threshold]
    citation = frame.law.citations[threshold.cite]
    return {
        "account": account.account,
        "subject": account.subject,
        "used": _plain(account.used),
        "limit": _plain(account.line.value),
        "unit": account.unit,
        "used_share": round(float(account.used / account.line.value), 6),
        "state": account.state.value,
        "says": account.says,
        "cite": citation.cite,
        "status": threshold.status.value,
        "grade": threshold.grade.value,
        "as_of": threshold.as_of.isoformat(),
    }


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)


def _named(each: Installed) -> str:
    return (each.placed.line.model or each.placed.line.instance_type or "")[:128]


def _tell(accounts: list[Account], installed: list[Installed], frame: Frame) -> None:
    rows = [
        (
            account.account,
            account.subject,
            _figure(account.used, account.unit),
            _figure(account.line.value, account.unit),
            f"{float(account.used / account.line.value):.1%}",
            account.state.value,
            frame.law.thresholds[account.line.threshold].status.value,
        )
        for account in accounts
    ]
    print_table(("account", "of", "used", "limit", "share", "state", "law today"), rows)
    left_out = sum((each.chips for each in installed if not each.counted), Fraction())
    print(f"{len(installed)} lines as of {frame.day}; left out, not 3A090.a by formula: {float(left_out):,.0f} chips")


def _figure(number: Fraction, unit: str) -> str:
    if unit == "share":
        return f"{float(number):.2%}"
    return f"{Decimal(int(number)):.3e}" if number >= 10**12 else f"{float(number):,.0f}"
