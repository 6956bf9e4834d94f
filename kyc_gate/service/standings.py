"""Who stands behind an account: the directory, read through a short memory, and what is true of each party."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from msgspec.structs import replace

from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.party import Account, Party
from kyc_gate.places.ip_countries import IPCountries
from kyc_gate.service.gather import UNKNOWN_PARTY, Standing, standing_of
from kyc_gate.service.generation import Generation
from kyc_gate.storage.store import Store

_REMEMBERED_ACCOUNTS = 100_000
"""Accounts kept in memory at most: about 30 MB. Strangers can name accounts at will, so there must be an end."""


_Made = dict[tuple[str, str | None], Standing]
"""Standings by party and payer."""


class Standings:
    """Accounts, parties and their standing, each at most `seconds` older than the store.

    A standing is made once for each reading of the directory that differs from the one before, and for each
    generation of the lists.
    """

    def __init__(self, store: Store, *, seconds: float, ip_countries: IPCountries | None = None) -> None:
        self._store = store
        self._ip_countries = ip_countries
        self._seconds = seconds
        self._parties: dict[str, Party] = {}
        self._parties_at = float("-inf")
        self._standings: _Made = {}
        self._generation: Generation | None = None
        self._accounts: dict[tuple[str, str], tuple[float, Account | None]] = {}

    def forget(self) -> None:
        """Read everything anew from now on."""
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
            return await self._standing(party, {**parties, party.id: party}, generation, None), True
        account = await self._account(request.provider, request.caller.account)
        found = parties.get(account.party_id) if account else None
        if found is None or account is None:
            group = f"account:{request.provider}:{request.caller.account or 'unidentified'}"
            return replace(UNKNOWN_PARTY, control_group=group), False
        key = (found.id, account.payer_party_id)
        made = self._made(generation)
        standing = made.get(key)
        if standing is None:
            # Kept where it was looked for: by the time it is made, directory and lists may be others.
            standing = made[key] = await self._standing(found, parties, generation, account.payer_party_id)
        return standing, True

    def _made(self, generation: Generation) -> _Made:
        """Return the standings made with `generation`; those of a generation that was replaced are not kept."""
        if self._generation is None or generation.screener is not self._generation.screener:
            self._generation, self._standings = generation, {}
        return self._standings

    async def parties(self) -> Mapping[str, Party]:
        """Return every party on file, by id."""
        now = time.monotonic()
        if now - self._parties_at < self._seconds:
            return self._parties
        fresh = {party.id: party for party in await self._store.fetch_parties()}
        if fresh != self._parties:
            self._parties = fresh
            self._standings = {}
        self._parties_at = now
        return self._parties

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

    async def _standing(
        self, party: Party, parties: Mapping[str, Party], generation: Generation, payer: str | None
    ) -> Standing:
        """Return the standing, computed off the event loop: screening a party takes milliseconds."""
        return await asyncio.to_thread(
            standing_of, party, parties, generation.screener, payer=payer, ip_countries=self._ip_countries
        )
