"""The machines that runs on record hold at a moment, by site and country: an installed base as the ledger knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from kyc_gate.compute.installed import UNKNOWN, Placed
from kyc_gate.errors import InputError
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import Accelerators, ProvisioningRequest
from kyc_gate.model.usage import MeteredRun
from kyc_gate.service.runs import recorded_of
from kyc_gate.storage.store import Store

MOST_RUNS = 50_000
"""Runs of one control group that go on at once. More is refused: a sum without some of them would be wrong."""

UNRESOLVED = Accelerators(instance_type="unresolved", count=1)
"""What stands for machines that a request did not spell out: a machine that no catalogue knows, counted as such."""


async def held_machines(store: Store, at: datetime) -> AsyncIterator[Placed]:
    """Yield what each run that goes on at `at` holds: as asked for, until the last machine of the run has ended.

    A site is the provider's region, the country that of the data centre in the run's facts, the consignee the party.
    When the chips were received is not on record. Raises `InputError` for a control group of too many runs.
    """
    for group in await store.fetch_groups():
        runs = await store.fetch_runs(group, limit=MOST_RUNS + 1, at=at)
        if len(runs) > MOST_RUNS:
            raise InputError(f"`{group}` has more than {MOST_RUNS} runs that go on; list its machines with `--input`")
        for run in runs:
            recorded = await recorded_of(store, run)
            if recorded is not None:  # held, and never decided: nothing passed on it
                request, facts, _ = recorded
                for line in request.lines or (UNRESOLVED,):
                    yield _placed(line, run, request, facts)


def _placed(line: Accelerators, run: MeteredRun, request: ProvisioningRequest, facts: Facts) -> Placed:
    return Placed(
        line=line,
        provider=request.provider,
        site=f"{request.provider}/{request.region}" if request.region else UNKNOWN,
        country=facts.place.data_centre,
        consignee=run.party_id or run.account,
    )
