"""Control groups: parties that act as one, with the reason why. The compute ledger sums over a group."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from kyc_gate.model.party import Account, BeneficialOwner, Owner, Party, PartyKind
from kyc_gate.model.record import Record
from kyc_gate.ownership.cascade import CONTROL_SHARE, percent
from kyc_gate.ownership.directory import Directory, folded
from kyc_gate.ownership.mailboxes import read_mailbox

BENEFICIAL_SHARE = Decimal("0.25")
"""A person holds a party beneficially from this share: proposed 15 CFR 7.301, 89 FR 5698."""

MOST_REASONS = 12
"""Reasons that a group names, at most, nearest first."""


class LinkKind(StrEnum):
    """Why two parties act as one."""

    NAME = "name"
    PARENT = "parent"
    OWNER = "owner"
    BENEFICIAL_OWNER = "beneficial_owner"
    PAYER = "payer"
    EMAIL_DOMAIN = "email_domain"
    MAILBOX = "mailbox"
    CARD = "card"
    LEI = "lei"


class Link(Record):
    """That a party hangs on `hub`: another party, or something that only those who act as one have in common."""

    kind: LinkKind
    hub: str
    why: str


class ControlGroup(Record):
    """The key over which the ledger sums, the ids of the parties in it, and why they are in one group.

    The key is the same whichever member is asked, and independent of the order in which parties are read.
    """

    key: str
    members: tuple[str, ...]
    reasons: tuple[str, ...] = ()


class ControlGroups:
    """The groups of a directory. They are found once for a reading of parties and accounts, in linear time.

    `before` are the groups of an earlier reading: only those parties are looked at again that changed, or that are
    tied by whoever changed. `register` says what the LEI register ties a party to, and is asked once for each party
    that is the same record; with `before`, it must be the same register. The groups do not hang on what was before.
    """

    def __init__(
        self,
        parties: Mapping[str, Party],
        accounts: Iterable[Account] = (),
        register: Callable[[Party], Iterable[Link]] | None = None,
        before: ControlGroups | None = None,
    ) -> None:
        self._directory = Directory.of(parties)
        self._register = register
        self._accounts: dict[str, list[Account]] = {}
        for account in accounts:
            self._accounts.setdefault(account.party_id, []).append(account)
        self._own: dict[str, _OwnLinks] = dict(before._own) if before else {}
        self._links: dict[str, tuple[Link, ...]] = dict(before._links) if before else {}
        self._tied: _Index = dict(before._tied) if before else {}
        self._heard: _Index = dict(before._heard) if before else {}
        self._copied: set[tuple[int, str]] | None = set() if before else None
        for id in sorted(self._changed(before)):  # in order, so that each goes to the end of its lists
            self._look_at(id)
        self._copied = None
        self._keys: dict[str, str] = {}
        self._members: dict[str, tuple[str, ...]] = {}

    @property
    def asked_register(self) -> bool:
        """Whether what the LEI register says is in them."""
        return self._register is not None

    def of(self, party: Party) -> ControlGroup:
        """Return the group of a party on file."""
        node = f"party:{party.id}"
        if node not in self._keys:
            self._explore(node)
        key = self._keys[node]
        return ControlGroup(key=key, members=self._members[key], reasons=self._reasons(node))

    def _changed(self, before: ControlGroups | None) -> set[str]:
        """Return the ids of parties whose links may be others than before, whoever is not on file any more included."""
        if before is None:
            return {*self._directory, *self._accounts}
        then, now = before._directory, self._directory
        found = now.changed_since(then)
        for id in tuple(found):
            for party in (then.get(id), now.get(id)):
                names = (f"id:{id}", f"name:{folded(party.name)}") if party else (f"id:{id}",)
                found.update(other for name in names for other in self._heard.get(name, ()))
        found.update(id for id, tied in self._accounts.items() if before._accounts.get(id) != tied)
        return found | (before._accounts.keys() - self._accounts.keys())

    def _look_at(self, id: str) -> None:
        """Take what tied a party out, and put in what ties it now."""
        node = f"party:{id}"
        for link in self._links.pop(node, ()):
            self._without(self._tied, link.hub, node)
        own, party = self._own.pop(id, None), self._directory.get(id)
        if own is not None:
            for name in own.hears:
                self._without(self._heard, name, id)
        accounts = self._accounts.get(id, ())
        links = [link for account in accounts for link in account_links(account, self._directory)]
        hears = {f"id:{each.payer_party_id}" for each in accounts if each.payer_party_id}
        if party is not None:
            if own is None or own.party is not party:
                own = _own_links(party, tuple(self._register(party)) if self._register else ())
            links = [*_tied(own, self._directory), *own.register, *links]
            hears |= _hears(party)
        elif not accounts:
            return
        self._own[id] = (own or _OwnLinks(None))._replace(hears=hears)
        self._links[node] = tuple(link for link in dict.fromkeys(links) if link.hub != node)
        for link in self._links[node]:
            self._with(self._tied, link.hub, node)
        for name in hears:
            self._with(self._heard, name, id)

    def _with(self, index: _Index, name: str, each: str) -> None:
        found = self._to_change(index, name)
        at = bisect_left(found, each)
        if at == len(found) or found[at] != each:
            found.insert(at, each)

    def _without(self, index: _Index, name: str, each: str) -> None:
        found = self._to_change(index, name)
        at = bisect_left(found, each)
        if at < len(found) and found[at] == each:
            del found[at]

    def _to_change(self, index: _Index, name: str) -> list[str]:
        """Return a list of an index that may be changed: the groups of before keep theirs."""
        mark = (id(index), name)
        if self._copied is not None and mark not in self._copied:
            self._copied.add(mark)
            index[name] = list(index.get(name, ()))
        return index.setdefault(name, [])

    def _around(self, node: str) -> Iterator[tuple[str, Link]]:
        """Go through what a node is tied to: by its own links, then by others' links to it, in the order of ids."""
        for link in self._links.get(node, ()):
            yield link.hub, link
        for other in self._tied.get(node, ()):
            for link in self._links[other]:
                if link.hub == node:
                    yield other, link

    def _explore(self, start: str) -> None:
        """Walk everything that hangs together with `start`, and give it its key."""
        seen, waiting = {start}, deque([start])
        while waiting:
            node = waiting.popleft()
            for other in (*(link.hub for link in self._links.get(node, ())), *self._tied.get(node, ())):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        key = min((node for node in seen if node.startswith("name:")), default=min(seen))
        self._members[key] = tuple(sorted(node[6:] for node in seen if node.startswith("party:")))
        self._keys.update(dict.fromkeys(seen, key))

    def _reasons(self, start: str) -> tuple[str, ...]:
        """Return why others are in the group, nearest first: what is shared, and with whom."""
        reasons: dict[str, None] = {}
        seen, waiting = {start}, deque([start])
        while waiting and len(reasons) < MOST_REASONS:
            node = waiting.popleft()
            for other, link in self._around(node):
                shared = other.startswith("party:") or len(self._tied.get(other, ())) > 1
                if shared and (node.startswith("party:") or other not in seen):
                    reasons.setdefault(link.why)
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return tuple(reasons)[:MOST_REASONS]


_Index = dict[str, list[str]]
"""Ids or nodes in order, by a name."""


class _OwnLinks(NamedTuple):
    """What ties a party to others by what it says itself, whoever else is on file: first its name, then the rest.

    `register` is what the LEI register says of it. What an owner or a parent that it names is tied by hangs on who is
    on file: it `hears` of every party with such an id or name.
    """

    party: Party | None
    first: tuple[Link, ...] = ()
    rest: tuple[Link, ...] = ()
    register: tuple[Link, ...] = ()
    hears: Set[str] = frozenset()


def _own_links(party: Party, register: tuple[Link, ...] = ()) -> _OwnLinks:
    rest = (
        *_beneficial_links(party),
        *_lei_links(party),
        *contact_links(party.name, party.email, party.card_token),
    )
    return _OwnLinks(party, _name_links(party), rest, register)


def _hears(party: Party) -> set[str]:
    """Return whom the links of a party hang on: by id, and by folded name where no id is given or nobody has it."""
    found = set[str]()
    above = party.ultimate_parent
    if above is not None and above.party_id:
        found.add(f"id:{above.party_id}")
    for owner in party.owners or ():
        found.add(f"name:{folded(owner.name)}")
        if owner.party_id is not None:
            found.add(f"id:{owner.party_id}")
    return found


def _tied(own: _OwnLinks, directory: Directory) -> tuple[Link, ...]:
    party = own.party
    if party is None:
        return ()
    return (*own.first, *_parent_links(party, directory), *_owner_links(party, directory), *own.rest)


def links_of(party: Party, directory: Directory) -> tuple[Link, ...]:
    """Return what ties `party` to others, by what is on file of it."""
    return _tied(_own_links(party), directory)


def account_links(account: Account, directory: Directory) -> tuple[Link, ...]:
    """Return what ties the party of `account` to others: who pays, with what card, and the account's own address."""
    party = directory.get(account.party_id)
    name = party.name if party else account.party_id
    links = list(contact_links(name, account.email, account.card_token))
    if account.payer_party_id is not None and account.payer_party_id != account.party_id:
        payer = directory.get(account.payer_party_id)
        paying = payer.name if payer else account.payer_party_id
        links.append(
            Link(kind=LinkKind.PAYER, hub=f"party:{account.payer_party_id}", why=f"`{paying}` pays for `{name}`")
        )
    return tuple(links)


def contact_links(name: str, email: str | None, card_token: str | None) -> tuple[Link, ...]:
    """Return what an e-mail address and a card tie a party of this name to.

    A domain of its own ties an organisation's parties together. At a provider that serves anybody only the very same
    mailbox does: strangers share the domain.
    """
    links = []
    mailbox = read_mailbox(email)
    if mailbox is not None and mailbox.shared:
        why = f"`{name}` uses the mailbox {mailbox.address}"
        links.append(Link(kind=LinkKind.MAILBOX, hub=f"mailbox:{mailbox.address}", why=why))
    elif mailbox is not None:
        why = f"`{name}` uses the e-mail domain {mailbox.domain}"
        links.append(Link(kind=LinkKind.EMAIL_DOMAIN, hub=f"domain:{mailbox.domain}", why=why))
    if card_token and card_token.strip():
        token = card_token.strip()
        why = f"`{name}` pays with the card ...{token[-4:]}"
        links.append(Link(kind=LinkKind.CARD, hub=f"card:{token}", why=why))
    return tuple(links)


def _name_links(party: Party) -> tuple[Link, ...]:
    """Companies of one name are one, which errs on the strict side; people of one name are not."""
    name = "" if party.kind is PartyKind.PERSON else folded(party.name)
    return (
        (Link(kind=LinkKind.NAME, hub=f"name:{name}", why=f"a company bears the name `{party.name}`"),) if name else ()
    )


def _parent_links(party: Party, directory: Directory) -> tuple[Link, ...]:
    declared = party.ultimate_parent
    if declared is None or declared.is_self:
        return ()
    known = directory.get(declared.party_id) if declared.party_id else None
    name = known.name if known else declared.name
    why = f"`{party.name}` declares `{name or declared.party_id}` as its ultimate parent"
    hubs = [f"party:{declared.party_id}"] if declared.party_id else []
    if known is None and declared.name and (core := folded(declared.name)):
        hubs.append(f"name:{core}")
    return tuple(Link(kind=LinkKind.PARENT, hub=hub, why=why) for hub in hubs)


def _owner_links(party: Party, directory: Directory) -> tuple[Link, ...]:
    """A company on file ties from half; a person, and whoever is not on file, from a quarter."""
    links: list[Link] = []
    for owner in party.owners or ():
        holders = directory.holders(owner)
        companies = bool(holders) and all(each.kind in _COMPANIES for each in holders)
        line = Decimal(CONTROL_SHARE.numerator) / CONTROL_SHARE.denominator if companies else BENEFICIAL_SHARE
        if owner.share is not None and owner.share >= line:
            why = f"`{owner.name}` holds {percent(owner.share)} of `{party.name}`"
            links.extend(Link(kind=LinkKind.OWNER, hub=hub, why=why) for hub in _owner_hubs(owner, holders))
    return tuple(links)


_COMPANIES = frozenset({PartyKind.COMPANY, PartyKind.GOVERNMENT, PartyKind.UNKNOWN})


def _owner_hubs(owner: Owner, holders: Iterable[Party]) -> tuple[str, ...]:
    found = tuple(f"party:{holder.id}" for holder in holders)
    if found:
        return found
    if owner.party_id is not None:
        return (f"party:{owner.party_id}",)
    name = folded(owner.name)
    return (f"name:{name}", f"person:{name}") if name else ()


def stands_behind(person: BeneficialOwner) -> bool:
    """Return whether a person holds a quarter or more, controls otherwise, or is named without saying which."""
    return person.share is None or person.share >= BENEFICIAL_SHARE or person.controls


def _beneficial_links(party: Party) -> tuple[Link, ...]:
    """Whoever stands behind the party as a beneficial owner."""
    links = []
    for person in party.beneficial_owners or ():
        if not stands_behind(person):
            continue
        hub = _person_hub(person)
        if hub is not None:
            why = f"`{person.name}` is a beneficial owner of `{party.name}`"
            links.append(Link(kind=LinkKind.BENEFICIAL_OWNER, hub=hub, why=why))
    return tuple(links)


def _person_hub(person: BeneficialOwner) -> str | None:
    """A person on file is known by id, another by name: whoever gives one name for two people counts as one."""
    if person.party_id is not None:
        return f"party:{person.party_id}"
    name = folded(person.name)
    return f"person:{name}" if name else None


def _lei_links(party: Party) -> tuple[Link, ...]:
    lei = (party.lei or "").strip().upper()
    return (Link(kind=LinkKind.LEI, hub=f"lei:{lei}", why=f"`{party.name}` has the LEI {lei}"),) if lei else ()


def control_group(party: Party, parties: Mapping[str, Party], payer: str | None = None) -> str:
    """Return the key of the group of `party`, for which `payer` pays."""
    directory = Directory.of(parties).with_party(party)
    accounts = [Account(provider="", id="", party_id=party.id, payer_party_id=payer)] if payer else []
    return ControlGroups(directory, accounts).of(party).key
