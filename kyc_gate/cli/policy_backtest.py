"""`kyc-gate policy backtest`: decisions on record made again under a candidate, and what would be different."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kyc_gate.cli.output import UsageError, add_json, for_people, print_json, print_table, printable
from kyc_gate.cli.policies import policy_folders
from kyc_gate.cli.progress import counted
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.model.backtest import BacktestReport
from kyc_gate.model.record import plain
from kyc_gate.policy.read import read_policy
from kyc_gate.reports.backtest import render_backtest
from kyc_gate.service.policy_source import policies_of
from kyc_gate.service.trials import substituted
from kyc_gate.tuning.backtest import Backtest
from kyc_gate.tuning.replay import is_decision

_SPAN = re.compile(r"(\d{1,5})([dh])")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    add_config(parser)
    parser.add_argument("--since", metavar="SPAN", default="30d", help="30d, 12h, or a date (default: 30d)")
    parser.add_argument(
        "--policy",
        metavar="DIR",
        action="append",
        default=[],
        help="a candidate, in the place of the policy of its name",
    )
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page to print, too")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print what would be different; the status is 0, 3 (only stricter), 4 (more lenient) or 1 (nothing replayed)."""
    now = datetime.now(UTC)
    since = _since(options.since, now)
    report = asyncio.run(_backtest(options, since, now))
    if options.html is not None:
        options.html.write_text(render_backtest(report), encoding="utf-8")
    if for_people(options.json):
        for line in backtest_lines(report):
            print(printable(line))
        _tables(report)
    else:
        share = report.coverage.share
        print_json({**plain(report), "covered": share, "status": report.status})
    # A backtest that replays nothing of what there is has nothing to say, and must not look like a good answer.
    return 1 if report.coverage.decisions and not report.coverage.replayed else report.status


def _since(text: str, now: datetime) -> datetime:
    found = _SPAN.fullmatch(text)
    if found:
        return now - (timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1])))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`--since {text}` is neither a span nor a date; write `30d`, `12h` or `2026-11-01`") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _backtest(options: argparse.Namespace, since: datetime, until: datetime) -> BacktestReport:
    async with opened_store(options.config) as (configuration, store):
        old = policies_of(configuration)
        named = [read_policy(folder) for name in options.policy for folder in policy_folders(name)]
        backtest = Backtest(old, substituted(old, named), since)
        with counted("backtest", None, unit="decisions") as more:
            async for page in store.bodies():
                times = [backtest.take(body) for body in page if is_decision(body)]
                more(len(times))
                known = [at for at in times if at is not None]
                if known and max(known) < since:
                    break
        return backtest.report(since=since, until=until)


def backtest_lines(report: BacktestReport) -> Iterable[str]:
    """Return the report's summary line by line: coverage and determinism before anything that rests on them."""
    coverage, determinism = report.coverage, report.determinism
    yield f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    yield f"  old: {', '.join(f'{each} ({each.digest[:12]})' for each in report.old)}"
    yield f"  new: {', '.join(f'{each} ({each.digest[:12]})' for each in report.new)}"
    yield f"replayed {coverage.replayed:,} of {coverage.decisions:,} decisions ({coverage.share:.1%})"
    for reason, number in coverage.reasons.items():
        yield f"  {number:,} not: {reason}"
    yield f"the old policies made {determinism.checked:,} of them, and decide {determinism.same:,} as on record"
    if determinism.differing:
        yield f"  not as on record: {', '.join(determinism.differing)}"
    if determinism.elsewhere:
        yield f"  {determinism.elsewhere:,} were made under other revisions"
    for change in report.matrix:
        if change.old is not change.new and change.decisions:
            yield f"{change.old} to {change.new}: {change.decisions:,}"
    said = {0: "the same decisions", 3: "only stricter", 4: "MORE LENIENT"}[report.status]
    yield f"{said}: {report.lenient:,} more lenient, {report.stricter:,} stricter"


def _tables(report: BacktestReport) -> None:
    """Print the tables that follow the summary."""
    changed = [day for day in report.days if day.changed or day.old_cases != day.new_cases]
    if changed:
        print("\ncases a day")
        rows = [
            [f"{each.day}", f"{each.decisions:,}", f"{each.old_cases:,}", f"{each.new_cases:,}", f"{each.changed:,}"]
            for each in changed
        ]
        print_table(("day", "decisions", "cases, old", "cases, new", "changed"), rows)
    if report.rules:
        print("\nrules behind the changes")
        print_table(
            ("rule", "old only", "new only"),
            [[each.rule, f"{each.old_only:,}", f"{each.new_only:,}"] for each in report.rules],
        )
    if report.examples:
        print("\nexamples")
        for each in report.examples:
            behind = ", ".join(each.old_rules if each.new.severity < each.old.severity else each.new_rules)
            print(printable(f"  {each.decision_id}  {each.at:%Y-%m-%d %H:%M}  {each.old} -> {each.new}  ({behind})"))
