"""People, sessions and keys on either engine: a change is made to what stands on file, and undoes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kyc_gate.errors import AccessDenied, InputError
from kyc_gate.model.access import Key, Permission, Person, Role, Session
from kyc_gate.storage.rowstore import RowStore

from .samples import NOW

ANA = Person(id="ana", roles=(Role.ANALYST,), name="Ana Person", email="ana@kestrel.example", password="hash")


def said(what: Person | Key) -> dict[str, Any]:
    """Return an audit record of a step, with what it tells of people."""
    return {"type": "person.changed", "at": NOW.isoformat(), "what": what.id, "parties": {"email": ANA.email}}


def session(**changes: Any) -> Session:
    """A session of an hour."""
    return replace(
        Session(
            digest="d",
            person="ana",
            at=NOW,
            idle_until=NOW + timedelta(minutes=30),
            expires_at=NOW + timedelta(hours=1),
            csrf="c",
        ),
        **changes,
    )


def key() -> Key:
    """A key of a day."""
    return Key(
        id="key_1",
        digest="d",
        name="ci",
        permissions=(Permission.READ_CASES,),
        made_by="ana",
        at=NOW,
        expires_at=NOW + timedelta(days=1),
    )


async def test_changes_at_once_all_hold(any_store: RowStore) -> None:
    """A hundred steps at once leave a hundred traces, and a closed account closed."""
    await any_store.add_person(ANA, step=said(ANA))
    await asyncio.gather(
        any_store.change_person("ana", lambda person: replace(person, active=False), step=said, ends_sessions=True),
        *(any_store.change_person("ana", lambda person: replace(person, epoch=person.epoch + 1)) for _ in range(100)),
    )
    found = await any_store.fetch_person("ana")
    assert found is not None
    assert (found.active, found.epoch) == (False, 100)
    assert await any_store.change_person("nobody", lambda person: person) is None


async def test_a_change_that_may_not_be_writes_nothing(any_store: RowStore) -> None:
    """What raises inside the change leaves the person, the sessions and the chain as they were."""
    await any_store.add_person(ANA, step=said(ANA))
    await any_store.add_session(session())

    def refuse(_: Person) -> Person:
        raise AccessDenied("no")

    with pytest.raises(AccessDenied):
        await any_store.change_person("ana", refuse, step=said, ends_sessions=True)
    assert await any_store.fetch_person("ana") == ANA
    assert await any_store.fetch_session("d") == session()
    assert len([record async for record in any_store.records()]) == 1


async def test_a_name_is_given_once_whoever_comes_together(any_store: RowStore) -> None:
    """Of two people put on file at once under one name, or one subject, one is refused."""
    results = await asyncio.gather(
        *(any_store.add_person(replace(ANA, email=f"{number}@x.example"), step=said(ANA)) for number in range(2)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["InputError", "NoneType"]
    await any_store.add_person(replace(ANA, id="bo", subject="issuer#1"), step=said(ANA))
    with pytest.raises(InputError, match="`subject`"):
        await any_store.add_person(replace(ANA, id="cy", subject="issuer#1"), step=said(ANA))


async def test_tries_at_once_are_counted_one_by_one(any_store: RowStore) -> None:
    """Of fifty tries at once, five may go on where five are free."""
    await any_store.add_person(ANA, step=said(ANA))
    tries = await asyncio.gather(
        *(any_store.count_attempt("ana", NOW, lambda person: person.failures < 5) for _ in range(50))
    )
    assert sum(may for _, may in tries) == 5
    assert await any_store.count_attempt("nobody", NOW, lambda _: True) == (None, False)


async def test_a_session_that_ended_is_not_extended(any_store: RowStore) -> None:
    """Extending lengthens what is there, and brings nothing back."""
    await any_store.add_session(session())
    later = NOW + timedelta(minutes=45)
    assert await any_store.extend_session("d", later) == session(idle_until=later)
    assert await any_store.extend_session("d", NOW) == session(idle_until=later)
    await any_store.end_sessions(digest="d")
    assert await any_store.extend_session("d", later) is None
    assert await any_store.fetch_session("d") is None


async def test_a_key_taken_back_stays_taken_back(any_store: RowStore) -> None:
    """Using it after that notes nothing, and taking it back again changes nothing."""
    await any_store.add_key(key(), step=said(key()))
    assert await any_store.use_key("d", NOW)
    revoked = await any_store.revoke_key("key_1", NOW, said)
    assert revoked == replace(key(), used_at=NOW, revoked_at=NOW)
    assert not await any_store.use_key("d", NOW + timedelta(hours=2))
    assert await any_store.revoke_key("key_1", NOW + timedelta(hours=3), said) == revoked
    assert await any_store.fetch_keys() == (revoked,)
    assert await any_store.revoke_key("key_2", NOW, said) is None


async def test_what_records_tell_of_people_is_sealed(any_store: RowStore) -> None:
    """The text that the chain covers has no name and no address; they stand beside it."""
    await any_store.add_person(ANA, step=said(ANA))
    head = await any_store.fetch_head()
    assert head is not None
    record = await any_store.fetch_record(head[0])
    assert record is not None
    assert ANA.email is not None
    assert ANA.email not in record.body
    assert ANA.email in (record.personal or "")
