"""Signing in through an identity provider, over sockets: the whole walk, and every answer that does not fit."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gates import make_gate
from joserfc.jwk import RSAKey
from wire import served

from api.browser import PASSWORD, PLAIN, ROOT
from api.provider import CLIENT, Provider
from kyc_gate import Gate
from kyc_gate.api.app import api_app
from kyc_gate.errors import ConfigurationError
from kyc_gate.model.access import RESERVED, Role
from kyc_gate.service.config import OIDCSettings
from kyc_gate.service.oidc import OIDC


@asynccontextmanager
async def signing_in(folder: Path, **rules: Any) -> AsyncIterator[tuple[Gate, Provider, aiohttp.ClientSession]]:
    """Yield a gate, a provider that it trusts, and a browser."""
    provider = Provider()
    async with make_gate(folder, **PLAIN) as gate, served(api_app(gate)) as port, served(provider.app) as other:
        provider.issuer = f"http://127.0.0.1:{other}"
        settings = OIDCSettings(
            **{
                "issuer": provider.issuer,
                "client_id": CLIENT,
                "public_url": f"http://127.0.0.1:{port}",
                "roles": {"kyc-approvers": (Role.APPROVER,)},
                "unsafe_plain_http": True,
                **rules,
            }
        )
        gate.oidc = OIDC.of(settings, folder)
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as browser:
            yield gate, provider, browser


async def walked(browser: aiohttp.ClientSession) -> tuple[int, str]:
    """Follow the whole walk, and return where it ends."""
    async with browser.get("/sign-in/oidc", params={"next": "/v1/me"}) as response:
        return response.status, await response.text()


async def test_a_person_of_the_provider_gets_in_with_the_roles_of_their_groups(tmp_path: Path) -> None:
    """The walk ends where the person wanted to go; the roles are those of the moment; the person is on file."""
    async with signing_in(tmp_path) as (gate, provider, browser):
        status, text = await walked(browser)
        assert (status, '"person": "ida"' in text or '"person":"ida"' in text) == (200, True)
        person = await gate.store.fetch_person("ida")
        assert person is not None
        assert (person.roles, person.password, person.subject) == ((Role.APPROVER,), None, f"{provider.issuer}#17")
        provider.person["groups"] = []
        status, text = await walked(browser)
        assert (status, "no role here" in text) == (403, True)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param({"iss": "https://evil.example"}, "not for this sign-in", id="issuer"),
        pytest.param({"aud": "another"}, "not for this sign-in", id="audience"),
        pytest.param({"aud": [CLIENT, "another"]}, "not for this sign-in", id="two-audiences-no-party"),
        pytest.param({"exp": 1}, "not for this sign-in", id="expired"),
        pytest.param({"nonce": "replayed"}, "not for this sign-in", id="nonce"),
        pytest.param({"sub": ""}, "not for this sign-in", id="nobody"),
        pytest.param({"preferred_username": "../ida"}, "no name that can be used", id="name"),
    ],
)
async def test_a_token_that_is_not_for_us_signs_nobody_in(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    """Each claim is checked."""
    async with signing_in(tmp_path) as (gate, provider, browser):
        provider.wrong = wrong
        status, text = await walked(browser)
        assert (status, says in text) == (403, True)
        assert await gate.store.fetch_people() == ()


async def test_a_token_of_another_key_or_none_signs_nobody_in(tmp_path: Path) -> None:
    """A signature that does not verify and an unsigned token are refused; a key that was renewed is read again."""
    async with signing_in(tmp_path) as (_, provider, browser):
        assert (await walked(browser))[0] == 200
        provider.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
        assert (await walked(browser))[0] == 403
        provider.published = provider.key
        assert (await walked(browser))[0] == 200
        provider.algorithm = "none"
        assert (await walked(browser))[0] == 403


async def test_an_answer_to_another_browser_signs_nobody_in(tmp_path: Path) -> None:
    """A callback without the cookie, with another state, or with an error is refused."""
    async with signing_in(tmp_path) as (_, _, browser):
        for query in ({"code": "code-0", "state": "x"}, {"error": "access_denied", "state": ""}, {}):
            async with browser.get("/sign-in/oidc/callback", params=query) as response:
                assert response.status == 403
        async with browser.get("/sign-in/oidc", allow_redirects=False) as response:
            assert response.status == 303
        async with browser.get("/sign-in/oidc/callback", params={"code": "c", "state": "other"}) as response:
            assert response.status == 403


async def test_a_planted_cookie_leads_nowhere_else(tmp_path: Path) -> None:
    """Where to go on is a path of this host, whatever the browser kept while its person was away."""
    async with signing_in(tmp_path) as (_, _, browser):
        async with browser.get("/sign-in/oidc", allow_redirects=False) as response:
            asked, kept = (
                response.headers["location"],
                json.loads(base64.b64decode(response.cookies["kyc_oidc"].value.strip('"'), b"-_")),
            )
        planted = base64.urlsafe_b64encode(json.dumps({**kept, "onward": "https://evil.example/"}).encode()).decode()
        browser.cookie_jar.clear()
        async with browser.get(asked, allow_redirects=False) as response:
            back = response.headers["location"]
        headers = {"cookie": f"kyc_oidc={planted}"}
        async with browser.get(back, allow_redirects=False, headers=headers) as response:
            assert (response.status, response.headers["location"]) == (303, "/")


@pytest.mark.parametrize("name", sorted(RESERVED))
async def test_a_person_bears_no_name_of_the_gate_s_own(tmp_path: Path, name: str) -> None:
    """The provider's name for a person is none under which the gate itself, or the customer, takes steps."""
    async with signing_in(tmp_path) as (gate, provider, browser):
        provider.person["preferred_username"] = name.upper()
        status, text = await walked(browser)
        assert (status, "no name that can be used" in text) == (403, True)
        assert await gate.store.fetch_people() == ()


async def test_a_name_is_never_taken_over(tmp_path: Path) -> None:
    """The provider's name for a person opens no account of somebody else; without a map only known people get in."""
    async with signing_in(tmp_path, roles={}) as (gate, provider, browser):
        assert (await walked(browser))[0] == 403
        await gate.access.add(ROOT, "known", ["viewer"], subject=f"{provider.issuer}#17")
        assert (await walked(browser))[0] == 200
    (tmp_path / "other").mkdir()
    async with signing_in(tmp_path / "other") as (gate, _, browser):
        await gate.access.add(ROOT, "ida", ["viewer"], password=PASSWORD)
        status, text = await walked(browser)
        assert (status, "somebody else here" in text) == (403, True)


def test_a_provider_without_tls_is_refused(tmp_path: Path) -> None:
    """An address that anybody on the way could answer for is no identity provider."""
    rules = OIDCSettings(issuer="http://login.example", client_id="x", public_url="https://kyc.example")
    with pytest.raises(ConfigurationError, match="`issuer`"):
        OIDC.of(rules, tmp_path)
