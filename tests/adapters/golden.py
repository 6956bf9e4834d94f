"""Golden calls: a recorded request with its expected normalised form, and one evasion of it with its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import ProvisioningRequest

Row = dict[str, Any]


def rows(folder: Path, name: str = "golden.jsonl") -> list[Any]:
    """The calls of a file beside the test, each under its id."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return [pytest.param(row, id=row["id"]) for row in map(json.loads, lines)]


def call_of(row: Row, *headers: tuple[bytes, bytes]) -> Call:
    """The call of a row."""
    body = row.get("raw", "").encode() or (None if row.get("body") is None else json.dumps(row["body"]).encode())
    given = {"host": row["host"]}
    if body is not None:
        given |= {"content-type": "application/json", "content-length": str(len(body))}
    given |= row.get("headers", {})
    fields = tuple((name.encode(), value.encode()) for name, value in given.items())
    return Call(
        method=row["method"],
        raw_path=row["path"].encode(),
        query=row.get("query", "").encode(),
        headers=(*fields, *headers),
        body=body,
    )


def evasion_of(row: Row) -> Row:
    """The row with what its evasion changes."""
    return {**row, **{name: value for name, value in row["evasion"].items() if name not in ("why", "answer")}}


def judged(adapter: Adapter, call: Call) -> ProvisioningRequest | int | None:
    """What the adapter reads in a call, the status with which it refuses it, or None where it is not guarded."""
    try:
        return adapter.read(call) if adapter.guards(call) else None
    except RefusedCall as refusal:
        return refusal.status


def told(request: ProvisioningRequest) -> Row:
    """A request as rows state it."""
    return {
        "operation": request.operation,
        "kind": request.kind.value,
        "lines": [[line.instance_type or line.model, line.count, line.multiplier] for line in request.lines],
        "certainty": request.certainty.value,
        "unresolved": list(request.unresolved),
        "duration": request.duration_seconds,
        "references": list(request.references),
        "repeats": request.repeats,
        "replaces": request.replaces,
        "workload": request.workload.value,
        "account": request.caller.account,
        "region": request.region,
    }


def check(answer: ProvisioningRequest | int | None, expected: Row | int) -> None:
    """Every stated member is as stated; a request that states nothing unresolved has nothing unresolved."""
    if isinstance(expected, int):
        assert answer == expected
        return
    assert isinstance(answer, ProvisioningRequest), answer
    found = told(answer)
    stated = expected if "certainty" in expected or "unresolved" in expected else {"unresolved": [], **expected}
    assert {name: found[name] for name in stated} == stated
