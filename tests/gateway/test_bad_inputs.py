"""Hostile calls on the wire, against the served gate: none that should be refused reaches the upstream."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gates import make_gate
from wire import exchange, status_of, upstream

from kyc_gate import Gate
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute

from .test_serve import configuration, serving

LAYERS = ("asgi_gate", "body_parser", "http_server")
KINDS = ("raw_http", "path", "header_value", "json_text", "form", "pyexpr")
ACCOUNT = "X-Account: acct-norge\r\n"
ROUTE = GenericRoute(
    operation="CreateTrainingJob",
    path="/v1/training-jobs",
    fields=GenericFields(count="gpus", duration_hours="hours", declared_operations="flops"),
    other_fields=("customer_id", "name"),
    assume_accelerator="H100 SXM",
)
BULK = GenericRoute(
    operation="BulkInsert",
    path="/v1/projects/{project}/zones/{zone}/instances:bulkInsert",
    fields=ROUTE.fields,
    assume_accelerator="H100 SXM",
)

REPAIRED = {
    "smuggling-002": "h11 reads `44, 44` as 44",
    "smuggling-003": "h11 reads an identical repeated Content-Length as one",
    "smuggling-017": "h11 takes a space behind a chunk's size",
}
"""What the server repairs before an application can see it. RFC 9112 allows it, and the gateway frames anew."""

OTHERWISE = {
    "smuggling-023": 415,  # bare line feeds, which h11 takes: refused for its missing type instead
    "json_differential-025": 403,  # exactly 10^26 is read exactly; without a count the request waits for a person
}
"""Refused with another status than the stated one."""


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    for line in (folder / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["layer"] in LAYERS and row["input_kind"] in KINDS:
            yield row


def on_the_wire(row: dict[str, Any]) -> bytes:
    """The row as a whole call of a customer whose ordinary calls are allowed."""
    return _WAYS[row["input_kind"]](row["input"])


def _raw(text: str) -> bytes:
    first, end, rest = re.split(r"(\r?\n)", text, maxsplit=1)
    return (first + end + ACCOUNT.replace("\r\n", end) + rest).encode("utf-8")


def _path(text: str) -> bytes:
    return _post(b'{"gpus": 8, "hours": 1}', path=text)


def _header(text: str) -> bytes:
    return _post(b'{"gpus": 8, "hours": 1}', content=text if text.startswith("Content-Type") else f"{_JSON}\r\n{text}")


def _form(text: str) -> bytes:
    return _post(text.encode(), content="Content-Type: multipart/form-data; boundary=X")


def _expression(text: str) -> bytes:
    """Python text that makes the body: bytes or a string, compressed where it is not meant as text."""
    made = eval(text, {"__builtins__": {"__import__": __import__, "range": range}})  # noqa: S307 - labelled test data
    packed = "compress" in text
    coding = f"{_JSON}\r\nContent-Encoding: {'deflate' if 'zlib' in text else 'gzip'}"
    return _post(made if isinstance(made, bytes) else made.encode(), content=coding if packed else _JSON)


_JSON = "Content-Type: application/json"


def _post(body: bytes, *, path: str = "/v1/training-jobs", content: str = _JSON) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: api.example\r\n{ACCOUNT}{content}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("utf-8") + body


_WAYS: dict[str, Callable[[str], bytes]] = {
    "raw_http": _raw,
    "path": _path,
    "header_value": _header,
    "json_text": lambda text: _post(text.encode("utf-8", "surrogatepass")),
    "form": _form,
    "pyexpr": _expression,
}


def gate_for(folder: Path) -> Gate:
    gate = make_gate(folder, body_seconds=0.5, body_bytes=4 * 1024 * 1024)
    gate.adapters = (GenericAdapter((ROUTE, BULK), account_header="x-account"),)
    return gate


async def test_an_ordinary_call_passes(tmp_path: Path) -> None:
    """The call that the rows bend is itself allowed, so that what stops them is what is wrong with them."""
    async with upstream() as cloud, serving(gate_for(tmp_path), configuration(cloud.url)) as (port, _):
        assert status_of(await exchange(port, _post(b'{"gpus": 8, "hours": 1}'))) == 200
        assert cloud.bodies == [b'{"gpus": 8, "hours": 1}']


async def test_every_row_is_answered_as_it_should_be(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each labelled call gets its stated answer, and what should be refused never reaches the upstream."""
    wrong = []
    async with upstream() as cloud, serving(gate_for(tmp_path), configuration(cloud.url)) as (port, _):
        for row in rows(shared_data):
            before = len(cloud.received)
            call = on_the_wire(row)
            raw = await exchange(port, call)
            if not _as_stated(row, call, raw, cloud.received[before:]):
                wrong.append((row["id"], row["expected"], raw[:200], len(cloud.received) - before))
    assert wrong == []
    assert "Traceback" not in "".join(capsys.readouterr())


def _as_stated(row: dict[str, Any], call: bytes, raw: bytes, seen: list[bytes]) -> bool:
    stated = row["expected"]
    status = status_of(raw.partition(b"\r\n\r\n")[2]) if raw.startswith(b"HTTP/1.1 100") else status_of(raw)
    decided = b"kyc-decision-id" in raw and all(each.partition(b"\r\n\r\n")[2] in call for each in seen)
    if row["id"] in REPAIRED:
        return decided
    if row["id"] in OTHERWISE:
        return (status, seen) == (OTHERWISE[row["id"]], [])
    if stated["decision"] == "screen_each":
        return all(b"/v1/training-jobs" not in each or decided for each in seen)
    if stated["decision"] == "ignore_trailers":
        return seen == [] or decided
    if seen:
        return stated["decision"] in ("reject_or_same_route", "reject_or_screen") and decided
    return bool(status == stated["status"])
