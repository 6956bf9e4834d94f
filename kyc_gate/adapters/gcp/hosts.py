"""Which of Google's services a host is, and what is no REST call."""

from __future__ import annotations

import re

from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call

ANY = "any"
"""A host that does not say which service it is: the path does."""

_SERVICE = re.compile(
    r"(?:[a-z0-9-]+-)?(aiplatform|compute|tpu|container|batch)(?:-[a-z0-9-]+)?"
    r"(?:\.mtls|\.sandbox|\.p|\.[a-z0-9-]+\.(?:rep|p))?\.googleapis\.com"
)
_SHARED = re.compile(r"(?:www|content|private|restricted|staging-www|www\.mtls)\.googleapis\.com")
_PORT = re.compile(r":[0-9]*\Z")
_GRPC_PATH = re.compile(rb"(?i)/google\.(?:cloud\.(?:aiplatform|compute|tpu|batch|notebooks)|container)\.")


def service_of(call: Call) -> str:
    """Return the service that the call's host is, `ANY` where the path has to say it.

    So it has on other hosts of Google: the caller writes the host, and what stands behind may be any of them.
    """
    found = _SERVICE.fullmatch(host_of(call) or "")
    return found[1] if found else ANY


def host_of(call: Call) -> str | None:
    """Return the one host of the call without its port, None for a call with several or none."""
    hosts = call.values(b"host")
    return _PORT.sub("", hosts[0].decode("latin-1").lower()).rstrip(".") if len(hosts) == 1 else None


def is_google(call: Call) -> bool:
    """Return whether the call goes to a guarded service of Google, or to a host that all its services share."""
    host = host_of(call) or ""
    return bool(_SERVICE.fullmatch(host) or _SHARED.fullmatch(host))


def check_protocol(call: Call, service: str) -> None:
    """Refuse what is no single REST call: gRPC (415), and calls packed into one (400)."""
    kind = b",".join(call.values(b"content-type")).lower()
    if _GRPC_PATH.match(call.raw_path) or (service != ANY and b"application/grpc" in kind):
        raise RefusedCall(
            415, "protocol", "this service is guarded in REST with JSON; set the client's transport to rest"
        )
    packed = call.raw_path.lower().startswith(b"/batch")
    if packed and call.method == "POST" and (service != ANY or b"multipart/" in kind):
        raise RefusedCall(400, "content-type", "multipart bodies are not accepted here; send each call by itself")
