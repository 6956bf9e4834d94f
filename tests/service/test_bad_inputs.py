"""Receivers and configurations of the catalogue: what each row asks for, here or where it says."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from catalogue import rows_of, stands
from gates import make_gate
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from structlog.testing import capture_logs
from uvicorn.protocols.http.h11_impl import H11Protocol

from kyc_gate import KYCGateMiddleware, Outcome
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.cli.guarded_calls import gaps
from kyc_gate.errors import ConfigurationError
from kyc_gate.gateway import serve
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind
from kyc_gate.model.outbox import Event
from kyc_gate.service import delivery
from kyc_gate.service.config import configuration_of, read_configuration
from kyc_gate.service.delivery import Undelivered, deliver
from kyc_gate.service.notifier import Notifier
from tests.api.test_metrics import of, scraped
from tests.service.test_notifier import DATA, EVENT, NOW, SECRET, inbox, webhook

PROJECT = Path(__file__).parents[2]
Check = Callable[[Path, pytest.MonkeyPatch], Awaitable[None]]


def large(account: str) -> ProvisioningRequest:
    """A request that waits, or is blocked."""
    return ProvisioningRequest(
        provider="generic",
        service="compute",
        operation="CreateTrainingJob",
        kind=RequestKind.CREATE,
        lines=(Accelerators(model="H100 SXM", count=20_000),),
        duration_seconds=30 * 86_400,
        caller=Caller(account=account, verified=True),
        fingerprint="f" * 64,
    )


# Receivers


async def refused(url: str, **more: Any) -> None:
    """Nothing is sent to an address that is not public."""
    with pytest.raises(Undelivered, match=r"no public address|InvalidUrl"):
        await deliver(webhook(url, allow_private=False, **more), EVENT, NOW, secret=SECRET, console="")


async def loopback(_: Path, __: pytest.MonkeyPatch) -> None:
    """This machine's own address."""
    await refused("https://127.0.0.1:2375/")
    with pytest.raises(ValueError, match="https://"):
        webhook("http://127.0.0.1:2375/", allow_private=False)


async def mapped(_: Path, __: pytest.MonkeyPatch) -> None:
    """A cloud's metadata, written as IPv6."""
    await refused("https://[::ffff:169.254.169.254]/")


async def hexadecimal(_: Path, __: pytest.MonkeyPatch) -> None:
    """This machine's address as one number."""
    await refused("https://0x7f000001/")


async def by_name(_: Path, __: pytest.MonkeyPatch) -> None:
    """A name that stands for this machine, looked up for real."""
    await refused("https://localhost/")


async def slow_receiver(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that does not answer is given up in time, and no decision waits for it meanwhile."""
    monkeypatch.setattr(delivery, "SECONDS", 1.0)

    async def hears(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hears, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/"
    async with make_gate(folder) as gate:
        notifier = Notifier((webhook(url),), secrets={"soc": SECRET})
        await notifier.look(gate)
        await gate.decide(large("acct-emirate"))
        telling = asyncio.create_task(notifier.look(gate))
        await asyncio.sleep(0.1)
        began = time.perf_counter()
        assert (await gate.decide(large("acct-nobody"))).decision is not None
        assert not telling.done() or time.perf_counter() - began > 0.8
        await telling
        await asyncio.sleep(0)
        (backlog,) = await gate.store.fetch_backlogs()
        assert (backlog.waiting, backlog.dead) == (1, 0)
    silent.close()


async def endless_receiver(_: Path, __: pytest.MonkeyPatch) -> None:
    """A receiver that would send a gigabyte is asked for its status, and cut."""
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                sent += 65_536
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await deliver(webhook(f"http://127.0.0.1:{port}/"), EVENT, NOW, secret=SECRET, console="")
    await asyncio.sleep(0.05)
    assert sent < 50_000_000
    server.close()


async def line_break_in_a_value(_: Path, __: pytest.MonkeyPatch) -> None:
    """What an event holds reaches no header: its id is the gate's own, and the rest is JSON."""
    forged = Event(id="evt_9", name="case.opened", at=NOW, data={**DATA, "case_id": "x\r\nX-Forged: 1"})
    async with inbox() as (app, url):
        await deliver(webhook(url), forged, NOW, secret=SECRET, console="https://kyc.example")
    ((headers, body),) = app.got
    assert "x-forged" not in headers
    assert json.loads(body)["data"]["case_id"] == "x\r\nX-Forged: 1"


WEBHOOKS: dict[str, Check | str] = {
    "001": loopback,
    "002": mapped,
    "003": hexadecimal,
    "004": by_name,
    "005": "service/test_notifier.py::test_what_is_checked_is_what_is_connected_to",
    "006": "service/test_notifier.py::test_a_redirect_is_not_followed_and_an_answer_not_read",
    "007": "service/test_notifier.py::test_what_fails_is_tried_again_and_then_dead_and_then_replayed",
    "008": slow_receiver,
    "009": endless_receiver,
    "010": "service/test_notifier.py::test_the_standard_s_own_library_verifies_what_is_sent",
    "011": "service/test_notifier.py::test_a_case_is_told_once_in_order_and_names_nobody",
    "012": line_break_in_a_value,
}

# Configurations


async def nothing_is_refused_aloud(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A gate that refuses nothing says so at its start, in metrics and in every record; its key is `unsafe_mode`."""
    with capture_logs() as lines:
        async with make_gate(folder, unsafe_mode="observe") as gate:
            passed = await gate.decide(large("acct-harbin"))
            samples = await scraped(gate)
            record = await gate.store.fetch_decision(str(passed.decision_id))
    assert (passed.refusal, passed.outcome) == (None, Outcome.BLOCK)
    assert of(samples, "kyc_gate_unsafe_mode") == 1
    assert record is not None
    assert (record["acted"], record["outcome"]) == ("pass", "block")
    assert [line["log_level"] for line in lines if line["event"] == "gate.unsafe"] == ["warning"]
    assert next(line for line in lines if line["event"] == "decision.made")["mode"] == "observe"
    with pytest.raises(ConfigurationError, match="mode"):
        configuration_of({"gate": {"mode": "dry-run"}})


async def nothing_is_guarded(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A gate that would guard nothing does not start, behind whichever door."""
    gate = make_gate(folder)
    gate.adapters = ()
    with pytest.raises(ConfigurationError, match="nothing is guarded"):
        KYCGateMiddleware(lambda *_: None, gate)  # type: ignore[arg-type,return-value]
    with pytest.raises(ConfigurationError, match="nothing is guarded"):
        gate.client_hook()
    with pytest.raises(ValueError, match="has no route"):
        GenericAdapter((), account_header="x-account")


CALLS = """\
10.0.0.1 - - [27/Nov/2026:10:00:00 +0000] "POST /v1/training-jobs HTTP/1.1" 201 12
10.0.0.1 - - [27/Nov/2026:10:00:01 +0000] "GET /v1/training-jobs HTTP/1.1" 200 12
POST /v2/training-jobs
POST /v2/training-jobs
"""
ROUTED = """\
[generic]
account_header = "x-account"
[[generic.routes]]
operation = "CreateTrainingJob"
path = "/v1/training-jobs"
fields = { count = "gpus" }
[[generic.routes]]
operation = "CreateCluster"
path = "/v1/clutsers"
fields = { count = "gpus" }
"""


async def gaps_are_told(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A route that matches nothing in the traffic, and an application beside the gate, are told of."""
    (folder / "kyc-gate.toml").write_text(ROUTED, encoding="utf-8")
    (folder / "access.log").write_text(CALLS, encoding="utf-8")
    found = list(gaps(read_configuration(folder / "kyc-gate.toml"), str(folder / "access.log")))
    assert found[0] == ("calls", "ok", "the gate looks into 2 of 4 calls")
    assert ("route CreateCluster", "warn", "`POST /v1/clutsers` guards none of these calls") in found
    assert ("unguarded", "warn", "`POST /v2/training-jobs` (2 times) is guarded by nothing") in found
    assert len(found) == 3
    (folder / "access.log").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="holds no call"):
        list(gaps(read_configuration(folder / "kyc-gate.toml"), str(folder / "access.log")))


async def versions_have_floors(_: Path, __: pytest.MonkeyPatch) -> None:
    """No release is installed that is known to be open to attack: starlette from 1.3.1, aiohttp from 3.14.1."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[><=\[]", each)[0]: each for each in project["project"]["dependencies"]}
    assert ">=1.3.1" in needed["starlette"]
    assert ">=3.14.1" in needed["aiohttp"]
    assert all(">" in each or "~" in each for each in needed.values())


async def proxies_are_not_believed(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes nobody's word for who calls, whatever the environment asks for."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert serve._config(lambda: None).proxy_headers is False


async def h11_serves(_: Path, __: pytest.MonkeyPatch) -> None:
    """The gateway's server is h11 by name, whatever is installed, and the page says why."""
    assert issubclass(serve._config(lambda: None).http, H11Protocol)  # type: ignore[arg-type]
    assert "httptools" in (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert stands("asgi/test_lifespan.py::test_trailers_on_the_wire_do_not_change_the_customer")


async def no_check_is_an_assert(_: Path, __: pytest.MonkeyPatch) -> None:
    """`python -O` takes no check away: the linter refuses asserts, and what is left tells types."""
    for file in (PROJECT / "kyc_gate").rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith("assert "):
                assert "noqa: S101" in line, f"{file.name}: {line.strip()}"
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "S" in project["tool"]["ruff"]["lint"]["select"]


_SECRET = re.compile(
    r"AKIA[A-Z2-7]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|PRIVATE\+KEY\+[^`\s\"']+\+[0-9a-f]{8}\+|whsec_[A-Za-z0-9+/]{32}"
    r"|xox[bp]-\d|ghp_\w{36}|AIza[\w-]{35}"
)


async def files_are_known_by_their_hashes(_: Path, __: pytest.MonkeyPatch) -> None:
    """The lock has every package of the gate and its extras at a version that the project allows, file by file."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked: dict[str, Version] = {}
    for entry in re.split(r"\n(?=\S)", (PROJECT / "requirements.lock").read_text(encoding="utf-8")):
        if not entry.startswith("#"):
            name, version = entry.split()[0].split("==")
            assert re.search(r"--hash=sha256:[0-9a-f]{64}$", entry), name
            locked[canonicalize_name(name)] = Version(version)
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    wanted += [each for extra in sorted({*extras} - {"aiobotocore", "clouds", "test"}) for each in extras[extra]]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


async def examples_hold_no_secret(_: Path, __: pytest.MonkeyPatch) -> None:
    """No key and no token stands in examples, documents or code; the demo's key ids encode made-up accounts."""
    files = subprocess.run(  # noqa: ASYNC221 - nothing waits
        ["git", "ls-files", "examples", "docs", "policies", "kyc_gate", "README.md"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    found: list[tuple[str, str]] = []
    for name in filter(None, files):
        text = (PROJECT / name).read_bytes().decode("utf-8", "replace")
        found += [(name, match[0]) for match in _SECRET.finditer(text)]
    assert [each for each in found if not each[0].startswith(("kyc_gate/cli/demo", "docs/", "README"))] == []
    assert all(secret.startswith("AKIA") for _, secret in found), found


CONFIGURATIONS: dict[str, Check | str] = {
    "001": nothing_is_refused_aloud,
    "002": nothing_is_guarded,
    "003": gaps_are_told,
    "004": "asgi/test_interception.py::test_a_middleware_below_the_route_is_told",
    "005": gaps_are_told,
    "006": versions_have_floors,
    "007": files_are_known_by_their_hashes,
    "008": proxies_are_not_believed,
    "009": h11_serves,
    "010": no_check_is_an_assert,
    "011": examples_hold_no_secret,
}

CHECKS = {f"webhook_ssrf-{number}": check for number, check in WEBHOOKS.items()} | {
    f"config_supply_chain-{number}": check for number, check in CONFIGURATIONS.items()
}


@pytest.mark.parametrize("row", [row for row, check in CHECKS.items() if not isinstance(check, str)])
async def test_row(row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each receiver and each configuration of the catalogue has the answer that it asks for."""
    check = CHECKS[row]
    assert not isinstance(check, str)
    await check(tmp_path, monkeypatch)


def test_no_row_is_left_out(shared_data: Path) -> None:
    """Every row is tried, and each test that is named exists."""
    rows = {*rows_of(shared_data, "webhook_ssrf"), *rows_of(shared_data, "config_supply_chain")}
    assert rows == {*CHECKS}
    assert [check for check in CHECKS.values() if isinstance(check, str) and not stands(check)] == []
