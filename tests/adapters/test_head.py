"""The HTTP profile: one reading of each head, and every spelling of a path."""

from __future__ import annotations

import pytest

from kyc_gate.adapters.head import MAX_HEADERS, canonical_forms, canonical_path, check_head
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call

from .calls import JSON, call


def refused(given: Call) -> tuple[int, str]:
    """Status and code of the refusal of a head."""
    with pytest.raises(RefusedCall) as caught:
        check_head(given)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((), id="none"),
        pytest.param(((b"connection", b"Keep-Alive"), (b"expect", b"100-continue")), id="connection"),
        pytest.param(((b"x-trace", b"a b\tc"), (b"cookie", b"a=1"), (b"cookie", b"b=2")), id="repeated-cookie"),
        pytest.param(((b"x-empty", b""),), id="empty-value"),
    ],
)
def test_an_ordinary_head_passes(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """A head that clients send every day has one reading."""
    check_head(call("POST", b"/v1/jobs/caf%C3%A9", b"{}", JSON, *headers, query=b"a=%2F&b=~"))


@pytest.mark.parametrize(
    "host", [b"a.example", b"A.example:443", b"[::1]:8080", b"127.0.0.1", b"my_service:80", b"a.example."]
)
def test_a_host_with_an_optional_port_passes(host: bytes) -> None:
    """Names, addresses and ports in ASCII are hosts."""
    check_head(call(host=host))


@pytest.mark.parametrize(
    "host", [b"", b"a..b", b"a:0", b"a:65536", b"a:b", b"a/b", b"a@b", b"a b", "å.example".encode(), b"a,b", b"[::1"]
)
def test_any_other_host_is_refused(host: bytes) -> None:
    """A Host that readers may split differently is refused with 400."""
    assert refused(call(host=host))[0] == 400


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(((b"content-encoding", b"gzip"),), (415, "content-encoding"), id="coded"),
        pytest.param(((b"content-encoding", b"aws-chunked"),), (400, "content-encoding"), id="aws-chunked"),
        pytest.param(
            ((b"x-amz-content-sha256", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),),
            (400, "content-encoding"),
            id="streamed",
        ),
        pytest.param(
            ((b"authorization", b"a"), (b"authorization", b"b")), (401, "repeated-header"), id="two-authorizations"
        ),
        pytest.param(((b"x-amz-target", b"a"), (b"x-amz-target", b"a")), (400, "repeated-header"), id="two-targets"),
        pytest.param(((b"transfer-encoding", b"chunked"),), (400, "framing"), id="length-and-chunks"),
        pytest.param(((b"connection", b"close, x-account-id"),), (400, "connection"), id="nominated"),
        pytest.param(((b"upgrade", b"h2c"),), (400, "upgrade"), id="upgrade"),
        pytest.param(((b"x-original-url", b"/public"),), (400, "rewrite"), id="rewritten"),
        pytest.param(((b"x-http-method-override", b"PUT"),), (405, "method-override"), id="overridden"),
        pytest.param(((b"x-a", b"b\nc"),), (400, "header-value"), id="line-feed"),
        pytest.param(((b"x-a", b" b"),), (400, "header-value"), id="padded"),
        pytest.param(((b"x a", b"b"),), (400, "header-name"), id="space-in-name"),
        pytest.param(((b"expect", b"200-maybe"),), (400, "expect"), id="expect"),
        pytest.param(tuple((b"x-%d" % number, b"") for number in range(MAX_HEADERS)), (431, "headers"), id="many"),
        pytest.param(((b"x-long", b"a" * 40_000),), (431, "headers"), id="long"),
    ],
)
def test_a_head_with_two_readings_is_refused(
    headers: tuple[tuple[bytes, bytes], ...], expected: tuple[int, str]
) -> None:
    """Each way to make two readers disagree has a status and a stable code."""
    assert refused(call("POST", b"/v1/training-jobs", b"{}", *headers)) == expected


@pytest.mark.parametrize("method", ["post", "FOO", "TRACE", "CONNECT", "", "POST "])
def test_an_unknown_method_is_refused(method: str) -> None:
    """A method that cannot be judged is 405, lower case included."""
    assert refused(call(method)) == (405, "method")


@pytest.mark.parametrize("query", [b"_method=PUT", b"a=1&_METHOD=PUT", b"%5fmethod=PUT", b"a=1;_method=PUT"])
def test_a_parameter_may_not_replace_the_method(query: bytes) -> None:
    """`_method` is refused however it is spelled or separated."""
    assert refused(call(query=query)) == (405, "method-override")


@pytest.mark.parametrize(
    "path",
    [
        b"//a",
        b"/a//b",
        b"/a/./b",
        b"/a/..",
        b"/a%2fb",
        b"/a%5Cb",
        b"/%2e%2e/a",
        b"/a%00",
        b"/a;b",
        b"/a\\b",
        b"/a#b",
        b"/a%",
        b"/a%zz",
        b"/a%c0%af",
        b"/a%u002f",
        b"a",
        b"",
        b"*",
        b"http://a/b",
        "/å".encode(),
        b"/a b",
        b"/a%252fb",
    ],
)
def test_a_path_with_two_readings_is_refused(path: bytes) -> None:
    """A path that some reader would change is refused with 400."""
    assert refused(call(path=path)) == (400, "target")


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        (b"/V1/Jobs/", "/v1/jobs"),
        (b"/v1//./x/../jobs", "/v1/jobs"),
        (b"/v1%252Fjobs", "/v1/jobs"),
        (b"/v1/%u006Aobs", "/v1/jobs"),
        (b"/v1;a=b/jobs;c", "/v1/jobs"),
        (b"/v1\\jobs%00.png", "/v1/jobs"),
        ("/v1/ｊobs".encode(), "/v1/jobs"),
        (b"/v1/j%E2%80%8Bobs", "/v1/jobs"),
        (b"/v1/%c0%ae%c0%ae/jobs", "/jobs"),
    ],
)
def test_every_spelling_has_one_canonical_path(path: bytes, canonical: str) -> None:
    """Escapes, dots, case, parameters and compatibility forms fold away."""
    assert canonical_path(path) == canonical
    assert canonical in canonical_forms(path)


def test_a_hostile_path_is_examined_quickly() -> None:
    """Eight kibibytes of dots and escapes fold within 50 ms."""
    import time

    begun = time.thread_time()
    canonical_forms(b"/%252e%252e" * 4096)
    assert time.thread_time() - begun < 0.05
