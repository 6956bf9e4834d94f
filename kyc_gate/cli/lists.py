"""`kyc-gate lists`: lists pulled, checked, compared and carried; and the lists that other commands screen against."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kyc_gate.cli.output import UsageError, add_json, complain, for_people, print_json, print_table, printable
from kyc_gate.cli.progress import Downloads
from kyc_gate.cli.state import add_config
from kyc_gate.errors import InputError
from kyc_gate.feeds.bundle import export_bundle, import_bundle
from kyc_gate.feeds.difference import Difference, difference, names_of_entry
from kyc_gate.feeds.guards import OVERRULED
from kyc_gate.feeds.pull import Pulled, PullReport, forget, pull
from kyc_gate.feeds.source import Source
from kyc_gate.model.coverage import Coverage, SourceCoverage
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.record import plain
from kyc_gate.service.build import files_of, snapshot_of
from kyc_gate.service.config import Configuration, read_configuration
from kyc_gate.service.list_shelf import pulling_of, read_active, read_coverage, shelf_of, sources_of
from kyc_gate.telemetry.sink import configure_logging

SHOWN_PROBLEMS = 5
"""Rows that could not be read are named up to here, then counted."""


def add_lists(parser: argparse.ArgumentParser) -> None:
    """Add `--lists`."""
    parser.add_argument(
        "--lists",
        metavar="PATH",
        nargs="+",
        action="extend",
        default=[],
        help="published list files, folders of them, or JSON lines of your own",
    )


def read_lists(paths: list[str]) -> ListSnapshot | None:
    """Return the snapshot of the lists at `paths`, or None for no path. It complains of unreadable rows."""
    for path in paths:
        if not Path(path).exists():
            raise InputError(f"`--lists`: there is no file or folder `{path}`")
    snapshot = snapshot_of([Path(path) for path in paths])
    problems = snapshot.problems if snapshot else ()
    for problem in problems[:SHOWN_PROBLEMS]:
        complain(f"lists: {problem}")
    if len(problems) > SHOWN_PROBLEMS:
        complain(f"lists: {len(problems) - SHOWN_PROBLEMS} more rows could not be read")
    for note in snapshot.notes[:SHOWN_PROBLEMS] if snapshot else ():
        complain(f"lists: note: {note}")
    return snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    pulling = steps.add_parser("pull", help="fetch, check and activate the configured lists", allow_abbrev=False)
    pulling.add_argument("sources", metavar="SOURCE", nargs="*", help="only these sources; all without any")
    pulling.add_argument(
        "--accept",
        metavar="GUARD",
        action="append",
        default=[],
        help=f"overrule a guard for the named sources: {', '.join(OVERRULED)}",
    )
    pulling.add_argument("--rebuild", action="store_true", help="read the kept files anew, even if none changed")
    forgetting = steps.add_parser("forget", help="take sources off that are no longer configured", allow_abbrev=False)
    forgetting.add_argument("sources", metavar="SOURCE", nargs="+", help="sources that `status` calls unconfigured")
    exporting = steps.add_parser("export", help="write the active lists as one file", allow_abbrev=False)
    exporting.add_argument("--output", metavar="FILE", required=True, help="the bundle to write")
    exporting.add_argument("--sign-with", metavar="FILE", help="sign with this Ed25519 private key, in PEM")
    importing = steps.add_parser("import", help="check and activate the lists of a bundle", allow_abbrev=False)
    importing.add_argument("bundle", metavar="FILE", help="a bundle that `export` wrote")
    importing.add_argument("--accept", metavar="GUARD", action="append", default=[], help="overrule a guard")
    differing = steps.add_parser("diff", help="what changed between two snapshots", allow_abbrev=False)
    differing.add_argument("old", metavar="OLD", help="a list file, a folder of them, or a kept generation")
    differing.add_argument("new", metavar="NEW", nargs="?", default="active", help="the later one; else what is active")
    differing.add_argument("--config", metavar="FILE", help="the configuration whose generations are meant")
    add_json(differing)
    status = steps.add_parser("status", help="lists expected and active, their ages and problems", allow_abbrev=False)
    for step in (pulling, forgetting, exporting, importing, status):
        add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    if options.step == "diff":
        return _diff(options)
    configuration = read_configuration(options.config)
    configure_logging(configuration.log.format)
    steps = {"pull": _pull, "forget": _forget, "export": _export, "import": _import, "status": _status}
    return steps[options.step](options, configuration)


def _configured(configuration: Configuration) -> tuple[Source, ...]:
    sources = sources_of(configuration)
    if not sources:
        raise InputError("no list source is configured; name some under `sources` in `[lists]`")
    return sources


def _pull(options: argparse.Namespace, configuration: Configuration) -> int:
    """Pull, and tell what became of each source; the status is 1 when one is not current."""
    sources = _asked(_configured(configuration), options.sources)
    accept = _accepted(options.accept)
    if accept and not options.sources:
        raise UsageError("`--accept` needs the sources that it is for")
    how = pulling_of(configuration, accept=accept, rebuild=options.rebuild)
    with Downloads() as downloads:
        report = asyncio.run(pull(shelf_of(configuration), sources, how, watcher=downloads.bar))
    _tell_pull(report, people=for_people(options.json))
    return 0 if report.whole else 1


def _accepted(guards: list[str]) -> frozenset[str]:
    if unknown := sorted(set(guards) - set(OVERRULED)):
        raise UsageError(f"`--accept`: `{unknown[0]}` is no guard that can be overruled; see `--help`")
    return frozenset(guards)


def _forget(options: argparse.Namespace, configuration: Configuration) -> int:
    """Take sources off the active lists that nobody asks for any more."""
    configured = {source.name for source in sources_of(configuration)} & set(options.sources)
    if configured:
        raise InputError(f"`{min(configured)}` is configured; take it out of `[lists]` first")
    generation = forget(shelf_of(configuration), options.sources)
    print_json({"forgotten": options.sources, "generation": generation.id, "snapshot": generation.snapshot})
    return 0


def _export(options: argparse.Namespace, configuration: Configuration) -> int:
    """Write the active lists as a bundle, and tell what is in it."""
    key = Path(options.sign_with) if options.sign_with else None
    manifest = export_bundle(shelf_of(configuration), Path(options.output), key=key)
    for carried in manifest.files:
        print_json(
            {
                "source": carried.held.source,
                "entries": carried.held.entries,
                "sha256": carried.held.sha256,
                "confirmed_at": carried.confirmed_at,
                "signed": key is not None,
            }
        )
    return 0


def _import(options: argparse.Namespace, configuration: Configuration) -> int:
    """Activate what a bundle holds, and tell what became of each source; the status is 1 when one was refused."""
    how = pulling_of(configuration, accept=_accepted(options.accept))
    report = import_bundle(
        shelf_of(configuration),
        Path(options.bundle),
        _configured(configuration),
        how,
        public_key=configuration.lists.bundle_key,
    )
    if not report.sources:
        raise InputError(f"`{options.bundle}` holds no source that is configured")
    _tell_pull(report, people=for_people(options.json))
    return 0 if report.whole else 1


def _asked(sources: tuple[Source, ...], names: list[str]) -> tuple[Source, ...]:
    known = {source.name for source in sources}
    for name in names:
        if name not in known:
            raise InputError(f"no source `{name}` is configured; configured are {', '.join(sorted(known))}")
    return tuple(source for source in sources if not names or source.name in names)


def _tell_pull(report: PullReport, *, people: bool) -> None:
    for pulled in report.sources:
        if not people:
            print_json(plain(pulled))
    if people:
        print_table(
            ("source", "outcome", "entries", "before", "published"), [_pulled_row(each) for each in report.sources]
        )
        state = "is active now" if report.activated else "stays active"
        print(f"snapshot {report.snapshot[:12]} {state}" if report.snapshot else "no list is active")
        for pulled in report.sources:
            for problem in pulled.problems:
                complain(f"{pulled.source}: {problem}")
    else:
        print_json({"activated": report.activated, "generation": report.generation, "snapshot": report.snapshot})


def _pulled_row(pulled: Pulled) -> tuple[str, ...]:
    return (pulled.source, pulled.outcome, str(pulled.entries), str(pulled.before), _date(pulled.published_at))


def _status(options: argparse.Namespace, configuration: Configuration) -> int:
    """Print the coverage report; the status is 1 unless every list that ought to be active is, and is current."""
    coverage = read_coverage(
        shelf_of(configuration),
        sources_of(configuration),
        now=datetime.now(UTC),
        max_age_hours=configuration.lists.max_age_hours,
    )
    if not coverage.sources:
        _configured(configuration)
    if for_people(options.json):
        _tell_status(coverage)
    else:
        _print_status(coverage)
    return 0 if coverage.sound else 1


def _print_status(coverage: Coverage) -> None:
    for source in coverage.sources:
        print_json(plain(source))
    print_json(
        {
            "generation": coverage.generation,
            "snapshot": coverage.snapshot,
            "activated_at": coverage.activated_at,
            "sound": coverage.sound,
            "expected": len({code for source in coverage.sources for code in source.expected}),
            "active": len({code for source in coverage.sources for code in source.counts}),
            "missing_lists": list(coverage.missing_lists),
            "rows": sum(source.entries for source in coverage.sources),
            "names": sum(source.names for source in coverage.sources),
            "unreadable": sum(source.unreadable for source in coverage.sources),
        }
    )


def _tell_status(coverage: Coverage) -> None:
    header = ("source", "state", "lists", "entries", "names", "unreadable", "age", "published", "last pull")
    print_table(header, [_status_row(source) for source in coverage.sources])
    if coverage.snapshot:
        print(f"snapshot {coverage.snapshot[:12]}, active since {_date(coverage.activated_at)}")
    for problem in (*coverage.reasons(), *(f"no entry of list {code}" for code in coverage.missing_lists)):
        print(f"! {problem}")
    for source in coverage.sources:
        if source.accepted:
            print(f"! `{source.source}` was activated over {', '.join(source.accepted)}")


def _status_row(source: SourceCoverage) -> tuple[str, ...]:
    return (
        source.source,
        source.state.value,
        " ".join(source.counts) or "-",
        str(source.entries),
        str(source.names),
        str(source.unreadable),
        "unknown" if source.age_hours is None else f"{source.age_hours:.1f} h",
        _date(source.published_at),
        "; ".join((source.outcome, *source.problems)),
    )


def active_lists(config: str) -> ListSnapshot | None:
    """Return what a gate with this configuration would screen against, and complain of what is stale or missing.

    Raises `InputError` for a shelf that cannot be read.
    """
    configuration = read_configuration(config)
    active = read_active(configuration, files_of(configuration))
    if active.problem is not None:
        raise InputError(active.problem)
    now = datetime.now(UTC)
    for source in sorted({clock.source for clock in active.clocks if clock.stale(now)}):
        complain(f"lists: `{source}` is stale or missing, so that nothing is clear by it")
    return active.snapshot


def snapshot_named(name: str, config: str | None) -> ListSnapshot:
    """Return the snapshot that `name` stands for: a file or folder, or a generation kept for the configuration.

    Raises `InputError` or `FeedFault` where there is none.
    """
    if Path(name).exists():
        found = read_lists([name])
        if found is None:
            raise InputError(f"`{name}` holds no list")
        return found
    if config is None:
        raise InputError(f"there is no file `{name}`; a kept generation needs `--config FILE`")
    shelf = shelf_of(read_configuration(config))
    return shelf.snapshot(shelf.generation(name).snapshot)


def _diff(options: argparse.Namespace) -> int:
    """Print what was added, removed and changed."""
    found = difference(snapshot_named(options.old, options.config), snapshot_named(options.new, options.config))
    people = for_people(options.json)
    for line in _differences(found):
        if people:
            names = "".join(f" +`{name}`" for name in line["names_added"] if line["change"] == "changed")
            names += "".join(f" -`{name}`" for name in line["names_removed"] if line["change"] == "changed")
            sign = {"added": "+", "removed": "-", "changed": "~"}[line["change"]]
            print(printable(f"{sign} {line['list']} {line['entry_id']}  {line['name']}{names}"))
        else:
            print_json(line)
    counts = found.counts()
    if people:
        rows = [
            (code, *(str(count[what]) for what in ("added", "removed", "changed"))) for code, count in counts.items()
        ]
        print_table(("list", "added", "removed", "changed"), rows)
    else:
        sums = {"added": len(found.added), "removed": len(found.removed), "changed": len(found.changed)}
        print_json({**sums, "to_screen": len(found.to_screen), "lists": counts})
    return 0


def _differences(found: Difference) -> Iterator[dict[str, Any]]:
    for what, entries in (("added", found.added), ("removed", found.removed)):
        for entry in entries:
            names = list(names_of_entry(entry))
            yield {
                "change": what,
                "list": entry.list,
                "entry_id": entry.id,
                "name": entry.name,
                "fields": [],
                "names_added": names if what == "added" else [],
                "names_removed": names if what == "removed" else [],
            }
    for change in found.changed:
        yield {
            "change": "changed",
            "list": change.after.list,
            "entry_id": change.after.id,
            "name": change.after.name,
            "fields": list(change.fields),
            "names_added": list(change.names_added),
            "names_removed": list(change.names_removed),
        }


def _date(when: datetime | None) -> str:
    return "-" if when is None else f"{when:%Y-%m-%d %H:%M}"
