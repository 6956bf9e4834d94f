"""Papers over a store: what is on record is collected here, and drawn up in `reports`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from kyc_gate.audit.proof import write_proof
from kyc_gate.errors import InputError, StorageFault
from kyc_gate.model.access import Actor, Permission
from kyc_gate.model.case import Case, CaseEvent
from kyc_gate.model.case_steps import Step
from kyc_gate.model.match import Match
from kyc_gate.model.party import Party
from kyc_gate.ownership.control_groups import control_group
from kyc_gate.ownership.register import Register
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.shaping import window_days
from kyc_gate.reports.blocking import blocking_paper
from kyc_gate.reports.case_file import CaseContents, Proved, case_paper
from kyc_gate.reports.paper import Basis, Paper
from kyc_gate.reports.procedures import Setup, procedures_paper
from kyc_gate.reports.recorded import DecidedRecord, read_recorded
from kyc_gate.reports.remote_users import GROUP, RemoteUser, listed_users, remote_users_paper
from kyc_gate.reports.remote_users import Listed as Listed
from kyc_gate.reports.training_run import ReportedRun, TrainingReport, as_metered, training_report
from kyc_gate.screening.screener import MATCH, POSSIBLE
from kyc_gate.service.casework import Casework, require
from kyc_gate.service.gather import standing_of
from kyc_gate.service.generation import Generation
from kyc_gate.service.settings import Settings
from kyc_gate.storage.store import Store


class Book(NamedTuple):
    """What a gate works with: policies, lists, settings, and the LEI register where there is one."""

    policies: tuple[Policy, ...]
    lists: Callable[[], Generation]
    settings: Settings
    register: Register | None = None


class Papers:
    """Papers for somebody who may read what they tell. What is of the reader's own customers is left out.

    Raises `AccessDenied`, and `InputError` for what is not on file.
    """

    def __init__(self, store: Store, book: Book, now: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._book = book
        self._now = now or (lambda: datetime.now(UTC))
        self._casework = Casework(store, book.settings, self._now)

    async def case_file(self, actor: Actor, case_id: str, *, explain: bool = False) -> Paper | None:
        """Return the file of a case; None where there is none, or none that the actor may see.

        With `explain`, parties that resembled something are screened anew, so that their matches are told word by word.
        """
        require(actor, Permission.READ_DECISIONS)
        require(actor, Permission.READ_AUDIT)
        file = await self._casework.show(actor, case_id)
        if file is None:
            return None
        now = self._now()
        decisions = [record for each in file.case.decision_ids if (record := await self._decided(actor, each))]
        decisions.sort(key=lambda record: record.position)
        contents = CaseContents(
            case=file.case,
            requests=file.requests,
            events=file.events,
            grants=file.grants,
            questionnaires=file.questionnaires,
            decisions=tuple(decisions),
            clearances=tuple(
                [
                    each
                    for party_id in sorted(file.case.customers)
                    for each in await self._store.fetch_clearances(now, party_id=party_id)
                ]
            ),
            attachments=await self._kept(file.events),
            proofs=await self._proofs(decisions),
        )
        if explain:
            screened, snapshot = await self._screened(file.case, decisions)
            contents = replace(contents, screened=screened, screened_with=snapshot)
        return case_paper(contents, prepared_at=now)

    async def blocking(self, actor: Actor, decision_id: str) -> Paper | None:
        """Return the draft of a blocking report for a decision; None where there is none that the actor may see."""
        require(actor, Permission.READ_DECISIONS)
        record = await self._decided(actor, decision_id)
        if record is None:
            return None
        party = await self._store.fetch_party(str(record.fact("customer.id") or ""))
        known = {id: each for policy in self._book.policies for id, each in policy.citations.items()}
        address = (party.address or party.location) if party else None
        return blocking_paper(record, citations=known, address=address, prepared_at=self._now())

    async def remote_users(self, actor: Actor) -> tuple[Paper, tuple[Listed, ...]]:
        """Return the list of remote end users as a paper, and its rows."""
        require(actor, Permission.READ_PARTIES)
        require(actor, Permission.READ_DECISIONS)
        basis = self._basis()
        group = self._book.policies[0].edition_on(basis.prepared_at.date()).groups[GROUP]
        requests = await self._requests()
        parties = {party.id: party for party in await self._store.fetch_parties()}
        users = [
            self._remote_user(party, parties, requests.get(party.id, Counter()))
            for party in parties.values()
            if party.id not in actor.parties
        ]
        return remote_users_paper(users, group, basis=basis), listed_users(users, group)

    async def procedures(self, actor: Actor) -> Paper:
        """Return the description of the know-your-customer procedures, as the gate is set up now."""
        require(actor, Permission.READ_POLICIES)
        require(actor, Permission.READ_LISTS)
        generation, settings, periods = self._book.lists(), self._book.settings, self._book.settings.periods
        parties, people = await self._store.fetch_parties(), await self._store.fetch_people()
        snapshot = generation.snapshot
        setup = Setup(
            policies=self._book.policies,
            entries=Counter(entry.list for entry in snapshot.entries) if snapshot else {},
            clocks=generation.lists.clocks,
            max_age_hours=settings.max_age_hours,
            possible=POSSIBLE if settings.possible is None else settings.possible,
            match=MATCH if settings.match is None else settings.match,
            always_two=settings.four_eyes,
            due_hours=settings.due_hours,
            urgent_due_hours=settings.urgent_due_hours,
            grant_hours=settings.grant_hours,
            case_days=settings.case_days,
            questionnaire_days=settings.questionnaire_days,
            window_days=window_days(self._book.policies, settings.window_days),
            years_ofac=periods.ofac,
            years_ear=periods.ear,
            signs=settings.signer is not None,
            register=self._book.register is not None,
            observes=settings.unsafe_mode is not None,
            parties=len(parties),
            verified=sum(party.verified for party in parties),
            reviewers=Counter(role.value for person in people for role in person.roles),
        )
        return procedures_paper(setup, basis=self._basis())

    async def training_run(self, actor: Actor, party_id: str, *, days: int | None = None) -> TrainingReport:
        """Return the draft of a training report for a party, over its runs of the last `days`."""
        require(actor, Permission.READ_PARTIES)
        require(actor, Permission.READ_DECISIONS)
        now = self._now()
        since = now - timedelta(days=days or window_days(self._book.policies, self._book.settings.window_days))
        parties = {party.id: party for party in await self._store.fetch_parties() if party.id not in actor.parties}
        party = parties.get(party_id)
        if party is None:
            raise InputError(f"there is no party `{party_id}` on file; `kyc-gate parties list` shows them")
        group = control_group(party, parties)
        return training_report(
            party,
            await self._metered([each async for each in self._runs(party_id) if each[1].at >= since], now),
            await self._store.fetch_usage(group, since, now),
            control_group=group,
            as_of=now,
        )

    def _basis(self) -> Basis:
        snapshot = self._book.lists().snapshot
        return Basis(
            prepared_at=self._now(),
            policies=tuple(str(policy.reference) for policy in self._book.policies),
            snapshot=snapshot.digest if snapshot else None,
        )

    async def _decided(self, actor: Actor, decision_id: str) -> DecidedRecord | None:
        flat = await self._casework.decision(actor, decision_id)
        return None if flat is None else read_recorded(flat)

    async def _kept(self, events: Iterable[CaseEvent]) -> frozenset[str]:
        """Return the digests of papers that are on file; one that was changed is not, and says so."""
        kept = set()
        for digest in {str(each.details.get("sha256")) for each in events if each.step == Step.ATTACH}:
            try:
                if await self._store.fetch_attachment(digest) is not None:
                    kept.add(digest)
            except StorageFault:
                continue
        return frozenset(kept)

    async def _proofs(self, decisions: Iterable[DecidedRecord]) -> tuple[Proved, ...]:
        last = await self._store.fetch_last_checkpoint()
        proved = []
        for record in decisions:
            proof = None
            if last is not None and record.position <= last.size:
                hashes = await self._store.prove_inclusion(record.position, last.size)
                proof = write_proof(record.position - 1, hashes, last)
            proved.append(Proved(position=record.position, proof=proof))
        return tuple(proved)

    async def _screened(
        self, case: Case, decisions: Iterable[DecidedRecord]
    ) -> tuple[dict[str, tuple[Match, ...]], str | None]:
        """Return what parties of the case resemble now, of those that resemble something by its records."""
        resembled = {str(each.fact("customer.id")) for each in decisions if each.facts and _resembles(each)}
        resembled |= case.customers if any(each.resemblance for each in decisions) else set()
        generation = self._book.lists()
        if not resembled or generation.screener is None or generation.snapshot is None:
            return {}, None
        parties = {party.id: party for party in await self._store.fetch_parties()}
        found = {
            party_id: standing_of(
                parties[party_id], parties, generation.screener, register=self._book.register
            ).screening.matches
            for party_id in sorted(resembled & parties.keys())
        }
        return found, generation.snapshot.digest

    async def _requests(self) -> dict[str, Counter[str]]:
        """Return how many requests of each party passed (`pass`) or not, and when the last was (seconds, `last`)."""
        counted: dict[str, Counter[str]] = {}
        async for record in self._store.records():
            facts = record.get("facts")
            customer = facts.get("customer") if isinstance(facts, dict) else None
            if record.get("type") != "decision" or not isinstance(customer, dict):
                continue
            of = counted.setdefault(str(customer.get("id")), Counter())
            of["pass" if record.get("acted") == "pass" else "refuse"] += 1
            of["last"] = max(of["last"], int(datetime.fromisoformat(str(record["at"])).timestamp()))
        return counted

    def _remote_user(self, party: Party, parties: dict[str, Party], requests: Counter[str]) -> RemoteUser:
        standing = standing_of(party, parties, None, register=self._book.register)
        parent = standing.parent
        headquarters = (parent.headquarters,) if parent.headquarters else ()
        return RemoteUser(
            party_id=party.id,
            name=party.name,
            location=standing.countries.location,
            headquarters=standing.customer.headquarters,
            parent="itself" if parent.is_self else parent.name,
            parents=parent.countries or headquarters,
            verified=party.verified,
            reseller=party.reseller,
            passed=requests["pass"],
            refused=requests["refuse"],
            last_at=datetime.fromtimestamp(requests["last"], UTC) if requests["last"] else None,
        )

    async def _metered(self, runs: Iterable[tuple[str | None, ReportedRun]], now: datetime) -> list[ReportedRun]:
        """Return the runs as the ledger knows those that passed, each with its hold."""
        told: list[ReportedRun] = []
        seen: dict[str, str] = {}
        for hold_id, run in runs:
            metered = await self._store.fetch_run(hold_id) if hold_id and run.acted == "pass" else None
            told.append(as_metered(run, metered, now, earlier=seen.get(metered.hold_id)) if metered else run)
            if metered:
                seen.setdefault(metered.hold_id, run.decision_id)
        return told

    async def _runs(self, party_id: str) -> Any:
        """Yield the runs of the party on record that may train, dry runs aside, each after its hold."""
        async for flat in self._store.records():
            facts = flat.get("facts")
            customer = facts.get("customer") if isinstance(facts, dict) else None
            if flat.get("type") == "decision" and isinstance(customer, dict) and customer.get("id") == party_id:
                record = read_recorded(flat)
                if record.fact("workload.may_train") is not False and not record.asked("dry_run"):
                    yield flat.get("hold_id"), _run(record)


def _resembles(record: DecidedRecord) -> bool:
    return bool(record.fact("resembled") or record.fact("cleared"))


def _run(record: DecidedRecord) -> ReportedRun:
    seconds = record.asked("duration_seconds")
    return ReportedRun(
        decision_id=record.decision_id,
        at=record.at,
        outcome=record.outcome,
        acted=record.acted,
        account=record.account or "",
        operation=str(record.asked("operation")),
        workload=str(record.asked("workload")),
        machines=record.machines,
        chips=record.chips,
        region=record.asked("region"),
        starts_at=record.at,
        ends_at=None if seconds is None else record.at + timedelta(seconds=seconds),
        likely=record.fact("operations.likely"),
        high=record.fact("operations.high"),
        declared=record.fact("operations.declared"),
        policies=record.policies,
        snapshot=record.snapshot,
    )
