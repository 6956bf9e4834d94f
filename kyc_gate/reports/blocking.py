"""The draft of a report on blocked property, 31 CFR 501.603(b)(1)(ii), as far as a decision's record tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from kyc_gate.model.decision import Citation
from kyc_gate.reports.paper import ERASED, Basis, Field, Paper, Section, joined, told
from kyc_gate.reports.recorded import DecidedRecord, text_of

STATUS = (
    "31 CFR 501.603 asks whoever holds blocked property to report it to OFAC within 10 business days, through the OFAC "
    "Reporting System (89 FR 40372). Whether anything is blocked, or a transaction was rejected (31 CFR 501.604), is "
    "for counsel to say."
)
"""Citation US-OFAC-03, secondary sources; the letters of the paragraph are to be read before the report is filed."""

REPORT_DAYS = 10
"""Business days from the blocking to the report, 31 CFR 501.603(b)(1)(i)."""

CITE = "31 CFR 501.603(b)(1)(ii)"

_SDN = "SDN"


def blocking_paper(
    record: DecidedRecord, *, citations: Mapping[str, Citation], address: str | None, prepared_at: datetime
) -> Paper:
    """Return the draft for one decision. `address` is the customer's on file; `citations` those of the policies."""
    due = weekdays_after(record.at.date(), REPORT_DAYS)
    return Paper(
        kind="blocking",
        title=f"Draft report on blocked property: {record.fact('customer.name') or record.decision_id}",
        status=STATUS,
        basis=Basis(prepared_at=prepared_at, policies=record.policies, snapshot=record.snapshot),
        sections=(
            Section(title="Who reports", fields=_holder()),
            Section(title="Transaction", fields=_transaction(record)),
            Section(title="Sanctions target", fields=_target(record, address)),
            Section(title="Property", fields=_property(record)),
            Section(title="Authority and papers", fields=_authority(record, citations)),
        ),
        remarks=(
            f"Should anything have been blocked on {record.at.date()}, report it by {due}: {REPORT_DAYS} days from "
            "Monday to Friday, federal holidays counted as business days to be safe.",
            *_doubts(record),
        ),
    )


def weekdays_after(day: date, days: int) -> date:
    """Return the day that is `days` weekdays, Monday to Friday, after `day`."""
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day


def _doubts(record: DecidedRecord) -> tuple[str, ...]:
    if record.erased:
        return (f"What record {record.position} said of people was erased: their time was over.",)
    if record.acted == "pass":
        return ("The request of this decision was let through.",)
    if not _on_sdn_list(record):
        return ("Nothing on this record says that the customer, or who owns it, is on the SDN List.",)
    return ()


def _on_sdn_list(record: DecidedRecord) -> bool:
    resembles = _SDN in (record.fact("screening.possible") or ())
    return resembles or bool(record.fact("ownership.sdn_share") or record.fact("ownership.sdn_outstanding"))


def _holder() -> tuple[Field, ...]:
    asked = ("name of the holder of the property", "address", "contact person", "telephone number", "e-mail address")
    return tuple(told(CITE, label, None) for label in asked)


def _transaction(record: DecidedRecord) -> tuple[Field, ...]:
    source = f"record {record.position}"
    asked, service = record.asked("operation"), record.asked("service")
    numbers = [
        f"decision {record.decision_id}",
        *(f"{label} {value}" for label, value in _numbers(record)),
    ]
    return (
        _of(record, "type of the transaction", f"{asked} ({service})" if asked else None, source),
        _of(record, "persons that take part", _persons(record), source),
        told(CITE, "intermediaries and their places", None),
        told(CITE, "reference numbers", "; ".join(numbers), source),
        told(CITE, "date", f"{record.at:%Y-%m-%d %H:%M:%S} UTC", source),
    )


def _numbers(record: DecidedRecord) -> list[tuple[str, str]]:
    found = (("request", record.asked("fingerprint")), ("idempotency key", record.asked("idempotency_key")))
    return [(label, str(value)) for label, value in found if value]


def _persons(record: DecidedRecord) -> str | None:
    return joined(
        (
            _named("customer", record.fact("customer.name"), record.fact("customer.location")),
            _named("ultimate parent", record.fact("parent.name"), record.fact("parent.headquarters")),
            f"account {record.account}" if record.account else None,
        )
    )


def _named(what: str, name: str | None, country: str | None) -> str | None:
    return f"{what} {name} ({country or 'country not on file'})" if name else None


def _target(record: DecidedRecord, address: str | None) -> tuple[Field, ...]:
    source = f"record {record.position}"
    lists = record.fact("screening.possible")
    share = record.fact("ownership.sdn_share")
    narrative = joined(
        (*(finding.get("reason") for finding in record.counting), *(record.fact("ownership.chains") or ()))
    )
    return (
        _of(record, "target whose property is blocked", record.fact("customer.name"), source),
        told(CITE, "its address", address, "directory, as declared"),
        _of(record, "lists that it resembles", text_of(lists) if lists else None, source),
        told(CITE, "list entry", None),
        _of(record, "share held by persons on the SDN List", None if share is None else f"{share:.2%}", source),
        _of(record, "the target's interest in the property", narrative, source),
    )


def _property(record: DecidedRecord) -> tuple[Field, ...]:
    source = f"record {record.position}"
    where = joined((record.asked("region"), record.fact("place.data_centre")), between=", ")
    return (
        _of(record, "what the property is", joined(record.machines), f"{source}: the machines asked for"),
        _of(record, "where it is", where, f"{source}: region and country of the data centre"),
        told(CITE, "date on which it was blocked", None),
        told(CITE, "value in US dollars, actual or estimated", None),
        told(CITE, "account in which it is held", None),
    )


def _authority(record: DecidedRecord, citations: Mapping[str, Citation]) -> tuple[Field, ...]:
    ids = dict.fromkeys(cite for finding in record.counting for cite in finding.get("cites", ()))
    texts = (f"{citations[each].cite} ({each})" if each in citations else each for each in ids)
    return (
        _of(record, "texts that the decision rests on", joined(texts), f"record {record.position}; policies"),
        told(CITE, "sanctions programme or legal authority of the blocking", None),
        told(CITE, "copy of the instructions, contract or other papers", None),
        told("31 CFR 501.603", "signed by, with date", None),
    )


def _of(record: DecidedRecord, label: str, value: str | None, source: str) -> Field:
    """Return a field that a record's erasable part tells: where it was erased, that is what stands there."""
    return told(CITE, label, ERASED, source) if record.erased else told(CITE, label, value, source)
