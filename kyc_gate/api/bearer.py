"""Who may use the interface: bearers of a configured token."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.api.answers import problem
from kyc_gate.errors import ConfigurationError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Bearer:
    """Knows the digests of tokens, and no token."""

    def __init__(self, tokens_sha256: Sequence[str]) -> None:
        for digest in tokens_sha256:
            if not _DIGEST.fullmatch(digest):
                raise ConfigurationError(
                    "`api.tokens_sha256`: a digest has 64 lower-case hexadecimal digits; "
                    '`printf %s "$TOKEN" | sha256sum` prints one'
                )
        self._digests = tuple(digest.encode("ascii") for digest in tokens_sha256)

    def token(self, request: Request) -> str | None:
        """Return the bearer token of the call; None where it has none, or two."""
        given = request.headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def refused(self) -> Response:
        """Return the answer to whoever cannot say who they are."""
        if not self._digests:
            return problem(
                403,
                "no-tokens",
                "this interface is closed",
                "no token is configured; put the SHA-256 digest of one into `tokens_sha256` under `[api]`,"
                " or make a key with `kyc-gate access key`",
            )
        answer = problem(401, "unauthorized", "a bearer token is needed", "send `Authorization: Bearer TOKEN`")
        answer.headers["www-authenticate"] = 'Bearer realm="kyc-gate"'
        return answer

    def knows(self, token: str) -> bool:
        """Return whether the token is one of the configuration."""
        digest = hashlib.sha256(token.encode("utf-8")).hexdigest().encode("ascii")
        # Every digest is compared, so that the time taken tells nothing.
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0
