"""A pull against a publisher that works, and one that fails in every way that publishers do."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.coverage import coverage_of
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.source import Canary, Source
from tests.feeds.publisher import (
    Publisher,
    companies,
    cut_off,
    lines,
    page,
    publishing,
    pulled,
    redirect,
    source_of,
    status,
    trickling,
)

ROWS = companies(200)
GOOD = lines(ROWS)


def held(folder: Path) -> str:
    """Return the digest of the file that is held of the sample source."""
    generation = Shelf(folder / "shelf").active()
    assert generation is not None
    found = generation.of("sample")
    assert found is not None
    return found.sha256


async def test_what_is_pulled_is_active(tmp_path: Path) -> None:
    """A file that passes is kept under its digest, merged, and active."""
    async with publishing(GOOD) as publisher:
        report = await pulled(tmp_path, source_of(publisher, lists=("EL",)))
    assert report.activated
    assert report.whole
    shelf = Shelf(tmp_path / "shelf")
    generation = shelf.active()
    assert generation is not None
    assert held(tmp_path) == hashlib.sha256(GOOD).hexdigest()
    snapshot = shelf.snapshot(generation.snapshot)
    assert [entry.name for entry in snapshot.entries if entry.id == "7"] == [ROWS[7]["name"]]
    assert len(snapshot.entries) == 200


async def test_an_unchanged_list_is_not_sent_again(tmp_path: Path) -> None:
    """The second pull asks with the entity tag; "not modified" confirms the list and activates nothing."""
    async with publishing(GOOD) as publisher:
        await pulled(tmp_path, source_of(publisher))
        first = Shelf(tmp_path / "shelf").checks()["sample"]
        report = await pulled(tmp_path, source_of(publisher))
        assert publisher.asked[-1].headers["If-None-Match"] == publisher.etag
    again = Shelf(tmp_path / "shelf").checks()["sample"]
    assert (report.sources[0].outcome, report.activated) == ("unchanged", False)
    assert first.confirmed_at is not None
    assert again.confirmed_at is not None
    assert again.confirmed_at > first.confirmed_at


async def test_a_mirror_that_never_changes_goes_stale(tmp_path: Path) -> None:
    """A server that says "not modified" for ever confirms a list; its publication ages all the same."""
    published = datetime.now(UTC) - timedelta(days=6, hours=23)
    async with publishing(GOOD) as publisher:
        publisher.modified = format_datetime(published, usegmt=True)
        source = source_of(publisher, publication_hours=168.0)
        await pulled(tmp_path, source)
        report = await pulled(tmp_path, source)
    assert report.sources[0].outcome == "unchanged"
    assert [state_of(tmp_path, source, hours=hours) for hours in (0, 2)] == ["current", "stale"]
    assert state_of(tmp_path, source_of(publisher), hours=2) == "current"


async def test_a_file_without_a_date_ages_from_its_arrival(tmp_path: Path) -> None:
    """Where neither file nor server says a date, the day on which these very bytes came is theirs."""
    async with publishing(GOOD) as publisher:
        publisher.modified = ""
        source = source_of(publisher, publication_hours=48.0)
        await pulled(tmp_path, source)
        held = Shelf(tmp_path / "shelf").active().of(source.name)
        assert held is not None
        assert held.published_at is None
        assert [state_of(tmp_path, source, hours=hours) for hours in (47, 49)] == ["current", "stale"]


def state_of(folder: Path, source: Source, *, hours: float) -> str:
    """Return where a source stands some hours after its last check."""
    shelf = Shelf(folder / "shelf")
    confirmed = shelf.checks()[source.name].confirmed_at
    assert confirmed is not None
    later = confirmed + timedelta(hours=hours)
    coverage = coverage_of([source], shelf.active(), shelf.pointer(), shelf.checks(), now=later, max_age_hours=72)
    return coverage.sources[0].state.value


async def test_a_server_with_a_clock_ahead_makes_no_list_younger_than_new(tmp_path: Path) -> None:
    """A Last-Modified that has not come yet counts as now, so that the publication ages from now on."""
    async with publishing(GOOD) as publisher:
        publisher.modified = format_datetime(datetime.now(UTC) + timedelta(hours=20), usegmt=True)
        await pulled(tmp_path, source_of(publisher))
    generation = Shelf(tmp_path / "shelf").active()
    assert generation is not None
    assert generation.held[0].published_at == generation.held[0].fetched_at


async def test_a_failing_server_is_asked_again(tmp_path: Path) -> None:
    """A 500, a 429 and a body that was cut off are tried again; the third answer counts."""
    async with publishing(GOOD) as publisher:
        publisher.then = [status(500), cut_off(GOOD)]
        report = await pulled(tmp_path, source_of(publisher))
        assert len(publisher.asked) == 3
    assert report.sources[0].outcome == "updated"


async def test_a_mirror_stands_in(tmp_path: Path) -> None:
    """Where the first address fails to the end, the next is asked."""
    async with publishing(GOOD) as publisher:
        publisher.then = [status(404)]
        report = await pulled(tmp_path, source_of(publisher, urls=(publisher.url, f"{publisher.url}?mirror")))
    assert report.whole


NEW = lines(companies(205))

FAULTS: dict[str, tuple[Any, str]] = {
    "empty": (page("", "application/json"), "empty"),
    "html": (page("<!DOCTYPE html><title>Maintenance</title>"), "web page"),
    "html-as-json": (page("\n <html>soon", "application/json"), "web page"),
    "server-down": (None, "status 503"),
    "gone": (status(404), "status 404"),
    "other-host": (redirect("http://169.254.169.254/latest"), "169.254.169.254"),
    "other-scheme": (redirect("file:///etc/hostname"), "redirected"),
    "renamed-column": (page("id,nom\n1,Acme\n", "text/csv"), "format"),
    "latin-1": (None, "UTF-8"),
    "json-cut": (page('{"results": [{"name": "A', "application/json"), "cut short"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_keeps_the_last_good_list(tmp_path: Path, name: str) -> None:
    """Whatever arrives instead of a list, the one that is held stays active, and the fault is told."""
    handler, told = FAULTS[name]
    async with publishing(GOOD) as publisher:
        await pulled(tmp_path, source_of(publisher))
        if name == "latin-1":
            publisher.body = GOOD.replace(b"Industries", "Fabrik für Öl".encode("latin-1"))
        else:
            publisher.then = [handler or status(503)] * 3
        report = await pulled(tmp_path, source_of(publisher))
    assert report.sources[0].outcome == "failed"
    assert told in report.sources[0].problems[0]
    assert not report.activated
    assert held(tmp_path) == hashlib.sha256(GOOD).hexdigest()


async def test_a_slow_server_is_given_up(tmp_path: Path) -> None:
    """A server that sends a byte now and then is left after the time allowed."""
    async with publishing(GOOD) as publisher:
        publisher.then = [trickling(GOOD)]
        report = await pulled(tmp_path, source_of(publisher, seconds=0.4))
    assert "not whole within 0.4 seconds" in report.sources[0].problems[0]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in-pieces"])
async def test_an_oversized_file_is_not_read(tmp_path: Path, *, announced: bool) -> None:
    """A file beyond the size allowed is left, whether it says its size or not."""
    async with publishing(GOOD) as publisher:
        if not announced:
            publisher.then = [trickling(GOOD)]
        report = await pulled(tmp_path, source_of(publisher, largest_mb=0.000001))
    assert "oversize" in report.sources[0].problems[0]


async def test_a_stated_checksum_must_fit(tmp_path: Path) -> None:
    """A digest that the operator states, or a checksum file of the publisher, is compared with what arrived."""
    right, wrong = hashlib.sha256(GOOD).hexdigest(), "0" * 64
    async with publishing(GOOD) as publisher:
        address = f"{publisher.origin}/SHA256SUMS"
        publisher.files["/SHA256SUMS"] = f"{wrong}  other.jsonl\n{wrong}  list.jsonl\n".encode()
        for more in ({"sha256": wrong}, {"sha256_url": address}):
            report = await pulled(tmp_path, source_of(publisher, **more))
            assert "checksum" in report.sources[0].problems[0]
        publisher.files["/SHA256SUMS"] = f"{wrong}  other.jsonl\n{right} *list.jsonl\n".encode()
        assert (await pulled(tmp_path, source_of(publisher, sha256=right, sha256_url=address))).whole


async def test_a_signature_must_fit(tmp_path: Path) -> None:
    """A signature of another key, or of another file, is refused; the right one is noted."""
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    async with publishing(GOOD) as publisher:
        source = source_of(publisher, signature_url=f"{publisher.origin}/list.sig", public_key=public)
        for forged in (key.sign(NEW), Ed25519PrivateKey.generate().sign(GOOD)):
            publisher.files["/list.sig"] = forged
            report = await pulled(tmp_path, source)
            assert "signature" in report.sources[0].problems[0]
        publisher.files["/list.sig"] = key.sign(GOOD)
        assert (await pulled(tmp_path, source)).whole
    generation = Shelf(tmp_path / "shelf").active()
    assert generation is not None
    assert generation.held[0].signed


@pytest.mark.parametrize("algorithm", [b"ED", b"Ed"], ids=["prehashed", "legacy"])
async def test_a_signature_of_minisign_must_fit(tmp_path: Path, algorithm: bytes) -> None:
    """Both of minisign's algorithms are verified: file, key id, and the comment that it calls trusted."""
    key, number = Ed25519PrivateKey.generate(), b"8 bytes!"
    public = base64.b64encode(b"Ed" + number + key.public_key().public_bytes_raw()).decode()

    def signature(data: bytes, comment: str = "file:list.jsonl", signer: bytes = number, said: str = "") -> bytes:
        signed = key.sign(hashlib.blake2b(data).digest() if algorithm == b"ED" else data)
        sealed = key.sign(signed + comment.encode())
        first, last = (base64.b64encode(each).decode() for each in (algorithm + signer + signed, sealed))
        return f"untrusted comment: by a key\n{first}\ntrusted comment: {said or comment}\n{last}\n".encode()

    async with publishing(GOOD) as publisher:
        text = f"untrusted comment: minisign public key\n{public}"
        source = source_of(publisher, signature_url=f"{publisher.origin}/list.minisig", public_key=text)
        for forged in (signature(NEW), signature(GOOD, signer=b"another!"), signature(GOOD, said="newer")):
            publisher.files["/list.minisig"] = forged
            report = await pulled(tmp_path, source)
            assert "signature" in report.sources[0].problems[0]
        publisher.files["/list.minisig"] = signature(GOOD)
        assert (await pulled(tmp_path, source)).whole


async def test_a_list_without_its_aliases_is_refused(tmp_path: Path) -> None:
    """SDN.CSV alone lacks every alias: it is not activated until an operator says so, and that stays visible."""
    body = b"".join(
        b'%d,"%s",-0- ,"CUBA"%s\r\n' % (n, row["name"].encode(), b",-0- " * 8) for n, row in enumerate(ROWS)
    )
    async with publishing(body) as publisher:
        report = await pulled(tmp_path, source_of(publisher))
        assert [problem.split(":")[0] for problem in report.sources[0].problems] == ["incomplete", "incomplete"]
        assert "ALT.CSV" in report.sources[0].problems[0]
        report = await pulled(tmp_path, source_of(publisher), accept=frozenset({"incomplete"}))
    assert report.sources[0].accepted == ("incomplete",)
    generation = Shelf(tmp_path / "shelf").active()
    assert generation is not None
    assert "ALT.CSV" in Shelf(tmp_path / "shelf").snapshot(generation.snapshot).notes[0]


def _shrunk(publisher: Publisher) -> None:
    publisher.body = lines(ROWS[:20])


def _grown(publisher: Publisher) -> None:
    publisher.body = lines(companies(1_000))


def _half_unreadable(publisher: Publisher) -> None:
    publisher.body = GOOD + b'{"id": "x"}\n' * 100


def _rolled_back(publisher: Publisher) -> None:
    publisher.body = NEW
    publisher.modified = format_datetime(datetime.now(UTC) - timedelta(days=9), usegmt=True)


def _of_the_future(publisher: Publisher) -> None:
    publisher.body = NEW
    publisher.modified = format_datetime(datetime.now(UTC) + timedelta(days=9), usegmt=True)


def _swapped(publisher: Publisher) -> None:
    publisher.body = lines(companies(200, list="UVL"))


def _without_canary(publisher: Publisher) -> None:
    publisher.body = lines(ROWS[1:])


def _matches_everybody(publisher: Publisher) -> None:
    publisher.body = GOOD + lines([{"id": "x", "name": "Fjordlys Havbruk AS", "list": "EL"}])


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        pytest.param(_shrunk, "shrunk", id="shrunk"),
        pytest.param(_grown, "grew", id="grew"),
        pytest.param(_half_unreadable, "unreadable-rows", id="unreadable-rows"),
        pytest.param(_rolled_back, "rolled-back", id="rolled-back"),
        pytest.param(_of_the_future, "dated-ahead", id="dated-ahead"),
        pytest.param(_swapped, "list-missing", id="swapped"),
        pytest.param(_without_canary, "canary", id="canary"),
        pytest.param(_matches_everybody, "canary", id="clean-name"),
    ],
)
async def test_a_guard_keeps_the_last_good_list(tmp_path: Path, change: Any, guard: str) -> None:
    """A file that is not what it was is refused, time after time, until an operator overrules the guard by name."""
    async with publishing(GOOD) as publisher:
        publisher.modified = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
        source = source_of(publisher, canaries=(Canary(name=ROWS[0]["name"], list="EL"),))
        assert (await pulled(tmp_path, source)).whole
        change(publisher)
        for _ in range(2):
            report = await pulled(tmp_path, source)
            assert report.sources[0].outcome == "refused"
            assert any(problem.startswith(guard) for problem in report.sources[0].problems)
            assert held(tmp_path) == hashlib.sha256(GOOD).hexdigest()
        check = Shelf(tmp_path / "shelf").checks()["sample"]
        assert check.failures == 2
        codes = frozenset(problem.partition(":")[0] for problem in report.sources[0].problems)
        report = await pulled(tmp_path, source, accept=codes)
    assert report.activated
    assert set(report.sources[0].accepted) == codes


async def test_the_first_file_is_bounded_too(tmp_path: Path) -> None:
    """Before anything is held, the size range and the lists of the source are what a file is measured by."""
    async with publishing(GOOD) as publisher:
        for more, guard in (({"least": 1000}, "too-few"), ({"most": 100}, "too-many"), ({"lists": ("SDN",)}, "list-")):
            report = await pulled(tmp_path, source_of(publisher, **more))
            assert report.sources[0].problems[0].startswith(guard)
    assert Shelf(tmp_path / "shelf").active() is None


async def test_one_source_fails_alone(tmp_path: Path) -> None:
    """A source that fails keeps its last good file, and the others move on."""
    async with publishing(GOOD) as one, publishing(lines(companies(60, list="UVL", salt="u"))) as two:
        sources = (source_of(one), source_of(two, name="other"))
        await pulled(tmp_path, *sources)
        one.then, two.body = [status(404)], lines(companies(61, list="UVL", salt="u"))
        report = await pulled(tmp_path, *sources)
    assert [source.outcome for source in report.sources] == ["failed", "updated"]
    generation = Shelf(tmp_path / "shelf").active()
    assert generation is not None
    assert {held.source: held.entries for held in generation.held} == {"sample": 200, "other": 61}


async def test_two_pulls_do_not_mix(tmp_path: Path) -> None:
    """While one process writes lists, another is told so at once and changes nothing."""
    shelf = Shelf(tmp_path / "shelf")
    async with publishing(GOOD) as publisher:
        with shelf.locked(), pytest.raises(FeedFault, match="another process"):
            await pulled(tmp_path, source_of(publisher))
        assert (await pulled(tmp_path, source_of(publisher))).activated


async def test_a_damaged_shelf_is_mended(tmp_path: Path) -> None:
    """A kept file that was changed is found out, and the next pull fetches it anew without asking "if modified"."""
    async with publishing(GOOD) as publisher:
        await pulled(tmp_path, source_of(publisher))
        file = next((tmp_path / "shelf" / "objects").glob("??/*"))
        file.write_bytes(b"{}")
        with pytest.raises(FeedFault, match="was changed"):
            Shelf(tmp_path / "shelf").kept(file.name)
        report = await pulled(tmp_path, source_of(publisher))
        assert "If-None-Match" not in publisher.asked[-1].headers
    assert report.whole
    assert Shelf(tmp_path / "shelf").kept(file.name) == GOOD


async def test_a_changed_snapshot_is_found_out(tmp_path: Path) -> None:
    """A merged snapshot whose lines were changed is not read."""
    async with publishing(GOOD) as publisher:
        await pulled(tmp_path, source_of(publisher))
    shelf = Shelf(tmp_path / "shelf")
    generation = shelf.active()
    assert generation is not None
    file = tmp_path / "shelf" / "snapshots" / f"{generation.snapshot}.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(FeedFault, match="was changed"):
        shelf.snapshot(generation.snapshot)


async def test_a_local_file_is_a_source(tmp_path: Path) -> None:
    """A file that somebody puts beside the configuration is guarded like any other, and is as old as its time says."""
    from kyc_gate.feeds.source import Source

    (tmp_path / "own.jsonl").write_bytes(GOOD)
    report = await pulled(tmp_path, Source(name="own", file="own.jsonl"))
    assert report.whole
    check = Shelf(tmp_path / "shelf").checks()["own"]
    assert check.confirmed_at is not None
    assert abs(check.confirmed_at.timestamp() - (tmp_path / "own.jsonl").stat().st_mtime) < 0.001
