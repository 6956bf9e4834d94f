"""`kyc-gate doctor`: everything that must be right before the gate can be relied on, checked and told."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version

from kyc_gate.audit.verify import Walk
from kyc_gate.cli.guarded_calls import gaps
from kyc_gate.cli.output import UsageError, print_json, printable
from kyc_gate.cli.policies import shipped
from kyc_gate.decide.cases import run_cases
from kyc_gate.errors import KYCGateError
from kyc_gate.model.record import Record, plain
from kyc_gate.policy.composition import check_composition
from kyc_gate.policy.lint import lint
from kyc_gate.policy.policy import Policy
from kyc_gate.service.build import files_of
from kyc_gate.service.config import Configuration, read_configuration
from kyc_gate.service.gather import ListStanding
from kyc_gate.service.list_shelf import read_active
from kyc_gate.service.policy_source import places_of, policy_named, read_policies, writable_by_anybody
from kyc_gate.service.state import is_database, store_of

MOST_NOTES = 5
"""Notes on the lists that are told word for word."""


class Check(Record):
    """One check. `state` is `ok`, `warn` (the gate works, and less well than it could) or `fail`."""

    check: str
    state: str
    detail: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--config", metavar="FILE", help="check this configuration and what it names")
    parser.add_argument("--calls", metavar="FILE", help="tell which calls of this access log the configuration guards")


def run(options: argparse.Namespace) -> int:
    """Print each check; the status is 1 when one fails."""
    failed = False
    if options.calls and not options.config:
        raise UsageError("`--calls` needs `--config FILE`: what is guarded stands there")
    for check in _checks(options.config, options.calls):
        failed = failed or check.state == "fail"
        if options.json:
            print_json(plain(check))
        else:
            print(f"{check.state:<5} {check.check:<12} {printable(check.detail)}")
    return 1 if failed else 0


def _checks(config: str | None, calls: str | None) -> Iterator[Check]:
    yield from _versions()
    if config is None:
        yield Check(check="config", state="warn", detail="not checked; give `--config FILE`")
        yield from _shipped_policies()
        return
    try:
        configuration = read_configuration(config)
    except KYCGateError as error:
        yield Check(check="config", state="fail", detail=str(error))
        return
    yield Check(check="config", state="ok", detail=config)
    yield from _settings(configuration)
    if configuration.policy.bundle is None:
        yield from _policies(configuration)
    yield from _policy_files(configuration)
    yield from _lists(configuration)
    yield from asyncio.run(_store(configuration))
    if calls is not None:
        yield from (Check(check=name, state=state, detail=said) for name, state, said in gaps(configuration, calls))


def _versions() -> Iterator[Check]:
    """Compare Python and every dependency with the lower bounds that the package declares."""
    yield Check(check="python", state="ok", detail=sys.version.split()[0])
    try:
        bounds = requires("kyc-gate") or []
        yield Check(check="kyc-gate", state="ok", detail=version("kyc-gate"))
    except PackageNotFoundError:
        yield Check(check="kyc-gate", state="warn", detail="run from a source tree; versions are not checked")
        return
    for bound in bounds:
        found = re.match(r"([A-Za-z0-9_.-]+)\s*(?:.*>=\s*([0-9.]+))?", bound.partition(";")[0])
        if found and "extra ==" not in bound:
            yield _dependency(found[1], found[2])


def _dependency(name: str, least: str | None) -> Check:
    try:
        installed = version(name)
    except PackageNotFoundError:
        return Check(check=name, state="fail", detail="not installed")
    if least and _parts(installed) < _parts(least):
        return Check(check=name, state="fail", detail=f"{installed} is older than {least}, the least that is safe")
    return Check(check=name, state="ok", detail=installed)


def _parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _shipped_policies() -> Iterator[Check]:
    for folder in shipped():
        problems = lint(folder)
        detail = f"{len(problems)} problems; `kyc-gate policy lint` names them" if problems else "no problems"
        yield Check(check="policy", state="fail" if problems else "ok", detail=f"{folder.name}: {detail}")


def _settings(configuration: Configuration) -> Iterator[Check]:
    """Name what makes the gate weaker than it can be."""
    if configuration.gate.unsafe_mode is not None:
        detail = f"`gate.unsafe_mode` is `{configuration.gate.unsafe_mode}`: nothing is refused"
        yield Check(check="mode", state="fail", detail=detail)
    cluster = configuration.kubernetes
    if configuration.aws is None and configuration.generic is None and cluster is None:
        detail = "neither `[aws]`, `[generic]` nor `[kubernetes]` is there: nothing is guarded"
        yield Check(check="adapters", state="fail", detail=detail)
    if cluster is not None and not cluster.verified:
        detail = "`kubernetes.callers` is `unverified`: whose a review is stays a claim"
        yield Check(check="adapters", state="warn", detail=detail)
    if cluster is not None and cluster.unsafe_ignore_privileged:
        detail = "`kubernetes.unsafe_ignore_privileged` is set: a privileged pod reaches devices that nobody counts"
        yield Check(check="adapters", state="warn", detail=detail)
    if configuration.aws is not None and configuration.aws.signatures == "unverified":
        detail = "`aws.signatures` is `unverified`: the account that a key names stays a claim"
        yield Check(check="adapters", state="warn", detail=detail)
    if (
        configuration.aws is not None
        and configuration.aws.ask is not None
        and configuration.aws.ask.unsafe_moving_names
    ):
        detail = "`aws.ask.unsafe_moving_names` is set: a template may be another by the time the call arrives"
        yield Check(check="adapters", state="warn", detail=detail)
    if configuration.broker is not None and configuration.broker.unsafe_one_account:
        detail = "`broker.unsafe_one_account` is set: customers reach each other's machines"
        yield Check(check="adapters", state="warn", detail=detail)
    if not configuration.api.tokens_sha256:
        yield Check(check="api", state="warn", detail="`api.tokens_sha256` is empty; see docs/api.md")


def _policies(configuration: Configuration) -> Iterator[Check]:
    policies: list[Policy] = []
    for name in configuration.gate.policies:
        try:
            policy = policy_named(name, configuration)
            beside = configuration.path(name)
            folder = beside if beside.is_dir() else next(each for each in shipped() if each.name == name)
            results = run_cases(folder)
        except KYCGateError as error:
            yield Check(check="policy", state="fail", detail="; ".join(str(error).splitlines()))
            continue
        failed = sum(not result.passed for result in results)
        policies.append(policy)
        detail = f"{policy.reference}, digest {policy.reference.digest[:12]}, {len(results)} cases, {failed} fail"
        yield Check(check="policy", state="fail" if failed else "ok", detail=detail)
    yield _together(policies)


def _together(policies: Sequence[Policy]) -> Check:
    """Check that the policies may decide together, and tell their order."""
    try:
        check_composition(policies)
    except KYCGateError as error:
        return Check(check="policies", state="fail", detail="; ".join(str(error).splitlines()))
    order = ", ".join(str(policy.reference) for policy in policies)
    return Check(check="policies", state="ok", detail=f"in this order, the worst outcome counts: {order}")


def _policy_files(configuration: Configuration) -> Iterator[Check]:
    """Verify the bundle, and name files of the policies that anybody may write."""
    try:
        found = read_policies(configuration, cases=False, now=datetime.now(UTC))
    except (KYCGateError, OSError) as error:
        yield Check(check="policies", state="fail", detail="; ".join(str(error).splitlines()))
        return
    if found.bundle is not None:
        origin = found.origin
        detail = f"version {origin.version}, digest {str(origin.digest)[:12]}, signed by {', '.join(origin.signers)}"
        yield Check(check="bundle", state="ok" if origin.signers else "fail", detail=detail)
    for file in writable_by_anybody(places_of(configuration, found.folders)):
        yield Check(check="policies", state="warn", detail=f"every account of this machine may write `{file}`")


def _lists(configuration: Configuration) -> Iterator[Check]:
    try:
        active = read_active(configuration, files_of(configuration))
    except (KYCGateError, OSError) as error:
        yield Check(check="lists", state="fail", detail=str(error))
        return
    snapshot, now = active.snapshot, datetime.now(UTC)
    if active.problem is not None:
        yield Check(check="lists", state="fail", detail=active.problem)
    if snapshot is None:
        detail = "no list is active: nobody is screened, so requests escalate; name `sources` or `files` in `[lists]`"
        yield Check(check="lists", state="fail", detail=detail)
        return
    standing = ListStanding.of(snapshot, max_age_hours=configuration.lists.max_age_hours, clocks=active.clocks)
    age = standing.age_hours(now)
    detail = f"{len(snapshot.entries)} entries of {', '.join(snapshot.lists)}, digest {snapshot.digest[:12]}"
    detail += f", {age:.0f} hours old" if age is not None else ", of unknown age"
    if standing.stale(now):
        allowed = configuration.lists.max_age_hours
        stale = ", ".join(sorted({clock.source for clock in active.clocks if clock.stale(now)}))
        detail += f"; `lists.max_age_hours` allows {allowed:g}; stale or missing: {stale}"
        yield Check(check="lists", state="fail", detail=detail)
    else:
        yield Check(check="lists", state="ok", detail=detail)
    if snapshot.problems:
        detail = f"{len(snapshot.problems)} rows could not be read; the first: {snapshot.problems[0]}"
        yield Check(check="lists", state="warn", detail=detail)
    for note in snapshot.notes[:MOST_NOTES]:
        yield Check(check="lists", state="warn", detail=note)
    if len(snapshot.notes) > MOST_NOTES:
        yield Check(check="lists", state="warn", detail=f"{len(snapshot.notes) - MOST_NOTES} more notes on the lists")


async def _store(configuration: Configuration) -> list[Check]:
    """Check that the store takes a durable write, that its chain verifies, and that no record is of the future."""
    file = configuration.path(configuration.gate.state)
    named = "the database" if is_database(configuration.gate.state) else f"`{file}`"
    if not is_database(configuration.gate.state) and not file.exists():
        where = "can be made" if file.parent.is_dir() else f"cannot be made: there is no folder `{file.parent}`"
        state = "warn" if file.parent.is_dir() else "fail"
        return [Check(check="store", state=state, detail=f"`{file}` does not exist yet and {where}"), _clock(None)]
    store = store_of(configuration)
    try:
        await store.open()
        ready = await store.ready()
        latest = None
        walk = Walk()
        async for record in store.records():
            walk.take(record)
            at = record.get("at")
            latest = max(latest or "", str(at)) if at else latest
    except KYCGateError as error:
        return [Check(check="store", state="fail", detail=str(error)), _clock(None)]
    finally:
        await store.close()
    detail = (
        f"{named} takes durable writes; {walk.records} records verify" if ready else f"{named} takes no durable write"
    )
    return [Check(check="store", state="ok" if ready else "fail", detail=detail), _clock(latest)]


def _clock(latest: str | None) -> Check:
    """Compare the clock with the newest record: time never ran backwards."""
    now = datetime.now(UTC)
    if latest and datetime.fromisoformat(latest) > now:
        detail = f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC, and the newest record is of {latest}"
        return Check(check="clock", state="fail", detail=detail)
    return Check(check="clock", state="ok", detail=f"{now:%Y-%m-%d %H:%M:%S} UTC")
