"""Who may do what: people, keys, sessions, and a table of roles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from kyc_gate.model.record import Record


class Permission(StrEnum):
    """Something that may be done with the gate."""

    READ_CASES = "cases:read"
    WORK = "cases:work"
    DECIDE = "cases:decide"
    READ_DECISIONS = "decisions:read"
    MAKE_DECISIONS = "decisions:make"
    SCREEN = "parties:screen"
    READ_PARTIES = "parties:read"
    READ_RUNS = "runs:read"
    FINISH_RUNS = "runs:finish"
    READ_LISTS = "lists:read"
    READ_POLICIES = "policies:read"
    TRY_POLICIES = "policies:try"
    PUBLISH_POLICIES = "policies:publish"
    READ_AUDIT = "audit:read"
    MANAGE_ACCESS = "access:manage"


class Role(StrEnum):
    """What somebody is to the gate. A person may have several."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    APPROVER = "approver"
    POLICY_AUTHOR = "policy_author"
    POLICY_PUBLISHER = "policy_publisher"
    ADMIN = "admin"
    SERVICE = "service"


_READ = frozenset(
    {
        Permission.READ_CASES,
        Permission.READ_DECISIONS,
        Permission.READ_PARTIES,
        Permission.READ_RUNS,
        Permission.READ_LISTS,
        Permission.READ_POLICIES,
        Permission.READ_AUDIT,
    }
)
_WORK = _READ | {Permission.WORK, Permission.SCREEN}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _READ,
    Role.ANALYST: _WORK,
    Role.APPROVER: _WORK | {Permission.DECIDE},
    Role.POLICY_AUTHOR: _READ | {Permission.TRY_POLICIES},
    Role.POLICY_PUBLISHER: _READ | {Permission.TRY_POLICIES, Permission.PUBLISH_POLICIES},
    # Whoever says who may decide does not decide: an administrator needs a second role for that, and it shows.
    Role.ADMIN: _READ | {Permission.MANAGE_ACCESS},
    Role.SERVICE: frozenset(
        {
            Permission.MAKE_DECISIONS,
            Permission.READ_DECISIONS,
            Permission.READ_CASES,
            Permission.SCREEN,
            Permission.READ_RUNS,
            Permission.FINISH_RUNS,
            Permission.READ_POLICIES,
            Permission.PUBLISH_POLICIES,
        }
    ),
}
"""The table of roles."""

PERSONAL = frozenset({Permission.DECIDE, Permission.MANAGE_ACCESS})
"""What only a person who signed in may do: no key carries it."""


def permissions_of(roles: tuple[Role, ...]) -> frozenset[Permission]:
    """Return what somebody with these roles may do."""
    return frozenset[Permission]().union(*(PERMISSIONS[role] for role in roles))


class Person(Record):
    """Somebody who signs in. `id` is the name under which steps are recorded, and never given to another person.

    `parties` are the customers that the person belongs to, whose cases they never see to. `password` is an Argon2id
    hash; None where the person signs in through the operator's identity provider, which knows them by `subject`.
    """

    id: str
    roles: tuple[Role, ...]
    name: str = ""
    email: str | None = None
    parties: tuple[str, ...] = ()
    password: str | None = None
    subject: str | None = None
    active: bool = True
    failures: int = 0
    failed_at: datetime | None = None
    epoch: int = 0


class Session(Record):
    """A person signed in. It ends after `idle_until` without a call, and at `expires_at` whatever happens.

    `digest` is of the cookie's token, `csrf` a second secret that forms and scripts must send along. `epoch` is the
    person's when they signed in: a new password or a step of an administrator ends the sessions before it.
    """

    digest: str
    person: str
    at: datetime
    idle_until: datetime
    expires_at: datetime
    csrf: str
    epoch: int = 0


class Key(Record):
    """A key of a service. Only the digest of its secret is kept; it carries no permission that is `PERSONAL`."""

    id: str
    digest: str
    name: str
    permissions: tuple[Permission, ...]
    made_by: str
    at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None


GATE, CUSTOMER, TOKEN, PROVIDER = "kyc-gate", "customer", "api-token", "identity-provider"
"""Names of who takes steps and is no person on file: the gate itself, whoever answers questions, a configured token,
and whatever vouches for people."""

RESERVED = frozenset({GATE, CUSTOMER, TOKEN, PROVIDER})

KEY_PREFIX = "key:"
"""Begins the name under which a key takes steps."""


def is_reserved(name: str) -> bool:
    """Return whether a name is one of the gate's own, in whatever case: no person on file bears it."""
    folded = name.strip().casefold()
    return folded in RESERVED or folded.startswith(KEY_PREFIX)


class Way(StrEnum):
    """How somebody comes to take a step."""

    SESSION = "session"
    KEY = "key"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    CLI = "cli"


class Actor(Record):
    """Who takes a step, and what they may do. `parties` are the customers that they belong to.

    `via` tells a person who signed in from a name that was given on the command line; None is no caller at all.
    """

    id: str
    permissions: frozenset[Permission]
    parties: tuple[str, ...] = ()
    signed_in: bool = False
    via: Way | None = None

    def may(self, permission: Permission) -> bool:
        """Return whether the actor may."""
        return permission in self.permissions


def actor_of(person: Person) -> Actor:
    """Return a person who signed in as one who takes steps."""
    may = permissions_of(person.roles)
    return Actor(id=person.id, permissions=may, parties=person.parties, signed_in=True, via=Way.SESSION)


def local_actor(name: str, parties: Iterable[str] = ()) -> Actor:
    """Return whoever works on the machine of the gate, over its store: they can read and write all of it anyhow."""
    return Actor(id=name, permissions=frozenset(Permission), parties=tuple(parties), signed_in=True, via=Way.CLI)


def service_actor(name: str) -> Actor:
    """Return the holder of a token of the configuration."""
    return Actor(id=name, permissions=permissions_of((Role.SERVICE,)), via=Way.TOKEN)
