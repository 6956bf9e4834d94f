"""A store over rows: every promise of `Store`, as operations for a thread that writes and one that reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from kyc_gate.audit.checkpoint import Checkpoint, Signer
from kyc_gate.audit.record import AuditRecord
from kyc_gate.audit.retention import LegalHold, Periods
from kyc_gate.audit.seal import seal
from kyc_gate.audit.verify import Verified, Walk
from kyc_gate.errors import InputError, StorageFault
from kyc_gate.model.access import Key, Person, Session, Way
from kyc_gate.model.case import Case, CaseEvent, CaseRequest, Grant, run_fingerprint
from kyc_gate.model.case_steps import Move, Moved
from kyc_gate.model.catalogue import DecisionCard, DecisionPage, DecisionQuery, PartyPage, PartyQuery
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned
from kyc_gate.model.outbox import Backlog, Delivery
from kyc_gate.model.party import Account, Party
from kyc_gate.model.questionnaire import Questionnaire
from kyc_gate.model.run import DeclaredRun
from kyc_gate.model.saved_view import SavedView
from kyc_gate.model.shadow import Disagreement, ShadowDay
from kyc_gate.model.signing_key import SigningKey
from kyc_gate.model.usage import DayUsage, HoldRequest, MeteredRun, RunEnd, Usage
from kyc_gate.storage import (
    announcements,
    casework,
    catalogue,
    chain_log,
    clearances,
    directory,
    grants,
    ledger,
    links,
    models,
    outbox,
    paper_retention,
    papers,
    party_words,
    people,
    personal,
    policies,
    runs,
    signing_keys,
    tree,
    views,
)
from kyc_gate.storage.decisions import append_decision, withdraw
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.store import CaseQuery, DecisionEntry, Receipt
from kyc_gate.storage.timestamps import day_of
from kyc_gate.storage.worker import Operation, Worker

T = TypeVar("T")

MOST_RECORD_BYTES = 4 * 2**20
"""The largest record: four times the default cap of a body. More is a fault of whoever wrote it."""

OPEN_SECONDS = 10.0
"""How long opening may take: after a crash the write-ahead log is read back first, from a cold disk perhaps."""

_SIGNED_AT_ONCE = 2048
_PAGE = 500
_CHUNK = 200


class RowStore:
    """What the stores share: the same operations on either engine. `_workers` says who does them.

    `deadline_seconds` bounds every operation: beyond it the caller gets a `StorageFault`. What the writer does after
    that is taken back by itself: a hold that nobody received is released, and a decision that was recorded too late is
    withdrawn (its hold released, its grant given back, with an audit record that says so). Until then, and for good
    where the process dies first, the hold keeps counting: the ledger errs on the strict side.
    `most_waiting` bounds the queue; beyond it callers get a `StorageFault` at once.
    """

    def __init__(self, *, deadline_seconds: float = 0.9, most_waiting: int = 10_000) -> None:
        self._deadline_seconds = deadline_seconds
        self._most_waiting = most_waiting
        self._writer: Worker | None = None
        self._reader: Worker | None = None
        self._parties: directory.KnownParties = {}

    def _workers(self) -> tuple[Worker, Worker]:
        """Return the thread that writes and the thread that reads. Raises `StorageFault` where the engine is unfit."""
        raise NotImplementedError

    async def open(self) -> None:
        """Open or make the store, bring its schema up to date, and verify the end of the chain. Safe to call twice.

        Raises `StorageFault` when the store cannot be written or is of a newer schema, `ChainBroken` when records were
        changed.
        """
        if self._writer is not None:
            return
        writer, reader = self._workers()
        self._writer, self._reader = writer, reader
        writer.start()
        reader.start()
        try:
            await writer.do(Operation(run=_beat), seconds=OPEN_SECONDS)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Write what is pending and close. Safe to call twice."""
        writer, reader, self._writer, self._reader = self._writer, self._reader, None, None
        for worker in (reader, writer):
            if worker is not None:
                worker.stop()
        for worker in (reader, writer):
            if worker is not None:
                await asyncio.to_thread(worker.join, 5.0)

    async def ready(self) -> bool:
        """Return true when a durable write succeeds now. Raises `StorageFault`, with the reason, when it does not."""
        await self._write(_beat)
        return True

    # directory

    async def save_directory(self, parties: Iterable[Party], accounts: Iterable[Account]) -> None:
        """Write parties and accounts over the ones on file, a few hundred in each transaction."""
        for some in _chunks(parties):
            await self._write(lambda connection, some=some: directory.save_parties(connection, some))  # type: ignore[misc]
        for each in _chunks(accounts):
            await self._write(lambda connection, each=each: directory.save_accounts(connection, each))  # type: ignore[misc]

    async def fetch_account(self, provider: str, account_id: str) -> Account | None:
        """Return an account of the provider, or the one on file for any provider (`*`)."""
        return await self._read(lambda connection: directory.account_of(connection, provider, account_id))

    async def fetch_party(self, party_id: str) -> Party | None:
        """Return the party with an id."""
        return await self._read(lambda connection: directory.party_of(connection, party_id))

    async def fetch_tied_accounts(self) -> tuple[Account, ...]:
        """Return the accounts that tie parties together: by a payer, an address or a card."""
        return await self._read(directory.tied_accounts)

    async def fetch_parties(self) -> tuple[Party, ...]:
        """Return every party, by id: page by page, so that no directory is too large to be read in time.

        A party that changes meanwhile is seen as it is at its page's turn. Parties that did not change since the last
        reading are the same objects.
        """
        found: directory.KnownParties = {}
        after = ""
        while True:
            page = await self._read(
                lambda connection, after=after: directory.parties_after(connection, after, self._parties)  # type: ignore[misc]
            )
            found |= page
            if len(page) < directory.PARTIES_AT_ONCE:
                break
            after = next(reversed(page))
        self._parties = found
        return tuple(party for _, party in found.values())

    async def fetch_unworded(self) -> party_words.Waiting:
        """Return the next parties whose words are not those of their document, with it."""
        return await self._read(party_words.unworded)

    async def save_words(self, waiting: party_words.Waiting, words: Mapping[str, Sequence[str]]) -> None:
        """Write the words that parties are found by, for documents that are still the same."""
        await self._write(lambda connection: party_words.save_words(connection, waiting, words))

    async def find_parties(self, query: PartyQuery) -> PartyPage:
        """Return a page of the parties that `query` asks for. Raises `InputError` for an `after` that is none."""
        return await self._read(lambda connection: party_words.parties_found(connection, query))

    async def fetch_accounts_of(self, party_id: str, limit: int = 100) -> tuple[Account, ...]:
        """Return up to `limit` accounts of a party."""
        return await self._read(lambda connection: directory.accounts_of(connection, party_id, limit))

    # references

    async def save_learned(self, provider: str, account: str, learned: Iterable[Learned]) -> None:
        """Write what an answer taught, for this account only."""
        for some in _chunks(learned):
            await self._write(
                lambda connection, some=some: directory.save_references(connection, provider, account, some)  # type: ignore[misc]
            )

    async def forget_names(self, provider: str, account: str, names: Sequence[str]) -> tuple[int, tuple[Learned, ...]]:
        """Let names stand for nothing, in this account only; return the change's number, and what they stood for."""
        return await self._write(lambda connection: directory.forget_names(connection, provider, account, names))

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
        """Write what is known of those names that no later change of any gate touched."""
        await self._write(
            lambda connection: directory.settle_names(connection, provider, account, serial, names, known, blank=blank)
        )

    async def fetch_learned(self, provider: str, account: str, kind: str, id: str) -> tuple[Accelerators, ...] | None:
        """Return what a reference stands for, in the account that taught it."""
        return await self._read(lambda connection: directory.reference_of(connection, provider, account, kind, id))

    async def fetch_owner(self, provider: str, kind: str, id: str) -> str | None:
        """Return the one account under which a reference was learnt."""
        return await self._read(lambda connection: directory.owner_of(connection, provider, kind, id))

    async def fetch_last_change(self) -> int:
        """Return the number of the last change of any name."""
        return await self._read(directory.last_change)

    # ledger

    async def hold(self, request: HoldRequest) -> Usage:
        """Reserve operations and return the control group's usage, this hold included.

        The answer does not wait for the commit, since `append` checks that the hold is there. The same key and
        fingerprint give the same hold for `ledger.REPLAY_SECONDS`, unless it was given back; a replay that is now known
        to ask for more raises it. Raises `IdempotencyConflict`, `InputError`.
        """

        def give_back(usage: Usage) -> Operation[None] | None:
            return None if usage.replayed else _releasing(usage.hold_id)

        return await self._do(
            Operation(run=lambda connection: ledger.hold(connection, request), early=True, undo=give_back)
        )

    async def peek(self, request: HoldRequest) -> Usage:
        """Return what `hold` would return, with an empty `hold_id`, and reserve nothing."""
        return await self._do(Operation(run=lambda connection: ledger.peek(connection, request), early=True))

    async def settle(self, hold_id: str) -> None:
        """Make a hold real. Harmless when done twice, and done in the end even when this raises."""
        await self._do(
            Operation(run=lambda connection: ledger.settle(connection, hold_id), early=True, repeats=True, single=True)
        )

    async def release(self, hold_id: str, decision_id: str | None = None) -> None:
        """Give a hold back that no decision but `decision_id` relies on.

        Harmless when done twice, and done in the end even when this raises.
        """
        await self._do(_releasing(hold_id, decision_id))

    async def expire(self, hold_id: str, *, by: str, because: str, at: datetime) -> bool:
        """Let a hold lapse whose outcome nobody will know, and return whether it was waiting. For operators only.

        Who does so and why is an audit record.
        """
        return await self._write(lambda connection: runs.expire(connection, hold_id, by=by, because=because, at=at))

    async def fetch_usage(
        self,
        control_group: str,
        since: datetime,
        until: datetime | None = None,
        names: Sequence[tuple[str, str]] = (),
    ) -> Usage | None:
        """Return the usage of a control group since a day, open-ended runs up to `until`, or None when it has none.

        With `names`, links of a request of the group, it says which other groups share them, and what those use.
        """
        until = until or since
        return await self._do(
            Operation(
                run=lambda connection: ledger.usage_since(connection, control_group, since, until, names), early=True
            )
        )

    async def fetch_daily_usage(
        self, control_group: str, since: datetime, until: datetime | None = None
    ) -> tuple[DayUsage, ...]:
        """Return what falls on each day since a day, first to last, open-ended runs up to `until`."""
        return await self._read(lambda connection: ledger.daily_usage(connection, control_group, since, until))

    async def fetch_groups(self) -> tuple[str, ...]:
        """Return every control group that anything was held for."""
        return await self._read(ledger.groups_with_usage)

    async def fetch_group_of(self, party_id: str) -> str | None:
        """Return the control group under which a party's usage stands."""
        return await self._read(lambda connection: ledger.group_of_party(connection, party_id))

    # runs

    async def attach(self, hold_id: str, account: str, references: Sequence[str], at: datetime) -> None:
        """Note under which names the provider knows what a hold runs. Done in the end even when this raises."""
        await self._do(
            Operation(
                run=lambda connection: runs.attach(connection, hold_id, account, references, at),
                early=True,
                repeats=True,
            )
        )

    async def finish(self, end: RunEnd) -> tuple[MeteredRun, ...]:
        """End the runs that `end` names and return them; each is an audit record. Raises `InputError`."""
        return await self._write(lambda connection: runs.finish(connection, end))

    async def fetch_run(self, id: str) -> MeteredRun | None:
        """Return the run of a hold, or of the hold that a decision let through."""

        def found(connection: Connection) -> MeteredRun | None:
            hold_id = runs.hold_of_decision(connection, id) if id.startswith("dec_") else id
            return runs.run_of(connection, hold_id) if hold_id else None

        return await self._read(found)

    async def fetch_runs_named(self, account: str, reference: str) -> tuple[MeteredRun, ...]:
        """Return the runs that go on and are known under the reference in the account."""
        return await self._read(lambda connection: runs.runs_named(connection, account, reference))

    async def fetch_open_runs(self, *, after: str = "", limit: int = 100) -> tuple[MeteredRun, ...]:
        """Return up to `limit` runs without an end, by id, those after the id `after`."""
        return await self._read(lambda connection: runs.open_runs(connection, after=after, limit=limit))

    async def fetch_runs(
        self, control_group: str, *, limit: int = 1_000, at: datetime | None = None
    ) -> tuple[MeteredRun, ...]:
        """Return up to `limit` runs of a control group that count, the newest first; with `at` those going on then."""
        return await self._read(lambda connection: runs.runs_of_group(connection, control_group, limit=limit, at=at))

    async def fetch_declared_runs(
        self, control_group: str | None = None, names: Sequence[str] | None = None
    ) -> tuple[DeclaredRun, ...]:
        """Return the runs that count and said which model they make: of a control group, of models by folded name."""
        return await self._read(lambda connection: models.declared_runs(connection, control_group, names))

    async def follow_group(self, account: str, party_id: str, control_group: str) -> bool:
        """Put what an account used for a party into the control group; return whether that changed anything."""
        return await self._write(lambda connection: runs.follow_group(connection, account, party_id, control_group))

    async def join_group(self, party_ids: Sequence[str], control_group: str) -> None:
        """Put what the parties used into the control group that they are found to be."""
        await self._write(lambda connection: runs.join_group(connection, party_ids, control_group))

    async def prune(self, before: datetime) -> int:
        """Drop links and requests that no window from `before` on reads; return how many rows went. No sum changes."""
        gone = 0
        while some := await self._write(lambda connection: links.prune(connection, day_of(before))):
            gone += some
        return gone

    # other gates

    async def announce(self, topic: str, value: str, after: int) -> bool:
        """Tell the other gates over this store what is newest, unless one did since version `after`; return whether."""
        return await self._write(lambda connection: announcements.announce(connection, topic, value, after))

    async def fetch_announced(self) -> announcements.Announced:
        """Return what was announced, with versions that grow, by topic."""
        return await self._read(announcements.announced)

    # audit, cases, grants

    async def append(self, entry: DecisionEntry) -> Receipt:
        """Make a decision durable, whole or not at all: record, case, spent grant, and the fate of its hold.

        A grant is spent against `request.fingerprint` and `at` of the record: what is recorded is what is checked.
        Raises `GrantNotSpent`, `Superseded`, and `StorageFault` when the hold to keep is no longer there.
        """
        sealed = seal(entry.record)
        if sealed.size > MOST_RECORD_BYTES:
            raise InputError(
                f"the decision's record has {sealed.size} bytes; at most {MOST_RECORD_BYTES} can be recorded"
            )

        def take_back(_: Receipt) -> Operation[None]:
            return Operation(run=lambda connection: withdraw(connection, entry), repeats=True)

        return await self._do(
            Operation(run=lambda connection: append_decision(connection, entry, sealed), undo=take_back)
        )

    async def fetch_decision(self, decision_id: str) -> dict[str, object] | None:
        """Return a decision's record with its position, previous hash and hash."""
        record = await self._read(lambda connection: chain_log.record_of(connection, decision_id))
        return record.flat() if record else None

    async def draw_cards(self) -> int:
        """Draw the cards of the next records, by which they are found; return how many records it looked at."""
        drawn = await self._read(catalogue.draw)
        if drawn is None:
            return 0
        await self._write(lambda connection: catalogue.file_cards(connection, drawn))
        return drawn.upto - drawn.since

    async def find_decisions(self, query: DecisionQuery) -> DecisionPage:
        """Return a page of the decisions that `query` asks for, the newest first. Raises `InputError`."""
        return await self._read(lambda connection: catalogue.decisions_found(connection, query))

    async def fetch_card(self, position: int) -> DecisionCard | None:
        """Return the card of the record at a position."""
        return await self._read(lambda connection: catalogue.card_of(connection, position))

    async def count_rules(self, rules: Sequence[str], since: datetime, most: int = 1_000) -> dict[str, tuple[int, int]]:
        """Return for each rule how often it had a finding, and how often that counted; each up to `most`."""
        return await self._read(lambda connection: catalogue.count_rules(connection, rules, since, most))

    async def records(self) -> AsyncIterator[dict[str, object]]:
        """Yield every audit record, first to last, with its position, previous hash and hash."""
        position = 0
        while page := await self._read(
            lambda connection, position=position: chain_log.records_after(connection, position, _PAGE)  # type: ignore[misc]
        ):
            for record in page:
                yield record.flat()
            position = page[-1].position

    async def bodies(self) -> AsyncIterator[list[str]]:
        """Yield the bodies of all audit records as they are on file, the newest first, some hundred at a time.

        Nothing of the chain is verified: `verify` does that.
        """
        position: int | None = None
        while page := await self._read(
            lambda connection, position=position: chain_log.bodies_before(connection, position, _PAGE)  # type: ignore[misc]
        ):
            yield [body for _, body in page]
            position = page[-1][0]

    async def verify(self, *, expected_head: str | None = None, checkpoints: Sequence[Checkpoint] = ()) -> Verified:
        """Verify the whole log over the bytes on file. Raises `ChainBroken`; see `audit.verify.Walk`."""
        walk = Walk(expected_head=expected_head, checkpoints=checkpoints, complete=True)
        while page := await self._read(lambda connection: chain_log.records_after(connection, walk.position, _PAGE)):
            for record in page:
                walk.take(record)
        return walk.end()

    async def fetch_head(self) -> tuple[int, str] | None:
        """Return position and hash of the last record, or None while there is none."""
        return await self._read(chain_log.head_of)

    async def fetch_record(self, position: int) -> AuditRecord | None:
        """Return the record at a position, counted from 1."""
        return next(
            iter(await self._read(lambda connection: chain_log.records_after(connection, position - 1, 1))), None
        )

    async def fetch_records(self, after: int, limit: int) -> tuple[AuditRecord, ...]:
        """Return up to `limit` records that follow the position `after`."""
        return tuple(await self._read(lambda connection: chain_log.records_after(connection, after, limit)))

    async def fetch_position(self, decision_id: str) -> int | None:
        """Return the position of a decision's record."""
        record = await self._read(lambda connection: chain_log.record_of(connection, decision_id))
        return record.position if record else None

    async def sign_checkpoint(self, signer: Signer) -> Checkpoint | None:
        """Sign and keep a checkpoint over all records; None where nothing was appended since the last one.

        Whole blocks are hashed before, some at a time, so that decisions do not wait for a log that was never signed.
        Raises `ChainBroken` where the log no longer is what the last one says.
        """
        head = await self.fetch_head()
        if head is None:
            return None
        last = await self.fetch_last_checkpoint()
        size = head[0]
        for upto in range((last.size if last else 0) + _SIGNED_AT_ONCE, size, _SIGNED_AT_ONCE):
            await self._write(lambda connection, upto=upto: tree.keep_nodes(connection, upto))  # type: ignore[misc]
        return await self._write(lambda connection: tree.sign_checkpoint(connection, signer, size))

    async def fetch_last_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint that was signed last, unverified."""
        return await self._read(tree.last_checkpoint)

    async def fetch_checkpoint(self, size: int) -> Checkpoint | None:
        """Return the checkpoint that was signed at a size, unverified."""
        return await self._read(lambda connection: tree.checkpoint_at(connection, size))

    async def fetch_checkpoints(self) -> tuple[Checkpoint, ...]:
        """Return every checkpoint, the earliest first, unverified."""
        found: list[Checkpoint] = []
        size = 0
        while page := await self._read(
            lambda connection, size=size: tree.checkpoints_after(connection, size, _PAGE)  # type: ignore[misc]
        ):
            found += page
            size = page[-1].size
        return tuple(found)

    async def prove_inclusion(self, position: int, size: int) -> list[bytes]:
        """Return the hashes that lead from a record to the root of the first `size` records. Raises `InputError`."""
        return await self._read(lambda connection: tree.prove_inclusion(connection, position, size))

    async def prove_consistency(self, first: int, second: int) -> list[bytes]:
        """Return the hashes that show the log at one size to be the beginning of it at another."""
        return await self._read(lambda connection: tree.prove_consistency(connection, first, second))

    # events to tell

    async def spread_events(self, receivers: Sequence[str], now: datetime) -> None:
        """Give each receiver what happened since it was last looked at."""
        await self._write(lambda connection: outbox.spread(connection, receivers, now))

    async def claim_event(self, receiver: str, now: datetime, lease_seconds: int) -> Delivery | None:
        """Return the receiver's oldest event where it is due, out of other gates' reach for a while."""
        return await self._write(lambda connection: outbox.claim(connection, receiver, now, lease_seconds))

    async def note_sent(self, delivery: Delivery) -> None:
        """Note that a receiver has an event."""
        await self._write(lambda connection: outbox.sent(connection, delivery))

    async def note_failed(self, delivery: Delivery, said: str, now: datetime, *, final: bool) -> bool:
        """Note that an event did not arrive, and return whether it is a dead letter now."""
        return await self._write(lambda connection: outbox.failed(connection, delivery, said, now, final=final))

    async def replay_events(self, receiver: str, now: datetime) -> int:
        """Put the dead letters of a receiver on their way again, and return how many."""
        return await self._write(lambda connection: outbox.replay(connection, receiver, now))

    async def fetch_backlogs(self) -> tuple[Backlog, ...]:
        """Return what each receiver does not have yet; those that have all are left out."""
        return await self._read(outbox.backlogs)

    # what records say of people

    async def erase_due(self, periods: Periods, *, by: str, because: str, at: datetime) -> int:
        """Erase the sealed parts of records whose time is over and that no legal hold keeps; return of how many."""
        return await self._written_in_parts(
            lambda connection: personal.erase_due(connection, periods, by=by, because=because, at=at)
        )

    async def count_due(self, periods: Periods, at: datetime) -> tuple[int, int]:
        """Return how many records' sealed parts could be erased now, and how many more a legal hold keeps."""
        return await self._read(lambda connection: personal.count_due(connection, periods, at))

    async def erase_papers(self, periods: Periods, *, by: str, because: str, at: datetime) -> int:
        """Erase what decided cases hold of people, where its time is over and no legal hold keeps it; of how many."""
        return await self._written_in_parts(
            lambda connection: paper_retention.erase_papers(connection, periods, by=by, because=because, at=at)
        )

    async def count_due_papers(self, periods: Periods, at: datetime) -> tuple[int, int]:
        """Return of how many cases the papers could be erased now, and of how many more a legal hold keeps them."""
        return await self._read(lambda connection: paper_retention.due_papers(connection, periods, at))

    async def place_hold(self, *, party_id: str, because: str, by: str, at: datetime) -> LegalHold:
        """Place a legal hold on a party's records; on everybody's, where `party_id` is empty."""
        return await self._write(
            lambda connection: personal.place_hold(connection, party_id=party_id, because=because, by=by, at=at)
        )

    async def release_hold(self, id: str, *, by: str, because: str, at: datetime) -> LegalHold:
        """Release a legal hold. Raises `InputError`."""
        return await self._write(
            lambda connection: personal.release_hold(connection, id, by=by, because=because, at=at)
        )

    async def fetch_legal_holds(self) -> tuple[LegalHold, ...]:
        """Return the legal holds that stand."""
        return await self._read(personal.holds_standing)

    async def fetch_case(self, case_id: str) -> Case | None:
        """Return the case with an id."""
        return await self._read(lambda connection: casework.case_of(connection, case_id))

    async def fetch_case_for(self, fingerprint: str) -> Case | None:
        """Return the newest case that a request with this fingerprint waits or waited in."""
        return await self._read(lambda connection: casework.case_for(connection, fingerprint))

    async def fetch_cases(self, query: CaseQuery | None = None) -> tuple[Case, ...]:
        """Return the cases that `query` asks for; without one the newest hundred."""
        return await self._read(lambda connection: casework.cases_found(connection, query or CaseQuery()))

    async def count_cases(self) -> dict[str, int]:
        """Return how many cases wait, by state, and how many of them are overdue."""
        return await self._read(casework.counts_of)

    async def fetch_case_requests(self, case_id: str) -> tuple[CaseRequest, ...]:
        """Return the requests that wait, or waited, in a case."""

        def found(connection: Connection) -> tuple[CaseRequest, ...]:
            case = casework.case_of(connection, case_id)
            return casework.requests_of(connection, case) if case else ()

        return await self._read(found)

    async def fetch_case_events(self, case_id: str) -> tuple[CaseEvent, ...]:
        """Return what was done with a case, first to last."""
        return await self._read(lambda connection: casework.events_of(connection, case_id))

    async def move_case(self, case_id: str, step: Move) -> Moved:
        """Take a step with a case: an event of its history and an audit record. Raises `CaseError`, `AccessDenied`."""
        return await self._write(lambda connection: casework.move(connection, case_id, step))

    async def take_next_case(
        self, *, by: str, at: datetime, parties: Sequence[str] = (), via: Way | None = None
    ) -> Case | None:
        """Assign the most urgent case that nobody has to a person, and return it; None where there is none for them."""
        return await self._write(
            lambda connection: casework.take_next(connection, by=by, at=at, parties=parties, via=via)
        )

    async def sweep_cases(self, at: datetime) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
        """Tell cases that became overdue, end those that expired, and return both."""
        return await self._write(lambda connection: casework.sweep(connection, at))

    # papers of cases

    async def attach_to_case(self, case_id: str, step: Move, content: bytes) -> str:
        """Keep a paper under its SHA-256 and note it in the case; return the digest."""
        return await self._write(lambda connection: papers.attach(connection, case_id, step, content))

    async def fetch_attachment(self, digest: str) -> bytes | None:
        """Return the paper with a SHA-256. Raises `StorageFault` where it is no longer what was attached."""
        return await self._read(lambda connection: papers.attachment_of(connection, digest))

    async def send_questionnaire(self, questionnaire: Questionnaire, step: Move) -> Moved:
        """Keep a questionnaire and have the case wait for its answers."""
        return await self._write(lambda connection: papers.send(connection, questionnaire, step))

    async def fetch_questionnaire(self, digest: str) -> Questionnaire | None:
        """Return the questionnaire whose link has a token with this digest."""
        return await self._read(lambda connection: papers.questionnaire_of(connection, digest))

    async def fetch_questionnaires(self, case_id: str) -> tuple[Questionnaire, ...]:
        """Return the questionnaires of a case, first to last."""
        return await self._read(lambda connection: papers.questionnaires_of(connection, case_id))

    async def answer_questionnaire(self, digest: str, answers: Mapping[str, str], at: datetime) -> Questionnaire:
        """Keep the answers, once. Raises `CaseError` where they came already, or too late."""
        return await self._write(lambda connection: papers.answer(connection, digest, answers, at))

    # clearances

    async def fetch_clearances(
        self, at: datetime, *, until: datetime | None = None, party_id: str | None = None
    ) -> tuple[Clearance, ...]:
        """Return the clearances that stand at `at`; with `until`, those of them that expire by then."""
        return await self._read(lambda connection: clearances.standing(connection, at, until=until, party_id=party_id))

    async def fetch_clearance(self, clearance_id: str) -> Clearance | None:
        """Return the clearance with an id."""
        return await self._read(lambda connection: clearances.clearance_of(connection, clearance_id))

    async def end_clearance(
        self, clearance_id: str, *, by: str, at: datetime, because: str, via: Way | None = None
    ) -> Clearance:
        """End a clearance; the step is an audit record. Raises `CaseError` where it ended already."""
        return await self._write(
            lambda connection: clearances.end(connection, clearance_id, by=by, at=at, because=because, via=via)
        )

    # access

    async def add_person(self, person: Person, *, step: Mapping[str, Any]) -> None:
        """Put a person on file; `step` is an audit record in the same transaction. Raises `InputError` where taken."""
        await self._write(lambda connection: people.add_person(connection, person, step=step))

    async def change_person(
        self,
        id: str,
        change: Callable[[Person], Person],
        *,
        step: Callable[[Person], Mapping[str, Any]] | None = None,
        ends_sessions: bool = False,
    ) -> Person | None:
        """Change the person as they stand on file now, and return them; None where nobody has the id.

        `change` may be called more than once. It raises where the change may not be: then nothing is written.
        """
        return await self._write(
            lambda connection: people.change_person(connection, id, change, step=step, ends_sessions=ends_sessions)
        )

    async def count_attempt(self, id: str, at: datetime, may: Callable[[Person], bool]) -> tuple[Person | None, bool]:
        """Return who tries to sign in, and whether they may try; the try counts as a failure until it succeeds."""

        def attempt(connection: Connection) -> tuple[Person | None, bool]:
            # Something is written whoever it is, so that the time taken does not tell whom we know.
            _beat(connection)
            return people.count_attempt(connection, id, at, may)

        return await self._write(attempt)

    async def fetch_person(self, id: str) -> Person | None:
        """Return the person with an id."""
        return await self._read(lambda connection: people.person_of(connection, id))

    async def fetch_person_by_subject(self, subject: str) -> Person | None:
        """Return the person whom the identity provider knows as `subject`."""
        return await self._read(lambda connection: people.person_by_subject(connection, subject))

    async def fetch_people(self) -> tuple[Person, ...]:
        """Return everybody on file, by id."""
        return await self._read(people.everybody)

    async def add_session(self, session: Session) -> None:
        """Write a new session."""
        await self._write(lambda connection: people.add_session(connection, session))

    async def extend_session(self, digest: str, idle_until: datetime) -> Session | None:
        """Let a session that is still there last until `idle_until`, and return it."""
        return await self._write(lambda connection: people.extend_session(connection, digest, idle_until))

    async def fetch_session(self, digest: str) -> Session | None:
        """Return the session whose token has this digest."""
        return await self._read(lambda connection: people.session_of(connection, digest))

    async def end_sessions(self, *, digest: str | None = None, person: str | None = None) -> None:
        """Drop a session, or every session of a person."""
        await self._write(lambda connection: people.end_sessions(connection, digest=digest, person=person))

    async def save_view(self, person: str, view: SavedView) -> None:
        """Keep a view of the queue for a person. Raises `InputError` for one too many."""
        await self._write(lambda connection: views.save_view(connection, person, view))

    async def drop_view(self, person: str, name: str) -> None:
        """Forget a view of a person, if there is one of the name."""
        await self._write(lambda connection: views.drop_view(connection, person, name))

    async def fetch_views(self, person: str) -> tuple[SavedView, ...]:
        """Return the views that a person saved, by name."""
        return await self._read(lambda connection: views.views_of(connection, person))

    async def add_key(self, key: Key, *, step: Mapping[str, Any]) -> None:
        """Write a new key; `step` is an audit record in the same transaction."""
        await self._write(lambda connection: people.add_key(connection, key, step=step))

    async def use_key(self, digest: str, at: datetime) -> bool:
        """Note that a key was used, and return whether it is there and was not taken back."""
        return await self._write(lambda connection: people.use_key(connection, digest, at))

    async def revoke_key(self, id: str, at: datetime, step: Callable[[Key], Mapping[str, Any]]) -> Key | None:
        """Take a key back, once, and return it; `step` tells its audit record. None where there is none."""
        return await self._write(lambda connection: people.revoke_key(connection, id, at, step))

    async def fetch_key(self, digest: str) -> Key | None:
        """Return the key whose secret has this digest."""
        return await self._read(lambda connection: people.key_of(connection, digest))

    async def fetch_keys(self) -> tuple[Key, ...]:
        """Return every key, the newest first."""
        return await self._read(people.keys)

    # signatures of customers

    async def add_signing_key(self, key: SigningKey, *, step: Mapping[str, Any]) -> None:
        """Write a new key of a customer; `step` is an audit record in the same transaction."""
        await self._write(lambda connection: signing_keys.add_signing_key(connection, key, step=step))

    async def change_signing_key(
        self,
        id: str,
        change: Callable[[SigningKey], SigningKey],
        step: Callable[[SigningKey], Mapping[str, Any]],
    ) -> SigningKey | None:
        """Change a customer's key as it stands on file now, and return it; None where there is none."""
        return await self._write(lambda connection: signing_keys.change_signing_key(connection, id, change, step))

    async def fetch_signing_key(self, id: str) -> SigningKey | None:
        """Return the customer's key with an id."""
        return await self._read(lambda connection: signing_keys.signing_key_of(connection, id))

    async def fetch_signing_keys(self) -> tuple[SigningKey, ...]:
        """Return every customer's key, the newest first."""
        return await self._read(signing_keys.signing_keys)

    async def use_signature(self, signature: str, at: datetime, until: datetime) -> bool:
        """Note that a signature is used, for every gate over this store, and return whether it was not before."""
        return await self._write(lambda connection: signing_keys.use_signature(connection, signature, at, until))

    async def free_signature(self, signature: str) -> None:
        """Let a signature be used again."""
        await self._write(lambda connection: signing_keys.free_signature(connection, signature))

    # grants

    async def revoke_grant(
        self, grant_id: str, *, reviewer: str, note: str, at: datetime, via: Way | None = None
    ) -> Grant:
        """Take back a grant that was not used yet; the step is an audit record. Raises `CaseError`."""
        return await self._write(
            lambda connection: grants.revoke(connection, grant_id, reviewer=reviewer, note=note, at=at, via=via)
        )

    async def fetch_grant(self, grant_id: str) -> Grant | None:
        """Return the grant with an id, as it stands."""
        return await self._read(lambda connection: grants.grant_of(connection, grant_id))

    async def fetch_grants(self, case_id: str) -> tuple[Grant, ...]:
        """Return the grants of a case, as they stand."""
        return await self._read(lambda connection: grants.grants_of(connection, case_id))

    async def find_grant(
        self, fingerprint: str, control_group: str | None, at: datetime, run: str | None = None
    ) -> Grant | None:
        """Return a grant that can still be spent on this very request, or on the run that it is of."""
        fingerprints = (fingerprint, run_fingerprint(run)) if run else (fingerprint,)
        return await self._read(lambda connection: grants.grant_for(connection, fingerprints, control_group, at))

    # policies

    async def keep_policy_state(
        self,
        name: str,
        state: Mapping[str, Any] | None,
        *,
        step: Mapping[str, Any],
        bundle: tuple[str, bytes] | None = None,
    ) -> None:
        """Write which policies stand where (None removes it), and `step` as an audit record, in one transaction."""
        await self._write(lambda connection: policies.keep_state(connection, name, state, step=step, bundle=bundle))

    async def fetch_policy_states(self) -> dict[str, dict[str, Any]]:
        """Return every state by its name."""
        return await self._read(policies.states)

    async def fetch_policy_bundle(self, digest: str) -> bytes | None:
        """Return the archive that was kept under a digest."""
        return await self._read(lambda connection: policies.bundle_of(connection, digest))

    async def note_shadow(self, candidate: str, days: Mapping[str, int], found: Sequence[Disagreement]) -> None:
        """Add decisions that a candidate was asked about, by day, and those that it answers otherwise."""
        await self._write(lambda connection: policies.note_shadow(connection, candidate, days, found))

    async def fetch_shadow_days(self, candidate: str) -> tuple[ShadowDay, ...]:
        """Return what was asked of a candidate, day by day."""
        return await self._read(lambda connection: policies.shadow_days(connection, candidate))

    async def disagreements(self, candidate: str) -> AsyncIterator[Disagreement]:
        """Yield every disagreement of a candidate, first to last."""
        number = 0
        while page := await self._read(
            lambda connection, number=number: policies.disagreements(connection, candidate, number, _PAGE)  # type: ignore[misc]
        ):
            for _, found in page:
                yield found
            number = page[-1][0]

    def _write(self, run: Callable[[Connection], T]) -> Awaitable[T]:
        return self._do(Operation(run=run))

    def _do(self, operation: Operation[T]) -> Awaitable[T]:
        if self._writer is None:
            raise StorageFault("the store is not open")
        return self._writer.do(operation)

    async def _written_in_parts(self, run: Callable[[Connection], int]) -> int:
        """Write until a write has nothing more to do, and return of how many it was all together."""
        gone = 0
        while some := await self._write(run):
            gone += some
        return gone

    def _read(self, run: Callable[[Connection], T]) -> Awaitable[T]:
        if self._reader is None:
            raise StorageFault("the store is not open")
        return self._reader.do(Operation(run=run))


def _releasing(hold_id: str, decision_id: str | None = None) -> Operation[None]:
    return Operation(
        run=lambda connection: ledger.release(connection, hold_id, decision_id), early=True, repeats=True, single=True
    )


def _beat(connection: Connection) -> None:
    """Write something, so that a commit has something to make durable."""
    connection.execute("UPDATE heartbeat SET beats = beats + 1")


def _chunks(values: Iterable[T]) -> Iterable[Sequence[T]]:
    left = iter(values)
    while some := tuple(islice(left, _CHUNK)):
        yield some
