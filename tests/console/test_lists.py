"""Lists and their age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.browser import browsers

from console.html_page import Page, look, send
from console.waiting import until_done
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.feeds.generation import Check, Generation, Held, Pointer
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.service.config import Configuration, ListSettings
from kyc_gate.service.list_keeper import ListKeeper
from kyc_gate.service.list_shelf import read_active


def snapshot(*names: str) -> ListSnapshot:
    entries = tuple(ListEntry(list="EL", id=name[:3], name=name) for name in names)
    return merge([ListReading(name="el", format="test", entries=entries, problems=(), as_of=datetime.now(UTC))])


def held(found: ListSnapshot, at: datetime) -> Held:
    return Held(
        source="el",
        file_name="el.csv",
        sha256="ab" * 32,
        size=10,
        format="test",
        entries=len(found.entries),
        names=len(found.entries),
        counts={"EL": len(found.entries)},
        problems=1,
        fetched_at=at,
        origin="https://lists.example/el.csv",
        published_at=at,
        signed=True,
    )


async def shelved(gate: Gate, folder: Path, *, age: timedelta = timedelta(0)) -> None:
    """Give the gate a shelf with two generations, the later one active and confirmed so long ago."""
    shelf, at = Shelf(folder / "shelf"), gate.now() - age
    before, after = snapshot("Old Works", "Steady Trading"), snapshot("New <b>Works</b>", "Steady Trading")
    for found, made in ((before, at - timedelta(days=1)), (after, at)):
        shelf.keep_snapshot(found)
        generation = Generation(held=(held(found, made),), snapshot=found.digest, made_at=made)
        shelf.activate(generation, Pointer(generation=generation.id, activated_at=made))
    shelf.save_checks([Check(source="el", tried_at=at, outcome="unchanged", confirmed_at=at, problems=("odd <i>",))])
    configuration = Configuration(folder=folder, lists=ListSettings(folder="shelf", source=()))
    active = read_active(configuration, None)
    gate.keeper = ListKeeper(configuration, None, active)
    assert active.snapshot is not None
    await gate.activate(active.snapshot, active.clocks)


async def test_lists_from_files_have_a_state_and_an_age(gate: Gate) -> None:
    """Without a shelf each list is as old as its file, and nothing earlier is kept to compare with."""
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/lists")
        assert "Every list is active and current" in page.words
        assert "SDN active 0.0 h" in page.words
        assert "files" in page.words
        assert "Nothing earlier is kept" in page.words
        assert not page.has_form("/differences")


async def test_a_list_tells_its_source_signature_and_next_pull(gate: Gate, tmp_path: Path) -> None:
    """Rows, names, unreadable rows, the signature, the last pull with its problem, and when the next one is due."""
    await shelved(gate, tmp_path)
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/lists")
        for words in ("EL active 0.0 h", "2 2 1 verified abababababababab", "unchanged", "odd <i>", "about 20"):
            assert words in page.words, words
        assert "<i>" not in page.source


async def test_a_stale_list_is_said_to_be_stale(gate: Gate, tmp_path: Path) -> None:
    """Beyond the age allowed the page says so, in words and not by colour alone."""
    await shelved(gate, tmp_path, age=timedelta(days=30))
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/lists")
        assert "Not every list is active and current" in page.words
        assert "EL stale 720.0 h" in page.words


async def test_two_generations_are_compared_beside_the_decisions(gate: Gate, tmp_path: Path) -> None:
    """The comparison is a job whose page tells counts and entries; what cannot be compared is told."""
    await shelved(gate, tmp_path)
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/lists")
        form = page.form("/differences")
        bad = await send(vi.session, form, old="../../etc")
        assert (bad.status, "`old` is `../../etc`; choose one" in bad.words) == (400, True)
        found: Page = await until_done(vi.session, await send(vi.session, form))
        assert "EL 1 1 0" in found.words
        assert "added EL New New <b>Works</b>" in found.words
        assert "removed EL Old Old Works" in found.words
        assert "<b>Works" not in found.source
        assert (await look(vi.session, "/console/lists/differences/job_none")).status == 404
        async with vi.session.post("/console/lists/differences", data={"old": "x", "new": "y"}) as without:
            assert without.status == 403


async def test_who_may_not_read_lists_is_told(gate: Gate) -> None:
    """A service reads no lists."""
    async with browsers(gate, app=interface_app) as (serv,):
        await serv.sign_in("serv")
        page = await look(serv.session, "/console/lists")
        assert (page.status, "“lists:read” is missing" in page.words) == (403, True)
