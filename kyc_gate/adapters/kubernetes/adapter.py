"""Calls to the API server, where no webhook asks: creations, changes and scales, guarded before they are sent.

A client hook or the gateway stands before the API server and sees what a client sends. A webhook sees more, since it
is asked with the object before and after; where you can install one, do.
"""

from __future__ import annotations

import json
import re

from msgspec.structs import replace

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.dispatch import adds_nothing
from kyc_gate.adapters.head import check_method
from kyc_gate.adapters.kubernetes.answers import message_of, status_of
from kyc_gate.adapters.kubernetes.call import (
    APPLY,
    JSON,
    JSON_PATCH,
    PAUSES,
    REPLICAS,
    Target,
    content_type_of,
    is_dry_run,
    is_proxied,
    nested,
    object_of,
    significant,
    takes,
    target_of,
    touched_by,
)
from kyc_gate.adapters.kubernetes.counts import amounts_of, as_lines
from kyc_gate.adapters.kubernetes.demand import Demand, lines_of
from kyc_gate.adapters.kubernetes.fields import Object, part, text
from kyc_gate.adapters.kubernetes.objects import UNCOUNTED, read_demand
from kyc_gate.adapters.kubernetes.pauses import paused
from kyc_gate.adapters.kubernetes.request import PROVIDER, Asked, caller_of, meaning_of, request_of
from kyc_gate.adapters.kubernetes.review import SHORT_GRACE, Review, grace_of, kept
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.strict_json import JsonValue, read_json_object
from kyc_gate.adapters.values import count, reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Accelerators, ProvisioningRequest, RequestKind
from kyc_gate.model.learned import Change, Definition

_PORT = re.compile(r":[0-9]*\Z")
_WRITES = ("POST", "PUT", "PATCH")
_STARTING = ("", "scale", "ephemeralcontainers")
"""Parts of an object by which more of it runs: the others bind, evict or report what is there."""


class KubernetesAdapter:
    """The dialect of one cluster's API server, on the hosts that the settings name."""

    name = PROVIDER

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._hosts = frozenset(host.lower() for host in settings.hosts)

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where the one host is another's. See `Adapter.overlooks`."""
        hosts = [value for name, value in headers if name == b"host"]
        return len(hosts) == 1 and all(name.islower() for name, _ in headers) and not self._is_mine(hosts[0])

    def _is_mine(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        return name in self._hosts or _PORT.sub("", name).rstrip(".") in self._hosts

    def guards(self, call: Call) -> bool:
        """Return whether the call may start something, or end what runs. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._found(call)
        return call.found[self] is not None

    def _found(self, call: Call) -> Target | None:
        if not any(self._is_mine(host) for host in call.values(b"host")):
            return None
        target = target_of(call.raw_path)
        if target is None:
            if adds_nothing(call) or is_proxied(call.raw_path):
                return None
            raise RefusedCall(400, "target", f"path {shown(call.raw_path)} names no resource of the API server")
        check_method(call)
        if call.method == "DELETE":
            return target if target.name and not target.sub else None
        if call.method not in _WRITES or target.sub not in _STARTING or target.kind.name in UNCOUNTED:
            return None
        content_type_of(call)
        return target

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        if not self.guards(call) or call.method == "DELETE":
            return None
        target: Target = call.found[self]
        kind = content_type_of(call)
        if target.sub == "scale":
            return self._scaled(call, target, kind)
        if call.method == "PATCH":
            return self._patched(call, target, kind)
        document = object_of(call.body or b"", target)
        demand = self._demand(target, document)
        if _nothing(demand) or paused(*target.kind.name, part(document, "spec")):
            return None
        return self._created(call, target, document, demand)

    def _demand(self, target: Target, document: Object) -> Demand:
        """Return what the object asks for, nothing where it is counted elsewhere."""
        elsewhere = target.kind.counted not in (None, self._settings.charge)
        found = read_demand(target.kind, document, target.namespace, self._settings)
        return Demand() if elsewhere or not found.charged else found

    def _created(self, call: Call, target: Target, document: Object, demand: Demand) -> ProvisioningRequest:
        """Return the request for a whole object. It has the fingerprint that the webhook's request has for it."""
        review = self._review(call, target, document)
        unresolved = [*demand.unresolved, *(name for name, _ in demand.references)]
        if kept(document) or grace_of(replace(review, old=document)) > SHORT_GRACE:
            unresolved.append(reference("object", "stays after its deletion"))
        amounts = amounts_of(demand.lines)
        kind = ".".join(filter(None, (target.kind.kind, target.kind.group)))
        meaning: JsonValue = {
            "object": meaning_of(document, kind),
            "asks": {**amounts},
            "unresolved": [*unresolved],
            "seconds": demand.seconds,
        }
        asked = Asked(
            kind=RequestKind.SUBMIT if "Job" in target.kind.kind else RequestKind.CREATE,
            lines=as_lines(amounts),
            unresolved=tuple(dict.fromkeys(unresolved)),
            seconds=demand.seconds,
            ranged=demand.ranged,
            meaning=meaning,
        )
        return self._request(review, asked, target, changes=call.method != "POST")

    def _scaled(self, call: Call, target: Target, kind: str) -> ProvisioningRequest | None:
        """Return what a number of replicas asks for: only what goes beyond those that run is new."""
        touched = touched_by(call.body or b"", kind) if call.method == "PATCH" else None
        document = object_of_scale(call.body or b"") if touched is None else nested(touched)
        asked = part(document, "spec").get("replicas")
        replicas = count(0 if asked is None else asked, "spec.replicas", least=0)
        return self._resized(call, target, replicas) if replicas else None

    def _resized(self, call: Call, target: Target, replicas: int) -> ProvisioningRequest:
        name = target.named(target.name)
        asked = Asked(
            kind=RequestKind.SCALE,
            unresolved=(reference("k8s-replica", name),),
            meaning={"scale": name, "replicas": replicas},
        )
        return replace(self._request(self._review(call, target, None), asked, target, changes=True), repeats=replicas)

    def _patched(self, call: Call, target: Target, kind: str) -> ProvisioningRequest | None:
        """Return what a patch adds: replicas, the release of what waits, or what nobody can tell without the object."""
        applied = kind == APPLY
        if applied:
            object_of(call.body or b"", target)
        touched = significant(touched_by(call.body or b"", kind))
        if not touched and not applied:
            return None
        known = target.kind.counted is not None
        if not known:
            found = read_demand(target.kind, nested(touched), target.namespace, self._settings)
            if _nothing(found) and not (kind == JSON_PATCH and takes(touched)):
                return None
        elif target.kind.counted != self._settings.charge:
            return None
        # An apply also takes away what its manager applied before and leaves out now.
        if known and not applied and set(touched) <= PAUSES:
            if all(value is (path[-1] != "active") for path, value in touched.items()):
                return None
            return self._released(call, target)
        if known and not applied and set(touched) == {REPLICAS}:
            return self._resized(call, target, count(touched[REPLICAS], "spec.replicas", least=0))
        asked = Asked(
            kind=RequestKind.RESIZE,
            unresolved=(reference("patch", target.named(target.name)),),
            meaning={"patch": target.named(target.name), "sets": {".".join(path): touched[path] for path in touched}},
        )
        return self._request(self._review(call, target, None), asked, target, changes=True)

    def _released(self, call: Call, target: Target) -> ProvisioningRequest:
        name = target.named(target.name)
        asked = Asked(kind=RequestKind.START, unresolved=(reference("k8s-object", name),), meaning={"release": name})
        return self._request(self._review(call, target, None), asked, target, changes=True)

    def _request(self, review: Review, asked: Asked, target: Target, *, changes: bool) -> ProvisioningRequest:
        found = request_of(review, asked, self._settings)
        name = review.name or text(part(review.document or {}, "metadata"), "name")
        names = (reference("k8s-object", target.named(name)),) if name else ()
        return replace(found, idempotency_key=None, references=names, replaces=names[0] if changes and names else None)

    def _review(self, call: Call, target: Target, document: Object | None) -> Review:
        """Return the call as a review of it would be, without what only the API server knows."""
        return Review(
            uid="",
            operation="CREATE" if call.method == "POST" else "UPDATE",
            kind=target.kind,
            resource=target.resource,
            subresource=target.sub,
            namespace=target.namespace,
            name=target.name,
            user="",
            groups=(),
            document=document,
            old=None,
            dry_run=is_dry_run(call),
            orphans=False,
            grace=None,
        )

    def definition(self, call: Call) -> Definition | None:
        """Return what an object that waits would start, so that its release can be counted."""
        target: Target | None = call.found.get(self)
        whole = call.method in ("POST", "PUT")
        if target is None or target.sub or not whole or content_type_of(call) != JSON or is_dry_run(call):
            return None
        document = object_of(call.body or b"", target)
        demand = self._demand(target, document)
        name = target.name or text(part(document, "metadata"), "name")
        if _nothing(demand) or not name or not paused(*target.kind.name, part(document, "spec")):
            return None
        account = caller_of(self._review(call, target, document), self._settings).account
        return Definition(provider=self.name, account=account or "", learned=_taught(target, name, demand))

    def changes(self, call: Call) -> Change | None:
        """Return the names of an object that a call makes, writes over, or changes in a way that is not told."""
        target: Target | None = call.found.get(self)
        if target is None or target.sub or call.method not in _WRITES or target.kind.counted is None:
            return None
        kind = content_type_of(call)
        if call.method == "PATCH" and kind != APPLY:
            touched = set(significant(touched_by(call.body or b"", kind)))
            if touched <= {*PAUSES, REPLICAS}:
                return None
        made = object_of(call.body or b"", target) if not target.name else {}
        name = target.name or text(part(made, "metadata"), "name")
        account = caller_of(self._review(call, target, None), self._settings).account
        names = tuple(reference(each, target.named(name)) for each in ("k8s-object", "k8s-replica") if name)
        return Change(provider=self.name, account=account or "", names=names)

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the answer to this request may define references: a name that the API server made up."""
        return not request.dry_run

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return what the object that the API server keeps stands for, whole and for one replica more."""
        if not 200 <= status < 300 or not self.guards(call):
            return ()
        target: Target = call.found[self]
        if target.sub or call.method == "PATCH":
            return ()
        name = target.name or text(part(read_json_object(body, what="answer"), "metadata"), "name")
        return _taught(target, name, self._demand(target, object_of(call.body or b"", target))) if name else ()

    def ending(self, call: Call) -> Ending | None:
        """Return the object that a deletion ends, unless what it made is to stay. See `Adapter.ending`."""
        target: Target | None = call.found.get(self)
        if target is None or call.method != "DELETE" or is_dry_run(call):
            return None
        options = read_json_object(call.body) if call.body else {}
        told = f"{call.query.decode('latin-1')} {json.dumps(options, default=str)}".lower()
        if "orphan" in told or "graceperiodseconds" in told:
            return None
        account = caller_of(self._review(call, target, None), self._settings).account
        names = (reference("k8s-object", target.named(target.name)),)
        return Ending(provider=self.name, account=account, references=names) if account else None

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as a `Status`, as the API server answers. Never raises."""
        document = {"kind": "Status", "apiVersion": "v1", **status_of(refusal, f"kyc-gate: {message_of(refusal)}")}
        body = json.dumps(document, ensure_ascii=True).encode("ascii")
        headers = (
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"cache-control", b"no-store"),
        )
        return Answer(status=int(str(document["code"])), headers=headers, body=body)


def object_of_scale(body: bytes) -> Object:
    """Return a `Scale`, whose kind is none of the path's."""
    return read_json_object(body)


def _nothing(demand: Demand) -> bool:
    """Return whether nothing is asked for, as far as anybody can tell."""
    return not (demand.lines or demand.unresolved or demand.references)


def _taught(target: Target, name: str, demand: Demand) -> tuple[Learned, ...]:
    """Return what an object's name stands for; nothing where it does not say all."""
    if demand.unresolved or demand.references:
        return ()
    whole: tuple[Accelerators, ...] = as_lines(amounts_of(demand.lines))
    found = [Learned(kind="k8s-object", id=target.named(name), lines=whole)]
    if demand.replica is not None:
        one = as_lines(amounts_of(lines_of(demand.replica)))
        found.append(Learned(kind="k8s-replica", id=target.named(name), lines=one))
    return tuple(found)
