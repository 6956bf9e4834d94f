"""Credentials of the operator's at AWS: botocore finds them, and assumes a role in a customer's account."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from kyc_gate.errors import NotReady
from kyc_gate.model.record import Record

_ONCE = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})
"""How STS is asked: it answers in a tenth of a second, and a customer waits."""

MOST_ROLES = 10_000
"""Sessions of roles that are kept, one for each account and name; an hour each, as STS gives them."""


class Assuming(Record):
    """How credentials are come by. `role` has `{account}` in it; without it the operator's own are used as they are.

    `sts` is an address of STS other than the region's public one.
    """

    region: str
    role: str | None = None
    external_id: str | None = None
    profile: str | None = None
    sts: str | None = None


class OperatorCredentials:
    """The operator's own credentials, or those of the role that they assume in an account."""

    def __init__(self, assuming: Assuming) -> None:
        self._assuming = assuming
        self._session = Session(profile=assuming.profile)
        self._roles: dict[tuple[str, str], Any] = {}

    async def frozen(self, account: str, name: str) -> Any:
        """Return credentials to sign one call with, of a session `name`. Raises `NotReady` where none are had."""
        try:
            found = await asyncio.to_thread(self.of, account, name)
            frozen = await asyncio.to_thread(found.get_frozen_credentials) if found is not None else None
        except (BotoCoreError, ClientError) as error:
            raise NotReady(f"the operator has no credentials for account {account}: {error}") from error
        if frozen is None:
            raise NotReady("the operator has no credentials; give the gate some as botocore finds them")
        return frozen

    def of(self, account: str, name: str) -> Any:
        """Return credentials that renew themselves, None where there are none. It may wait for the network."""
        own = self._session.get_credentials()
        if own is None or self._assuming.role is None:
            return own
        role = self._roles.get((account, name))
        if role is None:
            if len(self._roles) >= MOST_ROLES:
                self._roles.clear()
            role = self._roles[account, name] = self._assumed(own, self._assuming.role, account, name)
        return role

    def _assumed(self, own: Any, role: str, account: str, name: str) -> Any:
        extra = {"RoleSessionName": name}
        if self._assuming.external_id is not None:
            extra["ExternalId"] = self._assuming.external_id
        client = functools.partial(
            self._session.create_client,
            endpoint_url=self._assuming.sts,
            region_name=self._assuming.region,
            config=_ONCE,
        )
        fetcher = AssumeRoleCredentialFetcher(client, own, role.replace("{account}", account), extra_args=extra)
        return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
