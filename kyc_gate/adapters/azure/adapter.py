"""The Azure adapter: which call is guarded, what it asks for, and how it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.azure import answers
from kyc_gate.adapters.azure.asked import LEARNT, SENSITIVE, Asked, is_free
from kyc_gate.adapters.azure.harmless import is_harmless
from kyc_gate.adapters.azure.operations import OPERATIONS, Operation
from kyc_gate.adapters.azure.templates import read_deployment
from kyc_gate.adapters.bearer import read_bearer
from kyc_gate.adapters.dispatch import adds_nothing, certainty_of, check_json, check_variant, operation_of
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.form import read_form
from kyc_gate.adapters.head import canonical_forms, canonical_path, check_method, is_silent
from kyc_gate.adapters.paths import PathTable, Standing
from kyc_gate.adapters.reading import Reading, declared_operations, declared_place, declared_workload
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.adapters.values import reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Caller, Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.learned import Change
from kyc_gate.model.record import digest

_PLAIN = re.compile(rb"/(?:[A-Za-z0-9_~@!$&'()*+,=:-][A-Za-z0-9._~@!$&'()*+,=:-]*(?:/|\Z))*")
_HOST = re.compile(
    r"(?:[a-z0-9-]+\.)?management\.(?:azure\.com|usgovcloudapi\.net|chinacloudapi\.cn|microsoftazure\.de)"
)
_PORT = re.compile(r":[0-9]*\Z")
_VERSION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(?:-preview|-privatepreview|-beta)?")
_PARAMETERS = frozenset({"api-version", "forcedeletion", "hibernate", "skipshutdown", "ignore-pod-disruption-budget"})
_SETS = frozenset({"scale-set", "capacity-reservation", "ml-compute", "ml-deployment", "node-pool"})
"""Kinds of which one machine is learnt; of the others the whole is."""


class _Found(NamedTuple):
    """The operation that a call is, with the names in its path, in lower case."""

    operation: Operation
    names: dict[str, str]


class AzureAdapter:
    """The dialect of Azure Resource Manager.

    A call to a host of the Resource Manager is guarded; on any other host the path tells. `tokens` says who checks
    them: with `upstream` the subscription in the path counts as verified, because the operator states that the upstream
    refuses a token that has no rights in it; otherwise it stays a claim. `hosts` are names of the operator's own behind
    which the Resource Manager answers: elsewhere nothing is learnt, and nothing ends.
    """

    name = "azure"

    def __init__(
        self, *, tokens: Literal["unverified", "upstream"] = "unverified", hosts: tuple[str, ...] = ()
    ) -> None:
        if tokens not in ("unverified", "upstream"):
            raise ValueError(f"tokens `{tokens}` is neither `unverified` nor `upstream`")
        self._verified = tokens == "upstream"
        self._hosts = frozenset(host.lower() for host in hosts)
        self._table = PathTable(tuple(OPERATIONS))

    # guards

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where nothing says that the call is for Azure. See `Adapter.overlooks`."""
        if len(raw_path) > 1024 or not _PLAIN.fullmatch(raw_path):
            return False
        lowered = raw_path.lower()
        if b"/subscriptions/" in lowered or b"/providers/" in lowered or lowered.startswith(b"/batch"):
            return False
        return is_silent(headers, b"management.")

    def guards(self, call: Call) -> bool:
        """Return whether the call may be a guarded operation. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._found(call)
        return call.found[self] is not None

    def _found(self, call: Call) -> _Found | None:
        known = _is_azure(call)
        if known and call.raw_path.lower().rstrip(b"/") == b"/batch" and call.method == "POST":
            raise RefusedCall(400, "protocol", "calls packed into one are not accepted here; send each by itself")
        place = self._table.place(call.raw_path.lower())
        if place.standing is Standing.EXACT:
            return self._exact(call, place.pattern, dict(place.parts))
        if place.standing in (Standing.VARIANT, Standing.DISGUISED):
            check_variant(call, place.standing)
            return None
        return _unlisted(call) if known else None

    def _exact(self, call: Call, pattern: str, names: dict[str, str]) -> _Found | None:
        operation = operation_of(OPERATIONS[pattern], call)
        if operation is None:
            return None
        if not operation.ends:
            check_json(call, patches=True)
        return _Found(operation, names)

    # read

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        if not self.guards(call):
            return None
        found: _Found = call.found[self]
        if found.operation.ends:
            return None
        asked = _asked(call, found)
        reading = found.operation.read(asked)
        if reading is None or (found.operation.read is read_deployment and not (reading.lines or reading.unresolved)):
            return None
        return self._request(call, found, asked, reading)

    def _request(self, call: Call, found: _Found, asked: Asked, reading: Reading) -> ProvisioningRequest:
        tags = _tags(asked.body)
        caller = self._caller(call, found.names)
        hidden = [*reading.unresolved]
        if found.operation.read is not read_deployment:  # there each resource is looked at by itself
            hidden += [reference("field", path) for path in asked.body.unread(SENSITIVE, is_free)]
        meaning = {"method": call.method, "path": call.raw_path.lower().decode("ascii"), "body": dict(asked.body.home)}
        service = found.operation.name.partition(".")[0]
        return ProvisioningRequest(
            provider=self.name,
            service=service,
            operation=found.operation.name,
            kind=reading.kind,
            lines=reading.lines,
            certainty=certainty_of(hidden, ranged=reading.ranged),
            unresolved=tuple(dict.fromkeys(hidden)),
            duration_seconds=reading.duration_seconds,
            workload=declared_workload(tags),
            declared_operations=declared_operations(tags),
            region=_location(asked.body),
            place_of_use=declared_place(tags),
            caller=caller,
            linkage=_links(asked, caller),
            references=reading.references if self._is_own(call) else (),
            repeats=reading.repeats,
            replaces=reading.replaces if self._is_own(call) else None,
            fingerprint=digest({"provider": self.name, "meaning": meaning}),
        )

    def _caller(self, call: Call, names: dict[str, str]) -> Caller:
        bearer = read_bearer(call)
        subscription = names.get("subscription")
        return Caller(
            account=subscription,
            principal=bearer.claim("upn", "oid", "appid", "azp") if bearer else None,
            credential_id=bearer.id if bearer else None,
            verified=self._verified and subscription is not None and bearer is not None,
            how="subscription-in-path",
        )

    # ending

    def ending(self, call: Call) -> Ending | None:
        """Return what a delete, deallocate, stop or cancel ends. See `Adapter.ending`."""
        found: _Found | None = call.found.get(self)
        if found is None or not found.operation.ends or not self._is_own(call):
            return None
        return Ending(provider=self.name, account=found.names["subscription"], references=(_ended(call, found),))

    # changes

    def changes(self, call: Call) -> Change | None:
        """Return the machines, sets, pools and clusters that the call may change. See `Adapter.changes`."""
        found: _Found | None = call.found.get(self)
        if found is None:
            return None
        names = [name for name in _changed(call, found) if name.partition(":")[0] in LEARNT]
        account = found.names.get("subscription", "")
        return Change(provider=self.name, account=account, names=tuple(names)) if names else None

    def _is_own(self, call: Call) -> bool:
        """Return whether the call goes to Azure, or to a name behind which the operator says that Azure answers."""
        given = list(_hosts_of(call))
        return len(given) == 1 and (given[0] in self._hosts or bool(_HOST.fullmatch(given[0])))

    # refuse, learn

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as Azure Resource Manager writes its errors. Never raises."""
        return answers.refuse(call, refusal)

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references."""
        return request.replaces is not None

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return what one machine of what the call made is, where the call itself says so; else what is known stays.

        What could not be resolved when it was made is not known afterwards either.
        """
        if not (200 <= status < 300) or request.replaces is None or not self._is_own(call):
            return ()
        kind, _, id = request.replaces.partition(":")
        reading = _reading(call, call.found[self])
        if reading is None or reading.unresolved or request.certainty is Certainty.UNRESOLVED:
            return ()
        lines = tuple(replace(line, count=1) for line in reading.lines) if kind in _SETS else reading.lines
        return (Learned(kind=kind, id=id, lines=reading.one or lines),)


def _reading(call: Call, found: _Found) -> Reading | None:
    return found.operation.read(_asked(call, found))


def _changed(call: Call, found: _Found) -> tuple[str, ...]:
    """Return the names that may stand for something else afterwards."""
    if found.operation.ends:
        return (_ended(call, found),) if found.operation.name.endswith(".delete") else ()
    reading = _reading(call, found)
    return reading.changed() if reading else ()


def _ended(call: Call, found: _Found) -> str:
    """Return the name of what the call ends."""
    asked = Asked(found.operation.name, found.operation.kind, call.method, found.names, Fields({}))
    return asked.named(found.operation.ends or "")


def _hosts_of(call: Call) -> Iterator[str]:
    return (_PORT.sub("", host.decode("latin-1").lower()).rstrip(".") for host in call.values(b"host"))


def _is_azure(call: Call) -> bool:
    """Return whether any of the call's hosts is Azure's: a call with several is refused, not overlooked."""
    return any(_HOST.fullmatch(host) for host in _hosts_of(call))


def _asked(call: Call, found: _Found) -> Asked:
    _check_query(call)
    document = read_json_object(call.body) if call.body else {}
    return Asked(found.operation.name, found.operation.kind, call.method, found.names, Fields(document, any_case=True))


def _check_query(call: Call) -> None:
    """Refuse (400) parameters that are not known, and a version that is no date."""
    given = {name.lower(): value for name, value in read_form(call.query, what="query").items()}
    for name in given:
        if name not in _PARAMETERS:
            raise RefusedCall(400, "query", f"query parameter {shown(name)} is not known here")
    version = given.get("api-version")
    if version is not None and not _VERSION.fullmatch(version.lower()):
        raise RefusedCall(400, "query", f"api-version {shown(version)} is not a version such as `2026-04-01`")


def _unlisted(call: Call) -> _Found | None:
    """Return an operation of which only its name is known, for a call that may provision; None for any other."""
    check_method(call)
    if adds_nothing(call):
        return None
    path = canonical_path(call.raw_path)
    if not _PLAIN.fullmatch(call.raw_path) and (b"%" not in call.raw_path or "/providers/microsoft." not in path):
        raise RefusedCall(400, "target", f"path {shown(call.raw_path)} may be read in several ways")
    if all(is_harmless(form) for form in (path, *canonical_forms(call.raw_path))):
        return None
    check_json(call, patches=True)
    parts = path.split("/")
    names = {}
    for home, name in (("subscriptions", "subscription"), ("resourcegroups", "group")):
        if home in parts[:-1]:
            names[name] = parts[parts.index(home) + 1]
    provider = path.rpartition("/providers/")[2].split("/")
    return _Found(Operation(f"{'/'.join(provider[:2])}.{call.method.lower()}"[:120], RequestKind.CREATE), names)


def _tags(body: Fields) -> tuple[tuple[str, str], ...]:
    """Return the tags of the resource, and those of a job."""
    found = set()
    for home in (body, body.part("properties")):
        value = home.value("tags")  # names are free
        if isinstance(value, dict):
            found |= {(name, text) for name, text in value.items() if isinstance(text, str)}
    return tuple(sorted(found))


def _location(body: Fields) -> str | None:
    value = body.value("location")
    return value.lower().replace(" ", "")[:60] if isinstance(value, str) and value.isascii() and value else None


_LINKS = {
    "environmentid": "image",
    "codeid": "code",
    "computeid": "compute",
    "experimentname": "experiment",
}


def _links(asked: Asked, caller: Caller) -> tuple[tuple[str, str], ...]:
    """Return kind and value of what links requests: images, code and experiments of jobs, and who sends them."""
    found = {("principal", caller.principal)} if caller.principal else set()
    properties = asked.body.part("properties")
    for name in ("environmentId", "codeId", "experimentName", "computeId"):
        value = properties.value(name)
        if isinstance(value, str) and value:
            found.add((_LINKS[name.lower()], value[:1024]))
    return tuple(sorted(found))
