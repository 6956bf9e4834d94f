"""What a form sent: its fields, and one file where it has one. Read with a bound, and nothing is taken twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from kyc_gate.api.forms import MOST_FIELDS, MOST_FORM, form_of
from kyc_gate.errors import InputError, RefusedCall


class Sent(NamedTuple):
    """A file as a browser sent it. `name` is what the browser says."""

    name: str
    content: bytes


class Posted(dict[str, str]):
    """The fields of a form. `file` is what came along, if anything did."""

    file: Sent | None = None


async def read_posted(request: Request, most_bytes: int) -> Posted:
    """Return what a form sent. Raises `RefusedCall` for a body that is too large, and `InputError` for its fields."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return Posted(await form_of(request))
    parser = MultiPartParser(
        request.headers, _bounded(request, most_bytes), max_files=1, max_fields=MOST_FIELDS, max_part_size=MOST_FORM
    )
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:
        raise InputError("the form cannot be read; send it from the page again") from error
    found = Posted()
    for name, value in form.multi_items():
        if name in found or (found.file is not None and isinstance(value, UploadFile)):
            raise InputError(f"`{name[:80]}` came twice")
        if isinstance(value, UploadFile):
            found.file = Sent(name=value.filename or "", content=await value.read())
            await value.close()
        else:
            found[name] = value
    return found


async def _bounded(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the body piece by piece, and end it where it grows beyond `most_bytes`."""
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most_bytes:
                raise RefusedCall(413, "body-too-large", f"what was sent is larger than {most_bytes} bytes")
            yield chunk
    except ClientDisconnect as error:
        raise RefusedCall(400, "body", "the body was cut off") from error
