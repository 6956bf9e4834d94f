"""What refused customers learn: of two who are refused for what lists say, nobody can tell which list, or how closely.

Each row of the catalogue's oracles is run here, against the served gate.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import structlog
from gates import PARTIES, company, job, make_gate
from msgspec.structs import replace
from structlog.testing import capture_logs
from wire import exchange, served, status_of, upstream

from kyc_gate import Gate
from kyc_gate.adapters.kubernetes.settings import AccountRule, KubernetesSettings
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.asgi.types import ASGIApp
from kyc_gate.authz.app import AuthzApp
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.access import local_actor
from kyc_gate.model.case import Disposition
from kyc_gate.model.case_steps import Step
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.party import Account, PartyKind
from kyc_gate.service import gate as gate_module
from kyc_gate.service.generation import Generation
from kyc_gate.storage.store import CaseQuery
from kyc_gate.webhook.app import webhook_app

from .test_serve import call, configuration, serving

NAMES = {
    "sdn": "Sealed Machinery Works",
    "entity": "Granite Photonics Institute",
    "near": "Sealed Machinary Work Holding",
    "lapsed": "Basalt Optics Bureau",
    "unlisted": "Kestrel Lens Makers",
}
"""A match that blocks, a match that waits, a resemblance, one that was cleared until today, and nobody's name."""

LISTED = [("SDN", NAMES["sdn"]), ("EL", NAMES["entity"]), ("UVL", NAMES["lapsed"])]
IDS = re.compile(rb"(dec|case)_[0-9a-f]{32}")
STEP = 0.2


def snapshot(*more: tuple[str, str]) -> ListSnapshot:
    """The lists of these tests, published now."""
    entries = tuple(
        ListEntry(list=code, id=str(number), name=name, kind=PartyKind.COMPANY)
        for number, (code, name) in enumerate([*LISTED, *more])
    )
    at = datetime.now(UTC)
    return merge([ListReading(name="test", format="test", entries=entries, problems=(), as_of=at)])


class World(NamedTuple):
    """A served gate: the port that customers reach, that of operators, and the gate itself."""

    port: int
    api: int
    gate: Gate

    async def ask(self, party: str, body: bytes | None = None) -> bytes:
        """The whole answer to a small job of the party's."""
        return await exchange(self.port, call(f"acct-{party}", job(hours=1) if body is None else body))


@asynccontextmanager
async def world(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """A gate with a customer for each reason, one of whom two people cleared, and whom they no longer clear."""
    gate = make_gate(folder, **settings)
    known = tuple(replace(company(id, "Norway"), name=name) for id, name in NAMES.items())
    accounts = tuple(Account(provider="generic", id=f"acct-{id}", party_id=id) for id in NAMES)
    gate._seed = ((*PARTIES, *known), (*gate._seed[1], *accounts))
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, api):
        await gate.activate(snapshot())
        here = World(port, api, gate)
        await _clear(here)
        yield here
        assert [each for each in cloud.received if b"acct-" in each and b"acct-unlisted" not in each] == []


async def _clear(here: World) -> None:
    """Clear one resemblance, see that its party passes by it, and end it."""
    gate = here.gate
    refused = json.loads(body_of(await here.ask("lapsed")))
    pairs = await gate.pairs(refused["case_id"])
    of: dict[str, Any] = {"note": "x", "seen": 1, "disposition": Disposition.FALSE_POSITIVE, "clear": pairs}
    await gate.casework.propose(local_actor("ana"), refused["case_id"], Step.APPROVE, **of)
    moved = await gate.casework.approve(local_actor("bo"), refused["case_id"], note="x", seen=2)
    for grant in moved.grants:
        await gate.casework.revoke(local_actor("bo"), grant.id, note="only the clearance counts here")
    gate._standings.forget()
    await gate.casework.end_clearance(local_actor("bo"), moved.clearances[0].id, note="they merged")
    gate._standings.forget()


def body_of(raw: bytes) -> bytes:
    """The body of a whole answer."""
    return raw.partition(b"\r\n\r\n")[2]


def told(raw: bytes) -> bytes:
    """A whole answer without its ids: what two customers can compare."""
    return IDS.sub(lambda found: found[1] + b"_", raw)


REFUSED = ("sdn", "entity", "near", "lapsed")


async def refusals(here: World) -> dict[str, bytes]:
    """The answer to each refused customer, first as somebody new and then as somebody known."""
    found = {}
    for time_ in ("new", "known"):
        found |= {f"{party} {time_}": await here.ask(party) for party in REFUSED}
    return found


async def content_is_the_same(here: World) -> None:
    """Status, headers, length and body are the same for every reason, apart from the ids."""
    answers = await refusals(here)
    assert {status_of(raw) for raw in answers.values()} == {403}
    assert {told(raw) for raw in answers.values()} == {told(answers["sdn new"])}
    assert len({len(raw) for raw in answers.values()}) == 1
    document = json.loads(body_of(answers["sdn new"]))
    assert re.fullmatch(r"case_[0-9a-f]{32}", document["case_id"])
    assert await here.gate.store.fetch_case(document["case_id"]) is not None
    for raw in answers.values():
        text = raw.decode().lower()
        for word in ("sdn", "ofac", "entity", "list", "match", "score", "sealed", "granite", "basalt", "sanction"):
            assert word not in text


async def unnoticed_headers(here: World) -> None:
    """No header times, tags or counts what was compared."""
    raw = (await here.ask("sdn")).partition(b"\r\n\r\n")[0].lower()
    names = {line.partition(b":")[0] for line in raw.split(b"\r\n")[1:]}
    assert names == {b"content-type", b"content-length", b"cache-control", b"kyc-decision-id"}


async def ids_are_random(here: World) -> None:
    """Ids of decisions and cases have 128 bits, and no two begin alike."""
    documents = [json.loads(body_of(await here.ask(party))) for party in REFUSED]
    for name in ("decision_id", "case_id"):
        ids = {document[name] for document in documents}
        assert len({id[:13] for id in ids}) == len(ids) == len(documents)
        assert all(re.fullmatch(r"(dec|case)_[0-9a-f]{32}", id) for id in ids)


async def mistakes_name_nobody(here: World) -> None:
    """A call that cannot be read is answered alike, whoever sent it."""
    wrong = job(hours=1).replace(b'"gpus": 8', b'"gpus": "x"')
    answers = {party: await here.ask(party, wrong) for party in (*REFUSED, "unlisted")}
    assert {status_of(raw) for raw in answers.values()} == {400}
    assert len(set(answers.values())) == 1


@contextmanager
def heard() -> Iterator[list[Any]]:
    """Hear what the gate logs, also where an earlier test of the process had its loggers write elsewhere."""
    with pytest.MonkeyPatch.context() as patched, capture_logs() as lines:
        patched.setattr(gate_module, "log", structlog.get_logger("kyc_gate"))
        yield lines


async def a_failure_tells_nothing(here: World) -> None:
    """Where the gate itself fails the answer is generic, and its reference leads to the line in the log."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("Sealed Machinery Works of SDN")

    here.gate._concluded = fails  # type: ignore[method-assign,assignment]
    with heard() as lines:
        raw = await here.ask("sdn")
    (failed,) = (line for line in lines if line["event"] == "decision.failed")
    assert status_of(raw) == 503
    assert b"Traceback" not in raw
    assert b"Sealed" not in raw
    assert f"reference {failed['reference']}" in json.loads(body_of(raw))["detail"]


async def nothing_is_documented(here: World) -> None:
    """There is no generated documentation; what customers ask for is the upstream's to answer."""
    for path in ("/docs", "/redoc", "/openapi.json"):
        question = f"GET {path} HTTP/1.1\r\nHost: api.example\r\n\r\n".encode()
        assert status_of(await exchange(here.api, question)) == 404
        assert body_of(await exchange(here.port, question)) == b"ok"


async def operators_alone_see_figures(here: World) -> None:
    """Metrics and readiness are on the operators' own port; they name no customer, and the customers' port has none."""
    for party in REFUSED:
        await here.ask(party)
    for path in ("/metrics", "/readyz", "/healthz"):
        question = f"GET {path} HTTP/1.1\r\nHost: api.example\r\n\r\n".encode()
        assert b"kyc_gate_" not in await exchange(here.port, question)
        assert b'"ready"' not in await exchange(here.port, question)
        raw = await exchange(here.api, question)
        assert status_of(raw) == 200
        text = raw.decode().lower()
        for name in (*NAMES.values(), "acct-", "party"):
            assert name.lower() not in text


async def takes_the_same_time(here: World) -> None:
    """A refusal takes a whole step, however long it took to decide; a pass waits for none of it."""
    for party in (*REFUSED, *REFUSED):
        began = time.perf_counter()
        await here.ask(party)
        assert time.perf_counter() - began >= STEP
    await here.ask("unlisted")
    passed = []
    for _ in range(5):
        began = time.perf_counter()
        assert status_of(await here.ask("unlisted")) == 200
        passed.append(time.perf_counter() - began)
    assert min(passed) < STEP


@pytest.mark.long
async def test_times_do_not_tell(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sixty refusals for each reason, in any order: no two reasons differ in time by more than chance makes them.

    Somebody is new once, so that one time is all there is to see of it: it lies among those of who is known. Without
    the step the same tests tell reasons apart.
    """
    async with world(tmp_path_factory.mktemp("stepped"), refusal_seconds=STEP) as here:
        taken = await timed(here, 60)
    new = taken.pop("new")
    for one, other in itertools.combinations(taken.values(), 2):
        assert differs_by_chance(one, other) > 0.001
    known = statistics.quantiles(itertools.chain(*taken.values()), n=20)
    assert known[0] <= statistics.median(new) <= known[-1]
    async with world(tmp_path_factory.mktemp("plain"), refusal_seconds=0.0) as here:
        taken = await timed(here, 60)
    assert min(differs_by_chance(*pair) for pair in itertools.combinations(taken.values(), 2)) <= 0.001


async def timed(here: World, times: int) -> dict[str, list[float]]:
    """Seconds that refusals took, by reason: known customers, and one that is new to the gate each time."""
    taken: dict[str, list[float]] = {party: [] for party in (*REFUSED, "new")}
    order = [party for party in taken for _ in range(times)]
    random.Random(8).shuffle(order)  # noqa: S311 - an order, not a secret
    for party in order:
        if party == "new":
            here.gate._standings.forget()
            here.gate._generation = Generation.of(here.gate.snapshot, here.gate.settings, here.gate.lists.clocks)
        began = time.perf_counter()
        assert status_of(await here.ask("sdn" if party == "new" else party)) == 403
        taken[party].append(time.perf_counter() - began)
    return taken


def differs_by_chance(one: list[float], other: list[float], rounds: int = 2_000) -> float:
    """How often two samples of one distribution differ in their medians as much as these: a permutation test."""
    chance = random.Random(8)  # noqa: S311 - a test of chance, not a secret
    seen = abs(statistics.median(one) - statistics.median(other))
    both = [*one, *other]
    larger = 0
    for _ in range(rounds):
        chance.shuffle(both)
        larger += abs(statistics.median(both[: len(one)]) - statistics.median(both[len(one) :])) >= seen
    return (larger + 1) / (rounds + 1)


VARIANTS = [
    "Sealed Machinery Work",
    "Seeled Machinery Works",
    "Sealed Machinary Works",
    "Sealed Machinery Worcs",
    "Sealde Machinery Works",
    "Sealed Machinery Works Ltd",
]
"""Names of one customer, an edit or so away from a listed one."""


async def names_tried(here: World) -> None:
    """Whatever name it tries, a customer reads the same; after a few a person is asked to look at the account."""
    answers = []
    for name in VARIANTS:
        party = replace(company("unlisted", "Norway"), name=name)
        await here.gate.store.save_directory([party], [])
        here.gate._standings.forget()
        with heard() as lines:
            answers.append(await here.ask("unlisted"))
        alarms = [line for line in lines if line["event"] == "account.names-tried"]
        assert len(alarms) == (name == VARIANTS[4])
    assert {status_of(raw) for raw in answers} == {403}
    assert {told(raw) for raw in answers} == {told(answers[0])}
    await asyncio.gather(*here.gate._background)
    (case,) = await here.gate.store.fetch_cases(CaseQuery(family="names-tried"))
    assert (case.account, case.severity, case.waiting) == ("generic:acct-unlisted", "high", False)
    assert here.gate.probing.alarms == 1
    again = [await here.ask("unlisted") for _ in range(6)]
    assert {told(raw) for raw in again} == {told(answers[0])}
    assert here.gate.probing.alarms == 1, "one name, however often, tries nothing"


ROWS: dict[str, Callable[[World], Awaitable[None]]] = {
    "oracle_tipping_off-001": content_is_the_same,
    "oracle_tipping_off-002": takes_the_same_time,
    "oracle_tipping_off-003": content_is_the_same,
    "oracle_tipping_off-004": names_tried,
    "oracle_tipping_off-005": names_tried,
    "oracle_tipping_off-006": ids_are_random,
    "oracle_tipping_off-007": unnoticed_headers,
    "oracle_tipping_off-008": content_is_the_same,
    "oracle_tipping_off-009": mistakes_name_nobody,
    "oracle_tipping_off-010": a_failure_tells_nothing,
    "oracle_tipping_off-011": nothing_is_documented,
    "oracle_tipping_off-012": operators_alone_see_figures,
    "oracle_tipping_off-013": operators_alone_see_figures,
}


@pytest.mark.parametrize("row", ROWS)
async def test_row(row: str, tmp_path: Path) -> None:
    """Each oracle of the catalogue tells nothing."""
    slow = ROWS[row] is takes_the_same_time
    async with world(tmp_path, refusal_seconds=STEP if slow else 0.0) as here:
        await ROWS[row](here)


async def by_kubernetes(client: httpx.AsyncClient, party: str) -> str:
    """What the API server hears of a pod with eight cards in a namespace of the party's."""
    review = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": "run",
        "namespace": party,
        "operation": "CREATE",
        "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
        "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "run", "namespace": party, "uid": str(uuid.uuid4())},
            "spec": {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "8"}}}]}
            | {"activeDeadlineSeconds": 3600},
        },
    }
    document = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": review}
    response = (await client.post("/validate", json=document)).json()["response"]
    assert response.pop("uid") == review["uid"]
    return json.dumps(response)


async def by_slurm(client: httpx.AsyncClient, party: str) -> str:
    """What slurmctld hears of a job with eight cards on the party's account."""
    job_ = {"user": "ada", "account": party, "gres": "gres:gpu:8", "min_nodes": 1, "max_nodes": 1, "minutes": 60}
    return (await client.post("/slurm/submit", json={**job_, "partition": "main", "whole_nodes": False})).text


async def by_skypilot(client: httpx.AsyncClient, party: str) -> str:
    """What SkyPilot's API server hears of a launch by the party."""
    asked = {
        "task": json.dumps({"resources": {"accelerators": "H100:8"}, "run": "train"}),
        "skypilot_config": "{}",
        "request_name": "launch",
        "request_options": {},
        "at_client_side": False,
        "user": json.dumps({"id": party, "name": "Ada"}),
        "client_api_version": 30,
        "client_version": "0.14.1",
    }
    return (await client.post("/skypilot", json=json.dumps(asked))).text


CARDS = {"nvidia.com/gpu": "H100 SXM"}
QUEUES = {"kubernetes": by_kubernetes, "slurm": by_slurm, "skypilot": by_skypilot}


@pytest.mark.parametrize("queue", QUEUES)
async def test_queues_of_others_tell_no_more(queue: str, tmp_path: Path) -> None:
    """Whatever a list says of a customer, its cluster's queue hears the same of its job, after a whole step."""
    if queue == "skypilot":
        pytest.importorskip("yaml", reason="the extra `skypilot` is not installed")
    async with world(tmp_path, refusal_seconds=STEP) as here:
        accounts = [Account(provider=queue, id=party, party_id=party) for party in NAMES]
        await here.gate.store.save_directory((), accounts)
        here.gate._standings.forget()
        names = tuple(AccountRule(account=party, namespaces=(party,)) for party in NAMES)
        app: ASGIApp = (
            webhook_app(here.gate, KubernetesSettings(cluster="test", accounts=names, accelerators=CARDS))
            if queue == "kubernetes"
            else AuthzApp(
                here.gate,
                slurm=SlurmSettings(accelerators={"": "H100 SXM"}, select="cons_tres", refusal_seconds=STEP),
                skypilot=True,
            )
        )
        async with (
            served(app, lifespan="off") as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            heard, taken = {}, {}
            for party in (*REFUSED, *["unlisted"] * 6):
                began = time.perf_counter()
                heard[party] = await QUEUES[queue](client, party)
                taken[party] = min(time.perf_counter() - began, taken.get(party, 60.0))
    assert min(taken[party] for party in REFUSED) >= STEP
    assert taken["unlisted"] < STEP
    assert len({told(heard[party].encode()) for party in REFUSED}) == 1
    assert "case_" in heard["sdn"]
    assert "case_" not in heard["unlisted"]


def test_no_row_is_left_out(shared_data: Path) -> None:
    """Every oracle of the catalogue is run."""
    lines = (shared_data / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    assert {row["id"] for row in map(json.loads, lines) if row["category"] == "oracle_tipping_off"} == set(ROWS)
