"""Views of the queue that people save for themselves."""

from __future__ import annotations

from collections.abc import Mapping

from kyc_gate.errors import AccessDenied, InputError
from kyc_gate.model.access import Actor
from kyc_gate.model.saved_view import SavedView
from kyc_gate.storage.store import Store

MOST_NAME = 60
"""Characters of a view's name at most: what a list of them shows on one line."""


async def save_view(store: Store, actor: Actor, name: str, filters: Mapping[str, str]) -> SavedView:
    """Keep a view for a person who signed in. Raises `InputError` for a name that is none, or one view too many."""
    if not actor.signed_in:
        raise AccessDenied(f"`{actor.id}` did not sign in: views are a person's own")
    told = " ".join(name.split())
    if not told or len(told) > MOST_NAME or not told.isprintable():
        raise InputError(f"`name` is empty, cannot be read, or has more than {MOST_NAME} characters: name the view")
    view = SavedView(name=told, filters=dict(filters))
    await store.save_view(actor.id, view)
    return view
