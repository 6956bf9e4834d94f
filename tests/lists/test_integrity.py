"""A list that is empty, damaged, hostile or no list at all: it is refused whole, or its row is named."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from kyc_gate.errors import InputError
from kyc_gate.lists import unpack, xml
from kyc_gate.lists.read import read_list, read_set
from kyc_gate.lists.reading import MOST_ALIASES, MOST_PROBLEMS
from tests.lists.conftest import names_of

FIXTURES = Path(__file__).parent / "fixtures"
CSL_HEADER = (
    "_id,source,entity_number,type,programs,name,title,addresses,federal_register_notice,start_date,end_date,"
    "license_requirement,license_policy,remarks,source_list_url,alt_names,nationalities,ids"
)
EL = "Entity List (EL) - Bureau of Industry and Security"
LINE = b'{"id":"1","name":"Sealed Machinery Works"}\n'


def csl_row(name: str, aliases: str = "") -> str:
    """One row of trade.gov's CSV."""
    cells = [""] * 18
    cells[1], cells[5], cells[15] = EL, name, aliases
    return ",".join(f'"{cell}"' for cell in cells)


def zipped(**members: bytes) -> bytes:
    """A ZIP archive of the members; `_` in a name stands for a dot."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return stream.getvalue()


def tarred() -> bytes:
    """A TAR archive with a symbolic link in it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        link = tarfile.TarInfo("lists")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    return stream.getvalue()


REFUSED = [
    pytest.param(b"", "the file is empty", id="empty"),
    pytest.param(b" \r\n\x1a", "the file is empty", id="blank"),
    pytest.param(b"<!DOCTYPE html><html><body>Back soon</body></html>", "an HTML page", id="html"),
    pytest.param(b"<html><head/></html>", "an HTML page", id="html-without-doctype"),
    pytest.param(b"Service unavailable", "the format is not known", id="words"),
    pytest.param(b'{"results": [{"source": "Entity List (EL)", "name": "A', "cut short", id="json-cut"),
    pytest.param(b'{"id":"1","name":"Sealed"}\n{"id":"2","na', "cut short in line 2", id="json-lines-cut"),
    pytest.param(f'{CSL_HEADER}\n{csl_row("A")}\n"x","Entity'.encode(), "cut short inside a quoted cell", id="csv-cut"),
    pytest.param(f"{CSL_HEADER}\n{csl_row('A')}\nx,{EL},,".encode(), "cut short in line 3", id="csv-cut-in-a-row"),
    pytest.param((FIXTURES / "seco.xml").read_bytes()[:1500], "cut short", id="xml-cut"),
    pytest.param(gzip.compress(LINE)[:-9], "cut short", id="gzip-cut"),
    pytest.param(zipped(sdn_csv=LINE)[:-30], "damaged or cut short", id="zip-cut"),
    pytest.param(CSL_HEADER.replace("alt_names", "aka").encode(), "lacks the column `alt_names`", id="column-renamed"),
    pytest.param(CSL_HEADER.replace("source,", "origin,").encode(), "the format is not known", id="source-renamed"),
    pytest.param(b"id,name,alias\n1,Sealed,SMW\n", "did you mean `aliases`", id="own-column-misspelled"),
    pytest.param(f"{CSL_HEADER}\n".encode(), "no entry could be read", id="header-alone"),
    pytest.param(b'{"total": 90, "results": [{"source": "Entity List (EL)", "name": "A"}]}', "has 90", id="shrunk"),
    pytest.param("id,name\n1,Zürich Works\n".encode("latin-1"), "line 2 is not UTF-8", id="latin-1"),
    pytest.param(
        ("id,name\n" + "\n".join(f"{n},Zürich Works {n}" for n in range(9))).encode().decode("latin-1").encode(),
        "damaged by a wrong encoding",
        id="encoded-twice",
    ),
    pytest.param(tarred(), "a TAR archive", id="tar-with-a-link"),
    pytest.param(zipped(inner_zip=zipped(a_csv=LINE)), "an archive in an archive", id="zip-in-zip"),
    pytest.param(gzip.compress(gzip.compress(LINE)), "an archive in an archive", id="gzip-in-gzip"),
    pytest.param(zipped(**{f"a{n}": LINE for n in range(65)}), "has 65 files", id="zip-of-many"),
    pytest.param(b"<Sanctions2/>", "the XML's root is `Sanctions2`", id="unknown-xml"),
]


@pytest.mark.parametrize(("data", "says"), REFUSED)
def test_a_file_that_is_not_a_whole_list_is_refused(data: bytes, says: str) -> None:
    """It is an error of one line that says what is wrong, and never an empty list."""
    with pytest.raises(InputError, match=says) as caught:
        read_list("list.csv", data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "front",
    [
        pytest.param('<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>', id="external-entity"),
        pytest.param('<!DOCTYPE e SYSTEM "http://127.0.0.1:1/x.dtd">', id="external-type"),
        pytest.param('<!DOCTYPE e [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>', id="billion-laughs"),
    ],
)
def test_xml_with_entities_is_refused(front: str) -> None:
    """No published list has a document type, so none is read: nothing is fetched and nothing expands."""
    text = f"<?xml version='1.0'?>{front}<export><sanctionEntity euReferenceNumber='1'/></export>"
    with pytest.raises(InputError, match="a document type"):
        read_list("list.xml", text.encode())


def test_deep_and_endless_xml_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements are bounded in depth and in number, so that a record cannot fill the memory."""
    with pytest.raises(InputError, match="within each other"):
        read_list("list.xml", b"<export>" + b"<a>" * 100_000)
    monkeypatch.setattr(xml, "LARGEST_RECORD", 1_000)
    with pytest.raises(InputError, match="a record of more than 1000 elements"):
        read_list("list.xml", b"<export><sanctionEntity>" + b"<a/>" * 5_000 + b"</sanctionEntity></export>")


@pytest.mark.parametrize(
    "pack", [pytest.param(gzip.compress, id="gzip"), pytest.param(lambda data: zipped(a_csv=data), id="zip")]
)
def test_a_bomb_is_refused_by_what_it_unpacks_to(pack: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are counted as they come; what an archive says of its size does not matter."""
    monkeypatch.setattr(unpack, "LARGEST_LIST", 100_000)
    with pytest.raises(InputError, match="larger than 100000 bytes"):
        read_list("list", pack(b"0" * 10_000_000))  # type: ignore[operator]


def test_an_archive_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member called `../../x` is read like any other, and no file appears."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert len(read_list("list.zip", zipped(**{"../../x": LINE})).entries) == 1
    assert list(tmp_path.rglob("x")) == []


def test_a_byte_order_mark_line_ends_and_quoted_line_breaks_change_nothing() -> None:
    """UTF-8 with a mark, CRLF and a line break in quotes give the same entries."""
    plain = f"{CSL_HEADER}\n{csl_row('Sealed Machinery Works', 'SMW; Sealed')}\n"
    other = "\ufeff" + plain.replace("\n", "\r\n").replace("Sealed Machinery", "Sealed\r\nMachinery")
    assert read_list("a", plain.encode()).entries == read_list("b", other.encode()).entries
    assert read_list("c", plain.encode("utf-16")).entries == read_list("a", plain.encode()).entries


def test_a_nameless_row_is_dropped_and_named() -> None:
    """A blank name would match nobody or everybody: it is no entry, and its line is told."""
    reading = read_list("list.csv", f"{CSL_HEADER}\n{csl_row(' ')}\n{csl_row('Sealed')}\n{csl_row('--')}\n".encode())
    assert [entry.name for entry in reading.entries] == ["Sealed"]
    assert [problem.split(":")[0] for problem in reading.problems] == ["list.csv, line 2", "list.csv, line 4"]


def test_a_legal_form_is_no_name() -> None:
    """`Co., Ltd.` as a name gives way to an alias, as an alias it is weak, and alone it is a problem."""
    lines = [
        {"id": "1", "name": "Co., Ltd.", "aliases": ["Sealed Machinery"]},
        {"id": "2", "name": "Sealed Works", "aliases": ["LLC"]},
        {"id": "3", "name": "Limited Liability Company"},
    ]
    reading = read_list("list.jsonl", "\n".join(map(json.dumps, lines)).encode())
    assert [names_of(entry) for entry in reading.entries] == [["Sealed Machinery"], ["Sealed Works", "LLC"]]
    assert reading.entries[1].aliases[0].weak
    assert len(reading.problems) == 2


def test_aliases_are_bounded() -> None:
    """An entry with 100,000 aliases keeps the first of them, and says so."""
    line = {"id": "1", "name": "Sealed", "aliases": [f"Sealed Works {number}" for number in range(100_000)]}
    reading = read_list("list.jsonl", json.dumps(line).encode())
    assert len(reading.entries[0].aliases) == MOST_ALIASES
    assert "100000 aliases" in reading.problems[0]


def test_problems_are_bounded() -> None:
    """A file of nothing but problems names ten thousand of them and counts the others."""
    reading = read_list("list.jsonl", LINE + b"[]\n" * (MOST_PROBLEMS + 7))
    assert len(reading.problems) == MOST_PROBLEMS + 1
    assert reading.problems[-1] == "list.jsonl: 7 more rows with problems"


def test_control_characters_are_kept_as_published() -> None:
    """An escape sequence in a name is data: it is kept raw, and whoever shows it escapes it."""
    reading = read_list("list.jsonl", b'{"id":"1","name":"Sealed \\u001b[31mWorks"}')
    assert reading.entries[0].name == "Sealed \x1b[31mWorks"


def test_a_folder_is_read_as_a_set(tmp_path: Path) -> None:
    """Parts are joined, an index beside them is left out with a note, and one bad file refuses the whole set."""
    files = {
        "SDN.CSV": b'36,"AERO WORKS",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n\x1a',
        "ALT.CSV": b'36,12,"aka","AERO-WORKS",-0- \r\n\x1a',
        "ADD.CSV": b'36,25,-0- ,"Havana","Cuba",-0- \r\n\x1a',
        "own.jsonl": LINE,
        "index.json": b'{"datasets": []}',
    }
    own, treasury = read_set(files)
    assert names_of(treasury.entries[0]) == ["AERO WORKS", "AERO-WORKS"]
    assert (treasury.entries[0].countries, treasury.files) == (("CU",), ("ADD.CSV", "ALT.CSV", "SDN.CSV"))
    assert any("index.json" in note for note in own.notes)
    with pytest.raises(InputError, match=r"page\.csv"):
        read_set({**files, "page.csv": b"<html></html>"})
    archive = read_list("sdall.zip", zipped(SDN_CSV=files["SDN.CSV"], ALT_CSV=files["ALT.CSV"]))
    assert names_of(archive.entries[0]) == ["AERO WORKS", "AERO-WORKS"]


HOSTILE = {
    "blanks": " " * 200_000 + "x",
    "brackets": "x (aka " + "(" * 100_000,
    "separators": "x" + " ,;-" * 50_000,
    "aliases": "[aka " * 40_000,
    "boilerplate": "and any " * 30_000 + "successor",
    "addresses": "x" + "; y" * 80_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str) -> None:
    """Fields of a hundred thousand characters, made to trip patterns, are read in a moment; the names are cut."""
    row = {"source": EL, "name": f"Sealed {text}", "alt_names": [text], "remarks": text, "dates_of_birth": [text]}
    row |= {"addresses": [{"address": text, "country": text}], "ids": [{"type": text, "number": text}]}
    cells = [""] * 18
    for column in (4, 5, 7, 9, 13, 15, 16, 17):
        cells[column] = text
    cells[1], cells[5] = EL, f"Sealed {text}"
    quoted = ",".join(f'"{cell}"' for cell in cells)
    start = time.process_time()
    for data in (json.dumps({"results": [row]}).encode(), f"{CSL_HEADER}\n{quoted}\n".encode()):
        reading = read_list("list", data)
        assert len(reading.entries[0].name) <= 2_000
        assert any("was cut" in problem for problem in reading.problems)
    assert time.process_time() - start < 10


def test_tabs_and_semicolons_part_cells_as_commas_do() -> None:
    """trade.gov's TSV, or a list that a spreadsheet saved with semicolons, reads like its CSV."""
    plain = f"{CSL_HEADER}\n{csl_row('Sealed', 'SMW')}\n"
    for delimiter in ("\t", ";"):
        assert read_list("a", plain.replace(",", delimiter).encode()).entries == read_list("b", plain.encode()).entries


def test_a_single_object_over_several_lines_is_a_list_of_one() -> None:
    """JSON lines of one entry, written for people, are read as well."""
    assert names_of(read_list("a", b'{\n "id": "1",\n "name": "Sealed"\n}\n').entries[0]) == ["Sealed"]
    assert names_of(read_list("a", b'[{"id": "1", "name": "Sealed"}]').entries[0]) == ["Sealed"]
