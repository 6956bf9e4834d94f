"""What a store promises. One behaviour suite runs against each implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from kyc_gate.audit.checkpoint import Checkpoint, Signer
from kyc_gate.audit.record import AuditRecord
from kyc_gate.audit.retention import LegalHold, Periods, Retention
from kyc_gate.audit.verify import Verified
from kyc_gate.model.access import Key, Person, Session, Way
from kyc_gate.model.case import Case, CaseEvent, CaseRequest, Grant
from kyc_gate.model.case_steps import Move, Moved
from kyc_gate.model.catalogue import DecisionCard, DecisionPage, DecisionQuery, PartyPage, PartyQuery
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.decision import Outcome
from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned
from kyc_gate.model.outbox import Backlog, Delivery
from kyc_gate.model.party import Account, Party
from kyc_gate.model.questionnaire import Questionnaire
from kyc_gate.model.record import Record
from kyc_gate.model.relied import Relied
from kyc_gate.model.run import DeclaredRun
from kyc_gate.model.saved_view import SavedView
from kyc_gate.model.shadow import Disagreement, ShadowDay
from kyc_gate.model.signing_key import SigningKey
from kyc_gate.model.usage import DayUsage, HoldRequest, MeteredRun, RunEnd, Usage


class CaseOpening(Record):
    """What a case needs to be opened, or joined when one waits for the same control group and family of rules.

    `run` is the model that the request says it makes. `four_eyes`: the policy asks for a second person. `final`: no
    approval lets the request through.
    """

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
    family: str = ""
    four_eyes: bool = False
    run: str | None = None
    expires_at: datetime | None = None
    final: bool = False

    @property
    def case_family(self) -> str:
        """The family; what names none is a family of its own."""
        return self.family or "+".join(sorted(set(self.rules)))


class CaseQuery(Record):
    """Which cases to list. `state` may be `waiting`: whatever nobody has decided. `after` is the last one seen."""

    state: str | None = None
    severity: str | None = None
    assignee: str | None = None
    party_id: str | None = None
    control_group: str | None = None
    family: str | None = None
    overdue: bool = False
    text: str | None = None
    order: str = "newest"
    after: str | None = None
    limit: int = 100


class DecisionEntry(Record):
    """One decision to be made durable, whole or not at all: record, case, spent grant and the fate of its hold.

    `record` is the audit record, JSON-ready apart from parts that are `Written` already; the store adds position,
    previous hash and hash.
    `keep_hold` is false for a decision that lets nothing through: its hold is released in the same transaction.
    `replays`: the hold was taken by an earlier call with the same key, which may have passed on it.
    `spend_grant` names a grant to spend `spend_operations` of; where it cannot be spent, nothing is written.
    `declares` says which model the run makes, for later runs to name.
    `relies` is what other calls may have changed by now; then nothing is written.
    `party_id` is whose the record's sealed parts are, and `retention` how long they are kept. `traceparent` is that of
    the call, for the events that it causes.
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
    relies: Relied | None = None
    party_id: str = ""
    retention: Retention = Retention.OFAC
    traceparent: str | None = None


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

    async def fetch_unworded(self) -> list[tuple[str, str]]: ...
    async def save_words(self, waiting: list[tuple[str, str]], words: Mapping[str, Sequence[str]]) -> None: ...
    async def find_parties(self, query: PartyQuery) -> PartyPage: ...
    async def fetch_accounts_of(self, party_id: str, limit: int = 100) -> tuple[Account, ...]: ...

    # references
    async def save_learned(self, provider: str, account: str, learned: Iterable[Learned]) -> None: ...
    async def forget_names(self, provider: str, account: str, names: Sequence[str]) -> tuple[int, tuple[Learned, ...]]:
        """Let names (`kind:id`, `kind:*`) stand for nothing; return the change's number, and what they stood for.

        Numbers grow over all gates that share the store.
        """
        ...

    async def settle_names(
        self,
        provider: str,
        account: str,
        serial: int,
        names: Sequence[str],
        known: Sequence[Learned],
        *,
        blank: bool,
    ) -> None:
        """Write what is known of those names that no later change touched; with `blank`, forget the others again."""
        ...

    async def fetch_learned(
        self, provider: str, account: str, kind: str, id: str
    ) -> tuple[Accelerators, ...] | None: ...
    async def fetch_owner(self, provider: str, kind: str, id: str) -> str | None:
        """Return the one account under which a reference was learnt, None where there is none or more than one."""
        ...

    async def fetch_last_change(self) -> int: ...

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

    async def expire(self, hold_id: str, *, by: str, because: str, at: datetime) -> bool:
        """Let a hold lapse whose outcome nobody will know, and return whether it was waiting. For operators only."""
        ...

    async def fetch_usage(
        self,
        control_group: str,
        since: datetime,
        until: datetime | None = None,
        names: Sequence[tuple[str, str]] = (),
    ) -> Usage | None: ...
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
        """Make a decision durable (group commit) and return its receipt. Raises `GrantNotSpent` and `Superseded`."""
        ...

    async def fetch_decision(self, decision_id: str) -> dict[str, object] | None: ...
    async def draw_cards(self) -> int:
        """Draw the cards of the next records, by which decisions are found; return how many it looked at."""
        ...

    async def find_decisions(self, query: DecisionQuery) -> DecisionPage: ...
    async def fetch_card(self, position: int) -> DecisionCard | None: ...
    async def count_rules(
        self, rules: Sequence[str], since: datetime, most: int = 1_000
    ) -> dict[str, tuple[int, int]]: ...
    def records(self) -> AsyncIterator[dict[str, object]]: ...
    def bodies(self) -> AsyncIterator[list[str]]: ...
    async def verify(self, *, expected_head: str | None = None, checkpoints: Sequence[Checkpoint] = ()) -> Verified: ...
    async def fetch_head(self) -> tuple[int, str] | None: ...
    async def fetch_record(self, position: int) -> AuditRecord | None: ...
    async def fetch_records(self, after: int, limit: int) -> tuple[AuditRecord, ...]: ...
    async def fetch_position(self, decision_id: str) -> int | None: ...
    async def sign_checkpoint(self, signer: Signer) -> Checkpoint | None: ...
    async def fetch_last_checkpoint(self) -> Checkpoint | None: ...
    async def fetch_checkpoint(self, size: int) -> Checkpoint | None: ...
    async def fetch_checkpoints(self) -> tuple[Checkpoint, ...]: ...
    async def prove_inclusion(self, position: int, size: int) -> list[bytes]: ...
    async def prove_consistency(self, first: int, second: int) -> list[bytes]: ...
    async def erase_due(self, periods: Periods, *, by: str, because: str, at: datetime) -> int: ...
    async def count_due(self, periods: Periods, at: datetime) -> tuple[int, int]: ...
    async def erase_papers(self, periods: Periods, *, by: str, because: str, at: datetime) -> int: ...
    async def count_due_papers(self, periods: Periods, at: datetime) -> tuple[int, int]: ...
    async def place_hold(self, *, party_id: str, because: str, by: str, at: datetime) -> LegalHold: ...
    async def release_hold(self, id: str, *, by: str, because: str, at: datetime) -> LegalHold: ...
    async def spread_events(self, receivers: Sequence[str], now: datetime) -> None: ...
    async def claim_event(self, receiver: str, now: datetime, lease_seconds: int) -> Delivery | None: ...
    async def note_sent(self, delivery: Delivery) -> None: ...
    async def note_failed(self, delivery: Delivery, said: str, now: datetime, *, final: bool) -> bool: ...
    async def replay_events(self, receiver: str, now: datetime) -> int: ...
    async def fetch_backlogs(self) -> tuple[Backlog, ...]: ...
    async def fetch_legal_holds(self) -> tuple[LegalHold, ...]: ...
    async def fetch_case(self, case_id: str) -> Case | None: ...
    async def fetch_case_for(self, fingerprint: str) -> Case | None: ...
    async def fetch_cases(self, query: CaseQuery | None = None) -> tuple[Case, ...]: ...
    async def count_cases(self) -> dict[str, int]: ...
    async def fetch_case_requests(self, case_id: str) -> tuple[CaseRequest, ...]: ...
    async def fetch_case_events(self, case_id: str) -> tuple[CaseEvent, ...]: ...
    async def move_case(self, case_id: str, step: Move) -> Moved:
        """Take a step with a case: an event of its history and an audit record. Raises `CaseError`, `AccessDenied`."""
        ...

    async def take_next_case(
        self, *, by: str, at: datetime, parties: Sequence[str] = (), via: Way | None = None
    ) -> Case | None:
        """Assign the most urgent case that nobody has; of two who ask at once, each gets another one."""
        ...

    async def sweep_cases(self, at: datetime) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
        """Tell cases that became overdue, end those that expired, and return both."""
        ...

    # papers of cases
    async def attach_to_case(self, case_id: str, step: Move, content: bytes) -> str:
        """Keep a paper under its SHA-256 and note it in the case; return the digest."""
        ...

    async def fetch_attachment(self, digest: str) -> bytes | None: ...
    async def send_questionnaire(self, questionnaire: Questionnaire, step: Move) -> Moved: ...
    async def fetch_questionnaire(self, digest: str) -> Questionnaire | None: ...
    async def fetch_questionnaires(self, case_id: str) -> tuple[Questionnaire, ...]: ...
    async def answer_questionnaire(self, digest: str, answers: Mapping[str, str], at: datetime) -> Questionnaire: ...

    # clearances
    async def fetch_clearances(
        self, at: datetime, *, until: datetime | None = None, party_id: str | None = None
    ) -> tuple[Clearance, ...]: ...
    async def fetch_clearance(self, clearance_id: str) -> Clearance | None: ...
    async def end_clearance(
        self, clearance_id: str, *, by: str, at: datetime, because: str, via: Way | None = None
    ) -> Clearance: ...

    # access
    async def add_person(self, person: Person, *, step: Mapping[str, Any]) -> None: ...
    async def change_person(
        self,
        id: str,
        change: Callable[[Person], Person],
        *,
        step: Callable[[Person], Mapping[str, Any]] | None = None,
        ends_sessions: bool = False,
    ) -> Person | None:
        """Change the person as they stand on file now; `step` tells an audit record in the same transaction."""
        ...

    async def count_attempt(
        self, id: str, at: datetime, may: Callable[[Person], bool]
    ) -> tuple[Person | None, bool]: ...
    async def fetch_person(self, id: str) -> Person | None: ...
    async def fetch_person_by_subject(self, subject: str) -> Person | None: ...
    async def fetch_people(self) -> tuple[Person, ...]: ...
    async def add_session(self, session: Session) -> None: ...
    async def extend_session(self, digest: str, idle_until: datetime) -> Session | None: ...
    async def fetch_session(self, digest: str) -> Session | None: ...
    async def end_sessions(self, *, digest: str | None = None, person: str | None = None) -> None: ...
    async def save_view(self, person: str, view: SavedView) -> None: ...
    async def drop_view(self, person: str, name: str) -> None: ...
    async def fetch_views(self, person: str) -> tuple[SavedView, ...]: ...
    async def add_key(self, key: Key, *, step: Mapping[str, Any]) -> None: ...
    async def use_key(self, digest: str, at: datetime) -> bool: ...
    async def revoke_key(self, id: str, at: datetime, step: Callable[[Key], Mapping[str, Any]]) -> Key | None: ...
    async def fetch_key(self, digest: str) -> Key | None: ...
    async def fetch_keys(self) -> tuple[Key, ...]: ...

    # signatures of customers
    async def add_signing_key(self, key: SigningKey, *, step: Mapping[str, Any]) -> None: ...
    async def change_signing_key(
        self,
        id: str,
        change: Callable[[SigningKey], SigningKey],
        step: Callable[[SigningKey], Mapping[str, Any]],
    ) -> SigningKey | None: ...
    async def fetch_signing_key(self, id: str) -> SigningKey | None: ...
    async def fetch_signing_keys(self) -> tuple[SigningKey, ...]: ...
    async def use_signature(self, signature: str, at: datetime, until: datetime) -> bool:
        """Note, durably and for every gate over this store, that a signature is used; false where it was before."""
        ...

    async def free_signature(self, signature: str) -> None: ...

    # grants
    async def revoke_grant(
        self, grant_id: str, *, reviewer: str, note: str, at: datetime, via: Way | None = None
    ) -> Grant: ...
    async def fetch_grant(self, grant_id: str) -> Grant | None: ...
    async def fetch_grants(self, case_id: str) -> tuple[Grant, ...]: ...
    async def find_grant(
        self, fingerprint: str, control_group: str | None, at: datetime, run: str | None = None
    ) -> Grant | None: ...

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
