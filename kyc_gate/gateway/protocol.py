"""HTTP/1.1 as uvicorn speaks it with h11, with a deadline for the head of a call.

uvicorn waits for a head as long as its client likes, and a thousand clients that send a byte now and then would take
every connection that there is.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long a head may take from its first byte, or the first one from the connection: the deadline of common proxies is
between 10 (HAProxy's example) and 60 seconds (nginx, `client_header_timeout`)."""


class DeadlineProtocol(H11Protocol):
    """Ends a connection whose head is not whole in time. Between calls the time to keep a connection counts."""

    head_seconds = HEAD_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Expect a head."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Read on. A head that is whole has met its deadline, and one that has begun has one."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._deadline is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        self._forget()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._deadline = asyncio.get_running_loop().call_later(self.head_seconds, self._too_late)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
