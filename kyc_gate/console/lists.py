"""The lists of restricted parties: what is active, how old it is, and what the last change brought."""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit
from kyc_gate.errors import CaseError, InputError
from kyc_gate.feeds.difference import Difference, difference, names_of_entry
from kyc_gate.model.access import Permission
from kyc_gate.model.listing import ListEntry
from kyc_gate.service.jobs import Job
from kyc_gate.service.list_keeper import ListKeeper
from kyc_gate.service.list_states import list_states

COMPARISON = "comparison of lists"
"""The kind of the job."""

SHOWN = 200
"""Entries of each change that are shown; the command line tells all of them."""

Row = tuple[str, ListEntry, tuple[str, ...], tuple[str, ...]]
"""What became of an entry, the entry, and the names that it won and lost."""


async def lists(visit: Visit) -> Response:
    """`GET /console/lists`: every list with its state and age, where it comes from, and when it is asked for next."""
    visit.asked()
    states = await asyncio.to_thread(list_states, visit.gate, visit.gate.now())
    jobs = visit.gate.jobs.of(COMPARISON)
    return visit.page("lists", "Lists", states=states, jobs=jobs, may_compare=len(states.generations) > 1)


async def compare(visit: Visit) -> Response:
    """`POST /console/lists/differences`: begin to compare two kept generations."""
    keeper = visit.gate.keeper
    if keeper is None:
        raise CaseError("the lists are read from files; nothing earlier is kept to compare with")
    kept = await asyncio.to_thread(keeper.generations)
    chosen = {name: visit.posted.get(name, "") for name in ("old", "new")}
    for name, id in chosen.items():
        if id not in kept:
            raise InputError(f"`{name}` is `{id[:80]}`; choose one of the generations that are kept")
    work = partial(_compared, keeper, old=chosen["old"], new=chosen["new"])
    job = visit.gate.jobs.begin(COMPARISON, visit.actor.id, work, **chosen)
    return visit.onward(f"{ROOT}/lists/differences/{job.id}")


async def compared(visit: Visit) -> Response:
    """`GET /console/lists/differences/{id}`: how far the comparison is, or what was added, removed and changed."""
    visit.asked()
    job = visit.gate.jobs.job(visit.named("id"), COMPARISON)
    if job is None:
        return visit.problem(
            404, "There is no such comparison", "A comparison is kept for a while by the gate that made it."
        )
    found: Difference | None = job.found
    rows = _rows(found) if found is not None else []
    return visit.page(
        "list_difference",
        "Difference of lists",
        job=job,
        rows=rows,
        counts=found.counts() if found is not None else {},
        to_screen=len(found.to_screen) if found is not None else 0,
        shown=SHOWN,
    )


async def _compared(keeper: ListKeeper, job: Job, *, old: str, new: str) -> Difference:
    job.total = 3
    before = await job.compute(partial(keeper.kept, old))
    job.done = 1
    after = await job.compute(partial(keeper.kept, new))
    job.done = 2
    found = await job.compute(partial(difference, before, after))
    job.done = 3
    return found


def _rows(found: Difference) -> list[Row]:
    added: list[Row] = [("added", entry, tuple(names_of_entry(entry)), ()) for entry in found.added[:SHOWN]]
    removed: list[Row] = [("removed", entry, (), tuple(names_of_entry(entry))) for entry in found.removed[:SHOWN]]
    changed: list[Row] = [
        ("changed", each.after, each.names_added, each.names_removed) for each in found.changed[:SHOWN]
    ]
    return [*added, *removed, *changed]


PAGES = (
    Page("/lists", lists, Permission.READ_LISTS, title="Lists"),
    Page("/lists/differences", compare, Permission.READ_LISTS, method="POST"),
    Page("/lists/differences/{id}", compared, Permission.READ_LISTS),
)
