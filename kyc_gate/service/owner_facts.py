"""Facts of who stands behind a party: parents, owners, managers, the LEI register, and the control group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from kyc_gate.model.country import CountryCode
from kyc_gate.model.facts import GroupFacts, ManagerFacts, OwnershipFacts, ParentFacts, RegisterFacts
from kyc_gate.model.match import Screening, ScreeningOutcome
from kyc_gate.model.party import BeneficialOwner, Owner, Party, PartyKind, UltimateParent
from kyc_gate.model.record import Record
from kyc_gate.ownership.cascade import CONTROL_SHARE, Held, held_by_listed, holdings_above, percent
from kyc_gate.ownership.control_groups import ControlGroup, Link, LinkKind
from kyc_gate.ownership.directory import Directory, folded
from kyc_gate.ownership.register import Register, Search, Standing, Step, lei_problem, search
from kyc_gate.ownership.ultimate_parent import Parentage
from kyc_gate.places.countries import parse_country
from kyc_gate.screening.screener import Screener
from kyc_gate.service.place_facts import read_place

SDN_LISTS = frozenset({"SDN"})
"""Lists whose parties are blocked, and with them what they hold at 50 % or more (31 CFR ch. V; OFAC, 2014-08-13)."""

AFFILIATE_LISTS = frozenset({"SDN", "EL", "MEU"})
"""Lists that the affiliates rule reads, 90 FR 47201: Entity List, MEU List and SDNs under 15 CFR 744.8."""

STRICTEST_FIRST = ("SDN", "EL", "MEU")
"""Under the affiliates rule the most restrictive owner governs. Dealings with an SDN are prohibited; the Entity List
licenses what each entry says, as a rule everything (15 CFR 744.11); the MEU List only the items of Supp. No. 2 to Part
744."""

MOST_SCREENED = 400
"""Owners, managers and organisations behind one party that are screened; beyond them the screening is incomplete."""

_GRAVITY = {
    ScreeningOutcome.CLEAR: 0,
    ScreeningOutcome.NOT_SCREENED: 1,
    ScreeningOutcome.POSSIBLE: 2,
    ScreeningOutcome.MATCH: 3,
}


Holder = Party | Owner | BeneficialOwner


class Screened:
    """A screener that remembers what it was asked about one party, and stops after `MOST_SCREENED` names."""

    def __init__(self, screener: Screener | None) -> None:
        self._screener = screener
        self._found: dict[tuple[tuple[str, ...], str | None], Screening] = {}

    def of(self, holder: Holder) -> Screening:
        """Return the screening of a party by its names, or of somebody that is only named."""
        if isinstance(holder, Party):
            country = parse_country(holder.headquarters) or parse_country(holder.location)
            trade_names = tuple(name for name in holder.trade_names or () if name.strip())
            return self.names((holder.name, *(alias.name for alias in holder.aliases), *trade_names), country)
        return self.names((holder.name,))

    def names(self, names: tuple[str, ...], country: str | None = None) -> Screening:
        """Return the screening of names that are one party's."""
        if self._screener is None:
            return Screening(outcome=ScreeningOutcome.NOT_SCREENED)
        key = (names, country)
        if key not in self._found:
            if len(self._found) >= MOST_SCREENED:
                return Screening(outcome=ScreeningOutcome.NOT_SCREENED, complete=False)
            self._found[key] = self._screener.screen(list(names), country=country)
        return self._found[key]

    def lists(self, holder: Holder) -> tuple[str, ...]:
        """Return the codes of all lists that the holder is on, by what is on file or by its name."""
        stated = () if isinstance(holder, Party) else holder.listed_on
        return tuple(sorted({*stated, *codes(self.of(holder), ScreeningOutcome.MATCH)}))

    def listed(self, holder: Holder, lists: frozenset[str]) -> bool:
        """Return whether the holder is on one of the lists, by what is on file or by its name."""
        if not isinstance(holder, Party) and lists & set(holder.listed_on):
            return True
        return bool(lists & set(codes(self.of(holder), ScreeningOutcome.MATCH)))


def codes(screening: Screening, least: ScreeningOutcome) -> tuple[str, ...]:
    """Return the codes of lists with a match, or with a possible one too."""
    wanted = {ScreeningOutcome.MATCH, least}
    return tuple(sorted({match.list for match in screening.matches if match.outcome in wanted}))


def worst(results: Sequence[Screening]) -> Screening:
    """Return one screening: the gravest outcome, all matches best first.

    "Not screened" is graver than "clear" and less grave than a resemblance that was found.
    """
    gravest = max(results, key=lambda each: _GRAVITY[each.outcome])
    matches = sorted((match for result in results for match in result.matches), key=lambda match: -match.score)
    complete = all(result.complete and result.outcome is not ScreeningOutcome.NOT_SCREENED for result in results)
    return Screening(
        outcome=gravest.outcome,
        matches=tuple(matches),
        snapshot=results[0].snapshot,
        complete=complete,
    )


# Who is screened as the party itself, and who only as one behind it.


def screened_as_one(
    party: Party, parents: Parentage, found: Search, directory: Directory, screened: Screened
) -> Screening:
    """Return the worst screening over the party, its ultimate parents, and owners of half or of an unknown share.

    An owner of less than half blocks nobody (OFAC FAQ 398): it is told in `ownership.minority_lists`.
    """
    results = [screened.of(party)]
    for parent in parents.parents:
        if isinstance(parent, Party) and parent.id != party.id:
            results.append(screened.of(parent))
        elif isinstance(parent, UltimateParent) and parent.name:
            results.append(screened.names((parent.name,)))
    results.extend(screened.names((step.name,)) for step in _reported(found, ultimate=True))
    for owner in party.owners or ():
        if not _minor(owner.share):
            results.extend(screened.of(each) for each in directory.holders(owner) or (owner,))
    results.extend(
        screened.of(person)
        for person in party.beneficial_owners or ()
        if not _minor(person.share) and not (person.share is None and person.controls)
    )
    return worst(results)


def _reported(found: Search, *, ultimate: bool) -> tuple[Step, ...]:
    """Return the parents that the register names: the ultimate ones, or those on the way up."""
    if found.standing is None or found.standing.entity.void:
        return ()
    steps = found.standing.ultimate if ultimate else found.standing.chain
    return tuple(step for step in steps if step.entity is not None)


def _minor(share: Decimal | None) -> bool:
    return share is not None and share < CONTROL_SHARE


def others_behind(party: Party, directory: Directory) -> Iterable[Holder]:
    """Yield owners of less than half, whoever stands further up, and people who control without a share."""
    for id, holdings in holdings_above(party, directory).items():
        for each in holdings or ():
            if id != party.id or _minor(each.owner.share):
                yield from (directory[holder] for holder in each.holders)
                yield each.owner
    for person in party.beneficial_owners or ():
        if _minor(person.share) or person.controls:
            yield person


def ownership_facts(
    party: Party, found: Search, directory: Directory, screened: Screened, *, conflict: bool
) -> OwnershipFacts:
    """Return who owns the party, and what of it is in listed hands."""
    sdn = _held(party, directory, screened, SDN_LISTS)
    listed = _held(party, directory, screened, AFFILIATE_LISTS)
    minority: set[str] = set()
    for holder in others_behind(party, directory):
        minority |= set(codes(screened.of(holder), ScreeningOutcome.POSSIBLE))
        minority |= set() if isinstance(holder, Party) else set(holder.listed_on)
    for step in _reported(found, ultimate=False):
        minority |= set(codes(screened.names((step.name,)), ScreeningOutcome.POSSIBLE))
    return OwnershipFacts(
        known=party.owners is not None,
        sdn_share=_float(sdn.share),
        listed_share=_float(listed.share),
        sdn_outstanding=_float(sdn.outstanding),
        listed_outstanding=_float(listed.outstanding),
        strictest_list=_strictest(party, directory, screened, listed),
        listed_owner=_listed_owner(party, directory, screened),
        minority_lists=tuple(sorted(minority)),
        untraced_share=_float(_untraced(party, directory)),
        beneficial_known=party.beneficial_owners is not None,
        consistent=sum((owner.share or Decimal(0) for owner in party.owners or ()), Decimal(0)) <= _WHOLE,
        conflict=conflict,
        chains=tuple(dict.fromkeys((*sdn.chains, *listed.chains))),
    )


_WHOLE = Decimal("1.005")
"""What shares may add up to: registers round to a hundredth, and a party has some ten owners on file."""


def _held(party: Party, directory: Directory, screened: Screened, lists: frozenset[str]) -> Held:
    """Return what parties on the lists hold, through owners on file or as beneficial owners, whichever is more.

    Where neither reaches half and both together would, it is unknown: the people may hold through the owners, or not.
    """
    held = held_by_listed(party, directory, lambda holder: screened.listed(holder, lists))
    people = [each for each in party.beneficial_owners or () if each.share and screened.listed(each, lists)]
    direct = min(sum((each.share or Decimal(0) for each in people), Decimal(0)), Decimal(1))
    both = direct + (held.share or Decimal(0)) if people else Decimal(0)
    if held.share is not None and max(held.share, direct) < CONTROL_SHARE <= both and not _among_owners(people, party):
        return Held(share=None, outstanding=None, chains=(*held.chains, *_told(people, party)))
    if not people or (held.share is not None and held.share >= direct):
        return held
    told = _told(people, party)
    share = direct if held.share is not None or direct >= CONTROL_SHARE else None
    outstanding = None if share is None or held.outstanding is None else max(share, held.outstanding)
    return Held(share=share, outstanding=outstanding or share, chains=(*held.chains, *told))


def _told(people: Iterable[BeneficialOwner], party: Party) -> Iterable[str]:
    return (f"`{each.name}` is a beneficial owner of `{party.name}` with {percent(each.share)}" for each in people)


def _among_owners(people: Iterable[BeneficialOwner], party: Party) -> bool:
    """Return whether each of the people is an owner by name too, so that their shares were added up already."""
    return {folded(each.name) for each in people} <= {folded(owner.name) for owner in party.owners or ()}


def _strictest(party: Party, directory: Directory, screened: Screened, listed: Held) -> str | None:
    if listed.share is None or listed.share < CONTROL_SHARE:
        return None
    for code in STRICTEST_FIRST:
        held = _held(party, directory, screened, frozenset({code}))
        if held.share is None or held.share > 0:
            return code
    return None


def _listed_owner(party: Party, directory: Directory, screened: Screened) -> bool:
    holders: list[Holder] = []
    for holdings in holdings_above(party, directory).values():
        for each in holdings or ():
            holders.append(each.owner)
            holders.extend(directory[id] for id in each.holders)
    holders.extend(party.beneficial_owners or ())
    return any(screened.listed(holder, AFFILIATE_LISTS) for holder in holders)


def _untraced(party: Party, directory: Directory) -> Decimal | None:
    """Return the share that nobody named holds, or that is held by those whose own owners are not on file."""
    if party.owners is None or any(owner.share is None for owner in party.owners):
        return None
    traced = Decimal(0)
    for owner in party.owners:
        holders = directory.holders(owner)
        if holders and all(each.owners is not None or each.kind in _OWNED_BY_NOBODY for each in holders):
            traced += owner.share or Decimal(0)
    return max(Decimal(0), 1 - traced)


_OWNED_BY_NOBODY = (PartyKind.PERSON, PartyKind.GOVERNMENT)


def _float(share: Decimal | None) -> float | None:
    return None if share is None else float(share)


# What the LEI register says.


def search_register(party: Party, register: Register | None) -> Search:
    """Return what the register says of a party: by its LEI, or by its exact name in a country that it states."""
    if register is None:
        return Search(problem=lei_problem(party.lei))
    stated = (read_place(text).country for text in (party.headquarters, party.location))
    names = (party.name, *(alias.name for alias in party.aliases if not alias.weak))
    if party.kind is PartyKind.PERSON:
        names = ()
    return search(register, lei=party.lei, names=names, countries=[each for each in stated if each])


def register_facts(party: Party, found: Search, register: Register | None) -> RegisterFacts:
    """Return the register's facts of the party itself."""
    as_of = register.as_of if register is not None else None
    standing = found.standing
    if standing is None:
        return RegisterFacts(problem=found.problem if party.lei else None, as_of=as_of)
    entity, declared = standing.entity, read_place(party.headquarters).country
    headquarters = parse_country(entity.headquarters_address.country)
    return RegisterFacts(
        known=not entity.void,
        matched_by=standing.matched_by,
        weak=standing.weak,
        legal_address=parse_country(entity.legal_address.country),
        headquarters=headquarters,
        exceptions=standing.reasons,
        conflict=not entity.void and None not in (declared, headquarters) and declared != headquarters,
        notes=(_found_note(standing), *standing.notes),
        as_of=as_of,
    )


def _found_note(standing: Standing) -> str:
    entity = standing.entity
    return (
        f"`{entity.name}` (LEI {entity.lei}, found by {standing.matched_by}) has its legal address in"
        f" `{entity.legal_address}` and its headquarters in `{entity.headquarters_address}`"
    )


def headquarters_filled(declared: CountryCode | None, facts: RegisterFacts) -> CountryCode | None:
    """Return the headquarters declared, or the register's where nothing is declared and its record is in force."""
    if declared is not None or not facts.known or facts.weak:
        return declared
    return facts.headquarters


class _Claim(Record):
    """That somebody stands last above the party: who, where, and whether the evidence is strong."""

    name: str | None
    country: CountryCode | None
    strong: bool = True


def parent_facts(
    party: Party, parents: Parentage, found: Search, register: Register | None, own_headquarters: CountryCode | None
) -> tuple[ParentFacts, bool]:
    """Return the ultimate parent, and whether what is declared of it is contradicted.

    Sources are never averaged: where they place the parent in different countries, all are told and the headquarters
    are unknown. No parent in the register is no evidence of having none.
    """
    is_self = any(isinstance(each, Party) and each.id == party.id for each in parents.parents)
    declared = [_declared_claim(party, each, register, own_headquarters) for each in parents.parents]
    told = _register_claims(found)
    countries = tuple(dict.fromkeys(each.country for each in (*declared, *told) if each.country))
    agreed = countries[0] if len(countries) == 1 else None
    sure = [each for each in (*declared, *told) if each.strong]
    unplaced = any(each.country is None for each in declared) and not told
    contradicted = bool(told) and (
        (is_self and not _same(told, party)) or (bool(declared) and len(countries) > 1 and not _several(declared))
    )
    above = party.ultimate_parent
    contradicted = contradicted or (above is not None and above.is_self and bool(parents.parents) and not is_self)
    names = list(dict.fromkeys(each.name for each in (*declared, *told) if each.name))
    chain = (*parents.chain, *((parents.problem,) if parents.problem else ()), *_register_chain(found))
    return (
        ParentFacts(
            name=" and ".join(names[:4]) or None,
            headquarters=agreed if sure and not unplaced else None,
            is_self=(is_self and not told) if declared or told else None,
            countries=countries,
            joint=len(parents.parents) > 1 or len(told) > 1,
            chain=chain,
        ),
        contradicted,
    )


def _several(declared: Sequence[_Claim]) -> bool:
    return len(declared) > 1


def _same(told: Sequence[_Claim], party: Party) -> bool:
    return all(each.name is not None and folded(each.name) == folded(party.name) for each in told)


def _declared_claim(
    party: Party, parent: Party | UltimateParent, register: Register | None, own_headquarters: CountryCode | None
) -> _Claim:
    if isinstance(parent, Party) and parent.id == party.id:
        return _Claim(name=parent.name, country=own_headquarters)
    country = read_place(parent.headquarters).country
    if country is None and isinstance(parent, Party):
        found = search_register(parent, register)
        country = headquarters_filled(None, register_facts(parent, found, register))
    return _Claim(name=parent.name, country=country)


def _register_claims(found: Search) -> list[_Claim]:
    standing = found.standing
    if standing is None or standing.entity.void:
        return []
    return [
        _Claim(name=step.name, country=parse_country(step.country), strong=not (step.weak or standing.weak))
        for step in standing.ultimate
    ]


def _register_chain(found: Search) -> tuple[str, ...]:
    standing = found.standing
    if standing is None or standing.entity.void:
        return ()
    below, told = standing.entity.name, []
    for step in standing.chain[:MOST_STEPS]:
        weak = ", weaker evidence" if step.weak else ""
        told.append(f"the LEI register reports `{step.name}` above `{below}`{weak}")
        below = step.name
    told.extend(f"the LEI register reports `{step.name}` as ultimate parent" for step in standing.ultimate)
    return tuple(told)


MOST_STEPS = 10
"""Steps of the register's chain that are told."""


# Managers, and who acts as one.


def manager_facts(party: Party, directory: Directory, screened: Screened) -> ManagerFacts:
    """Return what the managers, and the other organisations that they serve, resemble on the lists.

    Red flag 24: senior management or technical leadership that overlaps with a listed party.
    Others on file with a manager of the same name count as organisations that the manager serves.
    """
    if party.managers is None:
        return ManagerFacts()
    results: list[tuple[str, Screening, tuple[str, ...]]] = []
    for manager in party.managers:
        results.append((f"manager `{manager.name}`", screened.names((manager.name,)), manager.listed_on))
        elsewhere = [each for each in directory.employers(manager.name) if each.id != party.id]
        results.extend(
            (f"`{name}`, which `{manager.name}` serves too,", screened.names((name,)), ())
            for name in (*manager.also_at, *(each.name for each in elsewhere))
        )
    if not results:
        return ManagerFacts(known=True, outcome=ScreeningOutcome.CLEAR.value)
    found = worst([screening for _, screening, _ in results])
    on_file = {code for _, _, lists in results for code in lists}
    outcome = ScreeningOutcome.MATCH if on_file else found.outcome
    overlaps = [
        f"{who} is on or resembles {', '.join(lists)}"
        for who, screening, stated in results
        if (lists := sorted({*codes(screening, ScreeningOutcome.POSSIBLE), *stated}))
    ]
    return ManagerFacts(
        known=True,
        outcome=outcome.value,
        lists=tuple(sorted({*codes(found, ScreeningOutcome.MATCH), *on_file})),
        overlaps=tuple(overlaps[:20]),
    )


def group_facts(group: ControlGroup) -> GroupFacts:
    """Return how many act as one, and why."""
    return GroupFacts(parties=len(group.members), reasons=group.reasons)


def register_links(party: Party, register: Register | None) -> tuple[Link, ...]:
    """Return what the register ties a party to: its own record, and its ultimate parents'."""
    standing = search_register(party, register).standing if register is not None else None
    if standing is None or standing.entity.void:
        return ()
    own = Link(
        kind=LinkKind.LEI,
        hub=f"lei:{standing.entity.lei}",
        why=f"the LEI register knows `{party.name}` as {standing.entity.lei}",
    )
    above = (
        Link(
            kind=LinkKind.PARENT,
            hub=f"lei:{step.lei}",
            why=f"the LEI register reports `{step.name}` as ultimate parent of `{party.name}`",
        )
        for step in standing.ultimate
    )
    return (own, *above)
