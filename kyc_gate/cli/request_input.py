"""One line of `kyc-gate decide`: a request, a party and what was used before, in the spellings that people write."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Any

from msgspec import Meta

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.machines import Machines, machine_lines, seconds_of
from kyc_gate.compute.lineage_input import parse_lineage
from kyc_gate.errors import InputError
from kyc_gate.model.job import Caller, Certainty, Estimate, ProvisioningRequest, RequestKind, Workload
from kyc_gate.model.lineage import Lineage
from kyc_gate.model.party import Party
from kyc_gate.model.record import Record
from kyc_gate.model.usage import Usage


class UsageInput(Record):
    """Operations that the control group used in the window *before* this request, and over how many accounts.

    `used` is the likely figure; `used_high` the ceiling, which is `used` where it is not given.
    `accounts` counts this request's account too.
    """

    used: Decimal
    used_high: Decimal | None = None
    accounts: Annotated[int, Meta(ge=1)] = 1


class RequestInput(Machines):
    """The request: machines for a time, what they are for, and where.

    A request without machines names in `unresolved` what could not be followed, such as `launch-template:lt-1`.
    """

    service: str = "compute"
    operation: str = "create"
    kind: RequestKind = RequestKind.CREATE
    workload: Workload = Workload.UNKNOWN
    declared_operations: Decimal | None = None
    account: str | None = None
    account_known: bool = True
    region: str | None = None
    place_of_use: str | None = None
    data_centre: str | None = None
    unresolved: tuple[str, ...] = ()
    dry_run: bool = False
    idempotency_key: str | None = None
    lineage: dict[str, Any] | None = None


class Line(Record):
    """One input line, before its parts are read."""

    request: dict[str, Any]
    party: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    id: str | int | None = None


class Asked(Record):
    """One input line, read. `used` is None where `usage` is explicitly null: nobody knows."""

    id: str | int | None
    request: ProvisioningRequest
    account_known: bool
    party: Party | None
    used: UsageInput | None


SYNONYMS = {"data_center": "data_centre", "account_id": "account", "lines": "accelerators"}
"""Other spellings of request fields that are taken."""

WORKLOADS = {"training": "pre_training", "pretraining": "pre_training", "finetuning": "fine_tuning"}
"""Other spellings of workloads that are taken, besides capitals, hyphens and blanks."""


def read_line(row: Mapping[str, Any]) -> Asked:
    """Return one input line, read. Raises `FieldError` naming the field and the fix."""
    line = read_record(row, Line)
    given = read_record(_respelled(line.request), RequestInput, at="request")
    return Asked(
        id=line.id,
        request=_request(given),
        account_known=given.account_known,
        party=read_party(line.party, default_id=str(line.id or "party"), at="party") if line.party else None,
        used=_usage(row, line),
    )


def _usage(row: Mapping[str, Any], line: Line) -> UsageInput | None:
    """Return the earlier usage: none at all where the line does not speak of it, unknown where it says null."""
    if "usage" not in row:
        return UsageInput(used=Decimal(0))
    if line.usage is None:
        return None
    given = read_record(line.usage, UsageInput, at="usage")
    _not_negative(given.used, "usage.used")
    _not_negative(given.used_high, "usage.used_high")
    return given


def _not_negative(number: Decimal | None, field: str) -> int | None:
    """Return `number` as whole operations, rounded up. Raises `FieldError` where it is below 0."""
    if number is not None and number < 0:
        raise FieldError(field, f"field `{field}` must be at least 0, not {number}")
    return None if number is None else int(number.to_integral_value(ROUND_CEILING))


def _respelled(given: Mapping[str, Any]) -> dict[str, Any]:
    respelled = {}
    for name, value in given.items():
        known = SYNONYMS.get(name, name)
        if known in respelled or (known != name and known in given):
            raise FieldError(f"request.{known}", f"field `request.{known}` is given twice, once as `{name}`")
        respelled[known] = value
    if isinstance(workload := respelled.get("workload"), str):
        name = workload.strip().lower().replace("-", "_").replace(" ", "_")
        respelled["workload"] = WORKLOADS.get(name, name)
    return respelled


def _request(given: RequestInput) -> ProvisioningRequest:
    lines = () if given.unresolved and given.accelerators is None else machine_lines(given, at="request.")
    return ProvisioningRequest(
        provider=given.provider or "generic",
        service=given.service,
        operation=given.operation,
        kind=given.kind,
        lines=lines,
        certainty=Certainty.UNRESOLVED if given.unresolved else Certainty.EXACT,
        unresolved=given.unresolved,
        duration_seconds=seconds_of(given, at="request."),
        workload=given.workload,
        declared_operations=_not_negative(given.declared_operations, "request.declared_operations"),
        region=given.region,
        place_of_use=given.place_of_use,
        data_centre=given.data_centre,
        # The operator who writes the line vouches for the account that it names.
        caller=Caller(account=given.account, verified=given.account is not None, how="input file"),
        dry_run=given.dry_run,
        idempotency_key=given.idempotency_key,
        lineage=_lineage(given.lineage),
    )


def _lineage(given: dict[str, Any] | None) -> Lineage | None:
    try:
        return None if given is None else parse_lineage(given)
    except InputError as error:
        message = str(error)
        field = f"request.{message.split('`')[1]}"
        raise FieldError(field, message.replace("`lineage", "`request.lineage", 1)) from None


def read_party(given: Mapping[str, Any], *, default_id: str, at: str = "") -> Party:
    """Return a party as people write it: aliases as plain texts, a parent as a name, and no id where one is implied."""
    written = dict(given)
    written.setdefault("id", default_id)
    if isinstance(written.get("aliases"), list):
        written["aliases"] = [{"name": alias} if isinstance(alias, str) else alias for alias in written["aliases"]]
    if isinstance(written.get("ultimate_parent"), str):
        written["ultimate_parent"] = {"name": written["ultimate_parent"]}
    return read_record(written, Party, at=at)


def usage_after(used: UsageInput | None, estimated: Estimate) -> Usage | None:
    """Return the control group's usage including this request, as the compute ledger would."""
    if used is None:
        return None
    before = int(used.used)
    ceiling = before if used.used_high is None else int(used.used_high)
    return Usage(
        hold_id="",
        control_group="",
        likely=before + estimated.likely,
        high=ceiling + estimated.high,
        accounts=used.accounts,
    )
