"""SkyPilot itself asks the gate before it starts anything: its server's own step, in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gates import approve_waiting, make_gate
from wire import served

from kyc_gate import Gate
from kyc_gate.authz.app import AuthzApp
from kyc_gate.model.party import Account

PYTHON = Path(__file__).parents[2] / ".venv-skypilot" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="SkyPilot is not set up; `make clouds` does it")

ASKS = """
import json, sys
import sky
from sky import exceptions
from sky.server.requests.request_names import AdminPolicyRequestName
from sky.utils import admin_policy_utils

name, task = json.loads(sys.argv[1])
try:
    dag, config = admin_policy_utils.apply(sky.Task.from_yaml_config(task), AdminPolicyRequestName(name))
except exceptions.UserRequestRejectedByPolicy as error:
    print(json.dumps({"rejected": str(error)}))
else:
    print(json.dumps({"passes": [task.to_yaml_config() for task in dag.tasks]}))
"""
"""What SkyPilot's server does with a request before it is put into its queue (`sky.utils.admin_policy_utils.apply`)."""

USERS = {"norge": "a0a0a0a1", "emirate": "a0a0a0a2", "harbin": "a0a0a0a3"}
LARGE = {"num_nodes": 4000, "resources": {"accelerators": "H100:8"}, "run": "train"}
SMALL = {"num_nodes": 2, "resources": {"accelerators": "H100:8"}, "run": "train"}


class World(NamedTuple):
    """A gate, and the address at which SkyPilot asks it."""

    gate: Gate
    url: str
    home: Path

    async def asked(self, user: str, task: dict[str, Any], name: str = "launch") -> dict[str, Any]:
        """What SkyPilot's server does about a request of a user."""
        folder = self.home / ".sky"
        folder.mkdir(exist_ok=True)
        (folder / "config.yaml").write_text(f"admin_policy: {self.url}\n")
        known = {"HOME": str(self.home), "SKYPILOT_USER_ID": USERS[user], "SKYPILOT_USER": user}
        done = await asyncio.to_thread(
            subprocess.run,
            [str(PYTHON), "-c", ASKS, json.dumps([name, task])],
            capture_output=True,
            text=True,
            timeout=300,
            env={"PATH": os.environ["PATH"], "SKYPILOT_DISABLE_USAGE_COLLECTION": "1", **known},
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    gate = make_gate(tmp_path)
    async with gate, served(AuthzApp(gate, skypilot=True), lifespan="off") as port:
        known = [Account(provider="skypilot", id=id, party_id=party) for party, id in USERS.items()]
        await gate.store.save_directory((), known)
        yield World(gate, f"http://127.0.0.1:{port}/skypilot", tmp_path)


@pytest.mark.parametrize("name", ["launch", "jobs.launch"])
async def test_what_is_allowed_goes_on_as_it_is(world: World, name: str) -> None:
    """SkyPilot takes the answer for its own task, unchanged."""
    (task,) = (await world.asked("norge", SMALL, name))["passes"]
    assert (task["num_nodes"], task["resources"]["accelerators"], task["run"]) == (2, {"H100": 8}, "train")


async def test_what_is_refused_is_told_as_rejected(world: World) -> None:
    """The user sees SkyPilot's own error for it, with the decision's number."""
    answer = await world.asked("harbin", SMALL)
    assert "rejected by admin policy" in answer["rejected"]
    assert "dec_" in answer["rejected"]


async def test_an_approval_lets_the_same_task_through(world: World) -> None:
    """What waits for a person is rejected, with its case, until it is approved."""
    answer = await world.asked("emirate", LARGE)
    assert "case_" in answer["rejected"]
    await approve_waiting(world.gate)
    assert "passes" in await world.asked("emirate", LARGE)


async def test_without_a_gate_nothing_starts(world: World) -> None:
    """SkyPilot fails the request where nobody answers."""
    away = world._replace(url="http://127.0.0.1:9/skypilot")
    assert "Failed to call admin policy" in (await away.asked("norge", SMALL))["rejected"]
