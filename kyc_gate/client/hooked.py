"""The gate with its client hook: what `from kyc_gate import Gate` gives."""

from __future__ import annotations

from typing import Any

from kyc_gate.client.hook import Hook
from kyc_gate.service import gate


class Gate(gate.Gate):
    """The gate, with a hook for aiohttp client sessions."""

    def client_hook(self) -> dict[str, Any]:
        """Return the arguments that put this gate into a session: `aiohttp.ClientSession(**gate.client_hook())`.

        The middleware decides, and the trace stops a guarded request that was made with `middlewares=()`.
        A session with middlewares of its own lists the hook's after them: what is decided must be what is sent.
        Raises `ConfigurationError` for a gate without adapters, which guards nothing.
        """
        self.require_adapter()
        hook = Hook(self)
        return {"middlewares": (hook.decide,), "trace_configs": [hook.trace_config()]}
