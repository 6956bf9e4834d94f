"""Jobs in Slurm's queue as slurmrestd tells them: those that wait are released once approved, those over are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import structlog

from kyc_gate.adapters.slurm.answers import decision_of
from kyc_gate.adapters.slurm.settings import SlurmRestSettings, SlurmSettings
from kyc_gate.authz.slurm import held_request
from kyc_gate.errors import KYCGateError, UpstreamFault
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.learned import Learned
from kyc_gate.model.usage import RunEnd

if TYPE_CHECKING:
    from kyc_gate.service.admission import Admission
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

SECONDS = 30.0
"""How long slurmrestd may take to answer: a queue of 100,000 jobs is some hundred megabytes."""

_ENDS = "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED LAUNCH_FAILED NODE_FAIL OUT_OF_MEMORY RECONFIG_FAIL TIMEOUT"
_OVER = frozenset(_ENDS.split())
"""States from which a job does not run on. A preempted one may be put back into the queue."""


class ListedJob(msgspec.Struct):
    """A job as slurmrestd lists it; an array and a heterogeneous job are several."""

    job_id: int
    job_state: str | list[str] = ""
    state_reason: str = ""
    comment: str | dict[str, Any] | None = ""
    admin_comment: str | None = ""
    account: str | None = ""
    user_name: str | None = ""
    array_job_id: int | dict[str, Any] | None = 0
    het_job_id: int | dict[str, Any] | None = 0
    end_time: int | dict[str, Any] | None = 0

    @property
    def root(self) -> int:
        """The number under which it was submitted: that of the array, or of the first component."""
        return _number(self.array_job_id) or _number(self.het_job_id) or self.job_id

    @property
    def states(self) -> set[str]:
        """Its states, of which newer versions tell several."""
        return {self.job_state} if isinstance(self.job_state, str) else set(self.job_state)

    @property
    def held(self) -> bool:
        """Whether it waits for somebody to release it."""
        return "PENDING" in self.states and self.state_reason.startswith("JobHeld")

    @property
    def over(self) -> bool:
        """Whether it runs no more, and will not again."""
        return bool(self.states & _OVER) and not self.states & {"REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"}


class _Listed(msgspec.Struct):
    jobs: list[ListedJob]


class SlurmJobs:
    """Looks at one cluster's jobs, again and again, as its operator."""

    def __init__(self, gate: Gate, settings: SlurmSettings, token_file: Path) -> None:
        self._gate = gate
        self._settings = settings
        self._rest = settings.rest or SlurmRestSettings()
        self._token_file = token_file
        self._ended: set[int] = set()
        self._let: dict[int, Admission] = {}

    async def keep(self) -> None:
        """Look until cancelled. A look that fails is logged, and the next one comes."""
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next look must come
                log.warning("slurm.unseen", cluster=self._settings.cluster, error=str(error) or type(error).__name__)
            await asyncio.sleep(self._rest.seconds)

    async def look(self) -> None:
        """Release what is approved and end what is over, once. Raises `UpstreamFault` where nobody tells of jobs."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS), trust_env=False) as session:
            jobs: dict[int, list[ListedJob]] = {}
            for job in (await self._list(session)).jobs:
                jobs.setdefault(job.root, []).append(job)
            for root, parts in jobs.items():
                try:
                    if all(part.over for part in parts):
                        await self._end(root, parts)
                    elif any(part.held for part in parts):
                        await self._consider(session, root, [part for part in parts if part.held])
                except KYCGateError as error:
                    log.warning("slurm.unreleased", cluster=self._settings.cluster, job=root, error=str(error))
            self._ended &= set(jobs)

    async def _consider(self, session: aiohttp.ClientSession, root: int, parts: list[ListedJob]) -> None:
        """Release a job that a decision holds and a person approved. Its user cannot before that."""
        decision_id = await self._holder(root, parts)
        if decision_id is None:
            return
        if any(part.state_reason == "JobHeldUser" for part in parts):
            await self._change(session, parts, {"hold": True})
        admission = self._let.get(root) or await self._admitted(decision_id)
        if admission is None or admission.hold_id is None or admission.request is None:
            return
        self._let[root] = admission
        try:
            await self._change(session, parts, {"hold": False})
        except UpstreamFault as error:
            # Where nobody knows whether the job started, it counts, and the next look tries again.
            if error.refused:
                del self._let[root]
                await self._gate.store.release(admission.hold_id, admission.decision_id)
            raise
        await self._note(root, decision_id, admission.hold_id, admission.request)
        del self._let[root]
        log.info("slurm.released", cluster=self._settings.cluster, job=root, decision_id=admission.decision_id)

    async def _admitted(self, decision_id: str) -> Admission | None:
        """Decide again on what a decision holds, once a person approved it; None while it must wait."""
        request = await held_request(self._gate, self._settings, decision_id.encode("latin-1", "replace"))
        if not await self._gate.granted(request):
            return None
        admission = await self._gate.decide(request)
        return admission if admission.refusal is None else None

    async def _note(self, root: int, decision_id: str, hold_id: str, request: ProvisioningRequest) -> None:
        """Note what a released job is, whose run it is, and that this decision releases it no second time."""
        account, store = request.caller.account or "", self._gate.store
        await store.save_learned("slurm", account, (Learned(kind="slurm-job", id=str(root), lines=request.lines),))
        released = Learned(kind="released", id=f"{root}={decision_id}", lines=request.lines)
        await store.save_learned("slurm", self._settings.cluster, (released,))
        await store.attach(hold_id, f"slurm:{account}", (f"slurm-job:{root}",), self._gate.now())
        await store.ready()

    async def _holder(self, root: int, parts: Iterable[ListedJob]) -> str | None:
        """Return the decision that holds a job and that released it never; None for one that somebody else holds.

        INVARIANT: a comment is its user's own text, and is believed only where this gate saw the job's number in the
        answer to that decision's submission. `AdminComment` is the plugin's, and no user writes there.
        """
        for part in parts:
            trusted, claimed = decision_of(part.admin_comment), decision_of(_text(part.comment))
            for decision_id in filter(None, (trusted, claimed)):
                key = f"{root}={decision_id}"
                if await self._known("released", key):
                    return None
                if decision_id == trusted or await self._known("held", key):
                    return decision_id
        return None

    async def _end(self, root: int, parts: list[ListedJob]) -> None:
        """End the run of a job that is over, when the last of its parts was."""
        if root in self._ended:
            return
        now = self._gate.now()
        told = [datetime.fromtimestamp(_number(part.end_time), UTC) for part in parts if _number(part.end_time)]
        ended = min(max(told), now) if told else now
        for account in {name for part in parts for name in (self._account(part), "") if name is not None}:
            await self._gate.finish(
                RunEnd(
                    ended_at=ended,
                    at=now,
                    source="event",
                    account=f"slurm:{account}",
                    reference=f"slurm-job:{root}",
                )
            )
        self._ended.add(root)

    def _account(self, part: ListedJob) -> str | None:
        return part.account if self._settings.account == "account" else part.user_name

    async def _known(self, kind: str, id: str) -> bool:
        found = await self._gate.store.fetch_learned("slurm", self._settings.cluster, kind, id)
        return found is not None

    async def _list(self, session: aiohttp.ClientSession) -> _Listed:
        try:
            return msgspec.json.decode(await self._asked(session, "GET", "jobs"), type=_Listed)
        except msgspec.DecodeError as error:
            raise UpstreamFault(f"slurmrestd lists no jobs that this gate can read: {error}") from error

    async def _change(
        self, session: aiohttp.ClientSession, parts: Sequence[ListedJob], change: Mapping[str, object]
    ) -> None:
        first = next(iter(parts))
        for part in parts:
            answer = await self._asked(session, "POST", f"job/{part.job_id}", change)
            errors = msgspec.json.decode(answer).get("errors") if answer else ()
            if errors:
                told = errors[0].get("error", errors[0])
                raise UpstreamFault(f"slurmctld did not change job {part.job_id}: {told}", refused=part is first)

    async def _asked(
        self, session: aiohttp.ClientSession, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> bytes:
        try:
            # Read anew each time: tokens end, and whoever renews them writes the file.
            token = self._token_file.read_text(encoding="ascii").strip().removeprefix("SLURM_JWT=")
            async with session.request(
                method,
                f"{(self._rest.url or '').rstrip('/')}/slurm/{self._rest.version}/{path}",
                json=body,
                headers={"X-SLURM-USER-NAME": self._rest.user, "X-SLURM-USER-TOKEN": token},
                allow_redirects=False,
            ) as response:
                answer = await response.read()
        except (OSError, ValueError, aiohttp.ClientError, TimeoutError) as error:
            raise UpstreamFault(f"slurmrestd cannot be asked: {error or type(error).__name__}") from error
        if response.status != 200:
            raise UpstreamFault(f"slurmrestd answers {response.status} to {method} {path}: {answer[:200]!r}")
        return answer


def _number(value: int | dict[str, Any] | None) -> int:
    """Return a number that newer versions wrap, 0 where it is not set."""
    if isinstance(value, dict):
        value = value.get("number") if value.get("set") else 0
    return value if isinstance(value, int) else 0


def _text(value: str | dict[str, Any] | None) -> str | None:
    return value if isinstance(value, str) else None
