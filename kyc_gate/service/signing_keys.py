"""Keys that customers sign with: issued, listed, taken back, and looked up for each call that is signed with one."""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from kyc_gate.errors import InputError, StorageFault
from kyc_gate.model.access import Actor, Permission
from kyc_gate.model.record import Record, plain
from kyc_gate.model.signing_key import SigningKey
from kyc_gate.service.casework import require
from kyc_gate.service.sealing import Sealer
from kyc_gate.storage.store import Store

_ACCOUNT = re.compile(r"[0-9]{12}")

KNOWN_SECONDS = 2.0
"""How long what was read of a key may be used: within that time a key that was taken back stops working everywhere."""

MOST_KNOWN = 4096
"""Keys that are remembered for so long; unknown ids among them, so that whoever tries many does not fill the memory."""


class MadeSigningKey(Record):
    """A key just issued. `secret` is told once, and kept only sealed."""

    secret: str
    key: SigningKey


class SigningKeys:
    """The keys of a store, with their secrets. `read` reads the file that opens them, again when one does not open."""

    def __init__(self, store: Store, read: Callable[[], Sealer], now: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._read = read
        self._sealer = read()
        self._now = now or (lambda: datetime.now(UTC))
        self._known: dict[str, tuple[float, tuple[SigningKey, str] | None]] = {}

    async def issue(self, by: Actor, account: str, name: str, *, days: float | None = None) -> MadeSigningKey:
        """Return a new key for calls of `account`. Raises `InputError` for an account that is not of twelve digits."""
        require(by, Permission.MANAGE_ACCESS)
        if not _ACCOUNT.fullmatch(account):
            raise InputError(f"`account` `{account[:40]}` is not an account of AWS: twelve digits")
        if not name.strip() or len(name) > 100:
            raise InputError("`name` is empty or has more than 100 characters: say who holds the key")
        if days is not None and not 0 < days <= 3650:
            raise InputError(f"`days` is {days}; a key lasts ten years at most")
        now = self._now()
        secret, id = base64.b64encode(secrets.token_bytes(30)).decode("ascii"), key_id(account)
        key = SigningKey(
            id=id,
            account=account,
            name=name.strip(),
            sealed=self._sealer.seal(secret, _about(id, account)),
            made_by=by.id,
            at=now,
            expires_at=None if days is None else now + timedelta(days=days),
        )
        await self._store.add_signing_key(key, step=self._said("signing-key.made", by, key))
        return MadeSigningKey(secret=secret, key=key)

    async def keys(self, by: Actor) -> tuple[SigningKey, ...]:
        """Return every key, the newest first, without the secrets."""
        require(by, Permission.MANAGE_ACCESS)
        return tuple(replace(key, sealed="") for key in await self._store.fetch_signing_keys())

    async def revoke(self, by: Actor, id: str) -> SigningKey:
        """Take a key back. Raises `InputError` where there is none."""
        require(by, Permission.MANAGE_ACCESS)
        now = self._now()
        revoked = await self._store.change_signing_key(
            id,
            lambda key: key if key.revoked_at else replace(key, revoked_at=now),
            lambda key: self._said("signing-key.revoked", by, key),
        )
        if revoked is None:
            raise InputError(f"there is no key `{id[:40]}`")
        self._known.pop(id, None)
        return replace(revoked, sealed="")

    async def reseal(self, by: Actor) -> int:
        """Seal every secret anew with the newest key of the file, and return how many there are."""
        require(by, Permission.MANAGE_ACCESS)
        keys = await self._store.fetch_signing_keys()
        for key in keys:
            await self._store.change_signing_key(
                key.id, self._resealed, lambda key: self._said("signing-key.resealed", by, key)
            )
        return len(keys)

    async def find(self, id: str) -> tuple[SigningKey, str] | None:
        """Return a key with its secret, or None where there is none. Raises `StorageFault` where it does not open."""
        clock = time.monotonic()
        known = self._known.get(id)
        if known is not None and clock - known[0] < KNOWN_SECONDS:
            return known[1]
        key = await self._store.fetch_signing_key(id)
        found = None if key is None else (key, self._opened(key))
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[id] = (clock, found)
        return found

    def _opened(self, key: SigningKey) -> str:
        """Return the secret of a key, with the file read again where it was sealed anew since."""
        about = _about(key.id, key.account)
        try:
            return self._sealer.open(key.sealed, about)
        except StorageFault:
            self._sealer = self._read()
            return self._sealer.open(key.sealed, about)

    def _resealed(self, key: SigningKey) -> SigningKey:
        return replace(key, sealed=self._sealer.seal(self._opened(key), _about(key.id, key.account)))

    def _said(self, kind: str, by: Actor, key: SigningKey) -> dict[str, object]:
        told = plain(key)
        told.pop("sealed")
        return {"type": kind, "at": self._now().isoformat(), "by": by.id, "via": by.via, "what": told}


def key_id(account: str) -> str:
    """Return a new id in AWS's form, from which the account can be read: see `adapters.aws.identity.account_of`.

    The first bit is set, as in the keys that AWS issues, so that the fifth character is never I or J.
    """
    number = (1 << 47) | (int(account) << 7) | secrets.randbits(7)
    raw = number.to_bytes(6, "big") + secrets.token_bytes(4)
    return "AKIA" + base64.b32encode(raw).decode("ascii")


def _about(id: str, account: str) -> str:
    return f"{id}@{account}"
