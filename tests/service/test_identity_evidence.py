"""What is known of a customer, or not: each labelled scenario, decided by a real gate or refused where it is read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.cli.fields import FieldError
from kyc_gate.cli.request_input import read_party
from kyc_gate.errors import InputError
from kyc_gate.model.decision import Outcome
from kyc_gate.model.party import Account, Party, UltimateParent
from kyc_gate.service.gate import Gate
from kyc_gate.service.place_facts import read_place
from kyc_gate.service.settings import Settings
from kyc_gate.storage.gleif import load_register
from kyc_gate.storage.sqlite import SqliteStore

from .conftest import MakeGate, company, training

FRONTIER = {"chips": 20_000, "hours": 2_000}
"""A run near frontier scale, which waits for a person wherever the headquarters are not surely authorized."""

DEEPEST = 5_000
LONGEST_SECONDS = 10
"""Of the processor, for a decision on a chain of 5,000 parents."""


def _chain(length: int) -> tuple[Party, ...]:
    above = (UltimateParent(party_id=f"p{number + 1}") for number in range(length - 1))
    return tuple(
        company("p0" if number == 0 else f"p{number}", "Norway", ultimate_parent=parent)
        for number, parent in enumerate((*above, UltimateParent(name="nobody knows")))
    )


SCENARIOS: dict[str, tuple[Party, ...]] = {
    "identity_evidence-001": (),
    "identity_evidence-002": (company("p0", "Norway", vetted_until=date(2026, 11, 23)),),
    "identity_evidence-003": (company("p0", "Norway", headquarters=None),),
    "identity_evidence-005": (company("p0", "Niger"),),
    "identity_evidence-006": (company("p0", "Korea"),),
    "identity_evidence-007": (company("p0", "Georgia"),),
    "identity_evidence-009": (company("p0", "DE", payment_country="CN", ultimate_parent=None),),
    "identity_evidence-010": (
        company("p0", "Ireland", ultimate_parent=UltimateParent(name="Cotai Holding", headquarters="Macau")),
    ),
    "identity_evidence-011": (
        company("p0", "Norway", ultimate_parent=UltimateParent(party_id="p1")),
        company("p1", "Norway", ultimate_parent=UltimateParent(party_id="p0")),
    ),
    "identity_evidence-012": _chain(DEEPEST),
}
"""By row, who is on file."""

ELSEWHERE = {
    "identity_evidence-004": "five spellings, below",
    "identity_evidence-008": "a country that is no text, below",
    "identity_evidence-013": "tests/gateway/test_identity_rows.py: the header and the body must agree",
    "identity_evidence-014": "a store that does not answer, below",
    "identity_evidence-015": "pages in the place of records, below",
    "identity_evidence-016": "a record that changed, below",
}


def _labelled(folder: Path) -> Iterator[dict[str, Any]]:
    for line in (folder / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["category"] == "identity_evidence":
            yield row


def test_every_row_is_somewhere(shared_data: Path) -> None:
    """No labelled scenario is left out."""
    assert {row["id"] for row in _labelled(shared_data)} == {*SCENARIOS, *ELSEWHERE}


def _with(make_gate: MakeGate, *parties: Party) -> Gate:
    account = Account(provider="generic", id="acct-p0", party_id="p0")
    patient = Settings(decision_seconds=60)  # what is measured is the processor's time
    return make_gate(parties=parties, accounts=(account,) if parties else (), settings=patient)


@pytest.mark.parametrize("row", SCENARIOS)
async def test_what_is_not_surely_known_waits(make_gate: MakeGate, row: str) -> None:
    """A run near frontier scale of such a customer waits for a person or is blocked, with a reason, in bounded time."""
    async with _with(make_gate, *SCENARIOS[row]) as gate:
        started = time.process_time()
        admission = await gate.decide(training("p0", **FRONTIER))
        assert time.process_time() - started < LONGEST_SECONDS
    assert admission.outcome in (Outcome.ESCALATE, Outcome.BLOCK)
    assert admission.refusal is not None
    assert admission.refusal.status == 403
    assert admission.decision is not None
    assert all(finding.reason for finding in admission.decision.counting)


async def test_who_is_known_passes(make_gate: MakeGate) -> None:
    """The customer that the scenarios bend passes as it is, with the same run."""
    async with _with(make_gate, company("p0", "Norway", vetted_until=date(2026, 11, 24))) as gate:
        assert (await gate.decide(training("p0", **FRONTIER))).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("headquarters", "country", "outcome"),
    [
        ("UK", "GB", Outcome.ALLOW),
        ("Macau", "MO", Outcome.ESCALATE),
        ("Russia", "RU", Outcome.ESCALATE),
        ("Turkey", "TR", Outcome.ESCALATE),
        ("Hongkong", "HK", Outcome.ESCALATE),
    ],
)
async def test_everyday_spellings_are_read(
    make_gate: MakeGate, headquarters: str, country: str, outcome: Outcome
) -> None:
    """Spellings that ISO's tables lack are read as what they are, so that only Britain is authorized by one."""
    async with _with(make_gate, company("p0", headquarters)) as gate:
        admission = await gate.decide(training("p0", **FRONTIER))
    assert admission.outcome is outcome
    assert read_place(headquarters).country == country


def test_a_country_that_is_no_text_is_refused() -> None:
    """`NO` that YAML made false is no headquarters: the field is named, and nothing is left out in silence."""
    with pytest.raises(FieldError, match="headquarters"):
        read_party({"name": "Fjord AS", "headquarters": False}, default_id="p")


async def test_a_store_that_does_not_answer_lets_nothing_through(make_gate: MakeGate, tmp_path: Path) -> None:
    """A directory that cannot be read in time is answered with 503, and the caller is told no customer."""

    class Silent(SqliteStore):
        async def fetch_account(self, provider: str, account_id: str) -> Account | None:
            await asyncio.sleep(60)
            return None

    store = Silent(tmp_path / "silent.db")
    async with make_gate(store=store, settings=Settings(decision_seconds=0.3)) as gate:
        admission = await gate.decide(training("norge"))
    assert admission.outcome is not Outcome.ALLOW
    assert admission.refusal is not None
    assert admission.refusal.status == 503


@pytest.mark.parametrize("name", ["lei2.json", "lei2.csv", "lei2.xml"])
def test_a_page_in_the_place_of_records_is_refused(tmp_path: Path, name: str) -> None:
    """A provider that answers with a page and status 200 has given nothing: the old register stays."""
    (tmp_path / name).write_text("<!DOCTYPE html><html><body>Sign in</body></html>", encoding="utf-8")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        load_register(tmp_path / "leis.db", [tmp_path / name])
    assert not (tmp_path / "leis.db").exists()


async def test_a_decision_stays_with_what_it_saw(make_gate: MakeGate) -> None:
    """What is on record is what was decided on; when the customer moves, the next decision is another one."""
    async with make_gate(
        parties=(company("p0", "Norway"),),
        accounts=(Account(provider="generic", id="acct-p0", party_id="p0"),),
        settings=Settings(directory_seconds=0, decision_seconds=10.0),
    ) as gate:
        first = await gate.decide(training("p0", **FRONTIER))
        await gate.store.save_directory([company("p0", "China")], [])
        record = await gate.store.fetch_decision(first.decision_id or "")
        second = await gate.decide(training("p0", **FRONTIER, fingerprint="again"))
    assert record is not None
    assert record["facts"]["customer"]["headquarters"] == "NO"
    assert (first.outcome, second.outcome) == (Outcome.ALLOW, Outcome.ESCALATE)
