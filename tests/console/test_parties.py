"""Parties: found, shown with who stands behind them, and kept from whoever may not see them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from api.browser import browsers
from api.test_cases import large

from console.html_page import look, send
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.model.clearance import Clearance, Pair
from kyc_gate.model.party import Account, BeneficialOwner, Owner, Party, UltimateParent
from kyc_gate.storage import clearances

HOLDING = Party(
    id="holding/1",
    name="Fjord Holding AS",
    headquarters="Oslo, Norway",
    location="Norway",
    owners=(Owner(name="Sealed Machinery Works", share=Decimal("0.4")),),
)
FJORD = Party(
    id="fjord",
    name="Fjørd <i>Data</i>",
    headquarters="Bergen, Norway",
    location="Norway",
    address="Havnegata 1, Bergen",
    owners=(Owner(name="Fjord Holding AS", share=Decimal("0.75"), party_id="holding/1"),),
    ultimate_parent=UltimateParent(party_id="holding/1", name="Fjord Holding AS", headquarters="Norway"),
    beneficial_owners=(BeneficialOwner(name="Kari Nordmann", share=Decimal("0.3"), born="1970"),),
    verified=True,
)


async def on_file(gate: Gate) -> None:
    """Put the two parties on file, with an account."""
    await gate.store.save_directory((HOLDING, FJORD), (Account(provider="generic", id="acct-fjord", party_id="fjord"),))


async def test_a_party_is_found_by_name_id_and_country(gate: Gate) -> None:
    """Beginnings of words, whatever their accents, an id, and a country by its code or name."""
    await on_file(gate)
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/parties")
        assert "/console/parties/fjord" in page.links
        assert "/console/parties/holding%2F1" in page.links
        found = await send(vi.session, page.form("/parties"), text="fjor dat")
        assert [link for link in found.links if link.startswith("/console/parties/")] == ["/console/parties/fjord"]
        for asked, ids in (
            ({"text": "FJORD"}, {"fjord", "holding%2F1"}),
            ({"text": "holding/1"}, {"holding%2F1"}),
            ({"country": "China"}, {"harbin"}),
            ({"text": "fjord", "country": "NO"}, {"fjord", "holding%2F1"}),
            ({"text": "fjord", "country": "CN"}, set()),
        ):
            links = (await look(vi.session, "/console/parties", **asked)).links
            assert {link.rpartition("/")[2] for link in links if link.startswith("/console/parties/")} == ids, asked
        for asked, said in (
            ({"country": "Atlantis"}, "`country` is `Atlantis`, which is no country; write `NO` or `Norway`"),
            ({"text": "?!"}, "`text` is `?!`, which has no letter"),
            ({"after": "x"}, "`after` is `x`"),
            ({"name": "x"}, "Unknown parameter `name`"),
        ):
            bad = await look(vi.session, "/console/parties", **asked)
            assert (bad.status, said in bad.words) == (400, True), asked


async def test_a_party_is_shown_with_all_that_is_known_of_it(gate: Gate) -> None:
    """Names, five countries with evidence, owners, control group with reasons, ledger, runs, cases and decisions."""
    await on_file(gate)
    passed = await gate.decide(large("acct-norge", "b" * 64))
    held = await gate.decide(large("acct-emirate", "c" * 64))
    assert passed.refusal is None
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/parties/fjord")
        for words in (
            "Fjørd <i>Data</i>",
            "Havnegata 1, Bergen",
            "headquarters NO Bergen, Norway",
            "place of use unknown",
            "Fjord Holding AS fjord 75.0%",
            "Sealed Machinery Works holding/1 40.0%",
            "Kari Nordmann (30.0%)",
            "2 parties",
            "generic:acct-fjord",
            "The ledger holds nothing",
        ):
            assert words in page.words, words
        assert "<i>Data" not in page.source
        assert "/console/parties/holding%2F1" in page.links
        assert (await look(vi.session, "/console/parties/holding%2F1")).status == 200
        used = await look(vi.session, "/console/parties/norge")
        assert str(passed.decision_id) in used.words
        assert "likely operations" in used.words
        assert "1 party" in used.words
        assert "generic:acct-norge" in used.words
        waiting = await look(vi.session, "/console/parties/emirate")
        assert str(held.case_id) in waiting.words
        assert str(held.decision_id) in waiting.words


async def test_charts_are_pictures_of_their_own(gate: Gate) -> None:
    """Each chart is an SVG with a title and no script; what it draws is escaped; what is not there is a page."""
    await on_file(gate)
    await gate.decide(large("acct-norge", "b" * 64))
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        for path, said in (("fjord/owners.svg", "Fjord Holding AS"), ("norge/ledger.svg", "frontier_operations")):
            async with vi.session.get(f"/console/parties/{path}") as response:
                text = await response.text()
                assert response.status == 200
                assert response.headers["content-type"].startswith("image/svg+xml")
                assert "sandbox" in response.headers["content-security-policy"]
                assert said in text
                assert "<script" not in text
                assert "<i>Data" not in text
        for path in ("fjord/ledger.svg", "nobody/owners.svg", "nobody"):
            assert (await look(vi.session, f"/console/parties/{path}")).status == 404


async def test_a_clearance_shows_when_it_expires(gate: Gate) -> None:
    """A clearance that stands is on its party's page, marked where it expires within a month."""
    await on_file(gate)
    pair = Pair(
        party_id="fjord", list="SDN", entry_id="1", queried="Fjørd", listed="Fiord", party_form="a", entry_form="b"
    )
    now = gate.now()
    each = Clearance(
        id="clr_1",
        pair=pair,
        reason="another country",
        case_id="case_1",
        proposed_by="ana",
        approved_by="bo",
        at=now,
        expires_at=now + timedelta(days=12),
    )
    await gate.store._write(lambda connection: clearances._insert(connection, each))  # type: ignore[attr-defined]
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        words = (await look(vi.session, "/console/parties/fjord")).words
        assert f"{now + timedelta(days=12):%Y-%m-%d} soon SDN/1" in words
        assert "ana, bo another country" in words


async def test_own_customers_and_their_groups_are_not_shown(gate: Gate) -> None:
    """A person finds neither their own customer nor a party of its control group, and a service sees no party."""
    await gate.store.save_directory(
        (Party(id="sister", name="Sister Ltd", owners=(Owner(name="E", share=Decimal(1), party_id="emirate"),)),), ()
    )
    async with browsers(gate, 2, app=interface_app) as (own, serv):
        await own.sign_in("own")
        await serv.sign_in("serv")
        page = await look(own.session, "/console/parties")
        assert "/console/parties/emirate" not in page.links
        assert "/console/parties/norge" in page.links
        for path in ("emirate", "emirate/owners.svg", "emirate/ledger.svg", "sister", "nobody"):
            assert (await look(own.session, f"/console/parties/{path}")).status == 404, path
        for path in ("", "/norge", "/norge/owners.svg"):
            refused = await look(serv.session, f"/console/parties{path}")
            assert (refused.status, "“parties:read” is missing" in refused.words) == (403, True), path


async def test_pages_of_parties_follow_one_another(gate: Gate) -> None:
    """Sixty parties of one word are two pages."""
    await gate.store.save_directory([Party(id=f"p{n:02}", name=f"Common {n}") for n in range(60)], ())
    async with browsers(gate, app=interface_app) as (vi,):
        await vi.sign_in("vi")
        page = await look(vi.session, "/console/parties", text="common")
        (following,) = (link for link in page.links if "after=" in link)
        second = await look(vi.session, following)
        found = [link for each in (page, second) for link in each.links if link.startswith("/console/parties/p")]
        assert found == [f"/console/parties/p{n:02}" for n in range(60)]
