"""Keys that customers sign calls with, where the gate itself checks signatures and signs anew upstream."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.record import Record


class SigningKey(Record):
    """An access key that the operator issued to a customer's account. `sealed` is its secret, encrypted.

    `id` has the form of an access key id of AWS, with the account of twelve digits inside.
    """

    id: str
    account: str
    name: str
    sealed: str
    made_by: str
    at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def good(self, at: datetime) -> bool:
        """Return whether calls may be signed with the key at `at`."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class Proven(Record):
    """Who signed a call, as a signature proved that the gate checked with its own copy of the secret.

    `signature` is the hexadecimal signature, `until` the moment from which no gate takes it any more.
    """

    account: str
    key_id: str
    region: str
    service: str
    signature: str
    payload: str
    until: datetime
