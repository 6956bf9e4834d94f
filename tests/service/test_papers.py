"""Papers over a real gate's store: what is on record is in them, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from gates import company, make_gate
from msgspec.structs import replace

from kyc_gate import Gate
from kyc_gate.audit.checkpoint import new_signer
from kyc_gate.audit.proof import check_proof
from kyc_gate.audit.retention import Periods
from kyc_gate.errors import AccessDenied
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.access import Actor, local_actor
from kyc_gate.model.case import Disposition
from kyc_gate.model.case_steps import Step
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind, Workload
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Account, PartyKind
from kyc_gate.model.usage import RunEnd
from kyc_gate.reports.page import render_paper
from kyc_gate.reports.paper import ERASED, Paper

ANA, BO = local_actor("ana"), local_actor("bo")
ENTRY = ListEntry(list="SDN", id="7", name="Kestrel Options Computing", kind=PartyKind.COMPANY)
KESTREL = replace(company("kestrel", "Norway"), name="Kestrel <Optics> Computing", address="1 Quay, Bergen")
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
ANSWERS = {
    "end_use": "lens design",
    "end_users": "our own staff, Norway",
    "trains_model": "yes",
    "weights_published": "no",
    "exports_weights": "not_known",
    "answered_by": "K. Kestrel",
}


@pytest_asyncio.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    """A gate whose one list names somebody like the party `kestrel`."""
    made = make_gate(tmp_path)
    parties, accounts = made._seed
    nowhere = replace(company("nowhere", "Norway"), headquarters=None)
    made._seed = (
        (*parties, KESTREL, nowhere),
        (*accounts, Account(provider="generic", id="acct-kestrel", party_id="kestrel")),
    )
    async with made:
        reading = ListReading(name="test", format="test", entries=(ENTRY,), problems=(), as_of=made.now())
        await made.activate(merge([reading]))
        yield made


def table(paper: Paper, title: str) -> list[dict[str, str | None]]:
    """The rows of the one table whose title ends so."""
    (found,) = [each for each in paper.tables if each.title.endswith(title)]
    return [dict(zip(found.header, row, strict=True)) for row in found.rows]


def answer(paper: Paper, label: str) -> str | None:
    (found,) = {field.value for section in paper.sections for field in section.fields if field.label == label}
    return found


async def worked(gate: Gate) -> str:
    """A case with a paper, a questionnaire that was answered, a proposal and an approval; its id."""
    held = await gate.decide(SMALL)
    case_id = str(held.case_id)
    work = gate.casework
    await work.take(ANA, case_id)
    await work.attach(ANA, case_id, "deed.pdf", b"a deed", note="from the register")
    sent = await work.ask(ANA, case_id)
    await work.answer(sent.path.rpartition("/")[2], ANSWERS)
    case = await work.case(ANA, case_id)
    assert case is not None
    pairs = await gate.pairs(case_id, ["SDN/7"])
    case = await work.propose(
        ANA,
        case_id,
        Step.APPROVE,
        note="makes lenses",
        seen=case.version,
        disposition=Disposition.FALSE_POSITIVE,
        clear=pairs,
    )
    await work.approve(BO, case_id, note="agreed", seen=case.version)
    return case_id


async def test_the_file_of_a_case_holds_all_of_it(gate: Gate) -> None:
    """Requests, findings, countries, matches, answers, attachments, history, grants, clearances and proofs."""
    case_id = await worked(gate)
    signer = new_signer("kyc.example/gate")
    await gate.store.sign_checkpoint(signer)
    paper = await gate.papers.case_file(ANA, case_id, explain=True)
    assert paper is not None
    assert paper.draft
    assert paper.basis.policies == ("us-in-force@1", "us-ai-diffusion@1")
    assert paper.basis.snapshot == gate.snapshot.digest  # type: ignore[union-attr]
    assert answer(paper, "state") == "approved"
    assert answer(paper, "proposed by") is not None
    assert answer(paper, "decided by") == "bo"
    assert answer(paper, "What will the computing capacity be used for?") == "lens design"
    assert answer(paper, "Will the model's weights be published?") == "No"
    assert answer(paper, "Which model, and which model does it start from?") == "left empty"
    (request,) = table(paper, "in the case")
    assert request["Operation"] == "CreateTrainingJob"
    assert any(row["Rule"] == "sdn-resemblance" or "SDN" in str(row["Reason"]) for row in table(paper, ": findings"))
    places = {row["Which"]: row["Country"] for row in table(paper, "five countries")}
    assert places["headquarters"] == "NO"
    assert places["data centre"] is None
    assert table(paper, "what it resembles")[0]["List"] == "SDN"
    (match,) = table(paper, "of kestrel, explained")
    assert match["Listed name"] == ENTRY.name
    assert "kestrel" in str(match["Word by word"]).casefold()
    assert [row["Step"] for row in table(paper, "History")] == ["take", "attach", "ask", "answer", "propose", "approve"]
    assert {row["By"] for row in table(paper, "History")} == {"ana", "bo", "customer"}
    (deed,) = table(paper, "Attachments")
    assert deed["Name"] == "deed.pdf"
    assert deed["Content"] == "on file, unchanged"
    assert table(paper, "Grants")[0]["Given by"] == "bo"
    (clearance,) = table(paper, "Clearances of its parties")
    assert (clearance["Proposed by"], clearance["Approved by"]) == ("ana", "bo")
    facts = {row["Fact"]: row["Value"] for row in table(paper, "every fact")}
    assert facts["customer.name"] == KESTREL.name
    assert facts["customer.reseller"] is None
    (placed,) = table(paper, "The record")
    (proof,) = table(paper, "Proofs of inclusion")
    record = await gate.store.fetch_record(int(str(placed["Position"])))
    assert record is not None
    assert record.hash == placed["SHA-256 of the record"]
    assert check_proof(str(proof["C2SP tlog-proof"]), record.body, [signer.verifier]).size >= record.position
    assert KESTREL.name not in render_paper(paper)


async def test_what_was_erased_is_told_as_erased(gate: Gate) -> None:
    """After the time of a record is over its paper tells rules, place and hash, and that the rest is erased."""
    case_id = await worked(gate)
    decision_id = (await gate.store.fetch_case(case_id)).decision_ids[0]  # type: ignore[union-attr]
    later = gate.now() + timedelta(days=11 * 366)
    await gate.store.release((await gate.store.fetch_decision(decision_id) or {})["hold_id"])  # type: ignore[arg-type]
    assert await gate.store.erase_due(Periods(), by="dpo", because="time is over", at=later)
    paper = await gate.papers.case_file(ANA, case_id)
    assert paper is not None
    assert {row["Reason"] for row in table(paper, ": findings")} == {ERASED}
    assert any("erased" in remark for remark in paper.remarks)
    blocking = await gate.papers.blocking(ANA, decision_id)
    assert blocking is not None
    assert answer(blocking, "target whose property is blocked") == ERASED
    assert KESTREL.name not in str(blocking)


async def test_an_attachment_that_was_changed_is_not_on_file(gate: Gate, tmp_path: Path) -> None:
    """The file of the case does not say that a paper is unchanged that somebody wrote over."""
    import sqlite3

    case_id = await worked(gate)
    with sqlite3.connect(tmp_path / "gate.db") as connection:
        connection.execute("UPDATE attachments SET content = 'AAAA'")
    paper = await gate.papers.case_file(ANA, case_id)
    assert paper is not None
    assert table(paper, "Attachments")[0]["Content"] is None


async def test_nobody_reads_the_papers_of_their_own_customer(gate: Gate) -> None:
    """For a person of the customer there is no such case, no such decision and no such party."""
    held = await gate.decide(SMALL)
    own = local_actor("own", ("kestrel",))
    assert await gate.papers.case_file(own, str(held.case_id)) is None
    assert await gate.papers.blocking(own, str(held.decision_id)) is None
    paper, _ = await gate.papers.remote_users(own)
    assert KESTREL.name not in str(paper)
    with pytest.raises(AccessDenied):
        await gate.papers.case_file(Actor(id="nobody", permissions=frozenset()), str(held.case_id))


async def test_the_blocking_draft_tells_what_the_record_does(gate: Gate) -> None:
    """Target, transaction, lists and texts are filled; what no record holds is left for a person and named."""
    held = await gate.decide(SMALL)
    paper = await gate.papers.blocking(ANA, str(held.decision_id))
    assert paper is not None
    assert answer(paper, "target whose property is blocked") == KESTREL.name
    assert answer(paper, "its address") == "1 Quay, Bergen"
    assert answer(paper, "lists that it resembles") == "SDN"
    assert answer(paper, "what the property is") == "8 x H100 SXM"
    assert "31 CFR ch. V (US-LIST-SDN)" in str(answer(paper, "texts that the decision rests on"))
    assert answer(paper, "value in US dollars, actual or estimated") is None
    assert "Property: value in US dollars, actual or estimated" in paper.missing
    other = await gate.decide(replace(SMALL, caller=Caller(account="acct-norge", verified=True), fingerprint="a" * 64))
    clear = await gate.papers.blocking(ANA, str(other.decision_id))
    assert clear is not None
    assert any("let through" in remark or "Nothing on this record" in remark for remark in clear.remarks)
    assert await gate.papers.blocking(ANA, "dec_none") is None


async def test_remote_end_users_are_those_in_the_countries_and_those_not_ruled_out(gate: Gate) -> None:
    """A party in one of the eight countries is listed, one with an unknown country is not ruled out, others are not."""
    await gate.decide(replace(SMALL, caller=Caller(account="acct-harbin", verified=True)))
    paper, listed = await gate.papers.remote_users(ANA)
    assert [(row.user.party_id, row.standing) for row in listed] == [("harbin", "listed"), ("nowhere", "not ruled out")]
    assert listed[0].user.refused == 1
    assert "location CN" in listed[0].why
    assert "headquarters" in listed[1].why
    assert answer(paper, "countries") == "BY, CN, CU, HK, IR, KP, MO, RU, VE"
    assert answer(paper, "customers of resellers") is None


async def test_the_procedures_are_those_that_are_set_up(gate: Gate) -> None:
    """Every rule that is on is in the description with its mode, and so is each list with its age."""
    paper = await gate.papers.procedures(ANA)
    rules = {row["Rule"]: row["Mode"] for each in gate.policies for row in table(paper, f"of {each.reference}")}
    assert rules["red-flag-28"] == "enforce"
    assert [row["List"] for row in table(paper, "Active lists")] == ["SDN"]
    assert answer(paper, "how long records are kept") is not None
    assert answer(paper, "integrity") is None
    assert "Beside the gate: physical security of the data centre" in paper.missing


NORGE = replace(
    SMALL, caller=Caller(account="acct-norge", verified=True), workload=Workload.PRE_TRAINING, fingerprint="e" * 64
)


async def test_a_training_report_counts_what_ran(gate: Gate) -> None:
    """What ended early counts for what it took, what the upstream refused for nothing, and a retry once."""
    began = gate.now()
    ended, refused, goes_on = [await gate.decide(NORGE) for _ in range(3)]
    retried = [await gate.decide(replace(NORGE, idempotency_key="k")) for _ in range(2)]
    await gate.settle(refused, 403)
    run = await gate.store.fetch_run(ended.decision_id or "")
    assert run is not None
    end = RunEnd(
        ended_at=began, at=began, source="platform", hold_id=run.hold_id, started_at=began - timedelta(hours=6)
    )
    await gate.finish(end)

    report = await gate.papers.training_run(ANA, "norge")
    day = 8 * 989_400_000_000_000 * 86_400 * 33 // 100
    counted = {each.decision_id: (each.counts, each.likely) for each in report.runs}
    assert [counts for counts, _ in counted.values()] == [True, False, True, True, False]
    likely = [counted[each.decision_id or ""][1] or 0 for each in (ended, goes_on, retried[0])]
    assert [round(each / day, 3) for each in likely] == [0.25, 1.0, 1.0]
    words = {each.decision_id: each.ledger for each in report.runs}
    assert words[refused.decision_id or ""] == "given back: it never ran"
    assert words[retried[1].decision_id or ""] == f"the same run as {retried[0].decision_id}"
    paper = report.paper()
    assert answer(paper, "estimated operations").startswith(f"{sum(likely):.3e} likely")  # type: ignore[union-attr]
    assert answer(paper, "start") == (began - timedelta(hours=6)).date().isoformat()
    assert table(paper, "record")[1]["In the ledger"] == "given back: it never ran"
