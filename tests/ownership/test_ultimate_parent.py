"""The last owner up the chain."""

from __future__ import annotations

import pytest

from kyc_gate.model.party import Party, PartyKind, UltimateParent
from kyc_gate.ownership.ultimate_parent import parentage, ultimate_parent
from tests.ownership.companies import on_file, party

ITSELF = UltimateParent(is_self=True)


def test_the_ultimate_parent_is_the_last_one_up() -> None:
    """Links are followed to the end; what is declared at the end stands."""
    known = on_file(
        party("c", parent=UltimateParent(party_id="a")),
        party("a", parent=UltimateParent(name="Far Holding", headquarters="Macau")),
        party("self", parent=ITSELF),
    )
    found = ultimate_parent(known["c"], known)
    assert isinstance(found, UltimateParent)
    assert found.headquarters == "Macau"
    assert ultimate_parent(known["self"], known) is known["self"]


@pytest.mark.parametrize(
    ("chain", "problem"),
    [
        pytest.param([party("c")], "nobody says who stands above `C`", id="silence"),
        pytest.param(
            [party("c", parent=UltimateParent(party_id="d")), party("d", parent=UltimateParent(party_id="c"))],
            "the owners of `C` run in a circle",
            id="circle",
        ),
        pytest.param(
            [party("c", parent=UltimateParent(party_id="gone"))],
            "the parent that `C` declares is not on file",
            id="not-on-file",
        ),
        pytest.param([party("c", ("a", "0.6")), party("a")], "nobody says who stands above `A`", id="silent-holder"),
    ],
)
def test_no_parent_is_guessed(chain: list[Party], problem: str) -> None:
    """Silence, a circle and a broken link are unknown, and it is told why."""
    known = on_file(*chain)
    assert ultimate_parent(known["c"], known) is None
    assert parentage(known["c"], known).problem == problem


def test_a_parent_on_file_that_is_silent_leaves_its_own_parent_unknown() -> None:
    """A party higher up that does not say who owns it is taken as declared, and not known to be the last."""
    known = on_file(party("c", parent=UltimateParent(party_id="a")), party("a"))
    found = ultimate_parent(known["c"], known)
    assert isinstance(found, Party)
    assert found.id == "a"


@pytest.mark.parametrize("declared", [ITSELF, None], ids=["says-itself", "says-nothing"])
def test_an_owner_on_file_counts_for_more_than_a_claim(declared: UltimateParent | None) -> None:
    """Sisters that each claim to stand alone stand under the company that holds more than half of them."""
    boss = party("boss", parent=ITSELF)
    sisters = [party(id, ("boss", "0.51"), parent=declared) for id in ("a", "b")]
    known = on_file(boss, *sisters)
    assert [ultimate_parent(each, known) for each in sisters] == [boss, boss]


def test_holdings_of_one_owner_in_two_rows_are_one() -> None:
    """An owner that is written down twice holds the sum."""
    boss = party("boss", parent=ITSELF)
    held = party("a", ("boss", "0.3"), ("boss", "0.3"), parent=ITSELF)
    assert ultimate_parent(held, on_file(boss, held)) == boss


def test_half_a_person_and_a_stranger_are_no_parent() -> None:
    """Half is not more than half, a person heads no group, and an owner that is not on file tells no headquarters."""
    boss = Party(id="boss", name="Boss", kind=PartyKind.PERSON)
    for held in (party("a", ("other", "0.5"), parent=ITSELF), party("a", ("boss", "1"), parent=ITSELF)):
        assert ultimate_parent(held, on_file(held, boss, party("other", parent=ITSELF))) == held
    alone = party("a", ("nobody", "1"), parent=ITSELF)
    assert ultimate_parent(alone, on_file(alone)) == alone


def test_a_joint_venture_has_two_parents() -> None:
    """Two companies of half each are both followed to their last owners, and the way up is told."""
    venture = party("v", ("a", "0.5"), ("b", "0.5"), parent=ITSELF)
    top = party("top", parent=ITSELF)
    known = on_file(venture, top, party("a", ("top", "1")), party("b", parent=ITSELF))
    found = parentage(venture, known)
    assert {each.name for each in found.parents} == {"TOP", "B"}
    assert found.chain[:2] == ("`A` holds 50 % of `V`", "`B` holds 50 % of `V`")
    assert ultimate_parent(venture, known) is None


def test_a_venture_of_two_sisters_has_one_parent() -> None:
    """Two ways up to one company are not a circle."""
    known = on_file(
        party("v", ("a", "0.5"), ("b", "0.5")),
        party("a", ("top", "1")),
        party("b", ("top", "1")),
        party("top", parent=ITSELF),
    )
    assert ultimate_parent(known["v"], known) == known["top"]


def test_a_parent_named_without_an_id_is_found_on_file_too() -> None:
    """A declared name stands, and its namesake on file is followed beside it: neither hides the other."""
    known = on_file(
        party("c", parent=UltimateParent(name="Middle Ltd", headquarters="Oslo")),
        Party(id="m", name="MIDDLE LTD", ultimate_parent=UltimateParent(name="Far", headquarters="Macau")),
    )
    found = parentage(known["c"], known)
    assert {each.headquarters for each in found.parents} == {"Oslo", "Macau"}


def test_ten_thousand_layers() -> None:
    """A chain of nearly ten thousand layers is followed to its end; a longer one is unknown."""
    for layers, expected in ((9_000, True), (10_001, False)):
        links = [party(f"p{n}", (f"p{n + 1}", "1")) for n in range(layers)]
        known = on_file(*links, party(f"p{layers}", parent=ITSELF))
        found = parentage(known["p0"], known)
        assert bool(found.parents) is expected
        assert len(found.chain) <= 13
