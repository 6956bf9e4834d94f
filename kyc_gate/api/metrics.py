"""`/metrics`: what a monitor must see of decisions, lists and policies, in Prometheus' text format."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.errors import FeedFault, StorageFault
from kyc_gate.model.case import WAITING
from kyc_gate.model.coverage import Coverage, SourceState
from kyc_gate.model.outbox import Backlog
from kyc_gate.service.trials import ROLLOUT, SHADOW
from kyc_gate.telemetry.tally import BUCKETS

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate


async def metrics(request: Request) -> Response:
    """Answer with every metric as it is now. Nothing in it names a party."""
    gate: Gate = request.app.state.gate
    readiness = await gate.readiness()
    coverage = await asyncio.to_thread(_coverage, gate)
    registry = CollectorRegistry()
    found = [
        *_gate(gate, ready=readiness.ready),
        *_decisions(gate),
        *_policies(gate),
        *_sources(coverage),
        *await _people(gate),
    ]
    registry.register(_Now(found))
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


class _Now(Collector):
    """Metrics of one moment."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = tuple(found)

    def collect(self) -> Iterable[Metric]:
        return self._found


def _coverage(gate: Gate) -> Coverage | None:
    """Return where the sources stand, or None where none is configured or the shelf cannot be read."""
    if gate.keeper is None:
        return None
    try:
        return gate.keeper.coverage(gate.now())
    except FeedFault:
        return None


def _gate(gate: Gate, *, ready: bool) -> Iterator[Metric]:
    now = gate.now()
    snapshot, lists = gate.snapshot, gate.lists
    yield GaugeMetricFamily("kyc_gate_ready", "1 while a decision could be made and recorded now.", value=ready)
    yield GaugeMetricFamily(
        "kyc_gate_lists_stale", "1 while a list is stale, missing or of unknown age.", lists.stale(now)
    )
    info = GaugeMetricFamily(
        "kyc_gate_lists_snapshot_info",
        "1; the digest of the active snapshot. Gates that differ in it skew.",
        labels=["digest"],
    )
    if snapshot is not None:
        info.add_metric([snapshot.digest], 1)
        yield GaugeMetricFamily("kyc_gate_lists_entries", "Entries of the active snapshot.", len(snapshot.entries))
        yield GaugeMetricFamily(
            "kyc_gate_lists_unreadable_rows", "Rows that could not be read whole.", len(snapshot.problems)
        )
    yield info
    age = GaugeMetricFamily(
        "kyc_gate_list_age_seconds",
        "Seconds since the list was confirmed as current; +Inf when it never was, or its age is not known.",
        labels=["list", "source"],
    )
    stale = GaugeMetricFamily("kyc_gate_list_stale", "1 while the list is stale.", labels=["list", "source"])
    for clock in lists.clocks:
        hours = clock.age_hours(now)
        age.add_metric([clock.list, clock.source], float("inf") if hours is None else hours * 3600)
        stale.add_metric([clock.list, clock.source], clock.stale(now))
    yield age
    yield stale


def _decisions(gate: Gate) -> Iterator[Metric]:
    """Return what was decided since start, and how long it took."""
    tally = gate.tally
    decisions = CounterMetricFamily("kyc_gate_decisions", "Decisions since start.", labels=["outcome", "acted", "mode"])
    for labels, count in tally.decisions.items():
        decisions.add_metric(labels, count)
    yield decisions
    rules = CounterMetricFamily(
        "kyc_gate_rule_findings",
        "Findings since start; `counts` is no where the rule is only observed or told, or a grant covers it.",
        labels=["rule", "counts"],
    )
    for (rule, counts), count in tally.rules.items():
        rules.add_metric([rule, "yes" if counts else "no"], count)
    yield rules
    failures = CounterMetricFamily(
        "kyc_gate_failures", "Calls refused without a decision since start.", labels=["kind"]
    )
    for kind, count in tally.failures.items():
        failures.add_metric([kind], count)
    yield failures
    totals = itertools.accumulate(tally.buckets)
    bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
    yield HistogramMetricFamily(
        "kyc_gate_decision_duration_seconds",
        "From the moment that a call was read to the moment that its record was durable.",
        buckets=list(zip(bounds, totals, strict=True)),
        sum_value=tally.seconds,
    )
    yield GaugeMetricFamily(
        "kyc_gate_unsafe_mode",
        "1 while `gate.unsafe_mode` is set, so that nothing is refused.",
        value=gate.settings.unsafe_mode is not None,
    )
    yield CounterMetricFamily(
        "kyc_gate_names_tried", "Accounts of which several names resembled somebody.", gate.probing.alarms
    )
    yield CounterMetricFamily("kyc_gate_clock_jumps", "Jumps of the time of day since start.", gate.upkeep.jumps)


async def _people(gate: Gate) -> tuple[Metric, ...]:
    """Return what waits for people and for receivers; nothing where the store cannot be read, as `ready` says."""
    try:
        waiting, backlogs = await gate.store.count_cases(), await gate.store.fetch_backlogs()
    except StorageFault:
        return ()
    overdue = GaugeMetricFamily("kyc_gate_cases_overdue", "Cases that wait beyond their due time.", waiting["overdue"])
    cases = GaugeMetricFamily("kyc_gate_cases", "Cases that wait, by state.", labels=["state"])
    for state in WAITING:
        cases.add_metric([state.value], waiting[state.value])
    events = GaugeMetricFamily(
        "kyc_gate_outbox_events",
        "Events that a receiver does not have yet.",
        labels=["receiver", "state"],
    )
    oldest = GaugeMetricFamily(
        "kyc_gate_outbox_oldest_seconds", "Age of the oldest event that waits, 0 without any.", labels=["receiver"]
    )
    known = {each.receiver: each for each in backlogs}
    for name in sorted({*known, *(receiver.name for receiver in gate.notifier.receivers)}):
        backlog = known.get(name, Backlog(receiver=name))
        events.add_metric([name, "waiting"], backlog.waiting)
        events.add_metric([name, "dead"], backlog.dead)
        age = (gate.now() - backlog.oldest).total_seconds() if backlog.oldest else 0.0
        oldest.add_metric([name], max(0.0, age))
    unsigned = GaugeMetricFamily(
        "kyc_gate_audit_unsigned", "1 while the last try to sign a checkpoint failed.", gate.upkeep.unsigned
    )
    return cases, overdue, events, oldest, unsigned


def _policies(gate: Gate) -> Iterator[Metric]:
    """Return which policies decide, and whether newer ones were refused."""
    info = GaugeMetricFamily(
        "kyc_gate_policy_info",
        "1 for each active policy. Gates that differ in it skew.",
        labels=["name", "revision", "digest"],
    )
    for policy in gate.policies:
        info.add_metric([policy.reference.name, str(policy.reference.revision), policy.reference.digest], 1)
    yield info
    origin = gate.active.origin
    if origin.version is not None:
        yield GaugeMetricFamily("kyc_gate_policy_bundle_version", "Version of the active bundle.", origin.version)
    if origin.activated_at is not None:
        yield GaugeMetricFamily(
            "kyc_gate_policy_activated_timestamp_seconds",
            "When the active policies became active here.",
            origin.activated_at.timestamp(),
        )
    if gate.policy_keeper is not None:
        standing = gate.policy_keeper.standing(gate)
        yield GaugeMetricFamily(
            "kyc_gate_policy_refused",
            "1 while newer policies were refused, and older ones decide.",
            standing.problem is not None,
        )
        yield CounterMetricFamily(
            "kyc_gate_policy_readings", "Readings of the policies since start.", standing.readings
        )
        yield CounterMetricFamily("kyc_gate_policy_refusals", "Readings that were refused.", standing.refusals)
    tried = GaugeMetricFamily(
        "kyc_gate_policy_trial_refused",
        "1 while this gate refuses the shadow or the rollout that the store names.",
        labels=["trial"],
    )
    refused = {refusal.name for refusal in gate.trials.refusals}
    for name in (SHADOW, ROLLOUT):
        tried.add_metric([name], name in refused)
    yield tried


def _sources(coverage: Coverage | None) -> Iterator[Metric]:
    """Return what the last pull of each source did, and what is held of it."""
    label = ["source"]
    families = {
        name: GaugeMetricFamily(f"kyc_gate_list_source_{name}", meaning, labels=labels)
        for name, meaning, labels in (
            ("state", "1 for the state in which the source is.", ["source", "state"]),
            ("last_pull", "1 for the outcome of the last pull.", ["source", "outcome"]),
            ("last_pull_timestamp_seconds", "When the source was last asked.", label),
            ("failures", "Pulls since the last one that went well.", label),
            ("overruled", "1 for each guard that was overruled for what is held.", ["source", "guard"]),
            ("entries", "Entries of the list that are held.", ["source", "list"]),
            ("names", "Names of the source that are held, aliases included.", label),
            ("published_timestamp_seconds", "When what is held was published.", label),
        )
    }
    for source in coverage.sources if coverage else ():
        for state in SourceState:
            families["state"].add_metric([source.source, state.value], source.state is state)
        for outcome in ("updated", "unchanged", "refused", "failed", "never"):
            families["last_pull"].add_metric([source.source, outcome], source.outcome == outcome)
        for guard in source.accepted:
            families["overruled"].add_metric([source.source, guard], 1)
        families["failures"].add_metric([source.source], source.failures)
        families["names"].add_metric([source.source], source.names)
        for code, count in source.counts.items():
            families["entries"].add_metric([source.source, code], count)
        for name, when in (("last_pull", source.tried_at), ("published", source.published_at)):
            if when is not None:
                families[f"{name}_timestamp_seconds"].add_metric([source.source], when.timestamp())
    yield from families.values()
