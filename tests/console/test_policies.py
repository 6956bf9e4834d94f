"""Policies: what decides, and how others would."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from api.browser import PASSWORD, ROOT, browsers
from api.test_cases import large

from console.html_page import look, send
from console.waiting import until_done
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.model.decision import Outcome
from kyc_gate.model.shadow import Disagreement


@pytest.fixture
async def authored(gate: Gate) -> Gate:
    """A gate with somebody who tries policies."""
    await gate.access.add(ROOT, "pol", ["policy_author"], password=PASSWORD)
    return gate


async def test_each_rule_tells_its_mode_status_dates_and_hits(gate: Gate) -> None:
    """The active policies with where they come from, and each rule with how often it found something."""
    await gate.decide(large())
    while await gate.store.draw_cards():
        pass
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/policies")
        for words in ("us-in-force@1, us-ai-diffusion@1", "From folders", "Shadow none", "Rollout none"):
            assert words in page.words, words
        row = page.words[page.words.index("red-flag-28") :][:400]
        assert "escalate" in row
        assert "in cfr not enforced" in row
        assert "in force 2025-01-13 – 1 1" in row
        assert "/console/decisions?rule=red-flag-28" in page.links
        assert not page.has_form("/comparisons")


async def test_two_policies_are_compared(authored: Gate) -> None:
    """An author compares; a viewer reads what came of it, and may not begin one."""
    async with browsers(authored, 2, app=interface_app) as (pol, vi):
        await pol.sign_in("pol")
        await vi.sign_in("vi")
        form = (await look(pol.session, "/console/policies")).form("/comparisons")
        begun = await send(pol.session, form, old="active/us-ai-diffusion", new="shipped/us-ai-diffusion")
        found = await until_done(pol.session, begun)
        assert "The same decisions" in found.words
        assert "Nothing differs" in found.words
        (path,) = {link for link in (await look(vi.session, "/console/policies")).links if "/comparisons/" in link}
        assert "The same decisions" in (await look(vi.session, path)).words
        async with vi.session.post("/console/policies/comparisons", data={"csrf": vi.csrf, **form.fields}) as answer:
            assert answer.status == 403
        bad = await send(pol.session, form, old="shipped/../../etc")
        assert (bad.status, "`old` is `shipped/../../etc`; it is one of active/us-in-force" in bad.words) == (400, True)


async def test_a_backtest_makes_decisions_again(authored: Gate) -> None:
    """Coverage, determinism, the matrix and the days are told, with the drawing beside them."""
    held = await authored.decide(large())
    async with browsers(authored, app=interface_app) as (pol,):
        await pol.sign_in("pol")
        form = (await look(pol.session, "/console/policies")).form("/backtests")
        for days in ("0", "367", "many", ""):
            bad = await send(pol.session, form, days=days)
            assert (bad.status, "`days` is" in bad.words) == (400, True), days
        begun = await send(pol.session, form, policy="active/us-ai-diffusion", days="7")
        found = await until_done(pol.session, begun)
        assert "The same decisions" in found.words
        assert "Replayed 1 of 1 (100.0%)" in found.words
        assert "1 of the 1 that these very policies made" in found.words
        (picture,) = (of["src"] for tag, of in found.elements if tag == "img")
        async with pol.session.get(str(picture)) as response:
            assert (response.status, response.headers["content-type"][:13]) == (200, "image/svg+xml")
        assert (await look(pol.session, "/console/policies/backtests/job_none")).status == 404
    assert held.decision_id


async def test_a_shadow_is_reported(gate: Gate) -> None:
    """What a candidate would have decided otherwise is added up; one that nobody asked has no page."""
    each = Disagreement(
        candidate="shadow_1",
        digest="ab" * 32,
        decision_id="dec_1",
        at=datetime.now(UTC),
        facts_digest="cd" * 32,
        old=Outcome.BLOCK,
        new=Outcome.ALLOW,
        old_rules=("d5<b>",),
        new_rules=(),
    )
    await gate.store.note_shadow("shadow_1", {"2026-11-27": 7}, [each])
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/policies/shadow/shadow_1")
        for words in ("1 of 7 decisions differ: 1 more lenient, 0 stricter, 0 failed", "block to allow: 1", "d5<b>: 1"):
            assert words in page.words, words
        assert "d5<b>" not in page.source
        assert (await look(vi.session, "/console/policies/shadow/none")).status == 404


async def test_each_page_asks_for_its_own_permission(gate: Gate) -> None:
    """A service reads policies, and is told what it lacks elsewhere."""
    async with browsers(gate, app=interface_app) as (serv,):
        await serv.sign_in("serv")
        assert (await look(serv.session, "/console/policies")).status == 200
        page = await look(serv.session, "/console/people")
        assert (page.status, "“access:manage” is missing" in page.words) == (403, True)
