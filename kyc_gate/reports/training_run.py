"""The draft of a training report: the fields of proposed 15 CFR 7.308(d), as far as stored facts fill them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from kyc_gate.model.party import Party
from kyc_gate.model.record import Record
from kyc_gate.model.usage import HoldState, MeteredRun, Usage
from kyc_gate.reports.paper import Basis, Field, Paper, Section, Table, joined, told

STATUS = (
    "15 CFR 7.308 was proposed on 2024-01-29 (89 FR 5698), never took effect, and is reported withdrawn. "
    "Nobody has to file this report today."
)
"""Citations US-IAAS-05 to US-IAAS-07; the withdrawal rests on one secondary source."""

REPORT_DAYS = 15
"""Calendar days from occurrence or knowledge to the report, proposed 15 CFR 7.308(c)(1)."""


class ReportedRun(Record):
    """One run that the record holds. `ends_at` is None for machines without a stated end.

    `ledger` says in a few words what became of it; `counts` is false for what never ran, and for a second request for
    the same run.
    """

    decision_id: str
    at: datetime
    outcome: str
    acted: str
    account: str
    operation: str
    workload: str
    machines: tuple[str, ...]
    chips: tuple[str, ...]
    region: str | None
    starts_at: datetime
    ends_at: datetime | None
    likely: int | None
    high: int | None
    declared: int | None
    policies: tuple[str, ...] = ()
    snapshot: str | None = None
    ledger: str = ""
    counts: bool = True


class TrainingReport(Record):
    """The whole draft. It is never more than a draft: a person completes and certifies it.

    `policies` and `snapshot` are those of the newest run's decision.
    """

    title: str
    status: str
    prepared_at: datetime
    control_group: str
    due_at: datetime | None
    sections: tuple[Section, ...]
    runs: tuple[ReportedRun, ...]
    draft: bool = True
    policies: tuple[str, ...] = ()
    snapshot: str | None = None

    def paper(self) -> Paper:
        """Return the draft as a paper to print."""
        due = ""
        if self.due_at is not None:
            due = f" Had the rule taken effect, the report would have been due on {self.due_at.date()}."
        return Paper(
            kind="training-run",
            title=self.title,
            status=self.status,
            basis=Basis(prepared_at=self.prepared_at, policies=self.policies, snapshot=self.snapshot),
            sections=self.sections,
            tables=(Table(title="Runs on record", header=_RUNS, rows=tuple(_row(run) for run in self.runs)),),
            remarks=(f"Drawn up for control group {self.control_group}.{due}",),
        )


_RUNS = ("Time", "Decision", "Outcome", "Account", "Operation", "Machines", "Likely operations", "In the ledger")


def _row(run: ReportedRun) -> tuple[str, ...]:
    return (
        run.at.isoformat(timespec="minutes"),
        run.decision_id,
        f"{run.outcome} ({run.acted})",
        run.account,
        run.operation,
        "; ".join(run.machines),
        "unknown" if run.likely is None else f"{run.likely:.3e}",
        run.ledger,
    )


def as_metered(run: ReportedRun, metered: MeteredRun, now: datetime, *, earlier: str | None = None) -> ReportedRun:
    """Return the run as the ledger knows it: what is over counts for what it took, and what never ran for nothing.

    What goes on counts for what was asked for, and for what it did already where that is more. `earlier` is the
    decision that let the same run through before.
    """
    if metered.state not in (HoldState.HELD, HoldState.SETTLED):
        return replace(run, ledger="given back: it never ran", counts=False)
    if earlier is not None:
        return replace(run, ledger=f"the same run as {earlier}", counts=False)
    likely, high = metered.operations(now)
    over = metered.finished and metered.ends_at is not None
    return replace(
        run,
        starts_at=metered.started_at,
        ends_at=metered.ends_at,
        likely=likely if over else max(likely, run.likely or 0),
        high=high if over else max(high, run.high or 0),
        ledger=f"ended {metered.ends_at:%Y-%m-%d}" if over else "goes on, or ends as planned",
    )


def training_report(
    party: Party, runs: Sequence[ReportedRun], usage: Usage | None, *, control_group: str, as_of: datetime
) -> TrainingReport:
    """Return the draft for the runs of one party, oldest first.

    `due_at` is counted from the first run that passed: from then on the provider knew of it.
    """
    ordered = tuple(sorted(runs, key=lambda run: run.at))
    passed = [run for run in ordered if run.acted == "pass" and run.counts]
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
        policies=ordered[-1].policies if ordered else (),
        snapshot=ordered[-1].snapshot if ordered else None,
    )


def _customer(party: Party, runs: Sequence[ReportedRun]) -> tuple[Field, ...]:
    names = "; ".join(dict.fromkeys((party.name, *(alias.name for alias in party.aliases), *(party.trade_names or ()))))
    rows: tuple[tuple[str, str, str | None, str], ...] = (
        ("(A)", "full legal name and every name doing business as", names, "directory"),
        ("(B)(1)", "address", party.address or party.location, "directory, as declared"),
        ("(B)(2)", "principal place of business", party.headquarters, "directory: headquarters"),
        ("(B)(3)", "locations from which the product will be used", party.place_of_use, "directory"),
        ("(B)(4)", "jurisdiction of organisation", party.jurisdiction, "directory"),
        ("(B)(5)", "beneficial owners", _owners(party), "directory: owners with shares"),
        (
            "(C)",
            "means and source of payment",
            _payment(party, runs),
            "directory; record: accounts",
        ),
        ("(D)", "e-mail address", party.email, "directory"),
        ("(E)", "telephone number", party.phone, "directory"),
        ("(F)", "IP addresses of access or administration, with times", _accesses(party), "directory"),
    )
    return (
        *(told(f"7.302(d)(1)(iii){part}", label, value, source) for part, label, value, source in rows),
        told("7.308(d)(1)(i)", "ultimate beneficial owner", *_ultimate(party)),
        told(
            "7.308(d)(1)(i)",
            "locations that the training request came from",
            _origins(party),
            "directory: addresses of access; the provider's own logs say more",
        ),
        told("7.308(d)(1)(i)", "regions in which the machines were asked for", _regions(runs), "record"),
    )


def _run(passed: Sequence[ReportedRun], usage: Usage | None) -> tuple[Field, ...]:
    ends = [run.ends_at for run in passed]
    until = None if not ends or None in ends else max(end for end in ends if end is not None).date().isoformat()
    start = min((run.starts_at for run in passed), default=None)
    chips = joined(each for run in passed for each in run.chips)
    declared = [run.declared for run in passed if run.declared is not None]
    return (
        told(
            "7.308(d)(1)(ii)(A)",
            "estimated operations",
            _operations(passed),
            "record and ledger: sum over runs that passed",
        ),
        told(
            "7.308(d)(1)(ii)(A)",
            "operations declared by the customer",
            f"{max(declared):.3e}" if declared else None,
            "record",
        ),
        told("7.308(d)(1)(ii)(A)", "operations of the control group", _used(usage), "ledger: over the window"),
        told("7.308(d)(1)(ii)(B)", "start", start.date().isoformat() if start else None, "record and ledger"),
        told("7.308(d)(1)(ii)(B)", "completion", until, "record and ledger: the latest end, stated or told"),
        told("7.308(d)(1)(ii)(C)", "model of the primary accelerators", chips, "record; catalogue"),
        told("7.308(d)(1)(ii)(C)", "other training practices", None),
    )


def _security() -> tuple[Field, ...]:
    return (
        told("7.308(d)(1)(ii)(D)", "policies on storage of and access to the weights", None),
        told("7.308(d)(1)(ii)(D)", "cybersecurity incidents of the last four years", None),
    )


def _certification() -> tuple[Field, ...]:
    return (told("7.308(d)", "certified as true, correct and complete by", None),)


def _owners(party: Party) -> str | None:
    """People where they are on file; else the direct owners. None where nobody said who they are."""
    if party.beneficial_owners is None and party.owners is None:
        return None
    people = [
        f"{owner.name} ({_share(owner.share)}{', controls otherwise' if owner.controls else ''})"
        for owner in party.beneficial_owners or ()
    ]
    direct = [f"{owner.name} ({_share(owner.share)}, direct owner)" for owner in party.owners or ()]
    return "; ".join((*people, *direct)) or "none, as declared"


def _share(share: Decimal | None) -> str:
    return "share unknown" if share is None else f"{share:.2%}"


def _ultimate(party: Party) -> tuple[str | None, str]:
    """The people behind the party, since the rule asks for an owner; the last company above it where none is known."""
    people = "; ".join(owner.name for owner in party.beneficial_owners or ())
    if people:
        return people, "directory: beneficial owners"
    parent = party.ultimate_parent
    if parent is None:
        return None, ""
    if parent.is_self:
        return "the customer itself, as declared", "directory: ultimate parent"
    return ", ".join(part for part in (parent.name, parent.headquarters) if part) or None, "directory: ultimate parent"


def _payment(party: Party, runs: Sequence[ReportedRun]) -> str | None:
    accounts = dict.fromkeys(run.account for run in runs)
    parts = [*(party.payment_sources or ()), *(f"account {account}" for account in accounts)]
    if party.payment_country:
        parts.append(f"payments come from {party.payment_country}")
    return "; ".join(parts) or None


def _accesses(party: Party) -> str | None:
    return "; ".join(f"{each.ip} at {each.at.isoformat()}" for each in party.access or ()) or None


def _origins(party: Party) -> str | None:
    return joined(each.ip for each in party.access or ())


def _regions(runs: Sequence[ReportedRun]) -> str | None:
    return joined(run.region for run in runs)


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
