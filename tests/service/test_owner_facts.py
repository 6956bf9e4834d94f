"""What the gate knows of who stands behind a party, from what is on file, the lists and the LEI register."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kyc_gate.lists.read import read_list
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.match import ScreeningOutcome
from kyc_gate.model.party import BeneficialOwner, Manager, Owner, Party, PartyKind, UltimateParent
from kyc_gate.ownership.gleif.records import Address, Row
from kyc_gate.screening.screener import Screener
from kyc_gate.service.gather import Standing, standing_of
from kyc_gate.storage.gleif import GleifRegister, load_register
from tests.ownership.gleif.published import entity, json_of, lei
from tests.storage.test_gleif import ULTIMATE, above

NORWAY, CHINA, SWEDEN = Address(country="NO"), Address(country="CN"), Address(country="SE")
ITSELF = UltimateParent(is_self=True)
NOBODY = "NO_KNOWN_PERSON"


@pytest.fixture(scope="module")
def screener() -> Screener:
    """An operator's lists: one SDN, one on the Entity List."""
    entries = [
        {"id": "1", "name": "Sealed Machinery Works", "list": "SDN"},
        {"id": "2", "name": "Quantum Lantern Institute", "list": "EL"},
        {"id": "3", "name": "Ottokar Winterhalter", "list": "SDN", "kind": "person"},
    ]
    text = "\n".join(json.dumps(each) for each in entries).encode()
    return Screener(merge([read_list("lists.jsonl", text)]))


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> GleifRegister:
    """A register with a parent in China, a lapsed record, an annulled one, and one without parents."""
    folder = tmp_path_factory.mktemp("gleif")
    level1: list[Row] = [
        entity(1, "Fjord Analytics AS", headquarters_address=NORWAY, legal_address=NORWAY),
        entity(2, "Far Holding", headquarters_address=CHINA, legal_address=CHINA),
        entity(
            3,
            "Lapsed AB",
            headquarters_address=SWEDEN,
            legal_address=SWEDEN,
            registration="LAPSED",
            renewal="2024-05-01",
        ),
        entity(4, "Void AB", headquarters_address=SWEDEN, legal_address=SWEDEN, registration="ANNULLED"),
        entity(5, "Alone AB", headquarters_address=SWEDEN, legal_address=NORWAY),
        entity(6, "Twin AB", legal_address=SWEDEN),
        entity(7, "Twin AB", legal_address=SWEDEN),
        entity(8, "Weakly Held AS", headquarters_address=NORWAY, legal_address=NORWAY),
    ]
    level2: list[Row] = [above(1, 2, ULTIMATE), above(8, 2, ULTIMATE, registration="LAPSED")]
    files = {"lei2.json": json_of(level1), "rr.json": json_of(level2)}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    load_register(folder / "r.db", [folder / name for name in files])
    return GleifRegister(folder / "r.db")


def party(name: str = "Plain Customer AS", **more: object) -> Party:
    return Party(**{"id": "c", "name": name, "kind": PartyKind.COMPANY, **more})  # type: ignore[arg-type]


def standing(
    given: Party, *others: Party, screener: Screener | None = None, register: GleifRegister | None = None
) -> Standing:
    return standing_of(given, {each.id: each for each in (given, *others)}, screener, register=register)


def test_a_listed_owner_of_less_than_half_is_told_apart(screener: Screener) -> None:
    """Below half it does not count as the party; from half on, or with an unknown share, it does."""
    for share, outcome, lists in (
        (Decimal("0.49"), ScreeningOutcome.CLEAR, ("SDN",)),
        (Decimal("0.5"), ScreeningOutcome.MATCH, ()),
        (None, ScreeningOutcome.MATCH, ()),
    ):
        found = standing(party(owners=(Owner(name="Sealed Machinery Works", share=share),)), screener=screener)
        assert found.screening.outcome is outcome
        assert found.ownership.minority_lists == lists
        assert found.ownership.listed_owner
        assert found.ownership.sdn_share == (None if share is None else float(share))


def test_owners_further_up_are_screened(screener: Screener) -> None:
    """A listed party two layers up is told, whatever it holds, with the way to it."""
    middle = Party(id="m", name="Middle AS", owners=(Owner(name="Quantum Lantern Institute", share=Decimal("0.6")),))
    found = standing(
        party(owners=(Owner(name="Middle AS", party_id="m", share=Decimal("0.7")),)), middle, screener=screener
    )
    assert found.ownership.minority_lists == ("EL",)
    assert (found.ownership.listed_share, found.ownership.sdn_share) == (0.7, 0.0)
    assert found.ownership.strictest_list == "EL"
    assert found.ownership.chains == (
        "`Middle AS` 70 % of `Plain Customer AS`",
        "`Quantum Lantern Institute` 60 % of `Middle AS`",
    )


def test_the_most_restrictive_owner_governs(screener: Screener) -> None:
    """A tenth of an SDN beside four tenths of the Entity List make half, and the SDN List governs."""
    owners = (
        Owner(name="Quantum Lantern Institute", share=Decimal("0.4")),
        Owner(name="somebody", share=Decimal("0.1"), listed_on=("SDN",)),
    )
    found = standing(party(owners=owners), screener=screener).ownership
    assert (found.listed_share, found.sdn_share, found.strictest_list) == (0.5, 0.1, "SDN")


def test_beneficial_owners_count(screener: Screener) -> None:
    """A listed beneficial owner of half owns half; one of less, or one who only controls, is told."""
    for person, share, outcome in (
        (BeneficialOwner(name="Ottokar Winterhalter", share=Decimal("0.5")), 0.5, ScreeningOutcome.MATCH),
        (BeneficialOwner(name="Ottokar Winterhalter", share=Decimal("0.25")), 0.25, ScreeningOutcome.CLEAR),
        (BeneficialOwner(name="Ottokar Winterhalter", controls=True), 0.0, ScreeningOutcome.CLEAR),
    ):
        found = standing(party(owners=(), beneficial_owners=(person,)), screener=screener)
        assert found.ownership.sdn_share == share
        assert found.screening.outcome is outcome
        assert found.ownership.minority_lists == (() if share == 0.5 else ("SDN",))
        assert found.ownership.beneficial_known


def test_owners_and_beneficial_owners_together_may_reach_half(screener: Screener) -> None:
    """Three tenths of a listed company beside three tenths of a listed person are unknown, and not three tenths."""
    company = Owner(name="Sealed Machinery Works", share=Decimal("0.3"))
    person = BeneficialOwner(name="Ottokar Winterhalter", share=Decimal("0.3"))
    found = standing(party(owners=(company,), beneficial_owners=(person,)), screener=screener).ownership
    assert (found.sdn_share, found.listed_share) == (None, None)
    assert found.chains[-1] == "`Ottokar Winterhalter` is a beneficial owner of `Plain Customer AS` with 30 %"
    himself = Owner(name="Ottokar Winterhalter", share=Decimal("0.3"))
    counted = standing(party(owners=(himself,), beneficial_owners=(person,)), screener=screener).ownership
    assert counted.sdn_share == 0.3


def test_the_lists_of_the_affiliates_rule(screener: Screener) -> None:
    """The Entity List, the MEU List and SDNs are added up, others are not; the strictest that holds any governs."""
    for lists, share, strictest in (
        (("EL", "MEU"), 0.5, "EL"),
        (("MEU", "MEU"), 0.5, "MEU"),
        (("MEU", "SDN"), 0.5, "SDN"),
        (("EL", "DPL"), 0.25, None),
        (("UVL", "UVL"), 0.0, None),
    ):
        owners = tuple(
            Owner(name=f"holder {n}", share=Decimal("0.25"), listed_on=(code,)) for n, code in enumerate(lists)
        )
        found = standing(party(owners=owners), screener=screener).ownership
        assert (found.listed_share, found.strictest_list) == (share, strictest)


@pytest.mark.parametrize(
    ("kind", "traced"), [("company", False), ("unknown", False), ("person", True), ("government", True)]
)
def test_an_owner_on_file_without_owners_ends_in_the_dark(kind: str, traced: bool) -> None:
    """What it holds is untraced, unless nobody can own it."""
    holder = Party(id="h", name="Holder", kind=PartyKind(kind))
    owners = (Owner(name="Holder", party_id="h", share=Decimal("0.75")), Owner(name="elsewhere", share=Decimal("0.25")))
    assert standing(party(owners=owners), holder).ownership.untraced_share == (0.25 if traced else 1.0)


def test_managers_who_serve_a_listed_party_overlap(screener: Screener) -> None:
    """By their own name, by what they say, and by another party on file that they manage."""
    listed = Party(id="l", name="Quantum Lantern Institute", managers=(Manager(name="Kai Unlikely"),))
    for manager, others in (
        (Manager(name="Ottokar Winterhalter"), ()),
        (Manager(name="Kai Unlikely", also_at=("Quantum Lantern Institute",)), ()),
        (Manager(name="KAI UNLIKELY"), (listed,)),
        (Manager(name="Kai Unlikely", listed_on=("EL",)), ()),
    ):
        found = standing(party(managers=(manager,)), *others, screener=screener).managers
        assert found.outcome == "match"
        assert len(found.overlaps) == 1
    assert standing(party(managers=(Manager(name="Kai Unlikely"),)), screener=screener).managers.outcome == "clear"
    assert not standing(party(), screener=screener).managers.known
    assert standing(party(managers=(Manager(name="Kai Unlikely"),))).managers.outcome == "not_screened"


def test_shares_of_more_than_the_whole_are_told() -> None:
    """Rounding is forgiven, and nothing else."""
    for share, consistent in (("0.502", True), ("0.51", False)):
        owners = tuple(Owner(name=name, share=Decimal(share)) for name in ("a", "b"))
        assert standing(party(owners=owners)).ownership.consistent is consistent


def test_the_register_contradicts_a_claim(register: GleifRegister) -> None:
    """Who says that nobody stands above it, and has a parent in the register, is believed by neither."""
    found = standing(
        party("Fjord Analytics AS", headquarters="Norway", lei=lei(1), ultimate_parent=ITSELF), register=register
    )
    assert found.ownership.conflict
    assert (found.parent.headquarters, found.parent.countries, found.parent.is_self) == (None, ("NO", "CN"), False)
    assert any("`Far Holding` as ultimate parent" in step for step in found.parent.chain)
    assert found.group.parties == 1


def test_the_register_names_a_parent_that_nobody_declares(register: GleifRegister) -> None:
    """By LEI, or by exact name and country; never by a name alone, nor by one that two bear."""
    by_lei = standing(party("Anything", lei=lei(1)), register=register)
    by_name = standing(party("FJORD ANALYTICS A.S.", location="Oslo, Norway"), register=register)
    for found in (by_lei, by_name):
        assert (found.parent.name, found.parent.headquarters) == ("Far Holding", "CN")
        assert (found.customer.headquarters, found.register.known) == ("NO", True)
        assert not found.ownership.conflict
    assert by_name.register.matched_by == "name"
    for stranger in (
        party("Fjord Analytics AS"),
        party("Fjord Analytics AS", headquarters="Sweden"),
        party("Twin AB", headquarters="SE"),
    ):
        found = standing(stranger, register=register)
        assert not found.register.known
        assert found.parent.headquarters is None


def test_a_declared_parent_elsewhere_is_a_conflict(register: GleifRegister) -> None:
    """Where two sources place the parent in different countries, both are told and neither is taken."""
    declared = UltimateParent(name="Near Holding", headquarters="Sweden")
    found = standing(party(lei=lei(1), ultimate_parent=declared), register=register)
    assert found.ownership.conflict
    assert (found.parent.headquarters, found.parent.countries) == (None, ("SE", "CN"))
    agreeing = standing(
        party(lei=lei(1), ultimate_parent=UltimateParent(name="Far Holding", headquarters="China")), register=register
    )
    assert not agreeing.ownership.conflict
    assert agreeing.parent.headquarters == "CN"


def test_a_country_from_the_register_has_its_evidence(register: GleifRegister) -> None:
    """Of the five countries those that the register tells say so, and one that sources contradict is unknown."""
    told = standing(party("Anything", lei=lei(1)), register=register).countries
    assert (told.headquarters.text, told.headquarters.country) == (None, "NO")
    assert any("found by lei" in sentence for sentence in told.headquarters.evidence)
    assert told.parent_headquarters.country == "CN"
    assert any("`Far Holding` as ultimate parent" in sentence for sentence in told.parent_headquarters.evidence)
    declared = UltimateParent(name="Near Holding", headquarters="Sweden")
    torn = standing(party(lei=lei(1), ultimate_parent=declared), register=register).countries.parent_headquarters
    assert (torn.text, torn.country, torn.confidence, torn.conflict) == ("Sweden", None, 0.0, True)
    alone = standing(party(headquarters="Norway", ultimate_parent=ITSELF)).countries
    assert alone.parent_headquarters == alone.headquarters
    assert not alone.headquarters.conflict


def test_weak_evidence_contradicts_and_never_clears(register: GleifRegister) -> None:
    """A lapsed relationship is told, and its parent's headquarters are not taken for known."""
    found = standing(party(lei=lei(8)), register=register)
    assert (found.parent.headquarters, found.parent.countries) == (None, ("CN",))
    claimed = standing(party(lei=lei(8), ultimate_parent=ITSELF), register=register)
    assert claimed.ownership.conflict
    lapsed = standing(party(lei=lei(3)), register=register)
    assert lapsed.register.weak
    assert lapsed.customer.headquarters is None
    assert any("LAPSED since 2024-05-01" in note for note in lapsed.register.notes)
    assert standing(party(lei=lei(3), headquarters="Norway"), register=register).register.conflict


def test_a_record_that_was_annulled_says_nothing(register: GleifRegister) -> None:
    """It is found and told, and it is no evidence."""
    found = standing(party(lei=lei(4), headquarters="Norway"), register=register)
    assert not found.register.known
    assert not found.register.conflict
    assert found.customer.headquarters == "NO"


def test_no_parent_in_the_register_is_unknown(register: GleifRegister) -> None:
    """Silence of the register leaves the parent unknown, and the headquarters come before the legal address."""
    found = standing(party(lei=lei(5)), register=register)
    assert (found.parent.headquarters, found.parent.is_self) == (None, None)
    assert (found.customer.headquarters, found.register.legal_address) == ("SE", "NO")


def test_an_lei_that_is_none_is_told_without_a_register() -> None:
    """Check digits need no register."""
    assert "check digits" in (standing(party(lei=lei(1)[:-2] + "00")).register.problem or "")
    assert standing(party(lei=lei(1))).register.problem is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [(lei(1)[:-1] + "x", "twenty letters"), (lei(1)[:-2] + "00", "check digits"), (lei(99), "does not know")],
)
def test_an_lei_that_is_none_is_told(register: GleifRegister, code: str, problem: str) -> None:
    """A wrong LEI is a fact of its own, and no name is tried in its place."""
    found = standing(party("Fjord Analytics AS", headquarters="Norway", lei=code), register=register)
    assert problem in (found.register.problem or "")
    assert not found.register.known
