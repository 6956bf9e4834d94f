"""The queue of cases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from api.browser import browsers
from api.test_cases import large
from storage import samples

from console.conftest import enter
from console.html_page import look, send
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.console.paging import ROWS


async def opened(gate: Gate, number: int, **changes: object) -> str:
    """Open a case, and return its id."""
    about = {
        "fingerprint": f"{number:064x}",
        "family": f"family-{number}",
        "control_group": f"group:{number}",
        "at": gate.now(),
        "due_at": gate.now() + timedelta(days=3),
        **changes,
    }
    opening = samples.case_opening(f"dec_{number}", **about)
    return (await gate.store.append(samples.decision_entry(f"dec_{number}", case=opening))).case_id or ""


async def test_a_held_request_is_in_the_queue_but_for_its_own_customer(gate: Gate) -> None:
    """What waits is shown with its severity and amount; a person of the same customer sees nothing."""
    held = await gate.decide(large())
    async with browsers(gate, 2, app=interface_app) as (ana, own):
        await enter(gate, ana=ana, own=own)
        page = await look(ana.session, "/console/cases")
        assert f"/console/cases/{held.case_id}" in page.links
        assert "CreateTrainingJob" in page.words
        page = await look(own.session, "/console/cases")
        assert f"/console/cases/{held.case_id}" not in page.links
        assert "No case is here" in page.words


async def test_filters_are_a_form_and_an_address(gate: Gate) -> None:
    """Each filter narrows the queue, without a script, and the address that comes of it shows the same again."""
    first = await opened(gate, 1, severity="high", account="aws:111", party_id="lark")
    second = await opened(gate, 2, severity="low", account="aws:222", due_at=samples.NOW - timedelta(hours=1))
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)

        async def shown(**filters: str) -> list[str]:
            page = await look(ana.session, "/console/cases")
            found = await send(ana.session, page.form("/console/cases"), **filters)
            assert found.status == 200, found.words
            return [link.rpartition("/")[2] for link in found.links if link.startswith("/console/cases/case_")]

        assert await shown() == [first, second]
        assert await shown(order="due") == [second, first]
        assert await shown(order="newest") == [second, first]
        assert await shown(severity="low") == [second]
        assert await shown(family="family-1") == [first]
        assert await shown(text="222") == [second]
        assert await shown(text="aws:1") == [first]
        assert await shown(text="%") == []
        assert await shown(text="' UNION SELECT 1--") == []
        assert await shown(assignee="ana") == []
        assert await shown(state="open") == [first, second]
        assert await shown(state="approved") == []
        await gate.store.sweep_cases(samples.NOW)
        assert await shown(overdue="true") == [second]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("order=password", id="order"),
        pytest.param("page=-1&limit=10000000", id="unknown-parameters"),
        pytest.param("state=gone", id="state"),
        pytest.param("severity=worst", id="severity"),
        pytest.param("overdue=maybe", id="overdue"),
        pytest.param("text=a&text=b", id="twice"),
        pytest.param(f"text={'x' * 501}", id="long"),
    ],
)
async def test_what_no_filter_is_is_told(gate: Gate, query: str) -> None:
    """An order, a state or a parameter that there is none of is a page that says so, and no error of the gate."""
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        page = await look(ana.session, f"/console/cases?{query}")
        assert (page.status, "not understood" in page.words) == (400, True)


async def test_pages_follow_one_another(gate: Gate) -> None:
    """A page has so many rows; the next begins behind its last, and those of one's own customer make no gap."""
    for number in range(ROWS + 5):
        await opened(gate, number, party_id="emirate" if number % 2 else "other")
    async with browsers(gate, 2, app=interface_app) as (ana, own):
        await enter(gate, ana=ana, own=own)
        first = await look(ana.session, "/console/cases")
        rows = [link for link in first.links if "/case_" in link and "?" not in link]
        (following,) = {link for link in first.links if "after=" in link}
        rest = await look(ana.session, following)
        rows += [link for link in rest.links if "/case_" in link and "?" not in link]
        assert (len(rows), len(set(rows))) == (ROWS + 5, ROWS + 5)
        assert not [link for link in rest.links if "after=" in link]
        theirs = await look(own.session, "/console/cases")
        assert len([link for link in theirs.links if "/case_" in link]) == (ROWS + 5 + 1) // 2


async def test_take_next_is_one_button_and_gives_each_case_once(gate: Gate) -> None:
    """Two people who press it get two cases; then nothing waits, and the page says so. A viewer has no button."""
    await opened(gate, 1)
    await opened(gate, 2)
    async with browsers(gate, 3, app=interface_app) as (ana, bo, vi):
        await enter(gate, ana=ana, bo=bo, vi=vi)
        form = (await look(ana.session, "/console/cases")).form("/cases/next")
        async with ana.session.post(form.action, data=form.fields, allow_redirects=False) as response:
            first = response.headers["location"]
        form = (await look(bo.session, "/console/cases")).form("/cases/next")
        async with bo.session.post(form.action, data=form.fields, allow_redirects=False) as response:
            assert response.headers["location"] not in ("", first)
        done = await send(bo.session, form)
        assert "No case waits for you" in done.words
        assert not (await look(vi.session, "/console/cases")).has_form("/cases/next")
        async with vi.session.post("/console/cases/next", data={"csrf": vi.csrf}) as response:
            assert (response.status, "cases:work" in await response.text()) == (403, True)


async def test_a_view_is_saved_found_again_and_dropped(gate: Gate) -> None:
    """Filters are kept under a name for the person alone, and only what is a filter is kept."""
    await opened(gate, 1, severity="high")
    async with browsers(gate, 2, app=interface_app) as (ana, bo):
        await enter(gate, ana=ana, bo=bo)
        page = await look(ana.session, "/console/cases", severity="high", order="due")
        page = await send(ana.session, page.form("/cases/views"), name="<b>night</b>")
        assert "<b>night</b>" in page.words
        assert "/console/cases?order=due&severity=high" in page.links
        assert "night" not in (await look(bo.session, "/console/cases")).words
        refused = await send(ana.session, page.form("/cases/views"), name="x", filters="severity=high&evil=1")
        assert refused.status == 400
        page = await send(ana.session, page.form("/cases/views/drop"), name="<b>night</b>")
        assert "night" not in page.words
