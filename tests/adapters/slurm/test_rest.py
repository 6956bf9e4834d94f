"""Every operation of slurmrestd that is read has a call read as stated, and an evasion with its answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gates import PARTIES, make_gate
from slurmrestapi import ApiClient, ApiException, Configuration, SlurmApi
from slurmrestapi.models import (
    V0044JobDescMsg,
    V0044JobSubmitReq,
    V0044OpenapiJobSubmitResponse,
    V0044Uint32NoValStruct,
)
from wire import served_in_thread

from kyc_gate import KYCGateMiddleware
from kyc_gate.adapters.slurm.adapter import SlurmAdapter
from kyc_gate.adapters.slurm.settings import SlurmRestSettings, SlurmSettings
from kyc_gate.gateway.app import Gateway
from kyc_gate.model.call import Call
from kyc_gate.model.party import Account
from kyc_gate.service.config import Upstream

from ..golden import Row, call_of, check, evasion_of, judged, rows

ROWS = rows(Path(__file__).parent)
USER = (b"x-slurm-user-name", b"ada")
SETTINGS = SlurmSettings(
    accelerators={"": "A100", "h100": "H100 SXM"},
    node_gpus=8,
    select="cons_tres",
    rest=SlurmRestSettings(exclusive_partitions=("big",), tokens="upstream"),
)
SHARED = SlurmSettings(accelerators=SETTINGS.accelerators, node_gpus=8, select="cons_tres", rest=SlurmRestSettings())


def adapter_of(row: Row) -> SlurmAdapter:
    """The cluster with exclusive partitions, where a row is about one."""
    return SlurmAdapter(SETTINGS if "partition" in row["id"] else SHARED)


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines and time are those that the row states."""
    check(judged(adapter_of(row), call_of(row, USER)), row["expected"])


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, left to a person, or counted as much."""
    check(judged(adapter_of(row), call_of(evasion_of(row), USER)), row["evasion"]["answer"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([(b"x-slurm-user-name", b"a"), (b"x-slurm-user-name", b"b")], 400, id="two-users"),
        pytest.param([(b"x-slurm-user-token", b"a.b.c"), (b"authorization", b"Bearer d.e.f")], 400, id="two-tokens"),
        pytest.param([(b"x-slurm-user-name", b"a b")], 400, id="no-user"),
        pytest.param([(b"content-type", b"application/x-yaml")], 415, id="yaml"),
    ],
)
def test_a_caller_is_one(headers: list[tuple[bytes, bytes]], status: int) -> None:
    """Who asks can be read one way only."""
    assert judged(SlurmAdapter(SETTINGS), call_of(ROWS[0].values[0], *headers)) == status


def test_no_partition_may_be_an_exclusive_one() -> None:
    """Where there are partitions that give nodes whole, a job that names none may land there."""
    row = {**ROWS[0].values[0], "body": {"script": "x", "job": {"account": "lab", "nodes": "2", "time_limit": 60}}}
    check(judged(SlurmAdapter(SETTINGS), call_of(row, USER)), {"lines": [["A100", 16, 1]]})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/slurm/v0.0.40/jobs"),
        ("GET", "/slurm/v0.0.40/job/42"),
        ("POST", "/slurmdb/v0.0.40/accounts"),
        ("GET", "/openapi/v3"),
        ("DELETE", "/slurm/v0.0.40/node/n1"),
    ],
)
def test_what_starts_nothing_is_not_guarded(method: str, path: str) -> None:
    """Looking, and what belongs to the cluster's own administration, passes unread."""
    assert judged(SlurmAdapter(SETTINGS), Call(method=method, raw_path=path.encode())) is None


@pytest.mark.parametrize(
    ("query", "ends"),
    [(b"", True), (b"signal=KILL", True), (b"signal=USR1", False), (b"signal=CONT&signal=KILL", False)],
)
def test_a_cancellation_ends_the_users_job(query: bytes, ends: bool) -> None:
    """A signal that kills is an end; where the customer is an account, the call does not say whose job it is."""
    call = Call(method="DELETE", raw_path=b"/slurm/v0.0.40/job/42", query=query, headers=(USER,))
    for account in ("user", "account"):
        adapter = SlurmAdapter(SlurmSettings(account=account, rest=SlurmRestSettings()))
        assert adapter.guards(call)
        assert (adapter.ending(call) is not None) is (ends and account == "user")


@pytest.fixture
def rest(tmp_path: Path) -> Iterator[SlurmApi]:
    """Slurm's own client for Python of the newest version, before a gate with nothing behind it."""
    gate = make_gate(tmp_path, adapters=(SlurmAdapter(SETTINGS),))
    gate._seed = (PARTIES, tuple(Account(provider="slurm", id=party.id, party_id=party.id) for party in PARTIES))
    app = KYCGateMiddleware(Gateway([Upstream(url="http://127.0.0.1:1")]), gate)
    with served_in_thread(app) as port:
        configuration = Configuration(host=f"http://127.0.0.1:{port}", api_key={"user": "ada", "token": "a.b.c"})
        with ApiClient(configuration) as client:
            yield SlurmApi(client)


@pytest.mark.parametrize(("account", "number"), [("harbin", 2002), ("nobody", 2050)])
def test_slurms_own_client_reads_the_refusal(rest: SlurmApi, account: str, number: int) -> None:
    """What is blocked and what waits are `ApiException` 403 with errors as the client knows them."""
    limit = V0044Uint32NoValStruct(set=True, number=60)
    job = V0044JobDescMsg(account=account, partition="big", tres_per_job="gres/gpu:h100=8", time_limit=limit)
    with pytest.raises(ApiException) as caught:
        rest.slurm_v0044_post_job_submit(V0044JobSubmitReq(script="#!/bin/sh\ntrue\n", job=job))
    assert caught.value.status == 403
    (error,) = V0044OpenapiJobSubmitResponse.from_json(caught.value.body).errors
    assert error.error_number == number
    assert len(error.description) < 256


def test_slurms_own_client_asks_for_what_is_read(rest: SlurmApi) -> None:
    """What is allowed goes on to the upstream, which does not stand here."""
    job = V0044JobDescMsg(account="norge", partition="main", tres_per_job="gres/gpu:h100=8", tasks=8)
    with pytest.raises(ApiException) as caught:
        rest.slurm_v0044_post_job_submit(V0044JobSubmitReq(script="#!/bin/sh\ntrue\n", job=job))
    assert caught.value.status == 502
