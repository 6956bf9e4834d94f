"""Work in a process of its own, so that it holds up no decision of the process that serves."""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def answer_apart(module: str, work: bytes, *, seconds: float) -> tuple[bytes, int | None]:
    """Return what `python -m module` writes when it is given `work`, and its exit status.

    Raises `TimeoutError` when that takes longer than `seconds`. The process ends with the call.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds):
            answer, _ = await process.communicate(work)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return answer, process.returncode
