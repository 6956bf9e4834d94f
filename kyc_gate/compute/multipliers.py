"""What repeats a line of machines: arrays, nodes, replicas, trials and retries, multiplied at their upper end."""

from __future__ import annotations

import re

from kyc_gate.errors import InputError
from kyc_gate.model.record import Record

MOST_REPEATS = 10**9
"""Repeats of one line. More is a slip, not a request."""


class Repeats(Record):
    """What repeats a line, each with its upper end; None where nothing is said.

    `nodes` may be a range (`1-64`, as Slurm writes it), and `array` a list of indices (`0-999%50`); a throttle says how
    many run at once, and not how many run. `max_replicas` is what an elastic job may grow to. `retries` are attempts
    after the first, each of which may run for the whole duration.
    """

    nodes: int | str | None = None
    array: int | str | None = None
    replicas: int | None = None
    max_replicas: int | None = None
    parallel_trials: int | None = None
    retries: int | None = None


def multiplier_of(repeats: Repeats) -> int:
    """Return how often the line counts. Raises `InputError` naming the field that cannot be meant."""
    nodes = _upper(repeats.nodes) if isinstance(repeats.nodes, str) else repeats.nodes
    array = _array_size(repeats.array) if isinstance(repeats.array, str) else repeats.array
    replicas = max((each for each in (repeats.replicas, repeats.max_replicas) if each is not None), default=None)
    total = 1
    for name, value in (
        ("nodes", nodes),
        ("array", array),
        ("replicas", replicas),
        ("parallel_trials", repeats.parallel_trials),
        ("retries", None if repeats.retries is None else repeats.retries + 1),
    ):
        total *= 1 if value is None else _checked(value, name)
    return _checked(total, "multiplier")


def _checked(value: int, name: str) -> int:
    if not 0 < value <= MOST_REPEATS:
        least = 0 if name == "retries" else 1
        raise InputError(f"field `{name}` must be a whole number of at least {least}, and all together at most 10^9")
    return value


_RANGE = re.compile(r"(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?(?::(?P<step>\d{1,9}))?")


def _upper(text: str) -> int:
    """The upper end of a node count such as `4` or `1-64` (Slurm's `--nodes=min-max`)."""
    found = _RANGE.fullmatch(text.strip())
    if found is None or found["step"] or int(found["last"] or found["first"]) < int(found["first"]):
        raise InputError(f"field `nodes`: `{text[:64]}` is not a count; write `64`, or `1-64` for a range")
    return int(found["last"] or found["first"])


def _array_size(text: str) -> int:
    """How many indices a job array lists (Slurm's `--array=0-999%50` or `1,3,5-9:2`); `%` only throttles."""
    indices, _, throttle = text.replace(" ", "").partition("%")
    parts = [_RANGE.fullmatch(part) for part in indices.split(",")]
    sizes = [_size(found) for found in parts if found]
    if len(sizes) < len(parts) or min(sizes, default=0) < 1 or (throttle and not throttle.isdecimal()):
        raise InputError(f"field `array`: `{text[:64]}` is not a job array; write it like `0-999`")
    return sum(sizes)


def _size(found: re.Match[str]) -> int:
    first, last, step = int(found["first"]), int(found["last"] or found["first"]), int(found["step"] or 1)
    return (last - first) // step + 1 if step and last >= first else 0
