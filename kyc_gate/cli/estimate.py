"""`kyc-gate estimate`: the operations that machines can perform over a duration."""

from __future__ import annotations

import argparse
from decimal import Decimal

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.lines import Row, add_input, answer_lines, input_of
from kyc_gate.cli.machines import Machines, machine_lines, positive, seconds_of
from kyc_gate.compute.estimate import estimate

HORIZON_DAYS = 30
"""Days over which machines without a stated end are projected, unless `--horizon-days` says otherwise."""

UTILISATION = Decimal("0.33")
"""Share of peak that the likely figure assumes, unless a line's `mfu` says otherwise; the gate's own default."""


class EstimateInput(Machines):
    """One input line."""

    id: str | int | None = None
    precision: str | None = None
    mfu: Decimal | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_input(
        parser,
        '{"id", "accelerators": [{"model", "count"}] or "instance_type", "count", "provider", '
        '"duration_hours", "precision"?, "mfu"?}',
    )
    parser.add_argument(
        "--horizon-days",
        metavar="DAYS",
        type=int,
        default=HORIZON_DAYS,
        help="project machines without a stated end over this many days (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the estimate of each input line."""
    return answer_lines(input_of(options), lambda row: _answer(read_record(row, EstimateInput), options.horizon_days))


def _answer(given: EstimateInput, horizon_days: int) -> Row:
    found = estimate(
        machine_lines(given, known=True),
        duration_seconds=seconds_of(given),
        horizon_days=horizon_days,
        utilisation=UTILISATION,
        mfu=_mfu(given),
        precision=given.precision,
        provider=given.provider,
    )
    return {
        "id": given.id,
        "operations": {"low": found.low, "likely": found.likely, "high": found.high},
        "tpp": found.tpp,
        "basis": list(found.basis),
    }


def _mfu(given: EstimateInput) -> Decimal | None:
    mfu = positive(given.mfu, "mfu")
    if mfu is not None and mfu > 1:
        raise FieldError("mfu", f"field `mfu` is a share of peak from 0 to 1, not {mfu}; write 0.4 for 40 %")
    return mfu
