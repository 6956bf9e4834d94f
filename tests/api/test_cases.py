"""A case from its opening to the request that passes, by people who signed in."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gates import make_gate
from storage import samples as storage

from api.browser import PASSWORD, PLAIN, ROOT, browsers
from kyc_gate import Gate
from kyc_gate.audit.retention import Periods
from kyc_gate.model.access import local_actor
from kyc_gate.model.case_steps import Step
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path, four_eyes=True, **PLAIN) as gate:
        for name, role in (("ana", "analyst"), ("bo", "approver"), ("vi", "viewer")):
            await gate.access.add(ROOT, name, [role], password=PASSWORD)
        await gate.access.add(ROOT, "own", ["approver", "service"], password=PASSWORD, parties=["emirate"])
        yield gate


def large(account: str = "acct-emirate", fingerprint: str = "f" * 64) -> ProvisioningRequest:
    """A job large enough to be held."""
    return ProvisioningRequest(
        provider="generic",
        service="compute",
        operation="CreateTrainingJob",
        kind=RequestKind.CREATE,
        lines=(Accelerators(model="H100 SXM", count=20_000),),
        duration_seconds=30 * 86_400,
        caller=Caller(account=account, verified=True),
        fingerprint=fingerprint,
    )


ANSWERS = {
    "end_use": "Weather models <script>alert(1)</script>",
    "end_users": "Our own staff",
    "trains_model": "yes",
    "weights_published": "no",
    "exports_weights": "not_known",
    "answered_by": "H. Saleh, export control",
}


async def test_a_morning(gate: Gate) -> None:
    """Take next, ask, propose, a second person approves, and the request passes when it is sent again."""
    held = await gate.decide(large())
    assert held.refusal is not None
    async with browsers(gate, 3) as (ana, bo, customer):
        await ana.sign_in("ana")
        await bo.sign_in("bo")
        _, case = await ana.post("/v1/cases/next")
        assert case["id"] == held.case_id
        path = f"/v1/cases/{case['id']}"
        assert (await ana.post("/v1/cases/next"))[1] is None
        _, sent = await ana.post(f"{path}/ask")
        page = await (await customer.session.get(sent["path"])).text()
        assert "emirate" not in page.lower()
        async with customer.session.post(sent["path"], data={**ANSWERS, "end_use": ""}) as response:
            assert (response.status, "What will the computing capacity" in await response.text()) == (400, True)
        async with customer.session.post(sent["path"], data=ANSWERS) as response:
            assert "Your answers were received" in await response.text()
        _, read = await ana.get(path)
        assert (read["state"], read["questionnaires"][0]["answers"]["exports_weights"]) == ("assigned", "not_known")
        step = {"note": "licence D1", "version": read["version"], "decision": "approve", "disposition": "true_positive"}
        assert (await ana.post(f"{path}/approve", note="me"))[0] == 403
        for name in ("propose", "approve"):
            status, problem = await bo.post(f"{path}/{name}", **{**step, "version": None})
            assert (status, "`version` is missing" in problem["detail"]) == (400, True)
        assert (await ana.post(f"{path}/propose", **step))[0] == 200
        assert (await bo.post(f"{path}/propose", **step))[0] == 409
        assert "approve" in (await bo.get(path))[1]["steps"]
        assert (await bo.post(f"{path}/approve", note="read before", version=read["version"]))[0] == 409
        _, read = await bo.get(path)
        assert read["proposal"]["note"] == "licence D1"
        status, moved = await bo.post(f"{path}/approve", note="seen", version=read["version"])
        assert (status, len(moved["grants"])) == (200, 1)
        passed = await gate.decide(large())
        assert passed.refusal is None
        assert (await bo.post(f"{path}/reject", note="late"))[0] == 409
        steps = [event["step"] for event in (await bo.get(path))[1]["events"]]
    assert steps == ["take", "ask", "answer", "propose", "approve"]


async def test_nobody_sees_the_cases_of_their_own_customer(gate: Gate) -> None:
    """For a person of the customer there is no such case: not in the list, not by its id, not to decide."""
    held = await gate.decide(large())
    async with browsers(gate) as (own,):
        await own.sign_in("own")
        assert (await own.get("/v1/cases"))[1]["cases"] == []
        assert (await own.get(f"/v1/cases/{held.case_id}"))[0] == 404
        assert (await own.post(f"/v1/cases/{held.case_id}/approve", note="mine"))[0] == 404
        assert (await own.post("/v1/cases/next"))[0] == 204


async def test_a_case_that_ones_customer_joined_is_not_there(gate: Gate) -> None:
    """A request of the person's customer joins another's case: from then on there is no such case for them."""
    first = storage.case_opening("dec_1", party_id="sister", control_group="group")
    case_id = (await gate.store.append(storage.decision_entry("dec_1", case=first))).case_id
    async with browsers(gate) as (own,):
        await own.sign_in("own")
        assert (await own.get(f"/v1/cases/{case_id}"))[0] == 200
        joins = storage.case_opening("dec_2", party_id="emirate", control_group="group", fingerprint="e" * 64)
        await gate.store.append(storage.decision_entry("dec_2", case=joins))
        assert (await own.get("/v1/cases"))[1]["cases"] == []
        assert (await own.get(f"/v1/cases/{case_id}"))[0] == 404
        assert (await own.post(f"/v1/cases/{case_id}/approve", note="mine"))[0] == 404


async def test_nobody_reads_decisions_and_grants_of_their_own_customer(gate: Gate) -> None:
    """For a person of the customer there is no such decision and no such grant; for others there is."""
    held = await gate.decide(large())
    other = await gate.decide(large("acct-norge", "e" * 64))
    case = await gate.casework.propose(local_actor("ana"), str(held.case_id), Step.APPROVE, note="fine", seen=1)
    moved = await gate.casework.approve(local_actor("bo"), case.id, note="fine", seen=case.version)
    grant = f"/v1/grants/{moved.grants[0].id}"
    async with browsers(gate, 2) as (own, bo):
        await own.sign_in("own")
        await bo.sign_in("bo")
        assert (await own.get(f"/v1/decisions/{held.decision_id}"))[0] == 404
        assert (await own.get(f"/v1/decisions/{other.decision_id}"))[0] == 200
        assert (await bo.get(f"/v1/decisions/{held.decision_id}"))[0] == 200
        assert (await own.get(grant))[0] == 404
        assert (await own.post(f"{grant}/revoke", note="mine"))[0] == 404
        passed = await gate.decide(large())
        assert passed.refusal is None
        for run in (passed.hold_id, passed.decision_id):
            assert (await own.get(f"/v1/runs/{run}"))[0] == 404
            assert (await own.post(f"/v1/runs/{run}/finish"))[0] == 404
            assert (await bo.get(f"/v1/runs/{run}"))[0] == 200
        still = await gate.store.fetch_run(str(passed.hold_id))
        assert still is not None
        assert not still.finished
        assert (await bo.get(grant))[0] == 200
        await gate.store.erase_due(Periods(), by="root", because="over", at=gate.now() + timedelta(days=4_000))
        assert (await own.get(f"/v1/decisions/{other.decision_id}"))[0] == 404
        assert (await bo.get(f"/v1/decisions/{other.decision_id}"))[0] == 200


async def test_the_record_tells_how_a_step_was_taken(gate: Gate) -> None:
    """A person who signed in, a key, a name from the command line, and the customer differ in the chain."""
    held = await gate.decide(large())
    made = await gate.access.make_key(ROOT, "ci", ["cases:read", "cases:work"])
    path = f"/v1/cases/{held.case_id}"
    async with browsers(gate) as (ana,):
        await ana.sign_in("ana")
        await ana.post("/v1/cases/next")
        await ana.post(f"{path}/note", note="seen")
        headers = {"authorization": f"Bearer {made.secret}"}
        async with ana.session.post(f"{path}/note", json={"note": "ran"}, headers=headers) as response:
            assert response.status == 200
    sent = await gate.casework.ask(local_actor("bo"), str(held.case_id))
    await gate.casework.answer(sent.path.rpartition("/")[2], ANSWERS)
    read = await gate.store.fetch_case(str(held.case_id))
    assert read is not None
    proposed = await gate.casework.propose(local_actor("ana"), read.id, Step.APPROVE, note="fine", seen=read.version)
    moved = await gate.casework.approve(local_actor("bo"), read.id, note="fine", seen=proposed.version)
    async with browsers(gate) as (bo,):
        await bo.sign_in("bo")
        assert (await bo.post(f"/v1/grants/{moved.grants[0].id}/revoke", note="taken back"))[0] == 200
    told = [(each["type"], each["via"]) async for each in gate.store.records() if "via" in each]
    assert told[-9:] == [
        ("key.made", "cli"),
        ("case.taken", "session"),
        ("case.noted", "session"),
        ("case.noted", "key"),
        ("case.asked", "cli"),
        ("case.answered", None),
        ("case.proposed", "cli"),
        ("case.approved", "cli"),
        ("grant.revoked", "session"),
    ]


async def test_a_key_is_none_of_the_two_people(gate: Gate) -> None:
    """A key notes and links, but proposes nothing: whoever holds it could be the one who approves."""
    held = await gate.decide(large())
    made = await gate.access.make_key(ROOT, "ci", ["cases:read", "cases:work"])
    path = f"/v1/cases/{held.case_id}"
    async with browsers(gate) as (browser,):
        headers = {"authorization": f"Bearer {made.secret}"}
        async with browser.session.get(path, headers=headers) as response:
            read = await response.json()
        step = {"note": "fine", "decision": "approve", "version": read["version"]}
        async with browser.session.post(f"{path}/propose", json=step, headers=headers) as response:
            assert (response.status, "did not sign in" in (await response.json())["detail"]) == (403, True)
        for name, body in (("note", {"note": "seen"}), ("link", {"url": "https://kestrel.example/papers"})):
            async with browser.session.post(f"{path}/{name}", json=body, headers=headers) as response:
                assert response.status == 200
        async with browser.session.get(path, headers=headers) as response:
            read = await response.json()
    assert ("propose" in read["steps"], "note" in read["steps"], read["proposal"]) == (False, True, None)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param({"limit": "10000000"}, "`limit`", id="limit"),
        pytest.param({"limit": "-1"}, "`limit`", id="negative"),
        pytest.param({"page": "-1"}, "`page`", id="page"),
        pytest.param({"order": "password"}, "`password`", id="order"),
        pytest.param({"state": "odd"}, "`odd`", id="state"),
    ],
)
async def test_a_list_is_bounded(gate: Gate, query: dict[str, Any], says: str) -> None:
    """What is beyond the bounds, or is no column, is refused and named."""
    async with browsers(gate) as (vi,):
        await vi.sign_in("vi")
        status, problem = await vi.get("/v1/cases", **query)
        assert (status, says in problem["detail"]) == (400, True)


async def test_an_attachment_is_saved_and_never_shown(gate: Gate) -> None:
    """Its name cannot break a header, and a browser is told to run nothing of it."""
    held = await gate.decide(large())
    async with browsers(gate) as (ana,):
        await ana.sign_in("ana")
        path = f"/v1/cases/{held.case_id}/attachments"
        name = 'a/b\r\nx: y"\u202etxt.html'
        headers = {"x-csrf-token": ana.csrf}
        async with ana.session.post(path, params={"name": name}, data=b"<b>", headers=headers) as response:
            digest = (await response.json())["sha256"]
        async with ana.session.get(f"{path}/{digest}") as response:
            assert (await response.read(), response.headers["content-type"]) == (b"<b>", "application/octet-stream")
            assert response.headers["content-disposition"].startswith("attachment; ")
            assert "sandbox" in response.headers["content-security-policy"]
            assert "x" not in response.headers
        most = gate.settings.attachment_bytes
        async with ana.session.post(path, data=io.BytesIO(b"x" * (most + 1)), headers=headers) as response:
            assert response.status == 413


async def test_a_link_that_is_not_good_tells_nothing(gate: Gate) -> None:
    """A guessed link gets one page, by GET and by POST."""
    async with browsers(gate) as (customer,):
        pages = set()
        for token in ("guess", "x" * 43):
            async with customer.session.get(f"/questions/{token}") as response:
                pages.add((response.status, await response.text()))
            async with customer.session.post(f"/questions/{token}", data=ANSWERS) as response:
                pages.add((response.status, await response.text()))
    assert len(pages) == 1
    assert next(iter(pages))[0] == 404


async def test_links_are_not_guessed(gate: Gate) -> None:
    """A link that is not good looks like any other; after sixty within a minute nothing is looked up."""
    held = await gate.decide(large())
    sent = await gate.casework.ask(local_actor("bo"), str(held.case_id))
    async with browsers(gate) as (customer,):

        async def get(path: str) -> aiohttp.ClientResponse:
            async with customer.session.get(path) as response:
                await response.read()
                return response

        assert (await get(sent.path)).status == 200
        texts = []
        while (answer := await get(f"/questions/{len(texts)}")).status == 404:
            texts.append(await answer.text())
        assert 60 <= len(texts) < 120, "a minute may end in between"
        assert len(set(texts)) == 1
        assert (answer.status, answer.headers["retry-after"]) == (429, "60")
        assert (await get(sent.path)).status == 429
