"""Overload, upgrades and client hooks: what each row of the catalogue asks for, here or where it says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asgi.driver import chunks, drive, http
from catalogue import rows_of, stands
from gates import PATH, job, make_gate
from wire import exchange, status_of, upstream

from kyc_gate import Gate
from kyc_gate.asgi.middleware import KYCGateMiddleware
from kyc_gate.console.assets import ASSETS
from kyc_gate.gateway.protocol import DeadlineProtocol
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import PartyKind
from kyc_gate.screening.asked import Asked

from .test_serve import call, configuration, serving

Check = Callable[[Path, pytest.MonkeyPatch], Awaitable[None]]
BODY = b'{"gpu": "H100 SXM", "gpus": 8, "hours": 1}'


def post(*headers: str, body: bytes = BODY, length: bool = True) -> bytes:
    """A guarded call of an allowed customer, with more headers."""
    lines = [f"POST {PATH} HTTP/1.1", "Host: api.example", "X-Account: acct-norge", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


async def slow_heads_are_given_up(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A head that comes a byte at a time ends its connection in time, and others are served meanwhile."""
    patch.setattr(DeadlineProtocol, "head_seconds", 0.5)
    async with upstream() as cloud, serving(make_gate(folder), configuration(cloud.url)) as (port, _):
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        since = time.monotonic()
        for _, writer in slow[:40]:
            writer.write(b"POST / HTTP/1.1\r\nX")
        assert status_of(await exchange(port, call("acct-norge", job()))) == 200
        assert await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in slow)), 10) == [b""] * 50
        assert time.monotonic() - since < 9
        for _, writer in slow:
            writer.close()
        kept = await exchange(port, call("acct-norge", job()), call("acct-norge", job()), pause=0.7)
        assert status_of(kept) == 200


async def many_chunks_are_one_body(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Twenty thousand chunks of a byte are read as one body, and forwarded as such."""
    body = BODY[:-1] + b" " * 20_000 + b"}"
    framed = b"".join(b"1\r\n" + body[at : at + 1] + b"\r\n" for at in range(len(body))) + b"0\r\n\r\n"
    async with upstream() as cloud, serving(make_gate(folder), configuration(cloud.url)) as (port, _):
        raw = await exchange(port, post("Transfer-Encoding: chunked", body=b"", length=False) + framed)
        assert status_of(raw) == 200
        assert len(cloud.received) == 1


async def large_heads_are_refused(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Forty kilobytes of one header are 431, and so are seventy, and three hundred headers."""
    async with upstream() as cloud, serving(make_gate(folder), configuration(cloud.url)) as (port, _):
        for headers, status in (
            (["X-A: " + "a" * 40_000], 431),
            (["X-A: " + "a" * 70_000], 431),
            ([f"X-{number}: a" for number in range(300)], 431),
        ):
            assert status_of(await exchange(port, post(*headers))) == status
        assert cloud.received == []


async def brotli_is_refused(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A coding is refused by its name, before anything grows."""
    async with upstream() as cloud, serving(make_gate(folder), configuration(cloud.url)) as (port, _):
        assert status_of(await exchange(port, post("Content-Encoding: br", body=b"\x0b" * 152))) == 415
        assert cloud.received == []


async def two_authorities_are_refused(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A server of HTTP/2 shows another authority as a second host; ours speaks none, and its preface is no call."""
    async with upstream() as cloud, serving(make_gate(folder), configuration(cloud.url)) as (port, _):
        assert status_of(await exchange(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) == 405
        assert cloud.received == []
    assert await over_http2(folder, (b"host", b"other.example")) == 400


async def values_that_end_a_line_are_refused(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A value with a line's end or padding, which HTTP/2 can carry, goes no further."""
    for value in (b"a\r\nX-Account: acct-norge", b" a", b"a "):
        assert await over_http2(folder, (b"x-name", value)) == 400


async def over_http2(folder: Path, *more: tuple[bytes, bytes]) -> int | None:
    """The status of a call as a server of HTTP/2 hands it to an application, with more headers."""

    async def behind(*_: object) -> None:
        raise AssertionError("it was let through")

    gate: Gate = make_gate(folder)
    async with gate:
        known = [(b"host", b"api.example"), (b"content-type", b"application/json"), (b"x-account", b"acct-norge")]
        headers = [*known, *more]
        scope = {**http(PATH, headers=headers), "http_version": "2"}
        return (await drive(KYCGateMiddleware(behind, gate), scope, chunks(BODY))).status


async def refused_decisions_say_so_at_once(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Beyond the decisions that may be made at once calls are answered 503, those admitted as ever, and it recovers."""
    gate = make_gate(folder, concurrent_decisions=2)
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, _):
        bodies = [job(hours=1, name=f"job-{number}") for number in range(60)]
        answers = await asyncio.gather(*(exchange(port, call("acct-norge", body)) for body in bodies))
        found = {status_of(each) for each in answers}
        assert found <= {200, 503}
        assert 200 in found
        assert len(cloud.received) == sum(status_of(each) == 200 for each in answers)
        assert status_of(await exchange(port, call("acct-norge", job()))) == 200


async def screening_holds_up_nobody(folder: Path, _: pytest.MonkeyPatch) -> None:
    """While names are compared, which takes a thread and not the loop, other calls are served."""
    gate = make_gate(folder)
    entries = tuple(
        ListEntry(list="SDN", id=str(number), name=f"Listed Works {number} Holding", kind=PartyKind.COMPANY)
        for number in range(2_000)
    )
    reading = ListReading(name="test", format="test", entries=entries, problems=(), as_of=datetime.now(UTC))
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, _):
        await gate.activate(merge([reading]))
        asked = tuple(Asked(names=(f"Listed Work {number} Holdings",)) for number in range(60))
        screening = asyncio.create_task(gate.screen(asked))
        await asyncio.sleep(0.05)
        served = 0
        while not screening.done() and served < 20:
            assert status_of(await exchange(port, b"GET /health HTTP/1.1\r\nHost: api.example\r\n\r\n")) == 200
            served += 1
        assert len((await screening).found) == 60
        assert served > 0


async def ranges_are_not_multiplied(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Ten thousand ranges of one of the console's files are the file, once, or are refused for their size."""
    async with upstream() as cloud, serving(make_gate(folder), configuration(cloud.url)) as (_, api):
        address = ASSETS["style"].address
        for ranges in (100, 10_000):
            head = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes={'0-,' * ranges}0-\r\n\r\n"
            since = time.monotonic()
            raw = await exchange(api, head.encode())
            assert status_of(raw) == 200
            assert len(raw) < 500_000
            assert time.monotonic() - since < 5


async def forms_have_an_end(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A form of five thousand fields is refused, and not read into five thousand names."""
    form = "&".join(f"a{number}=1" for number in range(5_000)).encode()
    async with upstream() as cloud, serving(make_gate(folder), configuration(cloud.url)) as (_, api):
        head = ["POST /sign-in HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/x-www-form-urlencoded"]
        raw = await exchange(api, "\r\n".join([*head, f"Content-Length: {len(form)}", "", ""]).encode() + form)
        assert status_of(raw) == 400


async def sessions_read_no_proxy_settings(_: Path, patch: pytest.MonkeyPatch) -> None:
    """aiohttp reads proxies from the environment only where it is told to, and the hook tells it nothing."""
    patch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    import aiohttp

    with contextlib.suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session:
            assert session.trust_env is False


ROWS: dict[str, Check | str] = {
    "client_hook-001": "client/test_hook.py::test_redirect_is_decided_again_and_counted_once",
    "client_hook-002": "client/test_hook.py::test_request_round_the_middleware_is_stopped",
    "client_hook-003": "client/test_hook.py::test_stream_is_read_once_and_sent_whole",
    "client_hook-004": "client/test_hook.py::test_retry_with_its_token_is_counted_once",
    "client_hook-005": "client/test_hook.py::test_request_that_may_have_arrived_keeps_its_hold",
    "client_hook-006": "client/test_httpx.py::test_a_gate_that_fails_sends_nothing",
    "client_hook-007": "client/test_httpx.py::test_another_spelling_of_the_path_does_not_pass",
    "client_hook-008": sessions_read_no_proxy_settings,
    "client_hook-009": "client/test_hook.py::test_websocket_to_a_guarded_path_is_refused",
    "client_hook-010": "client/test_httpx.py::test_a_decision_that_takes_too_long_sends_nothing",
    "compression-010": brotli_is_refused,
    "multipart-007": "adapters/test_cloud_bad_inputs.py::test_calls_packed_into_one_are_refused",
    "overload-001": slow_heads_are_given_up,
    "overload-002": "asgi/test_middleware.py::test_slow_body_is_given_up",
    "overload-003": many_chunks_are_one_body,
    "overload-004": "asgi/test_middleware.py::test_sent_length_is_bounded",
    "overload-005": "asgi/test_middleware.py::test_declared_length_is_bounded_before_reading",
    "overload-006": large_heads_are_refused,
    "overload-007": large_heads_are_refused,
    "overload-008": refused_decisions_say_so_at_once,
    "overload-009": "storage/test_faults.py::test_another_process_keeps_the_lock",
    "overload-010": "client/test_httpx.py::test_a_decision_that_takes_too_long_sends_nothing",
    "overload-011": "storage/test_casework.py::test_cases_are_listed_newest_first_page_by_page",
    "overload-012": screening_holds_up_nobody,
    "overload-013": "adapters/test_strict_json.py::test_a_hostile_document_is_answered_quickly",
    "overload-014": ranges_are_not_multiplied,
    "overload-015": forms_have_an_end,
    "overload-016": "gateway/test_serve.py::test_websocket_is_not_forwarded",
    "upgrade-002": "asgi/test_middleware.py::test_websocket_on_a_guarded_path_is_denied",
    "upgrade-003": "asgi/test_middleware.py::test_unknown_scope_type_is_refused",
    "upgrade-004": "adapters/test_cloud_bad_inputs.py::test_grpc_is_refused",
    "upgrade-005": two_authorities_are_refused,
    "upgrade-006": values_that_end_a_line_are_refused,
}


@pytest.mark.parametrize("row", [row for row, check in ROWS.items() if not isinstance(check, str)])
async def test_row(row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each overload, upgrade and client of the catalogue has the answer that it asks for."""
    check = ROWS[row]
    assert not isinstance(check, str)
    await check(tmp_path, monkeypatch)


def test_no_row_is_left_out(shared_data: Path) -> None:
    """Every row is tried and each test that is named exists."""
    layers = {"asgi_gate", "client_hook"}
    served = {**rows_of(shared_data, "overload"), **rows_of(shared_data, "upgrade")}
    known = {each for each, row in served.items() if row["layer"] in layers}
    assert {*known, *rows_of(shared_data, "client_hook"), "compression-010", "multipart-007"} == {*ROWS}
    assert [check for check in ROWS.values() if isinstance(check, str) and not stands(check)] == []
