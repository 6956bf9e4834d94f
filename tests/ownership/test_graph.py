"""Who owns whom, and what the law adds up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.model.party import Owner, Party, PartyKind, UltimateParent
from kyc_gate.ownership.graph import control_group, listed_share, ultimate_parent


def party(id: str, *owners: tuple[str, str], parent: UltimateParent | None = None, known: bool = True) -> Party:
    held = tuple(Owner(name=name, party_id=name, share=Decimal(share)) for name, share in owners)
    return Party(id=id, name=id.upper(), owners=held if known else None, ultimate_parent=parent)


def directory(*parties: Party) -> dict[str, Party]:
    return {each.id: each for each in parties}


def is_x(holder: Owner | Party) -> bool:
    return holder.name.lower() == "x"


@pytest.mark.parametrize(
    ("parties", "expected"),
    [
        pytest.param([party("c", ("x", "0.5"))], "0.5", id="half-is-enough"),
        pytest.param(
            [party("c", ("a", "0.4"), ("x", "0.1")), party("a", ("x", "0.5"))], "0.5", id="cascade-and-direct"
        ),
        pytest.param([party("c", ("a", "1")), party("a", ("x", "0.49"))], "0", id="a-minority-does-not-pass-on"),
        pytest.param([party("c", ("a", "0.5")), party("a", ("b", "0.5")), party("b", ("x", "0.5"))], "0.5", id="chain"),
        pytest.param(
            [party("c", ("a", "0.3"), ("b", "0.3")), party("a", ("x", "1")), party("b", ("x", "1"))], "0.6", id="sum"
        ),
        pytest.param([party("c", ("a", "1")), party("a", ("c", "0.6"), ("x", "0.4"))], "0", id="circle-below-half"),
        pytest.param([party("c", ("a", "1")), party("a", ("a", "0.2"), ("x", "0.5"))], "1", id="holds-itself"),
        pytest.param([party("c")], "0", id="nobody"),
    ],
)
def test_the_cascade(parties: list[Party], expected: str) -> None:
    """Holdings of half or more pass on whole; shares are added and never multiplied."""
    known = directory(*parties)
    assert listed_share(known["c"], known, is_x) == Decimal(expected)


def test_unknown_owners_are_not_zero() -> None:
    """Where owners are not on file, the share is unknown."""
    known = directory(party("c", known=False))
    assert listed_share(known["c"], known, is_x) is None
    above = directory(party("c", ("a", "0.6")), party("a", known=False))
    assert listed_share(above["c"], above, is_x) is None


def test_enough_is_known_of_an_unknown_rest() -> None:
    """A share of half stands whatever the unknown rest is."""
    known = directory(party("c", ("x", "0.5"), ("a", "0.5")), party("a", known=False))
    assert listed_share(known["c"], known, is_x) == Decimal("0.5")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(1, 10)), max_size=14))
def test_the_cascade_is_a_least_fixpoint(edges: list[tuple[int, int, int]]) -> None:
    """A plain iteration over everybody agrees; party 6 is the listed one."""
    owners: dict[int, dict[int, Decimal]] = {number: {} for number in range(7)}
    for owned, owner, tenths in edges:
        if owned != owner:
            owners[owned][owner] = Decimal(tenths) / 10
    known = directory(
        *(
            Party(
                id=str(number),
                name="x" if number == 6 else f"p{number}",
                owners=tuple(
                    Owner(name="x" if owner == 6 else f"p{owner}", party_id=str(owner), share=share)
                    for owner, share in held.items()
                ),
            )
            for number, held in owners.items()
        )
    )
    blocked = {6}
    for _ in range(8):
        blocked |= {
            n for n, held in owners.items() if sum(s for o, s in held.items() if o in blocked) >= Decimal("0.5")
        }
    expected = min(sum((s for o, s in owners[0].items() if o in blocked - {0}), Decimal(0)), Decimal(1))
    assert listed_share(known["0"], known, is_x) == expected


def test_the_ultimate_parent_is_the_last_one_up() -> None:
    """Links are followed to the end; what is declared at the end stands."""
    known = directory(
        party("c", parent=UltimateParent(party_id="a")),
        party("a", parent=UltimateParent(name="Far Holding", headquarters="Macau")),
        party("self", parent=UltimateParent(is_self=True)),
    )
    found = ultimate_parent(known["c"], known)
    assert isinstance(found, UltimateParent)
    assert found.headquarters == "Macau"
    assert ultimate_parent(known["self"], known) is known["self"]


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param([party("c")], id="silence"),
        pytest.param(
            [party("c", parent=UltimateParent(party_id="d")), party("d", parent=UltimateParent(party_id="c"))],
            id="circle",
        ),
        pytest.param([party("c", parent=UltimateParent(party_id="gone"))], id="not-on-file"),
    ],
)
def test_no_parent_is_guessed(chain: list[Party]) -> None:
    """Silence, a circle and a broken link are unknown."""
    known = directory(*chain)
    assert ultimate_parent(known["c"], known) is None


def test_a_parent_on_file_that_is_silent_leaves_its_own_parent_unknown() -> None:
    """A party higher up that does not say who owns it is not known to be the last."""
    known = directory(party("c", parent=UltimateParent(party_id="a")), party("a"))
    found = ultimate_parent(known["c"], known)
    assert isinstance(found, Party)
    assert found.id == "a"


def test_accounts_of_one_parent_share_a_group() -> None:
    """By link or by any spelling of a name, one parent is one group; without a parent, the payer is."""
    known = directory(
        Party(id="rio", name="Rio Holding", ultimate_parent=UltimateParent(is_self=True)),
        party("a", parent=UltimateParent(party_id="rio")),
        party("b", parent=UltimateParent(name="RIO  holding")),
        party("c"),
    )
    groups = {control_group(known[name], known) for name in ("rio", "a", "b")}
    assert len(groups) == 1
    assert control_group(known["c"], known, "rio") in groups
    assert control_group(known["c"], known) not in groups


def test_two_people_of_one_name_are_two() -> None:
    """A person is known by id, since names of people repeat."""
    people = [Party(id=id, name="Kim Lee", kind=PartyKind.PERSON) for id in ("p1", "p2")]
    known = directory(*people)
    assert control_group(people[0], known) != control_group(people[1], known)


@pytest.mark.parametrize("declared", [UltimateParent(is_self=True), None], ids=["says-itself", "says-nothing"])
def test_an_owner_on_file_counts_for_more_than_a_claim(declared: UltimateParent | None) -> None:
    """Sisters that each claim to stand alone are one group under the company that holds more than half of them."""
    boss = party("boss", parent=UltimateParent(is_self=True))
    sisters = [party(id, ("boss", "0.51"), parent=declared) for id in ("a", "b")]
    known = directory(boss, *sisters)
    assert [ultimate_parent(each, known) for each in sisters] == [boss, boss]
    assert len({control_group(each, known) for each in known.values()}) == 1


def test_half_a_person_and_a_stranger_are_no_parent() -> None:
    """Half is not more than half, a person heads no group, and an owner that is not on file tells no headquarters."""
    own = UltimateParent(is_self=True)
    boss = Party(id="boss", name="Boss", kind=PartyKind.PERSON)
    for held in (party("a", ("other", "0.5"), parent=own), party("a", ("boss", "1"), parent=own)):
        assert ultimate_parent(held, directory(held, boss, party("other", parent=own))) == held
    alone = party("a", ("nobody", "1"), parent=own)
    assert ultimate_parent(alone, directory(alone)) == alone


@pytest.mark.parametrize("share", ["-0.5", "1.1", "NaN", "Infinity"])
def test_a_share_out_of_range_is_refused(share: str) -> None:
    """A negative share would take away from what listed parties hold."""
    with pytest.raises(ValueError, match="a share is from 0 to 1"):
        Owner(name="x", share=Decimal(share))
