"""What the gate adds to one request, beside bare Starlette and `BaseHTTPMiddleware`, in one process and one run.

The ASGI callables are driven without a server, so that nothing but them is measured. A guarded call is decided by a
real gate: shipped policies, real store on disk, real record. What it asks of the store is measured alone, too.
Rounds of all variants alternate, and the best round of each counts, as other work on the machine only adds.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import itertools
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kyc_gate import Gate, KYCGateMiddleware
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Account, Party, PartyKind, UltimateParent
from kyc_gate.model.usage import HoldRequest
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import DecisionEntry

ROUNDS = 7
UNGUARDED_CALLS = 3_000
GUARDED_CALLS = 150
LIST_ENTRIES = 20_000
"""Entries on the list: about as many as the Consolidated Screening List has."""

UNGUARDED_TARGET = 2.0
GUARDED_TARGET = 150.0
"""Microseconds that the gate aims to add, what a guarded call asks of the store apart."""

BODY = json.dumps({"gpu": "H100 SXM", "gpus": 8, "hours": 24}).encode()
HEADERS = [
    (b"host", b"api.example"),
    (b"user-agent", b"benchmark/1"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"identity"),
    (b"content-type", b"application/json"),
    (b"content-length", str(len(BODY)).encode()),
]
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "za")

COMMIT = "one durable record alone"
STEPS = "hold, record and settle alone"

Drive = Callable[[], Awaitable[None]]


async def _read(request: Request) -> Response:
    """The application: it reads its body, as a provisioning API would."""
    await request.body()
    return Response(b"made", 201)


class _Passing(BaseHTTPMiddleware):
    """A middleware that does nothing, the way that is easiest to write."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        return response


def _application(*middleware: Middleware) -> Any:
    routes = [Route(path, _read, methods=["POST"]) for path in ("/v1/training-jobs", "/v1/other")]
    return Starlette(routes=routes, middleware=list(middleware))


def _drive(app: Any, path: str, accounts: itertools.cycle[bytes]) -> Drive:
    """Return a function that sends one call to `app`, as a server would."""
    raw = path.encode()
    base = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": raw,
        "query_string": b"",
        "root_path": "",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5000),
        "extensions": {},
    }

    async def once() -> None:
        scope = {**base, "headers": [*HEADERS, (b"x-account", next(accounts))]}
        given = [{"type": "http.request", "body": BODY, "more_body": False}]
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return given.pop() if given else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                statuses.append(message["status"])

        await app(scope, receive, send)
        assert statuses == [201], statuses

    return once


async def _timed(drive: Drive, calls: int) -> float:
    """Return microseconds for one call, over `calls` in a row."""
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter_ns()
        for _ in range(calls):
            await drive()
        return (time.perf_counter_ns() - started) / 1000 / calls
    finally:
        gc.enable()


def _party(id: str) -> Party:
    return Party(
        id=id,
        name=f"{id} Computing",
        kind=PartyKind.COMPANY,
        location="Norway",
        headquarters="Norway",
        ultimate_parent=UltimateParent(is_self=True),
        owners=(),
        military_end_use=False,
        wmd_end_use=False,
        verified=True,
    )


def _listed() -> tuple[ListEntry, ...]:
    """Return made-up organisations, so that screening has a list of real size to search."""
    words = itertools.product(SYLLABLES, repeat=4)
    made = ("".join(word).title() for word in words)
    pairs = zip(made, itertools.cycle(("Trading", "Machinery", "Electronics", "Logistics", "Institute")), strict=False)
    return tuple(
        ListEntry(list="SDN", id=str(number), name=f"{name} {kind}", kind=PartyKind.COMPANY)
        for number, (name, kind) in enumerate(itertools.islice(pairs, LIST_ENTRIES))
    )


@contextlib.asynccontextmanager
async def _open_gate(folder: Path, parties: int) -> AsyncIterator[Gate]:
    route = GenericRoute(
        operation="CreateTrainingJob",
        path="/v1/training-jobs",
        fields=GenericFields(accelerator="gpu", count="gpus", duration_hours="hours"),
    )
    people = [_party(f"party-{number}") for number in range(parties)]
    gate = Gate(
        policies=tuple(read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion")),
        store=SqliteStore(folder / "gate.db"),
        adapters=(AWSAdapter(), GenericAdapter((route,), account_header="x-account")),
        snapshot=merge([ListReading(name="made up", format="test", entries=_listed(), as_of=datetime.now(UTC))]),
        parties=people,
        accounts=[Account(provider="generic", id=f"acct-{party.id}", party_id=party.id) for party in people],
    )
    async with gate:
        yield gate


async def _written(gate: Gate, drive: Drive) -> tuple[HoldRequest, DecisionEntry]:
    """Return what one real guarded call asks of the store."""
    store: Any = gate.store
    seen: list[Any] = []
    hold, append = store.hold, store.append

    def noting(method: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        async def noted(what: Any) -> Any:
            seen.append(what)
            return await method(what)

        return noted

    store.hold, store.append = noting(hold), noting(append)
    await drive()
    store.hold, store.append = hold, append
    return seen[0], seen[1]


def _commit(gate: Gate, entry: DecisionEntry) -> Drive:
    """Return a function that makes one real record durable, and nothing else."""
    numbers = itertools.count()

    async def once() -> None:
        await gate.store.append(replace(entry, decision_id=f"record_{next(numbers)}", hold_id=None))

    return once


def _steps(gate: Gate, request: HoldRequest, entry: DecisionEntry) -> Drive:
    """Return a function that does all that one guarded call does in the store: hold, record, settle."""
    numbers = itertools.count()

    async def once() -> None:
        number = next(numbers)
        usage = await gate.store.hold(replace(request, key=f"key_{number}"))
        await gate.store.append(replace(entry, decision_id=f"steps_{number}", hold_id=usage.hold_id))
        await gate.store.settle(usage.hold_id)

    return once


async def _measure(folder: Path) -> None:
    colds = ROUNDS * GUARDED_CALLS + 10
    async with _open_gate(folder, colds + 1) as gate:
        bare, base = _application(), _application(Middleware(_Passing))
        gated = _application(Middleware(KYCGateMiddleware, gate))
        known = itertools.cycle([b"acct-party-0"])
        strangers = itertools.cycle([f"acct-party-{number}".encode() for number in range(1, colds + 1)])
        guarded = _drive(gated, "/v1/training-jobs", known)
        request, entry = await _written(gate, guarded)
        variants: dict[str, tuple[Drive, int]] = {
            "bare Starlette": (_drive(bare, "/v1/other", known), UNGUARDED_CALLS),
            "BaseHTTPMiddleware that does nothing": (_drive(base, "/v1/other", known), UNGUARDED_CALLS // 3),
            "the gate, unguarded call": (_drive(gated, "/v1/other", known), UNGUARDED_CALLS),
            "the gate, guarded, party known": (guarded, GUARDED_CALLS),
            "the gate, guarded, party new": (_drive(gated, "/v1/training-jobs", strangers), GUARDED_CALLS),
            COMMIT: (_commit(gate, entry), GUARDED_CALLS),
            STEPS: (_steps(gate, request, entry), GUARDED_CALLS),
        }
        best = dict.fromkeys(variants, float("inf"))
        for _ in range(ROUNDS):
            for name, (drive, calls) in variants.items():
                best[name] = min(best[name], await _timed(drive, calls))
    _print(best)


def _print(best: dict[str, float]) -> None:
    bare = best["bare Starlette"]
    base = best["BaseHTTPMiddleware that does nothing"] - bare
    print(f"microseconds for one request, best of {ROUNDS} rounds, {LIST_ENTRIES:,} list entries")
    print(f"{'':40}{'whole':>10}{'added':>10}   of BaseHTTPMiddleware's")
    for name, time_ in best.items():
        if name in (COMMIT, STEPS):
            print(f"{name:40}{time_:>10.1f}")
        else:
            added = time_ - bare
            ratio = f"{added / base:>13.3f} x" if name.startswith("the gate") else ""
            print(f"{name:40}{time_:>10.1f}{added:>+10.1f}{ratio}")
    unguarded = best["the gate, unguarded call"] - bare
    guarded = best["the gate, guarded, party known"] - bare - best[STEPS]
    cold = best["the gate, guarded, party new"] - best["the gate, guarded, party known"]
    print(f"unguarded: {_verdict(unguarded, UNGUARDED_TARGET)}")
    print(f"guarded, party known, its store steps apart: {_verdict(guarded, GUARDED_TARGET)}")
    print(f"to come to know a party, once for each reading of directory and lists: {cold:+.0f} us")


def _verdict(added: float, target: float) -> str:
    return f"{added:+.1f} us, aim {target:+.0f} us: {'reached' if added <= target else 'missed'}"


def main() -> None:
    """Measure and print."""
    # Log lines are made and rendered as in service, and go nowhere.
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(io.StringIO()),
        cache_logger_on_first_use=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))


if __name__ == "__main__":
    main()
