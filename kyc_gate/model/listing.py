"""Restricted-party lists: an entry, and the merged snapshot that a decision names."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.model.record import Record


class ListEntry(Record):
    """One record of a published list. `list` is its short code (`SDN`, `EL`, `DPL`, ...), `id` the list's own id."""

    list: str
    id: str
    name: str
    aliases: tuple[Alias, ...] = ()
    kind: PartyKind = PartyKind.UNKNOWN
    countries: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


class ListSnapshot(Record):
    """The merged lists at one digest. `as_of` is the oldest publication or retrieval time among its lists.

    `problems` names each row that could not be read, with its line.
    """

    digest: str
    entries: tuple[ListEntry, ...]
    lists: tuple[str, ...]
    as_of: datetime | None = None
    problems: tuple[str, ...] = ()
