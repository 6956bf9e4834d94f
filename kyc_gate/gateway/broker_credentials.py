"""What the broker signs with upstream: botocore finds its credentials, and assumes a role for each customer."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from kyc_gate.errors import ConfigurationError, NotReady
from kyc_gate.service.config import BrokerSettings

try:
    from botocore.config import Config
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session
except ImportError as error:
    raise ConfigurationError(f"`broker` needs the extra `botocore`: {error}") from error

_ONCE = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})
"""How STS is asked: it answers in a tenth of a second, and a customer waits."""

MOST_KEYS = 10_000
"""Sessions of roles that are kept, one for each customer's key; an hour each, as STS gives them."""


class BrokerCredentials:
    """The broker's own credentials, or those of the role that it assumes in a customer's account.

    A session of a role bears the id of the customer's key as its name, so that the cloud's own log tells who it was.
    """

    def __init__(self, settings: BrokerSettings, sts: str | None = None) -> None:
        self._settings = settings
        self._session = Session(profile=settings.profile)
        self._sts = sts
        self._roles: dict[tuple[str, str], Any] = {}

    async def of(self, account: str, key_id: str) -> Any:
        """Return credentials to sign one call with. Raises `NotReady` where none are to be had."""
        try:
            found = await asyncio.to_thread(self._frozen, account, key_id)
        except (BotoCoreError, ClientError) as error:
            raise NotReady(f"the broker has no credentials for account {account}: {error}") from error
        if found is None:
            raise NotReady("the broker has no credentials of its own; give it some as botocore finds them")
        return found

    def _frozen(self, account: str, key_id: str) -> Any:
        own = self._session.get_credentials()
        if own is None or self._settings.role is None:
            return None if own is None else own.get_frozen_credentials()
        role = self._roles.get((account, key_id))
        if role is None:
            if len(self._roles) >= MOST_KEYS:
                self._roles.clear()
            role = self._roles[account, key_id] = self._assumed(own, account, key_id)
        return role.get_frozen_credentials()

    def _assumed(self, own: Any, account: str, key_id: str) -> Any:
        extra = {"RoleSessionName": f"kyc-{key_id}"}
        if self._settings.external_id is not None:
            extra["ExternalId"] = self._settings.external_id
        client = functools.partial(
            self._session.create_client, endpoint_url=self._sts, region_name=self._settings.regions[0], config=_ONCE
        )
        fetcher = AssumeRoleCredentialFetcher(
            client, own, (self._settings.role or "").replace("{account}", account), extra_args=extra
        )
        return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
