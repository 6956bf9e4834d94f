"""The adapter of Oracle Cloud: which call is guarded, what it asks for, and how it is refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.dispatch import adds_nothing, certainty_of, check_json, check_variant, operation_of
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.form import read_form
from kyc_gate.adapters.head import check_method, is_silent
from kyc_gate.adapters.oci import answers, machines
from kyc_gate.adapters.oci.asked import SENSITIVE, Asked, is_free
from kyc_gate.adapters.oci.harmless import is_harmless
from kyc_gate.adapters.oci.identity import Signer, read_signer
from kyc_gate.adapters.oci.operations import ACTION, SERVICES, STOP, Operation
from kyc_gate.adapters.paths import PathTable, Standing
from kyc_gate.adapters.reading import Reading, declared_operations, declared_place, declared_workload
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.adapters.values import reference, token
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest
from kyc_gate.model.learned import Change, Definition
from kyc_gate.model.record import digest

_PLAIN = re.compile(rb"/(?:[A-Za-z0-9_~@!$&'()*+,=:-][A-Za-z0-9._~@!$&'()*+,=:-]*(?:/|\Z))*")
_HOST = re.compile(
    rf"(?P<service>{'|'.join(SERVICES)})\.(?P<region>[a-z0-9-]+)\.(?:ds\.)?(?:oci\.)?oracle(?:gov)?cloud[0-9]*"
    r"\.(?:com|uk|eu)"
)
"""Hosts of the guarded services in every realm (oci.regions_definitions)."""

_PORT = re.compile(r":[0-9]*\Z")
_CHANGEABLE = frozenset(
    {
        "instance",
        "instance-pool",
        "cluster-network",
        "capacity-reservation",
        "memory-cluster",
        "job",
        "model-deployment",
        "notebook-instance",
        "node-pool",
    }
)
"""Kinds of what may stand for other machines after a call."""

_OTHERS = {b"opc-obo-token": "on-behalf-of", b"x-cross-tenancy-request": "cross-tenancy"}
"""Headers with which a call is made for somebody else than who signed it."""


class _Found(NamedTuple):
    """The operation that a call is, with its service and the names in its path."""

    service: str
    operation: Operation
    names: dict[str, str]


class OCIAdapter:
    """The dialect of Oracle Cloud Infrastructure.

    A call to a host of a guarded service is that service's; on any other host the path tells. `signatures` says who
    checks them: with `upstream` the tenancy that the signature names counts as verified, because the operator states
    that the upstream refuses a wrong one; otherwise it stays a claim. `hosts` are names of the operator's own behind
    which Oracle Cloud answers: elsewhere nothing is learnt, and nothing ends.
    """

    name = "oci"

    def __init__(
        self, *, signatures: Literal["unverified", "upstream"] = "unverified", hosts: tuple[str, ...] = ()
    ) -> None:
        if signatures not in ("unverified", "upstream"):
            raise ValueError(f"signatures `{signatures}` is neither `unverified` nor `upstream`")
        self._verified = signatures == "upstream"
        self._hosts = frozenset(host.lower() for host in hosts)
        self._tables = {service: PathTable(tuple(table)) for service, table in SERVICES.items()}

    # guards

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where nothing says that the call is for Oracle Cloud. See `Adapter.overlooks`."""
        if len(raw_path) > 1024 or not _PLAIN.fullmatch(raw_path) or raw_path.startswith(b"/20"):
            return False
        return is_silent(headers, b"oracle")

    def guards(self, call: Call) -> bool:
        """Return whether the call may be a guarded operation. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._found(call)
        return call.found[self] is not None

    def _found(self, call: Call) -> _Found | None:
        service = _service_of(call)
        for each in SERVICES if service is None else (service,):
            place = self._tables[each].place(call.raw_path)
            if place.standing is Standing.EXACT:
                return _exact(call, each, place.pattern, dict(place.parts))
            if place.standing in (Standing.VARIANT, Standing.DISGUISED):
                check_variant(call, place.standing)
                return None
        if service is None and not any(host in self._hosts for host in _hosts_of(call)):
            return None
        return _unlisted(call, service)

    # read

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        if not self.guards(call):
            return None
        found: _Found = call.found[self]
        if found.operation.ends or found.operation.defines:
            return None
        asked = _asked(call, found)
        reading = found.operation.read(asked)
        if reading is None and not asked.body.unread(SENSITIVE, is_free):
            return None
        return self._request(call, found, asked, reading or asked.unread())

    def _request(self, call: Call, found: _Found, asked: Asked, reading: Reading) -> ProvisioningRequest:
        tags = _tags(asked.body)
        caller = self._caller(read_signer(call))
        hidden = [*reading.unresolved, *_for_others(call, asked, caller)]
        hidden += [reference("field", path) for path in asked.body.unread(SENSITIVE, is_free)]
        meaning = {
            "method": call.method,
            "path": call.raw_path.decode("ascii"),
            "query": dict(asked.query),
            "body": dict(asked.body.home),
        }
        retry = token((call.value(b"opc-retry-token") or b"").decode("latin-1"), "opc-retry-token")
        own = self._is_own(call)
        return ProvisioningRequest(
            provider=self.name,
            service=found.service,
            operation=found.operation.name,
            kind=reading.kind,
            lines=reading.lines,
            certainty=certainty_of(hidden, ranged=reading.ranged),
            unresolved=tuple(dict.fromkeys(hidden)),
            duration_seconds=reading.duration_seconds,
            workload=declared_workload(tags),
            declared_operations=declared_operations(tags),
            region=_region_of(call),
            place_of_use=declared_place(tags),
            caller=caller,
            linkage=_links(asked, caller),
            idempotency_key=f"oci/{caller.account or '-'}/{found.operation.name}/{retry}" if retry else None,
            references=reading.references if own else (),
            repeats=reading.repeats,
            replaces=reading.replaces if own else None,
            fingerprint=digest({"provider": self.name, "account": caller.account, "meaning": meaning}),
        )

    def _caller(self, signer: Signer) -> Caller:
        return Caller(
            account=signer.tenancy,
            principal=signer.principal,
            credential_id=signer.credential_id,
            verified=self._verified and signer.tenancy is not None,
            how="oci-signature-key-id",
        )

    # ending, definition, changes

    def ending(self, call: Call) -> Ending | None:
        """Return what a termination, a stop or a cancellation ends. See `Adapter.ending`."""
        found: _Found | None = call.found.get(self)
        if found is None or not found.operation.ends or not self._is_own(call):
            return None
        signer = read_signer(call)
        if signer.tenancy is None or any(call.values(name) for name in _OTHERS):
            return None
        name = reference(found.operation.ends, found.names.get("id"))
        return Ending(provider=self.name, account=signer.tenancy, references=(name,))

    def definition(self, call: Call) -> Definition | None:
        """Return that the call defines machines; under which name says the answer. See `names_defined`."""
        found: _Found | None = call.found.get(self)
        account = read_signer(call).tenancy
        if found is None or not found.operation.defines:
            return None
        found.operation.read(_asked(call, found))  # what cannot be read one way is refused
        return Definition(provider=self.name, account=account, learned=()) if account else None

    def names_defined(self, call: Call, body: bytes) -> tuple[Learned, ...]:
        """Return the configuration or the job that the upstream's answer to a definition tells of, as the answer says.

        The call itself is not believed: with a token that was used before, the answer is about what was made then.
        """
        found: _Found | None = call.found.get(self)
        if found is None or not found.operation.teaches or not self._is_own(call):
            return ()
        answer = dataclasses.replace(_asked(call, found), body=_answer(body))
        reading = found.operation.read(answer)
        lines = reading.one if reading else ()
        id = answer.body.text("id")
        return (Learned(kind=found.operation.teaches, id=id, lines=lines),) if id and lines else ()

    def changes(self, call: Call) -> Change | None:
        """Return the machines, pools and jobs that the call may change. See `Adapter.changes`."""
        found: _Found | None = call.found.get(self)
        account = read_signer(call).tenancy
        if found is None or account is None:
            return None
        names = [name for name in _changed(call, found) if name.partition(":")[0] in _CHANGEABLE]
        return Change(provider=self.name, account=account, names=tuple(names)) if names else None

    def _is_own(self, call: Call) -> bool:
        """Return whether the call goes to Oracle, or to a name behind which the operator says that Oracle answers."""
        given = list(_hosts_of(call))
        return len(given) == 1 and (given[0] in self._hosts or bool(_HOST.fullmatch(given[0])))

    # refuse, learn

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as Oracle Cloud's services write their errors. Never raises."""
        return answers.refuse(call, refusal)

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references."""
        return request.operation in _TEACHES or request.replaces is not None

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return the machine, the pool, the configuration or the run that the answer names, and what one of it is.

        What a change leaves behind is learnt where the call itself says it all.
        """
        if not (200 <= status < 300 and self.learns(request) and self._is_own(call)):
            return ()
        reading = call.found[self].operation.read(_asked(call, call.found[self]))
        if reading is None or request.certainty is Certainty.UNRESOLVED:
            return ()
        kind = _TEACHES.get(request.operation)
        if kind is not None:
            id = _answer(body).text("id")
        else:
            kind, _, id = (request.replaces or ":").partition(":")
        lines = _one(request, reading, kind)
        return (Learned(kind=kind, id=id, lines=lines),) if id and lines else ()


_TEACHES = {
    operation.name: operation.teaches
    for table in SERVICES.values()
    for methods in table.values()
    for operation in methods.values()
    if operation.teaches and not operation.defines
}
"""The kind of what the answer names, by the operation that starts it."""


def _one(request: ProvisioningRequest, reading: Reading, kind: str) -> tuple[Accelerators, ...]:
    """Return the lines of one of what the call made or changed; of a run, of all of it."""
    if reading.one:
        return reading.one
    if not reading.unresolved:
        return reading.lines
    if kind == "job-run":
        return request.lines
    if request.replaces or any(line.multiplier % request.repeats for line in request.lines):
        return ()  # what is new in it is not what one of it is
    return tuple(replace(line, multiplier=line.multiplier // request.repeats) for line in request.lines)


def _answer(body: bytes) -> Fields:
    return Fields(read_json_object(body, what="answer"), "answer", exact=True)


def _exact(call: Call, service: str, pattern: str, names: dict[str, str]) -> _Found | None:
    operation = operation_of(SERVICES[service][pattern], call)
    if operation is None:
        return None
    if pattern == ACTION and call.method == "POST" and machines.stops(_query(call)):
        operation = STOP
    if not operation.ends:
        check_json(call)
    return _Found(service, operation, names)


def _changed(call: Call, found: _Found) -> tuple[str, ...]:
    """Return the names that may stand for something else afterwards."""
    if found.operation.ends:
        gone = call.method == "DELETE"
        return (reference(found.operation.ends, found.names.get("id")),) if gone else ()
    reading = found.operation.read(_asked(call, found))
    return reading.changed() if reading else ()


def _asked(call: Call, found: _Found) -> Asked:
    document = read_json_object(call.body) if call.body else {}
    body = Fields(document, exact=True)
    return Asked(found.operation.name, found.operation.kind, found.names, _query(call), body)


def _query(call: Call) -> dict[str, str]:
    """Return the parameters of the query. Raises `RefusedCall` 400 for one but the action on a machine."""
    found = read_form(call.query, what="query")
    for name in found:
        if name != "action":
            raise RefusedCall(400, "query", f"query parameter {shown(name)} is not known here")
    return found


def _hosts_of(call: Call) -> Iterator[str]:
    return (_PORT.sub("", host.decode("latin-1").lower()).rstrip(".") for host in call.values(b"host"))


def _service_of(call: Call) -> str | None:
    """Return the service whose host the call has, None for any other; of several hosts one is enough."""
    found = [_HOST.fullmatch(host) for host in _hosts_of(call)]
    return next((each["service"] for each in found if each), None)


def _region_of(call: Call) -> str | None:
    found = [_HOST.fullmatch(host) for host in _hosts_of(call)]
    return next((each["region"] for each in found if each), None)


def _unlisted(call: Call, service: str | None) -> _Found | None:
    """Return an operation of which only its name is known, for a call that may provision; None for any other.

    On a name of the operator's own it is not known which service answers.
    """
    check_method(call)
    if adds_nothing(call):
        return None
    path = call.raw_path.decode("latin-1")
    if not _PLAIN.fullmatch(call.raw_path):
        raise RefusedCall(400, "target", f"path {shown(path)} may be read in several ways")
    if any(is_harmless(each, path) for each in (SERVICES if service is None else (service,))):
        return None
    check_json(call)
    parts = path.split("/")
    names = {"id": parts[3]} if len(parts) > 3 else {}
    return _Found(service or "unknown", Operation(f"{call.method} {parts[-1][:80]}"), names)


def _for_others(call: Call, asked: Asked, caller: Caller) -> Iterator[str]:
    """Yield what says that somebody else than who signed is to have the machines."""
    for name, said in _OTHERS.items():
        if call.values(name):
            yield reference("tenancy", said)
    compartment = asked.body.value("compartmentId")
    is_tenancy = isinstance(compartment, str) and compartment.lower().startswith("ocid1.tenancy.")
    if is_tenancy and str(compartment).lower() != caller.account:
        yield reference("tenancy", compartment)


def _tags(body: Fields) -> tuple[tuple[str, str], ...]:
    value = body.value("freeformTags")
    found = value.items() if isinstance(value, dict) else ()
    return tuple(sorted((name, text) for name, text in found if isinstance(text, str)))


_LINKS = {
    "imageId": "image",
    "subnetId": "subnet",
    "capacityReservationId": "capacity-reservation",
    "computeClusterId": "cluster",
    "projectId": "experiment",
    "compartmentId": "compartment",
}


def _links(asked: Asked, caller: Caller) -> tuple[tuple[str, str], ...]:
    """Return kind and value of what links requests: image, network, reservation, project, and who sends them."""
    found = {("principal", caller.principal)} if caller.principal else set()
    for name, kind in _LINKS.items():
        value = asked.body.value(name)
        if isinstance(value, str) and value:
            found.add((kind, value[:1024]))
    keys = asked.body.part("metadata").value("ssh_authorized_keys")
    if isinstance(keys, str) and keys:
        found.add(("key", digest(keys)))
    return tuple(sorted(found))
