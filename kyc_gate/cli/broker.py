"""`kyc-gate broker`: keys that customers of the re-signing door for AWS sign with, and the key that seals them."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from kyc_gate.cli.cases import login_name
from kyc_gate.cli.output import add_json, print_json, print_table
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.access import Actor, local_actor
from kyc_gate.model.record import plain
from kyc_gate.model.signing_key import SigningKey
from kyc_gate.service.sealing import read_sealer, write_sealing_key
from kyc_gate.service.signing_keys import SigningKeys

_ABOUT = {
    "keygen": "make the key that seals customers' secrets in the store",
    "issue": "issue an access key to a customer's account; its secret is shown once",
    "list": "list the access keys",
    "revoke": "take an access key back",
    "reseal": "seal every secret with the newest key of the file",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    of = {name: steps.add_parser(name, help=about, allow_abbrev=False) for name, about in _ABOUT.items()}
    of["keygen"].add_argument("--output", metavar="FILE", type=Path, required=True, help="the new file for the key")
    of["issue"].add_argument("account", metavar="ACCOUNT", help="the customer's account: twelve digits")
    of["issue"].add_argument("--name", required=True, help="who holds the key")
    of["issue"].add_argument("--days", type=float, help="how long the key lasts (default: until it is taken back)")
    of["revoke"].add_argument("key", metavar="KEY", help="the access key id")
    for name, step in of.items():
        if name != "keygen":
            add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    if options.step == "keygen":
        write_sealing_key(options.output)
        print_json({"file": str(options.output)}) if options.json else print(f"wrote {options.output}")
    else:
        asyncio.run(_done(options))
    return 0


async def _done(options: argparse.Namespace) -> None:
    async with opened_store(options.config, create=options.step == "issue") as (configuration, store):
        if configuration.broker is None:
            raise InputError("the configuration has no `[broker]`, whose `key_file` seals the secrets")
        keys = SigningKeys(store, partial(read_sealer, configuration.path(configuration.broker.key_file)))
        await _STEPS[options.step](options, keys, local_actor(login_name()))


async def _issue(options: argparse.Namespace, keys: SigningKeys, by: Actor) -> None:
    made = await keys.issue(by, options.account, options.name, days=options.days)
    if options.json:
        print_json({**_shown(made.key), "secret": made.secret})
        return
    print(f"{made.key.id} for account {made.key.account}; its secret is shown once:")
    print(made.secret)


async def _list(options: argparse.Namespace, keys: SigningKeys, by: Actor) -> None:
    found = await keys.keys(by)
    if options.json:
        for key in found:
            print_json(_shown(key))
        return
    rows = [
        (
            key.id,
            key.account,
            key.name,
            f"{key.at:%Y-%m-%d}",
            f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "",
            "revoked" if key.revoked_at else "",
        )
        for key in found
    ]
    print_table(("key", "account", "held by", "issued", "expires", ""), rows)


async def _revoke(options: argparse.Namespace, keys: SigningKeys, by: Actor) -> None:
    key = await keys.revoke(by, options.key)
    print_json(_shown(key)) if options.json else print(f"revoked {key.id}; no gate takes it after two seconds")


async def _reseal(options: argparse.Namespace, keys: SigningKeys, by: Actor) -> None:
    number = await keys.reseal(by)
    print_json({"resealed": number}) if options.json else print(f"sealed {number} secrets anew")


_STEPS: dict[str, Callable[[argparse.Namespace, SigningKeys, Actor], Awaitable[None]]] = {
    "issue": _issue,
    "list": _list,
    "revoke": _revoke,
    "reseal": _reseal,
}


def _shown(key: SigningKey) -> dict[str, object]:
    told: dict[str, object] = plain(key)
    told.pop("sealed")
    return told
