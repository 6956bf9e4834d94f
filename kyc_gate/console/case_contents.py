"""What the page of a case shows: collected from the store, and from who stands behind its customers now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kyc_gate.console.runbooks import address_of
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission
from kyc_gate.model.case import CaseRequest
from kyc_gate.model.case_steps import Step
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.decision import Citation
from kyc_gate.model.match import Match
from kyc_gate.policy.policy import Policy
from kyc_gate.reports.recorded import DecidedRecord, Tree, read_recorded
from kyc_gate.service.casework import CaseFile
from kyc_gate.service.group_usage import GroupUsage, group_usage, policy_lines
from kyc_gate.service.party_owners import PartyOwners

MOST_RECORDS = 25
"""Requests whose records are read for a page: the newest. Every request has its row all the same."""

MOST_CUSTOMERS = 5
"""Customers of a case of whom a page tells everything; the others are named."""

MOST_MATCHES = 10
"""Matches of a customer that a page tells word by word: the best."""

PLACES = {
    "location": "Location",
    "headquarters": "Headquarters",
    "parent_headquarters": "Headquarters of the ultimate parent",
    "use": "Place of use",
    "data_centre": "Data centre",
}
"""The five countries, as `FiveCountries` names them and as people do."""


class Asked(NamedTuple):
    """A request that waits, with the record of its newest decision where it could be read.

    `shares` are the control group's operations with this request, as shares of the policies' lines, smallest first.
    """

    request: CaseRequest
    record: DecidedRecord | None
    shares: tuple[tuple[float, int], ...]


class Found(NamedTuple):
    """A finding of the decision that is shown, with what it cites and where its runbook is."""

    finding: Tree
    cites: tuple[tuple[str, Citation | None], ...]
    runbook: str


class Resembling(NamedTuple):
    """A match, its name as a clearance has it, and the clearance that settles it."""

    match: Match
    pair: str
    cleared: Clearance | None


class Customer(NamedTuple):
    """A customer of the case: who stands behind it and what it resembles, by the lists of now."""

    id: str
    behind: PartyOwners | None
    resembles: tuple[Resembling, ...]
    more_resembled: int
    clearances: tuple[Clearance, ...]


class Contents(NamedTuple):
    """Everything that the page shows. `names`: the reader may see names and addresses.

    `clearable` are resemblances that an approval may settle. `why_not` says for each step why it is not open, and is
    None where it is.
    """

    file: CaseFile
    asked: tuple[Asked, ...]
    record: DecidedRecord | None
    findings: tuple[Found, ...]
    customers: tuple[Customer, ...]
    others: tuple[str, ...]
    usage: GroupUsage | None
    names: bool
    clearable: tuple[Resembling, ...]
    why_not: Mapping[str, str | None]


async def contents_of(visit: Visit, file: CaseFile, decision_id: str | None) -> Contents:
    """Return what is shown of a case; `decision_id` is the decision that is told in full, by default the newest."""
    gate, case = visit.gate, file.case
    names = visit.may(Permission.READ_PARTIES) and visit.may(Permission.READ_DECISIONS)
    read = sorted(file.requests, key=lambda request: request.at)[-MOST_RECORDS:]
    records = {each.decision_id: await record_of(visit, each.decision_id) for each in read}
    wanted = decision_id or case.decision_ids[-1]
    record = records[wanted] if wanted in records else await record_of(visit, wanted)
    shown = sorted(case.customers)[:MOST_CUSTOMERS] if names else []
    customers = tuple([await _customer(visit, each) for each in shown])
    return Contents(
        file=file,
        asked=tuple(_asked(each, records.get(each.decision_id), gate.policies) for each in file.requests),
        record=record,
        findings=tuple(_findings(record, gate.policies)) if record else (),
        customers=customers,
        others=tuple(sorted(case.customers)[len(shown) :]),
        usage=await usage_of(visit, case.control_group),
        names=names,
        clearable=tuple(
            each
            for customer in customers
            for each in customer.resembles
            if customer.id == case.party_id and each.pair and each.cleared is None
        ),
        why_not={step.value: gate.casework.why_not(visit.actor, case, step) for step in Step},
    )


async def record_of(visit: Visit, decision_id: str) -> DecidedRecord | None:
    """Return the record of a decision that the reader may see."""
    if not visit.may(Permission.READ_DECISIONS):
        return None
    flat = await visit.gate.casework.decision(visit.actor, decision_id)
    return read_recorded(flat) if flat is not None and "position" in flat else None


async def usage_of(visit: Visit, control_group: str) -> GroupUsage | None:
    """Return what a control group used in the window of the gate."""
    gate = visit.gate
    days = gate.window_days
    return await group_usage(gate.store, control_group, gate.policies, days=days, now=gate.now())


def _asked(request: CaseRequest, record: DecidedRecord | None, policies: Sequence[Policy]) -> Asked:
    projected = record.fact("operations.projected") if record else None
    lines = sorted({line.operations for policy in policies for line in policy_lines(policy)})
    shares = tuple((projected / line, line) for line in lines) if isinstance(projected, int) else ()
    return Asked(request=request, record=record, shares=shares)


def _findings(record: DecidedRecord, policies: Sequence[Policy]) -> list[Found]:
    known = {id: citation for policy in policies for id, citation in policy.citations.items()}
    return [
        Found(
            finding=finding,
            cites=tuple((id, known.get(id)) for id in finding["cites"]),
            runbook=address_of(finding.get("runbook", "")),
        )
        for finding in sorted(record.findings, key=lambda finding: not finding.get("counts", True))
    ]


async def _customer(visit: Visit, party_id: str) -> Customer:
    gate = visit.gate
    behind = await gate.owners_of(party_id)
    clearances = await gate.store.fetch_clearances(gate.now(), party_id=party_id)
    matches = behind.standing.screening.matches if behind else ()
    pairs = behind.standing.pairs if behind else ()
    found = []
    for number, match in enumerate(matches[:MOST_MATCHES]):
        pair = pairs[number] if number < len(pairs) else None
        cleared = next((each for each in clearances if pair is not None and each.covers(pair)), None)
        name = f"{match.list}/{match.entry_id}" if pair is not None else ""
        found.append(Resembling(match=match, pair=name, cleared=cleared))
    return Customer(
        id=party_id,
        behind=behind,
        resembles=tuple(found),
        more_resembled=max(0, len(matches) - MOST_MATCHES),
        clearances=clearances,
    )
