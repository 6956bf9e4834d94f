"""Where the services of AWS answer, and whether a call came to where its signature is for."""

from __future__ import annotations

from yarl import URL

from kyc_gate.adapters.aws.signature import INCOMPLETE, WRONG, Claim
from kyc_gate.adapters.words import shown
from kyc_gate.errors import ConfigurationError, RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.service.config import BrokerSettings

_LABELS = {"sagemaker": "api.sagemaker"}
"""What begins a service's host, where it is not its signing name (botocore's endpoint prefixes)."""


class Endpoints:
    """The addresses that the broker signs for, and the names under which it is called."""

    def __init__(self, settings: BrokerSettings) -> None:
        """Raise `ConfigurationError` for an endpoint that is not an address."""
        self._services = frozenset(settings.services)
        self._regions = frozenset(settings.regions)
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._origins = {
            (service, region): _origin(settings.endpoints.get(service) or f"https://{host_of(service, region)}", region)
            for service in settings.services
            for region in settings.regions
        }

    def origin(self, service: str, region: str) -> str:
        """Return the scheme, host and port of a service in a region that are signed for."""
        return self._origins[service, region]

    def check(self, call: Call, claim: Claim) -> None:
        """Pass a call that is signed for a service in a region that the broker signs for, and for this very door.

        Raises `RefusedCall`: a signature for one service or region must not reach another.
        """
        if claim.service not in self._services:
            raise RefusedCall(
                403, WRONG, f"this gate signs for {', '.join(sorted(self._services))}, not for {shown(claim.service)}"
            )
        if claim.region not in self._regions:
            raise RefusedCall(
                403, WRONG, f"this gate signs for {', '.join(sorted(self._regions))}, not for {shown(claim.region)}"
            )
        host = (call.value(b"host") or b"").decode("latin-1").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.strip("[]") in self._hosts or host in self._hosts:
            return
        if name.rstrip(".") != host_of(claim.service, claim.region):
            raise RefusedCall(
                421, INCOMPLETE, f"Host {shown(host)} is neither this gate nor {host_of(claim.service, claim.region)}"
            )


def host_of(service: str, region: str) -> str:
    """Return the public host of a service in a region (docs.aws.amazon.com/general/latest/gr/rande.html)."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{_LABELS.get(service, service)}.{region}.{suffix}"


def _origin(text: str, region: str) -> str:
    try:
        url = URL(text.replace("{region}", region))
        origin = str(url.origin())
    except ValueError as error:
        raise ConfigurationError(f"`broker.endpoints`: `{text}` is not an address such as `https://host`") from error
    if url.scheme not in ("http", "https") or url.path not in ("", "/") or url.query_string or url.user:
        raise ConfigurationError(f"`broker.endpoints`: `{text}` must be scheme, host and port alone")
    return origin
