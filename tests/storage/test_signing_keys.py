"""Customers' signing keys and used signatures, on either engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kyc_gate.errors import InputError
from kyc_gate.model.signing_key import SigningKey
from kyc_gate.storage.rowstore import RowStore

from .samples import NOW

KEY = SigningKey(id="AKIAQ", account="111111111111", name="ops", sealed="c2VhbGVk", made_by="ana", at=NOW)


def said(key: SigningKey) -> dict[str, Any]:
    return {"type": "signing-key.changed", "at": NOW.isoformat(), "what": key.id}


async def test_a_key_is_kept_changed_and_told(any_store: RowStore) -> None:
    """A key comes back as it was written, changes once, and each step is in the chain."""
    await any_store.add_signing_key(KEY, step=said(KEY))
    with pytest.raises(InputError, match="there already"):
        await any_store.add_signing_key(KEY, step=said(KEY))
    assert await any_store.fetch_signing_key("AKIAQ") == KEY
    assert await any_store.fetch_signing_key("AKIAZ") is None
    revoked = replace(KEY, revoked_at=NOW)
    for _ in range(2):
        assert await any_store.change_signing_key("AKIAQ", lambda _: revoked, said) == revoked
    assert await any_store.fetch_signing_keys() == (revoked,)
    assert [record["type"] async for record in any_store.records()] == ["signing-key.changed"] * 2


async def test_a_signature_is_used_once(any_store: RowStore) -> None:
    """Of many who use one at once a single one may; freed, or forgotten when nobody takes it, it may be used again."""
    until = NOW + timedelta(minutes=5)
    assert sorted(await asyncio.gather(*(any_store.use_signature("s", NOW, until) for _ in range(8)))) == [
        *[False] * 7,
        True,
    ]
    await any_store.free_signature("s")
    assert await any_store.use_signature("s", NOW, until)
    assert not await any_store.use_signature("s", until, until)
    assert await any_store.use_signature("s", until + timedelta(seconds=1), until + timedelta(minutes=5))
