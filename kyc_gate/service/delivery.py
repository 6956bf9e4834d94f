"""One event sent to one receiver, over an address that was checked, by the connection that is made to it.

INVARIANT: what is connected to is what was checked: the resolver of the session refuses, so no second look-up can
answer otherwise. Redirects are not followed, and of an answer only its status is used.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import smtplib
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from kyc_gate.model.outbox import Event
from kyc_gate.model.receiver import Receiver
from kyc_gate.model.record import canonical_text, plain
from kyc_gate.telemetry.cloud_events import envelope

SECONDS = 15.0
"""How long a receiver may take. Nothing waits for it but the next event to the same receiver."""


_REFUSED = tuple(
    ipaddress.ip_network(each)
    for each in (
        "::/96",  # RFC 4291 section 2.5.5.1: IPv4-compatible
        "::ffff:0:0:0/96",  # RFC 2765 section 2.1: IPv4-translated
        "64:ff9b::/96",  # RFC 6052 section 2.1: an IPv4 address behind a translator, which may be any of its network
        "64:ff9b:1::/48",  # RFC 8215: the same, for a network's own use
        "fec0::/10",  # RFC 3879: site-local, deprecated and still in use
        "168.63.129.16/32",  # Azure's services for its machines, on an address that looks public
        "192.0.0.192/32",  # Oracle Cloud's metadata
    )
)
"""Addresses that lead inside and that `is_global` of some Python calls public."""


class Undelivered(Exception):
    """A receiver does not have the event. `final`: trying again would not help."""

    def __init__(self, said: str, *, final: bool = False) -> None:
        super().__init__(said)
        self.final = final


class _CheckedResolver(AbstractResolver):
    """Resolves names to addresses that may be told; the connection is made to these and to no other."""

    def __init__(self, *, allow_private: bool) -> None:
        self._inner = ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for each in found:
            require_public(each["host"], allow_private=self._allow_private)
        return found

    async def close(self) -> None:
        await self._inner.close()


def require_public(address: str, *, allow_private: bool) -> None:
    """Raise `Undelivered` for an address that is not one of the public internet, in whatever way it is written."""
    if not allow_private and not _public(ipaddress.ip_address(address.partition("%")[0])):
        raise Undelivered(f"`{address}` is no public address; `allow_private` lets it be told", final=True)


def _public(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if not found.is_global or found.is_multicast or any(found in each for each in _REFUSED):
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return True
    # RFC 5214 section 6.1: ISATAP, with the address of either kind, below any prefix.
    isatap = int(found) >> 32 & 0xFDFFFFFF == 0x00005EFE
    inner = (found.ipv4_mapped, found.sixtofour, *(found.teredo or ()))
    return not isatap and all(each is None or _public(each) for each in inner)


async def deliver(receiver: Receiver, event: Event, now: datetime, *, secret: str, console: str) -> None:
    """Send the event. Raises `Undelivered`."""
    if receiver.kind == "email":
        await asyncio.to_thread(_mail, receiver, event, secret, console)
        return
    url, body, headers = written_for(receiver, event, now, secret=secret, console=console)
    host = urlsplit(url).hostname or ""
    try:
        literal = str(ipaddress.ip_address(host))
    except ValueError:
        literal = ""
    if literal:  # the session asks its resolver only about names
        require_public(literal, allow_private=receiver.allow_private)
    connector = aiohttp.TCPConnector(
        resolver=_CheckedResolver(allow_private=receiver.allow_private), use_dns_cache=False, force_close=True
    )
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Undelivered(f"{type(error).__name__}: nothing was told") from error
    if not 200 <= status < 300:
        # 410: Standard Webhooks has the receiver say so that it is gone.
        raise Undelivered(f"the receiver answered {status}", final=status == 410)


def written_for(
    receiver: Receiver, event: Event, now: datetime, *, secret: str, console: str
) -> tuple[str, bytes, dict[str, str]]:
    """Return address, body and headers of an event for a receiver: ids, numbers and a link, and never a name."""
    headers = {"content-type": "application/json", "user-agent": "kyc-gate"}
    link = _link(event, console)
    match receiver.kind:
        case "slack":
            return receiver.url, _json(slack_message(event, link)), headers
        case "pagerduty":
            url = receiver.url or "https://events.pagerduty.com/v2/enqueue"
            return url, _json(pagerduty_event(event, link, secret)), headers
        case "jira":
            headers["authorization"] = f"Bearer {secret}"
            return (
                receiver.url.rstrip("/") + "/rest/api/2/issue",
                _json(jira_issue(event, link, receiver.project)),
                headers,
            )
        case _:
            data = {**event.data, **({"link": link} if link else {})}
            told = envelope(
                id=event.id,
                name=event.name,
                time=event.at.isoformat(),
                subject=_subject(event),
                data=data,
                traceparent=event.traceparent,
            )
            body = _json(told)
            return receiver.url, body, headers | signed_headers(event.id, int(now.timestamp()), body, secret)


def signed_headers(id: str, second: int, body: bytes, secret: str) -> dict[str, str]:
    """Return the three headers of Standard Webhooks 1.0.0: HMAC-SHA-256 of id, time and body, joined by full stops."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{id}.{second}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(second),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode('ascii')}",
    }


def slack_message(event: Event, link: str) -> dict[str, Any]:
    """Return a Slack message. Its only button opens the console: nothing is approved in a chat."""
    text = f"kyc_gate: {event.name} {_subject(event)}"
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "plain_text", "text": summary(event)[:2900]}}]
    if link:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": link}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": text, "blocks": blocks}


def pagerduty_event(event: Event, link: str, routing_key: str) -> dict[str, Any]:
    """Return an event of PagerDuty's Events API v2. A case is one incident, which its decision resolves."""
    closed = event.name in ("case.approved", "case.rejected", "case.decided", "case.expired")
    severity = {"low": "info", "medium": "warning", "high": "error", "critical": "critical"}
    found: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if closed else "trigger",
        "dedup_key": _subject(event)[:255],
        "payload": {
            "summary": summary(event)[:1024],
            "source": "kyc_gate",
            "severity": severity.get(str(event.data.get("severity")), "warning"),
            "timestamp": event.at.isoformat(),
            "class": event.name,
            "custom_details": plain(event.data),
        },
    }
    return found | ({"links": [{"href": link, "text": "Open"}]} if link else {})


def jira_issue(event: Event, link: str, project: str) -> dict[str, Any]:
    """Return a Jira issue, labelled with the id of what it is about, so that it can be found again."""
    return {
        "fields": {
            "project": {"key": project},
            "issuetype": {"name": "Task"},
            "summary": summary(event)[:250],
            "description": f"{summary(event)}\n{link}",
            "labels": ["kyc-gate", _subject(event)],
        }
    }


def summary(event: Event) -> str:
    """Return the event in one line of printable characters."""
    told = ", ".join(
        f"{key} {_word(value)}" for key, value in sorted(event.data.items()) if value not in (None, "", [])
    )
    return f"{event.name}: {told}"


def _word(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return "".join(char if char.isprintable() else " " for char in text)


def _subject(event: Event) -> str:
    return str(event.data.get("case_id") or event.data.get("decision_id") or event.id)


def _link(event: Event, console: str) -> str:
    case_id = event.data.get("case_id")
    return f"{console.rstrip('/')}/console/cases/{case_id}" if console and case_id else ""


def _json(value: Mapping[str, Any]) -> bytes:
    return canonical_text(json.loads(json.dumps(value, default=str))).encode("ascii")


def _mail(receiver: Receiver, event: Event, secret: str, console: str) -> None:
    """Send a mail through the server that `url` names. Headers hold no line break: `_word`."""
    message = EmailMessage()
    message["Subject"] = f"kyc_gate: {event.name} {_word(_subject(event))}"
    message["From"], message["To"] = receiver.sender, ", ".join(receiver.to)
    message["Message-ID"] = f"<{event.id}@kyc-gate>"
    message.set_content(f"{summary(event)}\n\n{_link(event, console)}\n")
    try:
        with _mail_server(receiver) as server:
            if receiver.username:
                server.login(receiver.username, secret)
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:  # what a server says may quote the password
        raise Undelivered(f"{type(error).__name__}: no mail was sent") from error


def _mail_server(receiver: Receiver) -> smtplib.SMTP:
    """Return a session with the mail server, over TLS with its certificate checked unless the operator said otherwise.

    Raises `Undelivered` for an address that may not be told, `OSError` and `smtplib.SMTPException`.
    """
    url = urlsplit(receiver.url)
    host, encrypted = url.hostname or "", url.scheme == "smtps"
    port = url.port or (465 if encrypted else 25)
    found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for each in found:
        require_public(each, allow_private=receiver.allow_private)
    if encrypted:
        return _CheckedTLS(found[0], host, port, context=ssl.create_default_context())
    server = _Checked(found[0], host, port)
    if not receiver.unsafe_plain_mail:
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


class _Checked(smtplib.SMTP):
    """A session with the address that was checked, whose certificate is compared with the name."""

    def __init__(self, checked: str, host: str, port: int, **more: Any) -> None:
        self._checked = checked
        super().__init__(host, port, timeout=SECONDS, **more)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._checked, port), timeout)


class _CheckedTLS(smtplib.SMTP_SSL, _Checked):
    """The same over TLS from the start: the standard library wraps the socket that it gets from the class above."""

    def __init__(self, checked: str, host: str, port: int, *, context: ssl.SSLContext) -> None:
        self._checked = checked
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=SECONDS, context=context)
