"""Parties screened again: only what changed, each pair once, and on from where it was broken off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from approvals import approve_case, reject_case
from msgspec.structs import replace

from kyc_gate.errors import InputError
from kyc_gate.feeds.difference import difference
from kyc_gate.feeds.screened_book import ScreenedBook
from kyc_gate.lists.read import read_list
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.party import Party
from kyc_gate.names.scorer import SCORER_VERSION
from kyc_gate.ownership.directory import Directory
from kyc_gate.screening.screener import Screener
from kyc_gate.service.flips import Backtest
from kyc_gate.service.gate import Gate
from kyc_gate.service.rescreening import Rescreener, Resemblance, open_cases, rescreen_gently
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import CaseQuery
from tests.feeds.publisher import companies, lines, publishing

from .test_list_keeper import LISTED, WITH, WITHOUT, configured, kyc_gate, until

ROWS = companies(300)
OURS = "Zarquon Vextral Foundry"
WORDS = ("Holding", "Group", "Trading", "Services", "International", "Industries")


def snapshot(rows: list[dict[str, str]]) -> ListSnapshot:
    """Return the snapshot of an operator's list."""
    return merge([read_list("list.jsonl", lines(rows))])


BEFORE = snapshot(ROWS)
AFTER = snapshot([*ROWS, LISTED])
BOOK = [
    Party(id="a", name=OURS),
    Party(id="b", name=ROWS[3]["name"]),
    Party(id="c", name="Quiet Lagoon Ferries"),
    Party(id="d", name="Zarquon Vextrall Foundry Ltd"),
]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[ScreenedBook]:
    with ScreenedBook(tmp_path / "screened.db", "book") as book:
        yield book


def screened(book: ScreenedBook, snapshot: ListSnapshot, parties: list[Party] = BOOK) -> list[tuple[str, str, str]]:
    """Return party, entry and cause of everything newly found, in one run over the book."""
    rescreener = Rescreener(Screener(snapshot), book, {BEFORE.digest: BEFORE, AFTER.digest: AFTER}.get)
    return [(each.party, each.entry_id, each.cause) for _, found in rescreener.screen(parties) for each in found]


def test_only_what_changed_is_compared(book: ScreenedBook) -> None:
    """The first run compares with all lists; after a change of the lists only the entries that changed are compared."""
    assert screened(book, BEFORE) == [("b", "3", "party")]
    assert screened(book, BEFORE) == []
    assert sorted(screened(book, AFTER)) == [("a", "x1", "list"), ("d", "x1", "list")]
    assert screened(book, AFTER) == []


def test_a_party_that_changed_is_compared_with_all(book: ScreenedBook) -> None:
    """A new name of one party is compared with every list; the other parties are left alone."""
    screened(book, AFTER)
    renamed = [*BOOK[:2], Party(id="c", name=ROWS[9]["name"]), BOOK[3]]
    assert screened(book, AFTER, renamed) == [("c", "9", "party")]


def test_what_a_lower_line_names_opens_no_case(book: ScreenedBook) -> None:
    """A resemblance below the lines is named for policies that draw lower ones; it is clear, and is not told again."""
    far = [Party(id="d", name="Zarquon Vextrall Smelting")]
    screener = Screener(AFTER, possible=0.98, match=0.99, floor=0.5)
    assert [match.outcome for match in screener.screen([far[0].name]).matches] == ["clear"]
    assert [found for _, found in Rescreener(screener, book, lambda _: None).screen(far)] == [()]


def test_a_name_that_changes_under_one_id_is_compared(book: ScreenedBook) -> None:
    """An entry that keeps its id and changes its name is a changed entry."""
    redesignated = snapshot([{**row, "name": OURS} if row["id"] == "5" else row for row in ROWS])
    found = difference(BEFORE, redesignated)
    assert ([change.after.id for change in found.changed], found.added, found.removed) == (["5"], (), ())
    screened(book, BEFORE)
    rescreener = Rescreener(Screener(redesignated), book, {BEFORE.digest: BEFORE}.get)
    assert [each.entry_id for _, found in rescreener.screen(BOOK[:1]) for each in found] == ["5"]


def test_what_was_broken_off_goes_on(tmp_path: Path) -> None:
    """A run that stops in the middle leaves what it did; the next one does the rest, and repeats a batch at most."""
    parties = [Party(id=f"{number}", name=ROWS[number % 300]["name"]) for number in range(600)]
    with ScreenedBook(tmp_path / "screened.db", "book") as book:
        walk = Rescreener(Screener(BEFORE), book, lambda _: None).screen(parties)
        for _ in range(300):
            next(walk)
        walk.close()
    with ScreenedBook(tmp_path / "screened.db", "book") as book:
        found = screened(book, BEFORE, parties)
    assert {party for party, *_ in found} == {str(number) for number in range(256, 600)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    yield store
    await store.close()


async def test_a_pair_opens_one_case(store: SqliteStore, book: ScreenedBook, tmp_path: Path) -> None:
    """Each party and entry open one case, which names both; a second run opens none, whatever a person concluded."""
    rescreener = Rescreener(Screener(AFTER), book, lambda _: None)
    found = [each for _, found in rescreener.screen(BOOK) for each in found]
    hours = {"settings": Settings()}
    at = datetime.now(UTC)
    assert await open_cases(store, found, at=at, **hours) == 3
    case = next(case for case in await store.fetch_cases() if case.party_id == "a")
    assert (case.rules, case.operation, case.severity) == (("rescreening",), "rescreening", "high")
    record = await store.fetch_decision(case.decision_ids[0])
    assert record is not None
    assert record["type"] == "rescreening"
    await reject_case(store, case.id, reviewer="ada", note="another firm", at=at)
    with ScreenedBook(tmp_path / "again.db", "book") as again:
        repeated = [e for _, f in Rescreener(Screener(AFTER), again, lambda _: None).screen(BOOK) for e in f]
    assert await open_cases(store, repeated, at=at, **hours) == 0
    assert len(await store.fetch_cases()) == 3


async def test_a_party_has_one_open_case(store: SqliteStore, book: ScreenedBook) -> None:
    """Entries of like names join the party's open case and lose nothing; its approval opens nothing for requests."""
    group = [{**LISTED, "id": f"g{number}", "name": f"{OURS} {word}"} for number, word in enumerate(WORDS)]
    rescreener = Rescreener(Screener(snapshot([*ROWS, *group])), book, lambda _: None)
    found = [each for _, found in rescreener.screen(BOOK[:1]) for each in found]
    assert len(found) > 3
    mild = [msgspec.structs.replace(found[0], outcome="possible", key="0" * 64), *found]
    hours = {"settings": Settings()}
    at = datetime.now(UTC)
    assert await open_cases(store, mild, at=at, **hours) == 1
    (case,) = await store.fetch_cases()
    assert (case.severity, len(case.decision_ids), case.due_at) == ("high", len(mild), at + timedelta(hours=4))
    with pytest.raises(InputError, match="no request waits"):
        await approve_case(store, case.id, reviewer="ada", note="", at=at, expires_at=case.due_at, budget=10**26)
    grant = await approve_case(store, case.id, reviewer="ada", note="another firm", at=at, expires_at=case.due_at)
    assert (grant.uses_left, grant.budget) == (0, 0)
    assert await store.find_grant(grant.fingerprint, grant.control_group, at) is None
    later = msgspec.structs.replace(found[0], key="1" * 64)
    assert await open_cases(store, [later], at=at, **hours) == 1
    assert len(await store.fetch_cases(CaseQuery(state="open"))) == 1


async def test_newer_lists_break_off_what_is_under_way(book: ScreenedBook) -> None:
    """Work in the background stops when it is told that newer lists are active."""

    async def opens(found: tuple[Resemblance, ...]) -> int | None:
        return None

    assert await rescreen_gently(Rescreener(Screener(AFTER), book, lambda _: None), BOOK, opens) == 0
    assert book.of("d") is None


async def test_two_that_go_over_one_book_open_one_case_each(book: ScreenedBook, tmp_path: Path) -> None:
    """Two walks at one time, of a gate and of a command say, record each resemblance once, and neither fails."""
    found = [each for _, some in Rescreener(Screener(AFTER), book, lambda _: None).screen(BOOK) for each in some]
    stores = [SqliteStore(tmp_path / "one.db"), SqliteStore(tmp_path / "one.db")]
    for store in stores:
        await store.open()
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    counts = await asyncio.gather(*[open_cases(s, found, at=at, settings=Settings()) for s in stores])
    assert sum(counts) >= 3
    assert len(await stores[0].fetch_cases()) == 3
    for store in stores:
        await store.close()


def test_the_book_is_laid_out_once(book: ScreenedBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory is made once for a walk, not once for each party: a walk takes time in proportion to its book."""
    made: list[int] = []
    original = Directory.__init__

    def counted(self: Directory, parties: Mapping[str, Party]) -> None:
        made.append(len(parties))
        original(self, parties)

    monkeypatch.setattr(Directory, "__init__", counted)
    rescreener = Rescreener(Screener(AFTER), book, lambda _: None, {party.id: party for party in BOOK})
    list(rescreener.screen(BOOK))
    assert made == [len(BOOK)]


def test_every_flip_is_listed() -> None:
    """A backtest names each party that the sides answer differently, and sums outcomes and lists."""
    backtest = Backtest(Screener(BEFORE), Screener(AFTER))
    flips = [flip for _, flip in backtest.flips(BOOK) if flip is not None]
    assert [(flip.party, flip.old.outcome, flip.new.lists) for flip in flips] == [
        ("a", "clear", ("SDN",)),
        ("d", "clear", ("SDN",)),
    ]
    assert backtest.count.gained == {"SDN": 2}
    assert backtest.count.parties == 4
    back = Backtest(Screener(AFTER), Screener(BEFORE))
    assert [flip for _, flip in back.flips(BOOK) if flip is not None]
    assert back.count.lost == {"SDN": 2}


def test_two_sets_of_lines_are_compared() -> None:
    """A name that is possible between the lines flips when the line moves past it."""
    strict, lax = Screener(AFTER, possible=0.5, match=0.6), Screener(AFTER, possible=0.999, match=0.999)
    backtest = Backtest(strict, lax)
    assert [flip.party for _, flip in backtest.flips(BOOK) if flip is not None] == ["d"]
    assert sum(backtest.count.outcomes.values()) == 1


def test_a_scorer_is_held_against_what_another_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that one version kept flip where the next answers otherwise; a party without one is new."""
    kept = {answer.party: answer for answer, _ in Backtest(Screener(AFTER), Screener(AFTER)).flips(BOOK)}
    same = Backtest(kept, Screener(AFTER))
    assert [flip for _, flip in same.flips(BOOK) if flip is not None] == []
    kept = {id: replace(answer, scorer="4") for id, answer in kept.items() if id != "b"}
    monkeypatch.setattr("kyc_gate.names.scorer.Scorer._sure", lambda self, score, agreed, asked: score / 2)
    changed = Backtest(kept, Screener(AFTER))
    flips = {flip.party: (flip.old.outcome, flip.new.outcome) for _, flip in changed.flips(BOOK) if flip is not None}
    assert flips["b"] == ("not_kept", "clear")
    assert flips["a"] == ("match", "clear")
    assert (changed.count.old_scorer, changed.count.scorer) == ("4", SCORER_VERSION)
    assert changed.count.old == changed.count.new == AFTER.digest


async def test_a_gate_that_serves_opens_cases_by_itself(tmp_path: Path) -> None:
    """Once other lists are active, each party on file that newly resembles an entry has a case."""
    async with publishing(WITHOUT) as publisher:
        config = configured(tmp_path, publisher)
        await kyc_gate("lists", "pull", "--config", str(config))
        async with Gate.from_config(config) as gate:
            await gate.store.save_directory(BOOK, [])
            assert gate.keeper is not None
            await gate.keeper.rescreen(gate)
            assert [case.party_id for case in await gate.store.fetch_cases()] == ["b"]
            publisher.body = WITH
            await kyc_gate("lists", "pull", "--config", str(config))

            async def opened() -> bool:
                return {case.party_id for case in await gate.store.fetch_cases()} == {"a", "b", "d"}

            await until(opened)


async def test_the_command_goes_over_book_and_store(tmp_path: Path) -> None:
    """`rescreen` prints what a file's parties resemble, opens cases for those of the store, and does both once."""
    async with publishing(WITH) as publisher:
        config = str(configured(tmp_path, publisher))
        await kyc_gate("lists", "pull", "--config", config)
    file = tmp_path / "book.jsonl"
    file.write_text("".join(json.dumps({"id": each.id, "name": each.name}) + "\n" for each in BOOK), encoding="utf-8")
    status, out, err = await kyc_gate("rescreen", "--book", str(file), "--config", config)
    assert (status, len(out.splitlines())) == (0, 3), err
    assert (await kyc_gate("rescreen", "--book", str(file), "--config", config))[1] == ""
    await kyc_gate("parties", "import", str(file), "--config", config)
    for cases in (3, 0):
        _, out, err = await kyc_gate("rescreen", "--book", "store", "--config", config)
        assert json.loads(out)["cases"] == cases, err
    old = tmp_path / "old.jsonl"
    await asyncio.to_thread(old.write_bytes, WITHOUT)
    report = ("rescreen", "--book", str(file), "--config", config, "--report", "--old", str(old), "--new", "active")
    _, out, err = await kyc_gate(*report)
    assert [json.loads(line).get("party") for line in out.splitlines()] == ["a", "d", None], err
    assert json.loads(out.splitlines()[-1])["gained"] == {"SDN": 2}
    answers = str(tmp_path / "answers.jsonl")
    await kyc_gate(*report[:6], "--old", "active", "--keep-answers", answers)
    later = (*report[:6], "--old-answers", answers, "--new", str(old))
    _, out, err = await kyc_gate(*later)
    assert [json.loads(line).get("party") for line in out.splitlines()] == ["a", "d", None], err
    assert json.loads(out.splitlines()[-1])["lost"] == {"SDN": 2}
    await asyncio.to_thread(Path(answers).write_text, '{"party": 1}\n', "utf-8")
    status, _, err = await kyc_gate(*later)
    assert (status, "answers.jsonl` line 1" in err) == (1, True), err
    _, out, _ = await kyc_gate("lists", "diff", str(old), "active", "--config", config)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["change"], row["names_added"]) for row in rows[:-1]] == [("changed", [OURS])]
    assert rows[-1]["lists"] == {"SDN": {"added": 0, "removed": 0, "changed": 1}}
