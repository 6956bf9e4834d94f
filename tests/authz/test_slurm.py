"""A real slurmctld with the plugin, asked by the real sbatch, srun, scontrol and slurmrestd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio
from gates import PARTIES, approve, make_gate
from slurm_cluster import NEEDS, NOBODY, PLUGIN, SBIN, cluster_folder, slurm
from wire import served

from kyc_gate import Gate
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.authz.app import AuthzApp
from kyc_gate.model.party import Account

pytestmark = [*NEEDS, pytest.mark.asyncio(loop_scope="module")]


class Cluster(NamedTuple):
    folder: Path
    gate: Gate
    rest: str
    read: list[float]

    async def run(self, *command: str, user: int = NOBODY) -> subprocess.CompletedProcess[str]:
        """Run one of Slurm's commands as an ordinary user."""
        environment = {"PATH": SBIN, "SLURM_CONF": str(self.folder / "slurm.conf"), "HOME": "/tmp"}  # noqa: S108
        return await asyncio.to_thread(
            subprocess.run, command, env=environment, user=user, cwd="/", capture_output=True, text=True, timeout=30
        )

    async def sbatch(self, *options: str) -> subprocess.CompletedProcess[str]:
        return await self.run("sbatch", "--parsable", "--output=/dev/null", *options, "--wrap=true")

    def later(self, plugin: Path) -> None:
        """Have slurmctld read a plugin again that was written in this second."""
        moment = max(time.time(), plugin.stat().st_mtime, *self.read) + 5
        self.read.append(moment)
        os.utime(plugin, (moment, moment))

    async def state(self, job: str) -> tuple[str, str]:
        """A job's state and the reason for it."""
        told = (await self.run("scontrol", "--oneliner", "show", "job", job)).stdout
        fields = dict(part.split("=", 1) for part in told.split() if "=" in part)
        return fields.get("JobState", ""), fields.get("Reason", "")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    with cluster_folder() as folder:
        async for cluster in _standing(folder):
            yield cluster


async def _standing(folder: Path) -> AsyncIterator[Cluster]:
    gate = make_gate(folder)
    settings = SlurmSettings(accelerators={"": "H100 SXM", "h100": "H100 SXM"}, node_gpus=8, select="cons_tres")
    async with gate, served(AuthzApp(gate, slurm=settings), lifespan="off") as port:
        await gate.store.save_directory(
            PARTIES, [Account(provider="slurm", id=party.id, party_id=party.id) for party in PARTIES]
        )
        gate._standings.forget()
        (folder / "job_submit.lua").write_text(PLUGIN.read_text().replace(":8082", f":{port}"))
        # The gate answers in this loop, so slurmctld must be waited for beside it.
        stack = contextlib.ExitStack()
        try:
            rest = await asyncio.to_thread(lambda: stack.enter_context(slurm(folder)))
            yield Cluster(folder, gate, rest, [0.0])
        finally:
            await asyncio.to_thread(stack.close)


async def test_an_allowed_job_is_taken_and_counted(cluster: Cluster) -> None:
    """sbatch gets its job number, and the ledger an array's worth of operations."""
    done = await cluster.sbatch("--account=norge", "--gres=gpu:h100:8", "--array=0-3", "--time=60")
    assert done.returncode == 0, done.stderr
    assert (await cluster.state(done.stdout.strip()))[1] not in ("JobHeldAdmin", "JobHeldUser")
    (run,) = (each for each in await cluster.gate.store.fetch_runs("name:norge computing"))
    assert run.account == "slurm:norge"


async def test_a_job_without_gpus_is_nobodys_business(cluster: Cluster) -> None:
    """A job of a blocked account that asks for no GPU is taken."""
    assert (await cluster.sbatch("--account=harbin")).returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--gres=gpu:h100:8",), id="gres"),
        pytest.param(("--gpus=8",), id="gpus"),
        pytest.param(("--gpus-per-node=h100:8", "--nodes=2"), id="gpus-per-node"),
        pytest.param(("--gpus-per-task=1", "--ntasks=4"), id="gpus-per-task"),
        pytest.param(("--exclusive",), id="whole-nodes"),
        pytest.param(("--exclusive", "--gres=gpu:0"), id="whole-nodes-and-none"),
        pytest.param(("--partition=whole",), id="whole-by-partition"),
        pytest.param(("--partition=main,whole",), id="whole-by-one-of-its-partitions"),
        pytest.param(("--gres=gpu:8", "--array=1-9%1"), id="array"),
    ],
)
async def test_a_blocked_account_gets_no_gpu(cluster: Cluster, options: tuple[str, ...]) -> None:
    """However GPUs are asked for, sbatch fails with what the gate says, and no job is there."""
    done = await cluster.sbatch("--account=harbin", "--time=60", *options)
    assert done.returncode != 0
    assert "kyc_gate: this request was refused" in done.stderr
    assert done.stdout.strip() == ""


async def test_gpus_that_slurm_makes_of_tasks_wait(cluster: Cluster) -> None:
    """`--ntasks-per-gpu` gets GPUs of a number that the job does not state, so a person looks at it."""
    done = await cluster.sbatch("--account=norge", "--time=60", "--ntasks=8", "--ntasks-per-gpu=1")
    assert done.returncode == 0, done.stderr
    assert (await cluster.state(done.stdout.strip()))[1].startswith("JobHeld")


async def test_what_is_not_told_refuses_the_job(cluster: Cluster) -> None:
    """A slurmctld whose plugin does not know `ntasks_per_tres` takes no job."""
    plugin = cluster.folder / "job_submit.lua"
    before = plugin.read_text()
    for text in (before.replace("job.ntasks_per_tres", "job.ntasks_per_nothing"), before):
        plugin.write_text(text)
        cluster.later(plugin)
        done = await cluster.sbatch("--account=norge")
        assert (done.returncode == 0) is (text == before), done.stderr


@pytest.mark.parametrize("account", ["norge", "fourth-lab"])
async def test_what_was_decided_starts_once(cluster: Cluster, account: str) -> None:
    """A job that the gate let in or holds is not requeued, whatever it asks for, and cannot be made to be."""
    done = await cluster.sbatch(f"--account={account}", "--gres=gpu:h100:1", "--time=60", "--requeue")
    job = done.stdout.strip()
    assert "Requeue=0" in (await cluster.run("scontrol", "show", "job", job)).stdout
    assert (await cluster.run("scontrol", "update", f"JobId={job}", "Requeue=1")).returncode != 0


async def test_a_job_without_gpus_may_be_requeued(cluster: Cluster) -> None:
    """What asks for nothing is left as it is."""
    job = (await cluster.sbatch("--account=harbin", "--requeue")).stdout.strip()
    assert "Requeue=1" in (await cluster.run("scontrol", "show", "job", job)).stdout


async def test_script_options_and_other_commands_are_seen(cluster: Cluster) -> None:
    """`#SBATCH` lines, srun, salloc and components of heterogeneous jobs come to the plugin too."""
    script = cluster.folder / "job.sh"
    script.write_text("#!/bin/sh\n#SBATCH --account=harbin --gres=gpu:h100:8\ntrue\n")
    for command in (
        ("sbatch", "--output=/dev/null", str(script)),
        ("srun", "--account=harbin", "--gpus=1", "true"),
        ("salloc", "--account=harbin", "--gpus=1", "true"),
        ("sbatch", "--account=norge", "--ntasks=1", ":", "--account=harbin", "--gpus=8", "--wrap=true"),
    ):
        done = await cluster.run(*command)
        assert done.returncode != 0, command
        assert "kyc_gate: this request was refused" in done.stderr, (command, done.stderr)


async def test_a_held_job_starts_only_after_the_approval(cluster: Cluster) -> None:
    """What waits is in the queue, held; its user cannot release it until the approval, and then can."""
    done = await cluster.sbatch("--account=unknown-lab", "--gres=gpu:h100:8", "--time=60")
    job = done.stdout.strip()
    assert done.returncode == 0
    assert "a person will look at this request" in done.stderr
    assert (await cluster.state(job))[1].startswith("JobHeld")
    refused = await cluster.run("scontrol", "release", job)
    assert refused.returncode != 0
    assert (await cluster.state(job))[1].startswith("JobHeld")
    case = next(each for each in await cluster.gate.store.fetch_cases() if each.account.endswith("unknown-lab"))
    await approve(cluster.gate, case.id)
    released = await cluster.run("scontrol", "release", job)
    assert released.returncode == 0, released.stderr
    assert not (await cluster.state(job))[1].startswith("JobHeld")


@pytest.mark.parametrize(
    "change", ["NumNodes=8", "TimeLimit=1000", "Gres=gpu:h100:8", "Priority=100", "AdminComment=kyc-gate:none"]
)
async def test_a_held_job_does_not_grow(cluster: Cluster, change: str) -> None:
    """Size, time and the mark of the decision cannot be changed by the job's user."""
    done = await cluster.sbatch("--account=other-lab", "--gres=gpu:h100:1", "--time=60")
    job = done.stdout.strip()
    changed = await cluster.run("scontrol", "update", f"JobId={job}", change)
    assert changed.returncode != 0, change
    assert (await cluster.state(job))[1].startswith("JobHeld")


async def test_slurmrestd_is_seen_too(cluster: Cluster) -> None:
    """A job over REST comes to the plugin as from sbatch."""
    told = await cluster.run("scontrol", "token", "username=nobody", "lifespan=600", user=0)
    token = told.stdout.strip().partition("=")[2]
    assert token, told
    headers = {"X-SLURM-USER-NAME": "nobody", "X-SLURM-USER-TOKEN": token}

    async def submit(account: str) -> httpx.Response:
        environment = {"PATH": "/bin"}
        job = {"account": account, "gres": "gpu:h100:8", "environment": environment, "current_working_directory": "/"}
        async with httpx.AsyncClient(base_url=cluster.rest) as client:
            document = {"script": "#!/bin/sh\ntrue\n", "job": job}
            return await client.post("/slurm/v0.0.38/job/submit", headers=headers, json=document)

    allowed = await submit("norge")
    # No node runs here, so Slurm warns that the job must wait for one.
    assert (allowed.status_code, allowed.json()["job_id"] > 0) == (200, True), allowed.text
    assert (await submit("harbin")).status_code >= 400
    held = await submit("third-lab")
    assert held.status_code == 200
    assert (await cluster.state(str(held.json()["job_id"])))[1].startswith("JobHeld")


async def test_without_the_gate_no_job_is_taken(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that fails refuses every job, one without GPUs too: nobody read it."""

    async def failing(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cluster.gate, "decide", failing)
    done = await cluster.sbatch("--account=norge", "--gpus=1")
    assert done.returncode != 0
    plugin = cluster.folder / "job_submit.lua"
    plugin.write_text(plugin.read_text().replace("http://127.0.0.1", "http://127.0.0.1:1/"))
    cluster.later(plugin)
    done = await cluster.sbatch("--account=norge")
    assert done.returncode != 0
    assert "cannot be asked now" in done.stderr
