"""`kyc-gate place`: any text to a country, with evidence, or unknown."""

from __future__ import annotations

import argparse

from kyc_gate.cli.fields import read_record
from kyc_gate.cli.lines import Row, add_input, answer_lines, input_of
from kyc_gate.cli.output import for_people, print_json, printable
from kyc_gate.model.record import Record
from kyc_gate.places.headquarters import resolve_headquarters


class PlaceInput(Record):
    """One input line."""

    text: str | None
    id: str | int | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("text", metavar="TEXT", nargs="?", help="the text to find a country in")
    add_input(parser, '{"id", "text"}')


def run(options: argparse.Namespace) -> int:
    """Print the country of the text, or of each input line."""
    if options.text is None:
        return answer_lines(input_of(options, "TEXT"), lambda row: _answer(read_record(row, PlaceInput)))
    found = _answer(PlaceInput(text=options.text))
    if for_people(options.json):
        print(f"{found['country'] or 'unknown'}  (confidence {found['confidence']})")
        for line in found["evidence"]:
            print(f"  {printable(line)}")
        return 0
    print_json(found)
    return 0


def _answer(given: PlaceInput) -> Row:
    found = resolve_headquarters(given.text)
    return {
        "id": given.id,
        "country": found.country,
        "confidence": found.confidence,
        "evidence": list(found.evidence),
    }
