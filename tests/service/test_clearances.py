"""A resemblance that two people settled: until either side changes, and never over a rule that is not overridable."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gates import PARTIES, company, make_gate
from msgspec.structs import replace

from kyc_gate import Gate, Outcome
from kyc_gate.audit.retention import Periods
from kyc_gate.decide.decision import CLEARED
from kyc_gate.errors import CaseError
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.access import local_actor
from kyc_gate.model.case import Disposition
from kyc_gate.model.case_steps import Step
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind
from kyc_gate.model.listing import Address, Details, Identifier, ListEntry
from kyc_gate.model.party import Account, Alias, Party, PartyKind
from kyc_gate.model.record import plain
from kyc_gate.service.clearing import form_of
from kyc_gate.service.rearming import rearm_clearances
from kyc_gate.storage import clearances

ANA, BO = local_actor("ana"), local_actor("bo")
ENTRY = ListEntry(list="UVL", id="7", name="Kestrel Optical Computing", kind=PartyKind.COMPANY)
KESTREL = replace(company("kestrel", "Norway"), name="Kestrel Optics Computing")
OTHERWISE: dict[str, Any] = {
    "name": "Kestrel Optical Computing Ltd",
    "aliases": (Alias(name="Kestrel"),),
    "kind": PartyKind.UNKNOWN,
    "countries": ("NO",),
    "programs": ("NPWMD",),
    "identifiers": (Identifier(kind="registration", value="999888777"),),
    "addresses": (Address(city="Bergen"),),
    "birth_dates": ("1975",),
    "nationalities": ("NO",),
    "websites": ("kestrel.example",),
    "start_date": "2026-01-01",
    "end_date": "2026-12-31",
    "details": Details(citation="91 FR 1"),
}
SMALL = ProvisioningRequest(
    provider="generic",
    service="compute",
    operation="CreateTrainingJob",
    kind=RequestKind.CREATE,
    lines=(Accelerators(model="H100 SXM", count=8),),
    duration_seconds=86_400,
    caller=Caller(account="acct-kestrel", verified=True),
    fingerprint="f" * 64,
)


async def gate_with(folder: Path, entry: ListEntry, party: Party = KESTREL) -> Gate:
    """Return a gate, open, whose one list names `entry`, with `party` on file."""
    gate = make_gate(folder)
    gate._seed = (
        (*PARTIES, party),
        (*gate._seed[1], Account(provider="generic", id="acct-kestrel", party_id=party.id)),
    )
    await gate.open()
    await listed(gate, entry)
    return gate


async def listed(gate: Gate, entry: ListEntry) -> None:
    """Activate a list of one entry."""
    reading = ListReading(name="test", format="test", entries=(entry,), problems=(), as_of=gate.now())
    await gate.activate(merge([reading]))


async def cleared(gate: Gate, entry: ListEntry, **more: Any) -> str:
    """Have two people clear what the party resembles, and return the clearance's id."""
    held = await gate.decide(SMALL)
    assert held.outcome is not Outcome.ALLOW
    assert held.case_id is not None
    pairs = await gate.pairs(held.case_id, [f"{entry.list}/{entry.id}"])
    work, false = gate.casework, Disposition.FALSE_POSITIVE
    of: dict[str, Any] = {"note": "a lens maker", "seen": 1, "disposition": false, "clear": pairs, **more}
    await work.propose(ANA, held.case_id, Step.APPROVE, **of)
    (clearance,) = (await work.approve(BO, held.case_id, note="seen", seen=2)).clearances
    gate._standings.forget()
    return clearance.id


def findings(admission: Any) -> dict[str, Any]:
    """The findings of a decision, by rule."""
    return {finding.rule: finding for finding in admission.decision.findings}


async def test_what_was_cleared_passes_and_the_decision_says_so(tmp_path: Path) -> None:
    """After the clearance another request passes without a grant; replayed, its facts give the same decision."""
    gate = await gate_with(tmp_path, ENTRY)
    try:
        clearance = await cleared(gate, ENTRY)
        passed = await gate.decide(replace(SMALL, fingerprint="e" * 64))
        assert passed.outcome is Outcome.ALLOW
        told = findings(passed)[CLEARED]
        assert (told.covered_by, told.counts) == (clearance, False)
        assert all(word in told.reason for word in ("ana", "bo", "UVL 7", "settled"))
        record = await gate.store.fetch_decision(passed.decision_id or "")
        assert record is not None
        assert record["facts"]["cleared"][0]["clearance"] == clearance
        chain = str([plain(each) async for each in gate.store.records()])
        assert "clearances" in chain
    finally:
        await gate.close()


async def test_a_decision_on_a_clearance_is_kept_as_long_as_the_list_asks(tmp_path: Path) -> None:
    """What passes since an entry of the SDN List was cleared is kept for ten years, like what was held for it."""
    entry = ListEntry(list="SDN", id="7", name="Kestrel Options Computing", kind=PartyKind.COMPANY)
    gate = await gate_with(tmp_path, entry)
    try:
        await cleared(gate, entry)
        passed = await gate.decide(replace(SMALL, fingerprint="e" * 64))
        assert CLEARED in findings(passed)
        six_years = gate.now() + timedelta(days=6 * 366)
        await gate.store.erase_due(Periods(), by="dpo", because="time is over", at=six_years)
        kept = await gate.store.fetch_decision(passed.decision_id or "")
        assert kept is not None
        assert "facts" in kept
    finally:
        await gate.close()


@pytest.mark.parametrize("side", ["party", "entry", "time", "ended"])
async def test_a_clearance_ends_with_what_it_was_of(tmp_path: Path, side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the party, of the entry, the expiry, or a person's word: the resemblance counts again."""
    gate = await gate_with(tmp_path, ENTRY)
    try:
        clearance = await cleared(gate, ENTRY)
        if side == "party":
            await gate.store.save_directory([replace(KESTREL, address="1 Harbour Road")], [])
        elif side == "entry":
            await listed(gate, replace(ENTRY, countries=("NO",)))
        elif side == "ended":
            own = replace(ANA, parties=("kestrel",))
            assert await gate.casework.clearances(own) == ()
            with pytest.raises(CaseError, match="no clearance"):
                await gate.casework.end_clearance(own, clearance, note="mine")
            await gate.casework.end_clearance(ANA, clearance, note="they merged")
            ended = [each async for each in gate.store.records() if each["type"] == "clearance.ended"]
            assert [(each["reviewer"], each["via"]) for each in ended] == [("ana", "cli")]
        else:
            later = gate.now() + timedelta(days=181)
            monkeypatch.setattr(gate, "now", lambda: later)
            await listed(gate, ENTRY)
        gate._standings.forget()
        again = await gate.decide(replace(SMALL, fingerprint="e" * 64))
        assert again.outcome is not Outcome.ALLOW
        assert CLEARED not in findings(again)
        if side in ("party", "entry"):
            assert await rearm_clearances(gate) == (clearance,)
            assert await rearm_clearances(gate) == ()
            assert [case.party_id for case in await gate.store.fetch_cases() if not case.waiting] == ["kestrel"]
    finally:
        await gate.close()


@pytest.mark.parametrize("field", sorted(set(ListEntry.__struct_fields__) - {"list", "id"}))
def test_any_change_of_the_entry_ends_a_clearance(field: str) -> None:
    """Whatever the publisher says otherwise of the entry, remarks and programmes included, it is another one."""
    assert form_of(replace(ENTRY, **{field: OTHERWISE[field]})) != form_of(ENTRY)


async def test_a_clearance_ends_when_the_publisher_says_more(tmp_path: Path) -> None:
    """A new remark that links the entry to the party has the resemblance counted again."""
    gate = await gate_with(tmp_path, ENTRY)
    try:
        clearance = await cleared(gate, ENTRY)
        remark = Details(remarks="Linked To: KESTREL OPTICS COMPUTING, Norway", parents=("Kestrel Optics Computing",))
        await listed(gate, replace(ENTRY, details=remark))
        gate._standings.forget()
        again = await gate.decide(replace(SMALL, fingerprint="e" * 64))
        assert again.outcome is not Outcome.ALLOW
        assert CLEARED not in findings(again)
        assert await rearm_clearances(gate) == (clearance,)
    finally:
        await gate.close()


def test_what_a_party_uses_it_for_ends_no_clearance() -> None:
    """The checks of its file and its end use are judged by rules of their own, and change nobody's name."""
    for changed in ({"verified": True}, {"military_end_use": False}, {"wmd_end_use": False}):
        assert form_of(replace(KESTREL, **changed)) == form_of(KESTREL)


async def test_a_clearance_lifts_no_rule_that_is_not_overridable(tmp_path: Path) -> None:
    """A match of the SDN List blocks as before, whatever two people said of it, and the finding says so."""
    entry = ListEntry(list="SDN", id="9", name="Kestrel Optics Computing", kind=PartyKind.COMPANY)
    gate = await gate_with(tmp_path, entry)
    try:
        blocked = await gate.decide(SMALL)
        assert blocked.outcome is Outcome.BLOCK
        assert blocked.case_id is not None
        (pair,) = await gate.pairs_of("kestrel")
        opening = await gate.decide(replace(SMALL, caller=Caller(account="acct-nobody", verified=True)))
        assert opening.case_id is not None
        clearance = Clearance(
            id="clear_1",
            pair=pair,
            reason="x",
            case_id=opening.case_id,
            proposed_by="ana",
            approved_by="bo",
            at=gate.now(),
            expires_at=gate.now() + timedelta(days=1),
        )
        await gate.store._write(lambda connection: clearances._insert(connection, clearance))  # type: ignore[attr-defined]
        gate._standings.forget()
        still = await gate.decide(replace(SMALL, fingerprint="e" * 64))
        assert still.outcome is Outcome.BLOCK
        told = [finding.reason for finding in still.decision.findings if finding.rule == CLEARED]
        assert any("not honoured over sdn-match" in reason for reason in told)
        assert {finding.rule for finding in blocked.decision.counting} == {
            finding.rule for finding in still.decision.counting
        }
    finally:
        await gate.close()
