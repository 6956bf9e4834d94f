"""Lists of every format with bytes cut, changed, doubled and put in: an answer or a refusal, and nothing else."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from kyc_gate.errors import InputError
from kyc_gate.lists.read import ListReading, read_list

FIXTURES = Path(__file__).parent / "fixtures"
PUT_IN = (
    b"\0", b"\xff", b'"', b"<", b">", b",", b";", b"\n", b"\r", b"\t", b"&#0;", b"{", b"}", b"[", b"]", b"null", b"\x1a",
    b"\xed\xa0\x80", b"1e999", b"-0- ", b"<!DOCTYPE a>", b"\xef\xbb\xbf", b"PK\x03\x04",
)  # fmt: skip


def workbook() -> bytes:
    """A workbook in the shape of Australia's list."""
    book = Workbook()
    book.active.append(["Reference", "Name of Individual or Entity", "Type", "Name Type"])
    for reference, name, kind in (
        (1.0, "Sealed Works", "Primary Name "),
        ("1a", "SMW", "Aka"),
        ("1b1", "Печать", "Original script"),
    ):
        book.active.append([reference, name, "Entity ", kind])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def archive() -> bytes:
    """Two of Treasury's files in a ZIP."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(
            "SDN.CSV",
            '36,"AERO WORKS",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1 Jan 1950; a.k.a. \'X\'."\n',
        )
        zipped.writestr("ALT.CSV", '36,12,"aka","AERO-WORKS",-0- \n')
    return stream.getvalue()


def samples() -> dict[str, bytes]:
    """A small list of each format, and one in each kind of archive."""
    found = {file.name: file.read_bytes() for file in FIXTURES.iterdir() if file.suffix != ".md"}
    found["csl.json"] = (
        b'{"total":1,"results":[{"source":"Entity List (EL)","name":"Sealed","alt_names":["SMW; X"],"addresses":[{"country":"CG"}],"ids":[{"type":"Passport","number":"1"}]}]}'
    )
    found["own.jsonl"] = (
        b'{"id":"1","name":"Sealed","aliases":["SMW",{"name":"X","kind":"weak"}]}\n{"id":"2","name":"Works"}\n'
    )
    found["own.csv"] = b"id,name,aliases,country\n1,Sealed,SMW; X,NO\n2,Works,,\n"
    found["senzing.json"] = (
        b'{"DATA_SOURCE":"T","RECORD_ID":"1","NAMES":[{"NAME_ORG":"Sealed"}],"ADDRESSES":[{"ADDR_FULL":"1 Forge Lane"}]}\n'
    )
    found["ftm.json"] = (
        b'{"id":"1","schema":"Company","caption":"Sealed","properties":{"name":["Sealed"]},"datasets":["t"],"target":true}\n'
    )
    found["extract.json"] = (
        b'{"list_id":"dow-1260h","count":1,"entities":[{"name":"Sealed (aka SMW)","aliases":["X"],"country":"China"}]}'
    )
    found["un.xml"] = (
        b'<CONSOLIDATED_LIST dateGenerated="2026-02-27T00:00:09Z"><ENTITIES><ENTITY><DATAID>1</DATAID><FIRST_NAME>ACME ; ABC</FIRST_NAME></ENTITY></ENTITIES></CONSOLIDATED_LIST>'
    )
    found["sema.xml"] = (
        b"<data-set><record><Country>Burma / Birmanie</Country><Entity>Sealed</Entity><Aliases>SMW, X</Aliases></record></data-set>"
    )
    found["sdn.xml"] = (
        b"<sdnList><sdnEntry><uid>1</uid><lastName>SEALED</lastName><sdnType>Entity</sdnType></sdnEntry></sdnList>"
    )
    found["au.xlsx"], found["sdn.zip"], found["own.gz"] = workbook(), archive(), gzip.compress(found["own.jsonl"])
    return found


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes after a few accidents."""
    kept = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        start = chance.randrange(len(kept) + 1)
        end = min(len(kept), start + chance.choice((1, 3, 30, 500)))
        match chance.randrange(6):
            case 0:
                del kept[start:]
            case 1:
                kept[start:start] = chance.choice(PUT_IN)
            case 2:
                del kept[start:end]
            case 3:
                kept[start:start] = kept[start:end] * chance.choice((1, 5))
            case 4:
                kept[start:end] = bytes(255 - byte for byte in kept[start:end])
            case _:
                kept[start:end] = chance.randbytes(end - start)
    return bytes(kept)


SAMPLES = samples()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_whole_sample_is_read(name: str) -> None:
    """Each sample is a list before anything happens to it, so that the next test damages something."""
    assert read_list(name, SAMPLES[name]).entries


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_gives_an_answer_or_a_refusal(name: str) -> None:
    """Whatever happens to the bytes, a reading has entries with names, or the error is of one line."""
    chance = random.Random(name)  # noqa: S311
    for _ in range(25 if name == "au.xlsx" else 120):
        answer = answered(name, damaged(SAMPLES[name], chance))
        if isinstance(answer, ListReading):
            assert all(entry.name and entry.list and entry.id for entry in answer.entries)
        else:
            assert answer.startswith("list `")
            assert "\n" not in answer


def answered(name: str, data: bytes) -> ListReading | str:
    """The reading, or the words of the refusal."""
    try:
        return read_list(name, data)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith((".xml", ".json", ".zip", ".gz", ".xlsx"))])
def test_a_front_part_is_never_taken_for_the_whole(name: str) -> None:
    """Wherever such a file breaks off, it is refused: no part of a list becomes active."""
    data = SAMPLES[name].rstrip()
    for end in range(1, len(data), max(1, len(data) // 40)):
        with pytest.raises(InputError):
            read_list(name, data[:end])
