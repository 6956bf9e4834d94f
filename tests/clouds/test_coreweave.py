"""CoreWeave's API through the gateway, as its documentation calls it, to a cloud that speaks REST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kyc_gate.adapters.bearer import key_id
from kyc_gate.adapters.neoclouds import NeocloudAdapter

from .world import World, world

ALLOWED, HELD, BLOCKED = "norge", "emirate", "harbin"
DEPLOYMENTS = "/v1alpha1/inference/deployments"
MANY = 4000


def key(party: str) -> str:
    return f"key-of-{party}"


def respond(method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    """What was sent, with an identifier."""
    return 200, {"deployment": {"spec": {**(body or {}), "id": "d-1"}}}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[World]:
    adapter = NeocloudAdapter("coreweave", hosts=("127.0.0.1",), verified=True)
    with world(tmp_path, adapter, respond, account=lambda party: key_id(key(party).encode())) as found:
        yield found


def send(cloud: World, party: str, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key(party)}"}
    return httpx.request(method, f"{cloud.url}{path}", headers=headers, json=body)


def deployment(most: int) -> dict[str, Any]:
    resources = {"instanceType": "gd-8xh100ib-i128", "gpuCount": 8}
    return {"name": "m", "resources": resources, "autoscaling": {"min": 1, "max": most}}


def test_unguarded_calls_pass(cloud: World) -> None:
    """Reading rents nothing, whoever reads."""
    assert send(cloud, BLOCKED, "GET", DEPLOYMENTS).status_code == 200


def test_a_deployment_is_made_or_blocked(cloud: World) -> None:
    """An ordinary request reaches the cloud; a blocked customer is refused, and the cloud sees nothing."""
    assert send(cloud, ALLOWED, "POST", DEPLOYMENTS, deployment(2)).status_code == 200
    refused = send(cloud, BLOCKED, "POST", DEPLOYMENTS, deployment(2))
    assert (refused.status_code, refused.json()["error"]["code"], len(cloud.seen)) == (403, "kyc/denied", 1)


def test_a_deployment_that_grows_waits_and_is_let_through(cloud: World) -> None:
    """What goes beyond the line waits for a person; after the approval the same request passes."""
    made = send(cloud, HELD, "POST", DEPLOYMENTS, deployment(2)).json()["deployment"]["spec"]["id"]
    assert send(cloud, HELD, "PATCH", f"{DEPLOYMENTS}/{made}", deployment(2)).status_code == 200
    refused = send(cloud, HELD, "PATCH", f"{DEPLOYMENTS}/{made}", deployment(MANY))
    assert (refused.status_code, refused.json()["error"]["code"], len(cloud.seen)) == (403, "kyc/review-pending", 2)
    cloud.approve(re.findall("case_[0-9a-f]+", refused.json()["error"]["message"])[0])
    assert send(cloud, HELD, "PATCH", f"{DEPLOYMENTS}/{made}", deployment(MANY)).status_code == 200


def test_a_new_cluster_waits(cloud: World) -> None:
    """Whatever its customer: its nodes would come by objects that no gate sees."""
    refused = send(cloud, ALLOWED, "POST", "/v1beta1/cks/clusters", {"name": "k", "zone": "US-EAST-04A"})
    assert (refused.status_code, refused.json()["error"]["code"], cloud.seen) == (403, "kyc/review-pending", [])
