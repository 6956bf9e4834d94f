"""Signing in: who gets a session, what it is worth, and when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from gates import make_gate
from wire import exchange, served

from api.browser import PASSWORD, PLAIN, ROOT, browsers
from kyc_gate import Gate
from kyc_gate.api.app import api_app
from kyc_gate.api.page_headers import local_path
from kyc_gate.errors import AccessDenied, InputError
from kyc_gate.model.access import PERSONAL, Permission, Role


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path, **PLAIN) as gate:
        await gate.access.add(ROOT, "ana", ["analyst"], password=PASSWORD)
        yield gate


async def test_a_person_signs_in_and_out(gate: Gate) -> None:
    """A session tells who it is of and what they may do, and is worth nothing after signing out."""
    async with browsers(gate) as (browser,):
        response = await browser.sign_in("ana", onward="/v1/cases")
        assert (response.status, response.headers["location"]) == (303, "/v1/cases")
        status, me = await browser.get("/v1/me")
        assert (status, me["person"], "cases:work" in me["permissions"]) == (200, "ana", True)
        assert (await browser.get("/v1/cases"))[0] == 200
        async with browser.session.post(
            "/sign-out", headers={"x-csrf-token": browser.csrf}, allow_redirects=False
        ) as response:
            assert response.status == 303
        assert (await browser.get("/v1/me"))[0] == 401


async def test_the_answer_is_the_same_whatever_is_wrong(gate: Gate) -> None:
    """A wrong password, nobody's name and a closed account get one text; after five the right one waits too."""
    await gate.access.add(ROOT, "bo", ["viewer"], password=PASSWORD)
    await gate.access.change(ROOT, "bo", active=False)
    told = set()
    for name, password in (("ana", "wrong"), ("nobody", PASSWORD), ("bo", PASSWORD), ("../etc", PASSWORD)):
        with pytest.raises(AccessDenied) as refused:
            await gate.access.sign_in(name, password)
        told.add(str(refused.value))
    for _ in range(5):
        with pytest.raises(AccessDenied):
            await gate.access.sign_in("ana", "wrong")
    with pytest.raises(AccessDenied) as refused:
        await gate.access.sign_in("ana", PASSWORD)
    assert told | {str(refused.value)} == told
    assert len(told) == 1


async def test_a_session_is_new_at_each_sign_in(gate: Gate) -> None:
    """A token that was there before is worth nothing after a sign-in."""
    first = await gate.access.sign_in("ana", PASSWORD)
    second = await gate.access.sign_in("ana", PASSWORD, replaces=first.token)
    assert first.token != second.token
    assert await gate.access.session(first.token) is None
    assert await gate.access.session(second.token) is not None


async def test_a_session_ends_with_idleness_age_and_roles(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lasts while it is used, twelve hours at most, and not beyond a change of what the person may do."""
    begun = await gate.access.sign_in("ana", PASSWORD)
    start = gate.now()
    found = True
    for minutes in (20, 40, 60):
        monkeypatch.setattr(gate, "now", lambda minutes=minutes: start + timedelta(minutes=minutes))
        found = found and await gate.access.session(begun.token) is not None
    assert found
    monkeypatch.setattr(gate, "now", lambda: start + timedelta(minutes=91))
    assert await gate.access.session(begun.token) is None
    monkeypatch.setattr(gate, "now", lambda: start)
    again = await gate.access.sign_in("ana", PASSWORD)
    monkeypatch.setattr(gate, "now", lambda: start + timedelta(hours=13))
    assert await gate.access.session(again.token) is None
    monkeypatch.setattr(gate, "now", lambda: start)
    third = await gate.access.sign_in("ana", PASSWORD)
    await gate.access.change(ROOT, "ana", roles=["viewer"])
    assert await gate.access.session(third.token) is None


async def test_the_cookie_is_for_this_host_and_no_script(tmp_path: Path) -> None:
    """Over TLS the cookie has the prefix that binds it to the host, and no page of another site sends it along."""
    async with make_gate(tmp_path) as gate:
        await gate.access.add(ROOT, "ana", ["analyst"], password=PASSWORD)
        async with served(api_app(gate)) as port:
            body = f"csrf=x&name=ana&password={PASSWORD.replace(' ', '+')}&next=//evil"
            raw = await exchange(
                port,
                f"POST /sign-in HTTP/1.1\r\nHost: a\r\nCookie: __Host-kyc_sign_in=x\r\nContent-Length: {len(body)}\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}".encode(),
            )
    head = raw.decode().lower()
    cookie = next(line for line in head.split("\r\n") if line.startswith("set-cookie: __host-kyc_session="))
    assert all(word in cookie for word in ("httponly", "secure", "samesite=lax", "path=/"))
    assert "\r\nlocation: /\r\n" in head


@pytest.mark.parametrize(
    ("cookies", "status"),
    [
        pytest.param("__Host-kyc_session={token}", 200, id="its-own"),
        pytest.param("kyc_session={token}", 401, id="without-the-prefix"),
        pytest.param("kyc_session=planted; __Host-kyc_session={token}", 200, id="another-beside-it"),
        pytest.param("__Host-kyc_session=planted; __Host-kyc_session={token}", 401, id="twice"),
    ],
)
async def test_over_tls_a_cookie_of_another_host_counts_for_nothing(tmp_path: Path, cookies: str, status: int) -> None:
    """A session is read from the cookie that no other host can set, and from no other; others do not close it out."""
    async with make_gate(tmp_path) as gate:
        await gate.access.add(ROOT, "ana", ["analyst"], password=PASSWORD)
        token = (await gate.access.sign_in("ana", PASSWORD)).token
        async with served(api_app(gate)) as port:
            sent = cookies.format(token=token)
            raw = await exchange(port, f"GET /v1/me HTTP/1.1\r\nHost: a\r\nCookie: {sent}\r\n\r\n".encode())
    assert int(raw.split()[1]) == status


async def test_over_tls_a_planted_form_signs_nobody_in(tmp_path: Path) -> None:
    """The form's second secret is read from the cookie with the prefix; one that another host could set is none."""
    async with make_gate(tmp_path) as gate:
        await gate.access.add(ROOT, "eve", ["viewer"], password=PASSWORD)
        async with served(api_app(gate)) as port:
            body = f"csrf=x&name=eve&password={PASSWORD.replace(' ', '+')}"
            raw = await exchange(
                port,
                f"POST /sign-in HTTP/1.1\r\nHost: a\r\nCookie: kyc_sign_in=x\r\nContent-Length: {len(body)}\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}".encode(),
            )
    assert int(raw.split()[1]) == 403
    set_cookies = [line for line in raw.decode().lower().split("\r\n") if line.startswith("set-cookie:")]
    assert set_cookies
    assert all(line.startswith("set-cookie: __host-") and "secure" in line for line in set_cookies)


async def test_another_site_changes_nothing(gate: Gate) -> None:
    """Without the second secret a form is refused; the form of signing in needs its own; a step by GET is none."""
    async with browsers(gate) as (browser,):
        await browser.sign_in("ana")
        async with browser.session.post("/v1/cases/next") as response:
            assert response.status == 403
        async with browser.session.post("/sign-out", data={"csrf": "guess"}) as response:
            assert response.status == 403
        async with browser.session.get("/v1/cases/case_1/approve") as response:
            assert response.status == 405
        browser.session.cookie_jar.clear()
        async with browser.session.post("/sign-in", data={"name": "ana", "password": PASSWORD}) as response:
            assert response.status == 403


async def test_pages_load_nothing_and_stand_in_no_frame(gate: Gate) -> None:
    """The headers of a page bar inline scripts, other hosts and frames."""
    async with browsers(gate) as (browser,), browser.session.get("/sign-in") as response:
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "<style" not in await response.text()


@pytest.mark.parametrize("given", ["//evil", "https://evil", "/\\evil", "\\/evil", "/a\nb", "evil", "/é"])
def test_nobody_is_sent_elsewhere(given: str) -> None:
    """Only a path of this host is where a sign-in leads."""
    assert local_path(given) == "/"
    assert local_path("/console?state=open") == "/console?state=open"


async def test_a_key_does_what_it_was_made_for_until_it_ends(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key carries its permissions, none that is a person's, and ends by time or by hand."""
    made = await gate.access.make_key(ROOT, "dashboard", ["cases:read"], days=1)
    assert made.secret not in str(await gate.store.fetch_keys())
    async with browsers(gate) as (browser,):
        headers = {"authorization": f"Bearer {made.secret}"}
        async with browser.session.get("/v1/cases", headers=headers) as response:
            assert response.status == 200
        async with browser.session.post("/v1/cases/next", headers=headers) as response:
            assert response.status == 403
        await gate.access.revoke_key(ROOT, made.key.id)
        async with browser.session.get("/v1/cases", headers=headers) as response:
            assert response.status == 403
    other = await gate.access.make_key(ROOT, "other", ["cases:read"], days=1)
    later = gate.now() + timedelta(days=2)
    monkeypatch.setattr(gate, "now", lambda: later)
    assert await gate.access.key(other.secret) is None
    for permission in PERSONAL:
        with pytest.raises(InputError, match="no permission of a key"):
            await gate.access.make_key(ROOT, "x", [permission])


async def test_access_is_managed_by_administrators(gate: Gate) -> None:
    """Who may not, does not; nobody raises themselves; a name is never given twice; passwords are long."""
    ana = (await gate.access.sign_in("ana", PASSWORD)).actor
    with pytest.raises(AccessDenied):
        await gate.access.add(ana, "eve", ["admin"], password=PASSWORD)
    await gate.access.add(ROOT, "adm", ["admin"], password=PASSWORD)
    admin = (await gate.access.sign_in("adm", PASSWORD)).actor
    assert not admin.may(Permission.DECIDE)
    with pytest.raises(AccessDenied, match="their own roles"):
        await gate.access.change(admin, "adm", roles=[Role.APPROVER])
    with pytest.raises(InputError, match="never given"):
        await gate.access.add(admin, "ana", ["viewer"], password=PASSWORD)
    with pytest.raises(InputError, match="15 to"):
        await gate.access.add(admin, "new", ["viewer"], password="short")
    with pytest.raises(InputError, match="`boss` is no role"):
        await gate.access.add(admin, "new", ["boss"], password=PASSWORD)
    kinds = [record["type"] async for record in gate.store.records()]
    assert kinds == ["person.added", "person.added"]
    assert "argon2" not in str([record async for record in gate.store.records()])
