"""Which upstream a call goes to, by its Host."""

from __future__ import annotations

from collections.abc import Sequence

from yarl import URL

from kyc_gate.errors import ConfigurationError, RefusedCall
from kyc_gate.model.call import Headers
from kyc_gate.service.config import Upstream

ANY_HOST = "*"


class Upstreams:
    """The configured upstreams: a Host exactly as configured, or the default `*`."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        """Raise `ConfigurationError` for an address that is not scheme, host and port alone, or a Host named twice."""
        if not upstreams:
            raise ConfigurationError('`gateway.upstreams`: name at least one upstream, such as `{url = "http://..."}`')
        self._origins: dict[str, str] = {}
        for upstream in upstreams:
            host = upstream.host.lower()
            if host in self._origins:
                raise ConfigurationError(f"`gateway.upstreams`: host `{upstream.host}` stands twice")
            self._origins[host] = _origin(upstream.url)

    def origin(self, headers: Headers) -> str:
        """Return the scheme, host and port to forward to. Raises `RefusedCall` 400 or 421."""
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            raise RefusedCall(400, "host", "one `Host` header is needed")
        host = hosts[0].decode("latin-1").lower()
        for known in (host, host.rpartition(":")[0] or host, ANY_HOST):
            if known in self._origins:
                return self._origins[known]
        raise RefusedCall(421, "host", "this gateway has no upstream for this `Host`")


def _origin(text: str) -> str:
    try:
        url = URL(text)
        origin = str(url.origin())
    except ValueError as error:
        raise ConfigurationError(
            f"`gateway.upstreams`: `{text}` is not an address such as `http://host:port`"
        ) from error
    if url.scheme not in ("http", "https") or url.path not in ("", "/") or url.query_string or url.fragment or url.user:
        raise ConfigurationError(
            f"`gateway.upstreams`: `{text}` must be scheme, host and port alone, since paths are kept as they were sent"
        )
    return origin
