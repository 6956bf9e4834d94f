"""The labelled bad inputs that name Google Cloud or Azure get the answer that their row states."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import data_folder

from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.model.call import Call
from kyc_gate.model.job import ProvisioningRequest

from .golden import judged

JOBS = b"/v1/projects/p/locations/us-central1/customJobs"


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    file = data_folder() / "bad_inputs.jsonl"
    if not file.is_file():
        pytest.skip(f"the labelled cases are not at {file}")
    return {row["id"]: row for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())}


def google(
    path: bytes, kind: bytes, body: bytes = b"{}", host: bytes = b"us-central1-aiplatform.googleapis.com"
) -> Call:
    fields = ((b"host", host), (b"content-type", kind), (b"content-length", str(len(body)).encode()))
    return Call(method="POST", raw_path=path, headers=fields, body=body)


@pytest.mark.parametrize("host", [b"www.googleapis.com", b"us-central1-aiplatform.googleapis.com", b"127.0.0.1:8080"])
@pytest.mark.parametrize("path", [b"/batch", b"/batch/compute/v1", JOBS])
def test_calls_packed_into_one_are_refused(rows: dict[str, Any], host: bytes, path: bytes) -> None:
    """Of a hundred calls in one, none is forwarded that was not read: the whole is refused."""
    assert "denied part is not forwarded" in rows["multipart-007"]["expected"]["must"]
    assert judged(GCPAdapter(), google(path, b"multipart/mixed; boundary=x", b"--x--", host)) == 400


@pytest.mark.parametrize("host", [b"us-central1-aiplatform.googleapis.com", b"127.0.0.1:8080"])
def test_grpc_is_refused(rows: dict[str, Any], host: bytes) -> None:
    """A protocol that is not read is refused with the row's status, on whatever host."""
    row = rows["upgrade-004"]
    path = row["input"].partition(" to ")[2].encode()
    assert judged(GCPAdapter(), google(path, b"application/grpc", host=host)) == row["expected"]["status"]


def test_an_escaped_colon_is_refused(rows: dict[str, Any]) -> None:
    """A custom verb behind an escaped colon is refused with the row's status."""
    status = rows["path_normalisation-019"]["expected"]["status"]
    path = b"/v1/projects/p/locations/us-central1/endpoints/7%3AdeployModel"
    assert judged(GCPAdapter(), google(path, b"application/json")) == status


def test_azure_reads_paths_in_every_case(rows: dict[str, Any]) -> None:
    """Azure does not tell case apart: another case is the same route, and read as it."""
    assert "Azure ARM paths are case-insensitive" in rows["path_normalisation-012"]["expected"]["must"]
    body = b'{"properties":{"hardwareProfile":{"vmSize":"Standard_ND96isr_H100_v5"}}}'
    path = b"/SUBSCRIPTIONS/s/resourcegroups/G/Providers/microsoft.COMPUTE/virtualmachines/V"
    call = Call(
        method="PUT",
        raw_path=path,
        headers=((b"host", b"management.azure.com"), (b"content-type", b"application/json")),
        body=body,
    )
    answer = judged(AzureAdapter(), call)
    assert isinstance(answer, ProvisioningRequest)
    assert [line.instance_type for line in answer.lines] == ["Standard_ND96isr_H100_v5"]
