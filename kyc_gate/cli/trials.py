"""What the steps about candidates share: a candidate kept in the store, and the state that says what it does."""

from __future__ import annotations

import argparse
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kyc_gate.cli.policies import policy_folder
from kyc_gate.errors import InputError
from kyc_gate.feeds.policy_bundle import PolicyBundle, bundle_bytes, pack_policies, read_policy_bundle
from kyc_gate.service.config import Configuration
from kyc_gate.service.policy_source import bundled_policies, checked, policies_of
from kyc_gate.service.trials import substituted
from kyc_gate.storage.store import Store


def add_candidate(parser: argparse.ArgumentParser) -> None:
    """Add the candidate: a bundle, or folders."""
    parser.add_argument("candidate", metavar="BUNDLE|DIR", nargs="+", help="a bundle, or folders of policies")


def read_candidate(names: list[str], configuration: Configuration, *, decides: bool) -> PolicyBundle:
    """Return the candidate, whole and passing its cases, and fit to stand beside the configured policies.

    One that `decides` is signed like a bundle that becomes active, where the configuration names one.
    Raises `KYCGateError`.
    """
    if len(names) == 1 and Path(names[0]).is_file():
        bundle = read_policy_bundle(Path(names[0]).read_bytes())
    else:
        bundle = pack_policies([policy_folder(name) for name in names], version=1, created=datetime.now(UTC))
    if decides and configuration.policy.bundle is not None:
        checked(bundle, configuration, now=datetime.now(UTC))
    substituted(policies_of(configuration), bundled_policies(bundle))
    return bundle


async def begin(store: Store, name: str, bundle: PolicyBundle, **more: object) -> dict[str, Any]:
    """Keep the candidate and the state `name`, with a record of it. Raises `InputError` where one goes on already."""
    states = await store.fetch_policy_states()
    if name in states:
        raise InputError(f"the {name} `{states[name]['id']}` goes on; end it first")
    state = {
        "id": f"{name}_{secrets.token_hex(8)}",
        "digest": bundle.digest,
        "policies": list(bundle.manifest.policies),
        "begun_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }
    await keep(store, name, state, f"{name}.begun", bundle=(bundle.digest, bundle_bytes(bundle)))
    return state


async def keep(
    store: Store,
    name: str,
    state: dict[str, Any] | None,
    what: str,
    *,
    bundle: tuple[str, bytes] | None = None,
    **more: object,
) -> None:
    """Write the state with its record."""
    step = {"type": what, "at": datetime.now(UTC).isoformat(), **(state or {}), **more}
    await store.keep_policy_state(name, state, step=step, bundle=bundle)


async def going_on(store: Store, name: str) -> dict[str, Any]:
    """Return the state `name`. Raises `InputError` where there is none."""
    found = (await store.fetch_policy_states()).get(name)
    if found is None:
        raise InputError(f"no {name} goes on")
    return found
