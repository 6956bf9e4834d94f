"""Everything outside the request that a decision uses, in one frozen record, the clock included.

This is also the vocabulary of policy rules: each leaf is a fact that a rule may name by its dotted path, with its type
and, in `Meta.description`, its meaning and unit. None means *unknown*; a rule that needs an unknown value escalates.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated

import msgspec
from msgspec import Meta

from kyc_gate.model.country import CountryCode
from kyc_gate.model.decision import Outcome
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.party import PartyKind
from kyc_gate.model.record import Record
from kyc_gate.model.splitting import SplittingFacts
from kyc_gate.model.written import Written, written


class CustomerFacts(Record):
    """The party behind the account."""

    id: Annotated[str | None, Meta(description="the operator's id of the party; unknown when no party is on file")]
    name: Annotated[str | None, Meta(description="the party's name as it stands in the directory")]
    kind: Annotated[str, Meta(description="company, person, government or unknown")]
    location: Annotated[CountryCode | None, Meta(description="country where the party itself is established")]
    headquarters: Annotated[CountryCode | None, Meta(description="country of the party's headquarters")]
    verified: Annotated[bool, Meta(description="the operator has verified the party's identity")]
    reseller: Annotated[bool | None, Meta(description="the party rents for customers of its own")]


class ParentFacts(Record):
    """The party's ultimate parent; the party itself when it declares that nobody owns it."""

    name: Annotated[str | None, Meta(description="name of the ultimate parent")]
    headquarters: Annotated[CountryCode | None, Meta(description="country of the ultimate parent's headquarters")]
    is_self: Annotated[bool | None, Meta(description="the party is its own ultimate parent")]
    countries: Annotated[
        tuple[CountryCode, ...],
        Meta(description="every country in which a source places an ultimate parent; `headquarters` if they agree"),
    ] = ()
    joint: Annotated[bool, Meta(description="several ultimate parents hold the party together")] = False
    chain: Annotated[tuple[str, ...], Meta(description="the way up to the ultimate parent, a sentence a step")] = ()


class PlaceFacts(Record):
    """The other two of the five countries."""

    use: Annotated[CountryCode | None, Meta(description="country from which the service will be used")]
    data_centre: Annotated[CountryCode | None, Meta(description="country of the data centre")]


class AccountFacts(Record):
    """The account on whose bill the request goes."""

    id: Annotated[str | None, Meta(description="the provider's account id")]
    known: Annotated[bool, Meta(description="the account is in the directory")]
    verified: Annotated[bool, Meta(description="the caller's claim to the account was proved to this gate")]


class RequestFacts(Record):
    """The call itself."""

    provider: Annotated[str, Meta(description="aws, generic, ...")]
    service: Annotated[str, Meta(description="the provider's service, such as ec2")]
    operation: Annotated[str, Meta(description="the operation's name in the provider's API")]
    kind: Annotated[str, Meta(description="create, resize, start, reserve, purchase, submit or scale")]
    resolved: Annotated[bool, Meta(description="every reference in the request could be followed")]
    dry_run: Annotated[bool, Meta(description="the request only asks whether it would succeed")]


class WorkloadFacts(Record):
    """What the run is for."""

    kind: Annotated[str, Meta(description="pre_training, fine_tuning, ..., inference, other or unknown")]
    declared: Annotated[bool, Meta(description="the customer said what the run is for")]
    may_train: Annotated[bool, Meta(description="the run trains, or nothing says that it does not")]


class ChipFacts(Record):
    """The accelerators asked for."""

    count: Annotated[int | None, Meta(description="accelerators in the whole request, multipliers applied")]
    known: Annotated[bool, Meta(description="every accelerator model and instance type is in the catalogue")]
    tpp: Annotated[float | None, Meta(description="total processing performance of the strongest chip asked for")]
    total_tpp: Annotated[float | None, Meta(description="total processing performance of the whole request")]


class OperationFacts(Record):
    """Operations, as exact integers. A projected figure includes what the control group already used in the window."""

    low: Annotated[int | None, Meta(description="operations of this request at the low utilisation")]
    likely: Annotated[int | None, Meta(description="operations of this request at the likely utilisation")]
    high: Annotated[int | None, Meta(description="operations of this request at full peak")]
    declared: Annotated[int | None, Meta(description="operations of the model as the customer declares them (6ND)")]
    used: Annotated[int | None, Meta(description="likely operations that the control group used before this request")]
    projected: Annotated[int | None, Meta(description="likely operations of the control group including this request")]
    ceiling: Annotated[int | None, Meta(description="operations of the control group at full peak, request included")]
    open_ended: Annotated[bool, Meta(description="the request states no end and was projected over the horizon")]
    accounts: Annotated[int | None, Meta(description="accounts of the control group with usage in the window")]
    declared_disagrees: Annotated[
        bool | None,
        Meta(description="declared operations are below a third of `likely`, or above what the machines can do"),
    ] = None
    model_total: Annotated[
        int | None,
        Meta(description="operations that count for the model: its base's, this group's, and its synthetic data's"),
    ] = None


class LineageFacts(Record):
    """What the run starts from and learns from, as declared or on file (ECCN 4E091)."""

    declared: Annotated[bool, Meta(description="a base model, or data that a model made, is declared")] = False
    from_scratch: Annotated[bool, Meta(description="the customer declares that the run starts from no model")] = False
    base_model: Annotated[str | None, Meta(description="name of the model whose weights the run starts from")] = None
    base_weights: Annotated[
        str, Meta(description="whether the base's weights are published: published, unpublished, unknown, or none")
    ] = "unknown"
    base_operations: Annotated[int | None, Meta(description="operations that the base was trained with")] = None
    base_on_file: Annotated[bool, Meta(description="the operator has verified the base in its registry")] = False
    additional_operations: Annotated[
        int | None, Meta(description="operations on top of the base: the group's projected, or declared where more")
    ] = None
    allowance_operations: Annotated[
        int | None, Meta(description="operations up to which a derivative of published weights stays free")
    ] = None
    synthetic_share: Annotated[
        float, Meta(description="largest share of operations that trains on unpublished data of one model")
    ] = 0.0
    synthetic_operations: Annotated[
        int | None, Meta(description="operations that synthetic data adds: making it, and training its maker")
    ] = None
    biological: Annotated[
        bool | None, Meta(description="the run trains mainly on biological sequence data, as declared")
    ] = None


class ScreeningFacts(Record):
    """What the party and its owners resemble on restricted-party lists."""

    outcome: Annotated[
        str, Meta(description="clear, possible, match or not_screened; the worst over party and parents")
    ]
    score: Annotated[float | None, Meta(description="best score, 0 to 1; unknown when not screened")]
    matched: Annotated[tuple[str, ...] | None, Meta(description="codes of lists with a match")]
    possible: Annotated[tuple[str, ...] | None, Meta(description="codes of lists with a match or a possible match")]
    complete: Annotated[bool, Meta(description="the party, its ultimate parent and every owner could be screened")]
    stale: Annotated[bool, Meta(description="the lists are older than the operator allows")]
    age_hours: Annotated[float | None, Meta(description="age of the oldest active list, in hours")]


class OwnershipFacts(Record):
    """Who stands behind the party."""

    known: Annotated[bool, Meta(description="the owners are on file, with shares")]
    sdn_share: Annotated[
        float | None, Meta(description="share (0 to 1) held directly or indirectly by SDNs, by OFAC's 50 % cascade")
    ]
    listed_share: Annotated[
        float | None, Meta(description="share held by parties on the Entity List, MEU List or SDN List, same cascade")
    ]
    sdn_outstanding: Annotated[
        float | None,
        Meta(description="`sdn_share` of what is not in the party's own hands; unknown if nobody else holds any"),
    ] = None
    listed_outstanding: Annotated[
        float | None, Meta(description="`listed_share` of what is not in the party's own hands")
    ] = None
    strictest_list: Annotated[
        str | None,
        Meta(description="most restrictive of SDN, EL and MEU whose parties hold a part of a party half held by them"),
    ] = None
    listed_owner: Annotated[
        bool,
        Meta(description="an owner at any distance is on the SDN List, Entity List or MEU List, whatever it holds"),
    ] = False
    minority_lists: Annotated[
        tuple[str, ...],
        Meta(description="codes of lists that an owner of less than half, or one further up, resembles"),
    ] = ()
    untraced_share: Annotated[
        float | None, Meta(description="share held by nobody named, or by those whose own owners are not on file")
    ] = None
    beneficial_known: Annotated[bool, Meta(description="the party's beneficial owners are on file")] = False
    consistent: Annotated[
        bool, Meta(description="the shares on file of the party add up to no more than the whole")
    ] = True
    conflict: Annotated[
        bool,
        Meta(description="what is declared of the ultimate parent contradicts the LEI register or the owners on file"),
    ] = False
    chains: Annotated[
        tuple[str, ...], Meta(description="the holdings by which listed parties own the party, a sentence each")
    ] = ()


class ManagerFacts(Record):
    """Senior managers and technical leaders, and the other organisations that they serve, against the lists."""

    known: Annotated[bool, Meta(description="the party's senior managers are on file")] = False
    outcome: Annotated[str, Meta(description="clear, possible, match or not_screened; the worst over all of them")] = (
        "not_screened"
    )
    lists: Annotated[
        tuple[str, ...], Meta(description="codes of lists that a manager, or where one serves, is on")
    ] = ()
    overlaps: Annotated[tuple[str, ...], Meta(description="each overlap with a listed party, a sentence each")] = ()


class RegisterFacts(Record):
    """What the LEI register says of the party itself. Nothing in it means that there is nothing: silence is unknown."""

    known: Annotated[bool, Meta(description="the register has a record of the party that says something")] = False
    matched_by: Annotated[str | None, Meta(description="lei or name: how the record was found")] = None
    weak: Annotated[bool, Meta(description="the record lapsed or the entity is inactive: weaker evidence")] = False
    legal_address: Annotated[CountryCode | None, Meta(description="country of the legal address")] = None
    headquarters: Annotated[CountryCode | None, Meta(description="country of the headquarters address")] = None
    exceptions: Annotated[
        tuple[str, ...],
        Meta(description="reasons for reporting no parent, such as NO_KNOWN_PERSON or NON_CONSOLIDATING"),
    ] = ()
    conflict: Annotated[bool, Meta(description="the headquarters declared and those in the register differ")] = False
    problem: Annotated[str | None, Meta(description="why the LEI on file is none, or is not in the register")] = None
    notes: Annotated[tuple[str, ...], Meta(description="what the evidence is and how strong, a sentence each")] = ()
    as_of: Annotated[str | None, Meta(description="the moment of the register's data, ISO 8601")] = None
    fault: Annotated[str | None, Meta(description="why the register that is configured cannot be read")] = None


class GroupFacts(Record):
    """The control group: parties that act as one, over which the ledger sums."""

    parties: Annotated[int, Meta(description="parties in the control group, this one included")] = 1
    reasons: Annotated[tuple[str, ...], Meta(description="why they act as one, nearest first, a sentence each")] = ()


class IndicatorFacts(Record):
    """Circumstances that a person or the customer put on file."""

    military: Annotated[bool | None, Meta(description="indication of a military or military-intelligence end use")]
    wmd: Annotated[bool | None, Meta(description="indication of an end use in weapons of mass destruction")]


class EvidenceFacts(Record):
    """What the party's identity shows, as 15 CFR Part 743 Supp. No. 2 and the diversion guidance ask."""

    phone: Annotated[CountryCode | None, Meta(description="country of the party's telephone number")] = None
    email: Annotated[CountryCode | None, Meta(description="country that the e-mail address's domain ends in")] = None
    website: Annotated[CountryCode | None, Meta(description="country that the website's domain ends in")] = None
    payment: Annotated[CountryCode | None, Meta(description="country that payments come from")] = None
    ip: Annotated[CountryCode | None, Meta(description="country of the sign-up IP address")] = None
    register: Annotated[CountryCode | None, Meta(description="country whose register the register number is of")] = None
    address: Annotated[CountryCode | None, Meta(description="country of the postal address on file")] = None
    elsewhere: Annotated[
        tuple[str, ...],
        Meta(description="kinds of evidence that point to neither location nor headquarters"),
    ] = ()
    conflict: Annotated[bool, Meta(description="headquarters, location or address contradict themselves")] = False
    occupied: Annotated[bool, Meta(description="a place on file lies in a region that two states claim")] = False
    free_mail: Annotated[bool | None, Meta(description="the e-mail address is one that anybody can have")] = None
    email_on_website: Annotated[bool | None, Meta(description="e-mail and website are under one domain")] = None
    website_given: Annotated[bool | None, Meta(description="the party has a website; false where it says no")] = None
    address_given: Annotated[bool, Meta(description="a postal address is on file")] = False
    residential: Annotated[bool | None, Meta(description="the address is a home")] = None
    incorporated_after_controls: Annotated[
        bool | None,
        Meta(description="founded after 2022-10-07, when the controls on advanced chips began"),
    ] = None
    headquarters_refused: Annotated[
        bool | None, Meta(description="the party would not say where its headquarters are")
    ] = None
    vetting_expired: Annotated[bool, Meta(description="the last day of the operator's vetting has passed")] = False


class FileFacts(Record):
    """What the party's file holds of what the proposed 15 CFR 7.302(d)(1)(iii) asks, 89 FR 5698."""

    missing: Annotated[
        tuple[str, ...] | None,
        Meta(description="fields asked of such a party that its file leaves out, such as email or beneficial_owners"),
    ] = None
    us_persons: Annotated[
        bool | None,
        Meta(description="the party and all its beneficial owners are US persons, as declared; false if one is not"),
    ] = None


class ReadPlace(Record):
    """A place as it was written, the country that was read from it, and why. Not a name for rules.

    `confidence` is 0 to 1; `occupied` names a region that more than one state claims.
    """

    text: str | None = None
    country: CountryCode | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    conflict: bool = False
    occupied: str | None = None


class FiveCountries(Record):
    """The five countries with the evidence for each; any may be unknown. Not a name for rules."""

    location: ReadPlace = ReadPlace()
    headquarters: ReadPlace = ReadPlace()
    parent_headquarters: ReadPlace = ReadPlace()
    use: ReadPlace = ReadPlace()
    data_centre: ReadPlace = ReadPlace()


class GrantFacts(Record):
    """A grant that fits the request's fingerprint, unspent and unexpired at `as_of`. Not a name for rules.

    `outcome` is the severest outcome that the reviewer saw: a grant for what was held does not lift a block.
    """

    id: str
    rules: tuple[str, ...]
    budget: int
    outcome: Outcome = Outcome.ESCALATE


class Resembled(Record):
    """A listed entry that the party, or one behind it, resembles: its list, its kind and the score. Not for rules.

    A policy that draws lines of its own is decided by these.
    """

    list: str
    kind: PartyKind
    score: float


class Cleared(Record):
    """A resemblance that a clearance settles: left out of `screening` and `resembled`. Not for rules.

    `outcome` is the side of the operator's lines on which it lies, and `matched` whether it counts as a match, so that
    what the facts were without the clearance can be told.
    """

    clearance: str
    list: str
    entry_id: str
    kind: PartyKind
    score: float
    outcome: str
    matched: bool
    until: datetime
    by: tuple[str, str]


class Facts(Record, dict=True):
    """One frozen reading of the world. `as_of` is the clock."""

    as_of: Annotated[datetime, Meta(description="the moment of the decision, in UTC")]
    customer: CustomerFacts
    parent: ParentFacts
    place: PlaceFacts
    account: AccountFacts
    request: RequestFacts
    workload: WorkloadFacts
    chips: ChipFacts
    operations: OperationFacts
    screening: ScreeningFacts
    ownership: OwnershipFacts
    indicators: IndicatorFacts
    lineage: LineageFacts = LineageFacts()
    splitting: SplittingFacts = SplittingFacts()
    evidence: EvidenceFacts = EvidenceFacts()
    file: FileFacts = FileFacts()
    five_countries: FiveCountries | None = None
    grant: GrantFacts | None = None
    managers: ManagerFacts = ManagerFacts()
    register: RegisterFacts = RegisterFacts()
    group: GroupFacts = GroupFacts()
    snapshot: str | None = None
    control_group: str | None = None
    lists: dict[str, float | None] = msgspec.field(default_factory=dict)
    """The age of each list in hours, by its code; None where it is not known. Not a name for rules."""
    resembled: tuple[Resembled, ...] | None = None
    cleared: tuple[Cleared, ...] = ()

    @cached_property
    def text(self) -> Written:
        """The canonical text: it is digested and recorded, and made once. Raises `ValueError` as `written` does."""
        return written(self)


class Recorded(Record):
    """The request and facts of one decision, as the audit record keeps them for replay."""

    request: ProvisioningRequest
    facts: Facts
