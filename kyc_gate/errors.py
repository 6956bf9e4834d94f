"""Everything that can go wrong, in one tree.

KYCGateError
├── InputError             the caller's input is wrong; the message names the field and the fix
│   ├── ConfigurationError     kyc-gate.toml
│   ├── PolicyError            a policy folder; carries every problem at once
│   └── RefusedCall            a call that cannot be read, with the status to answer it with
├── IdempotencyConflict    a token came back with another request
├── NotReady               the gate has no policy, no lists or no store yet
├── Superseded             what a decision was made from changed before it was written; nothing was
├── FeedFault              a list or bundle could not be fetched, verified, kept or read back; the last good one stands
├── UpstreamFault          a service that the gate asks as its operator did not answer, or said no
├── StorageFault           the store failed; nothing may pass
│   └── ChainBroken            the audit chain does not verify
├── CaseError              a step that a case or grant does not allow
└── AccessDenied           somebody who may not do this, or is not who they say
"""

from __future__ import annotations

from collections.abc import Sequence


class KYCGateError(Exception):
    """The root: every error that the gate raises on purpose."""


class InputError(KYCGateError):
    """The caller's input is wrong. The message names the field and the fix."""


class ConfigurationError(InputError):
    """The configuration file, or a file that it names, cannot be used."""


class PolicyError(InputError):
    """A policy cannot be used. `problems` holds every problem found, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class RefusedCall(InputError):
    """A call on a guarded path that cannot be read one way only, and so is refused.

    `status` is the HTTP status to answer with and `code` a stable short word for logs (`duplicate-parameter`).
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class IdempotencyConflict(KYCGateError):
    """An idempotency token came back with a request of another fingerprint."""


class NotReady(KYCGateError):
    """The gate cannot decide yet, or no longer: no policy, no lists, or no store."""


class Superseded(KYCGateError):
    """What a decision was made from stands for something else by now. Nothing was written; sent again, it is new."""


class FeedFault(KYCGateError):
    """A list or a bundle of policies could not be fetched, verified, kept or read back. The last good one stands."""


class UpstreamFault(KYCGateError):
    """A service that the gate asks as its operator failed it.

    `refused` says that it said no, and so did nothing; `status` is the HTTP status, None without an answer.
    """

    def __init__(self, message: str, *, refused: bool = False, status: int | None = None) -> None:
        super().__init__(message)
        self.refused = refused
        self.status = status


class StorageFault(KYCGateError):
    """The store failed. Nothing may pass until it works again."""


class ChainBroken(StorageFault):
    """The audit chain does not verify: a record was changed, dropped, inserted or moved."""


class FactsErased(KYCGateError):
    """A record's sealed parts are gone, so that what it was decided on cannot be looked at again."""


class CaseError(KYCGateError):
    """A step that the case's or grant's state does not allow."""


class AccessDenied(KYCGateError):
    """Whoever asks may not do this, or is not who they say."""
