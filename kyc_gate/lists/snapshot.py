"""Several readings merged into the one snapshot that a decision names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.lists.other_names import with_other_names
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
    complete = (with_other_names(entry) for reading in given for entry in reading.entries)
    canonical = {_CANONICAL.encode(entry): entry for entry in complete}
    digest = hashlib.sha256()
    entries = tuple(_with_own_ids(canonical, digest))
    times = [reading.as_of for reading in given]
    known = [time for time in times if time is not None]
    return ListSnapshot(
        digest=digest.hexdigest(),
        entries=entries,
        lists=tuple(sorted({entry.list for entry in entries})),
        as_of=min(known) if len(known) == len(times) else None,
        problems=tuple(problem for reading in given for problem in reading.problems),
        notes=tuple(note for reading in given for note in (*reading.incomplete, *reading.notes)),
    )


def _with_own_ids(canonical: dict[bytes, ListEntry], digest: hashlib._Hash) -> Iterator[ListEntry]:
    """Yield the entries in the order of their content, each with an id of its own, and add each to the digest."""
    seen: dict[tuple[str, str], int] = {}
    for key in sorted(canonical):
        entry = canonical.pop(key)
        times = seen[entry.list, entry.id] = seen.get((entry.list, entry.id), 0) + 1
        if times > 1:
            entry = msgspec.structs.replace(entry, id=f"{entry.id}#{times}")
            key = _CANONICAL.encode(entry)
        digest.update(key + b"\n")
        yield entry
