"""Several readings merged into the one snapshot that a decision names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.lists.reading import ListReading
from kyc_gate.model.listing import ListEntry, ListSnapshot

_CANONICAL = msgspec.json.Encoder(order="deterministic")


def merge(readings: Iterable[ListReading]) -> ListSnapshot:
    """Return one snapshot of all readings, the same whatever order they come in.

    Equal entries count once; entries that share a list and an id but differ are all kept, the later ones (in the order
    of their content) as `id#2` and so on. `as_of` is the oldest time among the readings, None when one states none.
    Raises `InputError` when there is no reading at all.
    """
    given = tuple(readings)
    if not given:
        raise InputError("no list to merge; name at least one list file")
    canonical = {_CANONICAL.encode(entry): entry for reading in given for entry in reading.entries}
    entries = _with_own_ids([canonical[key] for key in sorted(canonical)])
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(_CANONICAL.encode(entry) + b"\n")
    times = [reading.as_of for reading in given]
    known = [time for time in times if time is not None]
    return ListSnapshot(
        digest=digest.hexdigest(),
        entries=entries,
        lists=tuple(sorted({entry.list for entry in entries})),
        as_of=min(known) if len(known) == len(times) else None,
        problems=tuple(problem for reading in given for problem in reading.problems),
        notes=tuple(note for reading in given for note in reading.notes),
    )


def _with_own_ids(entries: list[ListEntry]) -> tuple[ListEntry, ...]:
    seen: dict[tuple[str, str], int] = {}
    distinct = []
    for entry in entries:
        times = seen[entry.list, entry.id] = seen.get((entry.list, entry.id), 0) + 1
        distinct.append(entry if times == 1 else msgspec.structs.replace(entry, id=f"{entry.id}#{times}"))
    return tuple(distinct)
