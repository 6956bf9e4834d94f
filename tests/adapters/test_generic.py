"""The generic adapter: what a configured route reads, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import Accelerators, Certainty, ProvisioningRequest, RequestKind, Workload
from kyc_gate.model.lineage import BaseModel, Weights

from .calls import BULK, JOBS, JSON, call, jobs

PATH = b"/v1/training-jobs"


def ask(body: dict[str, Any] | bytes, *headers: tuple[bytes, bytes], query: bytes = b"") -> ProvisioningRequest:
    """Read a job as the training route reads it."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = call("POST", PATH, data, JSON, *headers, query=query)
    assert jobs().guards(given)
    found = jobs().read(given)
    assert found is not None
    return found


def refusal_of(body: dict[str, Any], *headers: tuple[bytes, bytes], query: bytes = b"") -> RefusedCall:
    """The refusal of a job."""
    with pytest.raises(RefusedCall) as caught:
        ask(body, *headers, query=query)
    return caught.value


def test_a_job_is_read_whole() -> None:
    """Account, chips, duration, operations and workload come from the fields that the route names."""
    asked = ask(b'{"customer_id":"c-1","gpus":8,"hours":1.5,"flops":1e26,"workload":"Fine-Tuning","name":"x"}')
    assert asked.lines == (Accelerators(count=8, model="H100 SXM"),)
    assert asked.duration_seconds == 5400
    assert asked.declared_operations == 10**26
    assert asked.workload is Workload.FINE_TUNING
    assert asked.kind is RequestKind.SUBMIT
    assert asked.certainty is Certainty.EXACT
    assert (asked.caller.account, asked.caller.verified, asked.caller.how) == ("c-1", False, "body")


def test_the_header_of_the_platform_is_proof() -> None:
    """An account from the configured header is verified; one from the body is a claim."""
    asked = ask({"gpus": 8}, (b"x-account-id", b"acct-7"))
    assert (asked.caller.account, asked.caller.verified, asked.caller.how) == ("acct-7", True, "header")
    assert ask({"gpus": 8}).caller.account is None


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param({"customer_id": "c-2"}, ((b"x-account-id", b"c-1"),), 403, id="differs"),
        pytest.param({}, ((b"x-account-id", b"c-1"), (b"x-account-id", b"c-2")), 400, id="repeated"),
        pytest.param({}, ((b"x-account-id", b"\xa0c-1"),), 403, id="padded"),
        pytest.param({"customer_id": "c-1 "}, (), 403, id="space"),
        pytest.param({"customer_id": "c-1\u200b"}, (), 403, id="zero-width"),
        pytest.param({"customer_id": "c\u20111"}, (), 403, id="hyphen"),
        pytest.param({"customer_id": "*"}, (), 403, id="wildcard"),
        pytest.param({"customer_id": 7}, (), 400, id="number"),
        pytest.param({"customer_id": None}, (), 400, id="null"),
    ],
)
def test_an_account_is_one_plain_id(
    body: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...], status: int
) -> None:
    """An account id is compared exactly, never folded into another."""
    assert refusal_of({"gpus": 8, **body}, *headers).status == status


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"gpus": 8, "hours": 0}, "body field `hours`"),
        ({"gpus": 8, "hours": "2"}, "body field `hours`"),
        ({"gpus": 8, "hours": 10**6}, "within ten years"),
        ({"gpus": 8, "flops": 1.5}, "body field `flops`"),
        ({"gpus": 8, "flops": True}, "body field `flops`"),
        ({"gpus": 8, "workload": "inferrence"}, "did you mean `inference`?"),
        ({"gpus": 8, "workload": 3}, "body field `workload`"),
        ({"gpu": 8}, "body field `gpu` is not known here; did you mean `gpus`?"),
        ({"gpus": 8, "overrides": {"gpus": 1}}, "body field `overrides`"),
        ({"gpus": 1_000_001}, "body field `gpus`"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], says: str) -> None:
    """The refusal names the field, and the nearest right spelling."""
    assert says in refusal_of(body).detail


def test_a_query_that_nobody_described_is_refused() -> None:
    """A parameter may change what the platform does, so it is refused until the route names it."""
    assert refusal_of({"gpus": 8}, query=b"gpus=8000").code == "unknown-parameter"


def test_a_case_variant_is_refused_where_unknown_fields_pass() -> None:
    """Even with `unknown_fields = "ignore"`, a described field in another case is refused: some upstreams read it."""
    adapter = GenericAdapter([msgspec.structs.replace(JOBS, unknown_fields="ignore")])
    assert adapter.read(call("POST", PATH, b'{"gpus":8,"colour":"red"}', JSON)) is not None
    with pytest.raises(RefusedCall, match="GPUS"):
        adapter.read(call("POST", PATH, b'{"GPUS":8000}', JSON))


def test_what_is_missing_is_unresolved() -> None:
    """A call without its count, or without its machine, is not a call for nothing."""
    assert ask({}).unresolved == ("field:gpus",)
    given = call("POST", b"/v1/projects/p/zones/z/instances:bulkInsert", b'{"count":4}', JSON)
    asked = jobs().read(given)
    assert asked is not None
    assert asked.unresolved == ("field:machine.type",)
    assert asked.certainty is Certainty.UNRESOLVED


def test_the_same_request_has_the_same_fingerprint() -> None:
    """Spacing, key order and the idempotency header do not matter; account, path and every value do."""
    one = ask(b'{"gpus":8,"hours":2}', (b"x-account-id", b"a"), (b"idempotency-key", b"k1"))
    same = ask(b'{ "hours": 2, "gpus": 8 }', (b"x-account-id", b"a"), (b"idempotency-key", b"k2"))
    assert one.fingerprint == same.fingerprint
    assert one.idempotency_key != same.idempotency_key
    others = [
        ask(b'{"gpus":9,"hours":2}', (b"x-account-id", b"a")),
        ask(b'{"gpus":8,"hours":2}', (b"x-account-id", b"b")),
        ask(b'{"gpus":8,"hours":2,"name":"x"}', (b"x-account-id", b"a")),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_no_token_counts_unless_the_api_honours_it() -> None:
    """Without a configured header, the same token sent twice is two jobs in the ledger."""
    adapter = GenericAdapter([JOBS])
    request = adapter.read(call("POST", PATH, b'{"gpus":8}', JSON, (b"idempotency-key", b"k1")))
    assert request is not None
    assert request.idempotency_key is None


@pytest.mark.parametrize("key", [b"a" * 256, b"a b", b"\x80"])
def test_an_idempotency_key_is_short_and_visible(key: bytes) -> None:
    """A key that stores would cut or fold is refused with 400."""
    assert refusal_of({"gpus": 8}, (b"idempotency-key", key)).code == "idempotency-token"


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", PATH, False),
        ("DELETE", PATH, False),
        ("OPTIONS", PATH, False),
        ("OPTIONS", b"*", False),
        ("GET", PATH + b"/", False),
        ("GET", PATH + b"/my%20job", False),
        ("DELETE", PATH + b"/7", False),
        ("POST", PATH + b"/7/cancel", False),
        ("POST", PATH + b"/7/notes", False),
        ("POST", b"/v1/models", False),
        ("PUT", PATH, 405),
        ("QUERY", PATH, 405),
        ("PATCH", PATH + b"/7", 405),
        ("POST", PATH + b"/7/scale", 405),
        ("POST", PATH + b"/7/scale%2F..%2Fcancel", 400),
        ("POST", PATH + b"/", 400),
        ("POST", b"/V1/training-jobs", 400),
    ],
)
def test_what_a_route_guards(method: str, path: bytes, answer: int | bool) -> None:
    """Reading passes, changing needs a description, and no spelling slips by."""
    adapter = GenericAdapter([JOBS], harmless=["/v1/training-jobs/{id}/notes"])
    given = call(method, path, b"{}" if method in ("POST", "PUT", "PATCH", "QUERY") else None, JSON)
    if isinstance(answer, bool):
        assert adapter.guards(given) is answer
    else:
        with pytest.raises(RefusedCall) as caught:
            adapter.guards(given)
        assert caught.value.status == answer


@pytest.mark.parametrize(
    "route",
    [
        msgspec.structs.replace(JOBS, methods=("GET",)),
        msgspec.structs.replace(JOBS, methods=()),
        msgspec.structs.replace(JOBS, path="v1"),
        msgspec.structs.replace(JOBS, fields=GenericFields(duration_hours="a", duration_days="b")),
        msgspec.structs.replace(JOBS, fields=GenericFields(instance_type="a", accelerator="b")),
        msgspec.structs.replace(JOBS, fields=GenericFields(count="a..b")),
    ],
)
def test_a_route_that_contradicts_itself_is_an_error(route: GenericRoute) -> None:
    """A route is checked when it is configured."""
    with pytest.raises(ValueError, match=r"`"):
        GenericAdapter([route])


def test_two_descriptions_of_one_operation_are_an_error() -> None:
    """The same method and path cannot mean two things."""
    with pytest.raises(ValueError, match="described twice"):
        GenericAdapter([JOBS, JOBS])


def test_a_pointer_reaches_what_a_dotted_path_cannot() -> None:
    """A JSON Pointer may name keys with dots and slashes."""
    fields = GenericFields(count="/spec/nvidia.com~1gpu", dry_run="spec.dry", nodes="spec.nodes")
    adapter = GenericAdapter([GenericRoute(operation="A", path="/a", fields=fields, assume_accelerator="H100 SXM")])
    asked = adapter.read(call("POST", b"/a", b'{"spec":{"nvidia.com/gpu":4,"nodes":3,"dry":true}}', JSON))
    assert asked is not None
    assert asked.lines == (Accelerators(count=4, model="H100 SXM", multiplier=3),)
    assert asked.dry_run


def lineage_of(body: dict[str, Any], **fields: str) -> ProvisioningRequest:
    """What a route reads whose fields are `fields`."""
    route = GenericRoute(
        operation="Train", path="/v1/jobs", fields=GenericFields(count="gpus", accelerator="gpu", **fields)
    )
    data = json.dumps({"gpu": "H100", "gpus": 8, **body}).encode()
    request = GenericAdapter([route]).read(call("POST", b"/v1/jobs", data, JSON))
    assert request is not None
    return request


def test_a_lineage_is_read_from_single_fields_or_an_object() -> None:
    """What a run starts from and trains is read from fields of its own, or from one object, alike."""
    single = lineage_of(
        {"from": "Open 1T", "open": "published", "ops": 1e26, "n": 7e9, "d": 2e12},
        base_model="from", base_weights="open", base_operations="ops", parameters="n", tokens="d",
    )  # fmt: skip
    whole = lineage_of(
        {
            "made": {
                "base": {"name": "Open 1T", "weights": "published", "operations": 1e26},
                "plan": {"parameters": 7e9, "tokens": 2e12},
            }
        },
        lineage="made",
    )
    assert single.lineage == whole.lineage
    assert single.lineage is not None
    assert single.lineage.base == BaseModel(name="Open 1T", weights=Weights.PUBLISHED, operations=10**26)
    assert lineage_of({}, base_model="from").lineage is None


def test_a_lineage_that_cannot_be_meant_is_refused() -> None:
    """A text for a number, and weights that are neither, are refused as the call's fault."""
    for body in ({"ops": "1e26"}, {"ops": -1}, {"open": "yes"}):
        with pytest.raises(RefusedCall) as caught:
            lineage_of(body, base_operations="ops", base_weights="open")
        assert (caught.value.status, caught.value.code) == (400, "lineage")


def test_a_refusal_is_a_problem_document() -> None:
    """A refusal has the members of RFC 9457 and ours, and is never stored."""
    refusal = Refusal(
        status=403,
        code="review-required",
        title="A person must look at this request",
        detail="This request waits for a person.",
        decision_id="D-1",
        case_id="C-1",
        outcome="escalate",
        reasons=(("red-flag-28", "US-AIDR-03"),),
        resubmit=True,
    )
    answer = jobs().refuse(call(), refusal)
    document = json.loads(answer.body)
    assert answer.status == document["status"] == 403
    assert dict(answer.headers)[b"content-type"] == b"application/problem+json"
    assert dict(answer.headers)[b"cache-control"] == b"no-store"
    assert document["decision_id"] == "D-1"
    assert document["case_id"] == "C-1"
    assert document["resubmit"] is True
    assert document["reasons"] == [{"code": "red-flag-28", "cite": "US-AIDR-03"}]


def test_a_wrong_method_is_answered_with_the_right_ones() -> None:
    """A 405 carries Allow, as RFC 9110 asks."""
    refusal = Refusal(status=405, code="unreadable", title="t", detail="d")
    assert (b"allow", b"POST") in jobs().refuse(call("PUT"), refusal).headers


_PATHS = st.sampled_from(
    [PATH, PATH + b"/", b"/v1/training-jobs/7", b"/v1%2Ftraining-jobs", b"/v1/projects/p/zones/z/instances:bulkInsert"]
) | st.binary(max_size=40)
_HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"host", b"content-type", b"content-length", b"x-account-id", b"connection"])
        | st.binary(max_size=9),
        st.sampled_from([b"api.example", b"application/json", b"0", b"close"]) | st.binary(max_size=20),
    ),
    max_size=6,
)


@settings(max_examples=300)
@given(
    st.sampled_from(["POST", "GET", "PATCH", "post", ""]),
    _PATHS,
    st.binary(max_size=30),
    _HEADERS,
    st.binary(max_size=60),
)
def test_any_call_is_read_or_refused(
    method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Whatever comes, the adapter answers or raises `RefusedCall`, and it can always word a refusal."""
    given = Call(method=method, raw_path=path, query=query, headers=tuple(headers), body=body)
    adapter = GenericAdapter([JOBS, BULK], account_header="X-Account-Id")
    refused = None
    try:
        if adapter.guards(given):
            adapter.read(given)
    except RefusedCall as error:
        refused = error
    if refused is not None:
        refusal = Refusal(status=refused.status, code="unreadable", title="t", detail=refused.detail)
        assert adapter.refuse(given, refusal).status == refused.status
