"""The adapter of one of the smaller clouds: which call is guarded, what it asks for, and how it is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.bearer import key_id
from kyc_gate.adapters.dispatch import adds_nothing, certainty_of, check_json, check_variant, operation_of
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.form import read_form
from kyc_gate.adapters.head import check_method
from kyc_gate.adapters.message import message_of
from kyc_gate.adapters.neoclouds.harmless import is_harmless
from kyc_gate.adapters.neoclouds.operations import CLOUDS, Operation
from kyc_gate.adapters.paths import PathTable, Standing
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.adapters.values import reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Caller, ProvisioningRequest
from kyc_gate.model.record import digest

_KEY = re.compile(rb"(?i:bearer|basic) +([A-Za-z0-9._~+/=:-]{8,8192})")
_PLAIN = re.compile(rb"/(?:[A-Za-z0-9_~@!$&'()*+,=:-][A-Za-z0-9._~@!$&'()*+,=:-]*(?:/|\Z))*")
_PORT = re.compile(r":[0-9]*\Z")
_SENSITIVE = frozenset(
    {
        "gputypeid",
        "gputypeids",
        "gpucount",
        "instancetypename",
        "numgpus",
        "instancetype",
        "instanceid",
        "instancecount",
    }
)
_CODES = {"blocked": "kyc/denied", "review-required": "kyc/review-pending", "unavailable": "kyc/unavailable"}


_WRAPPED = {
    "deployments.create": ("deployment", "deployment"),
    "capacityClaims.create": ("capacity-claim", "capacityClaim"),
}
"""Operations of CoreWeave's whose answer holds what they made: its kind, and where in the answer it stands."""


class _Found(NamedTuple):
    operation: Operation
    names: dict[str, str]


class NeocloudAdapter:
    """The dialect of `name`, one of `CLOUDS`. `hosts` are further names under which it is reached.

    `keys` says who checks keys: with `upstream` the digest of the key counts as the account, verified.
    """

    def __init__(self, name: str, *, hosts: Sequence[str] = (), verified: bool = False) -> None:
        if name not in CLOUDS:
            raise ValueError(f"cloud `{name}` is not known; use one of {', '.join(CLOUDS)}")
        self.name = name
        self._verified = verified
        self._hosts = frozenset(host.lower() for host in (*CLOUDS[name].hosts, *hosts))
        self._table = PathTable(tuple(CLOUDS[name].operations))
        self._others = [(other, PathTable(tuple(CLOUDS[other].operations))) for other in CLOUDS if other != name]

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where the one host is another's. See `Adapter.overlooks`."""
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not all(name.islower() for name, _ in headers):
            return False
        return _host(hosts[0]) not in self._hosts

    def guards(self, call: Call) -> bool:
        """Return whether the call may be a guarded operation. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._found(call)
        return call.found[self] is not None

    def _found(self, call: Call) -> _Found | None:
        hosts = call.values(b"host")
        if not any(_host(host) in self._hosts for host in hosts):
            return None
        place = self._table.place(call.raw_path)
        if place.standing in (Standing.VARIANT, Standing.DISGUISED):
            check_variant(call, place.standing)
            return None
        if place.standing is not Standing.EXACT:
            return None if self._is_others(hosts, call.raw_path) else self._unlisted(call)
        operation = operation_of(CLOUDS[self.name].operations[place.pattern], call)
        if operation is None:
            return None
        if call.method == "GET":
            raise RefusedCall(405, "method", "send GraphQL with POST")
        if not operation.ends:
            check_json(call)
        return _Found(operation, dict(place.parts))

    def _is_others(self, hosts: Sequence[bytes], raw_path: bytes) -> bool:
        """Return whether the path is another cloud's, on a host under which several are reached."""
        if any(_host(host) in CLOUDS[self.name].hosts for host in hosts):
            return False
        path = raw_path.decode("latin-1")
        return any(is_harmless(name, path) or not table.elsewhere(raw_path) for name, table in self._others)

    def _unlisted(self, call: Call) -> _Found | None:
        """Return an operation of which only its name is known, for a call that may rent; None for any other."""
        path = call.raw_path.decode("latin-1")
        if is_harmless(self.name, path):
            return None
        check_method(call)
        if adds_nothing(call):
            return None
        if not _PLAIN.fullmatch(call.raw_path):
            raise RefusedCall(400, "target", f"path {shown(path)} may be read in several ways")
        check_json(call)
        name = path.rstrip("/").rpartition("/")[2]
        return _Found(Operation(f"{call.method} {name[:80]}"), {})

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        if not self.guards(call):
            return None
        found: _Found = call.found[self]
        if found.operation.ends:
            return None
        body = Fields(read_json_object(call.body or b"{}"))
        query = read_form(call.query, what="query")
        if set(query) - {"api_key"}:
            raise RefusedCall(400, "query", "parameters of the query are not known here")
        reading = found.operation.read(found.names, body)
        if reading is None:
            return None
        hidden = [*reading.unresolved]
        if found.operation.name != "graphql":
            hidden += [reference("field", path) for path in body.unread(_SENSITIVE)]
        account = _account(call)
        return ProvisioningRequest(
            provider=self.name,
            service="api",
            operation=found.operation.name,
            kind=reading.kind,
            lines=reading.lines,
            certainty=certainty_of(hidden, ranged=reading.ranged),
            unresolved=tuple(dict.fromkeys(hidden)),
            duration_seconds=reading.duration_seconds,
            region=body.text("region_name") or body.text("region"),
            caller=Caller(
                account=account, credential_id=account, verified=self._verified and account is not None, how="api-key"
            ),
            references=reading.references,
            repeats=reading.repeats,
            replaces=reading.replaces,
            fingerprint=digest(
                {"provider": self.name, "account": account, "path": call.raw_path.decode(), "body": dict(body.home)}
            ),
        )

    def ending(self, call: Call) -> Ending | None:
        """Return what a terminate, stop or delete ends, nothing where another method is said. See `Adapter.ending`."""
        try:
            check_method(call)
        except RefusedCall:
            return None
        found: _Found | None = call.found.get(self)
        account = _account(call)
        if found is None or not found.operation.ends or account is None:
            return None
        ids = list(found.names.values())
        if not ids and call.body:
            ids = Fields(read_json_object(call.body)).texts("instance_ids")
        names = tuple(reference(found.operation.ends, id) for id in ids)
        return Ending(provider=self.name, account=account, references=names) if names else None

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as these providers write their errors. Never raises."""
        code, message = _CODES.get(refusal.code, "kyc/unreadable"), message_of(refusal)
        if call.raw_path == b"/graphql":
            document: dict[str, object] = {"errors": [{"message": message, "extensions": {"code": code}}], "data": None}
        else:
            document = {"error": {"code": code, "type": code, "message": message, "suggestion": ""}}
        body = json.dumps(document, ensure_ascii=True).encode("ascii")
        headers = (
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"cache-control", b"no-store"),
        )
        return Answer(status=refusal.status, headers=headers, body=body)

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references."""
        return request.operation in ("launch", "pods.create", "clusters.create", *_WRAPPED)

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return the machines, the pod or the cluster that the answer names."""
        if not (200 <= status < 300 and self.learns(request)):
            return ()
        answer = Fields(read_json_object(body), "answer")
        if request.operation == "launch":
            ids = answer.part("data").texts("instance_ids")
            lines = tuple(type(line)(instance_type=line.instance_type, count=1) for line in request.lines)
            return tuple(Learned(kind="instance", id=id, lines=lines) for id in ids)
        if wrapped := _WRAPPED.get(request.operation):
            kind, home = wrapped
            made = answer.part(home).part("spec").text("id")
            return (Learned(kind=kind, id=made, lines=request.lines),) if made else ()
        kind = "pod" if request.operation == "pods.create" else "cluster"
        id = answer.text("id") or answer.text("cluster_id")
        if id is None:
            return ()
        one = kind == "cluster"  # of which a resize says how many chips it is to have
        lines = tuple(type(line)(model=line.model, count=1 if one else line.count) for line in request.lines)
        return (Learned(kind=kind, id=id, lines=lines),)


def _host(value: bytes) -> str:
    return _PORT.sub("", value.decode("latin-1").lower()).rstrip(".")


def _account(call: Call) -> str | None:
    """Return the digest of the key, in whatever way it is sent."""
    given = call.value(b"authorization")
    found = _KEY.fullmatch(given) if given else None
    if found:
        return key_id(found[1])
    try:
        key = read_form(call.query, what="query").get("api_key")
    except RefusedCall:
        return None
    return key_id(key.encode()) if key else None
