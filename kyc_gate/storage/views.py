"""People's saved views as rows. Callers hold the transaction. They are nobody's business but their own: no record."""

from __future__ import annotations

from kyc_gate.errors import InputError
from kyc_gate.model.saved_view import MOST_VIEWS, SavedView
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection


def save_view(connection: Connection, person: str, view: SavedView) -> None:
    """Keep a view of a person, in the place of one of the same name. Raises `InputError` for one too many."""
    others = [each for each in views_of(connection, person) if each.name != view.name]
    if len(others) >= MOST_VIEWS:
        raise InputError(f"`{person}` has {MOST_VIEWS} saved views, and no more are kept; drop one of them")
    connection.execute(
        "INSERT INTO saved_views (person, name, document) VALUES (?, ?, ?)"
        " ON CONFLICT (person, name) DO UPDATE SET document = excluded.document",
        (person, view.name, written(view)),
    )


def drop_view(connection: Connection, person: str, name: str) -> None:
    """Forget a view of a person, if there is one of the name."""
    connection.execute("DELETE FROM saved_views WHERE person = ? AND name = ?", (person, name))


def views_of(connection: Connection, person: str) -> tuple[SavedView, ...]:
    """Return what a person saved, by name."""
    rows = connection.execute("SELECT document FROM saved_views WHERE person = ? ORDER BY name", (person,))
    return tuple(read(document, SavedView) for (document,) in rows)
