"""The hook for Kubernetes' own clients, `kubernetes` and `kubernetes_asyncio`, where they hand over a call."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from kyc_gate.client.asking import Asking, answer_of, check_address
from kyc_gate.client.blocking import BlockingGate
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call
from kyc_gate.service.admission import Admission
from kyc_gate.service.gate import Gate

Client = TypeVar("Client")


def guard_kubernetes(client: Client, gate: Gate | BlockingGate) -> Client:
    """Put a gate into an `ApiClient` and return it: for `kubernetes` a `BlockingGate`, for its async twin a `Gate`.

    Everything that is made from the client asks the gate: typed and dynamic clients, utilities. What is refused is not
    sent, and raises `ApiException` 403 with the `Status` that an API server would answer.
    Raises `ConfigurationError` for a gate without adapters, and `TypeError` for a client that is none.
    """
    rest: Any = getattr(client, "rest_client", None)
    if rest is None or not hasattr(rest, "pool_manager"):
        raise TypeError(f"`{type(client).__name__}` is no ApiClient of kubernetes or kubernetes_asyncio")
    if not isinstance(rest.pool_manager, (_Pool, _Session)):
        pool: Any = rest.pool_manager
        rest.pool_manager = _Pool(pool, gate) if isinstance(gate, BlockingGate) else _Session(pool, gate)
    return client


class _Guard:
    """What both have in common: everything but `request` is that of the pool behind."""

    def __init__(self, pool: Any, gate: Gate) -> None:
        self._pool = pool
        self._asking = Asking(gate)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def _guarded(self, call: Call, url: str, body: Any) -> Admission | Call | None:
        """Return the whole call where it is guarded, its refusal where it cannot be read, else None."""
        try:
            check_address(url)
            if not self._asking.guards(call, urlsplit(url).netloc.rpartition("@")[2].encode("latin-1", "replace")):
                return None
            return replace(call, body=_bytes(body, self._asking.gate.limits.max_body))
        except RefusedCall as error:
            return self._asking.refused(call, error)


class _Pool(_Guard):
    """A urllib3 pool manager that asks first."""

    def __init__(self, pool: Any, gate: BlockingGate) -> None:
        super().__init__(pool, gate.gate)
        self._gate = gate

    def request(self, method: str, url: str, **fields: Any) -> Any:
        """Send the request, or answer in the place of the API server. A guarded one follows no redirect."""
        from urllib3.exceptions import LocationParseError, NewConnectionError
        from urllib3.util import parse_url

        try:
            address = parse_url(url)
        except LocationParseError:
            return self._pool.request(method, url, **fields)  # it raises the same, and sends nothing
        call = _call_of(method, url, address.path or "/", address.query or "", fields.get("headers"))
        asked = self._guarded(call, url, fields.get("body"))
        if asked is None:
            return self._pool.request(method, url, **fields)
        admission = asked if isinstance(asked, Admission) else self._gate.wait(self._asking.admit(asked))
        if (answer := answer_of(admission)) is not None:
            return _urllib3_response(answer)
        try:
            response = self._pool.request(method, url, **{**fields, "redirect": False})
            body = response.data if admission.learns else None
        except NewConnectionError:
            self._gate.wait(self._asking.unsent(admission))
            raise
        except BaseException:
            self._gate.wait(self._asking.sent(admission, None))
            raise
        self._gate.wait(self._asking.sent(admission, response.status, body))
        return response


class _Session(_Guard):
    """An aiohttp session that asks first."""

    async def request(self, method: str, url: str, **fields: Any) -> Any:
        """Send the request, or answer in the place of the API server. A guarded one follows no redirect."""
        import aiohttp
        from yarl import URL

        address = URL(url)
        call = _call_of(method, url, address.raw_path, address.raw_query_string, fields.get("headers"))
        asked = self._guarded(call, url, fields.get("data"))
        if asked is None:
            return await self._pool.request(method=method, url=url, **fields)
        admission = asked if isinstance(asked, Admission) else await self._asking.admit(asked)
        if (answer := answer_of(admission)) is not None:
            return _AnsweredResponse(answer)
        try:
            response = await self._pool.request(method=method, url=url, **{**fields, "allow_redirects": False})
            body = await response.read() if admission.learns else None
        except aiohttp.ClientConnectorError:
            await self._asking.unsent(admission)
            raise
        except BaseException:
            await self._asking.sent(admission, None)
            raise
        await self._asking.sent(admission, response.status, body)
        return response


class _AnsweredResponse:
    """A refusal, with what `kubernetes_asyncio` reads of a response of aiohttp."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.reason = "Forbidden" if answer.status == 403 else "Refused"
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
        self._body = answer.body

    def getheaders(self) -> Mapping[str, str]:
        """Return the headers."""
        return self.headers

    async def read(self) -> bytes:
        """Return the body."""
        return self._body

    async def text(self) -> str:
        """Return the body as text."""
        return self._body.decode("utf-8")

    def release(self) -> None:
        """Nothing holds a connection."""


def _urllib3_response(answer: Answer) -> Any:
    from urllib3 import HTTPResponse

    return HTTPResponse(
        body=io.BytesIO(answer.body),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers},
        status=answer.status,
        reason="Forbidden" if answer.status == 403 else "Refused",
        preload_content=False,
    )


def _call_of(method: str, url: str, path: str, query: str, headers: Mapping[str, str] | None) -> Call:
    """Return the head of what is sent. `path` and `query` are those that the library makes of the address."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].encode("latin-1", "replace")
    given = [(name.lower().encode("latin-1"), str(value).encode("utf-8")) for name, value in (headers or {}).items()]
    return Call(
        method=method.upper(),
        raw_path=path.encode("utf-8"),
        query=query.encode("utf-8"),
        headers=(*given, *([] if any(name == b"host" for name, _ in given) else [(b"host", host)])),
        scheme=parts.scheme,
    )


def _bytes(body: Any, most: int) -> bytes:
    """Return a body that is bytes or text. Raises `RefusedCall` for one that could be read once only."""
    if body is not None and not isinstance(body, (bytes, str)):
        raise RefusedCall(400, "body", "the body is no text and no bytes, and cannot be judged")
    data = body.encode("utf-8") if isinstance(body, str) else body or b""
    if len(data) > most:
        raise RefusedCall(413, "body-too-large", f"the body is larger than {most} bytes, the most that is read")
    return data
