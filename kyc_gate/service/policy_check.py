"""Policies checked in a process of its own: hundreds of cases would hold up every decision of the gate."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from kyc_gate.errors import ConfigurationError, FeedFault, KYCGateError, PolicyError
from kyc_gate.feeds.apart import answer_apart
from kyc_gate.feeds.policy_bundle import PolicyBundle, bundle_bytes, read_policy_bundle
from kyc_gate.model.record import Record
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.service.config import Configuration
from kyc_gate.service.policy_source import ReadPolicies, bundled_policies, read_policies
from kyc_gate.tuning.difference import sets_lenient

LONGEST_SECONDS = 300.0
"""A check that is not done after five minutes is stopped; what was active stays active."""

NICER = 5
"""How much decisions go before the check, where both want the processor: some three times as much of it."""

_ERRORS: dict[str, type[KYCGateError]] = {"feed": FeedFault, "configuration": ConfigurationError, "other": KYCGateError}


class Checked(Record):
    """What was checked: the digest of each policy, and where they let more through than those before; else None."""

    digests: tuple[str, ...]
    lenient: str | None = None


class _Work(Record):
    """What to read: the configured policies, or those of `archive` alone. `before` is the bundle that is active."""

    configuration: Configuration
    folders: tuple[str, ...]
    now: datetime
    archive: bytes | None = None
    before: bytes | None = None


class _Done(Record):
    checked: Checked | None = None
    error: str | None = None
    kind: str = "other"


async def check_configured(
    configuration: Configuration, folders: tuple[str, ...], *, now: datetime, before: PolicyBundle | None
) -> Checked:
    """Read the configured policies in another process, and decide every case beside them.

    With `before`, it is looked for what they let through that `before` stops, where too few keys signed for that.
    Raises `KYCGateError` as reading them here would, and when the process fails.
    """
    archive = None if before is None else bundle_bytes(before)
    return await _apart(_Work(configuration=configuration, folders=folders, now=now, before=archive))


async def check_bundle(bundle: PolicyBundle, configuration: Configuration, *, now: datetime) -> Checked:
    """Read the policies of a bundle in another process, and decide every case beside them. Raises `KYCGateError`."""
    return await _apart(_Work(configuration=configuration, folders=(), now=now, archive=bundle_bytes(bundle)))


async def _apart(work: _Work) -> Checked:
    try:
        given = msgspec.json.encode(work)
        answer, status = await answer_apart("kyc_gate.service.policy_check", given, seconds=LONGEST_SECONDS)
    except TimeoutError as error:
        raise KYCGateError(f"the policies were not checked in {LONGEST_SECONDS:g} seconds") from error
    return _told(answer, status)


def _told(answer: bytes, status: int | None) -> Checked:
    try:
        done = msgspec.json.decode(answer, type=_Done)
    except msgspec.DecodeError as error:
        raise KYCGateError(f"checking the policies ended with status {status} and no answer") from error
    if done.checked is not None:
        return done.checked
    told = done.error or "the policies could not be checked"
    if done.kind == "policy":
        raise PolicyError(told.splitlines())
    raise _ERRORS[done.kind](told)


def main() -> None:
    """Read the work on standard input, do it, and write what was found on standard output."""
    os.nice(NICER)
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=_Work)
    try:
        done = _Done(checked=_checked(work))
    except KYCGateError as error:
        kinds = {"policy": PolicyError, "configuration": ConfigurationError, "feed": FeedFault}
        kind = next((name for name, each in kinds.items() if isinstance(error, each)), "other")
        done = _Done(error=str(error), kind=kind)
    except OSError as error:
        done = _Done(error=f"`{error.filename}`: {(error.strerror or str(error)).lower()}")
    sys.stdout.buffer.write(msgspec.json.encode(done))


def _checked(work: _Work) -> Checked:
    if work.archive is not None:
        policies = bundled_policies(read_policy_bundle(work.archive))
        return Checked(digests=tuple(policy.reference.digest for policy in policies))
    found = read_policies(work.configuration, folders=_paths(work), now=work.now)
    return Checked(digests=tuple(policy.reference.digest for policy in found.policies), lenient=_lenient(work, found))


def _paths(work: _Work) -> tuple[Path, ...] | None:
    return tuple(map(Path, work.folders)) or None


def _lenient(work: _Work, found: ReadPolicies) -> str | None:
    if work.before is None or len(found.origin.signers) >= work.configuration.policy.lenient_signatures:
        return None
    before = bundled_policies(read_policy_bundle(work.before), cases=False)
    return sets_lenient(before, found.policies, ordinary_facts())


if __name__ == "__main__":
    main()
