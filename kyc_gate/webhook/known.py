"""What the ledger knows of a cluster's objects: which are charged, for how much, and which names stand for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kyc_gate.adapters.kubernetes.counts import Counts, amounts_of, as_lines, larger
from kyc_gate.adapters.kubernetes.request import PROVIDER
from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned
from kyc_gate.model.usage import MeteredRun, RunEnd

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate


class Known:
    """One cluster in the ledger. Objects are known by their uid, which the API server gives and nobody chooses."""

    def __init__(self, gate: Gate, cluster: str) -> None:
        self._gate = gate
        self._cluster = cluster
        self._account = f"{PROVIDER}:{cluster}"

    async def runs(self, uid: str | None) -> tuple[MeteredRun, ...]:
        """Return the runs that go on and that the object is charged with, or is a part of."""
        return () if uid is None else await self._gate.store.fetch_runs_named(self._account, f"object:{uid}")

    async def root_runs(self, uid: str | None) -> tuple[MeteredRun, ...]:
        """Return the runs that go on and that the object itself is charged with."""
        return () if uid is None else await self._gate.store.fetch_runs_named(self._account, f"root:{uid}")

    async def charge(self, hold_id: str, uid: str, charged: Counts, shape: Counts) -> None:
        """Note that an object is charged with a hold, how much it is charged with in all, and its largest pod."""
        await self._attach(hold_id, (f"root:{uid}", f"object:{uid}"))
        await self.learn("charged", uid, as_lines(charged))
        await self.learn("shape", uid, as_lines(shape))

    async def join(self, run: MeteredRun, uid: str) -> None:
        """Note that an object is a part of what a run was charged for."""
        if f"object:{uid}" not in run.references:
            await self._attach(run.hold_id, (f"object:{uid}",))

    async def _attach(self, hold_id: str, references: tuple[str, ...]) -> None:
        """Name a hold, durably: what the object makes is asked about next, perhaps of another replica."""
        await self._gate.store.attach(hold_id, self._account, references, self._gate.now())
        await self._gate.store.ready()

    async def enlarge(self, kind: str, id: str, amounts: Counts) -> None:
        """Keep what a name stands for, at the most that was ever said.

        What the gate sees may be refused after it, such as an object under a name that is taken: nothing becomes less.
        """
        before = amounts_of(await self.lines(kind, id) or ())
        await self.learn(kind, id, as_lines(larger(before, amounts)))

    async def finish(self, uid: str | None) -> None:
        """End the runs that the object is charged with, unless its parts were told to stay."""
        if uid is None or await self.lines("orphaned", uid) is not None:
            return
        at = self._gate.now()
        for run in await self.root_runs(uid):
            await self._gate.finish(RunEnd(ended_at=at, at=at, source="call", hold_id=run.hold_id))

    async def charged(self, uid: str | None) -> dict[str, int] | None:
        """Return how much the object is charged with, None where it is not charged."""
        if uid is None or not await self.root_runs(uid):
            return None
        return amounts_of(await self.lines("charged", uid) or ())

    async def shape(self, run: MeteredRun) -> dict[str, int]:
        """Return the largest pod of what a run was charged for; of several roots, of each model the largest."""
        shape: dict[str, int] = {}
        for uid in (name.removeprefix("root:") for name in run.references if name.startswith("root:")):
            for name, count in amounts_of(await self.lines("shape", uid) or ()).items():
                shape[name] = max(shape.get(name, 0), count)
        return shape

    async def lines(self, kind: str, id: str) -> tuple[Accelerators, ...] | None:
        """Return what a name stands for, None where nobody knows."""
        return await self._gate.store.fetch_learned(PROVIDER, self._cluster, kind, id)

    async def learn(self, kind: str, id: str, lines: tuple[Accelerators, ...]) -> None:
        """Keep what a name stands for; what is known already is not written again."""
        if await self.lines(kind, id) != lines:
            await self._gate.store.save_learned(PROVIDER, self._cluster, (Learned(kind=kind, id=id, lines=lines),))
