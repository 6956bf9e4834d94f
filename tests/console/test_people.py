"""People and keys, and clearances about to expire."""

from __future__ import annotations

from datetime import timedelta

from api.browser import PASSWORD, ROOT, browsers

from console.conftest import enter
from console.html_page import look, send
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.model.clearance import Clearance, Pair
from kyc_gate.storage import clearances


async def test_an_administrator_closes_accounts_and_takes_keys_back(gate: Gate) -> None:
    """Accounts and keys with their roles and expiry; a key that is taken back, and an account that is closed, end."""
    await gate.access.add(ROOT, "adm", ["admin"], password=PASSWORD)
    made = await gate.access.make_key(ROOT, "robot <b>", ["cases:read"], days=10)
    async with browsers(gate, 2, app=interface_app) as (adm, vi):
        await adm.sign_in("adm")
        await vi.sign_in("vi")
        page = await look(adm.session, "/console/people")
        for words in ("own approver with a password emirate active", "robot <b> cases:read", "by root"):
            assert words in page.words, words
        assert "argon2" not in page.source
        assert made.secret not in page.source
        assert "robot <b>" not in page.source
        assert not page.has_form("/people/adm/close")
        page = await send(adm.session, page.form("/revoke"))
        assert "revoked 20" in page.words
        assert not page.has_form("/revoke")
        assert await gate.access.key(made.secret) is None
        page = await send(adm.session, page.form("/people/vi/close"))
        assert "vi viewer with a password no customer closed" in page.words
        assert (await look(vi.session, "/console/cases")).has_form("/sign-in")
        async with adm.session.post("/console/people/adm/close", data={"csrf": adm.csrf}) as answer:
            assert (answer.status, "closes their own account" in await answer.text()) == (403, True)
        async with adm.session.post("/console/people/bo/close", data={"csrf": "guessed"}) as answer:
            assert answer.status == 403
    assert [row["type"] async for row in gate.store.records()][-2:] == ["key.revoked", "person.changed"]


async def test_only_administrators_see_people(gate: Gate) -> None:
    """Everybody else is told what is missing, and takes no step."""
    async with browsers(gate, app=interface_app) as (bo,):
        await bo.sign_in("bo")
        page = await look(bo.session, "/console/people")
        assert (page.status, "“access:manage” is missing" in page.words) == (403, True)
        assert "/console/people" not in page.links
        async with bo.session.post("/console/people/vi/close", data={"csrf": bo.csrf}) as answer:
            assert answer.status == 403


async def test_clearances_about_to_expire(gate: Gate) -> None:
    """Those that expire within so many days, the first in front; not those of the viewer's own customer."""
    now = gate.now()
    for number, (party, days) in enumerate((("norge", 20), ("emirate", 3), ("norge", 5), ("norge", 90))):
        pair = Pair(
            party_id=party, list="SDN", entry_id=str(number), queried="A", listed="B", party_form="a", entry_form="b"
        )
        each = Clearance(
            id=f"clr_{number}",
            pair=pair,
            reason=f"reason {number}",
            case_id="case_1",
            proposed_by="ana",
            approved_by="bo",
            at=now,
            expires_at=now + timedelta(days=days),
        )
        await gate.store._write(lambda connection, each=each: clearances._insert(connection, each))  # type: ignore
    async with browsers(gate, 3, app=interface_app) as (vi, own, serv):
        await enter(gate, vi=vi, own=own, serv=serv)
        words = (await look(vi.session, "/console/clearances")).words
        assert [number for number in "1203" if f"reason {number}" in words] == ["1", "2", "0"]
        assert words.index("reason 1") < words.index("reason 2") < words.index("reason 0")
        assert "this week norge SDN/2" in words
        assert "reason 3" in (await look(vi.session, "/console/clearances", days="100")).words
        hidden = (await look(own.session, "/console/clearances")).words
        assert "reason 1" not in hidden
        assert "2 expire within 30 days" in hidden
        # A match and the reason why it is none tell whom the party resembles.
        ids = (await look(serv.session, "/console/clearances", days="100")).words
        assert "not shown" in ids
        assert "reason " not in ids
        bad = await look(vi.session, "/console/clearances", days="soon")
        assert (bad.status, "`days` is `soon`; it is a whole number from 1 to 3,660" in bad.words) == (400, True)
