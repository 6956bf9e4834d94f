"""`kyc-gate demo`: a sample cloud behind the gate, a script of requests, and then time to try."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import structlog
import uvicorn

from kyc_gate.cli.demo_script import SCRIPT, Player, Told
from kyc_gate.cli.demo_world import PEOPLE, hints, write_world
from kyc_gate.cli.output import complain, print_json, printable
from kyc_gate.cli.sample_cloud import SampleCloud
from kyc_gate.gateway.serve import Addresses, serve
from kyc_gate.model.access import local_actor
from kyc_gate.model.decision import Outcome
from kyc_gate.service.build import gate_parts
from kyc_gate.service.config import Configuration, read_configuration
from kyc_gate.service.gate import Gate

LOOPBACK = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--once", action="store_true", help="exit after the script; status 0 only if all was as expected"
    )
    parser.add_argument("--port", type=_port, default=0, help="the gateway's port (default: a free one)")


def run(options: argparse.Namespace) -> int:
    """Run the demo in a temporary state folder, which is gone afterwards."""
    with TemporaryDirectory(prefix="kyc-gate-demo-") as folder:
        return asyncio.run(_demo(options, Path(folder)))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"`{text}` is not a port from 0 to 65535")
    return port


async def _demo(options: argparse.Namespace, folder: Path) -> int:
    cloud = SampleCloud()
    async with _cloud_serving(cloud) as upstream:
        config = write_world(folder, port=options.port, upstream=upstream)
        configuration = read_configuration(config)
        gate = Gate(**gate_parts(configuration))
        with _logging_to(folder / "gate.log"):
            async with _gate_serving(gate, configuration, until_signal=not options.once) as (serving, addresses):
                failed = await _play(gate, cloud, addresses.gateway, wants_json=options.json)
                if not options.once:
                    _invite(addresses, config, await _people(gate))
                    await serving
    return 1 if failed else 0


async def _play(gate: Gate, cloud: SampleCloud, gateway: str, *, wants_json: bool) -> int:
    """Play the script and return how many steps did not come out as expected."""
    failed = 0
    async with aiohttp.ClientSession() as session:
        player = Player(session, gateway, gate.store)
        for step in SCRIPT:
            told = await player.play(step)
            failed += not told.as_expected
            print_json(_row(told)) if wants_json else print(_line(told), flush=True)
    allowed = sum(step.expected is Outcome.ALLOW for step in SCRIPT)
    if len(cloud.clusters) != allowed:
        complain(f"the cloud saw {len(cloud.clusters)} requests, and {allowed} should have reached it")
        failed += 1
    elif not wants_json:
        print(f"     the cloud saw the {allowed} requests that were allowed, and no other")
    return failed


def _row(told: Told) -> dict[str, object]:
    return {
        "step": told.step.number,
        "what": told.step.what,
        "outcome": told.outcome,
        "status": told.status,
        "as_expected": told.as_expected,
        "findings": [
            {"rule": finding["rule"], "outcome": finding["outcome"], "cites": finding["cites"]}
            for finding in told.findings
        ],
        "decision_id": told.decision_id,
        "case_id": told.case_id,
    }


def _line(told: Told) -> str:
    """Return one line: outcome, what, rules with citations, and the id to look it up by."""
    rules = "; ".join(_finding(finding) for finding in told.findings) or "no finding"
    surprise = "" if told.as_expected else f"  NOT AS EXPECTED ({told.step.expected}, HTTP {told.status})"
    name = told.case_id or told.decision_id
    return printable(f"{told.step.number:<3}  {told.outcome:<9} {told.step.what} | {rules} | {name}{surprise}")


def _finding(finding: dict[str, Any]) -> str:
    """Return a rule with its citations, and how it bore on the outcome where it did not decide it."""
    how = "granted: " if finding["covered_by"] else "" if finding["counts"] else "warned: "
    return f"{how}{finding['rule']} [{', '.join(finding['cites'])}]"


async def _people(gate: Gate) -> str:
    """Put the demo's people on file, and return the password that they share."""
    password = secrets.token_urlsafe(12)
    for name, role in PEOPLE:
        await gate.access.add(local_actor("demo"), name, [role], password=password)
    return password


def _invite(addresses: Addresses, config: Path, password: str) -> None:
    print()
    for line in hints(addresses.gateway, addresses.api, config, password):
        print(line)
    sys.stdout.flush()


@contextlib.contextmanager
def _logging_to(file: Path) -> Iterator[None]:
    """Send log lines to `file`, so that what the demo prints can be read; errors stay in sight."""
    with open(file, "a", encoding="ascii") as out:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(out))
        yield


class _Server(uvicorn.Server):
    """A server that leaves signals to the gateway."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _cloud_serving(cloud: SampleCloud) -> AsyncIterator[str]:
    """Serve the sample cloud on a free port of loopback, and yield its address."""
    server = _Server(uvicorn.Config(cloud.app, host=LOOPBACK, port=0, http="h11", lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if running.done():
                await running
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def _gate_serving(
    gate: Gate, configuration: Configuration, *, until_signal: bool
) -> AsyncIterator[tuple[asyncio.Task[None], Addresses]]:
    """Run what `kyc-gate serve` runs, and yield its task and its addresses."""
    stop = asyncio.Event()
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(gate, configuration, ready=ready.set_result, stop=None if until_signal else stop)
    )
    try:
        either: list[asyncio.Future[Any]] = [serving, ready]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
        yield serving, ready.result()
    finally:
        stop.set()
        if until_signal:
            serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
