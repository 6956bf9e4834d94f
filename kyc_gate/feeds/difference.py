"""What changed between two snapshots: entries added, removed and changed, and which names. No disk and no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import fields

from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.record import Record
from kyc_gate.names.normalize import normalize_name

Key = tuple[str, str]
"""A list's code, and the entry's id on it or its name, folded."""

SCREENED = frozenset(
    ("name", "aliases", "kind", "countries", "nationalities", "identifiers", "addresses", "birth_dates", "websites")
)
"""Fields that bear on a score. A change of any other says nothing new about a party."""


class EntryChange(Record):
    """One entry before and after. `fields` names what differs; names are those that came and went."""

    before: ListEntry
    after: ListEntry
    fields: tuple[str, ...]
    names_added: tuple[str, ...] = ()
    names_removed: tuple[str, ...] = ()

    @property
    def bears(self) -> bool:
        """Whether a party may resemble the entry more, or less, than before."""
        return not SCREENED.isdisjoint(self.fields)


class Difference(Record):
    """What is on the later snapshot and not on the earlier one, what is gone, and what changed."""

    added: tuple[ListEntry, ...]
    removed: tuple[ListEntry, ...]
    changed: tuple[EntryChange, ...]

    @property
    def to_screen(self) -> tuple[ListEntry, ...]:
        """The entries that every party must be compared with anew."""
        return (*self.added, *(change.after for change in self.changed if change.bears))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return, for each list that differs, how many entries were added, removed and changed."""
        added, removed = _by_list(self.added), _by_list(self.removed)
        changed = _by_list(change.after for change in self.changed)
        return {
            code: {"added": added[code], "removed": removed[code], "changed": changed[code]}
            for code in sorted({*added, *removed, *changed})
        }


def difference(before: ListSnapshot, after: ListSnapshot) -> Difference:
    """Return what changed from `before` to `after`.

    Entries are the same when list and id are; those that are left, when list and folded name are: an agency that
    numbers its rows anew has not listed anybody.
    """
    olds = {(entry.list, entry.id): entry for entry in before.entries}
    news = {(entry.list, entry.id): entry for entry in after.entries}
    pairs = [(olds[key], news[key]) for key in olds.keys() & news.keys()]
    gone = [entry for key, entry in olds.items() if key not in news]
    come = [entry for key, entry in news.items() if key not in olds]
    renamed = _paired(gone, come)
    pairs += renamed
    matched = {id(entry) for pair in renamed for entry in pair}
    changes = (_change(old, new) for old, new in pairs if old != new)
    return Difference(
        added=tuple(sorted((entry for entry in come if id(entry) not in matched), key=_place)),
        removed=tuple(sorted((entry for entry in gone if id(entry) not in matched), key=_place)),
        changed=tuple(sorted(changes, key=lambda change: _place(change.after))),
    )


def _paired(gone: Iterable[ListEntry], come: Iterable[ListEntry]) -> list[tuple[ListEntry, ListEntry]]:
    """Return entries that share a list and a folded name, each once."""
    waiting: dict[Key, list[ListEntry]] = {}
    for entry in gone:
        waiting.setdefault(_folded(entry), []).append(entry)
    return [(waiting[key].pop(0), entry) for entry in come if waiting.get(key := _folded(entry))]


def _folded(entry: ListEntry) -> Key:
    return entry.list, " ".join(normalize_name(entry.name).core) or entry.name


def _place(entry: ListEntry) -> Key:
    return entry.list, entry.id


def _change(before: ListEntry, after: ListEntry) -> EntryChange:
    differ = [field.name for field in fields(ListEntry) if getattr(before, field.name) != getattr(after, field.name)]
    old, new = names_of_entry(before), names_of_entry(after)
    return EntryChange(
        before=before,
        after=after,
        fields=tuple(differ),
        names_added=tuple(name for name in new if name not in old),
        names_removed=tuple(name for name in old if name not in new),
    )


def names_of_entry(entry: ListEntry) -> Mapping[str, bool]:
    """Return every name of an entry, and whether it is weak."""
    return {**{alias.name: alias.weak for alias in entry.aliases}, entry.name: False}


def _by_list(entries: Iterable[ListEntry]) -> Counter[str]:
    return Counter(entry.list for entry in entries)
