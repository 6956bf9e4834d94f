"""Candidates beside the active policies: one that only watches, and one that decides for a part of the parties.

Both are states of the store, so that every replica does the same, and taking one back is one row.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace

from kyc_gate.decide.decision import combine, decide
from kyc_gate.errors import KYCGateError
from kyc_gate.feeds.policy_bundle import read_policy_bundle
from kyc_gate.model.decision import Decision
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.record import Record
from kyc_gate.model.shadow import Disagreement
from kyc_gate.policy.composition import check_composition
from kyc_gate.policy.policy import Policy
from kyc_gate.service.active_policies import ActivePolicies, Origin
from kyc_gate.service.policy_source import bundled_policies

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate
    from kyc_gate.service.policy_keeper import PolicyKeeper

log = structlog.get_logger("kyc_gate")

SHADOW, ROLLOUT = "shadow", "rollout"
"""The states under which the store keeps what is tried."""

MOST_WAITING = 10_000
"""Disagreements that wait to be written; beyond, the oldest are dropped and the loss is told."""

STEPS = 10_000
"""Into how many parts parties are told apart: a hundredth of a percent each."""


class Trial(Record):
    """A candidate by its `id`, with the bundle that it stands in. `percent` of the parties are decided by it."""

    id: str
    digest: str
    percent: float = 0.0


class TrialRefusal(Record):
    """Why a trial that the store names is not tried here. `name` is `shadow` or `rollout`."""

    name: str
    id: str
    percent: float
    problem: str


def substituted(old: Sequence[Policy], new: Sequence[Policy]) -> tuple[Policy, ...]:
    """Return `old` with each policy of `new` in the place of the one of its name; other names come last.

    Raises `PolicyError` where they cannot decide together.
    """
    found = {policy.reference.name: policy for policy in (*old, *new)}
    check_composition(tuple(found.values()))
    return tuple(found.values())


def chosen(trial: Trial, party: str) -> bool:
    """Return whether a party is in the part that a rollout decides for.

    A party that is in at one percentage is in at every higher one; another rollout draws other parties first.
    """
    drawn = hashlib.sha256(f"{trial.id}\n{party}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % STEPS < round(trial.percent * STEPS / 100)


class Trials:
    """What is tried beside a gate's policies, as the store says."""

    def __init__(self) -> None:
        self.shadow: tuple[Trial, ActivePolicies] | None = None
        self.rollout: tuple[Trial, ActivePolicies] | None = None
        self._refused: dict[str, tuple[object, TrialRefusal]] = {}
        self._days: Counter[str] = Counter()
        self._found: list[Disagreement] = []
        self._lost = 0

    @property
    def refusals(self) -> tuple[TrialRefusal, ...]:
        """What the store says is tried, and this gate does not try."""
        return tuple(refusal for _, refusal in self._refused.values())

    def active_for(self, party: str, active: ActivePolicies) -> ActivePolicies:
        """Return the policies that decide for a party: the rollout's where it is in, else `active`."""
        rollout = self.rollout
        return rollout[1] if rollout is not None and chosen(rollout[0], party) else active

    def observe(self, decision_id: str, request: ProvisioningRequest, facts: Facts, decision: Decision) -> None:
        """Ask the candidate that watches about a decision that was made. Whatever it does changes nothing."""
        shadow = self.shadow
        if shadow is None:
            return
        trial, candidate = shadow
        self._days[decision.as_of.date().isoformat()] += 1
        try:
            digest = decision.facts_digest
            answers = [decide(request, facts, policy, facts_digest=digest) for policy in candidate.policies]
            found, error = combine(answers), None
        except Exception as caught:  # noqa: BLE001 - a candidate that fails is a disagreement, and no fault
            found, error = None, f"{type(caught).__name__} while deciding"
        if found is not None and (found.outcome, _rules(found)) == (decision.outcome, _rules(decision)):
            return
        if len(self._found) >= MOST_WAITING:
            self._found.pop(0)
            self._lost += 1
        self._found.append(
            Disagreement(
                candidate=trial.id,
                digest=trial.digest,
                decision_id=decision_id,
                at=decision.as_of,
                facts_digest=decision.facts_digest,
                old=decision.outcome,
                new=found.outcome if found else None,
                old_rules=_rules(decision),
                new_rules=_rules(found) if found else (),
                error=error,
            )
        )

    async def write(self, gate: Gate) -> None:
        """Write what was found since the last time. What cannot be written now is written the next time."""
        if self.shadow is None or not self._days:
            return
        days, found = self._days, self._found
        self._days, self._found = Counter(), []
        try:
            await gate.store.note_shadow(self.shadow[0].id, days, found)
        except KYCGateError as error:
            self._days.update(days)
            self._found = [*found, *self._found][-MOST_WAITING:]
            log.error("shadow.unwritten", error=str(error))
        if self._lost:
            log.error("shadow.lost", disagreements=self._lost)
            self._lost = 0

    async def look(self, gate: Gate, keeper: PolicyKeeper) -> None:
        """Take up what the store says is tried; what cannot be taken up is told once, and nothing is tried of it."""
        states = await gate.store.fetch_policy_states()
        await self.write(gate)
        self.shadow = await self._taken(gate, keeper, SHADOW, states.get(SHADOW), self.shadow)
        self.rollout = await self._taken(gate, keeper, ROLLOUT, states.get(ROLLOUT), self.rollout)

    async def _taken(
        self,
        gate: Gate,
        keeper: PolicyKeeper,
        name: str,
        state: dict[str, Any] | None,
        held: tuple[Trial, ActivePolicies] | None,
    ) -> tuple[Trial, ActivePolicies] | None:
        if state is None:
            if held is not None:
                log.info(f"{name}.ended", id=held[0].id)
            self._refused.pop(name, None)
            return None
        trial = Trial(id=state["id"], digest=state["digest"], percent=state.get("percent", 0.0))
        asked = (trial, gate.active.digests)
        if held is not None and (replace(trial, percent=0.0), held[1].origin.digest) == (
            replace(held[0], percent=0.0),
            _basis(trial, gate.active),
        ):
            return trial, held[1]
        if name in self._refused and self._refused[name][0] == asked:
            return None
        try:
            made = await self._made(gate, keeper, trial, decides=name == ROLLOUT)
        except KYCGateError as error:
            told = "; ".join(str(error).splitlines())
            refusal = TrialRefusal(name=name, id=trial.id, percent=trial.percent, problem=told)
            self._refused[name] = asked, refusal
            log.error(f"{name}.refused", id=trial.id, error=told)
            return None
        self._refused.pop(name, None)
        log.info(f"{name}.begun", id=trial.id, policies=made.names, percent=trial.percent)
        return trial, made

    async def _made(self, gate: Gate, keeper: PolicyKeeper, trial: Trial, *, decides: bool) -> ActivePolicies:
        """Return the active policies with the candidate's in their places. Raises `KYCGateError`."""
        archive = await gate.store.fetch_policy_bundle(trial.digest)
        if archive is None:
            raise KYCGateError(f"the store has no bundle `{trial.digest[:12]}`")
        bundle = read_policy_bundle(archive)
        await keeper.check(bundle, now=gate.now())
        policies = await asyncio.to_thread(bundled_policies, bundle, cases=False)
        found = substituted(gate.policies, policies)
        if decides:
            await keeper.require_signed(bundle, gate.policies, found, now=gate.now())
        origin = Origin(digest=_basis(trial, gate.active), version=bundle.manifest.version)
        made = ActivePolicies.of(found, gate.settings, origin)
        if decides:
            await gate.reach(made.floor)
        return made


def _basis(trial: Trial, active: ActivePolicies) -> str:
    """What a candidate stands in: its own bundle, and the policies that it leaves as they are."""
    return hashlib.sha256("\n".join((trial.digest, *active.digests)).encode()).hexdigest()


def _rules(decision: Decision) -> tuple[str, ...]:
    return tuple(sorted({finding.rule for finding in decision.findings if finding.counts}))
