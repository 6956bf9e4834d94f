"""`kyc-gate place`: any text to a country, with evidence, or unknown."""

from __future__ import annotations

import argparse

from kyc_gate.cli.fields import read_record
from kyc_gate.cli.lines import Row, add_input, answer_lines, input_of
from kyc_gate.cli.output import for_people, print_json, printable
from kyc_gate.model.record import Record
from kyc_gate.places.countries import country_name
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
        for line in _for_reviewers(found):
            print(printable(line))
        return 0
    print_json(found)
    return 0


def _for_reviewers(found: Row) -> list[str]:
    """Return what was understood, and why, as a reviewer reads it."""
    country = found["country"]
    name = country_name(country) if country else None
    lines = [
        f"{country} {name or ''}  (confidence {found['confidence']})" if country else "unknown: a person has to look"
    ]
    lines += [f"  because {clause}" for clause in found["evidence"]]
    if found["conflict"]:
        lines.append("  parts of the text contradict each other")
    if found["occupied"]:
        lines.append(f"  region: {found['occupied']}")
    return lines


def _answer(given: PlaceInput) -> Row:
    found = resolve_headquarters(given.text)
    return {
        "id": given.id,
        "country": found.country,
        "confidence": found.confidence,
        "evidence": list(found.evidence),
        "conflict": found.conflict,
        "occupied": found.occupied,
    }
