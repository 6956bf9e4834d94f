"""A paper: fields that somebody asks for, tables, and what is not on file. Never more than a draft."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kyc_gate.model.record import Record

UNKNOWN = "not on file: to be completed by a person"

ERASED = "erased: its time was over"
"""What stands where personal data were erased: the record tells that there were some, and no more."""

Cell = str | None
"""What stands in a table; None where it is not on file."""


class Field(Record):
    """What is asked, where it is asked, and what is known; `value` is None where a person must complete it."""

    cite: str
    label: str
    value: str | None
    source: str = UNKNOWN


class Section(Record):
    """Fields that belong together."""

    title: str
    fields: tuple[Field, ...]


class Table(Record):
    """Rows under a header. `note` says what the rows are, and `long` that a column holds text of many lines."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


class Basis(Record):
    """What a paper rests on: when it was drawn up, under which revisions of policies, with which list snapshot.

    `policies` are written `name@revision`; `snapshot` is the digest of the merged lists, None where none was active.
    """

    prepared_at: datetime
    policies: tuple[str, ...] = ()
    snapshot: str | None = None


class Paper(Record):
    """A whole paper. `status` says what it is a draft of and what that law is worth; `remarks` what to mind."""

    kind: str
    title: str
    status: str
    basis: Basis
    sections: tuple[Section, ...] = ()
    tables: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()
    draft: bool = True

    @property
    def missing(self) -> tuple[str, ...]:
        """Every field that is not on file, as `section: label`."""
        return tuple(
            f"{section.title}: {field.label}"
            for section in self.sections
            for field in section.fields
            if field.value is None
        )


def told(cite: str, label: str, value: str | None, source: str = "") -> Field:
    """Return the field with its value and where that is from; without a source where nothing is on file."""
    return (
        Field(cite=cite, label=label, value=value, source=source)
        if value
        else Field(cite=cite, label=label, value=None)
    )


def joined(parts: Iterable[str | None], between: str = "; ") -> str | None:
    """Return what is known of `parts`, each once and in order; None where nothing is."""
    return between.join(dict.fromkeys(part for part in parts if part)) or None
