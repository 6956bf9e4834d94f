"""Forms as browsers send them, read strictly."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from kyc_gate.api.decisions import body_of
from kyc_gate.errors import InputError, RefusedCall

MOST_FORM = 256 * 1024
"""Bytes of a form at most: more than every question answered at full length."""

MOST_FIELDS = 100


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form. Raises `RefusedCall` for another body, `InputError` for a field that comes twice."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise RefusedCall(415, "content-type", "send the form as `application/x-www-form-urlencoded`")
    body = await body_of(request, MOST_FORM)
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS, separator="&"
        )
    except ValueError as error:
        raise InputError("the form cannot be read: it is not UTF-8, or has too many fields") from error
    found: dict[str, str] = {}
    for name, value in fields:
        if name in found:
            raise InputError(f"`{name[:80]}` came twice")
        found[name] = value
    return found
