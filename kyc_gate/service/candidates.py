"""Candidates that are tried: kept in the store with a record of each step, whoever names them."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kyc_gate.errors import InputError
from kyc_gate.feeds.policy_bundle import PolicyBundle, bundle_bytes, pack_policies, read_policy_bundle
from kyc_gate.service.config import Configuration
from kyc_gate.service.leniency import require_second
from kyc_gate.service.policy_check import check_bundle
from kyc_gate.service.policy_source import bundled_policies, checked, policies_of, policy_folder_named
from kyc_gate.service.trials import SHADOW, substituted
from kyc_gate.storage.store import Store

_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""When a configured candidate was packed: always the same, so that every replica packs the same bundle."""


def fit(bundle: PolicyBundle, configuration: Configuration, *, decides: bool, cases: bool = True) -> PolicyBundle:
    """Return the candidate, whole and passing its cases, and fit to stand beside the configured policies.

    One that `decides` is signed like a bundle that becomes active, where the configuration names one: a gate would
    refuse it otherwise. Raises `KYCGateError`.
    """
    signed = decides and configuration.policy.bundle is not None
    signers = checked(bundle, configuration, now=datetime.now(UTC)) if signed else ()
    before = policies_of(configuration)
    after = substituted(before, bundled_policies(bundle, cases=cases))
    if signed:
        require_second(signers, before, after, configuration)
    return bundle


async def refit(store: Store, state: dict[str, Any], configuration: Configuration) -> None:
    """Raise `KYCGateError` where the kept candidate of a rollout would be refused under the configured policies."""
    archive = await store.fetch_policy_bundle(state["digest"])
    if archive is None:
        raise InputError(f"the store has no bundle `{state['digest'][:12]}`")
    fit(read_policy_bundle(archive), configuration, decides=True, cases=False)


async def begin(store: Store, name: str, bundle: PolicyBundle, **more: object) -> dict[str, Any]:
    """Keep the candidate and the state `name`, with a record of it. Raises `InputError` where one goes on already."""
    states = await store.fetch_policy_states()
    if name in states:
        raise InputError(f"the {name} `{states[name]['id']}` goes on; end it first")
    return await _begun(store, name, f"{name}_{secrets.token_hex(8)}", bundle, **more)


async def _begun(store: Store, name: str, id: str, bundle: PolicyBundle, **more: object) -> dict[str, Any]:
    state = {
        "id": id,
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


def shadow_places(configuration: Configuration) -> tuple[Path, ...]:
    """Return the folders, or the one bundle, that `policy.shadow` names. Raises `ConfigurationError`."""
    names = configuration.policy.shadow
    if len(names) == 1 and configuration.path(names[0]).is_file():
        return (configuration.path(names[0]),)
    return tuple(policy_folder_named(name, configuration) for name in names)


async def follow_configuration(store: Store, configuration: Configuration, places: Sequence[Path]) -> None:
    """Have the shadow be what `policy.shadow` names: begin it, begin it anew where it changed, end it where it is gone.

    A shadow that a person started goes on. Every replica that is configured alike finds the same shadow and does
    nothing more. Raises `KYCGateError` for a candidate that cannot stand beside the policies; then nothing changes.
    """
    state = (await store.fetch_policy_states()).get(SHADOW)
    ours = state is not None and bool(state.get("configured"))
    if not places:
        if state is not None and ours:
            await keep(store, SHADOW, None, f"{SHADOW}.ended", id=state["id"], configured=True)
        return
    if state is not None and not ours:
        raise InputError(f"the shadow `{state['id']}` was started by hand; end it, and the configured one begins")
    bundle = await asyncio.to_thread(_packed, places)
    id = f"{SHADOW}_{hashlib.sha256(bundle.digest.encode()).hexdigest()[:16]}"
    if state is not None and state["id"] == id:
        return
    await check_bundle(bundle, configuration, now=datetime.now(UTC))
    await _begun(store, SHADOW, id, bundle, configured=True)


def _packed(places: Sequence[Path]) -> PolicyBundle:
    if places[0].is_file():
        return read_policy_bundle(places[0].read_bytes())
    return pack_policies(places, version=1, created=_NO_TIME)
