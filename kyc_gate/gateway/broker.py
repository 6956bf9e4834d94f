"""The re-signing door for AWS: the customer's signature is checked here, and the call goes on under the broker's own.

It is the one door at which identity is proven, and not claimed: whoever signs holds a secret that the operator issued.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace
from multidict import CIMultiDict
from yarl import URL

from kyc_gate.adapters.aws import signature
from kyc_gate.adapters.aws.pins import pinned
from kyc_gate.adapters.aws.signature import check_signature, check_time, read_claim
from kyc_gate.adapters.form import read_form
from kyc_gate.adapters.head import check_head, with_body
from kyc_gate.asgi.body import ClientLeftError, Replay, read_body
from kyc_gate.asgi.head import PROVEN, call_of, other_path, raw_path_of
from kyc_gate.asgi.middleware import KYCGateMiddleware
from kyc_gate.asgi.passage import KEY, Passage
from kyc_gate.asgi.refusal import answer_to, closing, deny_websocket, send_answer
from kyc_gate.asgi.types import ASGIApp, Receive, Scope, Send
from kyc_gate.errors import ConfigurationError, NotReady, RefusedCall
from kyc_gate.gateway.app import Gateway, Onward, target
from kyc_gate.gateway.endpoints import Endpoints
from kyc_gate.gateway.fields import forwarded
from kyc_gate.model.call import Call
from kyc_gate.model.signing_key import Proven
from kyc_gate.service.config import Configuration
from kyc_gate.service.sealing import read_sealer
from kyc_gate.service.signing_keys import SigningKeys

if TYPE_CHECKING:
    from kyc_gate.service.aws_credentials import OperatorCredentials
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

_SPENT = ("Authorization", "Date", "Host", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token")
"""Fields of the customer's signature; the broker's own take their place."""

_FORM = re.compile(rb"(?i)application/x-www-form-urlencoded(?:\s*;\s*charset=\"?utf-8\"?)?")

_IDENTITY = "GetCallerIdentity"
"""The one operation of STS that hands out no credentials."""


def broker_of(gate: Gate, configuration: Configuration) -> tuple[ASGIApp, Gateway]:
    """Return the door that `[broker]` describes, and the forwarder behind it, which must be closed.

    Raises `ConfigurationError` without `[aws]`, without botocore, and for a key file or an endpoint that is none.
    """
    settings = configuration.broker
    if settings is None or configuration.aws is None:
        raise ConfigurationError("`broker` needs `[aws]`, whose calls it signs")
    try:
        from kyc_gate.service.aws_credentials import Assuming, OperatorCredentials
    except ImportError as error:
        raise ConfigurationError(f"`broker` needs the extra `botocore`: {error}") from error

    endpoints = Endpoints(settings)
    keys = SigningKeys(gate.store, partial(read_sealer, configuration.path(settings.key_file)), gate.now)
    sts = endpoints.origin("sts", settings.regions[0]) if "sts" in settings.endpoints else None
    assuming = Assuming(
        region=settings.regions[0],
        role=settings.role,
        external_id=settings.external_id,
        profile=settings.profile,
        sts=sts,
    )
    credentials = OperatorCredentials(assuming)
    route = Resigned(endpoints, credentials)
    forwarder = Gateway(
        route=route, connect_seconds=settings.connect_seconds, upstream_seconds=settings.upstream_seconds
    )
    return BrokerDoor(KYCGateMiddleware(forwarder, gate), gate, keys, endpoints, credentials), forwarder


class BrokerDoor:
    """An ASGI application that lets a call reach `app` only with a signature that it checked."""

    def __init__(
        self, app: ASGIApp, gate: Gate, keys: SigningKeys, endpoints: Endpoints, credentials: OperatorCredentials
    ) -> None:
        self._app = app
        self._gate = gate
        self._keys = keys
        self._endpoints = endpoints
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. A websocket is denied: nothing that goes over it is signed."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await deny_websocket(scope, receive, send, answer_to(self._gate, None, RefusedCall(403, "websocket", "")))
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = None
        try:
            call = replace(call_of(scope), proven=None)
            if other_path(scope, call) is not None:
                raise RefusedCall(400, "ambiguous-path", "the path sent and the path routed by are not the same")
            proven, body = await self._proven(call, receive)
            # Before anything is decided: where they are not to be had, the refusal is in the customer's dialect.
            await self._credentials.frozen(proven.account, f"kyc-{proven.key_id}")
        except ClientLeftError:
            log.info("call.abandoned", method=scope["method"], stage="body")
            return
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
            self._told(error)
            answer = self._gate.answer(call, error, "aws") if call is not None else answer_to(self._gate, None, error)
            await send_answer(send, answer, closing(scope))
            return
        await self._app({**scope, PROVEN: proven}, Replay(body, receive), send)

    async def _proven(self, call: Call, receive: Receive) -> tuple[Proven, bytes]:
        """Return who signed the call, and its body.

        1. the head has one reading 2. the signature is whole, and for this door 3. it is of now 4. its key is good
        5. only then is the body read 6. the signature is right.
        """
        check_head(call)
        claim = read_claim(call)
        self._endpoints.check(call, claim)
        now = self._gate.now()
        check_time(claim, now)
        found = await self._keys.find(claim.key_id)
        if found is None or not found[0].good(now):
            raise RefusedCall(403, signature.UNKNOWN_KEY, "this access key is none of the gate's, or no longer")
        key, secret = found
        limits = self._gate.limits
        body = await read_body(call, receive, max_body=limits.max_body, seconds=limits.body_seconds)
        whole = with_body(call, body)
        payload = check_signature(whole, claim, secret)
        if claim.service == "sts":
            _check_identity(whole)
        return (
            Proven(
                account=key.account,
                key_id=key.id,
                region=claim.region,
                service=claim.service,
                signature=claim.signature,
                payload=payload,
                until=claim.until,
            ),
            body,
        )

    def _told(self, error: Exception) -> None:
        if isinstance(error, RefusedCall):
            log.warning("call.refused", code=error.code, status=error.status, detail=error.detail)
        else:
            log.error("broker.failed", error=str(error), kind=type(error).__name__)


def _check_identity(call: Call) -> None:
    """Pass the question who one is. Whatever else STS does hands out credentials with which the gate is gone round.

    It has one reading: of what comes twice, or in another protocol, STS may take the other one.
    """
    if call.raw_path != b"/" or call.values(b"x-amz-target") or call.values(b"smithy-protocol"):
        raise RefusedCall(403, signature.WRONG, "sts is called at the path `/`, with `Action`")
    kind = call.value(b"content-type")
    if not (_FORM.fullmatch(kind) if kind is not None else not call.body):
        raise RefusedCall(403, signature.WRONG, "of sts this gate reads application/x-www-form-urlencoded alone")
    # A name that stands in both is refused as one that stands twice in one of them.
    asked = read_form(b"&".join(part for part in (call.query, call.body or b"") if part), what="query and body")
    actions = [(name, value) for name, value in asked.items() if name.lower() == "action"]
    if actions != [("Action", _IDENTITY)]:
        raise RefusedCall(403, signature.WRONG, f"of sts this gate signs {_IDENTITY} alone")


class Resigned:
    """The route of a call whose signature was checked: to its service, signed by the broker."""

    def __init__(self, endpoints: Endpoints, credentials: OperatorCredentials) -> None:
        self._endpoints = endpoints
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive) -> Onward:
        """Return where the call goes, with the broker's signature. Raises `RefusedCall` where it cannot sign."""
        proven = scope.get(PROVEN)
        if not isinstance(proven, Proven):
            raise RefusedCall(403, signature.NO_SIGNATURE, "nobody is known to have signed this call")
        body = await _whole(receive)
        if hashlib.sha256(body).hexdigest() != proven.payload:
            raise RefusedCall(403, signature.WRONG, "the body is not the one that was signed")
        passage = scope.get(KEY)
        body = pinned(body, passage.admission.request if isinstance(passage, Passage) else None)
        proven = replace(proven, payload=hashlib.sha256(body).hexdigest())
        origin = self._endpoints.origin(proven.service, proven.region)
        query = b"&".join(
            pair for pair in scope.get("query_string", b"").split(b"&") if not pair.lower().startswith(b"x-amz-")
        )
        url = target(origin, raw_path_of(scope), query)
        try:
            credentials = await self._credentials.frozen(proven.account, f"kyc-{proven.key_id}")
        except NotReady as error:
            raise RefusedCall(503, "no-credentials", "the gate cannot sign for you now; try again later") from error
        fields = forwarded(scope["headers"])
        fields.popall("Transfer-Encoding", None)
        if body or "Content-Length" in fields:
            fields["Content-Length"] = str(len(body))
        for name in _SPENT:
            fields.popall(name, None)
        return Onward(url, sign(scope["method"], url, fields, proven, credentials), body or None)


def sign(method: str, url: URL, fields: CIMultiDict[str], proven: Proven, credentials: Any) -> CIMultiDict[str]:
    """Return the fields with the broker's signature over all of them, the address and the body's SHA-256."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    request = AWSRequest(method=method, url=str(url))
    for name, value in fields.items():
        request.headers.add_header(name, value)
    request.headers["Host"] = url.host_port_subcomponent or ""
    # botocore takes the hash of the body from here, and signs it.
    request.headers["X-Amz-Content-SHA256"] = proven.payload
    SigV4Auth(credentials, proven.service, proven.region).add_auth(request)
    return CIMultiDict(request.headers.items())


async def _whole(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedCall(400, "body", "the client left")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)
