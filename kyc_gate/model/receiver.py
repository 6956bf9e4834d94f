"""Who is told what happened."""

from __future__ import annotations

import base64
import binascii
from typing import Literal
from urllib.parse import urlsplit

from kyc_gate.model.record import Record


class Receiver(Record):
    """Whom to tell, and how.

    `secret_file` holds what signs webhooks (`whsec_...`), the routing key or token of the others, or the password with
    which `username` signs in to a mail server. Mail goes over TLS, by STARTTLS or from the start (`smtps://`), unless
    `unsafe_plain_mail` says otherwise; no password goes without it.
    `events` names what is told; empty is everything. `allow_private` lets the address be one of this machine or of its
    network, and plain HTTP.
    """

    name: str
    kind: Literal["webhook", "slack", "pagerduty", "jira", "email"]
    url: str = ""
    secret_file: str | None = None
    project: str = ""
    to: tuple[str, ...] = ()
    sender: str = "kyc-gate@localhost"
    username: str = ""
    unsafe_plain_mail: bool = False
    events: tuple[str, ...] = ()
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be told, or not safely."""
        address = urlsplit(self.url)
        if not self.name.strip():
            raise ValueError("`name` is empty")
        if self.kind == "email":
            self._check_mail()
        if self.kind in ("webhook", "slack", "jira") and address.scheme not in self._schemes():
            raise ValueError(f"`{self.name}`: `url` must begin with https://; `allow_private` allows http:// too")
        if address.username or address.password:
            raise ValueError(f"`{self.name}`: `url` holds a password; put it into `secret_file`")
        if self.kind in ("webhook", "pagerduty", "jira") and self.secret_file is None:
            raise ValueError(f"`{self.name}`: `secret_file` is missing")
        if self.kind == "jira" and not self.project:
            raise ValueError(f"`{self.name}`: `project` is missing, the key of a Jira project")

    def _check_mail(self) -> None:
        address = urlsplit(self.url)
        if address.scheme not in ("smtp", "smtps") or not address.hostname or not self.to:
            raise ValueError(f'`{self.name}`: mail needs `url = "smtp://host:port"` or `"smtps://..."`, and `to`')
        if bool(self.username) != (self.secret_file is not None):
            raise ValueError(f"`{self.name}`: `username` and `secret_file`, which holds its password, go together")
        if self.unsafe_plain_mail and (self.username or address.scheme == "smtps"):
            raise ValueError(f"`{self.name}`: `unsafe_plain_mail` goes with `smtp://`, and with no `username`")

    def _schemes(self) -> tuple[str, ...]:
        return ("https", "http") if self.allow_private else ("https",)


def require_secret(receiver: Receiver, secret: str) -> None:
    """Raise `ValueError` for a webhook's secret that is not base64 of 24 to 64 bytes (Standard Webhooks 1.0.0)."""
    if receiver.kind != "webhook":
        return
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError(f"`{receiver.name}`: the secret must be `whsec_` and 24 to 64 bytes in base64")
