"""The hook for azure-core: real pipelines, async and blocking, in front of a real gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from gates import PATH, approve, approve_waiting, job, make_gate, used

from kyc_gate import Gate
from kyc_gate.client.blocking import BlockingGate

from .clouds import Cloud, serving

azure = pytest.importorskip("azure.core", reason="the extra `azure` is not installed")

from azure.core import AsyncPipelineClient, PipelineClient  # noqa: E402
from azure.core.exceptions import HttpResponseError, ServiceRequestError  # noqa: E402
from azure.core.pipeline.policies import AsyncRedirectPolicy  # noqa: E402
from azure.core.rest import HttpRequest  # noqa: E402

from kyc_gate.client.azure import BlockingGatePolicy, GatePolicy  # noqa: E402


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with serving() as cloud:
        yield cloud


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path, body_bytes=4096) as gate:
        yield gate


def ask(url: str, account: str, body: bytes | None = None, path: str = PATH) -> HttpRequest:
    headers = {"X-Account": f"acct-{account}", "Content-Type": "application/json"}
    return HttpRequest("POST", url + path, headers=headers, content=job() if body is None else body)


async def test_an_async_client_is_refused_then_approved_then_sent(gate: Gate, cloud: Cloud) -> None:
    """A refusal is the client's own `HttpResponseError` with its problem; approved, the same request is sent."""
    async with AsyncPipelineClient(cloud.url, per_retry_policies=[GatePolicy(gate)]) as client:
        for account, outcome in (("harbin", "block"), ("nobody", "escalate")):
            response = await client.send_request(ask(cloud.url, account))
            with pytest.raises(HttpResponseError) as caught:
                response.raise_for_status()
            assert caught.value.status_code == 403
            assert response.json()["outcome"] == outcome
            assert response.headers["KYC-Decision-Id"].startswith("dec_")
        assert cloud.requests == []
        (waiting,) = (each for each in await gate.store.fetch_cases() if each.account.endswith("nobody"))
        await approve(gate, waiting.id)
        (await client.send_request(ask(cloud.url, "nobody"))).raise_for_status()
        (await client.send_request(ask(cloud.url, "norge"))).raise_for_status()
        (await client.send_request(ask(cloud.url, "harbin", b"\x00", "/elsewhere"))).raise_for_status()
    assert [path for path, _ in cloud.requests] == [PATH, PATH, "/elsewhere"]


async def test_each_redirect_is_decided(gate: Gate, cloud: Cloud) -> None:
    """A redirect that repeats the call comes to the policy again, and only the last place counts."""
    async with AsyncPipelineClient(cloud.url, policies=[AsyncRedirectPolicy(), GatePolicy(gate)]) as client:
        (await client.send_request(ask(cloud.url, "norge"))).raise_for_status()
        once = await used(gate, "norge")
        cloud.moved = "/moved"
        (await client.send_request(ask(cloud.url, "norge"))).raise_for_status()
    assert await used(gate, "norge") == 2 * once


async def test_what_cannot_be_read_is_not_sent(gate: Gate, cloud: Cloud) -> None:
    """A body too long, or one that is a stream, is refused before it is sent."""
    async with AsyncPipelineClient(cloud.url, per_retry_policies=[GatePolicy(gate)]) as client:
        assert (await client.send_request(ask(cloud.url, "norge", job(name="x" * 5000)))).status_code == 413
        stream = HttpRequest(
            "POST", cloud.url + PATH, headers=dict(ask(cloud.url, "norge").headers), content=iter([job()])
        )
        assert (await client.send_request(stream)).status_code == 400
    assert cloud.requests == []


async def test_what_never_left_holds_nothing(gate: Gate, cloud: Cloud) -> None:
    """A server that cannot be reached gives the hold back."""
    cloud.url = "http://127.0.0.1:9"
    async with AsyncPipelineClient(cloud.url, retry_total=0, per_retry_policies=[GatePolicy(gate)]) as client:
        with pytest.raises(ServiceRequestError):
            await client.send_request(ask(cloud.url, "norge"))
    assert await used(gate, "norge") == 0


def test_a_blocking_client_is_gated_too(tmp_path: Path, cloud: Cloud) -> None:
    """A blocking pipeline in front of a gate on its own thread: refused, then approved, then sent."""
    gate = make_gate(tmp_path)
    with (
        BlockingGate(gate) as blocking,
        PipelineClient(cloud.url, per_retry_policies=[BlockingGatePolicy(blocking)]) as client,
    ):
        response = client.send_request(ask(cloud.url, "nobody"))
        with pytest.raises(HttpResponseError):
            response.raise_for_status()
        assert cloud.requests == []
        blocking.wait(approve_waiting(gate))
        client.send_request(ask(cloud.url, "nobody")).raise_for_status()
    assert cloud.requests == [(PATH, job())]
