"""Who belongs to a customer sees nothing of it on any page, nor of those that act as one with it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from api.browser import browsers
from api.test_cases import large
from msgspec.structs import replace

from console.conftest import enter
from console.html_page import look
from console.waiting import until_done
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.model.decision import Outcome
from kyc_gate.model.party import Account, Owner, Party
from kyc_gate.model.shadow import Disagreement
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.policy_trial import BACKTEST, backtested

DAUGHTER = Party(
    id="daughter",
    name="Dune Compute",
    headquarters="Abu Dhabi, United Arab Emirates",
    location="United Arab Emirates",
    owners=(Owner(name="emirate", share=Decimal("0.9"), party_id="emirate"),),
)

CLOSED = """
[[rule]]
id = "closed"
title = "Closed"
when = 'customer.name != ""'
then = "block"
cites = ["US-AIDR-01"]
status = "operator"
because = "{customer.name} rents nothing"
"""


async def test_what_a_daughter_asks_for_is_ones_own(gate: Gate) -> None:
    """A case, a decision and a party of one control group with the reviewer's customer are for others to see to."""
    await gate.store.save_directory(
        (DAUGHTER,), (Account(provider="generic", id="acct-daughter", party_id="daughter"),)
    )
    held = await gate.decide(large("acct-daughter"))
    assert held.case_id is not None
    case = await gate.store.fetch_case(held.case_id)
    assert case is not None
    async with browsers(gate, 2, app=interface_app) as (own, bo):
        await enter(gate, own=own, bo=bo)
        pages = (
            f"/console/cases/{case.id}",
            f"/console/cases/{case.id}/ledger.svg",
            f"/console/cases/{case.id}/owners.svg?party=daughter",
            f"/console/decisions/{held.decision_id}",
            "/console/parties/daughter",
        )
        for page in pages:
            assert (await look(own.session, page)).status == 404, page
        for page in (pages[0], pages[3], pages[4]):
            assert (await look(bo.session, page)).status == 200, page
        for page in ("/console/cases", "/console/decisions", "/console/parties"):
            assert "daughter" not in (await look(own.session, page)).source, page
            assert "daughter" in (await look(bo.session, page)).source, page
        for path in (f"{case.id}/reject", f"{case.id}/propose", f"{case.id}/note", "next"):
            given = {
                "csrf": own.csrf,
                "note": "ours",
                "version": str(case.version),
                "decision": "approve",
                "disposition": "true_match",
            }
            async with own.session.post(f"/console/cases/{path}", data=given, allow_redirects=False) as answer:
                assert answer.status in (303, 404), path
        assert await gate.store.fetch_case(case.id) == case


async def test_examples_tell_no_decision_on_ones_own_customer(gate: Gate) -> None:
    """The rules behind a decision on one's own customer are told nowhere, a shadow's examples included."""
    found = [await gate.decide(large(account)) for account in ("acct-emirate", "acct-norge")]
    now = datetime.now(UTC)
    differ = [
        Disagreement(
            candidate="shadow_1",
            digest="ab" * 32,
            decision_id=str(each.decision_id),
            at=now,
            facts_digest="cd" * 32,
            old=Outcome.ESCALATE,
            new=Outcome.ALLOW,
            old_rules=("red-flag-28",),
            new_rules=(),
        )
        for each in found
    ]
    await gate.store.note_shadow("shadow_1", {"2026-11-27": 2}, differ)
    async with browsers(gate, 2, app=interface_app) as (own, vi):
        await enter(gate, own=own, vi=vi)
        for browser, told in ((own, [False, True]), (vi, [True, True])):
            page = await look(browser.session, "/console/policies/shadow/shadow_1")
            assert [str(each.decision_id) in page.source for each in found] == told


async def test_a_backtest_tells_no_decision_on_ones_own_customer(gate: Gate, tmp_path: Path) -> None:
    """Examples of a backtest, and decisions that were not made again as on record, leave out one's own customer."""
    shutil.copytree(shipped_policies(), tmp_path / "policies")
    file = tmp_path / "policies" / "us-ai-diffusion" / "policy.toml"
    file.write_text(file.read_text(encoding="utf-8") + CLOSED, encoding="utf-8")
    found = [str((await gate.decide(large(account))).decision_id) for account in ("acct-emirate", "acct-norge")]
    candidate, since = read_policy(file.parent), gate.now() - timedelta(days=1)
    job = gate.jobs.begin(BACKTEST, "pol", partial(backtested, gate, candidate, since), policy="own", days="1")
    async with browsers(gate, 2, app=interface_app) as (own, vi):
        await enter(gate, own=own, vi=vi)
        path = f"/console/policies/backtests/{job.id}"
        page = await until_done(vi.session, await look(vi.session, path))
        assert {each.decision_id for each in job.found.examples} == set(found)
        for browser, told in ((own, [False, True]), (vi, [True, True])):
            page = await look(browser.session, path)
            assert [id in page.source for id in found] == told
        same = replace(job.found.determinism, differing=tuple(found))
        job.found = replace(job.found, examples=(), determinism=same)
        for browser, told in ((own, [False, True]), (vi, [True, True])):
            page = await look(browser.session, path)
            assert [id in page.source for id in found] == told
