"""How many jobs an array is, by its specification as `sbatch --array` takes it."""

from __future__ import annotations

import re

from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

MOST_TASKS = 4_000_001
"""`MaxArraySize` of slurm.conf is at most 4,000,001."""

_PART = re.compile(r"(?P<first>[0-9]{1,7})(?:-(?P<last>[0-9]{1,7})(?::(?P<step>[0-9]{1,7}))?)?")


def array_size(text: str) -> int:
    """Return the number of jobs of `0-99%4` or `1,3,5-7:2`. Raises `RefusedCall` 400 for another text.

    How many run at a time (`%4`) changes nothing: all of them run in the end.
    """
    indices, separator, limit = text.partition("%")
    if separator and not limit.isdigit():
        raise _unreadable(text)
    size = 0
    for part in indices.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise _unreadable(text)
        first, last, step = int(found["first"]), int(found["last"] or found["first"]), int(found["step"] or 1)
        if last < first or step < 1:
            raise _unreadable(text)
        size += (last - first) // step + 1
    if size > MOST_TASKS:
        raise _unreadable(text)
    return size


def _unreadable(text: str) -> RefusedCall:
    return RefusedCall(400, "array", f"the array {shown(text)} is not indices such as `0-15`, `1,3,5-7:2` or `0-99%4`")
