"""What is found out about a head is found once, and stands for no other call."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.adapters.head import with_body
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call

ROUTE = GenericRoute(operation="CreateJob", path="/v1/jobs", fields=GenericFields(accelerator="gpu", count="gpus"))
GENERIC = GenericAdapter((ROUTE,))
BODY = b'{"gpu": "H100 SXM", "gpus": 8}'
HEADERS = ((b"host", b"api.example"), (b"content-type", b"application/json"))


def job(**more: object) -> Call:
    return Call(**{"method": "POST", "raw_path": b"/v1/jobs", "headers": HEADERS, **more})  # type: ignore[arg-type]


def announced(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (*HEADERS, (b"content-length", str(len(body)).encode()))


def test_a_head_is_looked_at_once() -> None:
    """With its body read, a call whose head announced one keeps what was found."""
    head = job(headers=announced(BODY))
    assert GENERIC.guards(head)
    whole = with_body(head, BODY)
    assert whole.found is head.found
    assert GENERIC.read(whole) is not None


def test_another_call_is_looked_at_anew() -> None:
    """A changed head, or another adapter, takes nothing over."""
    head = job()
    assert GENERIC.guards(head)
    assert not GENERIC.guards(replace(head, raw_path=b"/v1/others"))
    assert not GENERIC.guards(replace(head, method="GET"))
    other = GenericAdapter((GenericRoute(operation="Else", path="/v2/jobs", fields=ROUTE.fields),))
    assert not other.guards(head)
    assert not AWSAdapter().guards(head)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_that_nobody_announced_is_seen(method: str) -> None:
    """Where the head said nothing of a body and one came, the call is looked at again, and refused."""
    head = job(method=method)
    assert not GENERIC.guards(head)
    with pytest.raises(RefusedCall):
        GENERIC.guards(with_body(head, BODY))
    assert not GENERIC.guards(with_body(head, b""))


def test_a_refusal_is_not_forgotten() -> None:
    """A head that is refused is refused each time that it is looked at."""
    head = job(headers=(*HEADERS, (b"host", b"other.example")))
    for _ in range(2):
        with pytest.raises(RefusedCall):
            GENERIC.guards(head)
