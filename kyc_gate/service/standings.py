"""Who stands behind an account: the directory, read through a short memory, and what is true of each party."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from kyc_gate.errors import StorageFault
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.party import Account, Party
from kyc_gate.model.record import canonical_text, plain
from kyc_gate.ownership.control_groups import ControlGroups
from kyc_gate.ownership.directory import Directory
from kyc_gate.ownership.register import Register
from kyc_gate.places.ip_countries import IPCountries
from kyc_gate.service.gather import UNKNOWN_PARTY, Standing, standing_of
from kyc_gate.service.generation import Generation
from kyc_gate.service.owner_facts import register_links
from kyc_gate.storage.store import Store

_REMEMBERED_ACCOUNTS = 100_000
"""Accounts kept in memory at most: about 30 MB. Strangers can name accounts at will, so there must be an end."""


_Made = dict[str, Standing]
"""Standings by party."""


class Standings:
    """Accounts, parties and their standing, each at most `seconds` and the time of one reading older than the store.

    Without `seconds` every caller reads for itself.

    A standing is made once for each reading of the directory that differs from the one before, and for each
    generation of the lists.
    """

    def __init__(
        self,
        store: Store,
        *,
        seconds: float,
        ip_countries: IPCountries | None = None,
        register: Register | None = None,
    ) -> None:
        self._store = store
        self._ip_countries = ip_countries
        self._register = register
        self._fault: str | None = None
        self._seconds = seconds
        self._parties = Directory({})
        self._read: tuple[Party, ...] = ()
        self._reading: asyncio.Task[None] | None = None
        self._epoch = 0
        self._tied: tuple[Account, ...] = ()
        self._grouping: asyncio.Task[ControlGroups] | None = None
        self._groups: ControlGroups | None = None
        self._joined: set[str] = set()
        self._clearances: dict[str, tuple[Clearance, ...]] = {}
        self._version: str | None = None
        self._parties_at = float("-inf")
        self._standings: _Made = {}
        self._generation: Generation | None = None
        self._accounts: dict[tuple[str, str], tuple[float, Account | None]] = {}

    def forget(self) -> None:
        """Read everything anew from now on: what is being read may be from before."""
        self._epoch += 1
        self._reading = None
        self._parties_at = float("-inf")
        self._standings = {}
        self._accounts = {}

    async def of(
        self, request: ProvisioningRequest, generation: Generation, party: Party | None = None
    ) -> tuple[Standing, bool]:
        """Return the standing behind the request, and whether somebody is on file for it.

        `party` stands in for the directory. A caller that nobody is on file for gets a control group of its own.
        """
        parties = await self.parties()
        if party is not None:
            return await self._fresh(party, parties.with_party(party), generation, None), True
        account = await self._account(request.provider, request.caller.account)
        found = parties.get(account.party_id) if account else None
        if found is None or account is None:
            group = f"account:{request.provider}:{request.caller.account or 'unidentified'}"
            return replace(UNKNOWN_PARTY, control_group=group), False
        made = self._made(generation)
        standing = made.get(found.id)
        if standing is None:
            # Kept where it was looked for: by the time it is made, directory and lists may be others.
            standing = await self._fresh(found, parties, generation, await self._all_groups(parties))
            if standing.register.fault is None:  # else it is as short-lived as the fault
                made[found.id] = standing
            await self._join(standing)
        return standing, True

    def clearances(self, party_id: str | None) -> tuple[Clearance, ...]:
        """Return the clearances of a party by the last reading, as old as that of the directory may be."""
        return self._clearances.get(party_id, ()) if party_id else ()

    async def behind(self, id: str, generation: Generation, seconds: float | None = None) -> Standing | None:
        """Return the standing of a party on file, for somebody who looks: nothing is written. None for no party."""
        parties = await self.parties(seconds)
        found = parties.get(id)
        if found is None:
            return None
        return await self._fresh(found, parties, generation, await self._all_groups(parties))

    async def together(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return the ids with everybody who acts as one with one of them; who is not on file stands alone."""
        parties = await self.parties()
        groups = await self._all_groups(parties)
        found = set(ids)
        for id in tuple(found):
            party = parties.get(id)
            found.update(groups.of(party).members if party is not None else ())
        return tuple(sorted(found))

    async def _fresh(
        self, party: Party, parties: Directory, generation: Generation, groups: ControlGroups | None
    ) -> Standing:
        """Return the standing, computed off the event loop: screening a party takes milliseconds.

        Without the register that is configured, the standing says so, and is not kept beyond the fault.
        """

        def made(register: Register | None) -> Standing:
            return _writable_standing(
                party, parties, generation.screener, ip_countries=self._ip_countries, register=register, groups=groups
            )

        if self.register_fault() is None:
            try:
                return await asyncio.to_thread(made, self._register)
            except StorageFault as error:  # the register's: nothing else is read here
                self._fault = str(error)
        standing = await asyncio.to_thread(made, None)
        return replace(standing, register=replace(standing.register, fault=self._fault))

    def register_fault(self) -> str | None:
        """Return why the register that is configured cannot be read now; None where it can, and where there is none."""
        self._register_version()
        return self._fault

    def _register_version(self) -> str | None:
        """Return what tells one content of the register from another, its fault included."""
        if self._register is None:
            return None
        try:
            version, self._fault = self._register.version, None
        except StorageFault as error:
            version = self._fault = str(error)
        return version

    async def _all_groups(self, parties: Directory) -> ControlGroups:
        """Return the control groups of this reading of the directory: found once, off the event loop.

        A hundred thousand parties take many seconds the first time, and after the register was pulled; when some
        have changed, a fraction of one. A decision that cannot wait so long gives up, and the work goes on.
        """
        if self._grouping is None or _failed(self._grouping):
            self._grouping = asyncio.create_task(self._grouped(parties))
        return await asyncio.shield(self._grouping)

    async def _grouped(self, parties: Directory) -> ControlGroups:
        version = self._version
        groups = await asyncio.to_thread(_groups_of, parties, self._tied, self._register, self._groups)
        # Later groups lean on these, so that they must be whole.
        self._groups = groups if groups.asked_register and version == self._version else None
        return groups

    async def _join(self, standing: Standing) -> None:
        """Let what the members of a group used so far count for it, once for each reading of the directory.

        Two groups may have been found to be one, and a share of usage must not stay behind under the old key.
        """
        if len(standing.members) > 1 and standing.control_group not in self._joined:
            await self._store.join_group(standing.members, standing.control_group)
            self._joined.add(standing.control_group)

    def _made(self, generation: Generation) -> _Made:
        """Return the standings made with `generation`; those of a generation that was replaced are not kept."""
        if self._generation is None or generation.screener is not self._generation.screener:
            self._generation, self._standings = generation, {}
        version = self._register_version()
        if version != self._version:
            self._version, self._standings, self._grouping, self._joined = version, {}, None, set()
            self._groups = None  # what the register said of each party may be otherwise now
        return self._standings

    async def parties(self, seconds: float | None = None) -> Directory:
        """Return every party on file, by id. A reading of the last `seconds` will do, where that is longer."""
        most = max(self._seconds, seconds or 0.0)
        while time.monotonic() - self._parties_at >= most:
            epoch = self._epoch
            if self._reading is None or self._reading.done() or not self._seconds:
                self._reading = asyncio.create_task(self._read_parties(epoch))
                self._reading.add_done_callback(_failed)  # whoever waited may have given up
            await asyncio.shield(self._reading)
            if epoch == self._epoch:
                break
        return self._parties

    async def _read_parties(self, epoch: int) -> None:
        """Read the directory, for everybody who waits and did not `forget` since.

        A decision that cannot wait so long gives up, and the reading goes on: else a directory that takes longer to
        read than a decision may take would never be read at all.
        """
        read = await self._store.fetch_parties()
        tied = await self._store.fetch_tied_accounts()
        clearances = by_party(await self._store.fetch_clearances(datetime.now(UTC)))
        if epoch != self._epoch:
            return
        if tied != self._tied or read != self._read:
            self._parties = Directory.after(self._parties, {party.id: party for party in read})
            self._read, self._tied = read, tied
            self._standings, self._grouping, self._joined = {}, None, set()
        self._clearances = clearances
        self._parties_at = time.monotonic()

    async def _account(self, provider: str, number: str | None) -> Account | None:
        if number is None:
            return None
        key = (provider, number)
        now = time.monotonic()
        at, account = self._accounts.get(key, (float("-inf"), None))
        if now - at < self._seconds:
            return account
        account = await self._store.fetch_account(provider, number)
        if len(self._accounts) >= _REMEMBERED_ACCOUNTS:
            self._accounts.clear()
        self._accounts[key] = (now, account)
        return account


def _writable_standing(*of: Any, **more: Any) -> Standing:
    """Return `standing_of` its arguments. Raises `ValueError` for NaN, wherever it stands.

    A party made in Python may have it where no number is meant; `written` would not look for it there at each call.
    """
    standing = standing_of(*of, **more)
    canonical_text(plain(standing))
    return standing


def by_party(clearances: Iterable[Clearance]) -> dict[str, tuple[Clearance, ...]]:
    """Return clearances by the party that they are of."""
    found: dict[str, tuple[Clearance, ...]] = {}
    for each in clearances:
        found[each.pair.party_id] = (*found.get(each.pair.party_id, ()), each)
    return found


def _groups_of(
    parties: Directory, tied: tuple[Account, ...], register: Register | None, before: ControlGroups | None
) -> ControlGroups:
    try:
        return ControlGroups(parties, tied, partial(register_links, register=register), before)
    except StorageFault:  # the standings escalate on it, and the groups are found again when the register is back
        return ControlGroups(parties, tied)


def _failed(work: asyncio.Task[Any]) -> bool:
    return work.done() and (work.cancelled() or work.exception() is not None)
