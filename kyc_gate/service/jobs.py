"""Work that takes longer than a page may: done beside the decisions, one of a kind at a time, with its progress."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import structlog

from kyc_gate.errors import CaseError, InputError, KYCGateError, NotReady
from kyc_gate.service.waiting import short_turns

T = TypeVar("T")

log = structlog.get_logger("kyc_gate")

KEPT = 40
"""Jobs that are kept with what they found; the oldest that ended go first."""

MOST_SECONDS = 1_800.0
"""How long a job may take."""

COMPUTED_SECONDS = 30.0
"""How long somebody waits for something to be computed at once."""

QUIET = 1.0
"""How many times longer than it worked a job rests: half of one core at most."""


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job:
    """Something that is done for a person: what, for whom, how far, and what came of it.

    `done` counts up to `total` where that is known. `found` is the result once the job is done; `problem` says why it
    failed. `about` names what it is done with, for the page that shows it.
    """

    def __init__(self, kind: str, by: str, at: datetime, about: dict[str, str]) -> None:
        self.id = f"job_{secrets.token_hex(12)}"
        self.kind, self.by, self.at, self.about = kind, by, at, about
        self.state = JobState.RUNNING
        self.done, self.total = 0, 0
        self.ended_at: datetime | None = None
        self.found: Any = None
        self.problem = ""

    async def compute(self, work: Callable[[], T]) -> T:
        """Return what `work` gives, on a thread of its own, and rest so that decisions have their turn."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        with short_turns():
            found = await asyncio.to_thread(work)
        await asyncio.sleep((loop.time() - started) * QUIET)
        return found


class Jobs:
    """The jobs of one gate. They end with it: nothing waits for them, and nothing is decided by them."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._now = now or (lambda: datetime.now(UTC))
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._computing = asyncio.Semaphore(1)

    def begin(self, kind: str, by: str, work: Callable[[Job], Awaitable[Any]], **about: str) -> Job:
        """Begin a job and return it. Raises `CaseError` while one of its kind goes on."""
        running = next((job for job in self.of(kind) if job.state is JobState.RUNNING), None)
        if running is not None:
            raise CaseError(f"a {kind} goes on since {running.at:%H:%M} UTC, for `{running.by}`; wait until it is done")
        job = Job(kind, by, self._now(), about)
        self._jobs[job.id] = job
        for old in [each.id for each in self._jobs.values() if each.state is not JobState.RUNNING][: -KEPT or None]:
            del self._jobs[old]
        self._tasks[job.id] = asyncio.create_task(self._done(job, work))
        return job

    def job(self, id: str, kind: str) -> Job | None:
        """Return the job with an id."""
        found = self._jobs.get(id)
        return found if found is not None and found.kind == kind else None

    def of(self, kind: str) -> list[Job]:
        """Return the jobs of a kind, the newest first."""
        return [job for job in reversed(self._jobs.values()) if job.kind == kind]

    async def computed(self, work: Callable[[], T], seconds: float = COMPUTED_SECONDS) -> T:
        """Return what `work` gives, on a thread, one at a time. Raises `NotReady` where it takes too long.

        A thread cannot be broken off: its place is taken until it ends.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._computing.acquire()
        except TimeoutError:
            raise NotReady("the gate computes as much as it can at once; try again") from None
        task = asyncio.ensure_future(asyncio.to_thread(work))
        task.add_done_callback(self._computed)
        try:
            async with asyncio.timeout(seconds):
                with short_turns():
                    return await asyncio.shield(task)
        except TimeoutError:
            raise NotReady(f"it could not be computed within {seconds:g} s") from None

    def _computed(self, ended: asyncio.Future[Any]) -> None:
        self._computing.release()
        if not ended.cancelled():
            ended.exception()  # whoever waited may have given up

    async def close(self) -> None:
        """Break off what goes on."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _done(self, job: Job, work: Callable[[Job], Awaitable[Any]]) -> None:
        try:
            async with asyncio.timeout(MOST_SECONDS):
                job.found = await work(job)
            job.state = JobState.DONE
        except asyncio.CancelledError:
            job.state, job.problem = JobState.FAILED, "the gate was closed"
            raise
        except TimeoutError:
            job.state, job.problem = JobState.FAILED, f"it took longer than {MOST_SECONDS / 60:g} minutes"
        except KYCGateError as error:
            job.state, job.problem = JobState.FAILED, "; ".join(str(error).splitlines())
        except Exception as error:  # noqa: BLE001 - whatever it was, the page must not show it as going on
            log.error("job.failed", kind=job.kind, error=type(error).__name__)
            job.state, job.problem = JobState.FAILED, "the gate failed; the failure was logged"
        finally:
            job.ended_at = self._now()
            self._tasks.pop(job.id, None)


def whole_number(text: str, name: str, least: int, most: int) -> int:
    """Return a whole number that somebody wrote. Raises `InputError` naming the field."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 12 or not least <= int(text) <= most:
        raise InputError(f"`{name}` is `{text[:40]}`; it is a whole number from {least} to {most:,}")
    return int(text)
