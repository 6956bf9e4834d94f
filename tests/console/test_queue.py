"""The queue of cases."""

from __future__ import annotations

from api.browser import browsers
from api.test_cases import large

from console.html_page import look
from kyc_gate import Gate
from kyc_gate.console.app import interface_app


async def test_a_held_request_is_in_the_queue_but_for_its_own_customer(gate: Gate) -> None:
    """What waits is shown with its severity and amount; a person of the same customer sees nothing."""
    held = await gate.decide(large())
    async with browsers(gate, 2, app=interface_app) as (ana, own):
        await ana.sign_in("ana")
        await own.sign_in("own")
        page = await look(ana.session, "/console/cases")
        assert str(held.case_id) in page.words
        assert "CreateTrainingJob" in page.words
        assert str(held.case_id) not in (await look(own.session, "/console/cases")).words
