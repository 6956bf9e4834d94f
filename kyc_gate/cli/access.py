"""`kyc-gate access`: people who sign in, what they may do, and keys of services."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable

from kyc_gate.cli.cases import login_name
from kyc_gate.cli.output import UsageError, add_json, print_json, print_table
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.model.access import PERMISSIONS, PERSONAL, Actor, Permission, Person, Role, local_actor
from kyc_gate.model.record import plain
from kyc_gate.service.access import Access

_ABOUT = {
    "people": "list who may sign in",
    "roles": "show what each role may do",
    "add": "put a person on file",
    "change": "change a person's roles or customers, or close the account",
    "password": "give a person a new password; their sessions end",
    "keys": "list the keys of services",
    "key": "make a key; its secret is shown once",
    "revoke-key": "take a key back",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    of = {name: steps.add_parser(name, help=about, allow_abbrev=False) for name, about in _ABOUT.items()}
    for name in ("add", "change", "password"):
        of[name].add_argument("person", metavar="NAME", help="the name under which the person signs in")
    for name in ("add", "change"):
        of[name].add_argument("--role", action="append", choices=list(Role), help="a role; may be repeated")
        of[name].add_argument("--party", action="append", metavar="PARTY", help="a customer that the person belongs to")
    of["add"].add_argument("--name", default="", help="the person's whole name")
    of["add"].add_argument("--email", help="the person's e-mail address")
    of["add"].add_argument("--subject", help="`ISSUER#SUB` of the identity provider, in place of a password")
    of["change"].add_argument("--close", action="store_true", help="the person may no longer sign in")
    of["change"].add_argument("--reopen", action="store_true", help="the person may sign in again")
    for name in ("add", "password"):
        of[name].add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    of["key"].add_argument("name", metavar="NAME", help="what the key is for")
    of["key"].add_argument(
        "--permission",
        action="append",
        required=True,
        choices=[each for each in Permission if each not in PERSONAL],
        help="what the key may do; may be repeated",
    )
    of["key"].add_argument("--days", type=float, help="the key's life (default: `access.key_days`)")
    of["revoke-key"].add_argument("key", metavar="KEY", help="the key's id")
    for name, step in of.items():
        if name != "roles":
            add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    if options.step == "roles":
        _roles(options)
    else:
        asyncio.run(_done(options))
    return 0


async def _done(options: argparse.Namespace) -> None:
    async with opened_store(options.config) as (configuration, store):
        await _STEPS[options.step](options, Access(store, configuration.access), local_actor(login_name()))


def _roles(options: argparse.Namespace) -> None:
    for role, permissions in PERMISSIONS.items():
        if options.json:
            print_json({"role": role, "permissions": sorted(permissions)})
    if not options.json:
        print_table(("role", "may"), [(role, ", ".join(sorted(each))) for role, each in PERMISSIONS.items()])


async def _people(options: argparse.Namespace, access: Access, by: Actor) -> None:
    people = await access.people(by)
    if options.json:
        for person in people:
            print_json(_shown(person))
        return
    rows = [
        (
            each.id,
            each.name,
            ", ".join(each.roles),
            ", ".join(each.parties),
            "identity provider" if each.subject else "password",
            "yes" if each.active else "no",
        )
        for each in people
    ]
    print_table(("person", "name", "roles", "customers", "signs in by", "active"), rows)


async def _add(options: argparse.Namespace, access: Access, by: Actor) -> None:
    person = await access.add(
        by,
        options.person,
        options.role or (),
        name=options.name,
        email=options.email,
        parties=options.party or (),
        password=None if options.subject else _password(options),
        subject=options.subject,
    )
    _told(options, person, f"{person.id} may sign in as {', '.join(person.roles)}")


async def _change(options: argparse.Namespace, access: Access, by: Actor) -> None:
    active = False if options.close else True if options.reopen else None
    person = await access.change(by, options.person, roles=options.role, parties=options.party, active=active)
    _told(options, person, f"{person.id}: {', '.join(person.roles)}{'' if person.active else ', closed'}")


async def _set_password(options: argparse.Namespace, access: Access, by: Actor) -> None:
    person = await access.set_password(by, options.person, _password(options))
    _told(options, person, f"{person.id} has a new password, and no session")


async def _keys(options: argparse.Namespace, access: Access, by: Actor) -> None:
    keys = await access.keys(by)
    if options.json:
        for key in keys:
            print_json(plain(key))
        return
    rows = [
        (
            key.id,
            key.name,
            ", ".join(key.permissions),
            f"{key.expires_at:%Y-%m-%d}",
            f"{key.used_at:%Y-%m-%d}" if key.used_at else "never",
            "revoked" if key.revoked_at else "",
        )
        for key in keys
    ]
    print_table(("key", "for", "permissions", "expires", "used", ""), rows)


async def _key(options: argparse.Namespace, access: Access, by: Actor) -> None:
    made = await access.make_key(by, options.name, options.permission, days=options.days)
    if options.json:
        print_json({**plain(made.key), "secret": made.secret})
        return
    print(f"{made.key.id}, good until {made.key.expires_at:%Y-%m-%d}; its secret is shown once:")
    print(made.secret)


async def _revoke_key(options: argparse.Namespace, access: Access, by: Actor) -> None:
    key = await access.revoke_key(by, options.key)
    print_json(plain(key)) if options.json else print(f"revoked {key.id}")


_STEPS: dict[str, Callable[[argparse.Namespace, Access, Actor], Awaitable[None]]] = {
    "people": _people,
    "add": _add,
    "change": _change,
    "password": _set_password,
    "keys": _keys,
    "key": _key,
    "revoke-key": _revoke_key,
}


def _password(options: argparse.Namespace) -> str:
    """Return the password: never an argument, which every user of the machine could read."""
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise UsageError("say `--password-stdin` to read the password from standard input")
    first = getpass.getpass("password: ")
    if first != getpass.getpass("again: "):
        raise UsageError("the two passwords differ")
    return first


def _shown(person: Person) -> dict[str, object]:
    told: dict[str, object] = plain(person)
    told.pop("password")
    return told


def _told(options: argparse.Namespace, person: Person, line: str) -> None:
    print_json(_shown(person)) if options.json else print(line)
