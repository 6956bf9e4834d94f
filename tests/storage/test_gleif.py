"""The LEI register on disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kyc_gate.errors import InputError, StorageFault
from kyc_gate.ownership.gleif.json_rows import BLOCK_BYTES
from kyc_gate.ownership.gleif.records import Address, Entity, Relationship, ReportingException, Row
from kyc_gate.ownership.register import search
from kyc_gate.storage.gleif import GleifRegister, load_register
from tests.ownership.gleif.published import csv_of, entity, json_of, lei, xml_of

NORWAY, CHINA = Address(city="Oslo", country="NO"), Address(city="深圳", country="CN")
LEVEL1: list[Row] = [
    entity(1, "Fjord Analytics AS", headquarters_address=NORWAY, legal_address=NORWAY, names=("Fjord AI",)),
    entity(2, "Middle Holding Ltd", headquarters_address=NORWAY, legal_address=NORWAY),
    entity(
        3, "深圳控股有限公司", headquarters_address=CHINA, legal_address=CHINA, names=("Shenzhen Holding Co., Limited",)
    ),
    entity(4, "Fjord Analytics AS", registration="ANNULLED", headquarters_address=CHINA),
]
DIRECT, ULTIMATE = "IS_DIRECTLY_CONSOLIDATED_BY", "IS_ULTIMATELY_CONSOLIDATED_BY"


def above(start: int, end: int, kind: str = DIRECT, **more: str) -> Relationship:
    given = {"status": "ACTIVE", "registration": "PUBLISHED", **more}
    return Relationship(start=lei(start), end=lei(end), type=kind, **given)


RELATIONS: list[Row] = [above(1, 2), above(2, 3), above(1, 3, ULTIMATE)]
EXCEPTIONS: list[Row] = [
    ReportingException(lei=lei(3), category="ULTIMATE_ACCOUNTING_CONSOLIDATION_PARENT", reasons=("NO_KNOWN_PERSON",))
]


def saved(folder: Path, name: str, data: bytes) -> Path:
    file = folder / name
    file.write_bytes(data)
    return file


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A register of four entities, loaded from one file of each format."""
    path = tmp_path / "register #1?.db"
    files = [
        saved(tmp_path, "20260901-0000-gleif-goldencopy-lei2-golden-copy.json", json_of(LEVEL1)),
        saved(tmp_path, "20260901-0000-gleif-goldencopy-rr-golden-copy.csv", csv_of(RELATIONS)),
        saved(tmp_path, "20260901-0000-gleif-goldencopy-repex-golden-copy.xml", xml_of(EXCEPTIONS)),
    ]
    loaded = load_register(path, files)
    assert [(each.kind, each.rows, each.refused) for each in loaded.sources] == [
        ("lei2", 4, 0),
        ("rr", 3, 0),
        ("repex", 1, 0),
    ]
    return path


def test_what_was_loaded_is_found(store: Path) -> None:
    """By LEI, by exact name in any spelling, upwards, and downwards; records that say nothing bear no name."""
    register = GleifRegister(store)
    assert register.entity(lei(1)) == LEVEL1[0]
    assert [each.lei for each in register.named("FJORD ANALYTICS, A.S.")] == [lei(1)]
    assert [each.lei for each in register.named("Shenzhen Holding Company Ltd")] == [lei(3)]
    assert register.named("Fjord Analytic AS") == ()
    assert register.named("") == ()
    assert {each.end for each in register.above(lei(1))} == {lei(2), lei(3)}
    assert register.exceptions(lei(3)) == tuple(EXCEPTIONS)
    assert register.children(lei(3)) == 1
    assert register.entity(lei(99)) is None
    assert register.as_of == "2026-09-01T00:00:00Z"


def test_the_way_up(store: Path) -> None:
    """A party with an LEI gets its chain of parents and the reasons of the last one."""
    found = search(GleifRegister(store), lei=lei(1).lower()).standing
    assert found is not None
    assert [step.name for step in found.chain] == ["Middle Holding Ltd", "深圳控股有限公司"]
    assert [(step.country, step.weak) for step in found.ultimate] == [("CN", False)]


def test_the_last_one_that_is_known_is_no_ultimate_parent_that_is_reported(tmp_path: Path) -> None:
    """Where only direct parents are reported, the last one stands for the ultimate parent as weak evidence."""
    path = tmp_path / "r.db"
    relations: list[Row] = [above(1, 2), above(2, 9)]
    load_register(path, [saved(tmp_path, "lei2.json", json_of(LEVEL1)), saved(tmp_path, "rr.json", json_of(relations))])
    register = GleifRegister(path)
    found = search(register, lei=lei(1)).standing
    assert found is not None
    assert [(step.lei, step.weak) for step in found.ultimate] == [(lei(9), True)]
    assert f"the register has no record of LEI {lei(9)}" in found.notes
    assert any("the last one that is known" in note for note in found.notes)
    load_register(path, [saved(tmp_path, "rr.json", json_of(relations[:1]))], may_shrink=True)
    last = search(GleifRegister(path), lei=lei(1)).standing
    assert last is not None
    assert [(step.country, step.weak) for step in last.ultimate] == [("NO", True)]
    assert not any("renewed" in note or "no record" in note for note in last.notes)


def test_changes_are_laid_over(store: Path, tmp_path: Path) -> None:
    """A file of changes replaces the records that it holds; whatever it does not hold stands."""
    moved = entity(1, "Fjord Intelligence AS", headquarters_address=CHINA, updated="2026-09-02T00:00:00Z")
    changes = saved(tmp_path, "20260902-0800-gleif-goldencopy-lei2-intra-day.json", json_of([moved]))
    ended = saved(tmp_path, "20260902-0800-gleif-goldencopy-rr-delta.json", json_of([above(1, 2, status="INACTIVE")]))
    loaded = load_register(store, [changes, ended])
    assert [each.delta for each in loaded.sources] == [True, True]
    assert [each.kind for each in loaded.kept] == ["lei2", "rr", "repex"]
    register = GleifRegister(store)
    assert register.entity(lei(1)) == moved
    assert register.named("Fjord Analytics AS") == ()
    assert register.entity(lei(2)) == LEVEL1[1]
    assert {(each.type, each.status) for each in register.above(lei(1))} == {(DIRECT, "INACTIVE"), (ULTIMATE, "ACTIVE")}
    assert register.as_of == "2026-09-02T08:00:00Z"


def test_a_kind_that_is_not_given_is_kept(store: Path, tmp_path: Path) -> None:
    """A new level-1 file leaves relationships and exceptions as they were."""
    load_register(store, [saved(tmp_path, "20261001-0000-lei2.json", json_of(LEVEL1[:3]))])
    register = GleifRegister(store)
    assert register.entity(lei(4)) is None
    assert len(register.above(lei(1))) == 2
    assert register.exceptions(lei(3)) == tuple(EXCEPTIONS)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(json_of(LEVEL1)[:-30], "ends in the middle", id="cut"),
        pytest.param(json_of(LEVEL1[:1]), "has 1 records where 4 are held", id="shrunk"),
        pytest.param(b'{"records":[{"LEI":{"$":"x"}},{"LEI":{"$":"y"}}]}', "holds no record", id="nothing-read"),
    ],
)
def test_a_bad_file_changes_nothing(store: Path, tmp_path: Path, data: bytes, problem: str) -> None:
    """The register stands as it was, and nothing else is left behind."""
    before = store.read_bytes()
    with pytest.raises(InputError, match=problem):
        load_register(store, [saved(tmp_path, "20261001-0000-lei2.json", data)])
    assert store.read_bytes() == before
    assert [file for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_shrinking_may_be_accepted(store: Path, tmp_path: Path) -> None:
    """Whoever says so gets the smaller register."""
    load_register(store, [saved(tmp_path, "20261001-0000-lei2.json", json_of(LEVEL1[:1]))], may_shrink=True)
    assert GleifRegister(store).entity(lei(2)) is None


def test_many_bad_records_refuse_a_file(tmp_path: Path) -> None:
    """One bad record in a hundred is told, more refuse the file."""
    good: list[Row] = [entity(number, f"Company {number}") for number in range(300)]
    text = json_of(good)
    for bad, fits in ((3, True), (4, False)):
        broken = text.replace(b'"LegalName"', b'"NoName"', bad)
        file = saved(tmp_path, f"20261001-0000-lei2-{bad}.json", broken)
        if fits:
            loaded = load_register(tmp_path / f"{bad}.db", [file])
            assert (loaded.sources[0].rows, loaded.sources[0].refused) == (297, 3)
            assert len(loaded.complaints) == 3
        else:
            with pytest.raises(InputError, match="4 of 300 records cannot be read"):
                load_register(tmp_path / f"{bad}.db", [file])


@pytest.mark.parametrize("written", [json_of, csv_of, xml_of], ids=["json", "csv", "xml"])
def test_several_processes_read_the_same(tmp_path: Path, written: Callable[[list[Row]], bytes]) -> None:
    """A file of several blocks makes the same register in one process and in two, complaints and all."""
    rows: list[Row] = [
        entity(number, f"Company {number}", headquarters_address=NORWAY, names=("x" * 900,)) for number in range(2500)
    ]
    data = written(rows)
    bad = data.replace(lei(2000).encode(), b"", 1)
    assert len(bad) > 2 * BLOCK_BYTES
    file = saved(tmp_path, "20261001-0000-lei2.data", bad)
    loads = [load_register(tmp_path / f"{workers}.db", [file], workers=workers) for workers in (1, 2)]
    assert loads[0] == loads[1]
    assert (loads[0].sources[0].rows, loads[0].sources[0].refused) == (2499, 1)
    assert loads[0].complaints == ("`20261001-0000-lei2.data`: record 2,001: a record without an LEI",)
    assert contents(tmp_path / "1.db") == contents(tmp_path / "2.db")


def contents(path: Path) -> list[object]:
    """Return every row of a register."""
    with closing(sqlite3.connect(path)) as connection:
        tables = ("entities", "names", "relationships", "exceptions")
        return [row for table in tables for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]  # noqa: S608


def test_a_new_register_is_taken_up(store: Path, tmp_path: Path) -> None:
    """A reader that is open sees the new content at once, and never a half of it."""
    register = GleifRegister(store)
    names = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            found = register.entity(lei(1))
            names.add(found.name if found else None)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(5):
        rows: list[Row] = [entity(1, f"Name {number}"), *LEVEL1[1:]]
        load_register(store, [saved(tmp_path, f"2026100{number + 1}-0000-lei2.json", json_of(rows))])
        assert register.entity(lei(1)) == rows[0]
    done.set()
    reader.join()
    assert None not in names


def test_what_is_no_register_is_refused(tmp_path: Path) -> None:
    """A missing file, another database and a register of another version are told apart."""
    with pytest.raises(StorageFault, match="there is no LEI register"):
        GleifRegister(tmp_path / "none.db")
    other = tmp_path / "other.db"
    sqlite3.connect(other).close()
    other.write_bytes(b"not a database, but long enough to be taken for one" * 30)
    with pytest.raises(StorageFault, match="is no LEI register"):
        GleifRegister(other)
    old = tmp_path / "old.db"
    connection = sqlite3.connect(old)
    connection.execute("CREATE TABLE meta (name TEXT, value TEXT)")
    connection.execute("INSERT INTO meta VALUES ('schema', '0')")
    connection.commit()
    connection.close()
    with pytest.raises(StorageFault, match="another version"):
        GleifRegister(old)


def test_two_records_of_one_lei(tmp_path: Path) -> None:
    """Where a file repeats an LEI, the record that was updated last stands."""
    rows: list[Row] = [
        entity(1, "Newer", updated="2026-02-01T00:00:00Z"),
        entity(1, "Older", updated="2025-02-01T00:00:00Z"),
    ]
    path = tmp_path / "r.db"
    load_register(path, [saved(tmp_path, "lei2.json", json_of(rows))])
    found = GleifRegister(path).entity(lei(1))
    assert isinstance(found, Entity)
    assert found.name == "Newer"
