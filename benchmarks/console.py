"""The console's queue and case pages at a thousand and at a hundred thousand cases, and what their records cost.

    python -m benchmarks console

Pages are asked for through the whole application, signed in, without a socket: the median of fifteen, in milliseconds
of the processor, the store's threads included. Beside them the same run measures a log line and a record appended
beside a raw commit of SQLite.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from benchmarks import record
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.model.access import local_actor
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind, Workload
from kyc_gate.model.party import Account, Party, UltimateParent
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.config import AccessSettings
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import CaseOpening, DecisionEntry

SIZES = (1_000, 100_000)
TASKS = 64
TIMES = 15
AT = datetime.now(UTC)
PASSWORD = "a long enough password"  # noqa: S105
QASR = Party(
    id="qasr",
    name="Qasr Compute",
    location="United Arab Emirates",
    headquarters="United Arab Emirates",
    ultimate_parent=UltimateParent(is_self=True),
    owners=(),
)
LARGE = ProvisioningRequest(
    provider="generic",
    service="compute",
    operation="CreateTrainingJob",
    kind=RequestKind.CREATE,
    lines=(Accelerators(model="H100 SXM", count=16_384),),
    duration_seconds=30 * 86_400,
    workload=Workload.PRE_TRAINING,
    caller=Caller(account="acct", verified=True),
    fingerprint="f" * 64,
)


def main() -> None:
    """Measure and print."""
    print(f"load average at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    found = [asyncio.run(_measured(size)) for size in SIZES]
    print(f"{'milliseconds of the processor':40}{''.join(f'{size:>12,}' for size in SIZES)}{'ratio':>8}")
    for name in found[0]:
        few, many = (each[name] for each in found)
        print(f"{name:40}{few:>12.2f}{many:>12.2f}{many / few:>8.2f}")
    record.main()


async def _measured(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(
            policies=tuple(read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion")),
            store=SqliteStore(Path(folder) / "gate.db", deadline_seconds=60),
            adapters=(),
            snapshot=None,
            parties=(QASR,),
            accounts=(Account(provider="generic", id="acct", party_id="qasr"),),
            settings=Settings(decision_seconds=30.0, access=AccessSettings(unsafe_plain_http=True)),
        )
        async with gate:
            await gate.access.add(local_actor("root"), "ana", ["analyst"], password=PASSWORD)
            held = await gate.decide(LARGE)
            await _fill(gate, size)
            transport = httpx.ASGITransport(app=interface_app(gate))
            async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as browser:
                await _sign_in(browser)
                return {
                    name: await _page(browser, path)
                    for name, path in (
                        ("the queue", "/console/cases"),
                        ("the queue, one severity", "/console/cases?severity=high"),
                        ("the queue, one family", "/console/cases?family=family-7"),
                        ("the queue, a search", "/console/cases?text=acct-77"),
                        ("the queue, decided ones too", "/console/cases?state=all"),
                        ("a case", f"/console/cases/{held.case_id}"),
                    )
                }


async def _fill(gate: Gate, size: int) -> None:
    numbers = iter(range(size))

    async def work() -> None:
        for number in numbers:
            await gate.store.append(_entry(number))

    await asyncio.gather(*(work() for _ in range(TASKS)))


def _entry(number: int) -> DecisionEntry:
    id = f"dec_{number:032x}"
    at = AT + timedelta(seconds=number)
    opening = CaseOpening(
        severity="high" if number % 10 == 0 else "medium",
        fingerprint=f"{number:064x}",
        control_group=f"group-{number}",
        account=f"generic:acct-{number}",
        party_id=f"party-{number}",
        operation="CreateTrainingJob",
        rules=("red-flag-28",),
        decision_id=id,
        at=at,
        due_at=at + timedelta(hours=24),
        likely=10**25,
        high=10**26,
        family=f"family-{number % 20}",
    )
    return DecisionEntry(
        decision_id=id, record={"type": "decision", "decision_id": id, "at": at.isoformat()}, case=opening
    )


async def _sign_in(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/sign-in", params={"next": "/console/cases"})).text
    hidden = dict(re.findall(r'name="(csrf|next)" value="([^"]*)"', page))
    answer = await browser.post("/sign-in", data={**hidden, "name": "ana", "password": PASSWORD})
    assert answer.status_code == 303, answer.text


async def _page(browser: httpx.AsyncClient, path: str) -> float:
    times = []
    for _ in range(TIMES):
        started = time.process_time()
        answer = await browser.get(path)
        times.append(time.process_time() - started)
        assert answer.status_code == 200, answer.text
    return statistics.median(times) * 1e3


if __name__ == "__main__":
    main()
