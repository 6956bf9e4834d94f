"""What happened is told, signed, in order, and to nobody whom it should not reach."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from certificates import certificate
from wire import served

from kyc_gate.model.outbox import Backlog, Event
from kyc_gate.model.receiver import Receiver, require_secret
from kyc_gate.service.delivery import Undelivered, deliver, require_public, written_for
from kyc_gate.service.gate import Gate
from kyc_gate.service.notifier import Notifier
from kyc_gate.storage.outbox import RETRY_SECONDS
from kyc_gate.telemetry.trace import in_trace, read_trace
from tests.service.conftest import NOW, MakeGate, training

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
DATA: dict[str, object] = {"case_id": "case_7", "severity": "high", "rules": ["red-flag-28"]}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EVENT = Event(id="evt_1", name="case.opened", at=NOW, data=DATA)


class Inbox:
    """A receiver that keeps what it was sent, and answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.got.append((headers, message.get("body", b"")))
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


@asynccontextmanager
async def inbox() -> AsyncIterator[tuple[Inbox, str]]:
    """An inbox, and its address on this machine."""
    app = Inbox()
    async with served(app) as port:
        yield app, f"http://127.0.0.1:{port}/hook"


def webhook(url: str, **more: Any) -> Receiver:
    """A receiver on this machine."""
    fields = {"name": "soc", "kind": "webhook", "url": url, "secret_file": "x", "allow_private": True}
    return Receiver(**{**fields, **more})


async def test_the_standard_s_own_library_verifies_what_is_sent() -> None:
    """The library takes the signature, and refuses another body, another time and another key."""
    library = pytest.importorskip("standardwebhooks")
    now = library.webhooks.datetime.now(tz=library.webhooks.timezone.utc)
    async with inbox() as (app, url):
        await deliver(webhook(url), EVENT, now, secret=SECRET, console="https://kyc.example")
    ((headers, body),) = app.got
    told = library.Webhook(SECRET).verify(body, headers)
    assert told["type"] == "kyc_gate.case.opened.v1"
    assert told["data"]["link"] == "https://kyc.example/console/cases/case_7"
    assert headers["webhook-id"] == told["id"] == "evt_1"
    late = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 4000)}
    other = library.Webhook("whsec_" + base64.b64encode(b"x" * 32).decode())
    for verifier, changed, wrong in (
        (library.Webhook(SECRET), body.replace(b"high", b"low!"), headers),
        (library.Webhook(SECRET), body, late),
        (other, body, headers),
    ):
        with pytest.raises(library.WebhookVerificationError):
            verifier.verify(changed, wrong)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1:2375", id="loopback"),
        pytest.param("[::ffff:169.254.169.254]", id="mapped-metadata"),
        pytest.param("0x7f000001", id="hexadecimal"),
        pytest.param("2130706433", id="one-number"),
        pytest.param("localhost", id="name"),
        pytest.param("10.0.0.7", id="private"),
        pytest.param("[::1]", id="loopback-6"),
        pytest.param("[fe80::1]", id="link-local"),
        pytest.param("[2002:7f00:1::]", id="6to4"),
        pytest.param("100.64.0.1", id="shared"),
        pytest.param("[64:ff9b::a9fe:a9fe]", id="translated-to-metadata"),
        pytest.param("[64:ff9b::808:808]", id="translated"),
        pytest.param("[64:ff9b:1::a9fe:a9fe]", id="translated-locally"),
        pytest.param("[::169.254.169.254]", id="ipv4-compatible"),
        pytest.param("[::ffff:169.254.169.254]", id="ipv4-mapped"),
        pytest.param("[::ffff:0:169.254.169.254]", id="ipv4-translated"),
        pytest.param("[2a00::5efe:a9fe:a9fe]", id="isatap"),
        pytest.param("[2a00::200:5efe:808:808]", id="isatap-global"),
        pytest.param("[2001:0:7f00:1::]", id="teredo-server"),
        pytest.param("[fec0::1]", id="site-local"),
        pytest.param("[::ffff:168.63.129.16]", id="azure-mapped"),
        pytest.param("168.63.129.16", id="azure"),
        pytest.param("192.0.0.192", id="oracle-cloud"),
        pytest.param("0.0.0.0", id="any"),
        pytest.param("224.0.0.1", id="multicast"),
    ],
)
async def test_no_private_address_is_told(host: str) -> None:
    """An address that is not public is refused in any spelling, before a byte is sent."""
    receiver = webhook(f"https://{host}/", allow_private=False)
    with pytest.raises(Undelivered, match=r"no public address|InvalidUrl"):
        await deliver(receiver, EVENT, NOW, secret=SECRET, console="")


@pytest.mark.parametrize("address", ["8.8.8.8", "168.63.129.17", "2a00:1450:4001::5eff"])
def test_public_addresses_are_told(address: str) -> None:
    """What is public passes, beside what is refused as well; and all does where the operator allows private ones."""
    require_public(address, allow_private=False)
    require_public("64:ff9b::a9fe:a9fe", allow_private=True)


async def test_what_is_checked_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to a private address at the moment of connecting is refused then: one look-up, no second."""
    from aiohttp.resolver import ThreadedResolver

    asked = []

    async def rebound(_: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        asked.append(host)
        return [{"hostname": host, "host": "169.254.169.254", "port": port, "family": family, "proto": 0, "flags": 0}]

    monkeypatch.setattr(ThreadedResolver, "resolve", rebound)
    with pytest.raises(Undelivered):
        await deliver(webhook("https://rebind.example/", allow_private=False), EVENT, NOW, secret=SECRET, console="")
    assert asked == ["rebind.example"]


async def test_a_redirect_is_not_followed_and_an_answer_not_read() -> None:
    """A 302 is a failure, and a receiver that would answer endlessly costs its head only."""
    async with inbox() as (app, url):
        app.status, app.headers = 302, [(b"location", b"http://169.254.169.254/")]
        with pytest.raises(Undelivered, match="302"):
            await deliver(webhook(url), EVENT, NOW, secret=SECRET, console="")
        app.status, app.headers, app.body = 200, [], b"x" * 5_000_000
        await deliver(webhook(url), EVENT, NOW, secret=SECRET, console="")
        app.status = 410
        with pytest.raises(Undelivered) as raised:
            await deliver(webhook(url), EVENT, NOW, secret=SECRET, console="")
        assert raised.value.final
    assert len(app.got) == 3


async def told_by(gate: Gate, notifier: Notifier) -> None:
    """One look at the outbox."""
    await notifier.look(gate)


async def test_a_case_is_told_once_in_order_and_names_nobody(make_gate: MakeGate) -> None:
    """What waits and what is blocked is told, in order; what passes is not; no message holds a name."""
    async with inbox() as (app, url), make_gate() as gate:
        notifier = Notifier((webhook(url),), secrets={"soc": SECRET})
        await told_by(gate, notifier)
        await gate.decide(training("norge"))
        held = await gate.decide(training("emirate", chips=16384, hours=2400))
        with in_trace(read_trace(TRACEPARENT.encode())):
            await gate.decide(training("listed"))
        await told_by(gate, notifier)
        await told_by(gate, notifier)
    kinds = [json.loads(body)["type"].split(".", 1)[1] for _, body in app.got]
    assert kinds == ["case.opened.v1", "case.opened.v1", "decision.blocked.v1"]
    assert json.loads(app.got[0][1])["data"]["case_id"] == held.case_id
    assert [json.loads(body).get("traceparent") for _, body in app.got] == [None, TRACEPARENT, TRACEPARENT]
    for headers, body in app.got:
        assert b"Computing" not in body
        assert b"Sealed" not in body
        assert "Sealed" not in str(headers)


async def test_what_fails_is_tried_again_and_then_dead_and_then_replayed(make_gate: MakeGate) -> None:
    """Waits grow as the standard has them; the next event waits its turn; a dead letter is sent again on demand."""
    async with inbox() as (app, url), make_gate() as gate:
        notifier = Notifier((webhook(url),), secrets={"soc": SECRET})
        await notifier.look(gate)
        await gate.decide(training("emirate", chips=16384, hours=2400))
        app.status = 503
        at = NOW
        clock = [at]
        gate.now = lambda: clock[0]  # type: ignore[method-assign]
        await notifier.look(gate)
        for tries, seconds in enumerate(RETRY_SECONDS, 1):
            assert len(app.got) == tries
            clock[0] += timedelta(seconds=seconds - 1)
            await notifier.look(gate)
            assert len(app.got) == tries
            clock[0] += timedelta(seconds=1)
            await notifier.look(gate)
        assert await gate.store.fetch_backlogs() == (Backlog(receiver="soc", dead=1),)
        app.status = 200
        assert await gate.store.replay_events("soc", clock[0]) == 1
        await notifier.look(gate)
        assert await gate.store.fetch_backlogs() == ()
        ids = {headers["webhook-id"] for headers, _ in app.got}
        assert len(ids) == 1


@contextmanager
def mail_server(**how: Any) -> Iterator[tuple[int, list[Any]]]:
    """A mail server of the tests, the port on which it listens, and what it was sent."""
    controller = pytest.importorskip("aiosmtpd.controller")
    kept: list[Any] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            kept.append(envelope)
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = controller.Controller(Handler(), hostname="127.0.0.1", port=port, **how)
    server.start()
    try:
        yield port, kept
    finally:
        server.stop()


def mailed(url: str, **more: Any) -> Receiver:
    """A mailbox behind a server of this machine."""
    return Receiver(name="m", kind="email", url=url, to=("a@x.example",), **{"allow_private": True, **more})


async def test_mail_is_sent_to_a_real_server() -> None:
    """A mail server of the tests takes the message; a line break in what is told forges no header."""
    forged = Event(id="evt_2", name="case.opened", at=NOW, data={**DATA, "case_id": "x\r\nBcc: b@x.example"})
    with mail_server() as (port, kept):
        url = f"smtp://127.0.0.1:{port}"
        with pytest.raises(Undelivered, match="no public address"):
            await deliver(mailed(url, allow_private=False), EVENT, NOW, secret="", console="")
        with pytest.raises(Undelivered, match="SMTPNotSupportedError"):
            await deliver(mailed(url), EVENT, NOW, secret="", console="")
        assert kept == []
        receiver = mailed(url, unsafe_plain_mail=True)
        await deliver(receiver, forged, NOW, secret="", console="https://kyc.example")
    (envelope,) = kept
    assert envelope.rcpt_tos == ["a@x.example"]
    head = envelope.content.partition(b"\r\n\r\n")[0]
    assert b"\nBcc:" not in head
    assert b"red-flag-28" in envelope.content


@pytest.mark.filterwarnings("ignore::UserWarning:aiosmtpd")  # it takes TLS from the start for none
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_mail_goes_over_tls_and_signs_in(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By STARTTLS or TLS from the start: a password is told only to who has a certificate of the name."""
    smtp = pytest.importorskip("aiosmtpd.smtp")
    asked = []

    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        asked.append((data.login, data.password))
        return smtp.AuthResult(success=data.password == b"s3cret", handled=False)

    file, key = certificate(tmp_path, "mail")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key)
    how = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    how |= {"authenticator": authenticator, "auth_required": True, "auth_require_tls": scheme == "smtp"}
    of = {"username": "gate", "secret_file": "x"}
    with mail_server(**how) as (port, kept):
        receiver = mailed(f"{scheme}://localhost:{port}", **of)
        with pytest.raises(Undelivered, match="SSLCertVerificationError"):
            await deliver(receiver, EVENT, NOW, secret="s3cret", console="")
        monkeypatch.setenv("SSL_CERT_FILE", file)
        with pytest.raises(Undelivered, match="SSLCertVerificationError"):
            await deliver(mailed(f"{scheme}://127.0.0.1:{port}", **of), EVENT, NOW, secret="s3cret", console="")
        assert asked == []
        with pytest.raises(Undelivered, match="SMTPAuthenticationError") as raised:
            await deliver(receiver, EVENT, NOW, secret="wrong", console="")
        assert "wrong" not in str(raised.value)
        await deliver(receiver, EVENT, NOW, secret="s3cret", console="")
    assert {login for login, _ in asked} == {b"gate"}
    assert len(kept) == 1


def test_every_other_kind_has_the_form_that_its_maker_asks_for() -> None:
    """Slack's only button is a link; PagerDuty's incident is the case; Jira's label finds it again."""
    slack = Receiver(name="s", kind="slack", url="https://hooks.slack.com/x")
    _, body, _ = written_for(slack, EVENT, NOW, secret="", console="https://kyc.example")
    buttons = [each for block in json.loads(body)["blocks"] for each in block.get("elements", ())]
    assert [set(button) for button in buttons] == [{"type", "text", "url"}]
    pager = Receiver(name="p", kind="pagerduty", secret_file="x")
    _, body, _ = written_for(pager, EVENT, NOW, secret="R", console="")
    sent = json.loads(body)
    assert (sent["routing_key"], sent["event_action"], sent["dedup_key"]) == ("R", "trigger", "case_7")
    assert sent["payload"]["severity"] == "error"
    jira = Receiver(name="j", kind="jira", url="https://jira.example/", secret_file="x", project="KYC")
    url, body, headers = written_for(jira, EVENT, NOW, secret="T", console="")
    assert url == "https://jira.example/rest/api/2/issue"
    assert json.loads(body)["fields"]["labels"] == ["kyc-gate", "case_7"]
    assert headers["authorization"] == "Bearer T"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "webhook", "url": "http://soc.example/", "secret_file": "x"},
        {"kind": "webhook", "url": "https://soc.example/"},
        {"kind": "webhook", "url": "file:///etc/passwd", "secret_file": "x"},
        {"kind": "webhook", "url": "https://u:p@soc.example/", "secret_file": "x"},
        {"kind": "jira", "url": "https://jira.example", "secret_file": "x"},
        {"kind": "email", "url": "smtp://mail.example"},
        {"kind": "email", "url": "http://mail.example", "to": ("a@x.example",)},
        {"kind": "email", "url": "smtp://u:p@mail.example", "to": ("a@x.example",)},
        {"kind": "email", "url": "smtp://mail.example", "to": ("a@x.example",), "username": "gate"},
        {"kind": "email", "url": "smtp://mail.example", "to": ("a@x.example",), "secret_file": "x"},
        {
            "kind": "email",
            "url": "smtp://mail.example",
            "to": ("a@x.example",),
            "username": "gate",
            "secret_file": "x",
            "unsafe_plain_mail": True,
        },
    ],
)
def test_a_receiver_that_could_not_be_told_safely_is_refused(wrong: dict[str, Any]) -> None:
    """The configuration is refused, with the receiver's name and what to change."""
    with pytest.raises(ValueError, match="`soc`"):
        Receiver(name="soc", **wrong)
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        require_secret(webhook("https://x.example"), "whsec_short")
