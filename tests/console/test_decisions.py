"""Decisions: found, shown, explained, and kept from whoever may not see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from api.browser import browsers
from api.test_cases import large

from console.html_page import look, send
from kyc_gate import Gate
from kyc_gate.audit.retention import Periods
from kyc_gate.console.app import interface_app
from kyc_gate.model.party import Party


async def test_a_decision_is_found_and_shown_with_what_it_rests_on(gate: Gate) -> None:
    """The search leads to the page: findings with citations, facts with what was unknown, and the place on record."""
    held = await gate.decide(large())
    other = await gate.decide(large("acct-norge", "a" * 64))
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/decisions")
        assert held.decision_id in page.words
        assert other.decision_id in page.words
        found = await send(vi.session, page.form("/decisions"), account="generic:acct-emirate", outcome="escalate")
        assert held.decision_id in found.words
        assert other.decision_id not in found.words
        assert f"/console/decisions/{held.decision_id}" in found.links
        shown = await look(vi.session, "/console/decisions", id=held.decision_id)
        assert shown.status == 200
        for words in (
            "escalate and acted: refuse",
            "red-flag-28",
            "US-AIDR-04",
            "acct-emirate proved",
            "20000 × H100 SXM",
            "Emirate Computing",
            str(held.case_id),
            f"Position {held.position}",
            "customer.headquarters AE",
            "five countries",
            "frontier_operations 1e+26",
        ):
            assert words in shown.words, words
        assert f"/console/audit/records/{held.position}" in shown.links
        assert "/console/runbooks/red-flag-28" in shown.links


async def test_each_filter_narrows_and_bad_ones_are_named(gate: Gate) -> None:
    """A filter that finds nothing says so, and one that cannot be read names its field and what to write."""
    held = await gate.decide(large())
    day = gate.now().date()
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        for filters in (
            {"rule": "red-flag-28", "party": "emirate", "provider": "generic"},
            {"operation": "CreateTrainingJob", "since": str(day - timedelta(days=1)), "until": str(day)},
            {"account": "acct-emirate", "since": f"{day}T00:00:00Z"},
        ):
            assert held.decision_id in (await look(vi.session, "/console/decisions", **filters)).words, filters
        for filters in ({"rule": "none"}, {"until": str(day - timedelta(days=1))}, {"party": "norge"}):
            assert "Nothing is here" in (await look(vi.session, "/console/decisions", **filters)).words, filters
        for filters, said in (
            ({"outcome": "maybe"}, "`outcome` is `maybe`; it is one of allow, escalate, block"),
            ({"since": "yesterday"}, "`since` is `yesterday`; write a day such as"),
            ({"until": "2026-11-27T09:00:00"}, "`until` is `2026-11-27T09:00:00`"),
            ({"since": "9999-99-99"}, "`since` is"),
            ({"until": "9999-12-31"}, "`until` is"),
            ({"after": "7;"}, "`after` is `7;`"),
            ({"colour": "red"}, "Unknown parameter `colour`"),
            ({"account": "x" * 501}, "`account` has 501 characters"),
        ):
            page = await look(vi.session, "/console/decisions", **filters)
            assert (page.status, said in page.source.replace("&#39;", "'")) == (400, True), filters


async def test_pages_of_decisions_follow_one_another(gate: Gate) -> None:
    """Sixty decisions are two pages, and the filter stays in the address of the second."""
    ids = [(await gate.decide(large("acct-norge", f"{n:064}"), dry_run=True)).decision_id for n in range(60)]
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/decisions", party="norge")
        (following,) = (link for link in page.links if "after=" in link)
        assert "party=norge" in following
        second = await look(vi.session, following)
        seen = [id for one in (page, second) for id in reversed(ids) if id in one.words]
        assert seen == list(reversed(ids))
        assert "/console/decisions?party=norge" in second.links


async def test_a_person_sees_nothing_of_their_own_customer(gate: Gate) -> None:
    """Search, page and explanation hide decisions on the viewer's own customer, as if there were none."""
    held = await gate.decide(large())
    other = await gate.decide(large("acct-norge", "a" * 64))
    async with browsers(gate, app=interface_app) as (own,):
        await own.sign_in("own")
        page = await look(own.session, "/console/decisions")
        assert held.decision_id not in page.source
        assert other.decision_id in page.words
        for path in (f"/decisions?id={held.decision_id}", f"/decisions/{held.decision_id}"):
            hidden = await look(own.session, f"/console{path}")
            none = await look(own.session, f"/console{path.replace(held.decision_id, 'dec_none')}")
            assert hidden.status == none.status == 404
            assert hidden.words.replace(held.decision_id, "dec_none") == none.words
        assert (await look(own.session, f"/console/decisions/{held.decision_id}/explanation")).status == 404


async def test_only_those_who_may_read_decisions(gate: Gate) -> None:
    """Nobody without a session, and no unknown id, gets anything; a service may not see parties' names."""
    held = await gate.decide(large())
    async with browsers(gate, 2, app=interface_app) as (serv, nobody):
        await serv.sign_in("serv")
        page = await look(serv.session, f"/console/decisions/{held.decision_id}")
        assert page.status == 200
        assert "Emirate Computing" not in page.source
        assert "not shown: it needs the permission to read parties" in page.words
        why = await look(serv.session, f"/console/decisions/{held.decision_id}/explanation")
        assert why.status == 200
        assert "Emirate Computing" not in why.source
        assert (await look(serv.session, "/console/decisions/dec_none")).status == 404
        assert (await look(nobody.session, f"/console/decisions/{held.decision_id}")).has_form("/sign-in")


async def test_a_decision_is_explained_part_by_part(gate: Gate) -> None:
    """The explanation names what each part of a condition came to, and what would change the outcome."""
    held = await gate.decide(large())
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, f"/console/decisions/{held.decision_id}/explanation")
        assert page.status == 200
        assert "It would be" in page.words
        assert "red-flag-28: escalate" in page.words
        assert "customer.headquarters = AE" in page.words
        assert "have changed since" not in page.words


async def test_what_was_erased_shows_as_erased(gate: Gate) -> None:
    """Outcome, rules and place stay; whom it was about, and why, is said to be erased, and cannot be explained."""
    held = await gate.decide(large())
    later = gate.now() + timedelta(days=11 * 366)
    assert await gate.store.erase_due(Periods(), by="op", because="time", at=later) >= 1
    async with browsers(gate, 2, app=interface_app) as (vi, own):
        await vi.sign_in("vi")
        await own.sign_in("own")
        page = await look(vi.session, f"/console/decisions/{held.decision_id}")
        assert "Account erased" in page.words
        assert "Rules that counted: red-flag-28" in page.words
        assert "acct-emirate" not in page.source
        assert "Emirate" not in page.source
        assert "erased" in (await look(vi.session, "/console/decisions")).words
        why = await look(vi.session, f"/console/decisions/{held.decision_id}/explanation")
        assert (why.status, "was erased" in why.words) == (410, True)
        assert (await look(own.session, f"/console/decisions/{held.decision_id}")).status == 404


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "Evil \u202e\u0007 Ltd", "{{ 7 * 7 }}"])
async def test_names_are_text(gate: Gate, name: str) -> None:
    """Markup in a name is text, and what turns a line around is an escape."""
    party = Party(id="odd<b>", name=name, headquarters="United Arab Emirates", verified=True)
    made = await gate.decide(large(), party=party)
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        for path in (f"/decisions/{made.decision_id}", f"/decisions/{made.decision_id}/explanation", "/decisions"):
            page = await look(vi.session, f"/console{path}")
            assert page.status == 200
            assert "<script>alert" not in page.source
            assert "<b>" not in page.source.replace("<b>vi</b>", "")
            assert "\u202e" not in page.source
            assert "\u0007" not in page.source
        shown = (await look(vi.session, f"/console/decisions/{made.decision_id}")).words
        assert name.replace("\u202e", "\\u202e").replace("\u0007", "\\x07") in shown
