"""What traffic taught. A name that a call may change stands for nothing until it is certain what it stands for then."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.model.call import Call
from kyc_gate.model.learned import Change, Forgotten, Learned
from kyc_gate.storage.store import Store

MOST_REMEMBERED = 65_536
"""Names of which it is kept which call changed them last; beyond, the oldest teach nothing."""

_Name = tuple[str, str, str]


def change_of(adapter: Adapter, call: Call) -> Change | None:
    """Return the names that the call, once it is passed on, may give another meaning; None if it leaves them alone.

    An adapter without `changes` teaches names that never change. Raises `RefusedCall` for a call that cannot be read.
    """
    changes = getattr(adapter, "changes", None)
    found: Change | None = changes(call) if changes else None
    return found


class Knowledge:
    """The references of a store, and which call changed each of them last.

    INVARIANT: no name stands for what it stood for before a call that may have changed it. Only the call that was
    passed on last teaches, so that two that are under way at once cannot leave behind what the other replaced.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._serials = count(1)
        self._latest: dict[_Name, int] = {}

    async def forget(self, change: Change | None) -> Forgotten | None:
        """Forget the names, durably. Raises `StorageFault`, and then the call must not be passed on."""
        if change is None:
            return None
        serial = next(self._serials)
        for name in change.names:
            self._note((change.provider, change.account, name), serial)
        before = []
        for name in change.names:
            kind, _, id = name.partition(":")
            lines = None if id == "*" else await self._store.fetch_learned(change.provider, change.account, kind, id)
            before += [Learned(kind=kind, id=id, lines=lines)] if lines else []
        await self._blank(change, change.names)
        return Forgotten(change=change, serial=serial, before=tuple(before))

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
        latest = {name for name in change.names if self._is_latest(forgotten, name)}
        refused = status is not None and 400 <= status < 500
        if not refused:
            await self._blank(change, [name for name in change.names if name not in latest])
        known = forgotten.before if refused else () if replayed else learned
        kept = [each for each in known if f"{each.kind}:{each.id}" in latest]
        await self._store.save_learned(change.provider, change.account, kept)

    def _note(self, name: _Name, serial: int) -> None:
        self._latest.pop(name, None)
        self._latest[name] = serial
        if len(self._latest) > MOST_REMEMBERED:
            del self._latest[next(iter(self._latest))]

    def _is_latest(self, forgotten: Forgotten, name: str) -> bool:
        home = (forgotten.change.provider, forgotten.change.account)
        of_kind = self._latest.get((*home, f"{name.partition(':')[0]}:*"), 0)
        return self._latest.get((*home, name)) == forgotten.serial >= of_kind

    async def _blank(self, change: Change, names: Iterable[str]) -> None:
        blank = []
        for name in names:
            kind, _, id = name.partition(":")
            if id == "*":
                await self._store.forget_learned(change.provider, change.account, kind)
            else:
                blank.append(Learned(kind=kind, id=id, lines=()))
        await self._store.save_learned(change.provider, change.account, blank)
