"""A pull in a process of its own: reading a list of 30 MB would hold up every decision of the process that serves."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import structlog

from kyc_gate.errors import FeedFault, KYCGateError
from kyc_gate.feeds.apart import answer_apart
from kyc_gate.feeds.pull import Pulling, PullReport, pull
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.source import Source
from kyc_gate.model.record import Record

LONGEST_SECONDS = 3600.0
"""A pull that is not done after an hour is stopped; what was active stays active."""


class _Work(Record):
    shelf: str
    sources: tuple[Source, ...]
    how: Pulling


class _Done(Record):
    report: PullReport | None = None
    error: str | None = None


async def pull_apart(shelf: Shelf, sources: tuple[Source, ...], how: Pulling) -> PullReport:
    """Pull in another process and return its report. Cancelling stops the process.

    Raises `FeedFault` when another process pulls already, or when this one failed or took more than an hour.
    """
    work = _Work(shelf=str(shelf.folder), sources=sources, how=how)
    try:
        given = msgspec.json.encode(work)
        answer, status = await answer_apart("kyc_gate.feeds.child", given, seconds=LONGEST_SECONDS)
    except TimeoutError as error:
        raise FeedFault(f"the pull was not done in {LONGEST_SECONDS:g} seconds, and was stopped") from error
    return _reported(answer, status)


def _reported(answer: bytes, status: int | None) -> PullReport:
    try:
        done = msgspec.json.decode(answer, type=_Done)
    except msgspec.DecodeError as error:
        raise FeedFault(f"the pull ended with status {status} and no report") from error
    if done.report is None:
        raise FeedFault(done.error or "the pull failed")
    return done.report


def main() -> None:
    """Read the work on standard input, do it, and write the report on standard output. Events go to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=_Work)
    try:
        report = asyncio.run(pull(Shelf(Path(work.shelf)), work.sources, work.how))
        done = _Done(report=report)
    except KYCGateError as error:
        done = _Done(error=str(error))
    except OSError as error:
        done = _Done(error=f"`{error.filename}`: {error.strerror or error}")
    sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    main()
