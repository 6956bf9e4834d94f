"""The queue of cases: what waits, the most urgent first; views that people saved of it; and the next case to take."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.paging import ROWS, sliced
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.said import said
from kyc_gate.console.visit import Visit, address
from kyc_gate.errors import InputError
from kyc_gate.model.access import Permission
from kyc_gate.model.case import SEVERITIES, WAITING, CaseState
from kyc_gate.policy.policy import Policy
from kyc_gate.service.saved_views import save_view
from kyc_gate.storage.store import CaseQuery

QUEUE = f"{ROOT}/cases"

FILTERS = ("state", "severity", "family", "assignee", "overdue", "text", "order")

STATES = ("waiting", *CaseState, "all")

ORDERS = {"urgency": "most urgent first", "due": "due first", "newest": "newest first"}


async def queue(visit: Visit) -> Response:
    """`GET /console/cases`: cases, filtered and in order; those of the person's own customer are not there."""
    asked = visit.asked(*FILTERS, "after", "done")
    done = said(asked.pop("done", ""))
    found = await visit.gate.casework.list(visit.actor, read_query(asked))
    filters = {name: value for name, value in asked.items() if name != "after"}
    views = await visit.gate.store.fetch_views(visit.actor.id)
    return visit.page(
        "queue",
        "Cases",
        done=done,
        asked=filters,
        filters=address("", filters)[1:],
        slice=sliced(visit, found, lambda case: case.id, asked),
        states=STATES,
        severities=SEVERITIES,
        orders=ORDERS,
        families=_families(visit.gate.policies),
        shortcuts=_shortcuts(visit.actor.id),
        views=[(view.name, address(QUEUE, view.filters)) for view in views],
        may_work=visit.may(Permission.WORK),
    )


async def take_next(visit: Visit) -> Response:
    """`POST /console/cases/next`: the most urgent case that nobody has is the person's; two who ask get two."""
    case = await visit.gate.casework.take_next(visit.actor)
    return visit.onward(QUEUE, "nothing-waits") if case is None else visit.onward(f"{QUEUE}/{case.id}")


async def save(visit: Visit) -> Response:
    """`POST /console/cases/views`: keep the filters under a name."""
    filters = dict(parse_qsl(visit.posted.get("filters", ""), max_num_fields=len(FILTERS)))
    unknown = sorted(set(filters) - set(FILTERS))
    if unknown:
        raise InputError(f"`filters`: `{unknown[0][:80]}` is no filter of the queue")
    read_query(filters)
    view = await save_view(visit.gate.store, visit.actor, visit.posted.get("name", ""), filters)
    return visit.onward(address(QUEUE, view.filters))


async def drop(visit: Visit) -> Response:
    """`POST /console/cases/views/drop`: forget a view of one's own."""
    await visit.gate.store.drop_view(visit.actor.id, visit.posted.get("name", ""))
    return visit.onward(QUEUE)


def read_query(asked: dict[str, str]) -> CaseQuery:
    """Return what an address asks for, with one row more than a page has. Raises `InputError` naming the filter.

    Of those that are decided the newest come first, whatever order was asked for: nothing of them is due.
    """
    state = asked.get("state", "waiting")
    for name, value, choices in (
        ("state", state, STATES),
        ("severity", asked.get("severity", SEVERITIES[0]), SEVERITIES),
        ("order", asked.get("order", "urgency"), tuple(ORDERS)),
        ("overdue", asked.get("overdue", "true"), ("true",)),
    ):
        if value not in choices:
            raise InputError(f"`{name}`: `{value[:40]}` is none of {', '.join(choices)}")
    waits = state == "waiting" or state in WAITING
    return CaseQuery(
        state=None if state == "all" else state,
        severity=asked.get("severity"),
        family=asked.get("family"),
        assignee=asked.get("assignee"),
        overdue="overdue" in asked,
        text=asked.get("text"),
        order=asked.get("order", "urgency") if waits else "newest",
        after=asked.get("after"),
        limit=ROWS + 1,
    )


def _shortcuts(person: str) -> list[tuple[str, str]]:
    return [
        ("Everything that waits", QUEUE),
        ("Mine", address(QUEUE, {"assignee": person})),
        ("Overdue", address(QUEUE, {"overdue": "true"})),
        ("For a second person", address(QUEUE, {"state": CaseState.PROPOSED})),
        ("Decided ones, too", address(QUEUE, {"state": "all"})),
    ]


def _families(policies: tuple[Policy, ...]) -> list[str]:
    """Return the families of the active policies' rules."""
    rules = [rule for policy in policies for rule in policy.rules]
    return sorted({rule.runbook.rpartition("/")[2].removesuffix(".md") or rule.id for rule in rules})


PAGES = (
    Page("/cases", queue, Permission.READ_CASES, title="Cases"),
    Page("/cases/next", take_next, Permission.WORK, "POST"),
    Page("/cases/views", save, Permission.READ_CASES, "POST"),
    Page("/cases/views/drop", drop, Permission.READ_CASES, "POST", back="/cases"),
)
