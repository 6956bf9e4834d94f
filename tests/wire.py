"""Servers and sockets for tests that go through the real protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn


class Upstream:
    """A server that keeps the very bytes it was sent, and answers each request with `answer`."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self.hold = asyncio.Event()
        self.hold.set()
        self.arrived = asyncio.Event()
        self.port = 0
        self.serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def heads(self) -> list[list[str]]:
        """The lines of each request's head."""
        return [raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n") for raw in self.received]

    @property
    def bodies(self) -> list[bytes]:
        return [raw.partition(b"\r\n\r\n")[2] for raw in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self.serving.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.received.append(head)
                await self._body(reader, head)
                self.arrived.set()
                await self.hold.wait()
                writer.write(self.answer)
                await writer.drain()
                if b"content-length" not in self.answer.lower():
                    break

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> None:
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        if length := int(fields.get(b"content-length", b"0")):
            self.received[-1] += await reader.readexactly(length)
        elif fields.get(b"transfer-encoding") == b"chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                self.received[-1] += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")


@contextlib.asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    """An upstream on a free port of loopback."""
    fake = Upstream()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        for task in fake.serving:
            task.cancel()
        await asyncio.gather(*fake.serving, return_exceptions=True)


@contextlib.asynccontextmanager
async def served(app: Any, **settings: Any) -> AsyncIterator[int]:
    """`app` under uvicorn in this event loop; the port."""
    fields = {"log_config": None, "access_log": False, "http": "h11", "lifespan": "on", "ws": "none", **settings}
    server = _Server(uvicorn.Config(app, **fields))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        await server.listening.wait()
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def served_in_thread(app: Any, **settings: Any) -> Iterator[int]:
    """`app` under uvicorn in a thread and event loop of its own; the port."""
    started = threading.Event()
    stop: list[Any] = []
    port: list[int] = []

    async def live() -> None:
        done = asyncio.Event()
        async with served(app, **settings) as number:
            port.append(number)
            stop.append((asyncio.get_running_loop(), done))
            started.set()
            await done.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    assert started.wait(10), "the server did not start"
    try:
        yield port[0]
    finally:
        loop, done = stop[0]
        loop.call_soon_threadsafe(done.set)
        thread.join(10)


async def exchange(port: int, *parts: bytes, pause: float = 0.0, end: bool = False) -> bytes:
    """Send `parts` over one connection, with a pause between them, and return all that comes back in answer.

    With `end`, the sending side is closed after the last part.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            if end:
                writer.write_eof()
        return await asyncio.wait_for(_answer(reader), 10)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Read one response: to its length, to its last chunk, or to the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except ConnectionError:
        return b""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        if b"content-length" in fields:
            return head + await reader.readexactly(int(fields[b"content-length"]))
        return head + await reader.read() if b"transfer-encoding" not in fields else head + await _chunks(reader)
    return head


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    return body


def status_of(raw: bytes) -> int:
    """The status of a raw response; 0 when the server hung up without one."""
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/") else 0
