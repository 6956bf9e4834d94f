"""`kyc-gate owners`: the LEI register pulled from its publisher or from files, and who stands behind an entity."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kyc_gate.cli.output import UsageError, add_json, complain, for_people, print_json, printable
from kyc_gate.cli.owners_party import asks_file, show_party
from kyc_gate.cli.progress import Downloads, Loading
from kyc_gate.errors import InputError
from kyc_gate.feeds.fetch import Tries, open_session
from kyc_gate.feeds.gleif import PUBLISHED, fetch_golden_copy, published_url
from kyc_gate.model.record import plain
from kyc_gate.ownership.chart import register_chart, render_chart
from kyc_gate.ownership.gleif.lei import looks_like_lei
from kyc_gate.ownership.gleif.records import REASONS, TYPES, Entity, Kind
from kyc_gate.ownership.register import Register, Standing, Step, search, standing_of
from kyc_gate.places.countries import parse_country
from kyc_gate.service.config import read_configuration
from kyc_gate.storage.gleif import GleifRegister, Loaded, Source, load_register

DEFAULT_STORE = "kyc-gate-gleif.db"
"""Where the register lies when neither `--store` nor a configuration says; relative to the current folder."""

MOST_NAMED = 20

MOST_WORKERS = 4
"""Processes that read a file: more of them wait for the one that writes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    pulling = steps.add_parser("pull", help="build the register from GLEIF's golden copy", allow_abbrev=False)
    pulling.add_argument(
        "--file",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="published files on disk, zipped or not: lei2, rr, repex in JSON, CSV or XML",
    )
    pulling.add_argument(
        "--format", choices=("json", "csv", "xml"), default="json", help="what to fetch (default: json)"
    )
    pulling.add_argument(
        "--only", metavar="KIND", choices=tuple(Kind), nargs="+", help="fetch only lei2, rr or repex; the rest is kept"
    )
    pulling.add_argument(
        "--accept-shrink", action="store_true", help="take a file with less than half of the records that are held"
    )
    pulling.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=_spare_processors(),
        help=f"processes that read the files (default: one for each processor, {MOST_WORKERS} at most)",
    )
    pulling.add_argument("--url", default=PUBLISHED, help="a mirror of the publisher's address")
    show = steps.add_parser(
        "show", help="show an entity, its addresses, its parents and exceptions", allow_abbrev=False
    )
    show.add_argument(
        "entity",
        metavar="LEI|NAME|PARTY",
        help="an LEI, a name exactly as registered, case aside; with `--config` a party on file",
    )
    show.add_argument("--country", metavar="CC", help="only entities established or headquartered there")
    show.add_argument("--svg", metavar="FILE", help="draw the chart of owners into this file")
    for step in (pulling, show):
        step.add_argument("--store", metavar="FILE", help=f"the register's file (default: {DEFAULT_STORE})")
        step.add_argument("--config", metavar="FILE", help="take `owners.gleif` of this configuration instead")
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    if options.step == "show" and asks_file(options):
        return show_party(options)
    store = _store(options)
    return _pull(options, store) if options.step == "pull" else _show(options, store)


def _store(options: argparse.Namespace) -> Path:
    if options.store and options.config:
        raise UsageError("give either `--store` or `--config`")
    if not options.config:
        return Path(options.store or DEFAULT_STORE)
    configuration = read_configuration(options.config)
    if configuration.owners.gleif is None:
        raise InputError(f"`{options.config}` names no register; set `gleif` under `[owners]`")
    return configuration.path(configuration.owners.gleif)


def _pull(options: argparse.Namespace, store: Path) -> int:
    """Build the register; the status is 1 when it could not be built whole."""
    if options.workers < 1:
        raise UsageError("`--workers`: give 1 or more")
    if options.file:
        loaded = _load(options, store, [Path(file) for file in options.file])
    else:
        with tempfile.TemporaryDirectory(dir=_made(store.parent), prefix=".gleif-") as folder:
            files = asyncio.run(_fetched(options, Path(folder)))
            loaded = _load(options, store, files)
    for complaint in loaded.complaints:
        complain(complaint)
    _tell_loaded(loaded, store, people=for_people(options.json))
    return 0


def _spare_processors() -> int:
    return min(MOST_WORKERS, os.cpu_count() or 1)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _load(options: argparse.Namespace, store: Path, files: Sequence[Path]) -> Loaded:
    for file in files:
        if not file.is_file():
            raise InputError(f"`--file`: there is no file `{file}`")
    with Loading() as loading:
        return load_register(
            store, files, progress=loading.seen, may_shrink=options.accept_shrink, workers=options.workers
        )


async def _fetched(options: argparse.Namespace, folder: Path) -> list[Path]:
    """Fetch the latest golden copy into `folder`, one file after another."""
    with Downloads() as downloads:
        async with open_session() as session:
            return [
                await fetch_golden_copy(
                    session,
                    published_url(kind, options.format, options.url),
                    folder,
                    tries=Tries(),
                    arrived=downloads.bar(kind),
                )
                for kind in options.only or tuple(each.value for each in Kind)
            ]


def _tell_loaded(loaded: Loaded, store: Path, *, people: bool) -> None:
    for source in loaded.sources:
        _tell_source(source, "loaded", people=people)
    for source in loaded.kept:
        _tell_source(source, "kept", people=people)
    if people:
        print(f"the register is in {store}")


def _tell_source(source: Source, what: str, *, people: bool) -> None:
    if people:
        refused = f", {source.refused} could not be read" if source.refused else ""
        changes = " changes" if source.delta else ""
        print(f"{what} {source.kind}{changes}: {source.rows} records as of {source.as_of}{refused}")
    else:
        print_json({"outcome": what, **plain(source)})


def _show(options: argparse.Namespace, store: Path) -> int:
    """Show the entity; the status is 1 when there is none, or more than one."""
    register = GleifRegister(store)
    found = _found(register, options)
    if isinstance(found, str):
        complain(found)
        return 1
    if options.svg:
        svg = render_chart(register_chart(found, children=register.children(found.entity.lei)))
        Path(options.svg).write_text(svg, encoding="utf-8")
    if for_people(options.json):
        for line in _lines(found, register):
            print(printable(line))
    else:
        print_json(_row(found, register))
    return 0


def _found(register: Register, options: argparse.Namespace) -> Standing | str:
    """Return the standing of what was asked for, or why there is none."""
    country = parse_country(options.country)
    if options.country and country is None:
        raise InputError(f"`--country`: `{options.country}` is no country; write it like DE")
    if looks_like_lei(options.entity):
        result = search(register, lei=options.entity)
        return result.standing or str(result.problem)
    named = [each for each in register.named(options.entity) if country in (None, *_countries(each))]
    if len(named) == 1:
        return standing_of(register, named[0], "name")
    if not named:
        return f"the register knows nobody of the name `{options.entity}`" + (f" in {country}" if country else "")
    listed = "; ".join(f"{each.lei} {each.name} ({'/'.join(_countries(each))})" for each in named[:MOST_NAMED])
    return f"{len(named)} entities bear the name; ask for one by its LEI or add `--country`: {listed}"


def _countries(entity: Entity) -> tuple[str, ...]:
    found = (entity.headquarters_address.country, entity.legal_address.country)
    return tuple(dict.fromkeys(each for each in found if each))


def _row(found: Standing, register: GleifRegister) -> dict[str, Any]:
    entity = found.entity
    return {
        "lei": entity.lei,
        "name": entity.name,
        "matched_by": found.matched_by,
        "names": list(entity.names),
        "registration": entity.registration,
        "status": entity.status,
        "category": entity.category,
        "jurisdiction": entity.jurisdiction,
        "legal_address": plain(entity.legal_address),
        "headquarters_address": plain(entity.headquarters_address),
        "direct_parents": [_step_row(step) for step in found.direct],
        "chain": [_step_row(step) for step in found.chain],
        "ultimate_parents": [_step_row(step) for step in found.ultimate],
        "exceptions": [{"category": each.category, "reasons": list(each.reasons)} for each in found.exceptions],
        "children": register.children(entity.lei),
        "notes": list(found.notes),
        "weak": found.weak,
        "as_of": register.as_of,
    }


def _step_row(step: Step) -> dict[str, Any]:
    return {
        "lei": step.lei,
        "name": step.entity.name if step.entity else None,
        "country": step.country,
        "type": step.type,
        "weak": step.weak,
    }


def _lines(found: Standing, register: GleifRegister) -> Iterable[str]:
    """Tell what the register says, a line each."""
    entity = found.entity
    yield f"{entity.name}  (LEI {entity.lei}, found by {found.matched_by})"
    if entity.names:
        yield f"  also             {'; '.join(entity.names)}"
    yield f"  record           {entity.registration or 'unknown'}, entity {entity.status or 'of unknown status'}"
    yield f"  legal address    {entity.legal_address}"
    yield f"  headquarters     {entity.headquarters_address}"
    for step in found.chain:
        yield f"  parent           {_told(step)}"
    for step in found.ultimate:
        yield f"  ultimate parent  {_told(step)}"
    if not found.ultimate:
        yield "  ultimate parent  unknown: the register names none, which does not mean that there is none"
    for each in found.exceptions:
        reasons = "; ".join(f"{reason} ({REASONS.get(reason, 'a reason of the register')})" for reason in each.reasons)
        yield f"  exception        {each.category}: {reasons or 'no reason is given'}"
    yield f"  children         {register.children(entity.lei)}"
    for note in found.notes:
        yield f"  note             {note}"
    yield f"  register         as of {register.as_of or 'unknown'}"


def _told(step: Step) -> str:
    known = f"{step.name} (LEI {step.lei}" if step.entity else f"LEI {step.lei} (no record of it"
    weak = "; weaker evidence" if step.weak else ""
    return f"{known}, {step.country or 'country unknown'}, {TYPES.get(step.type, step.type)}{weak})"
