"""A real slurmrestd and slurmctld behind the gateway, asked over HTTP with tokens of its users."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio
from gates import PARTIES, approve, make_gate, used
from slurm_cluster import NEEDS, cluster_folder, environment_of, slurm
from wire import served

from kyc_gate import Gate, KYCGateMiddleware
from kyc_gate.adapters.slurm.adapter import SlurmAdapter
from kyc_gate.adapters.slurm.settings import SlurmRestSettings, SlurmSettings
from kyc_gate.errors import UpstreamFault
from kyc_gate.gateway.app import Gateway
from kyc_gate.gateway.slurm_jobs import SlurmJobs
from kyc_gate.model.party import Account
from kyc_gate.service.config import Upstream

pytestmark = [*NEEDS, pytest.mark.asyncio(loop_scope="module")]

JOBS = "/slurm/v0.0.38/job"
BASE = {"environment": {"PATH": "/bin"}, "current_working_directory": "/", "time_limit": 60}


class World(NamedTuple):
    folder: Path
    gate: Gate
    client: httpx.AsyncClient
    jobs: SlurmJobs
    tokens: dict[str, str]

    def headers(self, user: str = "nobody") -> dict[str, str]:
        return {"X-SLURM-USER-NAME": user, "X-SLURM-USER-TOKEN": self.tokens[user]}

    async def submit(self, account: str, *, path: str = "/submit", **fields: Any) -> httpx.Response:
        job = {**BASE, "account": account, "gres": "gpu:h100:8", **fields}
        job = {name: value for name, value in job.items() if value is not None}
        document = {"script": "#!/bin/sh\ntrue\n", "job": job}
        return await self.client.post(f"{JOBS}{path}", headers=self.headers(), json=document)

    async def change(self, job: int, **fields: Any) -> httpx.Response:
        return await self.client.post(f"{JOBS}/{job}", headers=self.headers(), json=fields)

    async def scontrol(self, *words: str) -> str:
        command = ["scontrol", *words]
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment_of(self.folder), capture_output=True, text=True, check=False
        )
        return done.stdout

    async def shown(self, job: object) -> dict[str, str]:
        """The fields of a job as the operator sees them; of several components those of the first."""
        told = await self.scontrol("--oneliner", "show", "job", str(job))
        return dict(part.split("=", 1) for part in told.partition("\n")[0].split() if "=" in part)

    async def count(self) -> int:
        return (await self.scontrol("--oneliner", "show", "jobs")).count("JobId=")

    async def case_of(self, account: str) -> str:
        return next(each.id for each in await self.gate.store.fetch_cases() if each.account.endswith(account))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    with cluster_folder() as folder:
        stack = contextlib.ExitStack()
        try:
            rest = await asyncio.to_thread(lambda: stack.enter_context(slurm(folder, plugin=False)))
            async with _world(folder, rest) as made:
                yield made
        finally:
            await asyncio.to_thread(stack.close)


@contextlib.asynccontextmanager
async def _world(folder: Path, rest: str) -> AsyncIterator[World]:
    settings = SlurmSettings(
        accelerators={"": "H100 SXM", "h100": "H100 SXM"},
        node_gpus=8,
        select="cons_tres",
        rest=SlurmRestSettings(
            tokens="upstream",
            escalate="hold",
            exclusive_partitions=(),
            url=rest,
            user="root",
            token_file="token",
            version="v0.0.38",
        ),
    )
    gate = make_gate(folder, adapters=(SlurmAdapter(settings),))
    gateway = Gateway([Upstream(url=rest)])
    async with (
        served(KYCGateMiddleware(gateway, gate)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client,
    ):
        await gate.store.save_directory(
            PARTIES, [Account(provider="slurm", id=party.id, party_id=party.id) for party in PARTIES]
        )
        gate._standings.forget()
        made = World(folder, gate, client, SlurmJobs(gate, settings, folder / "token"), {})
        for user in ("nobody", "root"):
            told = await made.scontrol("token", f"username={user}", "lifespan=3600")
            made.tokens[user] = told.strip().partition("=")[2]
        (folder / "token").write_text(made.tokens["root"])
        yield made


async def test_an_allowed_job_is_taken_and_counted(world: World) -> None:
    """slurmrestd answers as without a gate, and an array counts with all of its jobs until it is over."""
    before = await used(world.gate, "norge")
    answer = await world.submit("norge", array="0-3")
    job = answer.json()["job_id"]
    assert (answer.status_code, answer.headers["kyc-decision-id"][:4]) == (200, "dec_")
    assert not (await world.shown(job))["Reason"].startswith("JobHeld")
    await world.gate.store.ready()  # names of runs are written behind
    (run,) = await world.gate.store.fetch_runs_named("slurm:norge", f"slurm-job:{job}")
    assert await used(world.gate, "norge") - before == pytest.approx(run.likely_rate * 3600 / 1e12, rel=0.01)
    await world.client.delete(f"{JOBS}/{job}", headers=world.headers())
    await world.jobs.look()
    assert await world.gate.store.fetch_runs_named("slurm:norge", f"slurm-job:{job}") == ()


async def test_a_job_without_gpus_is_nobodys_business(world: World) -> None:
    """A job of a blocked account that asks for no GPU is taken without a decision."""
    answer = await world.submit("harbin", gres=None)
    assert answer.status_code == 200
    assert "kyc-decision-id" not in answer.headers


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="gres"),
        pytest.param({"gres": None, "gpus": "8"}, id="gpus"),
        pytest.param({"gres": None, "gpus_per_node": "h100:8", "nodes": "2-4"}, id="gpus-per-node"),
        pytest.param({"gres": None, "gpus_per_task": 1, "tasks": 4}, id="gpus-per-task"),
        pytest.param({"gres": None, "exclusive": "true"}, id="whole-nodes"),
        pytest.param({"array": "1-9%1"}, id="array"),
        pytest.param({"hold": True}, id="held-by-itself"),
    ],
)
async def test_a_blocked_account_gets_no_gpu(world: World, fields: dict[str, Any]) -> None:
    """However GPUs are asked for, the answer is 403 with Slurm's own number, and no job is there."""
    before = await world.count()
    answer = await world.submit("harbin", **fields)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["error_number"], error["error_code"]) == (403, 2002, 2002)
    assert error["error"] == "Access/permission denied"
    assert answer.headers["kyc-decision-id"] in error["description"]
    assert await world.count() == before


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status"),
    [
        pytest.param("/slurm/v0.0.38/job/submit/", None, None, 400, id="trailing-slash"),
        pytest.param("/slurm/v0.0.38/job/%73ubmit", None, None, 400, id="escape"),
        pytest.param("/slurm/v0.0.38/job/submit?gres=gpu:1", None, None, 400, id="query"),
        pytest.param(None, "application/x-yaml", b"script: x\njob: {}\n", 415, id="yaml"),
        pytest.param(None, None, b'{"script":"#!/bin/sh","job":{"GRES":"gpu:8"}}', 400, id="case"),
        pytest.param(None, None, b'{"script":"#!/bin/sh","job":{"gres":"","gres":"gpu:8"}}', 400, id="twice"),
        pytest.param(None, None, b'{"script":"#!/bin/sh","job":{},"jobs":[{"gpus":8}]}', 400, id="job-and-jobs"),
    ],
)
async def test_what_slurmrestd_may_read_otherwise_is_refused(
    world: World, path: str | None, content_type: str | None, body: bytes | None, status: int
) -> None:
    """slurmrestd takes most of these for a submission; none of them comes to it, and each is told in its dialect."""
    before = await world.count()
    headers = {**world.headers(), "Content-Type": content_type or "application/json"}
    job = {**BASE, "account": "harbin", "gres": "gpu:h100:8"}
    content = body or json.dumps({"script": "#!/bin/sh\ntrue\n", "job": job}).encode()
    answer = await world.client.post(path or f"{JOBS}/submit", headers=headers, content=content)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["source"] == "kyc_gate"
    assert await world.count() == before


async def test_a_component_of_several_is_seen(world: World) -> None:
    """The GPUs of a heterogeneous job are those of all of its components."""
    jobs = [{**BASE, "account": "harbin"}, {**BASE, "account": "harbin", "gpus": "8"}]
    document = {"script": "#!/bin/sh\ntrue\n", "jobs": jobs}
    answer = await world.client.post(f"{JOBS}/submit", headers=world.headers(), json=document)
    assert (answer.status_code, answer.json()["errors"][0]["error_number"]) == (403, 2002)


async def test_what_waits_is_held_and_released_by_the_approval(world: World) -> None:
    """A job that waits has its number, is held, and starts when its case is approved, without its user's doing."""
    answer = await world.submit("first-lab", comment="mine", priority="100")
    job = answer.json()["job_id"]
    assert (answer.status_code, answer.json()["errors"][0]["error_code"]) == (200, 2042)
    shown = await world.shown(job)
    assert (shown["Reason"], shown["Priority"]) == ("JobHeldUser", "0")
    await world.jobs.look()
    assert (await world.shown(job))["Reason"] == "JobHeldAdmin"
    assert await world.gate.store.fetch_runs_named("slurm:first-lab", f"slurm-job:{job}") == ()
    await approve(world.gate, await world.case_of("first-lab"))
    await world.jobs.look()
    assert not (await world.shown(job))["Reason"].startswith("JobHeld")
    (run,) = await world.gate.store.fetch_runs_named("slurm:first-lab", f"slurm-job:{job}")
    assert run.likely_rate > 0


async def test_a_held_job_of_several_components_is_released_whole(world: World) -> None:
    """Every component is held and every one is released."""
    jobs = [{**BASE, "account": "het-lab", "gpus": "1"}, {**BASE, "account": "het-lab"}]
    document = {"script": "#!/bin/sh\ntrue\n", "jobs": jobs}
    answer = await world.client.post(f"{JOBS}/submit", headers=world.headers(), json=document)
    job = answer.json()["job_id"]
    assert (await world.scontrol("--oneliner", "show", "job", str(job))).count("JobHeldUser") == 2
    await approve(world.gate, await world.case_of("het-lab"))
    await world.jobs.look()
    assert "JobHeld" not in await world.scontrol("--oneliner", "show", "job", str(job))


async def test_the_users_word_releases_nothing(world: World) -> None:
    """A held job stays held: by its user's change, and by another decision's name in the comment of another job."""
    held = (await world.submit("second-lab")).json()["job_id"]
    words = ({"hold": word} for word in (False, 0, "no", "false", None))
    for change in (*words, {"priority": "100"}, {"gres": "gpu:h100:8"}, {"time_limit": 6000}, {"nodes": "8"}):
        refused = await world.change(held, **change)
        assert (refused.status_code, refused.json()["errors"][0]["error_number"]) == (403, 2050), change
    assert (await world.shown(held))["Reason"].startswith("JobHeld")
    decision = (await world.shown(held))["Comment"]
    larger = (await world.submit("third-lab", gres="gpu:h100:8", nodes="4")).json()["job_id"]
    await world.scontrol("update", f"JobId={larger}", f"Comment={decision}")
    await approve(world.gate, await world.case_of("second-lab"))
    await world.jobs.look()
    assert (await world.shown(larger))["Reason"].startswith("JobHeld")
    assert not (await world.shown(held))["Reason"].startswith("JobHeld")


async def test_an_approval_releases_once(world: World) -> None:
    """What the operator holds later stays held, whatever the approval still covers."""
    job = (await world.submit("once-lab")).json()["job_id"]
    await approve(world.gate, await world.case_of("once-lab"))
    await world.jobs.look()
    await world.scontrol("hold", str(job))
    await world.jobs.look()
    assert (await world.shown(job))["Reason"] == "JobHeldAdmin"


async def test_what_does_not_grow_may_change(world: World) -> None:
    """A comment is nobody's business, and passes without a decision."""
    job = (await world.submit("norge")).json()["job_id"]
    answer = await world.change(job, comment="renamed")
    assert (answer.status_code, "kyc-decision-id" in answer.headers) == (200, False)
    assert (await world.shown(job))["Comment"] == "renamed"


async def test_what_slurm_refuses_counts_nothing(world: World) -> None:
    """slurmrestd says 500 for a job that slurmctld refuses, and for a token that is none: neither is a run."""
    before = await used(world.gate, "norge")
    refused = await world.submit("norge", gres="gpu:h100:9")
    assert (refused.status_code, "job_id" in refused.json()) == (500, False)
    document = {"script": "#!/bin/sh\ntrue\n", "job": {**BASE, "account": "norge", "gres": "gpu:h100:8"}}
    headers = {"X-SLURM-USER-NAME": "nobody", "X-SLURM-USER-TOKEN": world.tokens["nobody"] + "x"}
    stranger = await world.client.post(f"{JOBS}/submit", headers=headers, json=document)
    assert stranger.status_code >= 400
    assert await used(world.gate, "norge") == before


async def test_an_operator_that_may_not_is_told(world: World) -> None:
    """A token that slurmrestd does not take is a fault with its name, and what waits goes on waiting."""
    job = (await world.submit("fifth-lab")).json()["job_id"]
    await approve(world.gate, await world.case_of("fifth-lab"))
    (world.folder / "token").write_text("nothing")
    with pytest.raises(UpstreamFault, match="slurmrestd"):
        await world.jobs.look()
    (world.folder / "token").write_text(world.tokens["root"])
    assert (await world.shown(job))["Reason"].startswith("JobHeld")
    await world.jobs.look()
    assert not (await world.shown(job))["Reason"].startswith("JobHeld")
