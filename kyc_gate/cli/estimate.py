"""`kyc-gate estimate`: the operations that machines can perform over a duration."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation
from typing import Any

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.lines import Row, add_input, answer_lines, input_of
from kyc_gate.cli.machines import Machines, machine_lines, positive, seconds_of
from kyc_gate.cli.output import UsageError, complain, for_people, print_json, printable
from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.compute.chip_names import nearest_chips
from kyc_gate.compute.estimate import declared_disagrees, estimate, nearest_machines
from kyc_gate.compute.instance_types import find_instance_type
from kyc_gate.model.job import Accelerators, Estimate
from kyc_gate.model.lineage import TrainingPlan

HORIZON_DAYS = 30
"""Days over which machines without a stated end are projected, unless `--horizon-days` says otherwise."""

FARTHEST_EXPONENT = 45
"""Of ten, in a number on the command line: beyond it no amount of compute lies."""


class EstimateInput(Machines):
    """One input line. `parameters` and `tokens` (with `epochs`), or `declared_operations`, are what is declared."""

    id: str | int | None = None
    precision: str | None = None
    mfu: Decimal | None = None
    declared_operations: Decimal | None = None
    parameters: Decimal | None = None
    tokens: Decimal | None = None
    epochs: Decimal | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("what", metavar="WHAT", nargs="?", help="a machine type or an accelerator, such as `8x H100`")
    parser.add_argument("--count", metavar="N", type=int, default=1, help="how many of them (default: %(default)s)")
    parser.add_argument("--hours", metavar="H", help="for how long; without it there is no stated end")
    parser.add_argument("--provider", metavar="NAME", help="whose machine type WHAT is, such as aws or gcp")
    parser.add_argument("--mfu", metavar="SHARE", help="share of dense 16-bit peak that the run attains, 0 to 1")
    add_input(
        parser,
        '{"id", "accelerators": [{"model", "count"}] or "instance_type", "count", "provider", '
        '"duration_hours", "precision"?, "mfu"?}',
    )
    parser.add_argument("--all", action="store_true", help="show chips, seconds and total TPP of each line too")
    parser.add_argument(
        "--horizon-days",
        metavar="DAYS",
        type=int,
        default=HORIZON_DAYS,
        help="project machines without a stated end over this many days (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the estimate of WHAT, or of each input line."""
    if options.what is None:
        source = input_of(options, "WHAT")
        return answer_lines(
            source, lambda row: _answer(read_record(row, EstimateInput), options, everything=options.all)
        )
    if options.input is not None:
        raise UsageError("give WHAT or `--input FILE`, not both")
    answer = _answer(_written_out(options), options, everything=True)
    if for_people(options.json):
        _tell(answer)
    else:
        print_json(answer)
    return 0


def _written_out(options: argparse.Namespace) -> EstimateInput:
    """Return the machine of the command line: an accelerator where WHAT names one, else a machine type."""
    machine = find_instance_type(options.what, options.provider)
    model = machine is None and options.provider is None and find_accelerator(options.what) is not None
    row: Row = {
        "model" if model else "instance_type": options.what,
        "count": options.count,
        "provider": options.provider,
        "duration_hours": _number(options.hours, "hours"),
        "mfu": _number(options.mfu, "mfu"),
    }
    return read_record(row, EstimateInput)


def _number(text: str | None, option: str) -> Decimal | None:
    try:
        number = None if text is None else Decimal(text)
    except InvalidOperation:
        raise UsageError(f"`--{option}`: `{text}` is not a number") from None
    if number is not None and not number.is_finite():
        raise UsageError(f"`--{option}`: `{text}` is not a number")
    if number is not None and abs(number.adjusted()) > FARTHEST_EXPONENT:
        raise UsageError(f"`--{option}`: `{text}` is out of range")
    return number


def _answer(given: EstimateInput, options: argparse.Namespace, *, everything: bool) -> Row:
    lines = machine_lines(given)
    found = estimate(
        lines,
        duration_seconds=seconds_of(given),
        horizon_days=options.horizon_days,
        mfu=_mfu(given),
        precision=given.precision,
        provider=given.provider,
    )
    unknown = [told for line in lines if (told := _unknown(line, given.provider))]
    for told in unknown:
        complain(f"`{told['name']}` is not in the catalogue: counted as the strongest chip{_meant(told)}")
    return {
        "id": given.id,
        "operations": {"low": found.low, "likely": found.likely, "high": found.high},
        "tpp": found.tpp,
        "basis": list(found.basis),
        **({"known": False, "unknown": unknown} if unknown else {}),
        **_declared(given, found),
        **(_more(found) if everything else {}),
    }


def _more(found: Estimate) -> Row:
    return {
        "chips": found.chips,
        "total_tpp": found.total_tpp,
        "seconds": found.seconds,
        "open_ended": found.open_ended,
        "known": found.known,
    }


def _unknown(line: Accelerators, provider: str | None) -> dict[str, Any] | None:
    """Return the name of the line that the catalogue does not know, with the nearest ones that it does."""
    if line.model is not None and find_accelerator(line.model) is None:
        name = line.model[:128]
        if find_instance_type(line.model, provider) is not None:
            return {"name": name, "nearest": [], "instance_type": name}
        return {"name": name, "nearest": list(nearest_chips(line.model))}
    if line.instance_type is not None and find_instance_type(line.instance_type, provider) is None:
        return {"name": line.instance_type[:128], "nearest": list(nearest_machines(line.instance_type))}
    return None


def _meant(told: dict[str, Any]) -> str:
    near: list[str] = told["nearest"]
    if "instance_type" in told:
        return "; it is a machine type: name it as `instance_type`"
    return f"; did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""


def _declared(given: EstimateInput, found: Estimate) -> Row:
    """Return the declared operations beside the estimate, where any are declared."""
    declared = _whole(given.declared_operations, "declared_operations")
    plan = (given.parameters, given.tokens)
    if any(each is not None for each in (*plan, given.epochs)):
        if declared is not None or None in plan:
            raise FieldError("parameters", "give `parameters` and `tokens`, or `declared_operations`")
        declared = _plan(given).operations
    if declared is None:
        return {}
    return {"declared": {"operations": declared, "disagrees": declared_disagrees(declared, found.likely, found.high)}}


def _plan(given: EstimateInput) -> TrainingPlan:
    names = ("parameters", "tokens", "epochs")
    found = {name: whole for name in names if (whole := _whole(getattr(given, name), name)) is not None}
    try:
        return TrainingPlan(**found)
    except ValueError as error:
        raise FieldError("parameters", f"field {error}") from None


def _whole(number: Decimal | None, field: str) -> int | None:
    if number is not None and (number <= 0 or number != number.to_integral_value()):
        raise FieldError(field, f"field `{field}` must be a whole number above 0, not {number}")
    return None if number is None else int(number)


def _mfu(given: EstimateInput) -> Decimal | None:
    mfu = positive(given.mfu, "mfu")
    if mfu is not None and mfu > 1:
        raise FieldError("mfu", f"field `mfu` is a share of peak from 0 to 1, not {mfu}; write 0.4 for 40 %")
    return mfu


def _tell(answer: Row) -> None:
    """Print the estimate for people: the three figures, and what each rests on."""
    for name, value in answer["operations"].items():
        print(f"{name:<7} {Decimal(value):.3e} operations")
    if answer["tpp"] is not None:
        print(f"TPP     {answer['tpp']:,.0f} a chip, {answer['total_tpp']:,.0f} in all ({answer['chips']:,} chips)")
    for said in answer["basis"]:
        print(f"  {printable(said)}")
