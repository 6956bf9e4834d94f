"""The catalogue follows the store: cards of decisions and words of parties are drawn behind what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kyc_gate.model.access import Actor, Permission
from kyc_gate.model.catalogue import DecisionPage, DecisionQuery, PartyPage, PartyQuery
from kyc_gate.model.party import Party
from kyc_gate.names.normalize import normalize_name
from kyc_gate.service.casework import require
from kyc_gate.service.place_facts import read_place
from kyc_gate.storage.documents import read

if TYPE_CHECKING:
    from kyc_gate.storage.store import Store

MOST_FOUND = 200
"""Rows of one page at most."""

MOST_TERMS = 8
"""Words of one question at most."""

CAUGHT_UP = 4
"""Turns that a search waits for, so that what happened a moment ago is found: some 500 records."""

TURNS = 20
"""Turns of one look of the upkeep, so that what else is to be done has its turn: some 2,500 records."""

REST = 1.0
"""How many times longer than it worked the drawing rests, so that decisions have their turn."""


async def follow(store: Store, turns: int = TURNS) -> None:
    """Draw what is not drawn yet, a little at a time, until nothing is left or the turns are used up."""
    loop = asyncio.get_running_loop()
    for _ in range(turns):
        started = loop.time()
        if not await store.draw_cards() + await _worded(store):
            return
        await asyncio.sleep((loop.time() - started) * REST)


async def _worded(store: Store) -> int:
    """Give some parties their words, and return how many."""
    waiting = await store.fetch_unworded()
    if waiting:
        await store.save_words(waiting, await asyncio.to_thread(_words_of_documents, waiting))
    return len(waiting)


async def find_decisions(store: Store, actor: Actor, query: DecisionQuery) -> DecisionPage:
    """Return a page of decisions, those on the actor's own customers left out. Raises `InputError`."""
    require(actor, Permission.READ_DECISIONS)
    for _ in range(CAUGHT_UP):
        if not await store.draw_cards():
            break
    query = replace(query, not_of=actor.parties)
    found = await store.find_decisions(query)
    provider, colon, account = (query.account or "").partition(":")
    if found.found or found.after or not colon or query.after is not None:
        return found
    # `aws:111122223333`, as accounts are written everywhere.
    return await store.find_decisions(replace(query, provider=query.provider or provider, account=account))


async def find_parties(store: Store, actor: Actor, query: PartyQuery) -> PartyPage:
    """Return a page of parties, the actor's own customers left out. Raises `InputError`."""
    require(actor, Permission.READ_PARTIES)
    for _ in range(CAUGHT_UP):
        if not await _worded(store):
            break
    return await store.find_parties(replace(query, not_of=actor.parties))


def terms_of(text: str) -> tuple[str, ...]:
    """Return the words of a question in comparison form; what has no letter and no digit asks for nothing."""
    return tuple(dict.fromkeys(_texts(normalize_name(text).words)))[:MOST_TERMS]


def words_of(party: Party) -> tuple[str, ...]:
    """Return what a party is found by: the words of its names and of its id, its LEI, and `@CC` for its countries."""
    names = (party.name, *(alias.name for alias in party.aliases), *(party.trade_names or ()), party.id)
    words = (word for name in names for word in normalize_name(name).words)
    lei = (party.lei.strip().lower(),) if party.lei else ()
    places = (read_place(text).country for text in (party.location, party.headquarters, party.jurisdiction) if text)
    return tuple(dict.fromkeys(_texts((*words, *lei, *(f"@{country}" for country in places if country)))))


def _texts(words: tuple[str, ...]) -> Iterator[str]:
    """Yield words as a column can hold them."""
    for word in words:
        text = word.encode("utf-8", "ignore").decode("utf-8").replace("\0", "")
        if text:
            yield text


def _words_of_documents(waiting: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    return {id: words_of(read(document, Party)) for id, document in waiting}
