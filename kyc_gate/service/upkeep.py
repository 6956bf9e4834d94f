"""What a gate does beside its calls: hears from the other gates over its store, and drops what no window reads."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from kyc_gate.audit.checkpoint import Checkpoint
from kyc_gate.service.active_policies import ActivePolicies
from kyc_gate.service.catalogue import follow
from kyc_gate.service.rearming import rearm_clearances
from kyc_gate.service.waiting import again_and_again

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

WATCH_SECONDS = 1.0
"""Between two looks at what was announced: one read of two rows. A change is announced and heard within two of them."""

PRUNE_SECONDS = 86_400.0
"""Between two times that old rows are dropped."""

REARM_SECONDS = 300.0
"""Between two looks over the clearances: each takes a screening of its party."""

SWEEP_SECONDS = 20.0
"""Between two looks for cases that are overdue or ended."""

JUMP_SECONDS = 5.0
"""By how much the time of day may run from the time that passed: what keeps clocks right moves them by less."""

KEPT_DAYS = 1_858
"""Days for which links and requests are kept at least: five years, as records are (15 CFR 762.6), and a month."""


class Upkeep:
    """Works beside a gate for as long as it is open.

    Announced is only that something is newer. Each gate then looks where its own configuration has it, and checks it as
    at its start, so that who can write to the store cannot change what gates decide by. A gate announces a digest once,
    and answers each announcement once: gates that cannot agree say so and come to rest.
    """

    def __init__(self) -> None:
        self._heard: dict[str, int] = {}
        self._said: set[str] = set()
        self._lists: str | None = None
        self._prune_at = 0.0
        self._sign_at = 0.0
        self._sweep_at = 0.0
        self._rearm_at = time.monotonic() + REARM_SECONDS
        self._clocks: tuple[float, float] | None = None
        self.jumps = 0
        """How often the time of day was seen to jump."""
        self._unkept: list[str] = []
        self.unsigned = False
        """Whether the last try to sign a checkpoint, or to keep it outside the store, failed."""

    async def keep(self, gate: Gate) -> None:
        """Watch until cancelled."""
        self._lists = _lists(gate)
        await again_and_again(lambda: self.look(gate), seconds=WATCH_SECONDS, failed="upkeep.failed")

    async def look(self, gate: Gate) -> None:
        """Hear what is new, tell what this gate changed, and prune when it is time."""
        self.compare_clocks(gate.now())
        announced = await gate.store.fetch_announced()
        await self._lists_heard(gate, *announced.get("lists", (0, "")))
        await self._policies_heard(gate, *announced.get("policies", (0, "")))
        if time.monotonic() >= self._sign_at:
            self._sign_at = time.monotonic() + gate.settings.checkpoint_seconds
            await self.checkpoint(gate)
        await self._cases_swept(gate)
        await follow(gate.store)
        if time.monotonic() >= self._rearm_at:
            self._rearm_at = time.monotonic() + REARM_SECONDS
            await rearm_clearances(gate)
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_SECONDS
            await gate.store.prune(gate.now() - timedelta(days=max(KEPT_DAYS, gate.window_days + 31)))

    def compare_clocks(self, now: datetime) -> None:
        """Tell when the time of day jumped: ages of lists, due times and windows are counted by it."""
        clocks = (now.timestamp(), time.monotonic())
        if self._clocks is not None:
            jumped = (clocks[0] - self._clocks[0]) - (clocks[1] - self._clocks[1])
            if abs(jumped) > JUMP_SECONDS:
                self.jumps += 1
                log.error("clock.jumped", seconds=round(jumped, 1))
        self._clocks = clocks

    async def checkpoint(self, gate: Gate) -> Checkpoint | None:
        """Sign a checkpoint where there is a key and something new, and put it where it is kept outside the store."""
        settings = gate.settings
        if settings.signer is None:
            return None
        self.unsigned = True
        made = await gate.store.sign_checkpoint(settings.signer)
        if made is not None and settings.checkpoint_file is not None:
            self._unkept.append(made.note)
        while self._unkept and settings.checkpoint_file is not None:
            await asyncio.to_thread(add_note, settings.checkpoint_file, self._unkept[0])
            del self._unkept[0]
        if made is not None:
            log.info("audit.checkpoint", size=made.size, root=made.root, origin=made.origin)
        self.unsigned = False
        return made

    async def _cases_swept(self, gate: Gate) -> None:
        """Tell the cases that became overdue, and those that ended undecided; each once, whichever gate looks."""
        if time.monotonic() < self._sweep_at:
            return
        self._sweep_at = time.monotonic() + SWEEP_SECONDS
        overdue, expired = await gate.store.sweep_cases(gate.now())
        for case in overdue:
            log.warning("case.overdue", case_id=case.id, severity=case.severity, due_at=case.due_at.isoformat())
        for case in expired:
            log.warning("case.expired", case_id=case.id, severity=case.severity)

    async def _lists_heard(self, gate: Gate, version: int, value: str) -> None:
        """Pull lists when another gate has others; announce lists that this gate took up."""
        mine = _lists(gate)
        if mine == value:
            self._lists = mine
            self._new("lists", version)
        elif (mine != self._lists or version == 0) and mine not in self._said:
            if await gate.store.announce("lists", mine, version):
                self._said.add(mine)
                self._lists = mine
        elif self._new("lists", version):
            log.warning("lists.differ", mine=mine[:12], announced=value[:12])
            if gate.keeper is not None:
                gate.keeper.look_again()

    async def _policies_heard(self, gate: Gate, version: int, value: str) -> None:
        """Read the policies anew when another gate has others; announce those of this gate where that leads nowhere.

        What stands there at the first look may be this gate's own word from before its start, and is no difference: a
        gate that still has those hears what this one announces, and says that it differs.
        """
        first = "policies" not in self._heard
        mine = _policies(gate.active)
        new = self._new("policies", version)
        if value == mine:
            return
        if new and gate.policy_keeper is not None:
            await gate.policy_keeper.reload(gate)
            mine = _policies(gate.active)
            if value == mine:
                return
        if new and not first:
            log.warning("policies.differ", mine=gate.active.names, announced=value[:12])
        if mine not in self._said and await gate.store.announce("policies", mine, version):
            self._said.add(mine)
            self._heard["policies"] = version + 1

    def _new(self, topic: str, version: int) -> bool:
        """Return whether this version was not heard of yet, and note it."""
        before = self._heard.get(topic, 0)
        self._heard[topic] = version
        return version != before


def add_note(file: str, note: str) -> None:
    """Add a note to a file, after a blank line, and have it on disk before this returns."""
    with open(file, "a", encoding="utf-8") as out:
        out.write(f"{note}\n")
        out.flush()
        os.fsync(out.fileno())


def _lists(gate: Gate) -> str:
    return gate.snapshot.digest if gate.snapshot else "none"


def _policies(active: ActivePolicies) -> str:
    return ",".join(active.digests)
