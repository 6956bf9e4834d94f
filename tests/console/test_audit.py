"""The record: verified, and proved record by record."""

from __future__ import annotations

import html
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from api.browser import PASSWORD, PLAIN, ROOT, browsers
from api.test_cases import large
from gates import make_gate

from console.html_page import look, send
from console.waiting import until_done
from kyc_gate import Gate
from kyc_gate.audit.checkpoint import new_signer
from kyc_gate.audit.proof import check_proof
from kyc_gate.audit.retention import Periods
from kyc_gate.console.app import interface_app

SIGNER = new_signer("kyc.example/log")


@pytest.fixture
async def signing(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A gate that signs checkpoints, with a viewer and somebody of a customer."""
    settings = {"signer": SIGNER, "verifiers": (SIGNER.verifier,), "checkpoint_seconds": 3600.0}
    async with make_gate(tmp_path, four_eyes=True, **PLAIN, **settings) as gate:
        await gate.access.add(ROOT, "vi", ["viewer"], password=PASSWORD)
        await gate.access.add(ROOT, "own", ["viewer"], password=PASSWORD, parties=["emirate"])
        yield gate


async def test_the_whole_record_verifies_beside_the_decisions(signing: Gate) -> None:
    """Head, checkpoint, keys and retention are shown; verifying is a job that agrees with every checkpoint."""
    held = await signing.decide(large())
    await signing.store.sign_checkpoint(SIGNER)
    await signing.store.place_hold(party_id="emirate", because="subpoena <b>", by="counsel", at=signing.now())
    async with browsers(signing, 2, app=interface_app) as (vi, own):
        await vi.sign_in("vi")
        await own.sign_in("own")
        page = await look(vi.session, "/console/audit")
        for words in (SIGNER.verifier.text, "records of kyc.example/log", "OFAC 10 years", "subpoena <b>", "counsel"):
            assert words in page.words, words
        found = await until_done(vi.session, await send(vi.session, page.form("/verifications")))
        assert "records verify" in found.words
        assert re.search(r"Checkpoints \d+ agree", found.words)
        assert "subpoena" not in (await look(own.session, "/console/audit")).words
    assert held.position


async def test_a_record_that_was_changed_is_named(gate: Gate, tmp_path: Path) -> None:
    """What verification finds wrong is the result, and the page says which record."""
    held = await gate.decide(large())
    with sqlite3.connect(tmp_path / "gate.db") as connection:
        connection.execute("DROP TRIGGER records_are_not_changed")
        connection.execute(
            "UPDATE records SET body = replace(body, 'escalate', 'allow') WHERE position = ?", (held.position,)
        )
    connection.close()
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/audit")
        assert "nothing is signed" in page.words
        found = await until_done(vi.session, await send(vi.session, page.form("/verifications")))
        assert f"It failed: record {held.position} was changed" in found.words


async def test_a_proof_on_the_page_convinces_an_outsider(signing: Gate) -> None:
    """Record text and proof, copied from the page, verify under the key; a later record says that none covers it."""
    held = await signing.decide(large())
    await signing.store.sign_checkpoint(SIGNER)
    later = await signing.decide(large("acct-norge", "a" * 64))
    async with browsers(signing, 2, app=interface_app) as (vi, own):
        await vi.sign_in("vi")
        await own.sign_in("own")
        page = await look(vi.session, "/console/audit", position=str(held.position))
        assert f"/console/decisions/{held.decision_id}" in page.links
        text, proof = (html.unescape(each) for each in re.findall(r"<pre>(.*?)</pre>", page.source, re.S))
        known = check_proof(proof.replace("<br>", "\n") + "\n", text, [SIGNER.verifier])
        assert known.origin == "kyc.example/log"
        assert "Emirate" not in page.source
        after = await look(vi.session, f"/console/audit/records/{later.position}")
        assert "No checkpoint covers it yet" in after.words
        hidden = await look(own.session, f"/console/audit/records/{held.position}")
        assert "is not shown to those who belong to a customer" in hidden.words
        assert str(held.decision_id) not in hidden.source


async def test_bad_positions_and_missing_permissions_are_told(gate: Gate) -> None:
    """A position that is none names its field; a record that is not there is a page; a service reads no audit."""
    async with browsers(gate, 2, app=interface_app) as (vi, serv):
        await vi.sign_in("vi")
        await serv.sign_in("serv")
        bad = await look(vi.session, "/console/audit", position="first")
        assert (bad.status, "`position` is `first`; it is a whole number from 1" in bad.words) == (400, True)
        for path in ("9999", "0", "-1", "x"):
            assert (await look(vi.session, f"/console/audit/records/{path}")).status == 404
        assert (await look(vi.session, "/console/audit/verifications/job_x")).status == 404
        for path in ("", "/records/1"):
            page = await look(serv.session, f"/console/audit{path}")
            assert (page.status, "“audit:read” is missing" in page.words) == (403, True)


async def test_what_is_past_its_time_is_counted(gate: Gate) -> None:
    """How many records could be erased, and how many a legal hold keeps."""
    await gate.decide(large())
    now = gate.now()
    gate.now = lambda: now + timedelta(days=11 * 366)  # type: ignore[method-assign]
    assert (await gate.store.count_due(Periods(), gate.now()))[0] >= 1
    async with browsers(gate, app=interface_app) as (vi,):
        gate.now = lambda: now  # type: ignore[method-assign]
        await vi.sign_in("vi")
        assert "0 records could be erased now" in (await look(vi.session, "/console/audit")).words
