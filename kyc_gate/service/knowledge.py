"""What traffic taught. A name that a call may change stands for nothing until it is certain what it stands for then."""

from __future__ import annotations

from collections.abc import Iterable

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.model.call import Call
from kyc_gate.model.learned import Change, Forgotten, Learned
from kyc_gate.storage.store import Store


def change_of(adapter: Adapter, call: Call) -> Change | None:
    """Return the names that the call, once it is passed on, may give another meaning; None if it leaves them alone.

    An adapter without `changes` teaches names that never change. Raises `RefusedCall` for a call that cannot be read.
    """
    changes = getattr(adapter, "changes", None)
    found: Change | None = changes(call) if changes else None
    return found


class Knowledge:
    """The references of a store, and which call changed each of them last, over all gates that share it.

    INVARIANT: no name stands for what it stood for before a call that may have changed it. Only the call that was
    passed on last teaches, so that two that are under way at once cannot leave behind what the other replaced.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def forget(self, change: Change | None) -> Forgotten | None:
        """Forget the names, durably. Raises `StorageFault`, and then the call must not be passed on."""
        if change is None:
            return None
        serial, before = await self._store.forget_names(change.provider, change.account, change.names)
        return Forgotten(change=change, serial=serial, before=before)

    async def settle(
        self,
        forgotten: Forgotten | None,
        status: int | None,
        learned: Iterable[Learned] = (),
        *,
        replayed: bool = False,
    ) -> None:
        """Keep what a call that was passed on taught. What the upstream refused changed nothing.

        A replay teaches nothing of what it may have changed: the upstream may only have repeated an older answer.
        """
        if forgotten is None:
            return
        change = forgotten.change
        refused = status is not None and 400 <= status < 500
        known = forgotten.before if refused else () if replayed else tuple(learned)
        await self._store.settle_names(
            change.provider, change.account, forgotten.serial, change.names, known, blank=not refused
        )
