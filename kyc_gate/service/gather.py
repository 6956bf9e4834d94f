"""Facts, put together from a request, a party, an estimate and a usage. Plain functions: no store, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from msgspec.structs import replace

from kyc_gate.compute.estimate import estimate
from kyc_gate.compute.lineage import LineageLines
from kyc_gate.decide.lines import facts_by_lines
from kyc_gate.model.case import Grant
from kyc_gate.model.clearance import Clearance, Pair
from kyc_gate.model.coverage import ListClock
from kyc_gate.model.facts import (
    AccountFacts,
    ChipFacts,
    CustomerFacts,
    EvidenceFacts,
    Facts,
    FileFacts,
    FiveCountries,
    GrantFacts,
    GroupFacts,
    IndicatorFacts,
    ManagerFacts,
    OperationFacts,
    OwnershipFacts,
    ParentFacts,
    PlaceFacts,
    ReadPlace,
    RegisterFacts,
    RequestFacts,
    Resembled,
    ScreeningFacts,
    WorkloadFacts,
)
from kyc_gate.model.job import Accelerators, Certainty, Estimate, ProvisioningRequest, Workload
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.match import Lines, Match, Screening, ScreeningOutcome
from kyc_gate.model.party import Account, Party
from kyc_gate.model.record import Record
from kyc_gate.model.splitting import SplittingFacts
from kyc_gate.model.usage import Usage
from kyc_gate.ownership.control_groups import ControlGroups
from kyc_gate.ownership.directory import Directory
from kyc_gate.ownership.register import Register, Search
from kyc_gate.ownership.ultimate_parent import Parentage, parentage
from kyc_gate.places.ip_countries import IPCountries
from kyc_gate.policy.shaping import LAW
from kyc_gate.screening.screener import Screener
from kyc_gate.service.clearing import applied, everybody_behind, pairs_of, party_form
from kyc_gate.service.file_facts import file_facts
from kyc_gate.service.lineage_facts import declared_operations, disagrees, lineage_facts
from kyc_gate.service.owner_facts import (
    Screened,
    group_facts,
    headquarters_filled,
    manager_facts,
    others_behind,
    ownership_facts,
    parent_facts,
    register_facts,
    register_links,
    screened_as_one,
    search_register,
    worst,
)
from kyc_gate.service.place_facts import as_decided, evidence_of, read_place, vetting_expired
from kyc_gate.service.splitting import splitting_facts

TRAINING = frozenset(Workload) - {Workload.INFERENCE, Workload.DATA_GENERATION, Workload.OTHER}
"""Workloads that train or may train. Unknown counts: nothing says that it does not train."""


class ListStanding(Record):
    """The active lists: their snapshot, how old the oldest is, and how old it may be.

    `clocks` say it of each list; without any, `as_of` says it of all.
    """

    digest: str | None
    as_of: datetime | None
    max_age_hours: float
    clocks: tuple[ListClock, ...] = ()

    @classmethod
    def of(
        cls, snapshot: ListSnapshot | None, *, max_age_hours: float, clocks: tuple[ListClock, ...] | None = None
    ) -> ListStanding:
        """Return the standing of `snapshot`; None means that no list is active.

        Without `clocks`, each of its lists is as old as the whole of it.
        """
        if clocks is None:
            clocks = clocks_of_files(snapshot, max_age_hours=max_age_hours)
        return cls(
            digest=snapshot.digest if snapshot else None,
            as_of=snapshot.as_of if snapshot else None,
            max_age_hours=max_age_hours,
            clocks=clocks,
        )

    def ages(self, now: datetime) -> dict[str, float | None]:
        """Return the age of each list at `now`, in hours to the second; None where it is not known."""
        found: dict[str, float | None] = {}
        for clock in self.clocks:
            age = clock.age_hours(now)
            before = found.get(clock.list, 0.0)
            found[clock.list] = None if age is None or before is None else max(before, round(age, 4))
        return found

    def age_hours(self, now: datetime) -> float | None:
        """Return the age of the oldest list in hours at `now`, or None when it is not known."""
        if not self.clocks:
            return None if self.as_of is None else (now - self.as_of) / timedelta(hours=1)
        ages = [clock.age_hours(now) for clock in self.clocks]
        known = [age for age in ages if age is not None]
        return max(known) if len(known) == len(ages) else None

    def stale(self, now: datetime) -> bool:
        """Return whether a list is too old, absent, or of unknown age: all three are stale."""
        if self.clocks:
            return self.digest is None or any(clock.stale(now) for clock in self.clocks)
        age = self.age_hours(now)
        return age is None or age > self.max_age_hours


def clocks_of_files(snapshot: ListSnapshot | None, *, max_age_hours: float) -> tuple[ListClock, ...]:
    """Return the clocks of lists that were read from files and are asked of nobody: each as old as the snapshot."""
    if snapshot is None:
        return ()
    return tuple(
        ListClock.of(code, "files", confirmed_at=snapshot.as_of, max_age_hours=max_age_hours) for code in snapshot.lists
    )


class Standing(Record):
    """What is true of a party whatever it asks for. It may be cached for as long as directory and lists stand.

    `countries` are the three that do not hang on the request, with their evidence.
    """

    customer: CustomerFacts
    parent: ParentFacts
    ownership: OwnershipFacts
    indicators: IndicatorFacts
    screening: Screening
    place_of_use: str | None
    control_group: str
    evidence: EvidenceFacts = EvidenceFacts()
    file: FileFacts = FileFacts()
    countries: FiveCountries = FiveCountries()
    vetted_until: date | None = None
    managers: ManagerFacts = ManagerFacts()
    register: RegisterFacts = RegisterFacts()
    group: GroupFacts = GroupFacts()
    members: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()


UNKNOWN_PARTY = Standing(
    customer=CustomerFacts(
        id=None, name=None, kind="unknown", location=None, headquarters=None, verified=False, reseller=None
    ),
    parent=ParentFacts(name=None, headquarters=None, is_self=None),
    ownership=OwnershipFacts(known=False, sdn_share=None, listed_share=None),
    indicators=IndicatorFacts(military=None, wmd=None),
    screening=Screening(outcome=ScreeningOutcome.NOT_SCREENED),
    place_of_use=None,
    control_group="",
)


def standing_of(
    party: Party,
    parties: Mapping[str, Party],
    screener: Screener | None,
    *,
    payer: str | None = None,
    ip_countries: IPCountries | None = None,
    register: Register | None = None,
    groups: ControlGroups | None = None,
) -> Standing:
    """Return what is true of `party` among `parties`, screened by `screener` and looked up in the LEI `register`.

    The party, its ultimate parents and its owners are all screened, and the worst result stands.
    `groups` are the control groups of the whole directory; without them the party's own is found.
    """
    directory = Directory.of(parties).with_party(party)
    screened, parents = Screened(screener), parentage(party, directory)
    found = search_register(party, register)
    registered = register_facts(party, found, register)
    customer = _customer_facts(party)
    customer = replace(customer, headquarters=headquarters_filled(customer.headquarters, registered))
    parent, conflict = parent_facts(party, parents, found, register, customer.headquarters)
    group = (groups or _own_groups(party, directory, payer, register)).of(party)
    screening = screened_as_one(party, parents, found, directory, screened)
    return Standing(
        customer=customer,
        parent=parent,
        ownership=ownership_facts(party, found, directory, screened, conflict=conflict),
        indicators=IndicatorFacts(military=party.military_end_use, wmd=party.wmd_end_use),
        screening=screening,
        pairs=_pairs(party, parents, directory, screening, screener),
        place_of_use=party.place_of_use,
        evidence=evidence_of(party, ip_countries),
        file=file_facts(party),
        countries=_countries(party, parents, customer, parent, registered),
        vetted_until=party.vetted_until,
        control_group=group.key,
        managers=manager_facts(party, directory, screened),
        register=registered,
        group=group_facts(group),
        members=group.members,
    )


def _pairs(
    party: Party, parents: Parentage, directory: Directory, screening: Screening, screener: Screener | None
) -> tuple[Pair, ...]:
    """Return the pairs that a clearance could settle, in the order of the matches."""
    if screener is None or not screening.matches:
        return ()
    form = party_form(party, everybody_behind(party, parents, directory))
    return pairs_of(party, form, screening.matches, screener.snapshot.entries)


def _countries(
    party: Party, parents: Parentage, customer: CustomerFacts, parent: ParentFacts, registered: RegisterFacts
) -> FiveCountries:
    """Return the countries that do not hang on the request; those that the LEI register tells, with what it says."""
    above = parents.parents[0] if len(parents.parents) == 1 else None
    said = registered.notes[:1]
    return FiveCountries(
        location=read_place(party.location),
        headquarters=as_decided(read_place(party.headquarters), customer.headquarters, said),
        parent_headquarters=as_decided(
            read_place(above.headquarters) if above else ReadPlace(), parent.headquarters, parent.chain or said
        ),
    )


def _own_groups(party: Party, directory: Directory, payer: str | None, register: Register | None) -> ControlGroups:
    accounts = [Account(provider="", id="", party_id=party.id, payer_party_id=payer)] if payer else []
    return ControlGroups(directory, accounts, lambda each: register_links(each, register) if each is party else ())


def _customer_facts(party: Party) -> CustomerFacts:
    return CustomerFacts(
        id=party.id,
        name=party.name,
        kind=party.kind.value,
        location=read_place(party.location).country,
        headquarters=read_place(party.headquarters).country,
        verified=party.verified,
        reseller=party.reseller,
    )


def screen_with_owners(party: Party, parties: Mapping[str, Party], screener: Screener) -> Screening:
    """Return the worst screening over the party, its ultimate parents, and everybody who stands above it."""
    directory, screened = Directory.of(parties).with_party(party), Screened(screener)
    found = screened_as_one(party, parentage(party, directory), Search(), directory, screened)
    return worst([found, *(screened.of(holder) for holder in others_behind(party, directory))])


def _lists_at(matches: tuple[Match, ...], threshold: float) -> tuple[str, ...]:
    return tuple(sorted({match.list for match in matches if match.score >= threshold}))


def estimate_of(request: ProvisioningRequest, *, horizon_days: int, utilisation: Decimal) -> Estimate:
    """Return the operations that the request can perform over its duration, or over the horizon if it states none."""
    if request.replaces is not None and request.certainty is not Certainty.UNRESOLVED and not request.lines:
        return NO_GROWTH
    return _estimated(request.lines, request.duration_seconds, horizon_days, utilisation, request.provider)


NO_GROWTH = Estimate(
    low=0,
    likely=0,
    high=0,
    tpp=0.0,
    total_tpp=0.0,
    chips=0,
    known=True,
    seconds=1,
    open_ended=False,
    basis=("nothing beyond what runs already",),
)
"""The estimate of a change that adds no machine."""


@lru_cache(maxsize=4096)
def _estimated(
    lines: tuple[Accelerators, ...],
    duration_seconds: int | None,
    horizon_days: int,
    utilisation: Decimal,
    provider: str,
) -> Estimate:
    """Return `estimate` of its arguments. Customers ask for the same machines again and again."""
    return estimate(
        lines,
        duration_seconds=duration_seconds,
        horizon_days=horizon_days,
        utilisation=utilisation,
        provider=provider,
    )


def gather(
    request: ProvisioningRequest,
    *,
    as_of: datetime,
    standing: Standing,
    lists: ListStanding,
    estimated: Estimate,
    usage: Usage | None,
    account_known: bool,
    data_centre: str | None = None,
    match_threshold: float = 1.0,
    drawn: Lines | None = None,
    grant: Grant | None = None,
    lines: LineageLines = LAW,
    clearances: Sequence[Clearance] = (),
    asked: SplittingFacts | None = None,
) -> Facts:
    """Return the facts of one decision. `usage` is the control group's, this request's hold included.

    `asked` are the facts of pieces of a run that goes on, as it was asked for.
    `clearances` are those of the party that may stand. `drawn` are the operator's lines of screening: with them more
    matches may be given than those that count.
    """
    unresolved = request.certainty is Certainty.UNRESOLVED
    screening, cleared = applied(standing.screening, standing.pairs, clearances, as_of, match_threshold)
    lineage, model_total = lineage_facts(request, usage, lines, resolved=not unresolved)
    # What the request says stands alone: where it cannot be read, the place is unknown, not the one on file.
    use = read_place(request.place_of_use or standing.place_of_use)
    centre = read_place(request.data_centre or data_centre)
    expired = vetting_expired(standing.vetted_until, as_of.date())
    facts = Facts(
        as_of=as_of,
        customer=standing.customer,
        parent=standing.parent,
        place=PlaceFacts(use=use.country, data_centre=centre.country),
        account=AccountFacts(id=request.caller.account, known=account_known, verified=request.caller.verified),
        request=RequestFacts(
            provider=request.provider,
            service=request.service,
            operation=request.operation,
            kind=request.kind.value,
            resolved=not unresolved,
            dry_run=request.dry_run,
        ),
        workload=WorkloadFacts(
            kind=request.workload.value,
            declared=request.workload is not Workload.UNKNOWN,
            may_train=request.workload in TRAINING,
        ),
        chips=_chip_facts(estimated, unresolved=unresolved),
        operations=_operation_facts(request, estimated, usage, model_total, unresolved=unresolved),
        screening=_screening_facts(screening, lists, as_of, match_threshold),
        ownership=standing.ownership,
        managers=standing.managers,
        register=standing.register,
        group=standing.group,
        indicators=standing.indicators,
        lineage=lineage,
        splitting=splitting_facts(usage, resolved=not unresolved, asked=asked),
        evidence=replace(standing.evidence, vetting_expired=True) if expired else standing.evidence,
        file=standing.file,
        five_countries=replace(standing.countries, use=use, data_centre=centre),
        grant=_grant_facts(grant) if grant else None,
        snapshot=lists.digest,
        lists=lists.ages(as_of),
        control_group=standing.control_group,
        resembled=_resembled(screening),
        cleared=cleared,
    )
    return facts_by_lines(facts, drawn)


def _grant_facts(grant: Grant) -> GrantFacts:
    return GrantFacts(id=grant.id, rules=grant.rules, budget=grant.left, outcome=grant.outcome)


def _chip_facts(estimated: Estimate, *, unresolved: bool) -> ChipFacts:
    if unresolved:
        return ChipFacts(count=None, known=False, tpp=None, total_tpp=None)
    return ChipFacts(count=estimated.chips, known=estimated.known, tpp=estimated.tpp, total_tpp=estimated.total_tpp)


def _operation_facts(
    request: ProvisioningRequest,
    estimated: Estimate,
    usage: Usage | None,
    model_total: int | None,
    *,
    unresolved: bool,
) -> OperationFacts:
    """Return the figures; those of a request that could not be resolved are unknown, never zero."""
    amount = None if unresolved else estimated
    total = usage if amount else None
    return OperationFacts(
        low=amount.low if amount else None,
        likely=amount.likely if amount else None,
        high=amount.high if amount else None,
        declared=declared_operations(request),
        used=max(total.likely - amount.likely, 0) if total and amount else None,
        projected=total.likely if total else None,
        ceiling=total.high if total else None,
        open_ended=estimated.open_ended,
        accounts=usage.accounts if usage else None,
        declared_disagrees=disagrees(request, estimated, usage) if amount else None,
        model_total=model_total,
    )


def _resembled(screening: Screening) -> tuple[Resembled, ...] | None:
    if screening.outcome is ScreeningOutcome.NOT_SCREENED:
        return None
    found = {(match.list, match.kind, match.score) for match in screening.matches}
    return tuple(Resembled(list=list, kind=kind, score=score) for list, kind, score in sorted(found))


def _screening_facts(
    screening: Screening, lists: ListStanding, as_of: datetime, match_threshold: float
) -> ScreeningFacts:
    screened = screening.outcome is not ScreeningOutcome.NOT_SCREENED
    matches = screening.matches
    return ScreeningFacts(
        outcome=screening.outcome.value,
        score=(max((match.score for match in matches), default=0.0)) if screened else None,
        matched=_lists_at(matches, match_threshold) if screened else None,
        possible=_lists_at(matches, 0.0) if screened else None,
        complete=screened and screening.complete,
        stale=lists.stale(as_of),
        age_hours=lists.age_hours(as_of),
    )
