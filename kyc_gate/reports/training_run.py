"""The draft of a training report: the fields of proposed 15 CFR 7.308(d), as far as stored facts fill them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from kyc_gate.model.party import Party, UltimateParent
from kyc_gate.model.record import Record
from kyc_gate.model.usage import Usage

STATUS = (
    "15 CFR 7.308 was proposed on 2024-01-29 (89 FR 5698), never took effect, and is reported withdrawn. "
    "Nobody has to file this report today."
)
"""Citations US-IAAS-05 to US-IAAS-07; the withdrawal rests on one secondary source."""

REPORT_DAYS = 15
"""Calendar days from occurrence or knowledge to the report, proposed 15 CFR 7.308(c)(1)."""

UNKNOWN = "not on file: to be completed by a person"


class ReportedRun(Record):
    """One run that the record holds. `ends_at` is None for machines without a stated end."""

    decision_id: str
    at: datetime
    outcome: str
    acted: str
    account: str
    operation: str
    workload: str
    machines: tuple[str, ...]
    region: str | None
    starts_at: datetime
    ends_at: datetime | None
    likely: int | None
    high: int | None
    declared: int | None


class Field(Record):
    """What the report asks, where it is asked, and what is known; `value` is None where a person must complete it."""

    cite: str
    label: str
    value: str | None
    source: str = UNKNOWN


class Section(Record):
    """Fields that belong together."""

    title: str
    fields: tuple[Field, ...]


class TrainingReport(Record):
    """The whole draft. It is never more than a draft: a person completes and certifies it."""

    title: str
    status: str
    prepared_at: datetime
    control_group: str
    due_at: datetime | None
    sections: tuple[Section, ...]
    runs: tuple[ReportedRun, ...]
    draft: bool = True


def training_report(
    party: Party, runs: Sequence[ReportedRun], usage: Usage | None, *, control_group: str, as_of: datetime
) -> TrainingReport:
    """Return the draft for the runs of one party, oldest first.

    `due_at` is counted from the first run that passed: from then on the provider knew of it.
    """
    ordered = tuple(sorted(runs, key=lambda run: run.at))
    passed = [run for run in ordered if run.acted == "pass"]
    return TrainingReport(
        title=f"Draft training report: {party.name}",
        status=STATUS,
        prepared_at=as_of,
        control_group=control_group,
        due_at=passed[0].at + timedelta(days=REPORT_DAYS) if passed else None,
        sections=(
            Section(title="Customer", fields=_customer(party, ordered)),
            Section(title="Training run", fields=_run(passed, usage)),
            Section(title="Security of the model", fields=_security()),
            Section(title="Certification", fields=_certification()),
        ),
        runs=ordered,
    )


def _customer(party: Party, runs: Sequence[ReportedRun]) -> tuple[Field, ...]:
    names = "; ".join((party.name, *(alias.name for alias in party.aliases)))
    accounts = "; ".join(dict.fromkeys(run.account for run in runs)) or None
    return (
        _told("7.302(d)(1)(iii)(A)", "full legal name and every name doing business as", names, "directory"),
        _told("7.302(d)(1)(iii)(B)(1)", "address", party.location, "directory: location as declared"),
        _told("7.302(d)(1)(iii)(B)(2)", "principal place of business", party.headquarters, "directory: headquarters"),
        _told(
            "7.302(d)(1)(iii)(B)(3)", "locations from which the product will be used", party.place_of_use, "directory"
        ),
        _told("7.302(d)(1)(iii)(B)(4)", "jurisdiction of organisation", None, ""),
        _told("7.302(d)(1)(iii)(B)(5)", "beneficial owners", _owners(party), "directory: direct owners with shares"),
        _told("7.302(d)(1)(iii)(C)", "means and source of payment", accounts, "record: accounts at the provider"),
        _told("7.302(d)(1)(iii)(D)", "e-mail address", None, ""),
        _told("7.302(d)(1)(iii)(E)", "telephone number", None, ""),
        _told("7.302(d)(1)(iii)(F)", "IP addresses of access or administration, with times", None, ""),
        _told(
            "7.308(d)(1)(i)", "ultimate beneficial owner", _parent(party.ultimate_parent), "directory: ultimate parent"
        ),
        _told(
            "7.308(d)(1)(i)",
            "locations that the training request came from",
            _regions(runs),
            "record: regions asked for",
        ),
    )


def _run(passed: Sequence[ReportedRun], usage: Usage | None) -> tuple[Field, ...]:
    ends = [run.ends_at for run in passed]
    until = None if not ends or None in ends else max(end for end in ends if end is not None).date().isoformat()
    machines = "; ".join(dict.fromkeys(machine for run in passed for machine in run.machines)) or None
    declared = [run.declared for run in passed if run.declared is not None]
    return (
        _told("7.308(d)(1)(ii)(A)", "estimated operations", _operations(passed), "record: sum over runs that passed"),
        _told(
            "7.308(d)(1)(ii)(A)",
            "operations declared by the customer",
            f"{max(declared):.3e}" if declared else None,
            "record",
        ),
        _told("7.308(d)(1)(ii)(A)", "operations of the control group", _used(usage), "ledger: over the window"),
        _told("7.308(d)(1)(ii)(B)", "start", passed[0].starts_at.date().isoformat() if passed else None, "record"),
        _told("7.308(d)(1)(ii)(B)", "completion", until, "record: the latest stated end"),
        _told("7.308(d)(1)(ii)(C)", "model of the primary accelerators", machines, "record"),
        _told("7.308(d)(1)(ii)(C)", "other training practices", None, ""),
    )


def _security() -> tuple[Field, ...]:
    return (
        _told("7.308(d)(1)(ii)(D)", "policies on storage of and access to the weights", None, ""),
        _told("7.308(d)(1)(ii)(D)", "cybersecurity incidents of the last four years", None, ""),
    )


def _certification() -> tuple[Field, ...]:
    return (_told("7.308(d)", "certified as true, correct and complete by", None, ""),)


def _told(cite: str, label: str, value: str | None, source: str) -> Field:
    return (
        Field(cite=cite, label=label, value=value, source=source)
        if value
        else Field(cite=cite, label=label, value=None)
    )


def _owners(party: Party) -> str | None:
    if party.owners is None:
        return None
    said = [
        f"{owner.name} ({'share unknown' if owner.share is None else f'{owner.share:.2%}'})" for owner in party.owners
    ]
    return "; ".join(said) or "none, as declared"


def _parent(parent: UltimateParent | None) -> str | None:
    if parent is None:
        return None
    if parent.is_self:
        return "the customer itself, as declared"
    return ", ".join(part for part in (parent.name, parent.headquarters) if part) or None


def _regions(runs: Sequence[ReportedRun]) -> str | None:
    return "; ".join(dict.fromkeys(run.region for run in runs if run.region)) or None


def _operations(passed: Sequence[ReportedRun]) -> str | None:
    known = [run for run in passed if run.likely is not None and run.high is not None]
    if not known:
        return None
    likely, high = sum(run.likely or 0 for run in known), sum(run.high or 0 for run in known)
    missing = len(passed) - len(known)
    return (
        f"{likely:.3e} likely, {high:.3e} at full peak{f'; {missing} runs of unknown size beside' if missing else ''}"
    )


def _used(usage: Usage | None) -> str | None:
    return None if usage is None else f"{usage.likely:.3e} likely, {usage.high:.3e} at full peak"
