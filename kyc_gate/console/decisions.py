"""Decisions: found by what they say, each with its findings and facts, and why it is what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.paging import ROWS, Slice
from kyc_gate.console.recorded import Said, part_of, said_of
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.runbooks import address_of
from kyc_gate.console.visit import Visit, address
from kyc_gate.errors import InputError
from kyc_gate.model.access import Permission
from kyc_gate.model.case import Case
from kyc_gate.model.catalogue import DecisionQuery
from kyc_gate.model.decision import Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.policy.policy import Policy
from kyc_gate.service.catalogue import find_decisions
from kyc_gate.service.group_usage import policy_lines
from kyc_gate.tuning.explanation import explain
from kyc_gate.tuning.told import change_told, standing, value_told

FILTERS = ("id", "account", "party", "outcome", "rule", "provider", "operation", "since", "until")

NAMES = frozenset({"customer.name", "parent.name", "parent.chain", "ownership.chains", "managers.overlaps"})
"""Facts that name people and companies: for those who may read parties."""

HIDDEN = "not shown: it needs the permission to read parties"

_APART = ("as_of", "five_countries", "resembled", "cleared", "grant", "snapshot", "lists", "control_group")
"""Parts of the facts that have a place of their own on the page."""


async def search(visit: Visit) -> Response:
    """`GET /console/decisions`: decisions by account, party, outcome, rule, time, provider and operation."""
    asked = visit.asked(*FILTERS, "after")
    if "id" in asked:
        return await _by_id(visit, asked)
    query = DecisionQuery(
        account=asked.get("account"),
        party_id=asked.get("party"),
        outcome=_outcome(asked.get("outcome")),
        rule=asked.get("rule"),
        provider=asked.get("provider"),
        operation=asked.get("operation"),
        since=moment(asked.get("since"), "since"),
        until=moment(asked.get("until"), "until", ends=True),
        after=asked.get("after"),
        limit=ROWS,
    )
    found = await find_decisions(visit.gate.store, visit.actor, query)
    others = {name: value for name, value in asked.items() if name != "after"}
    rows = Slice(
        rows=found.found,
        next=address(visit.path, {**others, "after": found.after}) if found.after else "",
        first=address(visit.path, others) if "after" in asked else "",
    )
    return visit.page(
        "decisions", "Decisions", slice=rows, asked=Said(asked), page=found, outcomes=[each.value for each in Outcome]
    )


async def decision(visit: Visit) -> Response:
    """`GET /console/decisions/{id}`: one decision with its findings, citations, facts, and place in the record."""
    visit.asked()
    id = visit.named("id")
    record = await visit.gate.casework.decision(visit.actor, id)
    if record is None:
        return _none(visit)
    withdrawn = await visit.gate.casework.decision(visit.actor, f"{id}/withdrawn")
    names = visit.may(Permission.READ_PARTIES)
    record = said_of(record)
    facts = part_of(record, "facts")
    return visit.page(
        "decision",
        f"Decision {id}",
        record=record,
        erased="sealed" in record and "facts" not in record,
        withdrawn=said_of(withdrawn),
        request=part_of(record, "request"),
        decision=part_of(record, "decision"),
        findings=_findings(record, visit.gate.policies, names=names),
        case=await _case(visit, record),
        groups=_grouped(facts, names=names),
        facts=facts,
        five=_five(facts, names=names),
        lines=_amounts(facts, visit.gate.policies),
        resembled=sorted(facts.get("resembled") or (), key=lambda each: -float(each["score"])),
    )


async def explanation(visit: Visit) -> Response:
    """`GET /console/decisions/{id}/explanation`: each rule's condition part by part, and what would change the outcome.

    It is computed anew under the policies of today, on a thread, one at a time.
    """
    visit.asked()
    id = visit.named("id")
    record = await visit.gate.casework.decision(visit.actor, id)
    if record is None:
        return _none(visit)
    if "facts" not in record:
        return visit.problem(
            410, f"Decision {id}", "What this decision rested on was erased, so it cannot be explained."
        )
    try:
        facts = msgspec.convert(record["facts"], Facts)
    except msgspec.ValidationError as error:
        raise InputError(f"the facts of decision `{id}` are of another release: {error}") from error
    record, policies = said_of(record), visit.gate.policies
    found = await visit.gate.jobs.computed(lambda: explain(facts, policies))
    then = {each["digest"] for each in (record["decision"] or {}).get("policies", ())}
    names = visit.may(Permission.READ_PARTIES)
    return visit.page(
        "explanation",
        "Why, and what would change it",
        id=id,
        explanation=found,
        changed=then != set(visit.gate.active.digests),
        told=change_told,
        standing=standing,
        value=lambda path, value: HIDDEN if path in NAMES and not names else value_told(value),
        names=names,
    )


async def _by_id(visit: Visit, asked: Mapping[str, str]) -> Response:
    if await visit.gate.casework.decision(visit.actor, asked["id"]) is None:
        return visit.problem(404, "Decisions", f"There is no decision “{asked['id']}”, or none that you may see.")
    return visit.onward(f"{ROOT}/decisions/{asked['id']}")


def _none(visit: Visit) -> Response:
    return visit.problem(
        404, "There is no such decision", "There is no decision with this id, or none that you may see."
    )


def _outcome(text: str | None) -> str | None:
    if text is not None and text not in [each.value for each in Outcome]:
        raise InputError(f"`outcome` is `{text}`; it is one of {', '.join(Outcome)}")
    return text


def moment(text: str | None, name: str, *, ends: bool = False) -> datetime | None:
    """Return a day, or a moment with its offset from UTC, as a form gives it; with `ends` the end of the day.

    Raises `InputError` naming the field.
    """
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-27"):
            day = date.fromisoformat(text) + timedelta(days=1 if ends else 0)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(f"`{name}` is `{text[:40]}`; write a day such as `2026-11-27`, or `2026-11-27T09:30:00Z`")
    return found


# What a record says


def _findings(record: dict[str, Any], policies: Sequence[Policy], *, names: bool) -> list[dict[str, Any]]:
    """Return the findings, those that counted first, each with what its citations say today."""
    cited = {id: citation for policy in policies for id, citation in policy.citations.items()}
    findings = [each for each in part_of(record, "decision").get("findings", ()) if isinstance(each, dict)]
    severity = {each.value: each.severity for each in Outcome}
    findings.sort(key=lambda each: (not each.get("counts", True), -severity.get(each.get("outcome", ""), 0)))
    if not names:  # a reason may name the party
        findings = [Said({**each, "reason": HIDDEN}) for each in findings]
    return [
        Said(
            {
                **each,
                "runbook_at": address_of(each.get("runbook") or ""),
                "citations": [(id, cited.get(id)) for id in each.get("cites", ())],
            }
        )
        for each in findings
    ]


async def _case(visit: Visit, record: dict[str, Any]) -> Case | None:
    """Return the case that the request waits or waited in, for those who may see it."""
    fingerprint = part_of(record, "request").get("fingerprint")
    if not fingerprint or not visit.may(Permission.READ_CASES):
        return None
    found = await visit.gate.store.fetch_case_for(fingerprint)
    return await visit.gate.casework.case(visit.actor, found.id) if found else None


def _grouped(facts: dict[str, Any], *, names: bool) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Return the facts group by group: path, value in words, and whether it was unknown."""
    return [
        (group, [_fact(path, value, names=names) for path, value in _leaves(group, inner)])
        for group, inner in sorted(facts.items())
        if group not in _APART and isinstance(inner, dict)
    ]


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}", inner)
    else:
        yield path, value


def _fact(path: str, value: object, *, names: bool) -> tuple[str, str, bool]:
    if path in NAMES and not names:
        return path, HIDDEN, False
    return path, value_told(value), value is None


def _five(facts: dict[str, Any], *, names: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return the five countries with their evidence; texts and evidence for those who may read parties."""
    found = []
    for name, place in part_of(facts, "five_countries").items():
        shown = said_of(place or {})
        found.append((name, shown if names else Said({**shown, "text": None, "evidence": ()})))
    return found


def _amounts(facts: dict[str, Any], policies: Sequence[Policy]) -> list[tuple[str, int, float | None]]:
    """Return how much of each line of the policies the control group came to with this request."""
    projected = part_of(facts, "operations").get("projected")
    lines = {line.name: line for policy in policies for line in policy_lines(policy)}
    return [
        (name, line.operations, projected / line.operations if isinstance(projected, int) and line.operations else None)
        for name, line in lines.items()
    ]


PAGES = (
    Page("/decisions", search, Permission.READ_DECISIONS, title="Decisions"),
    Page("/decisions/{id}", decision, Permission.READ_DECISIONS),
    Page("/decisions/{id}/explanation", explanation, Permission.READ_DECISIONS),
)
