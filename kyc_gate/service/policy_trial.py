"""Policies compared while the gate runs: which there are to compare, how two differ, and a backtest of one."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from kyc_gate.errors import InputError
from kyc_gate.model.backtest import BacktestReport
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.jobs import Job
from kyc_gate.service.trials import ROLLOUT, SHADOW, substituted
from kyc_gate.tuning.backtest import Backtest
from kyc_gate.tuning.difference import Difference, difference
from kyc_gate.tuning.replay import is_decision

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

DIFFERENCE, BACKTEST = "comparison", "backtest"
"""Kinds of jobs."""

ACTIVE, SHIPPED = "active", "shipped"

AT_ONCE = 50
"""Decisions that are made again at a stretch: some tens of milliseconds."""


def policy_choices(gate: Gate) -> tuple[str, ...]:
    """Return what can be compared: `active/NAME`, `shadow/NAME` and `rollout/NAME` (candidates), and `shipped/NAME`."""
    folders = sorted(each.name for each in shipped_policies().iterdir() if (each / "policy.toml").is_file())
    return (
        *(f"{ACTIVE}/{policy.reference.name}" for policy in gate.policies),
        *(f"{where}/{policy.reference.name}" for where in (SHADOW, ROLLOUT) for policy in candidates(gate, where)),
        *(f"{SHIPPED}/{name}" for name in folders),
    )


def candidates(gate: Gate, where: str) -> tuple[Policy, ...]:
    """Return the policies of the shadow or the rollout that are not the active ones."""
    held = gate.trials.shadow if where == SHADOW else gate.trials.rollout
    if held is None:
        return ()
    return tuple(policy for policy in held[1].policies if policy.reference.digest not in gate.active.digests)


async def policy_chosen(gate: Gate, choice: str, field: str) -> Policy:
    """Return the policy that somebody chose. Raises `InputError` naming the field."""
    if choice not in policy_choices(gate):
        raise InputError(f"`{field}` is `{choice[:80]}`; it is one of {', '.join(policy_choices(gate))}")
    where, _, name = choice.partition("/")
    if where == SHIPPED:
        return await asyncio.to_thread(read_policy, shipped_policies() / name)
    among = gate.policies if where == ACTIVE else candidates(gate, where)
    return next(policy for policy in among if policy.reference.name == name)


async def compared(old: Policy, new: Policy, job: Job) -> Difference:
    """Return how two policies differ, in words and by what they decide."""
    job.total = 1
    found = await job.compute(partial(difference, old, new, ordinary_facts()))
    job.done = 1
    return found


async def backtested(gate: Gate, candidate: Policy, since: datetime, job: Job) -> BacktestReport:
    """Return what the candidate, in the place of the policy of its name, would have decided since then.

    Raises `PolicyError` where it cannot stand beside the others.
    """
    old = gate.policies
    backtest = Backtest(old, substituted(old, [candidate]), since)
    head = await gate.store.fetch_head()
    job.total = head[0] if head else 0
    async for page in gate.store.bodies():
        for start in range(0, len(page), AT_ONCE):
            times = await job.compute(partial(_taken, backtest, page[start : start + AT_ONCE]))
            job.done += len(page[start : start + AT_ONCE])
        if times and max(times) < since:
            break
    job.done = job.total
    return backtest.report(since=since, until=gate.now())


def _taken(backtest: Backtest, bodies: list[str]) -> list[datetime]:
    """Make decisions again, and return when those were made that could be."""
    return [at for body in bodies if is_decision(body) and (at := backtest.take(body)) is not None]
