"""What decisions and parties are found by, on each engine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from kyc_gate.audit.retention import Periods
from kyc_gate.errors import InputError
from kyc_gate.model.catalogue import DecisionPage, DecisionQuery, PartyQuery
from kyc_gate.model.party import Account, Alias, Party
from kyc_gate.service.catalogue import follow, terms_of
from kyc_gate.storage import catalogue, party_words
from kyc_gate.storage.rowstore import RowStore

from .conftest import Maker
from .samples import NOW, decision_entry


def entry(
    number: int,
    *,
    account: str | None = "111122223333",
    party: str = "kestrel",
    outcome: str = "allow",
    rules: tuple[str, ...] = (),
    noted: tuple[str, ...] = (),
    provider: str = "aws",
    operation: str = "RunInstances",
    at: datetime | None = None,
) -> Any:
    """A decision whose record says what the gate's do."""
    id = f"dec_{number:04}"
    findings = [{"rule": rule, "counts": rule in rules, "reason": "x"} for rule in (*rules, *noted)]
    record = {
        "type": "decision",
        "decision_id": id,
        "at": (at or NOW + timedelta(minutes=number)).isoformat(),
        "acted": "pass" if outcome == "allow" else "refuse",
        "outcome": outcome,
        "rules": list(rules),
        "request": {"provider": provider, "operation": operation, "caller": {"account": account}, "fingerprint": "f"},
        "facts": {"customer": {"id": party or None, "name": "Kestrel"}},
        "decision": {"outcome": outcome, "findings": findings},
    }
    return decision_entry(id, record=record, party_id=party)


async def drawn(store: RowStore, *entries: Any) -> None:
    """Append decisions and draw their cards."""
    for each in entries:
        await store.append(each)
    while await store.draw_cards():
        pass


def ids(page: DecisionPage) -> list[str]:
    return [card.id for card in page.found]


async def test_a_decision_is_found_by_each_of_its_features(any_store: RowStore) -> None:
    """Account, party, outcome, rule, provider, operation and time each find what has them, and together what has all.

    The newest comes first.
    """
    await drawn(
        any_store,
        entry(1),
        entry(2, account="acct-harbin", party="harbin", outcome="block", rules=("d5-military",), provider="generic"),
        entry(3, account="acct-harbin", party="harbin", outcome="escalate", rules=("red-flag-28",), noted=("quiet",)),
        entry(4, account=None, party="", operation="CreateCluster"),
    )
    for query, expected in (
        ({}, [4, 3, 2, 1]),
        ({"account": "acct-harbin"}, [3, 2]),
        ({"party_id": "harbin"}, [3, 2]),
        ({"party_id": ""}, [4]),
        ({"outcome": "block"}, [2]),
        ({"rule": "red-flag-28"}, [3]),
        ({"rule": "quiet"}, [3]),
        ({"provider": "aws"}, [4, 3, 1]),
        ({"operation": "CreateCluster"}, [4]),
        ({"since": NOW + timedelta(minutes=2), "until": NOW + timedelta(minutes=4)}, [3, 2]),
        ({"rule": "d5-military", "since": NOW + timedelta(minutes=3)}, []),
        ({"account": "acct-harbin", "outcome": "escalate", "rule": "red-flag-28", "provider": "aws"}, [3]),
        ({"account": "acct-harbin", "operation": "CreateCluster"}, []),
        ({"account": "nobody"}, []),
    ):
        page = await any_store.find_decisions(DecisionQuery(**query))
        assert ids(page) == [f"dec_{number:04}" for number in expected], query
        assert (page.after, page.behind) == (None, 0)
    card = (await any_store.find_decisions(DecisionQuery(rule="quiet"))).found[0]
    assert (card.rules, card.counting, card.account_name) == (
        ("red-flag-28", "quiet"),
        ("red-flag-28",),
        "aws:acct-harbin",
    )
    assert await any_store.fetch_card(card.position) == card


@pytest.mark.parametrize("query", [{}, {"rule": "r"}, {"account": "111122223333"}, {"outcome": "escalate"}], ids=str)
async def test_pages_follow_one_another(any_store: RowStore, query: dict[str, str]) -> None:
    """Page by page each decision comes once, those of one moment too, while newer ones are written in between."""
    await drawn(
        any_store, *(entry(n, outcome="escalate", rules=("r",), at=NOW + timedelta(minutes=n // 3)) for n in range(10))
    )
    found: list[str] = []
    after = None
    while True:
        page = await any_store.find_decisions(DecisionQuery(**query, after=after, limit=4))
        found += ids(page)
        after = page.after
        if after is None:
            break
        await drawn(any_store, entry(100 + len(found), outcome="escalate", rules=("r",)))
    assert found == [f"dec_{n:04}" for n in reversed(range(10))]
    with pytest.raises(InputError, match="`after` is `x'; DROP`"):
        await any_store.find_decisions(DecisionQuery(after="x'; DROP"))


async def test_own_customers_are_left_out(any_store: RowStore) -> None:
    """Decisions on parties in `not_of` are not found, and nor are those of which nobody knows any more."""
    old = NOW - timedelta(days=4_000)
    await drawn(any_store, entry(1, at=old), entry(2), entry(3, party="harbin"), entry(4, party=""))
    query = DecisionQuery(not_of=("kestrel",))
    assert ids(await any_store.find_decisions(query)) == ["dec_0004", "dec_0003"]
    assert await any_store.erase_due(Periods(), by="op", because="time", at=NOW) == 1
    assert ids(await any_store.find_decisions(DecisionQuery(not_of=("other",)))) == ["dec_0004", "dec_0003", "dec_0002"]
    assert ids(await any_store.find_decisions(DecisionQuery())) == ["dec_0004", "dec_0003", "dec_0002", "dec_0001"]


async def test_what_is_erased_is_gone_from_the_card(any_store: RowStore) -> None:
    """Account, party and operation go with the sealed parts; outcome and rules stay, as in the record itself."""
    old = NOW - timedelta(days=4_000)
    await drawn(any_store, entry(1, at=old, outcome="block", rules=("d5-military",)))
    assert await any_store.erase_due(Periods(), by="op", because="time", at=NOW) == 1
    (card,) = (await any_store.find_decisions(DecisionQuery(rule="d5-military"))).found
    assert (card.account, card.party_id, card.operation, card.provider, card.erased) == (None, None, None, None, True)
    assert (card.outcome, card.rules) == ("block", ("d5-military",))
    assert (await any_store.find_decisions(DecisionQuery(account="111122223333"))).found == ()


async def test_a_record_erased_before_its_card_tells_nothing(any_store: RowStore) -> None:
    """Cards that are drawn after an erasure, or across one, say that it was erased."""
    old = NOW - timedelta(days=4_000)
    await any_store.append(entry(1, at=old))
    before = await any_store._read(catalogue.draw)
    assert before is not None
    assert before.cards[0].account == "111122223333"
    await any_store.erase_due(Periods(), by="op", because="time", at=NOW)
    assert await any_store._write(lambda connection: catalogue.file_cards(connection, before))
    (card,) = (await any_store.find_decisions(DecisionQuery())).found
    assert (card.account, card.erased) == (None, True)
    await any_store.append(entry(2, at=old))
    await any_store.erase_due(Periods(), by="op", because="time", at=NOW)
    await follow(any_store)
    assert [
        (each.id, each.account, each.erased) for each in (await any_store.find_decisions(DecisionQuery())).found
    ] == [
        ("dec_0002", None, True),
        ("dec_0001", None, True),
    ]


async def test_two_gates_draw_each_card_once(any_store: RowStore, make_store: Maker) -> None:
    """Of two that drew the same records, the second writes nothing."""
    await any_store.append(entry(1))
    drawn_twice = await any_store._read(catalogue.draw)
    assert drawn_twice is not None
    other = make_store()
    await other.open()
    try:
        assert await other.draw_cards() == 1
        assert not await any_store._write(lambda connection: catalogue.file_cards(connection, drawn_twice))
        assert ids(await other.find_decisions(DecisionQuery())) == ["dec_0001"]
    finally:
        await other.close()


async def test_records_of_any_shape_are_passed_over(any_store: RowStore) -> None:
    """Steps that are no decision have no card; a decision that says little has one that says little; text is kept."""
    await any_store.keep_policy_state("active", {}, step={"type": "policies.activated", "at": NOW.isoformat()})
    await drawn(
        any_store,
        decision_entry("dec_plain"),
        decision_entry("rsc_1", record={"type": "resemblance", "decision_id": "rsc_1", "at": NOW.isoformat()}),
        decision_entry("dec_odd", record={"type": "decision", "at": NOW.isoformat(), "request": ["no"], "decision": 7}),
        decision_entry("dec_timeless", record={"type": "decision", "at": "yesterday"}),
        entry(1, account="half \ud800 \0"),
    )
    found = {card.id: card for card in (await any_store.find_decisions(DecisionQuery())).found}
    assert set(found) == {"dec_plain", "rsc_1", "dec_odd", "dec_0001"}
    assert (found["rsc_1"].kind, found["dec_plain"].operation, found["dec_odd"].account) == (
        "resemblance",
        "RunInstances",
        None,
    )
    assert ids(await any_store.find_decisions(DecisionQuery(account="half \ud800 \0"))) == ["dec_0001"]


async def test_a_search_looks_at_so_many_cards_and_says_so(
    any_store: RowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two common features meet rarely, the search stops, tells how far back it looked, and goes on from there."""
    monkeypatch.setattr(catalogue, "SEARCHED_AT_ONCE", 2)
    monkeypatch.setattr(catalogue, "MOST_SEARCHED", 4)
    await drawn(
        any_store, *(entry(n, operation="Rare" if n == 1 else "RunInstances", outcome="block") for n in range(8))
    )
    query = DecisionQuery(operation="Rare", outcome="block")
    assert ids(await any_store.find_decisions(query)) == ["dec_0001"]  # the narrower index
    query = DecisionQuery(account="111122223333", operation="Rare", limit=1)
    page = await any_store.find_decisions(query)
    assert (page.found, page.searched_back_to) == ((), NOW + timedelta(minutes=4))
    page = await any_store.find_decisions(
        DecisionQuery(account="111122223333", operation="Rare", limit=1, after=page.after)
    )
    assert (ids(page), page.after is not None) == (["dec_0001"], True)


async def test_rules_are_counted(any_store: RowStore) -> None:
    """How often a rule had a finding since a day, and how often it counted, up to a bound."""
    await drawn(any_store, *(entry(n, outcome="escalate", rules=("r",), noted=("quiet",)) for n in range(5)))
    counts = await any_store.count_rules(["r", "quiet", "none"], NOW + timedelta(minutes=1))
    assert counts == {"r": (4, 4), "quiet": (4, 0), "none": (0, 0)}
    assert await any_store.count_rules(["r"], NOW, 3) == {"r": (3, 3)}


PARTIES = (
    Party(id="acct-1", name="Nordlys Computing AS", headquarters="Oslo, Norway", location="Norway"),
    Party(id="acct-2", name="Nordic Light Ltd", aliases=(Alias(name="Nordlys UK"),), headquarters="London"),
    Party(id="acct-3", name="Computing Nordlys GmbH", headquarters="Germany", lei="529900T8BM49AURSDO55"),
    Party(id="acct-4", name="Ångström Data", trade_names=("Aurora",), location="Sweden"),
)


async def found(store: RowStore, text: str = "", **more: Any) -> list[str]:
    return [party.id for party in (await store.find_parties(PartyQuery(terms=terms_of(text), **more))).found]


async def test_a_party_is_found_by_the_beginnings_of_its_words(any_store: RowStore) -> None:
    """Names, aliases, trade names, ids and LEIs in any order, case and accents, and the country of its places."""
    await any_store.save_directory(PARTIES, ())
    await follow(any_store)
    assert await found(any_store) == ["acct-1", "acct-2", "acct-3", "acct-4"]
    assert await found(any_store, "nordlys") == ["acct-1", "acct-2", "acct-3"]
    assert await found(any_store, "NORD") == ["acct-2", "acct-1", "acct-3"]
    assert await found(any_store, "comp nordlys") == ["acct-1", "acct-3"]
    assert await found(any_store, "angstr") == ["acct-4"]
    assert await found(any_store, "aurora") == ["acct-4"]
    assert await found(any_store, "acct-3") == ["acct-3"]
    assert await found(any_store, "529900T8BM49AURSDO55") == ["acct-3"]
    assert await found(any_store, "nord", country="NO") == ["acct-1"]
    assert await found(any_store, country="SE") == ["acct-4"]
    assert await found(any_store, "nobody") == []
    assert await found(any_store, "nord", not_of=("acct-1",)) == ["acct-2", "acct-3"]
    assert await found(any_store, not_of=("acct-1", "acct-3"), limit=1) == ["acct-2"]


@pytest.mark.parametrize(("text", "country"), [("", None), ("n", None), ("computing", None), ("", "NO")])
async def test_pages_of_parties_follow_one_another(any_store: RowStore, text: str, country: str | None) -> None:
    """Page by page each party comes once, though several of its words begin alike."""
    parties = [Party(id=f"p{n}", name=f"Norge Nordisk Number {n} Computing", location="Norway") for n in range(9)]
    await any_store.save_directory(parties, ())
    await follow(any_store)
    seen: list[str] = []
    query = PartyQuery(terms=terms_of(text), country=country, limit=2)
    while True:
        page = await any_store.find_parties(query)
        seen += [party.id for party in page.found]
        if page.after is None:
            break
        query = PartyQuery(terms=query.terms, country=country, limit=2, after=page.after)
    assert seen == [party.id for party in parties]
    with pytest.raises(InputError, match="`after` is"):
        await any_store.find_parties(PartyQuery(terms=("n",), after="[1]"))


async def test_a_party_that_changed_is_found_by_what_it_is_now(any_store: RowStore) -> None:
    """Old words are gone with the old document; a document that is saved again as it is waits for nothing."""
    await any_store.save_directory(PARTIES[:1], ())
    await follow(any_store)
    await any_store.save_directory((Party(id="acct-1", name="Polar Works"),), ())
    assert (await any_store.find_parties(PartyQuery())).behind == 1
    await follow(any_store)
    assert await found(any_store, "nordlys") == []
    assert await found(any_store, "polar") == ["acct-1"]
    await any_store.save_directory((Party(id="acct-1", name="Polar Works"),), ())
    assert await any_store.fetch_unworded() == []


async def test_words_of_an_older_document_are_not_written(any_store: RowStore) -> None:
    """A party that changes while its words are drawn waits for new ones."""
    await any_store.save_directory(PARTIES[:1], ())
    waiting = await any_store.fetch_unworded()
    await any_store.save_directory((Party(id="acct-1", name="Polar Works"),), ())
    await any_store.save_words(waiting, {"acct-1": ("nordlys",)})
    assert await found(any_store, "nordlys") == []
    assert len(await any_store.fetch_unworded()) == 1


async def test_a_search_for_parties_is_bounded(any_store: RowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two common words meet rarely, the search stops and goes on from there."""
    monkeypatch.setattr(party_words, "SEARCHED_AT_ONCE", 2)
    monkeypatch.setattr(party_words, "MOST_SEARCHED", 4)
    names = [f"Alpha {'Beta' if n == 5 else 'Gamma'} {n}" for n in range(6)] + [f"Beta {n}" for n in range(9)]
    await any_store.save_directory([Party(id=f"p{n:02}", name=name) for n, name in enumerate(names)], ())
    await follow(any_store)
    page = await any_store.find_parties(PartyQuery(terms=("alpha", "beta")))
    assert (page.found, page.stopped) == ((), True)
    page = await any_store.find_parties(PartyQuery(terms=("alpha", "beta"), after=page.after))
    assert [party.id for party in page.found] == ["p05"]


async def test_accounts_are_found_by_their_party(any_store: RowStore) -> None:
    """The accounts of a party come in order, and follow it when they move."""
    accounts = [Account(provider="aws", id=str(n), party_id="acct-1" if n < 3 else "acct-2") for n in range(5)]
    await any_store.save_directory((), accounts)
    assert [account.id for account in await any_store.fetch_accounts_of("acct-1")] == ["0", "1", "2"]
    await any_store.save_directory((), [Account(provider="aws", id="1", party_id="acct-2")])
    assert [account.id for account in await any_store.fetch_accounts_of("acct-2")] == ["1", "3", "4"]
    assert [account.id for account in await any_store.fetch_accounts_of("acct-2", limit=1)] == ["1"]


async def test_records_come_in_pages(any_store: RowStore) -> None:
    """Records that follow a position, as many as asked for."""
    await drawn(any_store, *(entry(n) for n in range(5)))
    assert [record.position for record in await any_store.fetch_records(2, 2)] == [3, 4]
    assert await any_store.fetch_records(5, 2) == ()
