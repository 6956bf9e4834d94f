"""The gateway, over sockets on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from wire import Upstream, exchange, served, status_of, upstream

from kyc_gate.gateway.app import Gateway
from kyc_gate.service.config import Upstream as Address


@pytest.fixture
async def cloud() -> AsyncIterator[Upstream]:
    async with upstream() as cloud:
        yield cloud


@pytest.fixture
async def port(cloud: Upstream) -> AsyncIterator[int]:
    async with served(Gateway([Address(url=cloud.url)], upstream_seconds=0.5), date_header=False) as port:
        yield port


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/", id="root"),
        pytest.param("/a%7Eb", id="escaped-unreserved"),
        pytest.param("/a~b", id="unescaped-unreserved"),
        pytest.param("/a+b?c=d+e", id="plus"),
        pytest.param("/a%2Fb", id="escaped-slash"),
        pytest.param("/a%2fb", id="escaped-slash-lower-case"),
        pytest.param("//a//b", id="double-slash"),
        pytest.param("/a/./b/../c", id="dot-segments"),
        pytest.param("/a;v=1,2/b:c@d!$&'()*=", id="sub-delimiters"),
        pytest.param("/%E2%82%AC?q=%e2%82%ac&r=%20", id="escaped-utf-8"),
        pytest.param("/x?Action=RunInstances&Version=2016-11-15&=&a", id="odd-query"),
        pytest.param("/x?a=1&a=2&&b==", id="repeated-parameters"),
        pytest.param("/x?a=[1]|^`{}", id="unescaped-query"),
    ],
)
async def test_path_and_query_are_kept(target: str, cloud: Upstream, port: int) -> None:
    """Path and query reach the upstream in the very bytes that were sent."""
    await exchange(port, f"GET {target} HTTP/1.1\r\nHost: api.example\r\n\r\n".encode())
    assert cloud.heads[0][0] == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("http://other.example/x", id="absolute-form"),
        pytest.param("*", id="asterisk"),
        pytest.param("/a#b", id="fragment"),
        pytest.param("@other.example/x", id="no-slash"),
    ],
)
async def test_what_cannot_be_kept_is_refused(target: str, cloud: Upstream, port: int) -> None:
    """A target that would arrive as another one is answered with 400, and the upstream sees nothing."""
    raw = await exchange(port, f"GET {target} HTTP/1.1\r\nHost: api.example\r\n\r\n".encode())
    assert (status_of(raw), cloud.received) == (400, [])


async def test_headers_are_kept_and_none_is_added(cloud: Upstream, port: int) -> None:
    """Host, order and duplicates stay, what belongs to the hop goes, and the client library adds nothing."""
    await exchange(
        port,
        b"GET / HTTP/1.1\r\nHost: ec2.us-east-1.amazonaws.com\r\nX-B: 1\r\nX-A: 2\r\nX-B: 3\r\nConnection: x-hop\r\n"
        b"X-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\nCookie: a=b; c=d\r\nX-Name: \xc3\xa9\r\n\r\n",
    )
    assert cloud.heads[0][1:] == [
        "host: ec2.us-east-1.amazonaws.com",
        "x-b: 1",
        "x-a: 2",
        "x-b: 3",
        "cookie: a=b; c=d",
        "x-name: Ã©",
    ]


async def test_header_bytes_that_would_change_are_refused(cloud: Upstream, port: int) -> None:
    """A header value that is not UTF-8 is answered with 400 and not sent on as other bytes."""
    raw = await exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\nX-Name: \xe9\r\n\r\n")
    assert (status_of(raw), cloud.received) == (400, [])


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        pytest.param("Content-Length: 12", b"hello\x00\xff\r\nend", id="length"),
        pytest.param("Transfer-Encoding: chunked", b"5\r\nhello\r\n6\r\n\x00\xff\r\nen\r\n0\r\n\r\n", id="chunked"),
        pytest.param("Content-Length: 0", b"", id="empty"),
    ],
)
async def test_body_bytes_are_kept(framing: str, sent: bytes, cloud: Upstream, port: int) -> None:
    """The body reaches the upstream byte for byte, framed as it was."""
    await exchange(port, f"POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode(), sent)
    whole = b"hello\x00\xff\r\nen" if "chunked" in framing else sent
    assert cloud.bodies == [whole]
    assert framing.lower() in (line.lower() for line in cloud.heads[0])


async def test_expect_is_answered_here(cloud: Upstream, port: int) -> None:
    """`Expect: 100-continue` is answered by the gateway, and the upstream gets the body at once."""
    raw = await exchange(
        port, b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", b"hi", pause=0.1
    )
    assert raw.startswith(b"HTTP/1.1 100")
    assert "expect: 100-continue" not in cloud.heads[0]
    assert cloud.bodies == [b"hi"]


async def test_response_comes_back_as_it_was(cloud: Upstream, port: int) -> None:
    """Status, headers with duplicates, and a compressed body come back untouched."""
    packed = b"\x1f\x8b not really gzip"
    cloud.answer = (
        b"HTTP/1.1 418 Odd\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Encoding: gzip\r\nKeep-Alive: 9\r\n"
        b"Content-Length: " + str(len(packed)).encode() + b"\r\n\r\n" + packed
    )
    raw = await exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert status_of(raw) == 418
    assert body == packed
    assert head.count(b"set-cookie: ") == 2
    assert b"keep-alive" not in head


async def test_redirects_are_not_followed(cloud: Upstream, port: int) -> None:
    """A redirect is the client's to follow."""
    cloud.answer = b"HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    raw = await exchange(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
    assert (status_of(raw), len(cloud.received)) == (307, 1)


async def test_silent_upstream_is_504(cloud: Upstream, port: int) -> None:
    """An upstream that does not answer in time is answered with 504 and a problem document."""
    cloud.hold.clear()
    raw = await exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status_of(raw) == 504
    assert b"application/problem+json" in raw


async def test_unreachable_upstream_is_502() -> None:
    """An upstream that cannot be reached is answered with 502 and a problem document."""
    async with upstream() as gone:
        pass
    async with served(Gateway([Address(url=gone.url)])) as port:
        raw = await exchange(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
    assert status_of(raw) == 502
    assert b"upstream-unreachable" in raw


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_one_call_is_one_request(method: str, cloud: Upstream, port: int) -> None:
    """A call that the upstream breaks off is not sent a second time, not even a GET over a kept connection."""
    call = f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
    assert status_of(await exchange(port, call)) == 200
    cloud.answer = b""
    raw = await exchange(port, call)
    assert (status_of(raw), len(cloud.received)) == (502, 2)


async def test_broken_response_is_broken_for_the_client(cloud: Upstream, port: int) -> None:
    """An answer that breaks off upstream breaks off here, and does not look whole."""
    cloud.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    raw = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert b"hello" in raw
    assert not raw.endswith(b"0\r\n\r\n")


async def test_client_that_leaves_mid_body_leaves_no_request_behind(cloud: Upstream, port: int) -> None:
    """A body that is cut off on its way in is cut off on its way out."""
    await exchange(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf", end=True)
    await asyncio.sleep(0.1)
    assert b"half" not in b"".join(cloud.bodies) or len(cloud.bodies[0]) < 100


async def test_upstream_is_chosen_by_host() -> None:
    """A Host goes to its own upstream whatever its case and port; an unknown one is answered with 421."""
    async with upstream() as one, upstream() as two:
        addresses = [Address(url=one.url, host="one.example"), Address(url=two.url, host="two.example:81")]
        async with served(Gateway(addresses)) as port:
            for host in ("ONE.example", "one.example:8080", "two.example:81"):
                await exchange(port, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            raw = await exchange(port, b"GET / HTTP/1.1\r\nHost: three.example\r\n\r\n")
    assert (len(one.received), len(two.received), status_of(raw)) == (2, 1, 421)


async def test_body_is_streamed(cloud: Upstream, port: int) -> None:
    """An unguarded body is forwarded while it arrives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
    await asyncio.sleep(0.2)
    assert len(cloud.received) == 1
    writer.write(b"def")
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert cloud.bodies == [b"abcdef"]


async def test_a_body_of_two_lengths_is_not_forwarded(cloud: Upstream, port: int) -> None:
    """With both framings the upstream would wait for a body that never comes, and eat the next call for it."""
    head = b"POST /x HTTP/1.1\r\nHost: api.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw = await exchange(port, head + b"0\r\n\r\n")
    assert (status_of(raw), cloud.received) == (400, [])
