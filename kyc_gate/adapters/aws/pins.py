"""Names that move, in a call that the gate signs itself: sent on as what they stood for when it was decided."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from kyc_gate.model.call import Call
from kyc_gate.model.job import ProvisioningRequest

_HOME = b"launchtemplate."
_TEMPLATE = "launch-template:"


def pins(call: Call, request: ProvisioningRequest) -> bool:
    """Return whether a template that the call names can be pinned: it stands in the form of one RunInstances."""
    return call.proven is not None and request.operation == "RunInstances" and call.method == "POST" and not call.query


def pinned(body: bytes, request: ProvisioningRequest | None) -> bytes:
    """Return the form with the template's id and version for the name that the decision was about; else as it is."""
    moved = [
        each.means.removeprefix(_TEMPLATE)
        for each in (request.inquired if request is not None else ())
        if each.means != each.reference and each.means.startswith(_TEMPLATE)
    ]
    if not moved:
        return body
    id, _, version = moved[0].partition("@")
    kept = [pair for pair in body.split(b"&") if not _name(pair).startswith(_HOME)]
    named = f"LaunchTemplate.LaunchTemplateId={id}&LaunchTemplate.Version={version}".encode("ascii")
    return b"&".join((*kept, named))


def _name(pair: bytes) -> bytes:
    """Return the name of a parameter as AWS reads it: it may be written with escapes."""
    return unquote_to_bytes(pair.partition(b"=")[0]).lower()
