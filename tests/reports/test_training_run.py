"""The draft of a training report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from kyc_gate.model.party import Access, BeneficialOwner, Owner, Party, UltimateParent
from kyc_gate.model.usage import HoldState, MeteredRun
from kyc_gate.reports.page import render_training_report
from kyc_gate.reports.paper import UNKNOWN
from kyc_gate.reports.recorded import DecidedRecord
from kyc_gate.reports.training_run import ReportedRun, TrainingReport, as_metered, training_report

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
PARTY = Party(
    id="p1", name="Testland <Research> Ltd", headquarters="Testland", ultimate_parent=UltimateParent(name="Holding")
)
RUN = ReportedRun(
    decision_id="dec_1",
    at=AT,
    outcome="allow",
    acted="pass",
    account="aws:1",
    operation="RunInstances",
    workload="pre_training",
    machines=("512 x p5.48xlarge",),
    chips=("4096 x H100 SXM (512 x p5.48xlarge)",),
    region="us-east-1",
    starts_at=AT,
    ends_at=AT + timedelta(days=30),
    likely=4 * 10**24,
    high=10**25,
    declared=None,
)


def drafted(*runs: ReportedRun, party: Party = PARTY) -> TrainingReport:
    return training_report(party, runs, None, control_group="name:holding", as_of=AT)


def answer(report: TrainingReport, label: str) -> str | None:
    (found,) = [field for section in report.sections for field in section.fields if field.label == label]
    return found.value


def test_the_draft_has_the_figures_of_runs_that_passed() -> None:
    """Operations, dates and accelerators are of runs that passed; what was refused is listed and not summed."""
    report = drafted(RUN, replace(RUN, decision_id="dec_2", outcome="block", acted="refuse"))
    assert answer(report, "estimated operations") == "4.000e+24 likely, 1.000e+25 at full peak"
    assert answer(report, "start") == "2026-11-01"
    assert answer(report, "completion") == "2026-12-01"
    assert answer(report, "model of the primary accelerators") == "4096 x H100 SXM (512 x p5.48xlarge)"
    assert [run.decision_id for run in report.runs] == ["dec_1", "dec_2"]
    assert report.due_at == AT + timedelta(days=15)
    assert report.draft


def test_machines_are_told_with_the_chips_in_them() -> None:
    """The rule asks for the model of accelerators; what the catalogue does not know stands as asked."""
    lines = [
        {"count": 2, "instance_type": "p5.48xlarge", "multiplier": 3},
        {"count": 8, "instance_type": "Standard_NV6ads_A10_v5"},
        {"count": 1, "instance_type": "p9.48xlarge"},
    ]
    record = DecidedRecord(
        decision_id="dec_1", at=AT, outcome="allow", acted="pass", rules=(), policies=(), snapshot=None, position=1,
        hash="", erased=False, request={"provider": None, "lines": lines},
    )  # fmt: skip
    shared = "1.33333 x A10 (8 x Standard_NV6ads_A10_v5)"
    assert record.chips == ("48 x H100 SXM (6 x p5.48xlarge)", shared, "1 x p9.48xlarge")


def test_a_run_without_an_end_or_a_size_is_not_rounded_away() -> None:
    """An open end leaves the completion open, and a run of unknown size is counted beside the sum."""
    report = drafted(RUN, replace(RUN, ends_at=None, likely=None, high=None))
    assert answer(report, "completion") is None
    assert answer(report, "estimated operations") == (
        "4.000e+24 likely, 1.000e+25 at full peak; 1 runs of unknown size beside"
    )


def metered(**changes: object) -> MeteredRun:
    """The run as the ledger knows it: no end so far, at 1e24 operations an hour."""
    fields = {
        "hold_id": "hold_1", "account": "aws:1", "party_id": "p1", "control_group": "g", "fingerprint": "f",
        "state": HoldState.SETTLED, "started_at": AT, "ends_at": None, "finished": False,
        "likely_rate": 10**24 // 3600, "high_rate": 3 * 10**24 // 3600,
    }  # fmt: skip
    return MeteredRun(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_run_that_outlives_its_plan_counts_for_what_it_did() -> None:
    """Machines without an end count for their projection first, and for more once they did more."""
    later = [as_metered(RUN, metered(), AT + timedelta(hours=hours)) for hours in (1, 12)]
    assert [run.likely for run in later] == [RUN.likely, 12 * 3600 * (10**24 // 3600)]
    assert [run.ends_at for run in later] == [None, None]


@pytest.mark.parametrize("state", [HoldState.RELEASED, HoldState.EXPIRED])
def test_a_run_that_was_given_back_is_listed_and_not_summed(state: HoldState) -> None:
    """What the upstream refused never ran, and no report is due for it."""
    report = drafted(as_metered(RUN, metered(state=state), AT))
    assert answer(report, "estimated operations") is None
    assert report.due_at is None
    assert len(report.runs) == 1


def test_what_is_not_on_file_is_left_to_a_person() -> None:
    """Nothing is made up: owners on file are told, and unknown ones are not `none`."""
    assert answer(drafted(RUN), "beneficial owners") is None
    owned = replace(PARTY, owners=(Owner(name="Somebody"),))
    assert answer(drafted(RUN, party=owned), "beneficial owners") == "Somebody (share unknown, direct owner)"
    assert answer(drafted(), "estimated operations") is None
    assert drafted().due_at is None


def test_what_is_on_file_is_in_the_draft() -> None:
    """Every field that proposed 7.302 asks of a customer is filled from a party whose file is complete."""
    party = replace(
        PARTY,
        trade_names=("Testland Labs",),
        address="1 Harbour Road",
        place_of_use="Testland",
        jurisdiction="Testland",
        beneficial_owners=(BeneficialOwner(name="A Person", share=Decimal("0.6")),),
        payment_sources=("card-1",),
        email="hello@testland.example",
        phone="+1 555 0100",
        access=(Access(ip="192.0.2.1", at=AT),),
    )
    report = drafted(RUN, party=party)
    customer = report.sections[0]
    assert [field.label for field in customer.fields if field.value is None] == []
    assert answer(report, "full legal name and every name doing business as") == f"{PARTY.name}; Testland Labs"
    assert answer(report, "beneficial owners") == "A Person (60.00%)"
    assert answer(report, "ultimate beneficial owner") == "A Person"
    assert answer(report, "means and source of payment") == "card-1; account aws:1"
    assert answer(report, "IP addresses of access or administration, with times") == f"192.0.2.1 at {AT.isoformat()}"


def test_the_page_is_marked_a_draft_and_escapes_names() -> None:
    """The page says that it is a draft of a rule that never took effect, and no name becomes markup."""
    page = render_training_report(drafted(RUN))
    assert "DRAFT." in page
    assert "never took effect" in page
    assert "Testland &lt;Research&gt; Ltd" in page
    assert "<Research>" not in page
    assert UNKNOWN in page
    assert "http" not in page.replace("http-equiv", "")
