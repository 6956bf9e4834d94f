"""The body of `POST /v1/decisions`, read strictly. The fields are those of `kyc-gate decide`."""

from __future__ import annotations

import difflib
import math
import re
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.compute.lineage_input import parse_lineage
from kyc_gate.compute.multipliers import MOST_REPEATS, Repeats, multiplier_of
from kyc_gate.errors import InputError
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest, RequestKind, Workload
from kyc_gate.model.party import Party
from kyc_gate.model.record import Record, digest

Count = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1, max_length=512)]


class MachinesInput(Repeats, kw_only=True):
    """One line of machines: a chip model or an instance type, how many, and what repeats them."""

    count: Count
    model: Text | None = None
    instance_type: Text | None = None
    multiplier: Count = 1


class RequestInput(Record):
    """What is asked for. Without `unresolved`, at least one line of machines is needed."""

    accelerators: tuple[MachinesInput, ...] = ()
    provider: Text = "generic"
    service: Text = "compute"
    operation: Text = "create"
    kind: RequestKind = RequestKind.CREATE
    duration_seconds: Annotated[int, Meta(ge=0)] | None = None
    duration_hours: Decimal | None = None
    workload: Workload = Workload.UNKNOWN
    declared_operations: Decimal | None = None
    account: Text | None = None
    region: Text | None = None
    place_of_use: Text | None = None
    data_centre: Text | None = None
    unresolved: tuple[Text, ...] = ()
    idempotency_key: Text | None = None
    lineage: dict[str, Any] | None = None


class Question(Record):
    """The whole body: the request, the party where the caller knows it better than the directory, and `dry_run`."""

    request: RequestInput
    party: Party | None = None
    dry_run: bool = False


def read_question(body: bytes) -> tuple[ProvisioningRequest, Party | None, bool]:
    """Return the request, the party and whether it is a dry run. Raises `InputError` naming the field and the fix."""
    raw = read_json_object(body)
    _refuse_texts_for_numbers(raw.get("request"))
    try:
        question = msgspec.convert(raw, Question, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(_explained(str(error))) from error
    return _request(question.request), question.party, question.dry_run


_NUMBERS = ("duration_hours", "declared_operations")


def _refuse_texts_for_numbers(given: object) -> None:
    """Raise `InputError` for a text where a number is meant, such as `"NaN"` or `"1e25 TFLOP"`."""
    for name in _NUMBERS:
        if isinstance(given, dict) and isinstance(given.get(name), str):
            raise InputError(f"`request.{name}` must be a number, not a text; write it without quotes and units")


def _request(given: RequestInput) -> ProvisioningRequest:
    lines = tuple(_line(number, line) for number, line in enumerate(given.accelerators))
    if not lines and not given.unresolved:
        raise InputError('`request.accelerators`: name at least one line, such as `[{"model": "H100", "count": 8}]`')
    declared = _not_negative(given.declared_operations, "declared_operations")
    request = ProvisioningRequest(
        provider=given.provider,
        service=given.service,
        operation=given.operation,
        kind=given.kind,
        lines=lines,
        certainty=Certainty.UNRESOLVED if given.unresolved else Certainty.EXACT,
        unresolved=given.unresolved,
        duration_seconds=_seconds(given),
        workload=given.workload,
        declared_operations=None if declared is None else math.ceil(declared),
        region=given.region,
        place_of_use=given.place_of_use,
        data_centre=given.data_centre,
        lineage=None if given.lineage is None else parse_lineage(given.lineage),
        # The operator's own service asks, and vouches for the account that it names.
        caller=Caller(account=given.account, verified=given.account is not None, how="api-token"),
    )
    fingerprint = digest(request)
    return msgspec.structs.replace(request, fingerprint=fingerprint, idempotency_key=given.idempotency_key)


def _line(number: int, given: MachinesInput) -> Accelerators:
    if (given.model is None) == (given.instance_type is None):
        raise InputError(f"`request.accelerators[{number}]`: give either `model` or `instance_type`")
    times = given.multiplier * multiplier_of(given)
    if times > MOST_REPEATS:
        raise InputError(f"`request.accelerators[{number}].multiplier`: {times} repeats are a slip, not a request")
    return Accelerators(count=given.count, model=given.model, instance_type=given.instance_type, multiplier=times)


def _seconds(given: RequestInput) -> int | None:
    if given.duration_seconds is not None and given.duration_hours is not None:
        raise InputError("`request.duration_seconds` and `request.duration_hours`: give one of them")
    hours = _not_negative(given.duration_hours, "duration_hours")
    # Rounded up: a part of a second counts.
    return given.duration_seconds if hours is None else math.ceil(hours * 3600)


def _not_negative(value: Decimal | None, name: str) -> Decimal | None:
    if value is not None and not (value.is_finite() and value >= 0):
        raise InputError(f"`request.{name}` must be a finite number of at least 0")
    return value


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<at>[^`]*)`)?")


def _explained(message: str) -> str:
    """Return msgspec's message as ours: field first, nearest right spelling last."""
    if found := _UNKNOWN.match(message):
        at = found["at"] or ""
        place = f"{at}.{found['field']}" if at else found["field"]
        near = difflib.get_close_matches(found["field"], _fields(at), n=1)
        return f"unknown field `{place}`" + (f"; did you mean `{near[0]}`?" if near else "")
    text, _, at = message.partition(" - at `$.")
    text = f"{text[:1].lower()}{text[1:]}"
    return f"`{at.rstrip('`')}`: {text}" if at else text


def _fields(at: str) -> list[str]:
    homes: dict[str, Any] = {"": Question, "request": RequestInput, "party": Party}
    home = homes.get(at.split("[")[0], MachinesInput)
    return [field.name for field in msgspec.structs.fields(home)]
