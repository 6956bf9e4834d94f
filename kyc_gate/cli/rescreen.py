"""`kyc-gate rescreen`: a book of parties against what changed on the lists, or one snapshot beside another."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kyc_gate.cli.lines import numbered_rows
from kyc_gate.cli.lists import add_lists, read_lists, snapshot_named
from kyc_gate.cli.output import UsageError, complain, for_people, print_json, print_table
from kyc_gate.cli.progress import counted
from kyc_gate.cli.request_input import read_party
from kyc_gate.cli.state import opened_store
from kyc_gate.errors import InputError
from kyc_gate.feeds.screened_book import ScreenedBook
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.party import Party
from kyc_gate.model.record import plain
from kyc_gate.screening.screener import MATCH, POSSIBLE, Screener
from kyc_gate.service.build import files_of
from kyc_gate.service.config import Configuration, read_configuration
from kyc_gate.service.flips import Answer, Backtest, Flip, FlipCount
from kyc_gate.service.list_shelf import read_active, shelf_of
from kyc_gate.service.rescreening import Rescreener, Snapshots, kept_snapshots, open_cases
from kyc_gate.service.settings import settings_of

STORE = "store"
IN_MEMORY = Path(":memory:")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--book", metavar="FILE", required=True, help="lines of parties, or `store` for the parties on file"
    )
    parser.add_argument("--config", metavar="FILE", help="the configuration with the lists, and the store")
    add_lists(parser)
    parser.add_argument("--checkpoint", metavar="FILE", help="where it is kept what was screened, to go on from there")
    parser.add_argument("--old", metavar="SNAPSHOT", help="backtest: a list file, a folder, or a kept generation")
    parser.add_argument("--new", metavar="SNAPSHOT", help="backtest: the same for the other side; else as `--old`")
    parser.add_argument("--old-answers", metavar="FILE", help="backtest: answers kept of another version, for `--old`")
    parser.add_argument("--keep-answers", metavar="FILE", help="backtest: keep the new side's answers in a file")
    parser.add_argument("--report", action="store_true", help="compare `--old` with `--new`; nothing is written")
    for side in ("old", "new"):
        parser.add_argument(f"--{side}-possible", metavar="X", type=float, help=f"the lower line of the {side} side")
        parser.add_argument(f"--{side}-match", metavar="X", type=float, help=f"the upper line of the {side} side")


def run(options: argparse.Namespace) -> int:
    """Screen the book again, or compare two sides over it."""
    sides = [side for side in (options.old, options.old_answers) if side is not None]
    if len(sides) != int(options.report):
        raise UsageError("`--report` needs one of `--old` and `--old-answers`, and they need `--report`")
    if options.keep_answers and not options.report:
        raise UsageError("`--keep-answers` needs `--report`")
    if options.old_answers and options.new is None:
        raise UsageError("`--old-answers` needs `--new SNAPSHOT`")
    configuration = read_configuration(options.config) if options.config else None
    if options.report:
        return _report(options, configuration)
    screener, earlier = _screener(options, configuration)
    if options.book == STORE:
        return asyncio.run(_rescreen_store(options, screener, earlier))
    return _rescreen_file(options, configuration, screener, earlier)


# The book


class _Book:
    """A file of parties, read a line at a time. `bad` counts lines that are no party."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.bad = 0

    def parties(self) -> Iterator[Party]:
        for number, row in numbered_rows(self.path):
            try:
                yield read_party(row(), default_id=f"line {number}")
            except InputError as error:
                self.bad += 1
                complain(f"`{self.path}` line {number}: {error}")

    def lines(self) -> int:
        with Path(self.path).open("rb") as stream:
            return sum(1 for line in stream if line.strip())


# Screening again


def _screener(options: argparse.Namespace, configuration: Configuration | None) -> tuple[Screener, Snapshots]:
    """Return a screener over the lists that were asked for, and what finds earlier snapshots."""
    if options.lists:
        snapshot = read_lists(options.lists)
        if snapshot is None:
            raise UsageError("`--lists` names no list")
        return Screener(snapshot), lambda _: None
    if configuration is None:
        raise UsageError("give `--config FILE` or `--lists PATH`")
    active = read_active(configuration, files_of(configuration))
    if active.problem is not None:
        raise InputError(active.problem)
    if active.snapshot is None:
        raise InputError("no list is active; run `kyc-gate lists pull`")
    return _drawn(active.snapshot, configuration), kept_snapshots(shelf_of(configuration).snapshot)


def _drawn(
    snapshot: ListSnapshot,
    configuration: Configuration | None,
    possible: float | None = None,
    match: float | None = None,
) -> Screener:
    """Return a screener with the lines given, else the configured ones, else its own."""
    lists = configuration.lists if configuration else None
    upper = match or (lists.match if lists else None) or MATCH
    lower = possible or (lists.possible if lists else None) or min(POSSIBLE, upper)
    if not 0 < lower <= upper <= 1:
        raise UsageError(f"lines must be above 0 and at most 1, the lower one first, not {lower} and {upper}")
    return Screener(snapshot, possible=lower, match=upper)


def _rescreen_file(
    options: argparse.Namespace, configuration: Configuration | None, screener: Screener, earlier: Snapshots
) -> int:
    """Print what each party of the file newly resembles; nothing is written into a store."""
    book = _Book(options.book)
    file = Path(options.checkpoint) if options.checkpoint else _kept(configuration) or IN_MEMORY
    found = 0
    with (
        counted("rescreen", book.lines(), unit="parties") as more,
        ScreenedBook(file, str(Path(options.book).resolve())) as screened,
    ):
        for _, resemblances in Rescreener(screener, screened, earlier).screen(book.parties()):
            for resemblance in resemblances:
                found += 1
                print_json(plain(resemblance))
            more(1)
    complain(f"{found} resemblances; snapshot {screener.snapshot.digest[:12]}")
    return 1 if book.bad else 0


def _kept(configuration: Configuration | None) -> Path | None:
    return shelf_of(configuration).folder / "screened.db" if configuration else None


async def _rescreen_store(options: argparse.Namespace, screener: Screener, earlier: Snapshots) -> int:
    """Open a case for each resemblance of a party on file that has none yet."""
    if options.config is None:
        raise UsageError("`--book store` needs `--config FILE`")
    async with opened_store(options.config) as (configuration, store):
        parties = {party.id: party for party in await store.fetch_parties()}
        file = Path(options.checkpoint) if options.checkpoint else _kept(configuration) or IN_MEMORY
        found = opened = 0
        with (
            counted("rescreen", len(parties), unit="parties") as more,
            ScreenedBook(file, STORE) as screened,
        ):
            for _, resemblances in Rescreener(screener, screened, earlier, parties).screen(parties.values()):
                found += len(resemblances)
                opened += await open_cases(
                    store,
                    resemblances,
                    at=datetime.now(UTC),
                    settings=settings_of(configuration),
                )
                more(1)
    told = {"parties": len(parties), "resemblances": found, "cases": opened, "snapshot": screener.snapshot.digest}
    if for_people(options.json):
        print(f"{len(parties)} parties, {found} resemblances, {opened} cases opened")
    else:
        print_json(told)
    return 0


# The backtest


def _report(options: argparse.Namespace, configuration: Configuration | None) -> int:
    """Print every party that the sides answer differently, and the sums."""
    if options.book == STORE:
        raise UsageError("`--report` needs a file of parties; `kyc-gate parties list --json` writes one")
    old = snapshot_named(options.old, options.config) if options.old else None
    new = old if old and options.new in (None, options.old) else snapshot_named(options.new, options.config)
    backtest = Backtest(
        _drawn(old, configuration, options.old_possible, options.old_match) if old else _answers(options.old_answers),
        _drawn(new, configuration, options.new_possible, options.new_match),
    )
    book = _Book(options.book)
    tell: Callable[[Flip], None] = _tell if for_people(options.json) else lambda flip: print_json(plain(flip))
    with counted("backtest", book.lines(), unit="parties") as more, _keeping(options.keep_answers) as keep:
        for answer, flip in backtest.flips(book.parties()):
            keep(answer)
            if flip is not None:
                tell(flip)
            more(1)
    _tell_count(backtest.count, people=for_people(options.json))
    return 1 if book.bad else 0


def _answers(path: str) -> dict[str, Answer]:
    """Return the answers kept in a file, by party. Raises `InputError` that names the line which is none."""
    found = {}
    for number, row in numbered_rows(path):
        try:
            answer = msgspec.convert(row(), Answer)
        except (msgspec.ValidationError, InputError) as error:
            raise InputError(f"`{path}` line {number} is no answer that `--keep-answers` kept: {error}") from error
        found[answer.party] = answer
    return found


@contextmanager
def _keeping(path: str | None) -> Iterator[Callable[[Answer], object]]:
    """Give what writes answers into a file, a line each; without a file, nothing is written."""
    if path is None:
        yield lambda answer: None
        return
    try:
        with Path(path).open("wb") as file:
            yield lambda answer: file.write(msgspec.json.encode(answer) + b"\n")
    except OSError as error:
        raise InputError(f"`{path}` cannot be written: {error.strerror or error}") from error


def _tell(flip: Flip) -> None:
    print_table(("party", "name", "old", "new"), [(flip.party, flip.name, flip.old.outcome, flip.new.outcome)])


def _tell_count(count: FlipCount, *, people: bool) -> None:
    if not people:
        print_json(plain(count))
        return
    print(f"{count.flips} of {count.parties} parties flip; scorer {count.old_scorer} beside {count.scorer}")
    for what, number in count.outcomes.items():
        print(f"  {what}: {number}")
    for code in sorted({*count.gained, *count.lost}):
        print(f"  {code}: {count.gained.get(code, 0)} gained, {count.lost.get(code, 0)} lost")
