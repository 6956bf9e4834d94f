"""CloudTrail records and EC2 state changes: who ended what, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from kyc_gate.adapters.aws.endings import ENDS_BY_PATH, ENDS_FLEETS, ENDS_INSTANCES, ended, ends, named
from kyc_gate.errors import InputError
from kyc_gate.model.ending import Ending

_OVER = frozenset({"stopped", "stopping", "terminated", "shutting-down"})
"""States of an instance that no longer runs (EC2 Instance State-change Notification)."""


_BY_PATH = frozenset(operation for _, operation in ENDS_BY_PATH.values())


def endings_of(event: Mapping[str, object]) -> Iterator[tuple[Ending, datetime]]:
    """Yield what an event ended, and when; nothing for any other event. Raises `InputError` for a malformed one.

    CloudTrail records that tell of an error ended nothing.
    """
    if isinstance(event.get("Records"), list):
        records = event["Records"]
        assert isinstance(records, list)  # noqa: S101 - for the type checker
        for record in records:
            yield from endings_of(_object(record, "Records"))
    elif event.get("detail-type") == "EC2 Instance State-change Notification":
        yield from _state_change(event)
    elif event.get("detail-type") == "AWS API Call via CloudTrail":
        yield from endings_of(_object(event.get("detail"), "detail"))
    elif "eventName" in event:
        yield from _call(event)


def _state_change(event: Mapping[str, object]) -> Iterator[tuple[Ending, datetime]]:
    detail = _object(event.get("detail"), "detail")
    if detail.get("state") in _OVER:
        account, id = _text(event, "account"), _text(detail, "instance-id")
        yield Ending(provider="aws", account=account, references=(f"instance:{id}",)), _time(event, "time")


def _call(event: Mapping[str, object]) -> Iterator[tuple[Ending, datetime]]:
    operation = str(event["eventName"])
    if not (ends(operation) or operation in _BY_PATH or operation in ENDS_FLEETS) or event.get("errorCode"):
        return
    identity = event.get("userIdentity")
    account = event.get("recipientAccountId") or (identity.get("accountId") if isinstance(identity, dict) else None)
    if not isinstance(account, str) or not account:
        raise InputError("`recipientAccountId` is missing: the event does not say whose account it is")
    if operation in ENDS_FLEETS:
        references = _fleets_gone(operation, event)
    else:
        values = _parameters(operation, _object(event.get("requestParameters"), "requestParameters"))
        references = ended(operation, values, _text(event, "awsRegion"))
    if references:
        yield Ending(provider="aws", account=account, references=references), _time(event, "eventTime")


def _parameters(operation: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return CloudTrail's spelling of the parameters as the API's own."""
    if operation in ENDS_INSTANCES:
        items = _object(given.get("instancesSet"), "instancesSet").get("items")
        ids = [item.get("instanceId") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        return {f"InstanceId.{number}": id for number, id in enumerate(ids, 1)}
    if operation in _BY_PATH:
        known = dict(given)
        if operation == "DeleteNodegroup":
            known |= {"cluster": given.get("name"), "name": given.get("nodegroupName")}
        return known
    return {name[:1].upper() + name[1:]: value for name, value in given.items()}


def _fleets_gone(operation: str, event: Mapping[str, object]) -> tuple[str, ...]:
    """Return the fleets that the record says are gone with their instances: `successful...Set` of its answer.

    A record without that answer ends nothing, since the call answers 200 for fleets that stay.
    """
    asked = event.get("requestParameters")
    request = asked.get(f"{operation}Request", asked) if isinstance(asked, dict) else None
    values = request if isinstance(request, dict) else {}
    goes = values.get("TerminateInstances", values.get("terminateInstances"))
    if str(goes).lower() != "true":
        return ()
    kind, field = ENDS_FLEETS[operation]
    return named(kind, dict.fromkeys(_successful(event.get("responseElements"), field)))


def _successful(answer: object, field: str, inside: bool = False) -> Iterator[object]:
    """Yield the values of `field` that stand below a member whose name begins with `successful`."""
    if isinstance(answer, list):
        for each in answer:
            yield from _successful(each, field, inside)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            if inside and name == field:
                yield value
            yield from _successful(value, field, inside or str(name).startswith("successful"))


def _object(value: object, field: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InputError(f"`{field}` is not an object")
    return value


def _text(values: Mapping[str, object], field: str) -> str:
    value = values.get(field)
    if not isinstance(value, str) or not value:
        raise InputError(f"`{field}` is missing")
    return value


def _time(values: Mapping[str, object], field: str) -> datetime:
    text = _text(values, field)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"`{field}` `{text[:40]}` is not a time such as `2026-11-24T12:00:00Z`") from error
    if at.tzinfo is None:
        raise InputError(f"`{field}` `{text[:40]}` has no offset from UTC")
    return at
