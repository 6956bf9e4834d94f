"""What listed parties hold, as the law adds it up."""

from __future__ import annotations

import random
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.model.party import Owner, Party, PartyKind
from kyc_gate.ownership.cascade import held_by_listed
from tests.ownership.companies import is_x, on_file, owned, party

EXAMPLES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("faq.toml").read_text(encoding="utf-8"), parse_float=Decimal
)["example"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["about"])
def test_the_published_examples(example: dict[str, Any]) -> None:
    """Holdings of half or more pass on whole; shares are added and never multiplied."""
    known = owned({id: {who: Decimal(share) for who, share in held.items()} for id, held in example["owned"].items()})
    for id, share in example["then"].items():
        held = held_by_listed(known[id], known, lambda holder: holder.name in example["blocked"])
        assert held.share == Decimal(share), id
        assert held.outstanding == Decimal(share), id
        assert bool(held.chains) == (share > 0)


@pytest.mark.parametrize(
    ("parties", "share", "outstanding"),
    [
        pytest.param([party("c", ("c", "0.2"), ("x", "0.45"))], "0.45", "0.5625", id="treasury-shares"),
        pytest.param(
            [party("c", ("a", "1")), party("a", ("a", "0.2"), ("x", "0.4"))], "0", "1", id="owner-holds-itself"
        ),
        pytest.param([party("c", ("a", "1")), party("a", ("c", "0.6"), ("x", "0.4"))], "0", None, id="circle"),
        pytest.param(
            [party("c", ("a", "0.3"), ("x", "0.4")), party("a", ("c", "0.6"))], "0.4", "4/7", id="subsidiary-holds-it"
        ),
        pytest.param(
            [party("c", ("a", "0.3"), ("x", "0.4")), party("a", ("c", "0.4"))], "0.4", "0.4", id="no-subsidiary"
        ),
        pytest.param(
            [party("c", ("b", "0.3"), ("x", "0.4")), party("b", ("a", "0.5")), party("a", ("c", "0.5"))],
            "0.4",
            "4/7",
            id="subsidiary-of-a-subsidiary",
        ),
        pytest.param([party("c", ("a", "1")), party("a", ("c", "1"))], "0", None, id="nobody-outside"),
        pytest.param([party("c", ("x", "0.5"), ("c", "0.5"))], "0.5", "1", id="half-and-half"),
    ],
)
def test_nobody_owns_itself_into_clearance(parties: list[Party], share: str, outstanding: str | None) -> None:
    """Beside the law's share stands the share of what is not in the party's own hands."""
    known = on_file(*parties)
    held = held_by_listed(known["c"], known, is_x)
    assert held.share == Decimal(share)
    assert (held.outstanding is None) == (outstanding is None)
    if outstanding is not None and held.outstanding is not None:
        assert float(held.outstanding) == pytest.approx(float(Fraction(outstanding)))


def test_unknown_owners_are_not_zero() -> None:
    """Where what is unknown could reach half, the share is unknown, at any distance."""
    unknown = on_file(party("c", known=False))
    assert held_by_listed(unknown["c"], unknown, is_x).share is None
    above = on_file(party("c", ("a", "0.6")), party("a", known=False))
    assert held_by_listed(above["c"], above, is_x).share is None
    further = on_file(party("c", ("b", "1")), party("b", ("a", "0.6")), party("a", known=False))
    assert held_by_listed(further["c"], further, is_x).share is None


def test_an_unknown_share_of_a_listed_owner_is_whatever_is_left() -> None:
    """A listed owner whose share nobody tells may hold all that others leave."""
    listed = Owner(name="x")
    for others, expected in (("0.5", None), ("0.51", Decimal(0))):
        each = Party(id="c", name="C", owners=(listed, Owner(name="fund", share=Decimal(others))))
        assert held_by_listed(each, {}, is_x).share == expected


def test_enough_is_known_of_an_unknown_rest() -> None:
    """A share of half stands whatever the unknown rest is, and so does less where the rest is too small."""
    half = on_file(party("c", ("x", "0.5"), ("a", "0.5")), party("a", known=False))
    assert held_by_listed(half["c"], half, is_x).share == Decimal("0.5")
    little = on_file(party("c", ("x", "0.3"), ("a", "0.1")), party("a", known=False))
    assert held_by_listed(little["c"], little, is_x).share == Decimal("0.3")


def test_nobody_owns_a_person() -> None:
    """A natural person on file without owners leaves nothing unknown."""
    known = on_file(party("c", ("ann", "1")), Party(id="ann", name="Ann", kind=PartyKind.PERSON))
    assert held_by_listed(known["c"], known, is_x).share == 0


def test_nobody_owns_a_government() -> None:
    """What a government holds leaves nothing unknown either; a party of unknown kind does."""
    for kind, share in ((PartyKind.GOVERNMENT, Decimal(0)), (PartyKind.UNKNOWN, None), (PartyKind.COMPANY, None)):
        known = on_file(party("c", ("s", "1")), Party(id="s", name="S", kind=kind))
        assert held_by_listed(known["c"], known, is_x).share == share


def test_an_owner_without_an_id_is_its_namesake_on_file() -> None:
    """Leaving out the id of an owner does not cut the chain."""
    middle = Party(id="m", name="Middle Holding GmbH", owners=(Owner(name="x", share=Decimal("0.5")),))
    end = Party(id="c", name="C", owners=(Owner(name="MIDDLE  Holding", share=Decimal("0.7")),))
    assert held_by_listed(end, on_file(middle, end), is_x).share == Decimal("0.7")


def test_the_way_up_is_told() -> None:
    """The chains name each holding that made the share, from the party upwards."""
    known = on_file(party("c", ("a", "0.4"), ("x", "0.1"), ("y", "0.5")), party("a", ("x", "0.5")))
    assert held_by_listed(known["c"], known, is_x).chains == ("`A` 40 %, `x` 10 % of `C`", "`x` 50 % of `A`")


Graph = dict[int, dict[int, Decimal]]
LISTED = 6


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Seven parties, the last one listed, with up to fourteen holdings between them, circles included."""
    edges = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(1, 10)), max_size=14))
    found: Graph = {number: {} for number in range(7)}
    for held, owner, tenths in edges:
        found[held][owner] = Decimal(tenths) / 10
    return found


def parties_of(graph: Graph, order: random.Random | None = None) -> dict[str, Party]:
    rows = list(graph.items())
    if order:
        order.shuffle(rows)
    made = []
    for number, held in rows:
        owners = [Owner(name=name_of(o), party_id=str(o), share=share) for o, share in held.items()]
        if order:
            order.shuffle(owners)
        made.append(Party(id=str(number), name=name_of(number), owners=tuple(owners)))
    return on_file(*made)


def name_of(number: int) -> str:
    return "x" if number == LISTED else f"party{number}"


def naive(graph: Graph) -> set[int]:
    """Everybody looks at everybody until nothing changes."""
    blocked = {LISTED}
    for _ in range(9):
        blocked |= {
            n for n, held in graph.items() if sum(s for o, s in held.items() if o in blocked and o != n) * 2 >= 1
        }
    return blocked


@given(graphs())
def test_the_cascade_is_a_least_fixpoint(graph: Graph) -> None:
    """A plain iteration over everybody agrees."""
    known = parties_of(graph)
    expected = min(sum((s for o, s in graph[0].items() if o in naive(graph) - {0}), Decimal(0)), Decimal(1))
    assert held_by_listed(known["0"], known, is_x).share == expected


def naive_outstanding(graph: Graph) -> dict[int, Fraction | None]:
    """The same, where half is half of what is not in a party's own hands; None where nobody is outside."""

    def hands(start: int) -> set[int]:
        found = {start}
        for _ in range(9):
            found |= {n for n, held in graph.items() if sum(s for o, s in held.items() if o in found) * 2 >= 1}
        return found

    own = {n: Fraction(sum((s for o, s in held.items() if o in hands(n)), Decimal(0))) for n, held in graph.items()}
    kept = {n: hands(n) for n in graph}
    blocked = {LISTED}

    def held(n: int) -> Fraction:
        return Fraction(sum((s for o, s in graph[n].items() if o in blocked and o not in kept[n]), Decimal(0)))

    for _ in range(9):
        blocked |= {n for n in graph if own[n] < 1 and held(n) * 2 >= 1 - own[n]}
    return {n: min(held(n) / (1 - own[n]), Fraction(1)) if own[n] < 1 else None for n in graph}


@given(graphs())
def test_own_hands_agree_with_a_naive_count(graph: Graph) -> None:
    """The share of what is outside agrees with a plain iteration, and is never below the law's share."""
    known = parties_of(graph)
    held = held_by_listed(known["0"], known, is_x)
    assert held.share is not None
    if held.outstanding is None:
        assert None in naive_outstanding(graph).values()
    else:
        counted = naive_outstanding(graph)[0]
        assert counted is not None
        assert Fraction(held.outstanding) == pytest.approx(max(counted, Fraction(held.share)))


@given(graphs(), st.randoms(use_true_random=False))
def test_order_does_not_matter(graph: Graph, order: random.Random) -> None:
    """The fixpoint is the same whatever order parties and owners are read in."""
    one, other = parties_of(graph), parties_of(graph, order)
    first, second = (held_by_listed(each["0"], each, is_x) for each in (one, other))
    assert (first.share, first.outstanding) == (second.share, second.outstanding)


@given(graphs(), st.integers(0, 5), st.integers(0, 6), st.integers(1, 10))
def test_another_owner_never_makes_a_party_less_owned(graph: Graph, held: int, owner: int, tenths: int) -> None:
    """Adding a holding anywhere takes nothing away from what listed parties hold."""
    before = parties_of(graph)
    more = {number: dict(owners) for number, owners in graph.items()}
    more[held][owner] = more[held].get(owner, Decimal(0)) + Decimal(tenths) / 10
    if more[held][owner] > 1:
        return
    after = parties_of(more)
    one, other = (held_by_listed(each["0"], each, is_x) for each in (before, after))
    assert one.share is not None
    assert other.share is not None
    assert other.share >= one.share
    if one.outstanding is not None and other.outstanding is not None:
        assert other.outstanding >= one.outstanding


def test_a_chain_of_ten_thousand_companies() -> None:
    """A long chain is walked to its end without recursion."""
    links = [party(f"p{n}", (f"p{n + 1}", "0.5")) for n in range(10_000)]
    known = on_file(*links, party("p10000", ("x", "0.5")))
    assert held_by_listed(known["p0"], known, is_x).share == Decimal("0.5")


def test_a_circle_of_ten_thousand_companies() -> None:
    """A circle that is too large to walk leaves only the share of what is outside unknown."""
    known = on_file(*(party(f"p{n}", (f"p{(n + 1) % 10_000}", "0.5")) for n in range(10_000)))
    held = held_by_listed(known["p0"], known, is_x)
    assert (held.share, held.outstanding) == (0, None)


def test_twenty_thousand_owners() -> None:
    """Many owners of one party are added up once."""
    share = Decimal(1) / 20_000
    owners = tuple(Owner(name="x" if n % 2 else f"fund {n}", share=share) for n in range(20_000))
    held = held_by_listed(Party(id="c", name="C", owners=owners), {}, is_x)
    assert held.share == Decimal("0.5")
    assert len(held.chains[0]) < 200
