"""A refusal as an azure-core response, which clients read as if the service had sent it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse
from azure.core.utils import case_insensitive_dict

from kyc_gate.model.call import Answer


class _Refused:
    """What both kinds share: a body that is there from the start."""

    def __init__(self, request: HttpRequest, answer: Answer) -> None:
        self._request = request
        self._answer = answer
        self._encoding: str | None = "utf-8"

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def request(self) -> HttpRequest:
        return self._request

    @property
    def status_code(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Any:
        pairs = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._answer.headers}
        return case_insensitive_dict(pairs)

    @property
    def reason(self) -> str:
        return HTTPStatus(self._answer.status).phrase

    @property
    def content_type(self) -> str | None:
        found: str | None = self.headers.get("content-type")
        return found

    @property
    def is_closed(self) -> bool:
        return True

    @property
    def is_stream_consumed(self) -> bool:
        return True

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def content(self) -> bytes:
        return self._answer.body

    def body(self) -> bytes:
        """Return the body, by the name that older clients use."""
        return self._answer.body

    def text(self, encoding: str | None = None) -> str:
        return self._answer.body.decode(encoding or "utf-8")

    def json(self) -> Any:
        return json.loads(self._answer.body)


class RefusedResponse(_Refused, HttpResponse):
    """A refusal for a blocking client."""

    def raise_for_status(self) -> None:
        """Raise `HttpResponseError`: nothing but refusals comes here."""
        raise HttpResponseError(response=self)

    def read(self) -> bytes:
        """Return the body."""
        return self.content

    def iter_raw(self, **kwargs: Any) -> Iterator[bytes]:
        """Yield the body."""
        yield self.content

    def iter_bytes(self, **kwargs: Any) -> Iterator[bytes]:
        """Yield the body."""
        yield self.content

    def close(self) -> None:
        """Do nothing: no connection is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


class AsyncRefusedResponse(_Refused, AsyncHttpResponse):
    """A refusal for an async client."""

    def raise_for_status(self) -> None:
        """Raise `HttpResponseError`: nothing but refusals comes here."""
        raise HttpResponseError(response=self)

    async def read(self) -> bytes:
        """Return the body."""
        return self.content

    async def iter_raw(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """Yield the body."""
        yield self.content

    async def iter_bytes(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """Yield the body."""
        yield self.content

    async def close(self) -> None:
        """Do nothing: no connection is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
