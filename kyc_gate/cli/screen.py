"""`kyc-gate screen`: names against restricted-party lists, each score with its explanation."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.lines import Row, add_input, answer_lines, input_of
from kyc_gate.cli.lists import active_lists, add_lists, read_lists
from kyc_gate.cli.output import UsageError, for_people, print_json, printable
from kyc_gate.cli.workers import answer_lines_with_workers
from kyc_gate.errors import InputError
from kyc_gate.model.match import Band, Lines
from kyc_gate.places.countries import parse_country
from kyc_gate.screening.screener import MATCH, Screener
from kyc_gate.screening.stored import index_of
from kyc_gate.service.list_shelf import joined
from kyc_gate.service.screen_input import ScreenInput, UnusableField, asked_of, screening_row

MOST_WORKERS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="the name to screen")
    add_input(parser, '{"id", "name", "aliases"?, "country"?, "kind"?}')
    add_lists(parser)
    parser.add_argument("--config", metavar="FILE", help="screen against the lists of this configuration")
    parser.add_argument("--country", metavar="CC", help="country of the party, for lines that do not name one")
    parser.add_argument("--threshold", metavar="X", type=_share, help="report matches from this score on, 0 to 1")
    parser.add_argument("--index", metavar="FOLDER", help="keep the index of big lists in this folder, for next time")
    parser.add_argument(
        "--workers", metavar="N", type=_workers, default=1, help="processes that share the work (default: 1)"
    )


def run(options: argparse.Namespace) -> int:
    """Print what the name, or each input line, resembles."""
    if options.name is not None and options.input is not None:
        raise UsageError("give NAME or `--input FILE`, not both")
    source = None if options.name is not None else input_of(options, "NAME")
    country = _country(options.country)
    screener = _screener(options)
    answer = partial(_answer_row, screener=screener, country=country)
    if source is not None and options.workers > 1:
        return answer_lines_with_workers(source, answer, options.workers)
    if source is not None:
        return answer_lines(source, answer, counting="screened")
    found = _answer(ScreenInput(name=options.name), screener, country)
    if for_people(options.json):
        _tell(found)
    else:
        print_json(found)
    return 0


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not above 0 and at most 1")
    return value


def _workers(text: str) -> int:
    value = int(text)
    if not 1 <= value <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"`{text}` is not from 1 to {MOST_WORKERS}")
    return value


def _country(text: str | None) -> str | None:
    if text is None:
        return None
    country = parse_country(text)
    if country is None:
        raise InputError(f"`--country`: `{text}` names no country; write an ISO 3166-1 code such as CN")
    return country


def _screener(options: argparse.Namespace) -> Screener:
    """Return a screener over the lists that were asked for. Raises `UsageError` when there are none."""
    snapshot = joined(read_lists(options.lists), active_lists(options.config) if options.config else None)
    if snapshot is None:
        raise UsageError("no list to screen against; give `--lists PATH`")
    arrays = index_of(snapshot, Path(options.index)) if options.index else None
    return Screener(snapshot, lines=_lines(options), arrays=arrays)


def _lines(options: argparse.Namespace) -> Lines | None:
    """Return the lines that `--threshold` asks for; None for the usual ones."""
    if options.threshold is None:
        return None
    return Lines(default=Band(possible=options.threshold, match=max(MATCH, options.threshold)))


def _answer_row(row: Row, screener: Screener, country: str | None) -> Row:
    return _answer(read_record(row, ScreenInput), screener, country)


def _answer(given: ScreenInput, screener: Screener, country: str | None) -> Row:
    try:
        asked = asked_of(given, country)
        return screening_row(given.id, asked, screener.screen_party(asked))
    except UnusableField as error:
        raise FieldError(error.field, str(error)) from error


def _tell(found: Row) -> None:
    print(found["outcome"])
    for match in found["matches"]:
        print(f"  {match['score']:.3f}  {match['list']} {match['entry_id']}  {printable(match['name'])}")
        print(f"         {printable(match['explanation'])}")
    if found["recall_bound"] is not None:
        print(
            f"every listed name that shares {found['recall_bound']:.0%} or more of what the letters tell was compared"
        )
    if found["as_of"] is not None:
        print(f"lists as of {found['as_of']:%Y-%m-%d %H:%M} UTC, snapshot {found['snapshot'][:12]}")
