"""Azure's own client, unmodified, through the gateway to a cloud that speaks REST."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import HeadersPolicy
from azure.mgmt.compute import ComputeManagementClient

from kyc_gate.adapters.azure import AzureAdapter

from .world import ALLOWED, BLOCKED, HELD, MANY, World, world

SIZE = "Standard_ND96isr_H100_v5"


def respond(method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    """The resource as it was sent, provisioned."""
    name = path.partition("?")[0].rpartition("/")[2]
    properties = {**(body or {}).get("properties", {}), "provisioningState": "Succeeded"}
    return 200, {**(body or {}), "id": path.partition("?")[0], "name": name, "properties": properties}


class Credential:
    """A token that nobody checks. The client sends no token of its own without TLS, so a policy sends it."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("a-token-of-azure", int(time.time()) + 3600)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, AzureAdapter(tokens="upstream"), respond) as found:
        yield found


def client(cloud: World, subscription: str) -> Any:
    token = HeadersPolicy({"Authorization": f"Bearer {Credential().get_token().token}"})
    return ComputeManagementClient(Credential(), subscription, base_url=cloud.url, authentication_policy=token)


def machine(cloud: World, subscription: str) -> Any:
    body = {"location": "eastus", "properties": {"hardwareProfile": {"vmSize": SIZE}}}
    return client(cloud, subscription).virtual_machines.begin_create_or_update("rg", "vm1", body).result()


def scale_set(cloud: World, subscription: str, number: int) -> Any:
    body = {"location": "eastus", "sku": {"name": SIZE, "capacity": number}, "properties": {}}
    return client(cloud, subscription).virtual_machine_scale_sets.begin_create_or_update("rg", "ss", body).result()


def test_unguarded_calls_pass(cloud: World) -> None:
    """Reading rents nothing, whoever reads."""
    assert client(cloud, BLOCKED).virtual_machines.get("rg", "vm1").name == "vm1"
    assert [seen.method for seen in cloud.seen] == ["GET"]


def test_a_machine_is_created(cloud: World) -> None:
    """An ordinary request reaches the cloud as it was sent."""
    assert machine(cloud, ALLOWED).name == "vm1"
    assert cloud.seen[0].body["properties"]["hardwareProfile"]["vmSize"] == SIZE


def test_a_machine_is_blocked(cloud: World) -> None:
    """A blocked customer gets the exception that a person expects, once, and the cloud sees nothing."""
    with pytest.raises(HttpResponseError) as caught:
        machine(cloud, BLOCKED)
    error = caught.value.error
    assert (caught.value.status_code, error.code, cloud.seen) == (403, "RequestDisallowedByPolicy", [])
    (more,) = error.additional_info
    assert (more.type, more.info["reason"]) == ("KycGate", "KycDenied")
    assert (error.message.isascii(), len(error.message) < 256) == (True, True)


def test_a_scale_set_waits_and_is_let_through(cloud: World) -> None:
    """A scale set that grows beyond the line waits for a person; after the approval the same request passes."""
    scale_set(cloud, HELD, 2)
    cloud.seen.clear()
    with pytest.raises(HttpResponseError) as caught:
        scale_set(cloud, HELD, MANY)
    (more,) = caught.value.error.additional_info
    assert (more.info["reason"], cloud.seen) == ("KycReviewPending", [])
    cloud.approve(more.info["case"])
    assert scale_set(cloud, HELD, MANY).name == "ss"
    assert len(cloud.seen) == 1
