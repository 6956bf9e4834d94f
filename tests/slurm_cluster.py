"""A real slurmctld with slurmrestd, for tests: no node runs, so that jobs stay in the queue."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from relay import free_port

SBIN = "/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", "")
NEEDED = ("munged", "slurmctld", "slurmrestd", "sbatch", "srun", "scontrol", "curl")
MISSING = [name for name in NEEDED if shutil.which(name, path=SBIN) is None]
PLUGIN = Path(__file__).parents[1] / "examples" / "slurm" / "job_submit.lua"
NOBODY = 65534

NEEDS = (
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="munged and slurmctld are started as root"),
)

CONF = """
ClusterName=slurm
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={folder}/jwt.key
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
ProctrackType=proctrack/pgid
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
JobSubmitPlugins=lua
MpiDefault=none
SlurmdTimeout=0
ReturnToService=2
NodeName=n[1-8] NodeAddr=127.0.0.1 CPUs=16 Gres=gpu:h100:8 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=whole Nodes=ALL OverSubscribe=EXCLUSIVE MaxTime=INFINITE State=UP
"""


@contextlib.contextmanager
def cluster_folder() -> Iterator[Path]:
    """A folder that an ordinary user may look into, since Slurm's commands read its configuration."""
    with tempfile.TemporaryDirectory(prefix="kyc-slurm-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def slurm(folder: Path, *, plugin: bool = True) -> Iterator[str]:
    """munged, slurmctld and slurmrestd; the address of the last."""
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "jwt.key").write_bytes(os.urandom(32))
    (folder / "state").mkdir()
    for name in ("munge.key", "jwt.key"):
        (folder / name).chmod(0o600)
    port = free_port()
    text = CONF.format(folder=folder, port=port)
    if not plugin:
        text = text.replace("JobSubmitPlugins=lua\n", "")
    (folder / "slurm.conf").write_text(text)
    (folder / "gres.conf").write_text("NodeName=n[1-8] Name=gpu Type=h100 Count=8\n")
    address = f"127.0.0.1:{free_port()}"
    files = [f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "log", "pid", "seed")]
    munged = ["munged", "--foreground", "--force", f"--socket={folder}/munge.sock", *files]
    with contextlib.ExitStack() as stack:
        stack.enter_context(_process(folder, munged))
        _until(lambda: (folder / "munge.sock").exists())
        stack.enter_context(_process(folder, ["slurmctld", "-D", "-i", "-f", str(folder / "slurm.conf")]))
        ping = ["scontrol", "ping"]
        _until(lambda: b"is UP" in _output(folder, ping))
        stack.enter_context(
            # `SLURM_JWT=daemon`: it has no token of its own, and takes those of its callers.
            _process(
                folder,
                ["slurmrestd", "-s", "openapi/v0.0.38", "-a", "rest_auth/jwt", address],
                user=NOBODY,
                SLURM_JWT="daemon",
            )
        )
        yield f"http://{address}"


def environment_of(folder: Path) -> dict[str, str]:
    return {"PATH": SBIN, "SLURM_CONF": str(folder / "slurm.conf")}


@contextlib.contextmanager
def _process(folder: Path, command: list[str], user: int | None = None, **environment: str) -> Iterator[None]:
    with (folder / f"{command[0]}.out").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment_of(folder) | environment, stdout=log, stderr=log, user=user, group=user
        )
        try:
            yield
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait(10)


def _output(folder: Path, command: list[str]) -> bytes:
    return subprocess.run(command, env=environment_of(folder), capture_output=True, check=False).stdout


def _until(true: object) -> None:
    for _ in range(200):
        if true():  # type: ignore[operator]
            return
        time.sleep(0.1)
    raise AssertionError("the cluster did not start")
