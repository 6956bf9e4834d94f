"""Oracle's own client, unmodified and signing, through the gateway to a cloud that speaks REST."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kyc_gate.adapters.oci import OCIAdapter

from .world import MANY, Seen, World, world

oci = pytest.importorskip("oci", reason="the extra `clouds` is not installed; `make clouds` installs it")

TENANCY = "ocid1.tenancy.oc1.."
ALLOWED, HELD, BLOCKED = "norge", "emirate", "harbin"
SHAPE = "BM.GPU.H100.8"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()


def respond(method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    """The resource as it was sent, with an identifier by its kind and name."""
    kind = re.sub(r"s\Z", "", path.split("/")[2].partition("?")[0]).lower()
    id = path.split("/")[3].partition("?")[0] if path.count("/") > 2 else f"ocid1.{kind}.oc1..one"
    return 200, {**(body or {}), "id": id, "lifecycleState": "RUNNING"}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[World]:
    adapter = OCIAdapter(signatures="upstream", hosts=("127.0.0.1",))
    with world(tmp_path, adapter, respond, account=f"{TENANCY}{{}}".format) as found:
        yield found
        for each in found.seen:
            check_signature(each)


def check_signature(seen: Seen) -> None:
    """Raise `InvalidSignature` unless what arrived is what was signed: method, path, host and body."""
    parts = dict(re.findall(r'([A-Za-z]+)="([^"]*)"', seen.headers["authorization"]))
    if "x-content-sha256" in seen.headers:
        said = base64.b64encode(hashlib.sha256(seen.data).digest()).decode()
        if said != seen.headers["x-content-sha256"]:
            raise InvalidSignature
    values = {**seen.headers, "(request-target)": f"{seen.method.lower()} {seen.path}"}
    signed = "\n".join(f"{name}: {values[name]}" for name in parts["headers"].split())
    signature = base64.b64decode(parts["signature"])
    KEY.public_key().verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def client(cloud: World, party: str, kind: Any) -> Any:
    config = {
        "user": "ocid1.user.oc1..someone",
        "fingerprint": "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34",
        "tenancy": f"{TENANCY}{party}",
        "region": "us-phoenix-1",
        "key_content": PEM,
    }
    return kind(config, service_endpoint=cloud.url)


def launch(cloud: World, party: str) -> Any:
    details = oci.core.models.LaunchInstanceDetails(
        availability_domain="ad-1",
        compartment_id="ocid1.compartment.oc1..c",
        shape=SHAPE,
        image_id="ocid1.image.oc1..i",
    )
    return client(cloud, party, oci.core.ComputeClient).launch_instance(details).data


def configure(cloud: World, party: str) -> Any:
    models = oci.core.models
    machine = models.InstanceConfigurationLaunchInstanceDetails(shape=SHAPE)
    details = models.CreateInstanceConfigurationDetails(
        compartment_id="ocid1.compartment.oc1..c",
        instance_details=models.ComputeInstanceDetails(launch_details=machine),
    )
    made = client(cloud, party, oci.core.ComputeManagementClient).create_instance_configuration(details)
    return made.data.id


def pool(cloud: World, party: str, configuration: str, size: int) -> Any:
    details = oci.core.models.CreateInstancePoolDetails(
        compartment_id="ocid1.compartment.oc1..c",
        instance_configuration_id=configuration,
        placement_configurations=[],
        size=size,
    )
    return client(cloud, party, oci.core.ComputeManagementClient).create_instance_pool(details).data.id


def resize(cloud: World, party: str, id: str, size: int) -> Any:
    details = oci.core.models.UpdateInstancePoolDetails(size=size)
    return client(cloud, party, oci.core.ComputeManagementClient).update_instance_pool(id, details).data


def test_unguarded_calls_pass(cloud: World) -> None:
    """Reading rents nothing, whoever reads."""
    assert client(cloud, BLOCKED, oci.core.ComputeClient).get_instance("ocid1.instance.oc1..x").status == 200
    assert [seen.method for seen in cloud.seen] == ["GET"]


def test_a_machine_is_launched(cloud: World) -> None:
    """An ordinary request reaches the cloud as it was signed."""
    assert launch(cloud, ALLOWED).id == "ocid1.instance.oc1..one"
    assert cloud.seen[0].body["shape"] == SHAPE


def test_a_changed_byte_breaks_the_signature(cloud: World) -> None:
    """The cloud behind the gate does check: a call whose body is not the one that was signed is refused there."""
    launch(cloud, ALLOWED)
    with pytest.raises(InvalidSignature):
        check_signature(cloud.seen[0]._replace(data=cloud.seen[0].data + b" "))
    with pytest.raises(InvalidSignature):
        check_signature(cloud.seen[0]._replace(path=cloud.seen[0].path + "/"))


def test_a_machine_is_blocked(cloud: World) -> None:
    """A blocked customer gets the exception that a person expects, once, and the cloud sees nothing."""
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        launch(cloud, BLOCKED)
    error = caught.value
    assert (error.status, error.code, cloud.seen) == (403, "NotAllowed", [])
    assert ("dec_" in error.message, error.message.isascii(), len(error.message) < 256) == (True, True, True)
    assert error.request_id


def test_a_pool_waits_and_is_let_through(cloud: World) -> None:
    """Of a pool only its configuration is named: it is what passed before, and after an approval the pool passes."""
    configuration = configure(cloud, HELD)
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        pool(cloud, HELD, configuration, MANY)
    assert (caught.value.status, caught.value.code, len(cloud.seen)) == (403, "KycReviewPending", 1)
    cloud.approve(re.findall(r"case_[0-9a-f]+", caught.value.message)[0])
    assert pool(cloud, HELD, configuration, MANY) == "ocid1.instancepool.oc1..one"
    assert len(cloud.seen) == 2


def test_a_pool_grows(cloud: World) -> None:
    """A pool is learnt when it is made; a larger size counts for what goes beyond, and one that is unknown waits."""
    made = pool(cloud, HELD, configure(cloud, HELD), 2)
    assert resize(cloud, HELD, made, 3).id == made
    with pytest.raises(oci.exceptions.ServiceError):
        resize(cloud, HELD, made, MANY)
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        resize(cloud, HELD, "ocid1.instancepool.oc1..unknown", 1)
    assert caught.value.code == "KycReviewPending"


def test_a_run_of_a_job(cloud: World) -> None:
    """A run of Data Science is its job's machines, as they were when the job was made."""
    models = oci.data_science.models
    science = client(cloud, HELD, oci.data_science.DataScienceClient)
    job = science.create_job(
        models.CreateJobDetails(
            project_id="p",
            compartment_id="c",
            job_configuration_details=models.DefaultJobConfigurationDetails(),
            job_infrastructure_configuration_details=models.StandaloneJobInfrastructureConfigurationDetails(
                shape_name="VM.GPU.A10.2", subnet_id="s", block_storage_size_in_gbs=50
            ),
        )
    ).data.id
    run = models.CreateJobRunDetails(project_id="p", compartment_id="c", job_id=job)
    assert science.create_job_run(run).data.id == "ocid1.jobrun.oc1..one"
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        science.create_job_run(models.CreateJobRunDetails(project_id="p", compartment_id="c", job_id="ocid1.job.x"))
    assert caught.value.code == "KycReviewPending"


def test_a_stop_is_read_and_a_start_counts(cloud: World) -> None:
    """A machine that is learnt starts again; one that is not waits."""
    compute = client(cloud, HELD, oci.core.ComputeClient)
    id = launch(cloud, HELD).id
    assert compute.instance_action(id, "STOP").status == 200
    again = oci.retry.DEFAULT_RETRY_STRATEGY  # a start that came before the stop is written is answered 503
    assert compute.instance_action(id, "START", retry_strategy=again).status == 200
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        compute.instance_action("ocid1.instance.oc1..unknown", "START")
    assert caught.value.code == "KycReviewPending"
