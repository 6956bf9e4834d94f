"""The published files, in each format, whole and damaged."""

from __future__ import annotations

import gzip
import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.files import holds_changes, moment_of, read_rows
from kyc_gate.ownership.gleif.json_rows import BLOCK_BYTES
from kyc_gate.ownership.gleif.records import Address, Entity, Relationship, ReportingException, Row
from tests.ownership.gleif.published import csv_of, entity, entity_json, json_file, json_of, lei, xml_of

SOUTH = Address(lines=("1 Quay & Sons", "Floor 2"), city="Lärk", region="NO-03", country="NO", postal_code="0150")
ENTITIES: list[Row] = [
    entity(
        1,
        "Fjord »Analytics« AS",
        names=("Fjord, {Lab}", "フィヨルド"),
        legal_address=SOUTH,
        headquarters_address=Address(city="Oslo", country="NO"),
        jurisdiction="NO",
        category="GENERAL",
        legal_form="YI42",
        renewal="2027-01-01T00:00:00Z",
    ),
    entity(2, 'Quote "},{"LEI":{" Ltd', registration="LAPSED"),
    entity(3, "Old Name Ltd", registration="MERGED", status="INACTIVE", successor=lei(1)),
    entity(4, "No Status", status=None, registration="ANNULLED"),
]
RELATIONSHIPS: list[Row] = [
    Relationship(
        start=lei(1), end=lei(2), type="IS_DIRECTLY_CONSOLIDATED_BY", status="ACTIVE", registration="PUBLISHED"
    ),
    Relationship(
        start=lei(1),
        end=lei(3),
        type="IS_ULTIMATELY_CONSOLIDATED_BY",
        status=None,
        registration="LAPSED",
        since="2020-01-01",
    ),
]
EXCEPTIONS: list[Row] = [
    ReportingException(lei=lei(3), category="DIRECT_ACCOUNTING_CONSOLIDATION_PARENT", reasons=("NON_CONSOLIDATING",)),
    ReportingException(
        lei=lei(3), category="ULTIMATE_ACCOUNTING_CONSOLIDATION_PARENT", reasons=("NO_KNOWN_PERSON", "NON_PUBLIC")
    ),
]


def rows_of(data: bytes) -> list[Row | str]:
    return list(read_rows(io.BytesIO(data)))


def zipped(data: bytes, name: str = "20260101-0000-gleif-goldencopy-lei2.json") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize("written", [json_of, csv_of, xml_of])
@pytest.mark.parametrize("rows", [ENTITIES, RELATIONSHIPS, EXCEPTIONS], ids=["lei2", "rr", "repex"])
@pytest.mark.parametrize("packed", [bytes, zipped, gzip.compress], ids=["plain", "zip", "gzip"])
def test_every_format_says_the_same(
    written: Callable[[list[Row]], bytes], rows: list[Row], packed: Callable[[bytes], bytes]
) -> None:
    """JSON, CSV and XML of each kind, packed or not, are read to the same records."""
    assert rows_of(packed(written(rows))) == rows


def test_the_published_files(shared_data: Path) -> None:
    """Real files of the golden copy and of the interface are read whole."""
    folder = shared_data / "ownership" / "gleif"
    counts = {
        "20180901-gleif-concatenated-file-lei2-Top10.xml": (Entity, 10),
        "20240505-0000-gleif-goldencopy-lei2-intra-day.json.gz": (Entity, 577),
        "549300LBI3LRIZ2V8V66_lapsed.json": (Entity, 1),
        "rr_golden_copy_shape_from_api.csv": (Relationship, 121),
        "api_v1_fixtures/multi_lei_records.json": (Entity, 12),
        "api_v1_fixtures/direct-parent-reporting-exception_5299001ERX0K10IZUL40.json": (ReportingException, 1),
        "api_v1_fixtures/direct-parent-relationship_5493001KJTIIGC8Y1R12.json": (Relationship, 1),
    }
    for name, (kind, count) in counts.items():
        found = rows_of((folder / name).read_bytes())
        assert len(found) == count, name
        assert all(type(row) is kind for row in found), name
    first = rows_of((folder / "20240505-0000-gleif-goldencopy-lei2-intra-day.json.gz").read_bytes())[0]
    assert isinstance(first, Entity)
    assert (first.name, first.names, first.registration) == ("ALFA REY s.r.o.", ("ALFA REY SRO",), "LAPSED")
    assert str(first.legal_address) == "Banská 1120/4, 915 01 Nové Mesto nad Váhom, SK"


@pytest.mark.parametrize("written", [json_of, csv_of, xml_of])
def test_a_large_file_takes_little_memory(written: Callable[[list[Row]], bytes]) -> None:
    """Many blocks are read in the memory of a few."""
    one = entity(7, "x" * 4_000, legal_address=SOUTH)
    data = zipped(written([one] * 5_000))
    tracemalloc.start()
    try:
        count = sum(1 for row in read_rows(io.BytesIO(data)) if isinstance(row, Entity))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 5_000
    assert peak < 24 << 20


BAD_RECORDS = {
    "no LEI": {"Entity": {"LegalName": {"$": "X"}}, "LEI": {}},
    "NULL name": {"LEI": {"$": lei(5)}, "Entity": {"LegalName": {"$": "NULL"}}},
    "a number": {"LEI": {"$": 7}, "Entity": {"LegalName": {"$": "X"}}},
    "a text": {"LEI": "x"},
    "nothing else": {"LEI": {"$": lei(5)}},
}


@pytest.mark.parametrize("bad", BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_bad_record_is_told_and_the_others_are_read(bad: dict[str, object]) -> None:
    """What is wrong with a record takes one clause, and its neighbours stand."""
    good = [entity_json(each) for each in ENTITIES if isinstance(each, Entity)]
    found = rows_of(json_file([*good[:2], bad, *good[2:]]))
    assert [row for row in found if not isinstance(row, str)] == ENTITIES
    assert len(found) == 5


def test_a_record_that_is_no_json_is_told() -> None:
    """Broken text inside one record costs that record."""
    text = json_of(ENTITIES).replace(b'"EntityStatus": {', b'"EntityStatus": {{', 1)
    found = rows_of(text)
    assert [row for row in found if not isinstance(row, str)] == ENTITIES[1:]


def test_a_repeated_key_is_the_last_one() -> None:
    """Where a record repeats a key, what stands last counts, as in every JSON reader."""
    text = json_of(ENTITIES[:1]).replace(b'"Registration": {', b'"Registration": {}, "Registration": {', 1)
    assert rows_of(text) == ENTITIES[:1]


def test_lines_of_another_width_are_told() -> None:
    """A line of CSV with too few or too many fields is told, and the others are read."""
    lines = csv_of(EXCEPTIONS).rstrip() + b'\r\n"a","b"\r\n"a","b","c","d","e"\r\n'
    found = rows_of(lines)
    assert found[:2] == EXCEPTIONS
    assert found[2:] == ["2 fields instead of 4", "5 fields instead of 4"]


def test_a_line_of_csv_may_break_within_quotes() -> None:
    """A file is cut at the ends of records: a break within quotes is none, whatever the size of a block."""
    rows: list[Row] = [entity(n, f'One "{n}"\r\nTwo {"x" * (n % 3000)}.') for n in range(2000)]
    data = csv_of(rows)
    assert len(data) > 2 * BLOCK_BYTES
    assert rows_of(data) == rows


@pytest.mark.parametrize("at", [b'"Company 7"', b'"Company 1999"'])
def test_a_quote_that_nobody_closes_costs_its_line(at: bytes) -> None:
    """An open quote costs the line that it is in and the next; the others are read, and the damage is told."""
    rows: list[Row] = [entity(n, f"Company {n}", names=("x" * 4000,)) for n in range(2000)]
    found = rows_of(csv_of(rows).replace(at, at[:-1]))
    assert sum(isinstance(each, str) for each in found) >= 1
    assert len([each for each in found if not isinstance(each, str)]) >= 1998


def test_no_entity_expands() -> None:
    """A document type is refused before anything is expanded, wherever it stands."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    text = xml_of(ENTITIES)
    with pytest.raises(InputError, match="declares a document type"):
        rows_of(text.replace(b"<lei:LEIData", bomb + b"<lei:LEIData", 1))
    found = rows_of(text.replace(b"No Status", b"&b;", 1))
    assert [type(row) for row in found] == [Entity, Entity, Entity, str]
    inside = text.replace(b"<lei:LEI>", bomb + b"<lei:LEI>", 1)
    with pytest.raises(InputError, match="declares a document type"):
        rows_of(inside)


WHOLE = re.sub(rb"\}\s*\]", b"}]", json_of(ENTITIES))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"   \n", "the file is empty", id="blank"),
        pytest.param(WHOLE[:-40], "ends in the middle of a record", id="cut-json"),
        pytest.param(WHOLE[: WHOLE.index(b"}]") + 3], "ends in the middle of a record", id="cut-in-a-list"),
        pytest.param(WHOLE[:-2] + b"}", "ends in the middle of a record", id="no-end-of-list"),
        pytest.param(xml_of(ENTITIES)[:-40], "ends in the middle of a record", id="cut-xml"),
        pytest.param(zipped(WHOLE)[:-60], "archive is damaged", id="cut-zip"),
        pytest.param(gzip.compress(WHOLE)[:-9], "archive is damaged", id="cut-gzip"),
        pytest.param(b"PK\x03\x04nothing", "archive is damaged", id="no-zip"),
        pytest.param(b"hello,world\r\n1,2\r\n", "no golden copy in CSV", id="other-csv"),
        pytest.param(b'"hello\r\n1,2\r\n', "its header cannot be read", id="open-header"),
        pytest.param(b"<html><body>503</body></html>", "no golden copy in XML", id="other-xml"),
        pytest.param(b'{"error": "try later"}', "no golden copy in JSON", id="other-json"),
        pytest.param(b'{"records":[1,2,3]}', "the list holds no record", id="numbers"),
        pytest.param(WHOLE.decode().encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(b'LEI,Exception.Category\r\n"\xff",b\r\n', "not UTF-8", id="latin-1-csv"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-16"?><a/>', "write it in UTF-8", id="utf-16-xml"),
    ],
)
def test_a_file_that_is_none_is_refused(data: bytes, problem: str) -> None:
    """Anything else gives one clear error."""
    with pytest.raises(InputError, match=problem):
        rows_of(data)


def test_an_archive_of_two_files_is_refused() -> None:
    """A golden copy is one file; which of two is meant is not guessed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.json", WHOLE)
        archive.writestr("b.json", WHOLE)
    with pytest.raises(InputError, match="holds 2 files"):
        rows_of(file.getvalue())


def test_a_record_without_end_is_refused() -> None:
    """A record of more than 32 MB stops the reading."""
    data = b'{"records":[{"LEI":{"$":"' + b"x" * (40 << 20)
    for text in (data, b'<lei:LEIData xmlns:lei="x"><lei:LEIRecord>' + b"x" * (40 << 20)):
        with pytest.raises(InputError, match="longer than 32 MB"):
            rows_of(text)


def test_an_empty_list_holds_nothing() -> None:
    """A file of no changes is a file."""
    assert rows_of(b'{"records":[]}') == []


@pytest.mark.parametrize(
    ("name", "delta", "moment"),
    [
        ("20240505-0000-gleif-goldencopy-lei2-intra-day.json.zip", True, "2024-05-05T00:00:00Z"),
        ("20240505-0800-gleif-goldencopy-rr-last-week.csv.zip", True, "2024-05-05T08:00:00Z"),
        ("20240505-1600-gleif-goldencopy-lei2-golden-copy.xml.zip", False, "2024-05-05T16:00:00Z"),
        ("lei2.json", False, None),
        ("9845001B2AD43E664E58_issued.json", False, None),
    ],
)
def test_what_a_name_says(name: str, delta: bool, moment: str | None) -> None:
    """The published names say whether a file holds changes, and as of when."""
    assert holds_changes(io.BytesIO(WHOLE), name) is delta
    assert moment_of(name) == moment


def test_an_answer_of_the_interface_holds_some_records() -> None:
    """A saved answer never stands for the whole register."""
    assert holds_changes(io.BytesIO(json.dumps({"meta": {}, "data": []}).encode()), "answer.json")
