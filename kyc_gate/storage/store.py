"""What a store promises. One behaviour suite runs against each implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from kyc_gate.model.case import Case, Grant
from kyc_gate.model.decision import Outcome
from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned
from kyc_gate.model.party import Account, Party
from kyc_gate.model.record import Record
from kyc_gate.model.run import DeclaredRun
from kyc_gate.model.shadow import Disagreement, ShadowDay
from kyc_gate.model.usage import DayUsage, HoldRequest, MeteredRun, RunEnd, Usage


class CaseOpening(Record):
    """What a case needs to be opened, or joined when one is open for the same fingerprint and control group."""

    severity: str
    fingerprint: str
    control_group: str
    account: str
    party_id: str
    operation: str
    rules: tuple[str, ...]
    decision_id: str
    at: datetime
    due_at: datetime
    likely: int
    high: int
    outcome: Outcome = Outcome.ESCALATE


class DecisionEntry(Record):
    """One decision to be made durable, whole or not at all: record, case, spent grant and the fate of its hold.

    `record` is the audit record, JSON-ready apart from parts that are `Written` already; the store adds position,
    previous hash and hash.
    `keep_hold` is false for a decision that lets nothing through: its hold is released in the same transaction.
    `replays`: the hold was taken by an earlier call with the same key, which may have passed on it.
    `spend_grant` names a grant to spend `spend_operations` of; where it cannot be spent, nothing is written.
    `declares` says which model the run makes, for later runs to name.
    It is spent against `request.fingerprint` and `at` of the record: what is recorded is what is checked.
    """

    decision_id: str
    record: dict[str, object]
    hold_id: str | None = None
    keep_hold: bool = False
    replays: bool = False
    case: CaseOpening | None = None
    spend_grant: str | None = None
    spend_operations: int = 0
    declares: DeclaredRun | None = None


class Receipt(Record):
    """Proof that an entry is durable: its position in the chain, its hash, and the case that it opened or joined."""

    position: int
    hash: str
    case_id: str | None = None
    due_at: datetime | None = None


class GrantNotSpent(Exception):
    """The grant that a decision relied on was spent, revoked, expired or too small by the time of writing."""


class Store(Protocol):
    """Durable state. Every method raises `StorageFault` when the store cannot be trusted, within a second."""

    async def open(self) -> None:
        """Open or create the store, bring its schema up to date, and verify the tail of the audit chain."""
        ...

    async def close(self) -> None:
        """Write what is pending and close. Safe to call twice."""
        ...

    async def ready(self) -> bool:
        """Return whether a durable write succeeds now."""
        ...

    # directory
    async def save_directory(self, parties: Iterable[Party], accounts: Iterable[Account]) -> None: ...
    async def fetch_account(self, provider: str, account_id: str) -> Account | None: ...
    async def fetch_party(self, party_id: str) -> Party | None: ...
    async def fetch_parties(self) -> tuple[Party, ...]: ...
    async def fetch_tied_accounts(self) -> tuple[Account, ...]: ...

    # references
    async def save_learned(self, provider: str, account: str, learned: Iterable[Learned]) -> None: ...
    async def fetch_learned(
        self, provider: str, account: str, kind: str, id: str
    ) -> tuple[Accelerators, ...] | None: ...

    # ledger
    async def hold(self, request: HoldRequest) -> Usage:
        """Reserve operations and return the control group's usage over the window, this hold included.

        One transaction: two racing holds never see the same usage. The same key with the same fingerprint returns the
        first hold again (`replayed`); with another fingerprint it raises `IdempotencyConflict`.
        """
        ...

    async def peek(self, request: HoldRequest) -> Usage:
        """Return what `hold` would return, and reserve nothing (dry runs)."""
        ...

    async def settle(self, hold_id: str) -> None:
        """Make a hold real: the upstream accepted."""
        ...

    async def release(self, hold_id: str, decision_id: str | None = None) -> None:
        """Give a hold back: the upstream refused, or the call was abandoned before it left.

        `decision_id` is the decision that let the call through. A hold that another decision relies on is kept.
        """
        ...

    async def expire(self, hold_id: str) -> bool:
        """Let a hold lapse whose outcome nobody will know, and return whether it was waiting. For operators only."""
        ...

    async def fetch_usage(self, control_group: str, since: datetime, until: datetime | None = None) -> Usage | None: ...
    async def fetch_daily_usage(
        self, control_group: str, since: datetime, until: datetime | None = None
    ) -> tuple[DayUsage, ...]: ...
    async def fetch_groups(self) -> tuple[str, ...]: ...
    async def fetch_group_of(self, party_id: str) -> str | None: ...

    # runs
    async def attach(self, hold_id: str, account: str, references: Sequence[str], at: datetime) -> None:
        """Note under which names the provider knows what a hold runs: `kind:id`, as adapters name them."""
        ...

    async def finish(self, end: RunEnd) -> tuple[MeteredRun, ...]:
        """End the runs that `end` names, each with its audit record, and return them. Raises `InputError`."""
        ...

    async def fetch_run(self, id: str) -> MeteredRun | None: ...
    async def fetch_runs_named(self, account: str, reference: str) -> tuple[MeteredRun, ...]: ...
    async def fetch_open_runs(self, *, after: str = "", limit: int = 100) -> tuple[MeteredRun, ...]: ...
    async def fetch_runs(
        self, control_group: str, *, limit: int = 1_000, at: datetime | None = None
    ) -> tuple[MeteredRun, ...]: ...
    async def fetch_declared_runs(
        self, control_group: str | None = None, names: Sequence[str] | None = None
    ) -> tuple[DeclaredRun, ...]: ...
    async def join_group(self, party_ids: Sequence[str], control_group: str) -> None: ...
    async def follow_group(self, account: str, party_id: str, control_group: str) -> bool: ...

    async def prune(self, before: datetime) -> int: ...

    # other gates
    async def announce(self, topic: str, value: str, after: int) -> bool:
        """Tell the other gates over this store what is newest, unless one did since version `after`; return whether."""
        ...

    async def fetch_announced(self) -> dict[str, tuple[int, str]]: ...

    # audit, cases, grants
    async def append(self, entry: DecisionEntry) -> Receipt:
        """Make a decision durable (group commit) and return its receipt. Raises `GrantNotSpent`."""
        ...

    async def fetch_decision(self, decision_id: str) -> dict[str, object] | None: ...
    def records(self) -> AsyncIterator[dict[str, object]]: ...
    def bodies(self) -> AsyncIterator[list[str]]: ...
    async def fetch_case(self, case_id: str) -> Case | None: ...
    async def fetch_case_for(self, fingerprint: str) -> Case | None: ...
    async def fetch_cases(
        self, *, state: str | None = None, limit: int = 100, before: str | None = None
    ) -> tuple[Case, ...]: ...
    async def approve_case(
        self, case_id: str, *, reviewer: str, note: str, at: datetime, expires_at: datetime, budget: int | None = None
    ) -> Grant:
        """Approve an open case and return its one-use grant; the step is an audit record. Raises `CaseError`."""
        ...

    async def reject_case(self, case_id: str, *, reviewer: str, note: str, at: datetime) -> Case: ...
    async def revoke_grant(self, grant_id: str, *, reviewer: str, note: str, at: datetime) -> Grant: ...
    async def fetch_grant(self, grant_id: str) -> Grant | None: ...
    async def find_grant(self, fingerprint: str, control_group: str, at: datetime) -> Grant | None: ...

    # policies
    async def keep_policy_state(
        self,
        name: str,
        state: Mapping[str, Any] | None,
        *,
        step: Mapping[str, Any],
        bundle: tuple[str, bytes] | None = None,
    ) -> None:
        """Write which policies stand where (None removes it), and `step` as an audit record, in one transaction.

        `bundle` is a digest and an archive to keep under it.
        """
        ...

    async def fetch_policy_states(self) -> dict[str, dict[str, Any]]: ...
    async def fetch_policy_bundle(self, digest: str) -> bytes | None: ...
    async def note_shadow(self, candidate: str, days: Mapping[str, int], found: Sequence[Disagreement]) -> None: ...
    async def fetch_shadow_days(self, candidate: str) -> tuple[ShadowDay, ...]: ...
    def disagreements(self, candidate: str) -> AsyncIterator[Disagreement]: ...
