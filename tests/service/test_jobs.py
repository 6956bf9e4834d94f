"""Work that takes longer than a page may."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from kyc_gate.errors import CaseError, InputError, NotReady
from kyc_gate.service import jobs as room
from kyc_gate.service.jobs import Job, Jobs, JobState, whole_number


async def ended(job: Job) -> Job:
    """Wait until the job no longer goes on."""
    async with asyncio.timeout(30):
        while job.state is JobState.RUNNING:  # noqa: ASYNC110 - a job tells nobody that it ended
            await asyncio.sleep(0.001)
    return job


async def counts(job: Job) -> int:
    """Count to three on a thread."""
    job.total = 3
    for _ in range(3):
        await job.compute(lambda: time.sleep(0.001))
        job.done += 1
    return job.done


async def test_a_job_ends_with_what_it_found() -> None:
    """Its result, its progress and its end are kept, under its id and kind alone."""
    jobs = Jobs()
    job = await ended(jobs.begin("count", "ana", counts, of="sheep"))
    assert (job.state, job.found, job.done, job.total, job.by, job.about) == (
        JobState.DONE,
        3,
        3,
        3,
        "ana",
        {"of": "sheep"},
    )
    assert job.ended_at is not None
    assert jobs.job(job.id, "count") is job
    assert jobs.job(job.id, "other") is None


async def test_one_of_a_kind_goes_on_at_a_time() -> None:
    """A second one of the kind is refused by name until the first is done; another kind is not."""
    jobs, going = Jobs(), asyncio.Event()

    async def waits(_: Job) -> None:
        await going.wait()

    first = jobs.begin("slow", "ana", waits)
    with pytest.raises(CaseError, match=r"a slow goes on since .* for `ana`"):
        jobs.begin("slow", "bo", waits)
    other = jobs.begin("other", "bo", waits)
    going.set()
    await ended(first)
    await ended(other)
    assert (await ended(jobs.begin("slow", "bo", waits))).state is JobState.DONE


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        pytest.param(InputError("the record\nis broken"), "the record; is broken", id="told"),
        pytest.param(ValueError("a secret"), "the gate failed; the failure was logged", id="unknown"),
    ],
)
async def test_a_job_that_fails_says_why(error: Exception, problem: str) -> None:
    """An error of the house is told; of any other only that it happened."""

    async def fails(job: Job) -> None:
        await job.compute(partial(_raise, error))

    job = await ended(Jobs().begin("bad", "ana", fails))
    assert (job.state, job.problem) == (JobState.FAILED, problem)


def _raise(error: Exception) -> None:
    raise error


async def test_jobs_end_with_their_gate_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on is broken off when the gate closes, and after the time that a job may take."""
    jobs = Jobs()

    async def forever(_: Job) -> None:
        await asyncio.Event().wait()

    job = jobs.begin("slow", "ana", forever)
    await asyncio.sleep(0)
    await jobs.close()
    assert (job.state, job.problem) == (JobState.FAILED, "the gate was closed")
    monkeypatch.setattr(room, "MOST_SECONDS", 0.01)
    late = await ended(jobs.begin("slow", "ana", forever))
    assert "it took longer than" in late.problem


async def test_only_the_last_jobs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that ended first go first."""
    monkeypatch.setattr(room, "KEPT", 2)
    jobs = Jobs()
    made = [await ended(jobs.begin("count", "ana", counts)) for _ in range(5)]
    assert [job.id for job in jobs.of("count")] == [job.id for job in reversed(made[-3:])]


async def test_what_is_computed_at_once_is_bounded() -> None:
    """One at a time: the next one waits, and is told to try again where it takes too long; an error is the caller's."""
    jobs = Jobs()
    assert await jobs.computed(lambda: 7) == 7
    slow = asyncio.create_task(jobs.computed(lambda: time.sleep(0.2)))
    await asyncio.sleep(0.02)
    with pytest.raises(NotReady, match="as much as it can"):
        await jobs.computed(lambda: 7, seconds=0.02)
    await slow
    with pytest.raises(NotReady, match=r"within 0\.01 s"):
        await jobs.computed(lambda: time.sleep(0.1), seconds=0.01)
    with pytest.raises(ZeroDivisionError):
        await jobs.computed(lambda: 1 // 0)
    assert await jobs.computed(lambda: 7) == 7


@pytest.mark.parametrize("text", ["0", "11", "-1", "1e3", "٣", "", "9" * 13, "1.5"])
def test_a_number_out_of_range_names_its_field(text: str) -> None:
    """Only ASCII digits within the range are a number."""
    with pytest.raises(InputError, match=r"`days` is .* a whole number from 1 to 10"):
        whole_number(text, "days", 1, 10)
    assert whole_number("7", "days", 1, 10) == 7
