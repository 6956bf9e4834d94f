"""Traefik's ForwardAuth as its documentation describes it, and questions that describe no call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from gates import PARTIES, PATH, approve, approve_waiting, job, make_gate, used
from wire import served

from kyc_gate import Gate
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.authz.app import AuthzApp
from kyc_gate.model.party import Account


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path, body_bytes=4096) as gate:
        yield gate


@pytest.fixture
async def traefik(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        served(AuthzApp(gate), lifespan="off") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


def said(account: str, *, path: str = PATH, method: str = "POST") -> dict[str, str]:
    return {
        "X-Forwarded-Method": method,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "api.example",
        "X-Forwarded-Uri": path,
        "X-Forwarded-For": "192.0.2.1",
        "X-Account": f"acct-{account}",
        "Content-Type": "application/json",
    }


async def ask(client: httpx.AsyncClient, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    """Traefik asks with GET, whatever the client's method, and with the client's body where it forwards bodies."""
    return await client.request("GET", "/traefik", headers=headers, content=body)


async def test_allowed_blocked_held_and_approved(traefik: httpx.AsyncClient, gate: Gate) -> None:
    """Any answer but 200 goes to the client as it is; an approval makes it 200."""
    assert (await ask(traefik, said("norge"), job())).status_code == 200
    assert await used(gate, "norge") > 0
    waiting = await ask(traefik, said("nobody"), job())
    assert (waiting.status_code, waiting.json()["outcome"]) == (403, "escalate")
    await approve_waiting(gate)
    assert (await ask(traefik, said("nobody"), job())).status_code == 200
    blocked = await ask(traefik, said("harbin"), job())
    assert (blocked.status_code, blocked.json()["outcome"]) == (403, "block")
    assert blocked.headers["kyc-decision-id"].startswith("dec_")


async def test_without_the_body_no_operation_passes(traefik: httpx.AsyncClient, gate: Gate) -> None:
    """With `forwardBody = false` a guarded operation is refused; unguarded calls and looking pass."""
    assert (await ask(traefik, said("norge"))).status_code == 400
    assert (await ask(traefik, said("harbin", path="/elsewhere?x=1"))).status_code == 200
    assert (await ask(traefik, said("harbin", method="GET"))).status_code == 200
    assert await used(gate, "norge") == 0


async def test_a_stop_without_its_body_passes(tmp_path: Path) -> None:
    """A call that by its head ends a run is never refused; a start is, where its body is not shown."""
    cloud = GCPAdapter(tokens="upstream")
    machine = "/compute/v1/projects/p/zones/z/instances/vm/"
    async with (
        make_gate(tmp_path, adapters=(cloud,)) as gate,
        served(AuthzApp(gate), lifespan="off") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        for verb, status in (("stop", 200), ("start", 400)):
            headers = {**said("norge", path=machine + verb), "X-Forwarded-Host": "compute.googleapis.com"}
            assert (await ask(client, {**headers, "Authorization": "Bearer ya29.token-1"})).status_code == status


async def test_what_a_hidden_body_may_turn_into_a_start_is_refused(tmp_path: Path) -> None:
    """At `/` AWS reads query and body: one that ends a machine in its query may start some in the body not shown."""
    async with (
        make_gate(tmp_path, adapters=(AWSAdapter(signatures="upstream"),)) as gate,
        served(AuthzApp(gate), lifespan="off") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        headers = {
            **said("norge", path="/?Action=TerminateInstances&InstanceId.1=i-0123456789abcdef0&Version=2016-11-15"),
            "X-Forwarded-Host": "ec2.us-east-1.amazonaws.com",
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAQ2RUKZ3ZZZZZZZZZ/20261127/us-east-1/ec2/aws4_request,"
            f" SignedHeaders=host, Signature={'0' * 64}",
        }
        refused = await ask(client, headers)
        assert (refused.status_code, "did not show the body" in refused.text) == (400, True), refused.text


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"X-Forwarded-Uri": None}, id="no-target"),
        pytest.param({"X-Forwarded-Method": "CREATE"}, id="unknown-method"),
        pytest.param({"X-Forwarded-Uri": "/v1/training%2Djobs"}, id="escaped"),
        pytest.param({"X-Forwarded-Uri": "//v1//training-jobs"}, id="slashes"),
        pytest.param({"X-HTTP-Method-Override": "GET"}, id="override"),
        pytest.param({"Content-Encoding": "gzip"}, id="coded"),
        pytest.param({"X-Original-URL": "/elsewhere"}, id="rewritten"),
    ],
)
async def test_what_can_be_read_two_ways_does_not_pass(
    changed: dict[str, str | None], traefik: httpx.AsyncClient, gate: Gate
) -> None:
    """A call that is not described in one way is refused."""
    headers = {name: value for name, value in {**said("norge"), **changed}.items() if value is not None}
    assert 400 <= (await ask(traefik, headers, job())).status_code < 500
    assert await used(gate, "norge") == 0


async def test_a_target_said_twice_does_not_pass(traefik: httpx.AsyncClient) -> None:
    """A client's own `X-Forwarded-Uri` beside the proxy's is refused."""
    headers = [*said("norge").items(), ("X-Forwarded-Uri", "/elsewhere")]
    assert (await traefik.request("GET", "/traefik", headers=headers, content=job())).status_code == 400


async def test_other_paths_pass_nothing(traefik: httpx.AsyncClient) -> None:
    """A question to a path that is no proxy's is answered 404, and the health check with 200."""
    assert (await traefik.get("/")).status_code == 404
    assert (await traefik.get("/healthz")).status_code == 200


async def test_a_gate_that_fails_passes_nothing(
    traefik: httpx.AsyncClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the gate raises, the answer is a refusal."""

    async def failing(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(gate, "admit", failing)
    assert (await ask(traefik, said("norge"), job())).status_code == 503


@pytest.fixture
async def slurmctld(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    settings = SlurmSettings(accelerators={"h100": "H100 SXM"}, select="cons_tres")
    await gate.store.save_directory(
        PARTIES, [Account(provider="slurm", id=party.id, party_id=party.id) for party in PARTIES]
    )
    async with (
        served(AuthzApp(gate, slurm=settings), lifespan="off") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


async def submit(client: httpx.AsyncClient, account: str, **job: object) -> list[str]:
    """The lines of the answer about a job of eight H100s for a day."""
    document = {"user": "ada", "account": account, "gres": "gpu:h100:8", "minutes": 1440, **job}
    return (await client.post("/slurm/submit", json=document)).text.splitlines()


async def test_slurm_jobs_are_allowed_denied_and_held(slurmctld: httpx.AsyncClient, gate: Gate) -> None:
    """Three lines say what slurmctld must do, by which decision, and what the user is told."""
    assert (await submit(slurmctld, "norge"))[0] == "allow"
    assert await used(gate, "norge") > 0
    word, decision, told = await submit(slurmctld, "harbin")
    assert (word, decision[:4], told.isascii()) == ("deny", "dec_", True)
    word, decision, _ = await submit(slurmctld, "nobody")
    assert word == "hold"
    release = "/slurm/release"
    assert (await slurmctld.post(release, content=decision)).text.startswith("deny\n")
    case = next(each for each in await gate.store.fetch_cases() if each.account.endswith("nobody"))
    await approve(gate, case.id)
    assert (await slurmctld.post(release, content=decision)).text.startswith("allow\n")
    assert (await slurmctld.post(release, content=decision)).text.startswith("deny\n")


async def test_slurm_jobs_that_cannot_be_read_are_denied(slurmctld: httpx.AsyncClient) -> None:
    """A field of no reading, a decision of nobody's, and a body that is too long are each a denial."""
    assert (await submit(slurmctld, "norge", array="many"))[0] == "deny"
    assert (await submit(slurmctld, "norge", color="red"))[0] == "deny"
    for decision in ("dec_" + "0" * 32, "../../etc/passwd", ""):
        assert (await slurmctld.post("/slurm/release", content=decision)).text.startswith("deny\n")
    assert (await slurmctld.post("/slurm/submit", content=b"x" * 5000)).status_code == 413


async def test_without_a_cluster_nobody_asks_about_jobs(traefik: httpx.AsyncClient) -> None:
    """A gate without `[slurm]` answers no plugin."""
    assert (await traefik.post("/slurm/submit", json={})).status_code == 404
