"""The middleware, driven message by message in front of a real gate."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from gates import PATH, job, make_gate, used
from structlog.testing import CapturingLogger

from kyc_gate import Gate, KYCGateMiddleware
from kyc_gate.errors import ConfigurationError
from kyc_gate.model.decision import Outcome

from .conftest import Cloud
from .driver import chunks, drive, http

NORGE = (b"x-account", b"acct-norge")
HARBIN = (b"x-account", b"acct-harbin")
JSON = (b"content-type", b"application/json")


def guarded(
    body: bytes, *more: tuple[bytes, bytes], account: tuple[bytes, bytes] = NORGE, **scope: Any
) -> dict[str, Any]:
    length = (b"content-length", str(len(body)).encode())
    return http(PATH, headers=[(b"host", b"api.example"), JSON, account, length, *more], **scope)


async def test_allowed_call_arrives_byte_for_byte(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """An allowed call reaches the application with its very bytes, and its answer carries the decision's id."""
    body = b'{ "gpu":"H100 SXM",\n"gpus": 8, "hours":24 }'
    exchange = await drive(app, guarded(body), chunks(body))
    assert (exchange.status, exchange.body) == (201, b"made")
    assert cloud.bodies == [body]
    passage = cloud.scopes[0]["kyc_gate"]
    assert (passage.outcome, passage.decision_id) == (
        Outcome.ALLOW,
        dict(exchange.headers)[b"kyc-decision-id"].decode(),
    )


async def test_app_may_be_given_by_keyword(cloud: Cloud, gate: Gate) -> None:
    """Frameworks give the application by position or as `app`."""
    body = job()
    exchange = await drive(KYCGateMiddleware(app=cloud, gate=gate), guarded(body), chunks(body))
    assert exchange.status == 201


async def test_blocked_call_is_answered_here(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """A blocked call never reaches the application; the customer is told no more than the policy discloses."""
    body = job()
    exchange = await drive(app, guarded(body, account=HARBIN), chunks(body))
    problem = json.loads(exchange.body)
    assert (exchange.status, problem["outcome"], cloud.scopes) == (403, "block", [])
    assert not any(word in exchange.body.lower() for word in (b"china", b"sdn", b"score", b"d:5", b"military"))


async def test_held_call_is_answered_with_its_case(app: KYCGateMiddleware, cloud: Cloud, gate: Gate) -> None:
    """A call that waits for a person is answered with 403 and the case that was opened."""
    body = job()
    exchange = await drive(app, guarded(body, account=(b"x-account", b"acct-nobody")), chunks(body))
    problem = json.loads(exchange.body)
    assert (exchange.status, problem["outcome"], cloud.scopes) == (403, "escalate", [])
    assert await gate.store.fetch_case(problem["case_id"]) is not None


async def test_unguarded_call_is_untouched(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """An unguarded call keeps its own scope, `receive` and `send`, and nothing of its body is read here."""
    seen: list[Any] = []

    async def untouched(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((scope, receive, send))

    scope = http("/v1/other", headers=[(b"kyc-decision-id", b"mine")])
    gate_app = KYCGateMiddleware(untouched, app.gate)

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(_: Any) -> None:
        raise AssertionError("something was sent")

    await gate_app(scope, receive, send)
    assert seen[0] is scope
    assert seen[1:] == [receive, send]
    assert "kyc_gate" not in scope


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(lambda body: [body], id="whole"),
        pytest.param(lambda body: [body[:5], body[5:]], id="split"),
        pytest.param(lambda body: [bytes([byte]) for byte in body], id="a-byte-at-a-time"),
        pytest.param(lambda body: [b"", body, b""], id="with-empty-parts"),
    ],
)
async def test_body_in_any_parts_is_one_body(parts: Any, app: KYCGateMiddleware, cloud: Cloud) -> None:
    """However the body arrives, the application gets it once, whole."""
    body = job()
    await drive(app, guarded(body), chunks(*parts(body)))
    assert cloud.messages == [[{"type": "http.request", "body": body, "more_body": False}]]


async def test_body_is_given_once_and_then_the_disconnect(app: KYCGateMiddleware, gate: Gate) -> None:
    """After the body the application hears what the server has to say, and never of a second body."""
    heard: list[str] = []

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])

    body = job()
    echo = {"type": "http.request", "body": b"", "more_body": False}
    await drive(KYCGateMiddleware(listening, gate), guarded(body), [*chunks(body), echo, {"type": "http.disconnect"}])
    assert heard == ["http.request", "http.disconnect"]


async def test_declared_length_is_bounded_before_reading(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """A body that says it is too large is answered with 413 unread, and the connection ends."""
    scope = http(PATH, headers=[(b"host", b"a"), JSON, NORGE, (b"content-length", b"99999999999")])
    exchange = await drive(app, scope)
    assert (exchange.status, exchange.received, cloud.scopes) == (413, 0, [])
    assert (b"connection", b"close") in exchange.headers


async def test_sent_length_is_bounded(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """A body without a length is read to the cap and no further."""
    scope = http(PATH, headers=[(b"host", b"a"), JSON, NORGE, (b"transfer-encoding", b"chunked")])
    exchange = await drive(app, scope, chunks(*[b"x" * 1024] * 100))
    assert (exchange.status, exchange.received, cloud.scopes) == (413, 5, [])


async def test_slow_body_is_given_up(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """A body that does not end in time is answered with 408."""
    exchange = await drive(app, guarded(b"x" * 10), [{"type": "http.request", "body": b"x", "more_body": True}])
    assert (exchange.status, cloud.scopes) == (408, [])


async def test_cut_off_body_is_refused(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """A body shorter than its declared length is answered with 400."""
    body = job()
    exchange = await drive(app, guarded(body + b" "), chunks(body))
    assert (exchange.status, cloud.scopes) == (400, [])


async def test_client_that_leaves_mid_body_is_forgotten(
    app: KYCGateMiddleware, cloud: Cloud, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disconnect is not the end of a body: nothing is decided, held, passed or answered, and one line says so."""
    body = job()
    parts = [{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}]
    log = CapturingLogger()
    monkeypatch.setattr("kyc_gate.asgi.passage.log", log)
    exchange = await drive(app, guarded(body), parts)
    assert (exchange.sent, cloud.scopes, await used(gate, "norge")) == ([], [], 0)
    assert [call.args for call in log.calls] == [("call.abandoned",)]


async def test_trailers_do_not_change_the_customer(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """A trailer that a server appends to the headers while the body is read changes neither decision nor call."""
    body = job()
    parts = chunks(body[:4], body[4:])
    parts[1]["trailers"] = [NORGE, (b"x-late", b"1")]
    exchange = await drive(app, guarded(body, account=HARBIN), parts)
    assert exchange.status == 403
    parts = chunks(body)
    parts[0]["trailers"] = [HARBIN]
    exchange = await drive(app, guarded(body), parts)
    assert exchange.status == 201
    assert [value for name, value in cloud.scopes[0]["headers"] if name == b"x-account"] == [b"acct-norge"]


async def test_own_headers_of_the_caller_are_dropped(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """Headers that only the gate may write do not come from outside."""
    body = job()
    await drive(app, guarded(body, (b"kyc-decision-id", b"dec_forged"), (b"kyc-x", b"1")), chunks(body))
    assert not any(name.startswith(b"kyc-") for name, _ in cloud.scopes[0]["headers"])


@pytest.mark.parametrize(
    "path",
    [
        "/v1//training-jobs",
        "/v1/./training-jobs",
        "/public/../v1/training-jobs",
        "/v1%2Ftraining-jobs",
        "/v1/training-jobs/",
        "/V1/Training-Jobs",
        "/v1/training%2Djobs",
        "/v1/%74raining-jobs",
        "/v1/training-jobs;x=1",
    ],
)
async def test_another_spelling_of_a_guarded_path_does_not_pass(
    path: str, app: KYCGateMiddleware, cloud: Cloud
) -> None:
    """A path that some server would take for a guarded one is refused or decided, never passed unseen."""
    body = job()
    scope = http(path, headers=[(b"host", b"a"), JSON, HARBIN, (b"content-length", str(len(body)).encode())])
    exchange = await drive(app, scope, chunks(body))
    assert exchange.status in (400, 403)
    assert cloud.scopes == []


async def test_path_below_a_root_is_the_applications_own(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """Under a `root_path`, routes are those below it, however the root itself is spelled on the wire."""
    body = job()
    head = guarded(body, account=HARBIN)["headers"]
    whole = http("/cloud" + PATH, headers=head, root_path="/cloud")
    assert (await drive(app, whole, chunks(body))).status == 403
    spelled = {**whole, "raw_path": b"/%63loud" + PATH.encode()}
    assert (await drive(app, spelled, chunks(body))).status == 400
    assert cloud.scopes == []


async def test_rewritten_path_is_not_passed(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """Where something rewrote the path on its way, both paths must be unguarded."""
    body = job()
    rewritten = {**guarded(body, account=HARBIN), "raw_path": b"/public"}
    assert (await drive(app, rewritten, chunks(body))).status == 400
    hidden = {**guarded(body, account=HARBIN), "path": "/public"}
    assert (await drive(app, hidden, chunks(body))).status == 400
    assert cloud.scopes == []
    unguarded = {**http("/a"), "path": "/b"}
    assert (await drive(app, unguarded, chunks(b""))).status == 201


async def test_server_without_raw_path_is_served(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """`raw_path` is optional in ASGI; without it, the decoded path stands for it."""
    body = job()
    scope = guarded(body, account=HARBIN)
    del scope["raw_path"]
    assert (await drive(app, scope, chunks(body))).status == 403


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        pytest.param(201, True, id="success-settles"),
        pytest.param(302, True, id="redirect-settles"),
        pytest.param(400, False, id="refusal-releases"),
        pytest.param(409, False, id="conflict-releases"),
        pytest.param(500, True, id="unknown-outcome-keeps"),
        pytest.param(504, True, id="gateway-timeout-keeps"),
    ],
)
async def test_hold_follows_the_status(
    status: int, kept: bool, app: KYCGateMiddleware, cloud: Cloud, gate: Gate
) -> None:
    """What the application refused is given back; what it accepted, or may have accepted, counts."""
    cloud.status = status
    body = job()
    await drive(app, guarded(body), chunks(body))
    assert (await used(gate, "norge") > 0) is kept


async def test_application_that_breaks_off_keeps_the_hold(gate: Gate) -> None:
    """An exception leaves the outcome unknown: the hold stays, and the exception goes on to the server."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("half-way")

    body = job()
    with pytest.raises(ValueError, match="half-way"):
        await drive(KYCGateMiddleware(broken, gate), guarded(body), chunks(body))
    assert await used(gate, "norge") > 0


async def test_error_page_after_an_exception_keeps_the_hold(gate: Gate) -> None:
    """A 400 that an error handler sends before it raises again is no proof that nothing was started."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 400, "headers": []})
        raise ValueError("half-way")

    body = job()
    with pytest.raises(ValueError, match="half-way"):
        await drive(KYCGateMiddleware(broken, gate), guarded(body), chunks(body))
    assert await used(gate, "norge") > 0


async def test_cancellation_after_success_settles(gate: Gate) -> None:
    """A call that is cancelled after the application accepted is settled all the same."""
    answered = asyncio.Event()

    async def lingering(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": []})
        answered.set()
        await asyncio.Event().wait()

    body = job()
    task = asyncio.create_task(drive(KYCGateMiddleware(lingering, gate), guarded(body), chunks(body)))
    await answered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await used(gate, "norge") > 0


async def test_cancellation_while_deciding_holds_nothing(gate: Gate, cloud: Cloud) -> None:
    """A call that is cancelled before it was passed on leaves nothing behind."""
    body = job()
    task = asyncio.create_task(drive(KYCGateMiddleware(cloud, gate), guarded(body), chunks(body)))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gate.close()
    await gate.open()
    assert (cloud.scopes, await used(gate, "norge")) == ([], 0)


async def test_second_application_does_nothing(gate: Gate, cloud: Cloud) -> None:
    """The same gate twice around an application decides a call once."""
    body = job()
    twice = KYCGateMiddleware(KYCGateMiddleware(cloud, gate), gate)
    exchange = await drive(twice, guarded(body), chunks(body))
    assert [name for name, _ in exchange.headers].count(b"kyc-decision-id") == 1
    once = await used(gate, "norge")
    await drive(KYCGateMiddleware(cloud, gate), guarded(body), chunks(body))
    assert 2 * once <= await used(gate, "norge") < 3 * once, "parts of days are rounded up"
    assert cloud.bodies == [body, body]


async def test_call_made_up_inside_is_decided_anew(gate: Gate, cloud: Cloud) -> None:
    """A passage covers the call that was decided, and no other call that the application makes from its scope."""
    inner = KYCGateMiddleware(cloud, gate)
    small, large = job(), job(gpus=1_000_000, hours=9000)
    statuses: list[int | None] = []

    async def batch(scope: Any, receive: Any, send: Any) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        length = (b"content-length", str(len(large)).encode())
        statuses.append((await drive(inner, {**scope, "headers": [*headers, length]}, chunks(large))).status)
        swapped = [(name, HARBIN[1] if name == b"x-account" else value) for name, value in scope["headers"]]
        statuses.append((await drive(inner, {**scope, "headers": swapped}, chunks(small))).status)
        await cloud(scope, receive, send)

    await drive(KYCGateMiddleware(batch, gate), guarded(small), chunks(small))
    assert statuses == [403, 403]
    assert cloud.bodies == [small]


class Extended:
    """A scope of a websocket, with or without the extension to refuse it with a response."""

    @staticmethod
    def scope(path: str, extensions: dict[str, Any]) -> dict[str, Any]:
        scope = http(path, headers=[(b"host", b"a"), (b"upgrade", b"websocket"), (b"connection", b"upgrade")])
        del scope["method"]
        return {**scope, "type": "websocket", "extensions": extensions}


@pytest.mark.parametrize(
    ("extensions", "answer"),
    [
        pytest.param({}, {"type": "websocket.close", "code": 1008}, id="close"),
        pytest.param(
            {"websocket.http.response": {}}, {"type": "websocket.http.response.start", "status": 403}, id="response"
        ),
    ],
)
async def test_websocket_on_a_guarded_path_is_denied(
    extensions: dict[str, Any], answer: dict[str, Any], app: KYCGateMiddleware, cloud: Cloud
) -> None:
    """A websocket on a guarded path is refused before it is accepted."""
    exchange = await drive(app, Extended.scope(PATH, extensions), [{"type": "websocket.connect"}])
    first = exchange.sent[0]
    assert answer.items() <= first.items() or (first["type"], first.get("status")) == (answer["type"], 400)
    assert cloud.scopes == []


async def test_websocket_elsewhere_is_untouched(app: KYCGateMiddleware, gate: Gate) -> None:
    """A websocket on an unguarded path reaches the application as it came."""
    seen: list[Any] = []

    async def untouched(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    scope = Extended.scope("/chat", {})
    await drive(KYCGateMiddleware(untouched, gate), scope)
    assert seen[0] is scope


async def test_unknown_scope_type_is_refused(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """A protocol that is not known here never reaches the application."""
    with pytest.raises(RuntimeError, match="webtransport"):
        await drive(app, {**http(PATH), "type": "webtransport"})
    assert cloud.scopes == []


async def test_broken_gate_lets_nothing_through(cloud: Cloud, gate: Gate) -> None:
    """Whatever breaks inside the gate, the call is refused, and the client sees no trace."""

    class Broken:
        limits = gate.limits

        async def open(self) -> None: ...

        def guards(self, call: object) -> bool:
            raise ZeroDivisionError("secret detail")

        def require_adapter(self) -> None:
            pass

        def answer(self, call: object, error: Exception) -> Any:
            raise ZeroDivisionError("secret detail")

    exchange = await drive(KYCGateMiddleware(cloud, Broken()), guarded(b"{}"), chunks(b"{}"))  # type: ignore[arg-type]
    assert (exchange.status, cloud.scopes) == (503, [])
    assert b"secret" not in exchange.body


async def test_store_that_fails_lets_nothing_through(app: KYCGateMiddleware, cloud: Cloud, gate: Gate) -> None:
    """A gate whose store is gone answers 503."""
    await gate.store.close()
    body = job()
    exchange = await drive(app, guarded(body), chunks(body))
    assert (exchange.status, cloud.scopes) == (503, [])
    assert b"Traceback" not in exchange.body


async def test_concurrent_calls_do_not_mix(app: KYCGateMiddleware, cloud: Cloud) -> None:
    """Nothing of one call is kept on the middleware: fifty at once each get their own answer."""
    bodies = [job(name=f"run-{number}") for number in range(50)]
    accounts = [NORGE if number % 2 else HARBIN for number in range(50)]
    exchanges = await asyncio.gather(
        *(
            drive(app, guarded(body, account=account), chunks(body[:9], body[9:]))
            for body, account in zip(bodies, accounts, strict=True)
        )
    )
    assert [exchange.status for exchange in exchanges] == [201 if number % 2 else 403 for number in range(50)]
    assert sorted(cloud.bodies) == sorted(bodies[1::2])
    ids = {scope["kyc_gate"].decision_id for scope in cloud.scopes}
    assert len(ids) == 25


async def test_a_gate_that_guards_nothing_is_no_gate(tmp_path: Path, cloud: Cloud) -> None:
    """Without an adapter every call would pass: the door is not put up, and says what is missing."""
    async with make_gate(tmp_path) as made:
        empty = Gate(policies=made.policies, store=made.store)
        for door in (lambda: KYCGateMiddleware(cloud, empty), empty.client_hook):
            with pytest.raises(ConfigurationError, match=r"add `\[aws\]`, .*, `\[nebius\]`, .* or `\[generic\]`"):
                door()
