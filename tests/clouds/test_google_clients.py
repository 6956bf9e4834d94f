"""Google's own clients, unmodified, through the gateway to a cloud that speaks REST.

There is no emulator of these services; the cloud behind the gate answers with operations, and keeps what it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Forbidden
from google.cloud import batch_v1, tpu_v2
from google.oauth2.credentials import Credentials

from kyc_gate.adapters.gcp import GCPAdapter

from .world import ALLOWED, BLOCKED, HELD, MANY, World, world

ZONE = "us-central1-a"


def respond(method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    """A done operation, for whatever it is."""
    if path.startswith("/compute/"):
        return 200, {"kind": "compute#operation", "name": "operation-1", "status": "DONE", "id": "1"}
    if "/jobs" in path:
        return 200, {"name": f"{path.partition('?')[0].partition('/v1/')[2]}/job-1", "uid": "1"}
    if method == "GET":
        return 200, {"name": path.partition("/v2/")[2].partition("?")[0], "state": "READY"}
    return 200, {"name": "projects/p/locations/l/operations/o", "done": False}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, GCPAdapter(tokens="upstream"), respond) as found:
        yield found


def settings(cloud: World) -> dict[str, Any]:
    return {
        "credentials": Credentials(token="ya29.a-token"),
        "client_options": ClientOptions(api_endpoint=cloud.url),
        "transport": "rest",
    }


def create_node(cloud: World, project: str, accelerator: str = "v5litepod-16") -> Any:
    client = tpu_v2.TpuClient(**settings(cloud))
    node = tpu_v2.Node(accelerator_type=accelerator, runtime_version="v2-alpha-tpuv5-lite")
    return client.create_node(parent=f"projects/{project}/locations/{ZONE}", node=node, node_id="n1")


def create_job(cloud: World, project: str, tasks: int = 1) -> Any:
    policy = batch_v1.AllocationPolicy.InstancePolicy(machine_type="a3-highgpu-8g")
    job = batch_v1.Job(
        task_groups=[
            batch_v1.TaskGroup(
                task_count=tasks,
                parallelism=tasks,
                task_spec=batch_v1.TaskSpec(max_run_duration={"seconds": 28 * 86400 if tasks > 1 else 86400}),
            )
        ],
        allocation_policy=batch_v1.AllocationPolicy(
            instances=[batch_v1.AllocationPolicy.InstancePolicyOrTemplate(policy=policy)]
        ),
    )
    client = batch_v1.BatchServiceClient(**settings(cloud))
    return client.create_job(parent=f"projects/{project}/locations/us-central1", job=job, job_id=f"job-{tasks}")


def test_unguarded_calls_pass(cloud: World) -> None:
    """Reading rents nothing, whoever reads."""
    client = tpu_v2.TpuClient(**settings(cloud))
    node = client.get_node(name=f"projects/{BLOCKED}/locations/{ZONE}/nodes/n1")
    assert (node.state, len(cloud.seen)) == (tpu_v2.Node.State.READY, 1)


def test_a_node_is_created(cloud: World) -> None:
    """An ordinary request reaches the cloud as it was sent."""
    create_node(cloud, ALLOWED)
    (seen,) = cloud.seen
    assert (seen.method, seen.body["acceleratorType"]) == ("POST", "v5litepod-16")


def test_a_node_is_blocked(cloud: World) -> None:
    """A blocked customer gets the exception that a person expects, once, and the cloud sees nothing."""
    with pytest.raises(Forbidden) as caught:
        create_node(cloud, BLOCKED)
    assert (caught.value.reason, caught.value.domain) == ("KYC_DENIED", "kyc-gate")
    assert caught.value.metadata["decision"].startswith("dec_")
    told = caught.value.message.partition(": ")[2]
    assert (0 < len(told) < 256, told.isascii(), cloud.seen) == (True, True, [])


def test_a_job_waits_and_is_let_through(cloud: World) -> None:
    """A large job waits for a person with a case; after the approval the same job passes, once."""
    create_job(cloud, HELD)
    cloud.seen.clear()
    with pytest.raises(Forbidden) as caught:
        create_job(cloud, HELD, MANY)
    assert (caught.value.reason, cloud.seen) == ("KYC_REVIEW_PENDING", [])
    assert re.search(r"case case_\w+; send the same request again after approval\.", caught.value.message)
    cloud.approve(caught.value.metadata["case"])
    assert create_job(cloud, HELD, MANY).uid == "1"
    assert len(cloud.seen) == 1


def test_pods_add_up(cloud: World) -> None:
    """Four slices of 6,144 chips for a month stay below a tenth of the line, and the fifth waits."""
    for _ in range(4):
        create_node(cloud, HELD, "v5p-12288")
    with pytest.raises(Forbidden):
        create_node(cloud, HELD, "v5p-12288")
    assert len(cloud.seen) == 4


# Compute Engine's client takes 69 MB, more than all the others together: `make clouds` installs it.
try:
    from google.cloud import compute_v1
except ImportError:
    compute_v1 = None
needs_compute = pytest.mark.skipif(compute_v1 is None, reason="google-cloud-compute is not installed: `make clouds`")


def template(cloud: World, project: str, name: str, machine: str = "a3-highgpu-8g") -> None:
    properties = compute_v1.InstanceProperties(machine_type=machine)
    resource = compute_v1.InstanceTemplate(name=name, properties=properties)
    client = compute_v1.InstanceTemplatesClient(**settings(cloud))
    client.insert(project=project, instance_template_resource=resource)


def group(cloud: World, project: str, name: str, size: int) -> None:
    resource = compute_v1.InstanceGroupManager(
        name=name, target_size=size, instance_template=f"projects/{project}/global/instanceTemplates/{name}"
    )
    client = compute_v1.InstanceGroupManagersClient(**settings(cloud))
    client.insert(project=project, zone=ZONE, instance_group_manager_resource=resource)


def resize(cloud: World, project: str, name: str, size: int) -> None:
    client = compute_v1.InstanceGroupManagersClient(**settings(cloud))
    client.resize(project=project, zone=ZONE, instance_group_manager=name, size=size)


@needs_compute
def test_instances_are_blocked(cloud: World) -> None:
    """A blocked customer's insert raises `Forbidden`, and the cloud sees nothing."""
    client = compute_v1.InstancesClient(**settings(cloud))
    instance = compute_v1.Instance(name="vm-1", machine_type=f"zones/{ZONE}/machineTypes/a3-highgpu-8g")
    with pytest.raises(Forbidden) as caught:
        client.insert(project=BLOCKED, zone=ZONE, instance_resource=instance)
    assert (caught.value.reason, cloud.seen) == ("KYC_DENIED", [])
    client.insert(project=ALLOWED, zone=ZONE, instance_resource=instance)
    assert len(cloud.seen) == 1


@needs_compute
def test_a_group_is_known_by_its_template(cloud: World) -> None:
    """What a template holds is learnt as it is made; a group of it is counted, and resized by what it is."""
    with pytest.raises(Forbidden):
        group(cloud, HELD, "g", 1)  # nobody knows what is in it
    template(cloud, HELD, "g")
    group(cloud, HELD, "g", 2)
    resize(cloud, HELD, "g", 3)
    assert len(cloud.seen) == 3
    with pytest.raises(Forbidden) as caught:
        resize(cloud, HELD, "g", MANY)
    assert caught.value.reason == "KYC_REVIEW_PENDING"
    resize(cloud, HELD, "g", 3)  # no more than there is
    assert len(cloud.seen) == 4


@needs_compute
def test_many_machines_wait(cloud: World) -> None:
    """A bulk insert counts every machine."""
    client = compute_v1.InstancesClient(**settings(cloud))
    resource = compute_v1.BulkInsertInstanceResource(
        count=MANY,
        name_pattern="n-####",
        instance_properties=compute_v1.InstanceProperties(machine_type="a3-highgpu-8g"),
    )
    with pytest.raises(Forbidden) as caught:
        client.bulk_insert(project=HELD, zone=ZONE, bulk_insert_instance_resource_resource=resource)
    cloud.approve(caught.value.metadata["case"])
    client.bulk_insert(project=HELD, zone=ZONE, bulk_insert_instance_resource_resource=resource)
    assert len(cloud.seen) == 1
