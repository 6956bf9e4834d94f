"""Who somebody is: accounts of people, their sessions, and keys of services. What they may do is a table in `model`."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from kyc_gate.errors import AccessDenied, InputError
from kyc_gate.model.access import (
    KEY_PREFIX,
    PERSONAL,
    PROVIDER,
    Actor,
    Key,
    Permission,
    Person,
    Role,
    Session,
    Way,
    actor_of,
    is_reserved,
)
from kyc_gate.model.record import Record, plain
from kyc_gate.service.casework import require, token_digest
from kyc_gate.service.config import AccessSettings
from kyc_gate.storage.store import Store

if TYPE_CHECKING:
    import argon2

log = structlog.get_logger("kyc_gate")

LEAST_PASSWORD = 15
"""Characters of a password at least where nothing else is asked for: NIST SP 800-63B-4, 3.1.1.2."""

MOST_PASSWORD = 1_024
"""Characters of a password at most: beyond that only the hashing is kept busy."""

FREE_FAILURES = 5
"""Wrong passwords before somebody has to wait `FIRST_WAIT`; each further one doubles the wait."""

FIRST_WAIT = 30

LONGEST_WAIT = 900
"""Seconds that wrong passwords keep an account closed at most: a stranger must not be able to close it for ever."""

SEEN_SECONDS = 60
"""A session's last call is noted once in so many seconds, so that looking at pages writes little."""

HASHING = 2
"""Passwords that are hashed at once: each takes 64 MiB (RFC 9106, the second recommended choice)."""

_PROVIDER = Actor(id=PROVIDER, permissions=frozenset())

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")

REFUSED = "the name or the password is wrong, or too many were wrong before: wait a while"
"""The one answer to whoever cannot sign in: which of it is true tells a stranger whom we know."""


class SignedIn(Record):
    """A session just begun. `token` goes into the cookie and is kept nowhere."""

    token: str
    session: Session
    actor: Actor


class MadeKey(Record):
    """A key just made. `secret` is told once, and kept nowhere."""

    secret: str
    key: Key


class Access:
    """People, sessions and keys over a store.

    `together` tells who acts as one with a person's customers: they see to none of those, either.
    """

    def __init__(
        self,
        store: Store,
        rules: AccessSettings | None = None,
        now: Callable[[], datetime] | None = None,
        together: Callable[[Iterable[str]], Awaitable[tuple[str, ...]]] | None = None,
    ) -> None:
        self._store = store
        self._together = together
        self._rules = rules or AccessSettings()
        self._now = now or (lambda: datetime.now(UTC))
        self._hashing = asyncio.Semaphore(HASHING)

    # People

    async def add(
        self,
        by: Actor,
        id: str,
        roles: Iterable[str],
        *,
        name: str = "",
        email: str | None = None,
        parties: Iterable[str] = (),
        password: str | None = None,
        subject: str | None = None,
    ) -> Person:
        """Put a person on file. Raises `InputError` for a name that is taken, a role that is none, a weak password."""
        require(by, Permission.MANAGE_ACCESS)
        if not _NAME.fullmatch(id):
            raise InputError(f"`{id[:100]}` is no name to sign in with: letters, digits and `._@+-`, 100 at most")
        if is_reserved(id):
            raise InputError(f"`{id}` is a name under which the gate records steps of its own; take another")
        person = Person(
            id=id,
            roles=read_roles(roles),
            name=name,
            email=email,
            parties=tuple(sorted(set(parties))),
            password=None if password is None else await self._hashed(password),
            subject=subject,
        )
        await self._store.add_person(person, step=self._said("person.added", by, person))
        return person

    async def change(
        self,
        by: Actor,
        id: str,
        *,
        roles: Iterable[str] | None = None,
        parties: Iterable[str] | None = None,
        active: bool | None = None,
    ) -> Person:
        """Change a person's roles, customers or whether they may sign in. It holds from their next call on."""
        require(by, Permission.MANAGE_ACCESS)
        if by.id == id and (active is False or roles is not None or parties is not None):
            raise AccessDenied("nobody changes their own roles or customers, or closes their own account")
        given = None if roles is None else read_roles(roles)
        theirs = None if parties is None else tuple(sorted(set(parties)))

        def change(person: Person) -> Person:
            return replace(
                person,
                roles=person.roles if given is None else given,
                parties=person.parties if theirs is None else theirs,
                active=person.active if active is None else active,
                epoch=person.epoch + 1,
            )

        return await self._changed(by, id, "person.changed", change)

    async def set_password(self, by: Actor, id: str, password: str) -> Person:
        """Give a person a new password, and end their sessions. People may do so for themselves."""
        if by.id != id:
            require(by, Permission.MANAGE_ACCESS)
        hashed = await self._hashed(password)

        def change(person: Person) -> Person:
            return replace(person, password=hashed, failures=0, failed_at=None, epoch=person.epoch + 1)

        return await self._changed(by, id, "person.password-set", change)

    async def people(self, by: Actor) -> tuple[Person, ...]:
        """Return everybody on file, without their passwords' hashes."""
        require(by, Permission.MANAGE_ACCESS)
        return tuple(replace(each, password=None) for each in await self._store.fetch_people())

    # Sessions

    async def sign_in(self, id: str, password: str, *, replaces: str | None = None) -> SignedIn:
        """Return a new session for the right password. Raises `AccessDenied` with one text for whatever is wrong.

        `replaces` is the token of a session before it, which ends: a token that was planted is worth nothing.
        """
        now = self._now()
        known = id if _NAME.fullmatch(id) else ""
        person, may = await self._store.count_attempt(known, now, lambda person: self._may_try(person, now))
        hashed = person.password if person is not None and person.password and may else _nobody()
        # The hash is computed whoever it is, so that the time taken does not tell whom we know.
        right = await self._verified(hashed, password)
        if person is None or not may or not right:
            log.warning(
                "access.refused", person=person.id if person else None, failures=person.failures if person else None
            )
            raise AccessDenied(REFUSED)
        return await self.begin(await self._succeeded(person), replaces=replaces)

    async def _succeeded(self, tried: Person) -> Person:
        """Return the person with their failures cleared. Raises where they were changed while the password was read."""

        def clear(person: Person) -> Person:
            if person.epoch != tried.epoch or person.password != tried.password or not person.active:
                raise AccessDenied(REFUSED)
            return replace(person, failures=0, failed_at=None)

        person = await self._store.change_person(tried.id, clear)
        if person is None:
            raise AccessDenied(REFUSED)
        return person

    async def begin(self, person: Person, *, replaces: str | None = None) -> SignedIn:
        """Return a new session of a person who proved who they are."""
        now = self._now()
        if replaces:
            await self._store.end_sessions(digest=token_digest(replaces))
        token = secrets.token_urlsafe(32)
        ends = now + timedelta(hours=self._rules.session_hours)
        session = Session(
            digest=token_digest(token),
            person=person.id,
            at=now,
            idle_until=min(ends, now + timedelta(minutes=self._rules.idle_minutes)),
            expires_at=ends,
            csrf=secrets.token_urlsafe(32),
            epoch=person.epoch,
        )
        await self._store.add_session(session)
        log.info("access.signed-in", person=person.id)
        return SignedIn(token=token, session=session, actor=actor_of(person))

    async def session(self, token: str) -> tuple[Actor, Session] | None:
        """Return who holds a session and the session; None where it ended. Roles are those of this moment."""
        session = await self._store.fetch_session(token_digest(token))
        now = self._now()
        if session is None or now >= session.idle_until or now >= session.expires_at:
            return None
        person = await self._store.fetch_person(session.person)
        if person is None or not person.active or person.epoch != session.epoch:
            return None
        until = min(session.expires_at, now + timedelta(minutes=self._rules.idle_minutes))
        if until - session.idle_until >= timedelta(seconds=SEEN_SECONDS):
            extended = await self._store.extend_session(session.digest, until)
            return None if extended is None else (await self._actor(person), extended)
        return await self._actor(person), session

    async def _actor(self, person: Person) -> Actor:
        actor = actor_of(person)
        if not actor.parties or self._together is None:
            return actor
        return replace(actor, parties=await self._together(actor.parties))

    async def vouched(self, subject: str, name: str, email: str | None, roles: tuple[str, ...] | None) -> Person:
        """Return the person whom the identity provider vouches for, put on file at their first sign-in.

        `roles` are those that the provider's groups give, and stand in for those on file; None leaves these.
        Raises `AccessDenied` for who has no role, is not on file, or bears the name of somebody else.
        """
        person = await self._store.fetch_person_by_subject(subject)
        if person is None and roles is None:
            raise AccessDenied("you are not on file here; ask an administrator of the gate")
        if (person is not None and not person.active) or roles == ():
            raise AccessDenied("you have no role here; ask an administrator of the gate")
        if person is None:
            return await self._new(subject, name, email, roles or ())
        given = None if roles is None else read_roles(roles)

        def change(person: Person) -> Person:
            if not person.active:
                raise AccessDenied("you have no role here; ask an administrator of the gate")
            if given is None or given == person.roles:
                return person
            return replace(person, roles=given, epoch=person.epoch + 1)

        return await self._changed(_PROVIDER, person.id, "person.changed", change)

    async def _new(self, subject: str, name: str, email: str | None, roles: tuple[str, ...]) -> Person:
        if not _NAME.fullmatch(name) or is_reserved(name):
            raise AccessDenied("the identity provider gives you no name that can be used here")
        if await self._store.fetch_person(name) is not None:
            raise AccessDenied(f"`{name}` is somebody else here; ask an administrator of the gate")
        person = Person(id=name, roles=read_roles(roles), email=email, subject=subject)
        await self._store.add_person(person, step=self._said("person.added", _PROVIDER, person))
        return person

    async def sign_out(self, token: str) -> None:
        """End a session."""
        await self._store.end_sessions(digest=token_digest(token))

    # Keys

    async def make_key(self, by: Actor, name: str, permissions: Iterable[str], *, days: float | None = None) -> MadeKey:
        """Return a new key. Raises `InputError` for a permission that only a person has."""
        require(by, Permission.MANAGE_ACCESS)
        given = read_permissions(permissions)
        if not name.strip() or len(name) > 100:
            raise InputError("`name` is empty or has more than 100 characters: say what the key is for")
        now = self._now()
        kept = self._rules.key_days if days is None else days
        if not 0 < kept <= 366:
            raise InputError(f"`days` is {kept}; a key lasts a year at most")
        secret = f"kyc_{secrets.token_urlsafe(32)}"
        key = Key(
            id=f"key_{secrets.token_hex(8)}",
            digest=token_digest(secret),
            name=name.strip(),
            permissions=given,
            made_by=by.id,
            at=now,
            expires_at=now + timedelta(days=kept),
        )
        await self._store.add_key(key, step=self._said("key.made", by, replace(key, digest="")))
        return MadeKey(secret=secret, key=key)

    async def revoke_key(self, by: Actor, id: str) -> Key:
        """Take a key back, from its next call on."""
        require(by, Permission.MANAGE_ACCESS)
        revoked = await self._store.revoke_key(
            id, self._now(), lambda key: self._said("key.revoked", by, replace(key, digest=""))
        )
        if revoked is None:
            raise InputError(f"there is no key `{id[:40]}`")
        return revoked

    async def keys(self, by: Actor) -> tuple[Key, ...]:
        """Return every key, the newest first, without the digests."""
        require(by, Permission.MANAGE_ACCESS)
        return tuple(replace(each, digest="") for each in await self._store.fetch_keys())

    async def key(self, secret: str) -> Actor | None:
        """Return what the holder of a key may do; None where it is none, expired or taken back."""
        key = await self._store.fetch_key(token_digest(secret))
        now = self._now()
        if key is None or key.revoked_at is not None or now >= key.expires_at:
            return None
        noted = key.used_at is not None and now - key.used_at < timedelta(hours=1)
        if not noted and not await self._store.use_key(key.digest, now):
            return None
        return Actor(id=f"{KEY_PREFIX}{key.name}", permissions=frozenset(key.permissions) - PERSONAL, via=Way.KEY)

    # Parts

    async def _changed(self, by: Actor, id: str, kind: str, change: Callable[[Person], Person]) -> Person:
        """Return the person after the change, their sessions ended. Raises `InputError` where nobody has the name."""
        person = await self._store.change_person(
            id, change, step=lambda changed: self._said(kind, by, changed), ends_sessions=True
        )
        if person is None:
            raise InputError(f"nobody called `{id[:100]}` is on file")
        return person

    def _may_try(self, person: Person, now: datetime) -> bool:
        return person.active and person.password is not None and not self._closed(person, now)

    def _closed(self, person: Person, now: datetime) -> bool:
        beyond = person.failures - FREE_FAILURES
        if beyond < 0 or person.failed_at is None:
            return False
        return now < person.failed_at + timedelta(seconds=min(FIRST_WAIT * 2 ** min(beyond, 20), LONGEST_WAIT))

    async def _hashed(self, password: str) -> str:
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
            raise InputError(
                f"the password has {len(password)} characters; it takes {LEAST_PASSWORD} to {MOST_PASSWORD}"
            )
        async with self._hashing:
            return await asyncio.to_thread(_hasher().hash, password)

    async def _verified(self, hashed: str, password: str) -> bool:
        if len(password) > MOST_PASSWORD:
            return False
        async with self._hashing:
            return await asyncio.to_thread(_verify, hashed, password)

    def _said(self, kind: str, by: Actor, what: Person | Key) -> dict[str, object]:
        told = plain(what)
        for secret in ("password", "digest", "failures", "failed_at"):
            told.pop(secret, None)
        about = {each: told.pop(each) for each in ("email", "subject") if each in told}
        if isinstance(what, Person):
            about["name"] = told.pop("name")
        said = {"type": kind, "at": self._now().isoformat(), "by": by.id, "via": by.via, "what": told}
        return {**said, "parties": about} if about else said


def read_roles(roles: Iterable[str]) -> tuple[Role, ...]:
    """Return the roles, each once. Raises `InputError` naming one that is none, or where there are none."""
    given = tuple(roles)
    unknown = [each for each in given if each not in set(Role)]
    if unknown or not given:
        raise InputError(f"`{unknown[0] if unknown else ''}` is no role; they are {', '.join(Role)}")
    return tuple(role for role in Role if role.value in given)


def read_permissions(permissions: Iterable[str]) -> tuple[Permission, ...]:
    """Return permissions that a key may carry. Raises `InputError` naming one that is none, or a person's alone."""
    given = tuple(permissions)
    able = [each for each in Permission if each not in PERSONAL]
    unknown = [each for each in given if each not in set(able)]
    if unknown or not given:
        named = f"`{unknown[0]}`" if unknown else "nothing"
        raise InputError(f"{named} is no permission of a key; they are {', '.join(able)}")
    return tuple(each for each in able if each.value in given)


def same(one: str, other: str) -> bool:
    """Return whether two secrets are one, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


@cache
def _hasher() -> argon2.PasswordHasher:
    import argon2  # loaded at the first password

    return argon2.PasswordHasher()


@cache
def _nobody() -> str:
    """Return the hash of a password that nobody has."""
    return _hasher().hash(secrets.token_urlsafe(32))


def _verify(hashed: str, password: str) -> bool:
    import argon2

    try:
        return _hasher().verify(hashed, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
