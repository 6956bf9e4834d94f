"""Policies: what decides, what is tried beside it, and how others would decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace
from starlette.responses import Response

from kyc_gate.console.drawing import drawing
from kyc_gate.console.page import Page
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission
from kyc_gate.model.backtest import BacktestReport
from kyc_gate.model.decision import Mode, Outcome
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.reports.backtest import render_case_load
from kyc_gate.service.jobs import Job, whole_number
from kyc_gate.service.policy_trial import (
    BACKTEST,
    DIFFERENCE,
    backtested,
    compared,
    policy_choices,
    policy_chosen,
)
from kyc_gate.service.shadow_report import shadow_report
from kyc_gate.service.trials import ROLLOUT, SHADOW
from kyc_gate.tuning.told import value_told

HIT_DAYS = 30
MOST_HITS = 1_000
"""Findings of a rule are counted up to here."""

MOST_DAYS = 366
MOST_DISAGREEMENTS = 5_000
"""Disagreements of a shadow that are added up for a page; the command line adds up all of them."""


async def policies(visit: Visit) -> Response:
    """`GET /console/policies`: the active policies with their rules and hits, and the candidates beside them."""
    visit.asked()
    gate = visit.gate
    now = gate.now()
    rules = sorted({rule.id for policy in gate.policies for rule in policy.rules})
    hits = await gate.store.count_rules(rules, now - timedelta(days=HIT_DAYS), MOST_HITS)
    return visit.page(
        "policies",
        "Policies",
        policies=[(policy, list(_rules(policy, now))) for policy in gate.policies],
        standing=gate.policy_keeper.standing(gate) if gate.policy_keeper else None,
        origin=gate.active.origin,
        states=await gate.store.fetch_policy_states(),
        trials={SHADOW: gate.trials.shadow, ROLLOUT: gate.trials.rollout},
        refusals=gate.trials.refusals,
        hits=hits,
        days=HIT_DAYS,
        most=MOST_HITS,
        choices=policy_choices(gate),
        comparisons=gate.jobs.of(DIFFERENCE),
        backtests=gate.jobs.of(BACKTEST),
    )


def _rules(policy: Policy, now: datetime) -> Iterator[tuple[Rule, str]]:
    """Yield each rule with where it stands today: in force, not yet, no longer, or off."""
    day = now.astimezone(UTC).date()
    for rule in policy.rules:
        if rule.strictest is Mode.OFF:
            yield rule, "off"
        elif rule.in_force(day):
            yield rule, "in force"
        else:
            yield rule, "not yet" if rule.effective_from is not None and day < rule.effective_from else "no longer"


# Comparisons


async def compare(visit: Visit) -> Response:
    """`POST /console/policies/comparisons`: begin to compare two policies."""
    gate, names = visit.gate, {field: visit.posted.get(field, "") for field in ("old", "new")}
    old, new = [await policy_chosen(gate, name, field) for field, name in names.items()]
    job = gate.jobs.begin(DIFFERENCE, visit.actor.id, partial(compared, old, new), **names)
    return visit.onward(f"{ROOT}/policies/comparisons/{job.id}")


async def comparison(visit: Visit) -> Response:
    """`GET /console/policies/comparisons/{id}`: how two policies differ, what is more lenient first."""
    job = _job(visit, DIFFERENCE)
    if job is None:
        return _none(visit)
    return visit.page("policy_difference", "Difference of policies", job=job, found=job.found, value=value_told)


# Backtests


async def begin_backtest(visit: Visit) -> Response:
    """`POST /console/policies/backtests`: begin to make decisions on record again under a candidate."""
    gate, name = visit.gate, visit.posted.get("policy", "")
    days = whole_number(visit.posted.get("days", ""), "days", 1, MOST_DAYS)
    candidate = await policy_chosen(gate, name, "policy")
    since = gate.now() - timedelta(days=days)

    async def work(job: Job) -> Any:
        return await backtested(gate, candidate, since, job)

    job = gate.jobs.begin(BACKTEST, visit.actor.id, work, policy=name, days=str(days))
    return visit.onward(f"{ROOT}/policies/backtests/{job.id}")


async def backtest(visit: Visit) -> Response:
    """`GET /console/policies/backtests/{id}`: what would have been decided, or how far the backtest is."""
    job = _job(visit, BACKTEST)
    if job is None:
        return _none(visit)
    found: BacktestReport | None = job.found
    if found is not None:
        same = found.determinism
        shown = await _not_own(visit, [*(each.decision_id for each in found.examples), *same.differing])
        found = replace(
            found,
            examples=tuple(each for each in found.examples if each.decision_id in shown),
            determinism=replace(same, differing=tuple(id for id in same.differing if id in shown)),
        )
    matrix = {(change.old, change.new): change.decisions for change in found.matrix} if found else {}
    return visit.page(
        "backtest", "Backtest", job=job, report=found, matrix=matrix, outcomes=list(Outcome), may=visit.may
    )


async def case_load(visit: Visit) -> Response:
    """`GET /console/policies/backtests/{id}/cases.svg`: cases a day as a drawing."""
    job = _job(visit, BACKTEST)
    return _none(visit) if job is None or job.found is None else drawing(render_case_load(job.found.days))


# The shadow


async def shadow(visit: Visit) -> Response:
    """`GET /console/policies/shadow/{id}`: where a candidate that only watches would have decided otherwise."""
    visit.asked()
    found = await shadow_report(visit.gate.store, visit.named("id"), MOST_DISAGREEMENTS)
    if not found.days and not found.looked:
        said = "Nothing was asked of a candidate with this id; what it was asked is written every few seconds."
        return visit.problem(404, "There is nothing to report", said)
    shown = await _not_own(visit, [each.decision_id for each in found.examples])
    found = replace(found, examples=tuple(each for each in found.examples if each.decision_id in shown))
    return visit.page("shadow", "Shadow", report=found, most=MOST_DISAGREEMENTS)


async def _not_own(visit: Visit, ids: Sequence[str]) -> set[str]:
    """Return the decisions that may be told of: to who belongs to a customer, those that they may see, and no other."""
    if not visit.actor.parties:
        return set(ids)
    work, reads = visit.gate.casework, visit.may(Permission.READ_DECISIONS)
    return {id for id in ids if reads and await work.decision(visit.actor, id) is not None}


def _job(visit: Visit, kind: str) -> Job | None:
    visit.asked()
    return visit.gate.jobs.job(visit.named("id"), kind)


def _none(visit: Visit) -> Response:
    said = "What is computed for a page is kept for a while by the gate that made it."
    return visit.problem(404, "There is nothing here", said)


PAGES = (
    Page("/policies", policies, Permission.READ_POLICIES, title="Policies"),
    Page("/policies/comparisons", compare, Permission.TRY_POLICIES, method="POST"),
    Page("/policies/comparisons/{id}", comparison, Permission.READ_POLICIES),
    Page("/policies/backtests", begin_backtest, Permission.TRY_POLICIES, method="POST"),
    Page("/policies/backtests/{id}/cases.svg", case_load, Permission.READ_POLICIES),
    Page("/policies/backtests/{id}", backtest, Permission.READ_POLICIES),
    Page("/policies/shadow/{id}", shadow, Permission.READ_POLICIES),
)
