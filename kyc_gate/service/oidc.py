"""Signing in through the operator's identity provider: OpenID Connect, authorization code with PKCE (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import structlog

from kyc_gate.errors import AccessDenied, ConfigurationError, FeedFault
from kyc_gate.model.record import Record
from kyc_gate.service.config import OIDCSettings

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

log = structlog.get_logger("kyc_gate")

CALLBACK = "/sign-in/oidc/callback"

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures that are taken: asymmetric ones. `none` and the shared-secret ones let others make tokens."""

FETCH_SECONDS = 10.0
MOST_BYTES = 1024 * 1024
KEYS_SECONDS = 3600.0
"""How long the provider's keys and addresses are used before they are read again."""

SKEW_SECONDS = 60
"""How far the provider's clock may be off."""


class Begun(Record):
    """Where to send the browser, and what it keeps until it comes back."""

    url: str
    kept: str


class Vouched(Record):
    """Whom the provider names. `subject` is the issuer and its own name for the person: it never changes."""

    subject: str
    name: str
    email: str | None
    roles: tuple[str, ...] | None
    onward: str


class OIDC:
    """One identity provider."""

    def __init__(self, rules: OIDCSettings, *, secret: str | None = None) -> None:
        self._rules = rules
        self._secret = secret
        self._read_at = float("-inf")
        self._known: dict[str, Any] = {}
        self._keys: KeySet | None = None

    @classmethod
    def of(cls, rules: OIDCSettings | None, folder: Path) -> OIDC | None:
        """Return the provider that is configured, or None. Raises `ConfigurationError`."""
        if rules is None:
            return None
        for name in ("issuer", "public_url"):
            _require_https(name, getattr(rules, name), plain=rules.unsafe_plain_http)
        try:
            import joserfc  # noqa: F401
        except ImportError as error:
            raise ConfigurationError("`[access.oidc]` needs the extra `oidc`") from error
        if rules.client_secret_file is None:
            return cls(rules)
        try:
            secret = (folder / rules.client_secret_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"`access.oidc.client_secret_file` cannot be read: {error.strerror}") from error
        return cls(rules, secret=secret)

    @property
    def name(self) -> str:
        """What the provider is called on the page."""
        return self._rules.name

    async def begin(self, onward: str) -> Begun:
        """Return where to sign in. Raises `FeedFault` where the provider cannot be reached."""
        known = await self._discovered()
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._rules.client_id,
            "redirect_uri": self._redirect,
            "scope": " ".join(self._rules.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        kept = json.dumps({"state": state, "nonce": nonce, "verifier": verifier, "onward": onward})
        glue = "&" if "?" in known["authorization_endpoint"] else "?"
        return Begun(
            url=f"{known['authorization_endpoint']}{glue}{urlencode(asked)}",
            kept=base64.urlsafe_b64encode(kept.encode()).decode(),
        )

    async def end(self, given: Mapping[str, str], kept: str) -> Vouched:
        """Return whom the provider names. Raises `AccessDenied` for an answer that does not fit, `FeedFault`.

        1. the browser that comes back is the one that was sent 2. the code is exchanged with the verifier
        3. the token is the provider's, for us, of now and for this very sign-in
        """
        asked = _kept(kept)
        if not secrets.compare_digest(given.get("state", "").encode(), asked["state"].encode()):
            raise AccessDenied("this answer is to another sign-in; begin again")
        if given.get("iss", self._rules.issuer) != self._rules.issuer:  # RFC 9207
            raise AccessDenied("this answer is of another identity provider")
        if "error" in given or not given.get("code"):
            raise AccessDenied("the identity provider refused")
        token = await self._exchanged(given["code"], asked["verifier"])
        claims = await self._claims(token, asked["nonce"])
        named = claims.get(self._rules.name_claim) or claims.get("email") or ""
        email = claims.get("email")
        return Vouched(
            subject=f"{self._rules.issuer}#{claims['sub']}",
            name=str(named),
            email=str(email) if email else None,
            roles=self._roles(claims),
            onward=asked["onward"],
        )

    def _roles(self, claims: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the roles of the groups that the provider names; None where the operator maps none."""
        if not self._rules.roles:
            return None
        groups = claims.get(self._rules.roles_claim, [])
        groups = groups if isinstance(groups, list) else [groups]
        return tuple(dict.fromkeys(role for group in groups for role in self._rules.roles.get(str(group), ())))

    @property
    def _redirect(self) -> str:
        # From the configuration, never from a call's Host.
        return f"{self._rules.public_url.rstrip('/')}{CALLBACK}"

    async def _exchanged(self, code: str, verifier: str) -> str:
        known = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "code_verifier": verifier,
            "client_id": self._rules.client_id,
        }
        if self._secret is not None:
            form["client_secret"] = self._secret
        status, answer = await self._fetched(known["token_endpoint"], form)
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):
            log.warning("access.not-vouched", status=status, error=str(answer.get("error"))[:100])
            raise AccessDenied("the identity provider did not confirm the sign-in; begin again")
        return token

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        claims: dict[str, Any] = {}
        for again in (False, True):
            try:
                keys = await self._key_set(again=again)
                decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
                claims = dict(decoded.claims)
                break
            except (JoseError, ValueError) as error:
                # Keys change: what does not verify is tried once with the newest.
                if again:
                    log.warning("access.not-vouched", error=type(error).__name__)
                    raise AccessDenied("the identity provider's token does not verify") from error
        wrong = self._wrong(claims, nonce, time.time())
        if wrong:
            log.warning("access.not-vouched", error=wrong)
            raise AccessDenied("the identity provider's token is not for this sign-in")
        return claims

    def _wrong(self, claims: Mapping[str, Any], nonce: str, now: float) -> str | None:
        """Return what is wrong with a token's claims (OpenID Connect Core 1.0, 3.1.3.7), or None."""
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        ours = self._rules.client_id
        expires, issued = claims.get("exp"), claims.get("iat")
        checks = {
            "iss": claims.get("iss") == self._rules.issuer,
            "aud": ours in audiences,
            "azp": claims.get("azp", ours) == ours and (len(audiences) == 1 or "azp" in claims),
            "exp": isinstance(expires, (int, float)) and now < expires + SKEW_SECONDS,
            "iat": isinstance(issued, (int, float)) and issued < now + SKEW_SECONDS,
            "nonce": claims.get("nonce") == nonce,
            "sub": isinstance(claims.get("sub"), str) and 0 < len(str(claims.get("sub"))) <= 255,
        }
        return next((name for name, right in checks.items() if not right), None)

    async def _discovered(self) -> dict[str, Any]:
        """Return the provider's addresses. Raises `FeedFault` where they are not what they must be."""
        if time.monotonic() - self._read_at < KEYS_SECONDS:
            return self._known
        url = f"{self._rules.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, known = await self._fetched(url)
        needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        if status != 200 or any(not isinstance(known.get(name), str) for name in needed):
            raise FeedFault(f"`{url}` does not say where to sign in")
        if known["issuer"] != self._rules.issuer:
            raise FeedFault(f"`{url}` speaks for another issuer, `{str(known['issuer'])[:200]}`")
        try:
            for name in needed[1:]:
                _require_https(name, known[name], plain=self._rules.unsafe_plain_http)
        except ConfigurationError as error:
            raise FeedFault(str(error)) from error
        self._known, self._read_at, self._keys = known, time.monotonic(), None
        return known

    async def _key_set(self, *, again: bool) -> KeySet:
        from joserfc.jwk import KeySet

        if self._keys is None or again:
            known = await self._discovered()
            _, answer = await self._fetched(known["jwks_uri"])
            self._keys = KeySet.import_key_set(answer)  # type: ignore[arg-type]
        return self._keys

    async def _fetched(self, url: str, form: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Return status and JSON object at `url`; no redirect is followed. Raises `FeedFault`."""
        import aiohttp

        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS)) as session,
                session.request(
                    "GET" if form is None else "POST",
                    url,
                    data=form,
                    allow_redirects=False,
                    headers={"accept": "application/json"},
                ) as response,
            ):
                body = await response.content.read(MOST_BYTES)
                found = json.loads(body)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise FeedFault(f"{urlsplit(url).hostname}: {type(error).__name__}") from error
        return response.status, found if isinstance(found, dict) else {}


def _kept(text: str) -> dict[str, str]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        return {name: str(found[name]) for name in ("state", "nonce", "verifier", "onward")}
    except (ValueError, KeyError, TypeError) as error:
        raise AccessDenied("this browser did not begin a sign-in, or too long ago; begin again") from error


def _require_https(name: str, url: str, *, plain: bool) -> None:
    scheme = urlsplit(url).scheme
    if scheme != "https" and not (plain and scheme == "http"):
        raise ConfigurationError(f"`access.oidc`: `{name}` is `{url[:200]}`, which is not an https address")
