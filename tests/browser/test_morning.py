"""A reviewer's morning, from the call that was held to the same call that passes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Page, expect

from .chrome import Visitor, hindrances
from .world import ACCOUNTS, World

CUSTOMER = "Qasr Compute FZ-LLC"


def test_a_held_call_is_asked_about_proposed_approved_and_passes(gate: World, comes: Callable[..., Visitor]) -> None:
    """One person takes the case, reads it, asks the customer and proposes; another approves; the call passes once."""
    # 1. boto3's call is held, and the cloud sees nothing of it.
    with pytest.raises(ClientError, match="a person will look"):
        gate.trains("qasr")
    assert gate.jobs("qasr") == 0

    # 2. The first person signs in and takes what is most urgent, until it is this one.
    ana = comes()
    page = ana.signs_in("ana")
    _take_case_of_qasr(page)
    case = page.url

    # 3. It is read: who, what, why, where from.
    main = page.get_by_role("main")
    for words in (CUSTOMER, "red-flag-28", "CreateTrainingJob", "United Arab Emirates", ACCOUNTS["qasr"], "4000 x"):
        expect(main).to_contain_text(words)
    assert hindrances(page, scheme="light") == []
    page.keyboard.press("d")
    expect(page.locator("#decide")).to_be_in_viewport()

    # 4. The customer is asked, and answers in a browser of its own.
    page.get_by_role("button", name="Make a link").click()
    _answer(comes(), page.get_by_label("Link").input_value())

    # 5. The answers are on the page; the first person proposes, and cannot approve.
    page.goto(case)
    expect(page.get_by_role("main")).to_contain_text("drug discovery")
    proposal = page.locator("#step-propose")
    proposal.get_by_label("approve", exact=True).check()
    proposal.get_by_label("Why").fill("the customer says where the weights stay")
    proposal.get_by_role("button").click()
    expect(page.get_by_role("main")).to_contain_text("ana proposed to approve")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)

    # 6. Another person finds it among what waits for a second one, by keys alone, and approves.
    bo = comes(scheme="dark")
    page = bo.signs_in("bo")
    page.get_by_role("link", name="For a second person").click()
    expect(page.get_by_role("cell", name=ACCOUNTS["qasr"])).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(case)
    assert hindrances(page, scheme="dark") == []
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("approved")

    # 7. The same call passes, once, and the record of the morning verifies.
    gate.trains("qasr")
    assert gate.jobs("qasr") == 1
    with pytest.raises(ClientError, match="a person will look"):
        gate.trains("qasr")
    command = [sys.executable, "-m", "kyc_gate", "audit", "verify", "--config", str(gate.config)]
    verified = subprocess.run(command, capture_output=True, check=False)
    assert verified.returncode == 0, verified.stderr


def _take_case_of_qasr(page: Page) -> None:
    for _ in range(4):
        page.goto(page.url.partition("/console")[0] + "/console/cases")
        page.get_by_role("button", name="Take the next case").click()
        expect(page.get_by_role("button", name="Make a link")).to_be_visible()
        if CUSTOMER in page.get_by_role("main").inner_text():
            return
    raise AssertionError("the case was not among the next ones")


def _answer(customer: Visitor, path: str) -> None:
    """Fill in the questionnaire as the customer, who reads nothing of the case there."""
    page = customer.goes(path)
    assert hindrances(page, scheme="light") == []
    assert "red-flag" not in page.content()
    page.get_by_label("What will the computing capacity be used for?").fill("drug discovery")
    page.get_by_label("Who will use it, and where are they?").fill("our own staff, United Arab Emirates")
    for question, answer in (
        ("Will an artificial-intelligence model be trained", "Yes"),
        ("Will the model's weights be published?", "No"),
        ("Do you intend to export or re-export", "No"),
    ):
        page.get_by_role("group", name=question).get_by_label(answer, exact=True).check()
    page.get_by_label("Your name and position").fill("N. Qasr, engineer")
    page.get_by_role("button", name="Send the answers").click()
    expect(page.get_by_role("main")).not_to_contain_text("Send the answers")
