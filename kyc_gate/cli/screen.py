"""`kyc-gate screen`: names against restricted-party lists, each score with its explanation."""

from __future__ import annotations

import argparse

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.lines import Row, add_input, answer_lines, input_of
from kyc_gate.cli.lists import add_lists, read_lists
from kyc_gate.cli.output import UsageError, for_people, print_json, printable
from kyc_gate.errors import InputError
from kyc_gate.model.match import ScreeningOutcome
from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.model.record import Record
from kyc_gate.places.countries import parse_country
from kyc_gate.places.headquarters import resolve_headquarters
from kyc_gate.screening.screener import Screener


class ScreenInput(Record):
    """One input line. Names are made of `name`, of `first_name` and `last_name`, of `company` and `company_line2`.

    `email`, `website` and `kind` are taken and do not bear on the score.
    `address` gives the country where `country` does not.
    """

    id: str | int | None = None
    name: str | None = None
    aliases: tuple[str | Alias, ...] = ()
    country: str | None = None
    kind: PartyKind | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    company_line2: str | None = None
    email: str | None = None
    website: str | None = None
    address: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="the name to screen")
    add_input(parser, '{"id", "name", "aliases"?, "country"?, "kind"?}')
    add_lists(parser)
    parser.add_argument("--config", metavar="FILE", help="screen against the lists of this configuration")
    parser.add_argument("--country", metavar="CC", help="country of the party, for lines that do not name one")
    parser.add_argument("--threshold", metavar="X", type=_share, help="report matches from this score on, 0 to 1")


def run(options: argparse.Namespace) -> int:
    """Print what the name, or each input line, resembles."""
    if options.name is not None and options.input is not None:
        raise UsageError("give NAME or `--input FILE`, not both")
    source = None if options.name is not None else input_of(options, "NAME")
    country = _country(options.country)
    screener = _screener(options)
    if source is not None:
        return answer_lines(source, lambda row: _answer(read_record(row, ScreenInput), screener, country))
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


def _country(text: str | None) -> str | None:
    if text is None:
        return None
    country = parse_country(text)
    if country is None:
        raise InputError(f"`--country`: `{text}` names no country; write an ISO 3166-1 code such as CN")
    return country


def _screener(options: argparse.Namespace) -> Screener:
    """Return a screener over the lists that were asked for. Raises `UsageError` when there are none."""
    paths = list(options.lists)
    if options.config is not None:
        from kyc_gate.service.config import read_configuration

        configuration = read_configuration(options.config)
        paths += [str(configuration.path(name)) for name in configuration.lists.files]
    snapshot = read_lists(paths)
    if snapshot is None:
        raise UsageError("no list to screen against; give `--lists PATH`")
    if options.threshold is None:
        return Screener(snapshot)
    usual = Screener(snapshot)
    return Screener(snapshot, possible=options.threshold, match=max(usual.match, options.threshold))


def _names(given: ScreenInput) -> list[str]:
    """Return every name that the line gives, each once, the main name first."""
    person = " ".join(part for part in (given.first_name, given.last_name) if part)
    companies = [given.company, " ".join(part for part in (given.company, given.company_line2) if part)]
    aliases = [alias if isinstance(alias, str) else alias.name for alias in given.aliases]
    names = [given.name, person, *companies, *aliases]
    return list(dict.fromkeys(name for name in names if name and name.strip()))


def _answer(given: ScreenInput, screener: Screener, country: str | None) -> Row:
    names = _names(given)
    if not names:
        raise FieldError("name", "no name to screen; give `name`, `company`, or `first_name` and `last_name`")
    placed = resolve_headquarters(given.country).country or resolve_headquarters(given.address).country or country
    found = screener.screen(names, country=placed)
    if found.outcome is ScreeningOutcome.NOT_SCREENED:
        raise FieldError("name", f"`{names[0]}` holds no letter or digit that could be compared")
    return {
        "id": given.id,
        "query": names[0],
        "outcome": found.outcome.value,
        "matches": [
            {
                "list": match.list,
                "entry_id": match.entry_id,
                "name": match.name,
                "score": match.score,
                "explanation": match.explanation,
            }
            for match in found.matches
        ],
    }


def _tell(found: Row) -> None:
    print(found["outcome"])
    for match in found["matches"]:
        print(f"  {match['score']:.3f}  {match['list']} {match['entry_id']}  {printable(match['name'])}")
        print(f"         {printable(match['explanation'])}")
