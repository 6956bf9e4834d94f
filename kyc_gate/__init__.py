"""Know-Your-Customer screening middleware for infrastructure clouds.

`KYCGateMiddleware(app, gate=Gate.from_config("kyc-gate.toml"))` guards an ASGI application, and
`aiohttp.ClientSession(**gate.client_hook())` guards a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kyc_gate.asgi.interception import prove_interception
    from kyc_gate.asgi.middleware import KYCGateMiddleware
    from kyc_gate.client.hooked import Gate
    from kyc_gate.model.decision import Decision, Outcome

__all__ = ["Decision", "Gate", "KYCGateMiddleware", "Outcome", "prove_interception"]

_HOMES = {
    "Decision": "kyc_gate.model.decision",
    "Gate": "kyc_gate.client.hooked",
    "KYCGateMiddleware": "kyc_gate.asgi.middleware",
    "Outcome": "kyc_gate.model.decision",
    "prove_interception": "kyc_gate.asgi.interception",
}


def __getattr__(name: str) -> Any:
    """Return a public name, importing its home only now, so that `import kyc_gate` costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module `kyc_gate` has no attribute `{name}`")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
