"""What clouds read in another way than it looks: each is refused, or waits for a person."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.errors import RefusedCall

from .calls import JSON, call

HOME = "/compute/v1/projects/p/zones/us-central1-a/instances"
GROUP = "/subscriptions/s/resourceGroups/g/providers"
H100 = "Standard_ND96isr_H100_v5"
SETTING = f"{GROUP}/Microsoft.Insights/autoscaleSettings/a"
PROFILES = [{"capacity": {"minimum": "1", "maximum": "400", "default": "1"}}]
SET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/x"
ENDPOINT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


def google(path: str, body: Any, host: str = "compute.googleapis.com", method: str = "POST") -> Any:
    given = call(method, path.encode(), json.dumps(body).encode(), JSON, host=host.encode())
    adapter = GCPAdapter()
    return adapter.read(given) if adapter.guards(given) else None


def azure(path: str, body: Any, method: str = "PUT") -> tuple[str, ...]:
    """What stays unresolved in a call to Azure."""
    given = call(method, path.encode(), json.dumps(body).encode(), JSON, host=b"management.azure.com")
    found = AzureAdapter().read(given)
    return found.unresolved if found else ()


def test_the_whole_of_a_reference_is_read() -> None:
    """What follows the type in its address does not become the type."""
    with pytest.raises(RefusedCall, match="not the name of a resource"):
        google(HOME, {"name": "v", "machineType": "zones/z/machineTypes/a3-highgpu-8g?x=/e2-medium"})


def test_metadata_hides_nothing_but_texts() -> None:
    """A machine in an object that is called metadata is a machine nobody read; a customer's own words are not."""
    jobs = "/v1/projects/p/locations/us-central1/customJobs"
    host = "us-central1-aiplatform.googleapis.com"
    pools = {"workerPoolSpecs": [{"replicaCount": 1, "machineSpec": {"machineType": "n1-standard-4"}}]}
    hidden = {"jobSpec": {**pools, "metadata": {"machineSpec": {"machineType": "a3-highgpu-8g"}}}}
    assert "field:body.jobSpec.metadata.machineSpec" in google(jobs, hidden, host).unresolved
    assert google(jobs, {"jobSpec": pools, "labels": {"machinetype": "mine"}}, host).unresolved == ()


@pytest.mark.parametrize("host", ["storage.googleapis.com", "notebooks.googleapis.com"])
def test_another_host_of_google_goes_by_the_path(host: str) -> None:
    """The caller writes the host; behind it may be any of Google's services."""
    assert google(HOME, {"name": "v", "machineType": "a3-highgpu-8g"}, host) is not None


def test_a_schedule_that_starts_machines_waits() -> None:
    """A resource policy may start a machine every hour."""
    body = {"resourcePolicies": ["regions/us-central1/resourcePolicies/start-every-hour"]}
    assert google(f"{HOME}/vm/addResourcePolicies", body).unresolved


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_two_methods_are_refused_on_paths_that_are_on_no_list(method: str) -> None:
    """A reading that some take for another call is not let through for what it looks like."""
    override = (b"x-http-method-override", b"POST")
    path = b"/v1/projects/p/locations/l/newThings/x:run"
    with pytest.raises(RefusedCall, match="override"):
        GCPAdapter().guards(call(method, path, None, override, host=b"aiplatform.googleapis.com"))
    path = f"{GROUP}/Microsoft.Compute/new/x".encode()
    with pytest.raises(RefusedCall, match="override"):
        AzureAdapter().guards(call(method, path, None, override, host=b"management.azure.com"))


@pytest.mark.parametrize(
    "path",
    [
        "/subscriptions/s/resourceGroups/microsoft.x/providers/M%69crosoft.Compute/cloudServices/c",
        "/subscriptions/s/providers/Microsoft.ComputeSchedule/locations/l/virtualMachinesExecuteCreate",
    ],
)
def test_a_guarded_provider_is_known_however_it_is_spelled(path: str) -> None:
    """An escape in a provider's name is decoded, and schedules of machines are guarded."""
    assert azure(path, {"properties": {}}, "POST")


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"profiles": PROFILES}, "parameter"),
        ({"profiles": PROFILES, "targetResourceUri": f"{ENDPOINT}/onlineEndpoints/e/deployments/d"}, "parameter"),
        ({"profiles": PROFILES, "targetResourceUri": SET.replace("/s/", "/other/")}, "parameter"),
        ({"profiles": PROFILES, "targetResourceUri": SET}, "scale-set"),
    ],
)
def test_a_target_that_is_not_known_is_unresolved(properties: Any, kind: str) -> None:
    """Only a scale set of the subscription is one that is known; no target is none that is harmless."""
    assert [name.partition(":")[0] for name in azure(SETTING, {"properties": properties}, "PATCH")] == [kind]


def template(*resources: Any, **more: Any) -> Any:
    return {"properties": {"mode": "Incremental", "template": {"resources": list(resources), **more}}}


DEPLOYMENT = f"{GROUP}/Microsoft.Resources/deployments/d"
OWN = {"type": "Microsoft.Compute/virtualMachineScaleSets", "name": "x"}


@pytest.mark.parametrize(
    ("resource", "more", "hidden"),
    [
        pytest.param(
            {"type": "Microsoft.Insights/autoscaleSettings", "name": "a", "properties": {
                "profiles": PROFILES, "targetResourceUri": SET}},
            {}, "template-reference:scale-set:g/x", id="autoscale"),
        pytest.param({**OWN, "sku": {"capacity": 400}}, {}, "template-reference:scale-set:g/x", id="without a size"),
        pytest.param(
            {"type": "Microsoft.ServiceFabric/managedClusters/nodeTypes", "name": "h/n",
             "properties": {"vmSize": H100}},
            {}, "field:body.properties.template.resources[0].properties.vmSize", id="a size nobody reads"),
        pytest.param(
            {"type": "Microsoft.Resources/deployments", "name": "n", "properties": {
                "mode": "Incremental", "expressionEvaluationOptions": {"scope": "outer"}, "template": {
                    "variables": {"size": "Standard_D2s_v5"},
                    "resources": [{**OWN, "sku": {"name": "[variables('size')]", "capacity": 400}}]}}},
            {"variables": {"size": "[concat('Standard_ND96isr', '_H100_v5')]"}},
            "template-expression:microsoft.compute/virtualmachinescalesets", id="shadowed"),
    ],
)  # fmt: skip
def test_what_a_template_does_not_say_is_unresolved(resource: Any, more: Any, hidden: str) -> None:
    """Neither what was learnt before, nor what a template inside says, stands for what is not written out."""
    assert azure(DEPLOYMENT, template(resource, **more)) == (hidden,)


def test_a_template_beside_a_size_hides_nothing() -> None:
    """Only a deployment has its resources looked at one by one."""
    body = {"properties": {"hardwareProfile": {"vmSize": "Standard_D2s_v5"}, "template": {}, "x": {"vmSize": H100}}}
    assert azure(f"{GROUP}/Microsoft.Compute/virtualMachines/v", body) == ("field:body.properties.x.vmSize",)
