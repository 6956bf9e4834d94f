"""The LEI register: a golden copy of a million entities built into a store, and looked up, beside plain readers.

The files are laid out as GLEIF publishes them (indented JSON, each value under `$`, zipped), with the mean size of the
records published in May 2024, and are made anew for each run: entities, and as many relationships and exceptions. The
plain readers hold the whole file, as most scripts do: `json.load` and `ElementTree.parse`, on a tenth of the entities,
since a million do not fit into this memory.
`python -m benchmarks gleif` measures a million in JSON; `KYC_GATE_BENCH_LEIS` sets another number, and
`KYC_GATE_BENCH_FORMATS=json,csv,xml` measures other formats too.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

from kyc_gate.storage.gleif import GleifRegister, load_register

ENTITIES = int(os.environ.get("KYC_GATE_BENCH_LEIS", "1000000"))
FORMATS = os.environ.get("KYC_GATE_BENCH_FORMATS", "json").split(",")
WORKERS = int(os.environ.get("KYC_GATE_BENCH_WORKERS", "2"))
LOOKUPS = 20_000


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for form in FORMATS:
            _measure(folder, form)


def _measure(folder: Path, form: str) -> None:
    files = {count: golden_copy(folder, form, count) for count in (ENTITIES, ENTITIES // 10)}
    store = folder / f"{form}.db"
    seconds, peak, busy = _apart(_load, files[ENTITIES], store)
    print(f"{form}: {ENTITIES:,} entities, {files[ENTITIES].stat().st_size / 1e6:.0f} MB zipped")
    print(
        f"  kyc-gate owners pull     {ENTITIES / seconds:>9,.0f} rows/s  {seconds:6.1f} s"
        f" ({busy:.1f} s of processor time)  peak {peak:6.0f} MB"
    )
    for kind in ("rr", "repex"):
        file = golden_copy(folder, form, ENTITIES, kind)
        seconds, peak, busy = _apart(_load, file, folder / f"{form}-{kind}.db")
        print(
            f"  {kind:<24} {ENTITIES / seconds:>9,.0f} rows/s  {seconds:6.1f} s"
            f" ({busy:.1f} s of processor time)  peak {peak:6.0f} MB"
        )
        file.unlink()
    plain: Callable[[Path], int] | None = {"json": _plain_json, "xml": _plain_xml}.get(form)
    if plain is not None:
        tenth = files[ENTITIES // 10]
        ours, our_peak, our_busy = _apart(_load, tenth, folder / "tenth.db")
        theirs, their_peak, their_busy = _apart(plain, tenth)
        name = {"json": "json.load", "xml": "ElementTree.parse"}[form]
        print(
            f"  a tenth of it, with index {ENTITIES / 10 / ours:>8,.0f} rows/s  {ours:6.1f} s  peak {our_peak:6.0f} MB"
        )
        rate = ENTITIES / 10 / theirs
        print(
            f"  a tenth of it, {name:<17} {rate:>2,.0f} rows/s  {theirs:6.1f} s  peak {their_peak:6.0f} MB"
            f"  (parsed only, nothing stored: {theirs / ours:.2f} x our time,"
            f" {their_busy / our_busy:.2f} x our processor time, {their_peak / our_peak:.1f} x our memory)"
        )
    _look_up(store)


def _look_up(store: Path) -> None:
    register = GleifRegister(store)
    chosen = random.Random(7).sample(range(ENTITIES), min(LOOKUPS, ENTITIES))
    asked: dict[str, Callable[[int], object]] = {
        "by LEI": lambda number: register.entity(lei(number)),
        "by name": lambda number: register.named(name_of(number).upper()),
        "parents": lambda number: register.above(lei(number)),
    }
    for what, look in asked.items():
        took = []
        for number in chosen:
            start = time.perf_counter_ns()
            found = look(number)
            took.append((time.perf_counter_ns() - start) / 1000)
            assert what == "parents" or found
        cuts = statistics.quantiles(took, n=100)
        print(f"  look-up {what:<10} p50 {cuts[49]:6.0f} us  p99 {cuts[98]:6.0f} us  max {max(took):6.0f} us")


def _apart(work: Callable[..., int], *arguments: Path) -> tuple[float, float, float]:
    """Return seconds, peak memory in MB and seconds of processor time of `work` in processes of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_timed, work, arguments).result()


def _timed(work: Callable[..., int], arguments: tuple[Path, ...]) -> tuple[float, float, float]:
    start, busy = time.perf_counter(), _busy()
    work(*arguments)
    seconds = time.perf_counter() - start
    # As if each process were at its largest at the same moment; what they share is counted in each.
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return seconds, (own + WORKERS * others) / 1024, _busy() - busy


def _busy() -> float:
    """Return seconds of processor time of this process and of those that it started and that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def _load(file: Path, store: Path) -> int:
    return load_register(store, [file], workers=WORKERS).sources[0].rows


def _plain_json(file: Path) -> int:
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as opened:
        return len(json.load(opened)["records"])


def _plain_xml(file: Path) -> int:
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as opened:
        return len(ElementTree.parse(opened).getroot()[1])


def golden_copy(folder: Path, form: str, count: int, kind: str = "lei2") -> Path:
    """Return a zipped golden copy of `count` entities, relationships (`rr`) or reporting exceptions (`repex`)."""
    file = folder / f"20260901-0000-gleif-goldencopy-{kind}-{count}.{form}.zip"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{kind}.{form}", "w", force_zip64=True) as target,
    ):
        pieces = {"json": _json, "csv": _csv, "xml": _xml}[form]
        for piece in pieces(count) if kind == "lei2" else _level2(form, kind, count):
            target.write(piece.encode())
    return file


_WORDS = ("Fjord", "Lark", "Quay", "Северный", "Nordic", "東洋", "Atlas", "Río", "Ümit", "Harbour", "Vega", "Zenith")
_FORMS = (
    ("GmbH", "DE"),
    ("Ltd", "GB"),
    ("S.A.", "FR"),
    ("Inc.", "US"),
    ("株式会社", "JP"),
    ("有限公司", "CN"),
    ("AS", "NO"),
)


def lei(number: int) -> str:
    """Return a valid LEI for a number."""
    body = f"5299{number:014d}"
    return f"{body}{98 - int(body + '00') % 97:02d}"


def name_of(number: int) -> str:
    """Return the legal name of an entity."""
    first, second = _WORDS[number % 12], _WORDS[number // 12 % 12]
    return f"{first} {second} {number} Holdings & Partners {_FORMS[number % 7][0]}"


def _level2(form: str, kind: str, count: int) -> Iterator[str]:
    record = {"rr": _RELATIONSHIP, "repex": _EXCEPTION}[kind]
    root, holder, tag = {
        "rr": ("RelationshipData", "relations", "RelationshipRecord"),
        "repex": ("ReportingExceptionData", "exceptions", "Exception"),
    }[kind]
    flat = _flat(record)
    layouts = {
        "json": json.dumps(record, indent=4),
        "csv": ",".join(f'"{cell}"' for cell in flat.values()) + "\r\n",
        "xml": _elements(record.get("RelationshipRecord", record), f"{kind}:{tag}", f"{kind}:"),
    }
    starts = {
        "json": f'{{"{holder}":[\n',
        "csv": ",".join(f'"{name}"' for name in flat) + "\r\n",
        "xml": f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind}:{root} xmlns:{kind}="http://www.gleif.org/{kind}">\n',
    }
    yield starts[form]
    for number in range(count):
        values = {"lei": lei(number), "above": lei(number // 7), "day": f"20{number % 25:02d}-{number % 12 + 1:02d}-01"}
        yield (",\n" if number and form == "json" else "") + layouts[form] % values
    yield {"json": "]}", "csv": "", "xml": f"</{kind}:{root}>\n"}[form]


def _flat(record: dict[str, object]) -> dict[str, str]:
    """Return the columns and cells of a level-2 record in CSV."""
    if "LEI" in record:
        return {"LEI": "%(lei)s", "Exception.Category": _ULTIMATE, "Exception.Reason.1": "NO_KNOWN_PERSON"}
    return {
        "Relationship.StartNode.NodeID": "%(lei)s",
        "Relationship.StartNode.NodeIDType": "LEI",
        "Relationship.EndNode.NodeID": "%(above)s",
        "Relationship.EndNode.NodeIDType": "LEI",
        "Relationship.RelationshipType": "IS_DIRECTLY_CONSOLIDATED_BY",
        "Relationship.RelationshipStatus": "ACTIVE",
        **{
            f"Relationship.Period.{number}.{part}": cell
            for number, period in enumerate(("RELATIONSHIP_PERIOD", "ACCOUNTING_PERIOD"), 1)
            for part, cell in (("startDate", "%(day)s"), ("endDate", ""), ("periodType", period))
        },
        "Registration.LastUpdateDate": "2026-05-04T00:00:00Z",
        "Registration.RegistrationStatus": "PUBLISHED",
        "Registration.ValidationSources": "FULLY_CORROBORATED",
    }


_ULTIMATE = "ULTIMATE_ACCOUNTING_CONSOLIDATION_PARENT"
_EXCEPTION: dict[str, object] = {
    "LEI": {"$": "%(lei)s"},
    "ExceptionCategory": {"$": _ULTIMATE},
    "ExceptionReason": {"$": "NO_KNOWN_PERSON"},
}
_RELATIONSHIP: dict[str, object] = {
    "RelationshipRecord": {
        "Relationship": {
            "StartNode": {"NodeID": {"$": "%(lei)s"}, "NodeIDType": {"$": "LEI"}},
            "EndNode": {"NodeID": {"$": "%(above)s"}, "NodeIDType": {"$": "LEI"}},
            "RelationshipType": {"$": "IS_DIRECTLY_CONSOLIDATED_BY"},
            "RelationshipPeriods": {
                "RelationshipPeriod": [
                    {"StartDate": {"$": "%(day)s"}, "PeriodType": {"$": "RELATIONSHIP_PERIOD"}},
                    {"StartDate": {"$": "%(day)s"}, "PeriodType": {"$": "ACCOUNTING_PERIOD"}},
                ]
            },
            "RelationshipStatus": {"$": "ACTIVE"},
        },
        "Registration": {
            "LastUpdateDate": {"$": "2026-05-04T00:00:00Z"},
            "RegistrationStatus": {"$": "PUBLISHED"},
            "ValidationSources": {"$": "FULLY_CORROBORATED"},
        },
    }
}


def _json(count: int) -> Iterator[str]:
    yield '{"records":[\n'
    for number in range(count):
        yield (",\n" if number else "") + _JSON % _values(number)
    yield "]}"


def _values(number: int) -> dict[str, str]:
    country = _FORMS[number % 7][1]
    return {
        "lei": lei(number),
        "name": name_of(number),
        "other": f"Trading Name {number}",
        "line": f"{number % 997} Long Quay Street, Building {number % 31}",
        "line2": f"Floor {number % 40}, Office {number % 700}",
        "city": f"Harbour City {number % 5000}",
        "region": f"{country}-{number % 90:02d}",
        "country": country,
        "code": f"{number % 99999:05d}",
        "registered": f"HRB {number}",
        "status": "LAPSED" if number % 3 == 0 else "ISSUED",
    }


def _pretty() -> str:
    """Return one record as it is published, with places for values."""

    def said(value: str) -> dict[str, str]:
        return {"$": value}

    address = {
        "@xml:lang": "en",
        "FirstAddressLine": said("%(line)s"),
        "AdditionalAddressLine": said("%(line2)s"),
        "City": said("%(city)s"),
        "Region": said("%(region)s"),
        "Country": said("%(country)s"),
        "PostalCode": said("%(code)s"),
    }
    record = {
        "LEI": said("%(lei)s"),
        "Entity": {
            "LegalName": {"@xml:lang": "en", "$": "%(name)s"},
            "TransliteratedOtherEntityNames": {
                "TransliteratedOtherEntityName": [
                    {"@xml:lang": "en", "@type": "AUTO_ASCII_TRANSLITERATED_LEGAL_NAME", "$": "%(other)s"}
                ]
            },
            "LegalAddress": address,
            "HeadquartersAddress": address,
            "RegistrationAuthority": {
                "RegistrationAuthorityID": said("RA000526"),
                "RegistrationAuthorityEntityID": said("%(registered)s"),
            },
            "LegalJurisdiction": said("%(country)s"),
            "EntityCategory": said("GENERAL"),
            "LegalForm": {"EntityLegalFormCode": said("2HBR")},
            "EntityStatus": said("ACTIVE"),
            "EntityCreationDate": said("2017-09-20T08:00:00+02:00"),
        },
        "Registration": {
            "InitialRegistrationDate": said("2018-03-27T00:00:00+02:00"),
            "LastUpdateDate": said("2026-05-04T00:00:00+02:00"),
            "RegistrationStatus": said("%(status)s"),
            "NextRenewalDate": said("2027-05-03T08:31:20.554+02:00"),
            "ManagingLOU": said("097900BEFH0000000217"),
            "ValidationSources": said("FULLY_CORROBORATED"),
            "ValidationAuthority": {
                "ValidationAuthorityID": said("RA000526"),
                "ValidationAuthorityEntityID": said("%(registered)s"),
            },
        },
        "Extension": {"gleif:conformity": {"gleif:conformityflag": said("CONFORMING")}},
    }
    return json.dumps(record, indent=4)


_JSON = _pretty()


def _elements(value: object, tag: str, prefix: str = "lei:") -> str:
    if isinstance(value, list):
        return "".join(_elements(each, tag, prefix) for each in value)
    assert isinstance(value, dict)
    language = ' xml:lang="en"' if "@xml:lang" in value else ""
    inside = value.get("$", "") + "".join(
        _elements(child, f"{prefix}{name}", prefix)
        for name, child in value.items()
        if name[0] not in "@$" and ":" not in name
    )
    return f"<{tag}{language}>{inside}</{tag}>\n"


_XML = _elements(json.loads(_JSON), "lei:LEIRecord")


def _xml(count: int) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<lei:LEIData xmlns:lei="http://www.gleif.org/data/schema/leidata/2016">'
    yield "<lei:LEIHeader><lei:ContentDate>2026-09-01T00:00:00Z</lei:ContentDate></lei:LEIHeader>\n<lei:LEIRecords>\n"
    for number in range(count):
        yield (_XML % _values(number)).replace(" & ", " &amp; ")
    yield "</lei:LEIRecords>\n</lei:LEIData>\n"


# The golden copy in CSV has some 340 columns, most of them empty.
_ADDRESS = ("FirstAddressLine", "AdditionalAddressLine.1", "City", "Region", "Country", "PostalCode")
_COLUMNS = (
    "LEI",
    "Entity.LegalName",
    "Entity.OtherEntityNames.OtherEntityName.1",
    *(f"Entity.LegalAddress.{part}" for part in _ADDRESS),
    *(f"Entity.HeadquartersAddress.{part}" for part in _ADDRESS),
    "Entity.EntityStatus",
    "Registration.RegistrationStatus",
    *(
        f"Entity.OtherAddresses.OtherAddress.{n}.{part}"
        for n in range(1, 41)
        for part in (*_ADDRESS, "xmllang", "type")
    ),
)


def _csv(count: int) -> Iterator[str]:
    yield ",".join(f'"{name}"' for name in _COLUMNS) + "\r\n"
    empty = ',""' * 320
    for number in range(count):
        value = _values(number)
        address = [value[part] for part in ("line", "line2", "city", "region", "country", "code")]
        cells = [value["lei"], value["name"], value["other"], *address, *address, "ACTIVE", value["status"]]
        yield ",".join(f'"{cell}"' for cell in cells) + empty + "\r\n"


if __name__ == "__main__":
    sys.exit(main())
