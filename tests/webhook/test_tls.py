"""The webhook behind `serve`: over TLS, with the API server's certificate where one is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from certificates import certificate

from kyc_gate import Gate
from kyc_gate.errors import ConfigurationError
from kyc_gate.gateway.serve import Addresses, serve
from kyc_gate.service.config import configuration_of
from kyc_gate.webhook.tls import keep_certificate, load_tls

from .cluster import Cluster, open_gate, pod


def torn(name: str) -> None:
    Path(name).write_text("torn")


@contextlib.asynccontextmanager
async def serving(gate: Gate, **kubernetes: object) -> AsyncIterator[Addresses]:
    settings = configuration_of({"api": {"port": 0}, "kubernetes": {"cluster": "test", "port": 0, **kubernetes}})
    stop = asyncio.Event()
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(gate, settings, ready=ready.set_result, stop=stop))
    await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        yield ready.result()
    finally:
        stop.set()
        await task


async def ask(address: str, context: ssl.SSLContext, gate: Gate) -> dict[str, object]:
    made = pod()
    made["metadata"]["uid"] = "11111111-0000-4000-8000-000000000001"
    review = Cluster(gate).review("CREATE", made)
    url = address.replace("127.0.0.1", "localhost")
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/validate?timeout=5s", json=review, ssl=context) as response,
    ):
        assert response.status == 200
        answered: dict[str, object] = json.loads(await response.read())["response"]
        return answered


async def test_only_the_api_server_is_answered(tmp_path: Path) -> None:
    """With `client_ca`, whoever has no certificate of it gets no connection; whoever has one is verified."""
    own, api = certificate(tmp_path, "webhook"), certificate(tmp_path, "apiserver")
    gate = await open_gate(tmp_path)
    known = [{"account": "acct-norge", "namespaces": ["norge"]}]
    files = {"certificate": own[0], "key": own[1], "client_ca": api[0]}
    async with serving(gate, accounts=known, **files) as addresses:
        assert addresses.webhook.startswith("https://")
        assert addresses.gateway == ""
        context = ssl.create_default_context(cafile=own[0])
        with pytest.raises(aiohttp.ClientError):
            await ask(addresses.webhook, context, gate)
        context.load_cert_chain(*api)
        assert (await ask(addresses.webhook, context, gate))["allowed"] is True


async def test_without_proof_an_account_is_a_claim(tmp_path: Path) -> None:
    """Where anybody may reach the webhook, the account of a namespace is recorded as not verified."""
    own = certificate(tmp_path, "webhook")
    gate = await open_gate(tmp_path)
    known = [{"account": "acct-norge", "namespaces": ["norge"]}]
    async with serving(gate, accounts=known, certificate=own[0], key=own[1]) as addresses:
        assert (await ask(addresses.webhook, ssl.create_default_context(cafile=own[0]), gate))["allowed"] is True
        (record,) = [record async for record in gate.store.records() if record["type"] == "decision"]
    assert record["request"]["caller"] == {  # type: ignore[index]
        "account": "acct-norge",
        "principal": "alice",
        "credential_id": None,
        "verified": False,
        "how": "api-server",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({}, "`kubernetes.certificate` and `kubernetes.key`: name both", id="none"),
        pytest.param({"certificate": "a.crt"}, "name both", id="one"),
        pytest.param({"certificate": "a.crt", "unsafe_plain_http": True}, "name both", id="half-plain"),
        pytest.param({"certificate": "a.crt", "key": "a.key"}, "cannot be used", id="missing"),
    ],
)
async def test_a_certificate_that_is_none_is_told(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    """A webhook that no API server would call does not start."""
    gate = await open_gate(tmp_path)
    with pytest.raises(ConfigurationError, match=message):
        async with serving(gate, **settings):
            pass
    await gate.close()


async def test_a_renewed_certificate_is_taken(tmp_path: Path) -> None:
    """New connections see the certificate that a manager wrote in the meantime; a broken one changes nothing."""
    old = certificate(tmp_path, "webhook")
    config = uvicorn.Config(lambda: None, ssl_certfile=old[0], ssl_keyfile=old[1], log_config=None)
    load_tls(config)
    keeping = asyncio.create_task(keep_certificate(config, {"ssl_certfile": old[0], "ssl_keyfile": old[1]}, 0.01))
    await asyncio.sleep(0.05)

    async def served() -> bytes:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=config.ssl)
        port = server.sockets[0].getsockname()[1]
        pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
        server.close()
        await server.wait_closed()
        return ssl.PEM_cert_to_DER_cert(pem)

    first = await served()
    torn(old[0])
    await asyncio.sleep(0.05)
    assert await served() == first
    certificate(tmp_path, "webhook")
    later = datetime.now(UTC).timestamp() + 5
    for name in old:
        os.utime(name, (later, later))
    for _ in range(100):
        await asyncio.sleep(0.02)
        if await served() != first:
            break
    else:
        pytest.fail("the new certificate is not served")
    keeping.cancel()
