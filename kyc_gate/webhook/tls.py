"""The webhook's certificate: checked at start, and taken anew when its files change."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.errors import ConfigurationError

log = structlog.get_logger("kyc_gate")

RELOAD_SECONDS = 60.0
"""How often the files are looked at. Certificate managers renew days before a certificate ends."""


def tls_of(settings: KubernetesSettings, path: Callable[[str], Path]) -> dict[str, Any]:
    """Return what uvicorn needs for TLS, empty for a webhook that something else puts behind TLS.

    Raises `ConfigurationError` where there is no certificate, since the API server calls nothing without one.
    """
    if settings.certificate is None or settings.key is None:
        if settings.unsafe_plain_http and settings.certificate is None and settings.key is None:
            return {}
        raise ConfigurationError(
            "`kubernetes.certificate` and `kubernetes.key`: name both files, since the API server calls over TLS only; "
            "or set `kubernetes.unsafe_plain_http` where something else serves TLS"
        )
    tls: dict[str, Any] = {
        "ssl_certfile": str(path(settings.certificate)),
        "ssl_keyfile": str(path(settings.key)),
    }
    if settings.client_ca is not None:
        tls |= {"ssl_ca_certs": str(path(settings.client_ca)), "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return tls


def load_tls(config: uvicorn.Config) -> None:
    """Read the certificate. Raises `ConfigurationError` for files that are not a certificate and its key."""
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigurationError(f"`kubernetes.certificate`: the certificate cannot be used: {why}") from error


async def keep_certificate(config: uvicorn.Config, tls: Mapping[str, Any], seconds: float = RELOAD_SECONDS) -> None:
    """Take the certificate anew when its files change. One that cannot be read is logged, and the last one stays."""
    names = [tls[name] for name in ("ssl_certfile", "ssl_keyfile") if name in tls]
    seen = await asyncio.to_thread(_changed, names)
    while names:
        await asyncio.sleep(seconds)
        now = await asyncio.to_thread(_changed, names)
        if now == seen or config.ssl is None:
            continue
        try:
            await asyncio.to_thread(config.ssl.load_cert_chain, *names)
        except (OSError, ssl.SSLError) as error:
            log.error("certificate.unreadable", error=str(error))
        else:
            seen = now
            log.info("certificate.renewed")


def _changed(names: list[str]) -> list[float | None]:
    """Return when each file was written, None for one that is not there at the moment."""
    return [path.stat().st_mtime if (path := Path(name)).exists() else None for name in names]
