"""A gate for clients that block: it runs in an event loop of its own, on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

T = TypeVar("T")


class BlockingGate:
    """Opens `gate` on entry and closes it on exit; any thread may ask it meanwhile.

        with BlockingGate(Gate.from_config("kyc-gate.toml")) as gate:
            guard_botocore(boto3.client("ec2"), gate)

    With `loop`, a running loop in which the gate is open already, it opens and closes nothing.
    """

    def __init__(self, gate: Gate, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.gate = gate
        self._given = loop is not None
        self._loop = loop or asyncio.new_event_loop()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if not self._given:
            self._thread = threading.Thread(target=self._loop.run_forever, name="kyc-gate", daemon=True)
            self._thread.start()
            try:
                self.wait(self.gate.open())
            except BaseException:
                self._stop()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._given:
            try:
                self.wait(self.gate.close())
            finally:
                self._stop()

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return what `coroutine` gives, run in the gate's loop. An interrupt cancels it.

        Raises `RuntimeError` in the loop's own thread, which would wait for itself, and where no loop runs.
        """
        if not self._loop.is_running() and self._thread is None:
            coroutine.close()
            raise RuntimeError("the blocking gate is not open; enter it with `with`")
        if _running_loop() is self._loop:
            coroutine.close()
            raise RuntimeError("a blocking client was called in the gate's own event loop; use the client's async form")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._loop.close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
