"""Which parties act as one."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.model.party import Account, BeneficialOwner, Owner, Party, PartyKind, UltimateParent
from kyc_gate.ownership.control_groups import ControlGroups, Link, LinkKind, control_group
from kyc_gate.ownership.directory import Directory
from tests.ownership.companies import on_file, party

PEOPLE = BeneficialOwner


def test_accounts_of_one_parent_share_a_group() -> None:
    """By link or by any spelling of a name, one parent is one group; without a parent, the payer is."""
    known = on_file(
        Party(id="rio", name="Rio Holding", ultimate_parent=UltimateParent(is_self=True)),
        party("a", parent=UltimateParent(party_id="rio")),
        party("b", parent=UltimateParent(name="RIO  holding")),
        party("c"),
    )
    payments = [Account(provider="aws", id="1", party_id="c", payer_party_id="rio")]
    groups = ControlGroups(known, payments)
    assert len({groups.of(each).key for each in known.values()}) == 1
    assert groups.of(known["c"]).members == ("a", "b", "c", "rio")
    assert control_group(known["c"], known, "rio") == groups.of(known["rio"]).key
    assert control_group(known["c"], known) != groups.of(known["rio"]).key


PAIRS = [
    pytest.param({"email": "ann@deep.example.com"}, {"email": "BOB@example.com"}, "e-mail domain", id="domain"),
    pytest.param({"email": "a.nn+1@gmail.com"}, {"email": "ann@googlemail.com"}, "mailbox", id="same-mailbox"),
    pytest.param({"card_token": "tok_12345678"}, {"card_token": "tok_12345678"}, "...5678", id="card"),
    pytest.param({"lei": "9845001B2AD43E664E58"}, {"lei": "9845001b2ad43e664e58 "}, "LEI", id="lei"),
    pytest.param(
        {"beneficial_owners": (PEOPLE(name="Ann Unlikely", share=Decimal("0.25")),)},
        {"beneficial_owners": (PEOPLE(name="ANN UNLIKELY", controls=True),)},
        "beneficial owner",
        id="beneficial-owner",
    ),
    pytest.param(
        {"beneficial_owners": (PEOPLE(name="Ann Unlikely", share=Decimal("0.25")),)},
        {"owners": (Owner(name="Ann Unlikely", share=Decimal("0.3")),)},
        "holds 30 %",
        id="named-as-an-owner-elsewhere",
    ),
    pytest.param(
        {"owners": (Owner(name="Lark Fund", share=Decimal("0.5")),)},
        {"owners": (Owner(name="Lark Fund Ltd", share=Decimal("0.26")),)},
        "holds 26 %",
        id="owner-not-on-file",
    ),
    pytest.param({"name": "Twin GmbH"}, {"name": "TWIN"}, "name", id="name"),
]


@pytest.mark.parametrize(("one", "other", "why"), PAIRS)
def test_what_two_parties_share_makes_them_one(one: dict[str, object], other: dict[str, object], why: str) -> None:
    """Whoever shares it is in one group, and the reason is told to both."""
    a, b = Party(**{"id": "a", "name": "Alpha", **one}), Party(**{"id": "b", "name": "Beta", **other})  # type: ignore[arg-type]
    groups = ControlGroups(on_file(a, b, party("c")))
    assert groups.of(a).key == groups.of(b).key
    assert groups.of(a).members == ("a", "b")
    for each in (a, b):
        assert any(why in reason for reason in groups.of(each).reasons), groups.of(each).reasons


STRANGERS = [
    *(
        pytest.param({"email": f"ann@{domain}"}, {"email": f"bob@{domain}"}, id=domain)
        for domain in (
            *("gmail.com", "yahoo.co.jp", "qq.com", "mail.ru", "outlook.com", "hotmail.fr", "proton.me", "163.com"),
            *("naver.com", "t-online.de", "web.de", "yandex.ru", "icloud.com", "comcast.net", "vip.163.com", "gmx.at"),
        )
    ),
    pytest.param({"email": "ann@one.co.uk"}, {"email": "ann@two.co.uk"}, id="one-suffix"),
    pytest.param({"email": "ann@"}, {"email": "ann@"}, id="no-domain"),
    pytest.param({"email": ""}, {"email": ""}, id="empty"),
    pytest.param({"card_token": " "}, {"card_token": ""}, id="no-card"),
    pytest.param(
        {"owners": (Owner(name="Index Fund", share=Decimal("0.2499")),)},
        {"owners": (Owner(name="Index Fund", share=Decimal("0.2499")),)},
        id="small-shareholder",
    ),
    pytest.param(
        {"beneficial_owners": (PEOPLE(name="Ann Unlikely", share=Decimal("0.2499")),)},
        {"beneficial_owners": (PEOPLE(name="Ann Unlikely", share=Decimal("0.5")),)},
        id="less-than-a-quarter",
    ),
    pytest.param(
        {"name": "Kim Lee", "kind": PartyKind.PERSON}, {"name": "Kim Lee", "kind": PartyKind.PERSON}, id="people"
    ),
]


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_strangers_stay_strangers(one: dict[str, object], other: dict[str, object]) -> None:
    """Customers of one mail provider, or with one small shareholder, are not one."""
    a, b = Party(**{"id": "a", "name": "Alpha", **one}), Party(**{"id": "b", "name": "Beta", **other})  # type: ignore[arg-type]
    groups = ControlGroups(on_file(a, b))
    assert groups.of(a).key != groups.of(b).key
    assert groups.of(a).members == ("a",)
    assert groups.of(a).reasons == ()


def test_a_joint_venture_ties_its_owners() -> None:
    """Half of a venture each: what the venture uses counts for both."""
    known = on_file(party("v", ("a", "0.5"), ("b", "0.5")), party("a"), party("b"), party("m", ("a", "0.4")))
    groups = ControlGroups(known)
    assert groups.of(known["a"]).members == ("a", "b", "v")
    assert groups.of(known["m"]).members == ("m",)


def test_a_payer_that_is_not_on_file_ties_too() -> None:
    """Two accounts paid by the same unknown party are one group."""
    known = on_file(party("a"), party("b"), party("c"))
    accounts = [Account(provider="aws", id=id, party_id=id, payer_party_id="ghost") for id in ("a", "b")]
    groups = ControlGroups(known, accounts)
    assert groups.of(known["a"]).key == groups.of(known["b"]).key != groups.of(known["c"]).key


def test_an_account_s_own_card_counts() -> None:
    """A card or address that is on file with an account ties the account's party."""
    known = on_file(party("a"), party("b"))
    accounts = [Account(provider="aws", id=id, party_id=id, card_token="tok_9") for id in ("a", "b")]
    assert ControlGroups(known, accounts).of(known["a"]).members == ("a", "b")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), st.randoms(use_true_random=False))
def test_a_group_is_whatever_hangs_together(pairs: list[tuple[int, int]], order: random.Random) -> None:
    """Groups agree with a plain merging of pairs, in any order, and every member gives the same key."""
    accounts = [
        Account(provider="p", id=str(n), party_id=str(a), payer_party_id=str(b)) for n, (a, b) in enumerate(pairs)
    ]
    names = [f"Company {chr(65 + n)}{chr(70 + n)}" for n in range(10)]
    parties = [Party(id=str(n), name=names[n]) for n in range(10)]
    group = {n: {n} for n in range(10)}
    for a, b in pairs:
        for each in (merged := group[a] | group[b]):
            group[each] = merged
    order.shuffle(parties)
    order.shuffle(accounts)
    groups = ControlGroups(on_file(*parties), accounts)
    for each in parties:
        found = groups.of(each)
        assert set(found.members) == {str(n) for n in group[int(each.id)]}
        assert found.key in {groups.of(other).key for other in parties if other.id in found.members}


def test_thirty_thousand_customers_of_one_payer() -> None:
    """A reseller with very many customers is one group, found in linear time, with a few reasons told."""
    parties = on_file(*(Party(id=str(n), name=f"c{n}", kind=PartyKind.PERSON) for n in range(30_000)))
    accounts = [Account(provider="p", id=str(n), party_id=str(n), payer_party_id="0") for n in range(1, 30_000)]
    found = ControlGroups(parties, accounts).of(parties["7"])
    assert len(found.members) == 30_000
    assert len(found.reasons) <= 12


Readings = tuple[dict[str, Party], tuple[Account, ...]]


@st.composite
def readings(draw: st.DrawFn) -> list[Readings]:
    """Three readings of a directory of up to eight parties: between them some come, go and change."""
    numbers = st.integers(0, 4)

    def made(id: str) -> Party:
        owner = Owner(
            name=f"Firm {draw(numbers)}",
            party_id=draw(st.sampled_from([None, "p0", "p1", "p9"])),
            share=draw(st.sampled_from([None, Decimal("0.3"), Decimal("0.6")])),
        )
        above = UltimateParent(name=f"Firm {draw(numbers)}", party_id=draw(st.sampled_from([None, "p2", "p9"])))
        return Party(
            id=id,
            name=f"Firm {draw(numbers)}",
            kind=draw(st.sampled_from([PartyKind.COMPANY, PartyKind.PERSON])),
            email=f"a@firm{draw(numbers)}.com",
            owners=draw(st.sampled_from([None, (owner,)])),
            ultimate_parent=draw(st.sampled_from([None, above])),
        )

    parties: dict[str, Party] = {}
    accounts: dict[str, Account] = {}
    found: list[Readings] = []
    for _ in range(3):
        for at in draw(st.lists(st.integers(0, 7), max_size=5, unique=True)):
            id = f"p{at}"
            if id in parties and draw(st.booleans()):
                del parties[id]
            else:
                parties[id] = made(id)
        for at in draw(st.lists(numbers, max_size=2, unique=True)):
            payer = draw(st.sampled_from(["p3", "p9", None]))
            accounts[str(at)] = Account(provider="p", id=str(at), party_id=f"p{draw(numbers)}", payer_party_id=payer)
        found.append((dict(parties), tuple(accounts.values())))
    return found


def told_by_register(party: Party) -> tuple[Link, ...]:
    return (Link(kind=LinkKind.LEI, hub="lei:1", why=f"known as {party.name}"),) if party.name == "Firm 1" else ()


@given(readings())
def test_groups_found_from_earlier_ones_are_the_same(read: list[Readings]) -> None:
    """Whatever changed since an earlier reading, groups that lean on it are those that are found from nothing.

    The earlier ones stay what they were.
    """
    leaning: list[ControlGroups] = []
    directory = Directory({})
    for parties, accounts in read:
        directory = Directory.after(directory, parties)
        directory.named("Firm 0")
        leaning.append(ControlGroups(directory, accounts, told_by_register, leaning[-1] if leaning else None))
    for groups, (parties, accounts) in zip(leaning, read, strict=True):
        afresh = ControlGroups(parties, accounts, told_by_register)
        assert [groups.of(party) for party in parties.values()] == [afresh.of(party) for party in parties.values()]


NINE = Owner(name="Elsewhere", party_id="p9", share=Decimal("0.3"))


@pytest.mark.parametrize(
    ("given", "payer"),
    [
        pytest.param({"owners": (NINE,)}, None, id="an-owner-by-id"),
        pytest.param({"owners": (Owner(name="Nine Ltd", share=Decimal("0.3")),)}, None, id="an-owner-by-name"),
        pytest.param({"ultimate_parent": UltimateParent(party_id="p9", name="Elsewhere")}, None, id="a-parent"),
        pytest.param({}, "p9", id="a-payer"),
    ],
)
def test_who_comes_on_file_changes_the_ties_of_others(given: dict[str, object], payer: str | None) -> None:
    """Parties that named somebody are looked at again when somebody of that id or name comes on file, or goes."""
    without = on_file(*(Party(**{"id": id, "name": f"Firm {id}", **given}) for id in "ab"))  # type: ignore[arg-type]
    accounts = [Account(provider="p", id=id, party_id=id, payer_party_id=payer) for id in "ab"]
    with_nine = {**without, "p9": Party(id="p9", name="Nine", kind=PartyKind.COMPANY)}
    for old, new in ((without, with_nine), (with_nine, without)):
        before = ControlGroups(old, accounts)
        after, afresh = ControlGroups(new, accounts, None, before), ControlGroups(new, accounts)
        assert after.of(new["a"]) == afresh.of(new["a"])
        assert after.of(new["a"]) != before.of(old["a"])


def test_one_change_among_many_is_found_at_once() -> None:
    """Of three thousand parties, only the one that changed and those that it ties are looked at again."""
    asked: list[str] = []

    def told(party: Party) -> tuple[Link, ...]:
        asked.append(party.id)
        return ()

    old = {f"p{n}": Party(id=f"p{n}", name=f"Firm {n}", card_token=str(n)) for n in range(3_000)}
    before = ControlGroups(Directory(old), (), told)
    asked.clear()
    new = {**old, "p7": Party(id="p7", name="Firm 7", card_token="8")}
    after = ControlGroups(Directory(new), (), told, before)
    assert asked == ["p7"]
    assert after.of(new["p8"]).members == ("p7", "p8")
    assert before.of(old["p8"]).members == ("p8",)
