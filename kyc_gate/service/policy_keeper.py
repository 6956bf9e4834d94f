"""Keeps the policies of a running gate current: watches their files, and takes up what changed, or says why not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace

from kyc_gate.errors import FeedFault, KYCGateError
from kyc_gate.feeds.policy_bundle import PolicyBundle, bundle_bytes, read_policy_bundle
from kyc_gate.model.record import Record, plain
from kyc_gate.policy.policy import Policy
from kyc_gate.service.active_policies import ActivePolicies, Origin
from kyc_gate.service.candidates import follow_configuration, shadow_places
from kyc_gate.service.config import Configuration
from kyc_gate.service.leniency import require_more, require_second
from kyc_gate.service.policy_check import Checked, check_bundle, check_configured
from kyc_gate.service.policy_source import (
    ReadPolicies,
    Stamp,
    bundled_policies,
    checked,
    places_of,
    places_of_shadow,
    read_policies,
    stamp_of,
    writable_by_anybody,
)
from kyc_gate.service.waiting import set_within, short_turns

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

ACTIVE = "active"
"""The state under which the store keeps what was activated last."""

LEAST_SECONDS = 0.5
"""Between two readings, however often somebody asks: a storm of signals is one reading."""


class PolicyStanding(Record):
    """What is active, and what became of the last change. `problem` is why newer policies do not decide, or None."""

    policies: tuple[str, ...]
    digests: tuple[str, ...]
    origin: Origin
    readings: int = 0
    refusals: int = 0
    problem: str | None = None
    refused_at: datetime | None = None


class PolicyKeeper:
    """Works beside a gate for as long as it is open. `read` is what the gate started with."""

    def __init__(self, configuration: Configuration, read: ReadPolicies) -> None:
        self._configuration = configuration
        self._folders = read.folders
        self._bundle = read.bundle
        self._first = read
        self._places = places_of(configuration, read.folders)
        self._stamp = read.stamp
        self._seen: Stamp = read.stamp
        self._followed: Stamp | None = None
        self._shadow_problem: str | None = None
        self._asked = asyncio.Event()
        self._reading = asyncio.Lock()
        self._readings = self._refusals = 0
        self._problem: str | None = None
        self._refused_at: datetime | None = None

    def standing(self, gate: Gate) -> PolicyStanding:
        """Return what is active in `gate`, and whether a change was refused."""
        active = gate.active
        return PolicyStanding(
            policies=tuple(active.names),
            digests=active.digests,
            origin=active.origin,
            readings=self._readings,
            refusals=self._refusals,
            problem=self._problem,
            refused_at=self._refused_at,
        )

    def ask(self) -> None:
        """Have the policies read again soon, whether their files changed or not. Safe in a signal handler."""
        self._asked.set()

    async def start(self, gate: Gate) -> None:
        """Note what the gate starts with. Raises `KYCGateError` where it must not: then nothing decides."""
        last = (await gate.store.fetch_policy_states()).get(ACTIVE)
        self._require_newer(self._first, last)
        if last is not None and last["digest"] is not None:
            archive = await gate.store.fetch_policy_bundle(last["digest"])
            if archive is not None:
                bundle = read_policy_bundle(archive)
                before = await asyncio.to_thread(bundled_policies, bundle, cases=False)
                first = self._first
                await asyncio.to_thread(
                    require_second, first.origin.signers, before, first.policies, self._configuration
                )
        await self._note(gate, self._first, last)
        await self._follow_shadow(gate)
        await gate.trials.look(gate, self)
        self._warn_writable()

    async def keep(self, gate: Gate) -> None:
        """Watch until cancelled."""
        while True:
            asked = await set_within(self._asked, self._configuration.policy.watch_seconds)
            try:
                await self._look(gate, asked=asked)
                await self._follow_shadow(gate)
                await gate.trials.look(gate, self)
            except Exception as error:  # noqa: BLE001
                # A watch that ended would keep old policies in silence; whatever it was, it is told and tried again.
                self._refuse(gate, error)
            if asked:
                await asyncio.sleep(LEAST_SECONDS)

    async def _look(self, gate: Gate, *, asked: bool) -> None:
        """Read the policies where somebody asked, or where files changed and have been still for one look."""
        stamp = await asyncio.to_thread(stamp_of, self._places)
        still, self._seen = stamp == self._seen, stamp
        if asked or (stamp != self._stamp and still):
            await self.reload(gate)

    async def reload(self, gate: Gate) -> PolicyStanding:
        """Read the policies now, and put them in the place of the active ones, or say why not."""
        async with self._reading:
            self._readings += 1
            try:
                await self._take_up(gate)
            except KYCGateError as error:
                self._refuse(gate, error)
            return self.standing(gate)

    async def _take_up(self, gate: Gate) -> None:
        # What is read from here on is tried once: a file that does not change is not refused every second.
        waits = False
        self._stamp = await asyncio.to_thread(stamp_of, self._places)
        try:
            apart = await self._checked_apart(gate)
            with short_turns():
                found = await asyncio.to_thread(
                    read_policies, self._configuration, folders=self._folders or None, cases=False, now=gate.now()
                )
            if tuple(policy.reference.digest for policy in found.policies) != apart.digests:
                self._stamp = ()  # what was checked is not what was read: the next look reads it again
                raise FeedFault("the policies changed while they were checked")
            states = await gate.store.fetch_policy_states()
            if found.bundle is not None and self._bundle is not None and found.bundle.digest == self._bundle.digest:
                self._problem = None
                return
            self._require_newer(found, states.get(ACTIVE))
            require_more(found.origin.signers, apart.lenient, self._configuration)
        except FeedFault as error:
            waits = "effective from" in str(error)
            raise
        finally:
            if waits:
                self._stamp = ()  # it becomes good without another change
        self._places = places_of(self._configuration, found.folders)
        self._stamp = found.stamp
        self._problem = None
        if tuple(policy.reference.digest for policy in found.policies) == gate.active.digests and not found.bundle:
            return
        await self._note(gate, found, states.get(ACTIVE))
        self._warn_writable()

    def _require_newer(self, found: ReadPolicies, last: dict[str, Any] | None) -> None:
        """Raise `FeedFault` for a bundle of a version before the one that was active last, on any replica."""
        version, before = found.origin.version, (last or {}).get("version")
        if version is None or before is None or self._configuration.policy.unsafe_older:
            return
        if version < before:
            raise FeedFault(f"rolled-back: the bundle has version {version}, and version {before} was active already")
        if version == before and found.origin.digest != (last or {}).get("digest"):
            raise FeedFault(f"rolled-back: another bundle of version {version} was active already; give it a new one")

    async def require_signed(
        self, bundle: PolicyBundle, before: Sequence[Policy], after: tuple[Policy, ...], *, now: datetime
    ) -> None:
        """Raise `FeedFault` unless a bundle is signed as one that becomes active must be.

        Where policies come from folders, nothing is signed, and nothing is asked.
        """
        if self._configuration.policy.bundle is None:
            return
        signers = checked(bundle, self._configuration, now=now)
        await asyncio.to_thread(require_second, signers, before, after, self._configuration)

    async def check(self, bundle: PolicyBundle, *, now: datetime) -> None:
        """Raise `KYCGateError` where the policies of a bundle do not read, or a case beside them fails."""
        await check_bundle(bundle, self._configuration, now=now)

    async def _checked_apart(self, gate: Gate) -> Checked:
        """Check the policies in another process. Raises `KYCGateError` for whatever keeps them from deciding."""
        folders = tuple(map(str, self._folders))
        return await check_configured(self._configuration, folders, now=gate.now(), before=self._bundle)

    async def _follow_shadow(self, gate: Gate) -> None:
        """Have the configured shadow go on, where its files changed since the last look. What fails is told once."""
        try:
            places = shadow_places(self._configuration)
            stamp = await asyncio.to_thread(stamp_of, places_of_shadow(places))
            if stamp == self._followed:
                return
            self._followed = stamp
            await follow_configuration(gate.store, self._configuration, places)
            self._shadow_problem = None
        except KYCGateError as error:
            told = "; ".join(str(error).splitlines())
            if told != self._shadow_problem:
                log.error("shadow.refused", id=None, error=told)
            self._shadow_problem = told

    async def _note(self, gate: Gate, found: ReadPolicies, last: dict[str, Any] | None) -> None:
        """Write down what becomes active, and activate it. No record, no change."""
        origin = replace(found.origin, activated_at=gate.now())
        active = ActivePolicies.of(found.policies, gate.settings, origin)
        state = _state_of(active)
        if last is None or {**last, "activated_at": None} != {**state, "activated_at": None}:
            step = {"type": "policies.activated", "at": gate.now().isoformat(), **state, "before": last}
            await gate.store.keep_policy_state(ACTIVE, state, step=step, bundle=_kept(found.bundle))
        self._bundle = found.bundle
        await gate.change_policies(active)

    def _refuse(self, gate: Gate, error: Exception) -> None:
        told = "; ".join(str(error).splitlines()) or type(error).__name__
        self._refusals += 1
        again = told == self._problem
        self._problem, self._refused_at = told, gate.now()
        if again:
            return
        fields = {} if isinstance(error, KYCGateError) else {"exc_info": error}
        log.error("policies.refused", error=told, active=gate.active.names, **fields)

    def _warn_writable(self) -> None:
        if writable := writable_by_anybody(self._places):
            log.warning("policies.writable", files=list(writable))


def _state_of(active: ActivePolicies) -> dict[str, Any]:
    """Return what is noted of active policies, JSON-ready."""
    state: dict[str, Any] = plain(active.origin)
    return {**state, "policies": [plain(policy.reference) for policy in active.policies]}


def _kept(bundle: PolicyBundle | None) -> tuple[str, bytes] | None:
    return None if bundle is None else (bundle.digest, bundle_bytes(bundle))
