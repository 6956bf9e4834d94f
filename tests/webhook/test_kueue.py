"""Kueue's admission checks, answered over HTTP at a server that keeps objects as the API server does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gates import approve, approve_waiting
from msgspec.structs import replace
from wire import served

from kyc_gate.adapters.kubernetes.settings import KUEUE, KueueSettings
from kyc_gate.errors import UpstreamFault
from kyc_gate.model.case_steps import Move, Step
from kyc_gate.webhook.api_server import APIServer
from kyc_gate.webhook.kueue import GROUP, KueueChecks

from .api_server import TOKEN, Objects
from .cluster import SETTINGS, Cluster, job, open_gate, owned_by, pod_spec, thing, used

VERSION = "kueue.x-k8s.io/v1beta1"
CHECK = {"apiVersion": VERSION, "kind": "AdmissionCheck", "spec": {"controllerName": "kyc-gate.io/admission-check"}}


def waiting() -> dict[str, Any]:
    """The status of a workload with quota, two of whose checks have not been answered."""
    return {"admissionChecks": [{"name": name, "state": "Pending", "message": ""} for name in ("other", "kyc-gate")]}


class Queue(NamedTuple):
    cluster: Cluster
    objects: Objects
    checks: KueueChecks
    server: APIServer

    async def queued(self, namespace: str, name: str = "run", gpus: int = 8) -> dict[str, Any]:
        """A job that its author suspends, and Kueue's workload for it with quota, whose check waits."""
        document = job(gpus, namespace, suspend=True)
        document["metadata"]["name"] = name
        made = (await self.cluster.create(document)).document
        self.objects.put("jobs", made)
        sets = [{"name": "main", "count": 1, "template": {"spec": pod_spec(gpus)}}]
        entry = owned_by(thing(VERSION, "Workload", {"podSets": sets}, namespace), made)
        entry["metadata"]["name"] = f"job-{name}"
        assert (await self.cluster.create(entry, user=KUEUE)).allowed
        entry["status"] = waiting()
        return self.objects.put("workloads", entry)

    async def look(self) -> None:
        await self.checks.look(self.server)

    def state(self, name: str = "run") -> tuple[str, str]:
        other, mine = self.objects.of("workloads", f"job-{name}")["status"]["admissionChecks"]
        assert other == waiting()["admissionChecks"][0]
        return mine["state"], mine["message"]

    async def start(self, name: str = "run") -> int:
        """What Kueue does once all checks are ready: it releases the job, with its flavor's nodes."""
        queued = self.objects.of("jobs", name)
        started = {**queued, "spec": {**queued["spec"], "suspend": False}}
        template = started["spec"]["template"]
        nodes = {**template["spec"]["nodeSelector"], "cloud.example/pool": "reserved"}
        started["spec"]["template"] = {**template, "spec": {**template["spec"], "nodeSelector": nodes}}
        return (await self.cluster.replace(queued, started, KUEUE)).code


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    gate = await open_gate(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    objects = Objects(None)
    async with served(objects.app) as port:
        kueue = KueueSettings(api=f"http://127.0.0.1:{port}", token_file="token", ca_file=None, unsafe_plain_http=True)
        settings = replace(SETTINGS, kueue=kueue)
        async with APIServer(kueue, tmp_path) as server:
            made = Queue(Cluster(gate, settings), objects, KueueChecks(gate, settings, tmp_path), server)
            objects.put("admissionchecks", {**CHECK, "metadata": {"name": "kyc-gate", "generation": 1}})
            other = {**CHECK, "spec": {"controllerName": "example.com/budget"}, "metadata": {"name": "other"}}
            objects.put("admissionchecks", other)
            yield made
    await gate.close()


async def test_the_gates_own_check_is_said_to_be_active(queue: Queue) -> None:
    """Kueue uses a check only once its controller says so; others' checks are left alone."""
    await queue.look()
    (condition,) = queue.objects.of("admissionchecks", "kyc-gate")["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Active", "True")
    assert "status" not in queue.objects.of("admissionchecks", "other")
    patches = len([call for call in queue.objects.calls if call.startswith("PATCH")])
    await queue.look()
    assert len([call for call in queue.objects.calls if call.startswith("PATCH")]) == patches


async def test_an_allowed_job_is_ready_and_counts_when_it_starts(queue: Queue) -> None:
    """A check counts nothing; the release does, once."""
    await queue.queued("norge")
    await queue.look()
    assert queue.state()[0] == "Ready"
    assert await used(queue.cluster.gate, "norge") == 0
    assert await queue.start() == 200
    assert await used(queue.cluster.gate, "norge") > 0


async def test_a_blocked_job_is_rejected(queue: Queue) -> None:
    """A job of a blocked account whose entry was in the queue before is rejected, with the decision."""
    document = job(8, "harbin", suspend=True)
    document["metadata"] |= {"uid": "00000000-0000-4000-8000-0000000000aa"}
    queue.objects.put("jobs", document)
    entry = owned_by(thing(VERSION, "Workload", {"podSets": []}, "harbin"), document)
    entry["metadata"]["name"] = "job-run"
    entry["status"] = waiting()
    queue.objects.put("workloads", entry)
    await queue.look()
    state, message = queue.state()
    assert state == "Rejected"
    assert "decision dec_" in message


async def test_what_waits_is_ready_once_approved_and_starts_with_its_flavor(queue: Queue) -> None:
    """The check names the case and is asked about once; the approval makes it ready, and covers Kueue's own start."""
    await queue.queued("nobody")
    for _ in range(3):
        await queue.look()
    (case,) = await queue.cluster.gate.store.fetch_cases()
    assert queue.state() == ("Pending", f"waits for a person; case {case.id}")
    assert len(await queue.cluster.gate.store.fetch_case_requests(case.id)) == 1
    assert await queue.start() == 403
    await approve_waiting(queue.cluster.gate)
    await queue.look()
    assert queue.state()[0] == "Ready"
    assert await queue.start() == 200


async def test_a_customer_cannot_start_it_with_other_nodes(queue: Queue) -> None:
    """Only a controller's start is the request that waited: a customer's own with other nodes is another one."""
    await queue.queued("nobody")
    await approve_waiting(queue.cluster.gate)
    made = queue.objects.of("jobs", "run")
    started = {**made, "spec": {**made["spec"], "suspend": False}}
    template = {**started["spec"]["template"]}
    template["spec"] = {**template["spec"], "nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-B200"}}
    started["spec"]["template"] = template
    assert (await queue.cluster.replace(made, started)).code == 403


async def test_what_a_person_rejected_is_rejected(queue: Queue) -> None:
    """A rejected case ends the workload's wait."""
    await queue.queued("nobody")
    await queue.look()
    (case,) = await queue.cluster.gate.store.fetch_cases()
    gate = queue.cluster.gate
    await gate.store.move_case(case.id, Move(step=Step.REJECT, by="rita", at=gate.now(), note="no"))
    await queue.look()
    assert queue.state() == ("Rejected", f"this request was refused; case {case.id}")


async def test_a_check_that_changed_meanwhile_is_left_alone(queue: Queue) -> None:
    """An answer is for the state that was read: one that Kueue evicted or answered since is not written over."""
    workload = await queue.queued("norge")
    changed = queue.objects.of("workloads", "job-run")
    changed["status"]["admissionChecks"].reverse()
    check = {"name": "kyc-gate", "state": "Pending", "message": ""}
    path = f"{GROUP}/v1beta1/namespaces/norge/workloads/job-run/status"
    await queue.checks._answer(queue.server, workload, 1, check)
    assert queue.objects.calls[-1] == f"PATCH {path}"
    assert {each["state"] for each in changed["status"]["admissionChecks"]} == {"Pending"}


async def test_many_workloads_are_all_seen(queue: Queue) -> None:
    """Collections come in pages; one whose owner is gone keeps waiting and holds up no other."""
    for name in ("a", "b", "c", "d", "e"):
        await queue.queued("norge", name)
    del queue.objects.stored["jobs", "batch", "norge", "c"]
    await queue.look()
    assert [queue.state(name)[0] for name in "abcde"] == ["Ready", "Ready", "Pending", "Ready", "Ready"]


@pytest.mark.parametrize(
    "name", ["../../norge/jobs/small", "small?watch=1", "small/status", "..", "%2e%2e", "Small", "", None, 7]
)
async def test_an_owner_is_looked_for_in_its_own_place_alone(queue: Queue, name: object) -> None:
    """A reference's name is whatever its author wrote. One that leads elsewhere is not followed, and no other waits."""
    await queue.queued("norge", "large")
    await queue.queued("norge", "small")
    (reference,) = queue.objects.of("workloads", "job-large")["metadata"]["ownerReferences"]
    reference |= {"name": name, "uid": queue.objects.of("jobs", "small")["metadata"]["uid"]}
    if name is None:
        del reference["name"]
    await queue.look()
    assert [queue.state(each)[0] for each in ("large", "small")] == ["Pending", "Ready"]
    asked = [call for call in queue.objects.calls if "/jobs/" in call]
    assert asked == ["GET /apis/batch/v1/namespaces/norge/jobs/small"]


async def test_a_workload_without_an_owner_is_asked_about_itself(queue: Queue) -> None:
    """Pods that are queued one by one have an entry of their own, whose pod sets are what starts."""
    sets = [{"name": "main", "count": 2, "template": {"spec": pod_spec(8)}}]
    entry = thing(VERSION, "Workload", {"podSets": sets}, "nobody")
    entry["metadata"]["name"] = "job-run"
    entry["status"] = waiting()
    queue.objects.put("workloads", entry)
    await queue.look()
    assert queue.state()[0] == "Pending"
    (case,) = await queue.cluster.gate.store.fetch_cases()
    await approve(queue.cluster.gate, case.id)
    await queue.look()
    assert queue.state()[0] == "Ready"


async def test_an_api_server_that_says_no_is_a_fault(queue: Queue, tmp_path: Path) -> None:
    """Without a token that it takes nothing is answered, and the fault says what was asked for."""
    (tmp_path / "token").write_text("another")
    with pytest.raises(UpstreamFault, match="401"):
        await queue.look()
