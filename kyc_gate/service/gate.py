"""The gate: gather the facts, take the hold, decide, write the record, and only then say what to do."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from msgspec.structs import replace

from kyc_gate.adapters.adapter import Adapter, Refusal
from kyc_gate.adapters.aws.pins import pins
from kyc_gate.adapters.aws.signature import REPLAYED
from kyc_gate.adapters.problem import problem_answer
from kyc_gate.audit.retention import retention_of
from kyc_gate.compute.registry import Models, declared_models, models_by_name, names_to_complete
from kyc_gate.decide.decision import combine, decide
from kyc_gate.errors import (
    ConfigurationError,
    InputError,
    KYCGateError,
    NotReady,
    RefusedCall,
    StorageFault,
    Superseded,
)
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.case import Grant, family_of
from kyc_gate.model.clearance import Pair
from kyc_gate.model.coverage import ListClock
from kyc_gate.model.decision import Decision, Mode, Outcome
from kyc_gate.model.ending import Ending
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import Certainty, ProvisioningRequest
from kyc_gate.model.learned import Change, Learned
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.party import Account, Party
from kyc_gate.model.relied import Relied
from kyc_gate.model.usage import HoldRequest, MeteredRun, RunEnd, Usage
from kyc_gate.model.written import written
from kyc_gate.ownership.register import Register
from kyc_gate.places.ip_countries import IPCountries
from kyc_gate.policy.read import Policy
from kyc_gate.screening.asked import Asked
from kyc_gate.screening.screener import Screener
from kyc_gate.service import probing
from kyc_gate.service.access import Access
from kyc_gate.service.active_policies import ActivePolicies, Origin
from kyc_gate.service.admission import Admission, Readiness, Reading, Screened
from kyc_gate.service.casework import Casework
from kyc_gate.service.clearing import chosen
from kyc_gate.service.disclosure import blocked_by_lists, refusal_of_decision, refusal_of_error, seconds_left
from kyc_gate.service.gather import ListStanding, estimate_of, gather
from kyc_gate.service.generation import Generation
from kyc_gate.service.growth import SPREADING, definition_of, growth_of, repeated
from kyc_gate.service.inquiries import Asking, Inquiries
from kyc_gate.service.jobs import Jobs
from kyc_gate.service.knowledge import Knowledge, change_of
from kyc_gate.service.lineage_facts import declared_run, with_models
from kyc_gate.service.list_keeper import ListKeeper
from kyc_gate.service.notifier import Notifier
from kyc_gate.service.oidc import OIDC
from kyc_gate.service.papers import Book, Papers
from kyc_gate.service.party_owners import PartyOwners, owners_of
from kyc_gate.service.policy_keeper import PolicyKeeper
from kyc_gate.service.probing import Probing
from kyc_gate.service.runs import Reevaluated, decided, ending_of, grown, open_case, open_runs, recorded_of
from kyc_gate.service.settings import Limits, Settings
from kyc_gate.service.splitting import links_of
from kyc_gate.service.standings import Standings
from kyc_gate.service.trials import Trials
from kyc_gate.service.upkeep import Upkeep
from kyc_gate.storage.store import CaseOpening, DecisionEntry, GrantNotSpent, Receipt, Store
from kyc_gate.telemetry.line import EVENT, decision_line
from kyc_gate.telemetry.tally import Tally
from kyc_gate.telemetry.trace import Spans, current_trace, in_trace, read_trace

SCREENINGS = 8
"""Calls that are screened at once, apart from decisions; each holds a thread for a tenth of a second at most."""

LOOKED_AT_SECONDS = 30.0
"""How old the directory may be for a person who looks at a party."""

log = structlog.get_logger("kyc_gate")


class Gate:
    """The one conductor behind every door. Open it before use; it may be shared by any number of tasks."""

    def __init__(
        self,
        *,
        policies: tuple[Policy, ...],
        store: Store,
        adapters: tuple[Adapter, ...] = (),
        snapshot: ListSnapshot | None = None,
        parties: Iterable[Party] = (),
        accounts: Iterable[Account] = (),
        ip_countries: IPCountries | None = None,
        models: Models | None = None,
        settings: Settings | None = None,
        clocks: tuple[ListClock, ...] | None = None,
        keeper: ListKeeper | None = None,
        register: Register | None = None,
        origin: Origin | None = None,
        policy_keeper: PolicyKeeper | None = None,
        notifier: Notifier | None = None,
        oidc: OIDC | None = None,
        inquiries: Inquiries | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._active = ActivePolicies.of(policies, self.settings, origin)
        self.store = store
        self._knowledge = Knowledge(store)
        self._inquiries = inquiries
        self.casework = Casework(store, self.settings, lambda: self.now())
        self._register = register
        self.oidc = oidc
        self.jobs = Jobs(lambda: self.now())
        self.access = Access(store, self.settings.access, lambda: self.now(), lambda ids: self._standings.together(ids))
        self.adapters = adapters
        self._overlooks = tuple(getattr(adapter, "overlooks", _overlooks_nothing) for adapter in adapters)
        self.limits = Limits(max_body=self.settings.body_bytes, body_seconds=self.settings.body_seconds)
        self.models = models or {}
        self._floor = self._active.floor
        self._generation = Generation.of(snapshot, self.settings, clocks, floor=self._floor)
        self._activating = asyncio.Lock()
        self._screening = asyncio.Semaphore(SCREENINGS)
        self.keeper = keeper
        self.policy_keeper = policy_keeper
        self.notifier = notifier or Notifier(())
        self.trials = Trials()
        self.tally = Tally()
        self.probing = Probing()
        self._spans = Spans(on=self.settings.spans)
        self._keeping: list[asyncio.Task[None]] = []
        self.upkeep = Upkeep()
        self._seed = (tuple(parties), tuple(accounts))
        self._standings = Standings(
            store, seconds=self.settings.directory_seconds, ip_countries=ip_countries, register=register
        )
        self._admitted = asyncio.Semaphore(self.settings.concurrent_decisions)
        self._background: set[asyncio.Task[None]] = set()
        self._relying: Counter[str] = Counter()  # calls under way, by the hold that they rely on
        self._opened = False

    @classmethod
    def from_config(cls, path: str | Path) -> Self:
        """Return the gate that the file at `path` describes. Raises `ConfigurationError` or `PolicyError`."""
        from kyc_gate.service.build import gate_parts
        from kyc_gate.service.config import read_configuration

        return cls(**gate_parts(read_configuration(path)))

    async def open(self) -> None:
        """Open the store and load the directory. Raises `StorageFault` when nothing could be let through safely."""
        if self._opened:
            return
        await self.store.open()
        parties, accounts = self._seed
        if parties or accounts:
            await self.store.save_directory(parties, accounts)
        self._standings.forget()
        await self._keep_policies()
        self._opened = True
        self._keeping.append(asyncio.create_task(self.upkeep.keep(self)))
        if self.notifier.receivers:
            self._keeping.append(asyncio.create_task(self.notifier.keep(self)))
        if self.keeper is not None:
            self._keeping.append(asyncio.create_task(self.keeper.keep(self)))
        log.info("gate.opened", policies=self._active.names, lists=self._lists_named())
        if self.settings.unsafe_mode is not None:
            log.warning("gate.unsafe", mode=self.settings.unsafe_mode, says="nothing is refused")

    async def _keep_policies(self) -> None:
        """Watch the policies from now on. Raises `KYCGateError` where the gate must not start with them."""
        if self.policy_keeper is None:
            return
        try:
            await self.policy_keeper.start(self)
        except BaseException:
            await self.store.close()
            raise
        self._keeping.append(asyncio.create_task(self.policy_keeper.keep(self)))

    async def close(self) -> None:
        """Wait for what is being written, and close the store."""
        keeping, self._keeping = self._keeping, []
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        if self._inquiries is not None:
            await self._inquiries.close()
        await self.jobs.close()
        await self.trials.write(self)
        with contextlib.suppress(KYCGateError, OSError):  # the last few records wait for the next start
            await self.upkeep.checkpoint(self)
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)
        await self.store.close()
        self._opened = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # The policies

    @property
    def active(self) -> ActivePolicies:
        """The policies that the next decision is made under."""
        return self._active

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies that the next decision is made under."""
        return self._active.policies

    @property
    def window_days(self) -> int:
        """Days over which the next decision sums what a control group uses."""
        return self._active.window_days

    async def change_policies(self, active: ActivePolicies) -> None:
        """Put `active` in the place of the policies. A decision under way ends under those that it began with.

        Where a policy draws a lower line than the lists are indexed for, they are indexed anew first.
        """
        async with self._activating:
            before = self._active
            await self._index_for(active.floor)
            self._active = active
            if (active.digests, active.origin.digest) != (before.digests, before.origin.digest):
                log.info("policies.activated", policies=active.names, before=before.names, bundle=active.origin.version)

    async def reach(self, floor: float) -> None:
        """Have resemblances of the score `floor` found, for policies that draw lines that low."""
        async with self._activating:
            await self._index_for(floor)

    async def _index_for(self, floor: float) -> None:
        if floor < self._floor:
            clocks = self._generation.lists.clocks
            self._generation = await asyncio.to_thread(Generation.of, self.snapshot, self.settings, clocks, floor=floor)
            self._floor = floor

    # The lists

    @property
    def papers(self) -> Papers:
        """Papers drawn up under the active policies and lists."""
        book = Book(
            policies=self.policies, lists=lambda: self._generation, settings=self.settings, register=self._register
        )
        return Papers(self.store, book, lambda: self.now())

    @property
    def snapshot(self) -> ListSnapshot | None:
        """The active snapshot of the restricted-party lists, or None."""
        return self._generation.snapshot

    @property
    def screener(self) -> Screener | None:
        """The screener over the active snapshot, or None."""
        return self._generation.screener

    @property
    def lists(self) -> ListStanding:
        """How old the active lists are, and how old they may be."""
        return self._generation.lists

    def confirm(self, clocks: tuple[ListClock, ...]) -> None:
        """Take newer clocks for the lists that are active: their publishers said that they are current."""
        self._generation = self._generation.confirmed(clocks)

    async def activate(self, snapshot: ListSnapshot, clocks: tuple[ListClock, ...] | None = None) -> None:
        """Index `snapshot` on a thread of its own, and put it in the place of the active one when it is ready.

        Until then, and if indexing raises, decisions go on with the lists that are active. A decision under way ends
        with the lists that it began with; every later one uses `snapshot`. Calls follow one another in order.
        """
        async with self._activating:
            before = self.snapshot.digest if self.snapshot else None
            self._generation = await asyncio.to_thread(
                Generation.of, snapshot, self.settings, clocks, floor=self._floor
            )
            log.info("lists.activated", snapshot=snapshot.digest, before=before, lists=self._lists_named())

    async def screen(self, asked: Sequence[Asked]) -> Screened:
        """Return what each party resembles, all by one snapshot. Raises `NotReady` where no list is active."""
        generation = self._generation
        if generation.screener is None:
            raise NotReady("no restricted-party list is active; nobody is clear without one")
        if self._screening.locked():
            raise NotReady("the gate screens as many parties as it can at once; try again")
        async with self._screening:
            screen = generation.screener.screen_party
            found = await asyncio.to_thread(lambda: tuple(screen(each) for each in asked))
        now = self.now()
        lists = generation.lists
        return Screened(found=found, stale=lists.stale(now), age_hours=lists.age_hours(now))

    async def pairs(self, case_id: str, names: Sequence[str] | None = None) -> tuple[Pair, ...]:
        """Return what the party of a case resembles now, or those that are named as `LIST/ENTRY`, for a clearance.

        Raises `InputError` for one that the party does not resemble.
        """
        if names is not None and not names:
            return ()
        case = await self.store.fetch_case(case_id)
        pairs = await self.pairs_of(case.party_id) if case else ()
        return pairs if names is None else chosen(pairs, names)

    async def pairs_of(self, party_id: str) -> tuple[Pair, ...]:
        """Return what a party on file resembles now, with the fingerprints of both sides."""
        standing = await self._standings.behind(party_id, self._generation)
        return standing.pairs if standing else ()

    async def owners_of(self, party_id: str) -> PartyOwners | None:
        """Return who stands behind a party on file, and what it resembles now; None where there is no such party."""
        asked = (party_id, self._standings, self._generation, self.settings)
        # One that was put on file a moment ago is looked for once more.
        return await owners_of(*asked, seconds=LOOKED_AT_SECONDS) or await owners_of(*asked)

    # What a door asks, in the order in which it asks.

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true only where `guards` is false for a call with this head. Quick: every call is asked about."""
        for overlooks in self._overlooks:  # noqa: SIM110 - a generator would cost as much as the rest
            if not overlooks(raw_path, query, headers):
                return False
        return True

    def guards(self, call: Call) -> bool:
        """Return whether the call, by its head, may be guarded. Raises `RefusedCall` for an ambiguous head."""
        return any(adapter.guards(call) for adapter in self.adapters)

    async def admit(self, call: Call) -> Admission:
        """Decide on a whole call. Whatever is wrong with the call or with the gate becomes an answer, never a pass.

        A refusal that was decided takes one of a few times, which tell nothing of why; a pass waits for nothing.
        """
        started = time.perf_counter()
        try:
            adapter, request = self._read(call)
            change = change_of(adapter, call) if adapter else None
            if adapter is not None and getattr(adapter, "owned_by_name", False):
                request, change = await self._owned(request, change)
            if adapter is None or request is None:
                return await self._undecided(adapter, call, change)
        except Exception as error:  # noqa: BLE001 - nothing that reading raises may let a call through
            return self._refused(call, error)
        with in_trace(read_trace(call.value(b"traceparent"))):
            admission = await self._admit(request, adapter, call)
        if admission.answer is not None:
            await self._wait(admission, started, self.settings.refusal_seconds)
            return replace(admission, call=call)
        try:
            await self._use_signature(admission, call)
        except Exception as error:  # noqa: BLE001 - what may be a copy must not pass
            await self.abandon(admission)
            return self._refused(call, error, adapter)
        try:
            forgot = await self._knowledge.forget(change)
        except Exception as error:  # noqa: BLE001 - what may be out of date must not outlive the call
            await self.abandon(replace(admission, call=call))
            return self._refused(call, error, adapter)
        return replace(admission, call=call, learns=adapter.learns(request), forgot=forgot)

    async def _owned(
        self, request: ProvisioningRequest | None, change: Change | None
    ) -> tuple[ProvisioningRequest | None, Change | None]:
        """Return both with the account under which what they name was learnt, where they name none themselves."""
        if request is not None and request.caller.account is None:
            owner = await self._owner(request.provider, request.replaces)
            caller = replace(request.caller, account=owner, verified=request.caller.verified and owner is not None)
            request = replace(request, caller=caller)
        if change is not None and not change.account:
            change = replace(change, account=await self._owner(change.provider, change.names[0]) or "")
        return request, change

    async def _owner(self, provider: str, reference: str | None) -> str | None:
        kind, _, id = (reference or "").partition(":")
        return await self.store.fetch_owner(provider, kind, id) if id else None

    async def _use_signature(self, admission: Admission, call: Call) -> None:
        """Note that the call's signature is used. Raises `RefusedCall` where it was before.

        What carries a token may be sent again: the upstream does it once, and so does the ledger.
        """
        request = admission.request
        if call.proven is None or request is None or request.dry_run or request.idempotency_key:
            return
        if not await self.store.use_signature(call.proven.signature, self.now(), call.proven.until):
            raise RefusedCall(403, REPLAYED, "this very call came before, and carries no token; sign it anew")

    async def _free_signature(self, admission: Admission) -> None:
        """Let a call that was not carried out be sent again as it is."""
        if admission.call is not None and admission.call.proven is not None:
            await self.store.free_signature(admission.call.proven.signature)

    async def _undecided(self, adapter: Adapter | None, call: Call, change: Change | None) -> Admission:
        """Return what passes without a decision: what is not guarded, what defines, and what ends."""
        defines = definition_of(adapter, call) if adapter else None
        ends = ending_of(adapter, call) if adapter else None
        try:
            forgot = await self._knowledge.forget(change)
        except StorageFault:
            if ends is None:
                raise
            forgot = None  # what ends is forgotten again when it is made anew
        # The answer ends after what it defines is known, so that the client's next call can rely on it.
        return Admission(call=call, ends=ends, defines=defines, learns=defines is not None, forgot=forgot)

    async def decide(
        self, request: ProvisioningRequest, *, party: Party | None = None, dry_run: bool = False
    ) -> Admission:
        """Decide on a request that is already read. `party` stands in for the directory where the caller knows better.

        With `dry_run` nothing is reserved and no case is opened, but the decision is recorded all the same.
        """
        if dry_run:
            request = replace(request, dry_run=True)
        return await self._admit(request, None, None, party=party)

    async def decide_in_steps(
        self, request: ProvisioningRequest, *, dry_run: bool = False, step: float | None = None
    ) -> Admission:
        """Decide on a request whose customer waits for the answer, in the time that `admit` takes for a refusal.

        `step` is in seconds; None for the gate's own.
        """
        started = time.perf_counter()
        admission = await self.decide(request, dry_run=dry_run)
        if admission.refusal is not None:
            await self._wait(admission, started, self.settings.refusal_seconds if step is None else step)
        return admission

    async def _wait(self, refused: Admission, started: float, step: float) -> None:
        """Wait until a refusal that was decided has taken a whole number of steps; no other waits."""
        if refused.decision_id is not None:
            await asyncio.sleep(seconds_left(time.perf_counter() - started, step))

    def answer(self, call: Call, error: Exception, provider: str | None = None) -> Answer:
        """Return the refusal for `error` in the dialect of the call, or of the `provider` that a door is for."""
        chosen = next((adapter for adapter in self.adapters if adapter.name == provider), None)
        return self._answer(chosen or self._adapter_of(call), call, refusal_of_error(error))

    async def settle(self, admission: Admission, status: int | None, body: bytes | None = None) -> None:
        """Tell what became of a call that was passed: its upstream status, or None when nobody knows.

        A success settles the hold, a refusal gives it back, and an unknown outcome keeps it.
        """
        status = self._meant(admission, status, body)
        if admission.ends is not None and status is not None and 200 <= status < 300:
            await self._finish(admission.ends)
        if admission.hold_id is None or admission.answer is not None:
            await self._define(admission, status, body)
            return
        alone = self._ended(admission.hold_id)
        try:
            if status is not None and 200 <= status < 400:
                await self.store.settle(admission.hold_id)
                await self._attach(admission, await self._learn(admission, status, body))
                return
            if status is not None and _refused_upstream(status) and alone and not admission.replayed:
                await self.store.release(admission.hold_id, admission.decision_id)
                await self._free_signature(admission)
            await self._knowledge.settle(admission.forgot, status)
        except StorageFault as error:
            log.error("hold.unsettled", hold_id=admission.hold_id, status=status, error=str(error))

    def held(self, admission: Admission) -> Call | None:
        """Return a call that waits for a person as one that the upstream keeps and does not start, where it can."""
        call, decision_id = admission.call, admission.decision_id
        if admission.outcome is not Outcome.ESCALATE or call is None or decision_id is None:
            return None
        try:
            keeps = getattr(self._adapter_of(call), "held", None)
            found: Call | None = keeps(call, decision_id) if keeps else None
        except Exception as error:  # noqa: BLE001 - it is refused instead
            log.error("call.unheld", decision_id=decision_id, error=type(error).__name__)
            return None
        return found

    async def keep_held(self, admission: Admission, status: int | None, body: bytes | None) -> None:
        """Note what the upstream keeps for a decision, so that an approval of it can be acted upon."""
        call, request = admission.call, admission.request
        if status is None or not 200 <= status < 300 or body is None or call is None or request is None:
            return
        learns = getattr(self._adapter_of(call), "learn_held", None)
        learned = learns(request, admission.decision_id, body) if learns else ()
        for account in dict.fromkeys((request.service, request.caller.account or "")):
            await self.store.save_learned(request.provider, account, learned)

    async def granted(self, request: ProvisioningRequest) -> bool:
        """Return whether a person approved this request, and the grant can still be used."""
        return await self.store.find_grant(request.fingerprint, None, self.now()) is not None

    async def abandon(self, admission: Admission) -> None:
        """Give back the hold of a call that never left, and what was forgotten for it."""
        with contextlib.suppress(StorageFault):  # what stays forgotten escalates
            await self._knowledge.settle(admission.forgot, 400)
            await self._free_signature(admission)
        if admission.hold_id is None or not self._ended(admission.hold_id) or admission.replayed:
            return
        try:
            await self.store.release(admission.hold_id, admission.decision_id)
        except StorageFault as error:
            log.error("hold.unsettled", hold_id=admission.hold_id, status=None, error=str(error))

    async def finish(self, end: RunEnd) -> tuple[MeteredRun, ...]:
        """End runs as the platform or an event tells, and return them as they stand now. Raises `InputError`.

        From then on they count for what they really took, and no longer for what they were expected to.
        """
        found = await self.store.finish(end)
        for run in found:
            log.info("run.finished", hold_id=run.hold_id, account=run.account, source=end.source)
        return found

    async def reevaluate(self) -> Reevaluated:
        """Decide again on every run without an end, as its control group's usage stands now.

        What would wait or be refused now gets a case, so that a line that is crossed at night is seen at night. The
        run itself goes on: stopping it is a person's decision.
        """
        runs = waiting = 0
        cases = []
        async for run in open_runs(self.store):
            runs += 1
            try:
                outcome, case_id = await self._reevaluated(run)
            except KYCGateError as error:
                # One run that cannot be judged is told, waits for a person, and keeps none of the others from a look.
                log.error("run.unevaluated", hold_id=run.hold_id, account=run.account, error=str(error))
                outcome, case_id = Outcome.ESCALATE, None
            waiting += outcome is not Outcome.ALLOW
            if case_id is not None:
                cases.append(case_id)
        log.info("runs.reevaluated", runs=runs, waiting=waiting, cases=len(cases))
        return Reevaluated(runs=runs, waiting=waiting, cases=tuple(cases))

    async def readiness(self) -> Readiness:
        """Return whether a decision could be made and recorded now, with every reason why not."""
        reasons = []
        if not self._opened:
            reasons.append("the gate is not open")
        elif not await self._store_ready():
            reasons.append("the store does not take a durable write")
        if self.snapshot is None:
            reasons.append("no restricted-party list is active")
        elif self._generation.lists.stale(self.now()):
            reasons += ["the restricted-party lists are stale", *_stale_sources(self._generation.lists, self.now())]
        if self._standings.register_fault() is not None:
            reasons.append("the LEI register cannot be read")
        problem = self.policy_keeper.standing(self).problem if self.policy_keeper else None
        refused = [] if problem is None else [f"newer policies were refused: {problem}"]
        refused += [f"the {each.name} `{each.id}` was refused: {each.problem}" for each in self.trials.refusals]
        return Readiness(ready=not reasons, reasons=tuple(reasons), warnings=(*refused, *_warnings(self.snapshot)))

    def require_adapter(self) -> None:
        """Raise `ConfigurationError` where no call would be guarded, so that no door stands open in silence."""
        if not self.adapters:
            raise ConfigurationError(
                "no adapter is configured, so that nothing is guarded;"
                " add `[aws]`, `[gcp]`, `[azure]`, `[oci]`, `[nebius]`, `[neoclouds]`, `[slurm.rest]` or `[generic]`"
            )

    def now(self) -> datetime:
        """Return the clock's reading, once for each decision."""
        return datetime.now(UTC)

    # Reading

    def _read(self, call: Call) -> tuple[Adapter | None, ProvisioningRequest | None]:
        for adapter in self.adapters:
            if adapter.guards(call):
                return adapter, adapter.read(call)
        return None, None

    def _adapter_of(self, call: Call) -> Adapter | None:
        for adapter in self.adapters:
            try:
                if adapter.guards(call):
                    return adapter
            except RefusedCall:
                return adapter
        return None

    # Deciding

    async def _admit(
        self,
        request: ProvisioningRequest,
        adapter: Adapter | None,
        call: Call | None,
        *,
        party: Party | None = None,
    ) -> Admission:
        """Return the admission of a read request; every failure becomes a refusal."""
        if self._admitted.locked():
            return self._refused(call, NotReady("the gate is at its limit of concurrent decisions"), adapter)
        started = time.perf_counter()
        async with self._admitted:
            try:
                with self._spans.decision() as line:
                    async with asyncio.timeout(self.settings.decision_seconds):
                        return await self._decided(request, adapter, call, party, started, line)
            except TimeoutError:
                error: Exception = NotReady("no decision within the time allowed")
            except Exception as caught:  # noqa: BLE001 - whatever went wrong, the call does not pass
                error = caught
        return self._refused(call, error, adapter)

    async def _decided(
        self,
        request: ProvisioningRequest,
        adapter: Adapter | None,
        call: Call | None,
        party: Party | None,
        started: float,
        line: dict[str, Any],
    ) -> Admission:
        """Steps 3 to 6 of the walk: gather, hold, decide, write, and say what to do."""
        if not self._opened:
            raise NotReady("the gate is not open")
        decision_id = f"dec_{secrets.token_hex(16)}"
        reading = await self._reading(request, party, self._asking(adapter, call, request))
        self._relying[reading.usage.hold_id] += 1
        try:
            facts, decision = self._concluded(reading, None)
            grant = await self._grant(reading, decision)
            if grant is not None:
                facts, decision = self._concluded(reading, grant)
            receipt, facts, decision, grant = await self._recorded(decision_id, reading, facts, decision, grant)
        except BaseException:
            if self._ended(reading.usage.hold_id):
                self._give_back(reading.usage)
            raise
        if call is None or request.dry_run or not self._passes(decision):
            self._ended(reading.usage.hold_id)
        if facts.screening.outcome in ("possible", "match"):
            self._names_noted(decision_id, reading)
        if self.trials.shadow is not None:
            # After the answer is on its way: the candidate may take its time, and may fail.
            asyncio.get_running_loop().call_soon(self.trials.observe, decision_id, reading.request, facts, decision)
        return self._acted(decision_id, reading, facts, decision, receipt, grant, adapter, call, started, line)

    async def _reading(self, request: ProvisioningRequest, party: Party | None, asking: Asking) -> Reading:
        generation, active = self._generation, self._active
        request, relied = await self._resolved(request, asking)
        standing, known = await self._standings.of(request, generation, party)
        active = self.trials.active_for(standing.customer.id or f"account {request.caller.account or ''}", active)
        request = await self._completed(request, standing.control_group)
        estimated = estimate_of(request, horizon_days=active.horizon_days, utilisation=self.settings.utilisation)
        at = self.now()
        reserve = HoldRequest(
            control_group=standing.control_group,
            account=f"{request.provider}:{request.caller.account or ''}",
            party_id=standing.customer.id or "",
            key=request.idempotency_key or secrets.token_hex(16),
            fingerprint=request.fingerprint,
            likely=estimated.likely,
            high=estimated.high,
            at=at,
            window_days=active.window_days,
            seconds=estimated.seconds,
            open_ended=estimated.open_ended,
            horizon_seconds=active.horizon_days * 86_400,
            links=links_of(request),
            lines=active.lines,
        )
        usage = await (self.store.peek(reserve) if request.dry_run else self.store.hold(reserve))
        return Reading(
            request=request,
            generation=generation,
            active=active,
            standing=standing,
            estimated=estimated,
            usage=usage,
            account_known=known,
            at=at,
            relied=relied,
        )

    def _concluded(self, reading: Reading, grant: Grant | None) -> tuple[Facts, Decision]:
        facts = gather(
            reading.request,
            as_of=reading.at,
            standing=reading.standing,
            lists=reading.generation.lists,
            estimated=reading.estimated,
            usage=reading.usage,
            account_known=reading.account_known,
            data_centre=self.settings.data_centre,
            match_threshold=reading.generation.match_threshold,
            drawn=reading.generation.screener.lines if reading.generation.screener else None,
            grant=grant,
            lines=reading.active.lineage,
            clearances=self._standings.clearances(reading.standing.customer.id),
            asked=reading.asked,
        )
        digest = hashlib.sha256(facts.text.encode("ascii")).hexdigest()
        decided = [decide(reading.request, facts, policy, facts_digest=digest) for policy in reading.active.policies]
        return facts, combine(decided)

    async def _grant(self, reading: Reading, decision: Decision) -> Grant | None:
        """Return an unspent grant for this very request, where the decision would need one."""
        if decision.outcome is Outcome.ALLOW or reading.request.dry_run or not reading.request.fingerprint:
            return None
        lineage = reading.request.lineage
        # What cannot be counted cannot be held to the ceiling of a run: only its very own grant covers it.
        counted = lineage is not None and reading.request.certainty is not Certainty.UNRESOLVED
        return await self.store.find_grant(
            reading.request.fingerprint,
            reading.standing.control_group,
            reading.at,
            run=lineage.model if lineage and counted else None,
        )

    async def _recorded(
        self, decision_id: str, reading: Reading, facts: Facts, decision: Decision, grant: Grant | None
    ) -> tuple[Receipt, Facts, Decision, Grant | None]:
        """Return the receipt of the durable record, and the decision that was written.

        A grant that somebody else spent in the meantime is no grant: the decision is made again without it.
        """
        relied = grant if decision.outcome is Outcome.ALLOW and grant is not None else None
        entry = self._entry(decision_id, reading, facts, decision, relied)
        try:
            return await self.store.append(entry), facts, decision, relied
        except GrantNotSpent:
            facts, decision = self._concluded(reading, None)
            entry = self._entry(decision_id, reading, facts, decision, None)
            return await self.store.append(entry), facts, decision, None

    def _entry(
        self, decision_id: str, reading: Reading, facts: Facts, decision: Decision, grant: Grant | None
    ) -> DecisionEntry:
        request = reading.request
        passes = self._passes(decision)
        # What a customer is told waits for a person does, approvable or not.
        final = not _reviewable(decision)
        opens = not request.dry_run and (not final or blocked_by_lists(decision, reading.active.policies))
        trace = current_trace()
        shared = reading.usage.replayed or self._relying[reading.usage.hold_id] > 1
        return DecisionEntry(
            decision_id=decision_id,
            record={
                "type": "decision",
                "decision_id": decision_id,
                "at": facts.as_of.isoformat(),
                "acted": "pass" if passes else "refuse",
                "outcome": decision.outcome.value,
                "rules": [finding.rule for finding in decision.counting],
                "policies": [str(policy) for policy in decision.policies],
                "lists": facts.snapshot,
                "request": written(request),
                "facts": facts.text,
                "decision": written(decision),
                "hold_id": None if request.dry_run else reading.usage.hold_id,
                "grant_id": grant.id if grant else None,
            },
            hold_id=None if request.dry_run or (shared and not passes) else reading.usage.hold_id,
            keep_hold=passes,
            replays=reading.usage.replayed,
            case=self._case(decision_id, reading, decision, final=final) if opens else None,
            spend_grant=grant.id if grant else None,
            spend_operations=reading.estimated.high if grant else 0,
            relies=reading.relied if passes else None,
            party_id=reading.standing.customer.id or "",
            retention=retention_of(facts),
            traceparent=trace.traceparent if trace else None,
            declares=declared_run(request, facts, reading.usage.hold_id, reading.estimated)
            if passes and not request.dry_run
            else None,
        )

    def _case(self, decision_id: str, reading: Reading, decision: Decision, *, final: bool) -> CaseOpening:
        counting = decision.counting
        urgent = decision.outcome is Outcome.BLOCK or any(not finding.overridable for finding in counting)
        lineage = reading.request.lineage
        return CaseOpening(
            severity="high" if urgent else "medium",
            fingerprint=reading.request.fingerprint,
            control_group=reading.standing.control_group,
            account=f"{reading.request.provider}:{reading.request.caller.account or ''}",
            party_id=reading.standing.customer.id or "",
            operation=reading.request.operation,
            rules=tuple(sorted({finding.rule for finding in counting})),
            decision_id=decision_id,
            at=reading.at,
            due_at=self.settings.due_at(reading.at, urgent=urgent),
            expires_at=self.settings.expires_at(reading.at),
            family=family_of(counting[0]),
            four_eyes=any(finding.four_eyes for finding in counting),
            run=lineage.model if lineage else None,
            likely=reading.estimated.likely,
            high=reading.estimated.high,
            outcome=decision.outcome,
            final=final,
        )

    def _names_noted(self, decision_id: str, reading: Reading) -> None:
        """Have a person look, in the background, at an account of which one name after another resembles somebody."""
        customer = reading.standing.customer
        account = f"{reading.request.provider}:{reading.request.caller.account or ''}"
        if not self.probing.note(account, (customer.name or "").casefold(), reading.at):
            return
        log.error("account.names-tried", account=account, decision_id=decision_id, names=probing.MOST_NAMES)
        entry = probing.entry_of(
            decision_id,
            account=account,
            party_id=customer.id or "",
            control_group=reading.standing.control_group,
            at=reading.at,
            settings=self.settings,
        )
        task = asyncio.ensure_future(self._kept(entry))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _kept(self, entry: DecisionEntry) -> None:
        try:
            await self.store.append(entry)
        except StorageFault as error:  # the log has it
            log.error("case.unopened", decision_id=entry.decision_id, error=str(error))

    def _passes(self, decision: Decision) -> bool:
        return decision.outcome is Outcome.ALLOW or self.settings.unsafe_mode is not None

    def _acted(
        self,
        decision_id: str,
        reading: Reading,
        facts: Facts,
        decision: Decision,
        receipt: Receipt,
        grant: Grant | None,
        adapter: Adapter | None,
        call: Call | None,
        started: float,
        line: dict[str, Any],
    ) -> Admission:
        """Return what the door must do, and write the log line. The record is durable by now."""
        passes = self._passes(decision)
        refusal = (
            None if passes else refusal_of_decision(decision_id, decision, reading.active.policies, receipt.case_id)
        )
        trace = current_trace()
        line |= decision_line(
            decision_id,
            reading.request,
            facts,
            decision,
            trace_id=trace.trace_id if trace else None,
            acted="pass" if passes else "refuse",
            mode=self.settings.unsafe_mode or "enforce",
            lines=reading.active.lines,
            case_id=receipt.case_id,
            due_at=receipt.due_at,
            grant_id=grant.id if grant else None,
            milliseconds=(time.perf_counter() - started) * 1000,
            names=self.settings.log_names,
        )
        self.tally.count(line)
        log.info(EVENT, **line)
        warnings = self._warnings(decision)
        return Admission(
            decision_id=decision_id,
            outcome=decision.outcome,
            decision=decision,
            refusal=refusal,
            answer=self._answer(adapter, call, refusal) if refusal and call is not None else None,
            case_id=receipt.case_id,
            warnings=warnings,
            headers=_response_headers(decision_id, warnings if passes else ()),
            hold_id=None if reading.request.dry_run else reading.usage.hold_id,
            replayed=reading.usage.replayed,
            request=reading.request,
            position=receipt.position,
            active=reading.active,
        )

    def _warnings(self, decision: Decision) -> tuple[str, ...]:
        """Return the ids of rules whose finding is told to the caller and not acted on."""
        unenforced = self.settings.unsafe_mode == "warn"
        return tuple(
            finding.rule
            for finding in decision.findings
            if finding.mode is Mode.WARN or (unenforced and finding.counts)
        )

    # Refusing

    def _refused(self, call: Call | None, error: Exception, adapter: Adapter | None = None) -> Admission:
        expected = isinstance(error, KYCGateError)
        self.tally.failures[type(error).__name__ if expected else "other"] += 1
        reference = secrets.token_hex(8)
        fields = {"error": str(error), "kind": type(error).__name__, "reference": reference}
        if isinstance(error, RefusedCall):
            log.warning("call.refused", code=error.code, status=error.status, detail=error.detail)
        elif isinstance(error, Superseded):
            log.warning("decision.superseded", **fields)
        elif expected:
            log.error("decision.failed", **fields)
        else:
            # What an unknown error says may quote a party's file.
            log.error("decision.failed", exc_info=error, kind=type(error).__name__, reference=reference)
        refusal = refusal_of_error(error, reference)
        chosen = adapter or (self._adapter_of(call) if call else None)
        answer = self._answer(chosen, call, refusal) if call is not None else None
        return Admission(refusal=refusal, answer=answer, call=call)

    def _answer(self, adapter: Adapter | None, call: Call | None, refusal: Refusal) -> Answer:
        if adapter is None or call is None:
            return problem_answer(refusal)
        try:
            return adapter.refuse(call, refusal)
        except Exception as error:
            log.error("refusal.unworded", exc_info=error, adapter=adapter.name)
            return problem_answer(refusal)

    def _ended(self, hold_id: str) -> bool:
        """Note that a call no longer relies on its hold, and return whether no other call does.

        INVARIANT: a hold is given back only by the call that took it, and only while no other call relies on it. Two
        calls with one token may be under way at once, and that one was refused says nothing of the other.
        """
        self._relying[hold_id] -= 1
        if self._relying[hold_id] > 0:
            return False
        del self._relying[hold_id]
        return True

    def _give_back(self, usage: Usage) -> None:
        """Release, in the background, the hold of a request that failed before it was let through."""
        if usage.hold_id and not usage.replayed:
            task = asyncio.ensure_future(self._release(usage.hold_id))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _release(self, hold_id: str) -> None:
        with contextlib.suppress(StorageFault):  # a hold that cannot be given back keeps counting
            await self.store.release(hold_id)

    # Lists, references

    def _asking(self, adapter: Adapter | None, call: Call | None, request: ProvisioningRequest) -> Asking:
        """Return whether the provider may be asked about the call's references, and about those that move."""
        if self._inquiries is None:
            return Asking.NOTHING
        if call is None:
            return Asking.LASTING
        asks = getattr(adapter, "asks", None)
        if asks is None or not asks(call):
            return Asking.NOTHING
        return Asking.MOVING if pins(call, request) else Asking.LASTING

    async def _resolved(
        self, request: ProvisioningRequest, asking: Asking
    ) -> tuple[ProvisioningRequest, Relied | None]:
        """Return the request with every reference followed that earlier traffic taught, and what it relies on.

        The rest stays unresolved. What traffic never named is asked of the provider, as `asking` says; what it named
        and may have changed is not.
        """
        if not request.unresolved:
            return await self._grown(request)
        serial = await self.store.fetch_last_change() if self._inquiries else 0
        relied = []
        lines = list(request.lines)
        left = []
        unheard = []
        places = 1
        for reference in request.unresolved:
            kind, _, name = reference.partition(":")
            found = await self.store.fetch_learned(request.provider, request.caller.account or "", kind, name)
            if found is None:
                unheard.append(reference)
            elif not found:  # no longer what was learnt
                left.append(reference)
            else:
                relied.append(Learned(kind=kind, id=name, lines=found))
                if kind == SPREADING:
                    places *= found[0].count
                else:
                    lines.extend(repeated(found, request.repeats))
        said = await self._inquiries.resolve(request, unheard, self.now(), asking) if self._inquiries else {}
        for answer in said.values():
            lines.extend(repeated(answer.lines, request.repeats))
        left = [name for name in request.unresolved if name in left or (name in unheard and name not in said)]
        certainty = Certainty.UNRESOLVED if left else Certainty.EXACT
        resolved = replace(
            request,
            lines=tuple(repeated(lines, places)),
            unresolved=tuple(left),
            certainty=certainty,
            inquired=tuple(said.values()),
        )
        return await self._grown(resolved, tuple(relied), tuple(said), serial)

    async def _grown(
        self,
        request: ProvisioningRequest,
        learned: tuple[Learned, ...] = (),
        asked: tuple[str, ...] = (),
        serial: int = 0,
    ) -> tuple[ProvisioningRequest, Relied | None]:
        """Return the request with what is new in it, and what that relies on beside the names that were followed."""
        request, runs = await growth_of(self.store, request)
        if not (learned or asked or runs):
            return request, None
        return request, Relied(
            provider=request.provider,
            account=request.caller.account or "",
            learned=learned,
            asked=asked,
            serial=serial,
            replaces=request.replaces or "",
            runs=runs,
        )

    async def _completed(self, request: ProvisioningRequest, control_group: str) -> ProvisioningRequest:
        """Return the request with its lineage completed by the operator's files, and else by earlier declared runs."""
        if request.lineage is None:
            return request
        request = with_models(request, self.models)
        names = names_to_complete(request.lineage, self.models) if request.lineage else ()
        if not names:
            return request
        runs = await self.store.fetch_declared_runs(control_group, names)
        return with_models(request, models_by_name(declared_models(runs)))

    def _meant(self, admission: Admission, status: int | None, body: bytes | None) -> int | None:
        """Return the status that an answer means, where the dialect says it otherwise."""
        call = admission.call
        if call is None or status is None or admission.hold_id is None:
            return status
        tells = getattr(self._adapter_of(call), "told_status", None)
        return int(tells(call, status, body)) if tells else status

    async def _finish(self, ending: Ending) -> None:
        """End what an accepted call ended. Where that fails the runs go on counting, which is the safe side."""
        at = self.now()
        for reference in ending.references:
            account = f"{ending.provider}:{ending.account}"
            try:
                if not ending.account:  # what is named tells whose it is
                    account += await self._owner(ending.provider, reference) or ""
                await self.finish(RunEnd(ended_at=at, at=at, source="call", account=account, reference=reference))
            except KYCGateError as error:
                log.error("run.unfinished", account=account, reference=reference, error=str(error))

    async def _define(self, admission: Admission, status: int | None, body: bytes | None) -> None:
        """Keep what an accepted call defined. Where that fails it stays unresolved, and escalates."""
        accepted = status is not None and 200 <= status < 300
        defines = admission.defines if accepted else None
        learned = defines.learned if defines else ()
        try:
            if defines and (named := self._named(admission, body)):
                await self.store.save_learned(defines.provider, defines.account, named)
            await self._knowledge.settle(admission.forgot, status, learned)
        except StorageFault as error:
            change = admission.forgot.change if admission.forgot else None
            account = f"{change.provider}:{change.account}" if change else None
            log.error("definition.unkept", account=account, error=str(error))

    def _named(self, admission: Admission, body: bytes | None) -> tuple[Learned, ...]:
        """Return what a call defined whose name the upstream chose, and its answer tells."""
        if admission.call is None or not body:
            return ()
        names = getattr(self._adapter_of(admission.call), "names_defined", None)
        with contextlib.suppress(InputError):
            return tuple(names(admission.call, body)) if names else ()
        return ()

    async def _attach(self, admission: Admission, learned: Iterable[Learned]) -> None:
        """Note the names of what a passed call started, so that the call that ends it is recognised."""
        request = admission.request
        if request is None or admission.hold_id is None or not request.caller.account:
            return
        # A replay may be an older answer: what runs under these names by now is not its own.
        given = () if admission.replayed and admission.forgot else request.references
        references = (*given, *(f"{each.kind}:{each.id}" for each in learned))
        if references:
            account = f"{request.provider}:{request.caller.account}"
            await self.store.attach(admission.hold_id, account, tuple(dict.fromkeys(references)), self.now())

    async def _reevaluated(self, run: MeteredRun) -> tuple[Outcome, str | None]:
        """Return what a run's request would be answered now, and the case that was opened for it."""
        recorded = await recorded_of(self.store, run)
        if recorded is None:  # held, and never decided: nothing passed on it
            return Outcome.ALLOW, None
        request, facts, grant = recorded
        if grant is not None:  # what this very run spent of it is not asked for again
            grant = replace(grant, spent=0)
        generation, active = self._generation, self._active
        party = (await self._standings.parties()).get(run.party_id)
        standing, known = await self._standings.of(request, generation, party)
        group = standing.control_group if known or not run.party_id else run.control_group
        if group != run.control_group:
            await self.store.follow_group(run.account, run.party_id, group)
        at = self.now()
        horizon = timedelta(days=active.horizon_days)
        since = at - timedelta(days=active.window_days)
        usage = await self.store.fetch_usage(group, since, at + horizon, links_of(request))
        if usage is None:
            return Outcome.ALLOW, None
        if known:
            estimated = estimate_of(request, horizon_days=horizon.days, utilisation=self.settings.utilisation)
            facts, decision = self._concluded(
                Reading(
                    request=request,
                    generation=generation,
                    active=active,
                    standing=standing,
                    estimated=estimated,
                    usage=usage,
                    account_known=facts.account.known,
                    at=at,
                    asked=facts.splitting,
                ),
                grant,
            )
        else:  # a party that only the caller knew: the rest of its facts stands as recorded
            facts = grown(request, facts, usage, at, active.lineage)
            decision = decided(request, facts, active.policies)
        if decision.outcome is Outcome.ALLOW:
            return decision.outcome, None
        case_id = await open_case(
            self.store,
            run,
            request,
            facts,
            decision,
            control_group=group,
            at=at,
            due_at=self.settings.due_at(at, urgent=False),
            expires_at=self.settings.expires_at(at),
        )
        return decision.outcome, case_id

    async def _learn(self, admission: Admission, status: int, body: bytes | None) -> tuple[Learned, ...]:
        """Keep what the upstream's answer taught, and return the names that it gave. The rest stays unresolved."""
        learned = self._taught(admission, status, body)
        changed = set(admission.forgot.change.names) if admission.forgot else set()
        more = [each for each in learned if f"{each.kind}:{each.id}" not in changed]
        if more and admission.request is not None:
            request = admission.request
            await self.store.save_learned(request.provider, request.caller.account or "", more)
        await self._knowledge.settle(admission.forgot, status, learned, replayed=admission.replayed)
        return tuple(more)

    def _taught(self, admission: Admission, status: int, body: bytes | None) -> tuple[Learned, ...]:
        """Return what the upstream's answer teaches."""
        request, call = admission.request, admission.call
        if not (admission.learns and body and request and call):
            return ()
        for adapter in self.adapters:
            if adapter.name == request.provider:
                with contextlib.suppress(InputError):
                    return adapter.learn(request, call, status, body)
        return ()

    async def _store_ready(self) -> bool:
        try:
            return await self.store.ready()
        except StorageFault:
            return False

    def _lists_named(self) -> list[str]:
        return list(self.snapshot.lists) if self.snapshot else []


def _warnings(snapshot: ListSnapshot | None) -> tuple[str, ...]:
    """Return what the lists leave out or do not give, and how many of their rows could not be read."""
    if snapshot is None:
        return ()
    unread = (f"{len(snapshot.problems)} rows of the lists could not be read",) if snapshot.problems else ()
    return (*unread, *snapshot.notes)


def _overlooks_nothing(raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
    """Stand in for an adapter that has no quick answer."""
    return False


def _stale_sources(lists: ListStanding, now: datetime) -> list[str]:
    """Return a line for each list source that is stale or missing, those read from files left out."""
    stale = {clock.source: clock for clock in lists.clocks if clock.source != "files" and clock.stale(now)}
    return [
        f"the list source `{name}` is {'missing' if clock.confirmed_at is None else 'stale'}"
        for name, clock in sorted(stale.items())
    ]


def _reviewable(decision: Decision) -> bool:
    """Return whether a person's approval could change the outcome.

    It could for everything held; for a block only where no finding behind it is beyond approval.
    """
    if decision.outcome is Outcome.BLOCK:
        return all(finding.overridable for finding in decision.counting)
    return decision.outcome is Outcome.ESCALATE


def _refused_upstream(status: int) -> bool:
    """Return whether `status` says that the upstream did nothing: a client error, or 501 or 503.

    Other server errors leave it open whether machines were started, so their holds are kept.
    """
    return 400 <= status < 500 or status in (501, 503)


def _response_headers(decision_id: str, warnings: tuple[str, ...]) -> tuple[tuple[bytes, bytes], ...]:
    told = tuple((b"warning", f'299 - "kyc_gate: {rule}"'.encode("ascii", "replace")) for rule in warnings)
    return ((b"kyc-decision-id", decision_id.encode("ascii")), *told)
