"""The adapter of Nebius: which call is guarded, what it asks for, and how it is refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.bearer import read_bearer
from kyc_gate.adapters.dispatch import certainty_of
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.head import canonical_forms, check_head
from kyc_gate.adapters.nebius import answers, messages
from kyc_gate.adapters.nebius.harmless import is_harmless
from kyc_gate.adapters.nebius.operations import OPERATIONS, Asked, Operation
from kyc_gate.adapters.protobuf import Message, read_frame, read_message
from kyc_gate.adapters.reading import Reading, declared_operations, declared_place, declared_workload
from kyc_gate.adapters.values import reference, token
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest
from kyc_gate.model.learned import Change
from kyc_gate.model.record import digest

_METHOD = re.compile(rb"/(nebius\.[a-z0-9.]+\.[A-Za-z0-9]+/[A-Za-z0-9]+)")
_HOST = re.compile(r"(?:[a-z0-9-]+\.)*api\.nebius\.cloud")
_PORT = re.compile(r":[0-9]*\Z")
_GRPC = re.compile(rb"(?i)application/grpc(?:\+proto)?")
_PLAIN = re.compile(rb"/(?:[A-Za-z0-9_~@!$&'()*+,=:-][A-Za-z0-9._~@!$&'()*+,=:-]*(?:/|\Z))*")
_CHANGEABLE = frozenset({"instance", "node-group"})


class NebiusAdapter:
    """The dialect of Nebius, over gRPC. The path tells what a call is, on whatever host.

    What is made is the project's that the message names; what is changed is the project's under which it was learnt,
    which the gate looks up by its name. `tokens` says who checks them: with `upstream` that project counts as verified,
    because the operator states that the upstream refuses a token that has no rights in it. `hosts` are names of the
    operator's own behind which Nebius answers: elsewhere nothing is learnt, and nothing ends.
    """

    name = "nebius"
    speaks_grpc = True
    owned_by_name = True

    def __init__(self, *, tokens: Literal["unverified", "upstream"] = "unverified", hosts: Sequence[str] = ()) -> None:
        if tokens not in ("unverified", "upstream"):
            raise ValueError(f"tokens `{tokens}` is neither `unverified` nor `upstream`")
        self._verified = tokens == "upstream"
        self._hosts = frozenset(host.lower() for host in hosts)

    # guards

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where nothing says that the call is for Nebius. See `Adapter.overlooks`."""
        if len(raw_path) > 1024 or not _PLAIN.fullmatch(raw_path) or b"nebius" in raw_path.lower():
            return False
        return not any(b"nebius" in value.lower() for name, value in headers if name.lower() == b"host")

    def guards(self, call: Call) -> bool:
        """Return whether the call may be a guarded operation. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._found(call)
        return call.found[self] is not None

    def _found(self, call: Call) -> Operation | None:
        found = _METHOD.fullmatch(call.raw_path)
        if found is None:
            disguised = any(form.lstrip("/").startswith("nebius.") for form in canonical_forms(call.raw_path))
            if disguised or any(_HOST.fullmatch(host) for host in _hosts_of(call)):
                raise RefusedCall(400, "target", f"path {shown(call.raw_path)} is not a method of a service of Nebius")
            return None
        method = found[1].decode("ascii")
        operation = OPERATIONS.get(method)
        if operation is None and is_harmless(method):
            return None
        _check(call)
        return operation or Operation(method.removeprefix("nebius.")[:120])

    # read

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        if not self.guards(call):
            return None
        operation: Operation = call.found[self]
        message = _message(call, operation)
        if operation.ends:
            return None
        asked = _asked(operation, message)
        reading = operation.read(asked)
        return None if reading is None else self._request(call, operation, asked, reading, message)

    def _request(
        self, call: Call, operation: Operation, asked: Asked, reading: Reading, message: Message
    ) -> ProvisioningRequest:
        labels = _labels(asked.body)
        caller = self._caller(call, operation, asked)
        hidden = [*reading.unresolved]
        if operation.table:
            hidden += [reference("field", place) for place in message.unknown]
        key = token((call.value(b"x-idempotency-key") or b"").decode("latin-1"), "x-idempotency-key")
        own = self._is_own(call)
        # Not the token's: two tokens of one person share the answers that the upstream gives to a key.
        whose = caller.account or reading.replaces or caller.credential_id or "-"
        body = read_frame(call.body or b"")
        return ProvisioningRequest(
            provider=self.name,
            service=operation.name.partition(".")[0],
            operation=operation.name,
            kind=reading.kind,
            lines=reading.lines,
            certainty=certainty_of(hidden, ranged=reading.ranged),
            unresolved=tuple(dict.fromkeys(hidden)),
            duration_seconds=reading.duration_seconds,
            workload=declared_workload(labels),
            declared_operations=declared_operations(labels),
            place_of_use=declared_place(labels),
            caller=caller,
            linkage=_links(asked),
            idempotency_key=f"nebius/{whose}/{operation.name}/{key}" if key else None,
            references=reading.references if own else (),
            repeats=reading.repeats,
            replaces=reading.replaces if own else None,
            dry_run=asked.body.flag("dry_run"),
            fingerprint=digest(
                {"provider": self.name, "method": call.raw_path.decode(), "message": body.hex(), "mask": _mask(call)}
            ),
        )

    def _caller(self, call: Call, operation: Operation, asked: Asked) -> Caller:
        bearer = read_bearer(call)
        project = asked.body.part("metadata").text("parent_id") if operation.name.endswith(".create") else None
        return Caller(
            account=project,
            principal=bearer.claim("sub") if bearer else None,
            credential_id=bearer.id if bearer else None,
            verified=self._verified and bearer is not None,
            how="project-of-resource",
        )

    # ending, changes

    def ending(self, call: Call) -> Ending | None:
        """Return what a stop, a cancellation or a delete ends, in whichever project it was learnt."""
        operation: Operation | None = call.found.get(self)
        if operation is None or not operation.ends or not self._is_own(call):
            return None
        name = _asked(operation, _message(call, operation)).named(operation.ends)
        return Ending(provider=self.name, account="", references=(name,))

    def changes(self, call: Call) -> Change | None:
        """Return the machine or the group of nodes that the call may change, in whichever project it was learnt."""
        operation: Operation | None = call.found.get(self)
        if operation is None or operation.ends:
            return None
        reading = operation.read(_asked(operation, _message(call, operation)))
        names = [name for name in reading.changed() if name.partition(":")[0] in _CHANGEABLE] if reading else []
        return Change(provider=self.name, account="", names=tuple(names)) if names else None

    def _is_own(self, call: Call) -> bool:
        """Return whether the call goes to Nebius, or to a name behind which the operator says that Nebius answers."""
        given = list(_hosts_of(call))
        return len(given) == 1 and (given[0] in self._hosts or bool(_HOST.fullmatch(given[0])))

    # refuse, learn

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as a gRPC status. Never raises."""
        return answers.refuse(refusal)

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references."""
        return request.operation in _TEACHES or request.replaces is not None

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return what the operation that the answer tells of makes, and what one of it is."""
        if not (200 <= status < 300 and self._is_own(call)) or request.certainty is Certainty.UNRESOLVED:
            return ()
        operation: Operation = call.found[self]
        reading = operation.read(_asked(operation, _message(call, operation)))
        kind = operation.teaches
        id = _made(body) if kind else None
        if request.replaces and not kind:
            kind, _, id = request.replaces.partition(":")
        lines = _one(reading)
        return (Learned(kind=kind, id=id, lines=lines),) if kind and id and lines else ()


_TEACHES = frozenset(operation.name for operation in OPERATIONS.values() if operation.teaches)


def _one(reading: Reading | None) -> tuple[Accelerators, ...]:
    """Return the lines of one of what a call made or changed, where the call itself says so."""
    if reading is None or reading.unresolved:
        return ()
    return reading.one or reading.lines


def _made(body: bytes) -> str | None:
    """Return the identifier of what an operation makes, from the answer's message, framed or not."""
    with contextlib.suppress(RefusedCall):
        body = read_frame(body)
    id = read_message(body, messages.OPERATION, what="answer").fields.get("resource_id")
    return id if isinstance(id, str) and id else None


def _check(call: Call) -> None:
    """Refuse (400, 405, 415) a head that may be read two ways, and whatever is not one plain gRPC call."""
    check_head(call)
    if call.method != "POST":
        raise RefusedCall(405, "method", f"method {call.method} is not gRPC's; use POST")
    kind = call.value(b"content-type") or b""
    if not _GRPC.fullmatch(kind):
        raise RefusedCall(415, "content-type", f"Content-Type {shown(kind)} is not accepted here; use gRPC")
    if call.query:
        raise RefusedCall(400, "query", "a gRPC call has no query")


def _message(call: Call, operation: Operation) -> Message:
    return read_message(read_frame(call.body or b""), operation.table)


def _asked(operation: Operation, message: Message) -> Asked:
    return Asked(operation.name, operation.kind, Fields(message.fields, "message", exact=True))


def _hosts_of(call: Call) -> Iterator[str]:
    return (_PORT.sub("", host.decode("latin-1").lower()).rstrip(".") for host in call.values(b"host"))


def _mask(call: Call) -> str:
    """Return which fields an update sets to nothing where it leaves them out."""
    return (call.value(b"x-resetmask") or b"").decode("latin-1")


def _labels(body: Fields) -> tuple[tuple[str, str], ...]:
    """Return what customers declare in labels, spelled as declarations are: labels hold no colon."""
    found = set()
    for each in body.part("metadata").parts("labels"):
        name, value = each.text("key") or "", each.text("value")
        if name.startswith("kyc-") and value:
            found.add((name.replace("kyc-", "kyc:", 1), value))
    return tuple(sorted(found))


def _links(asked: Asked) -> tuple[tuple[str, str], ...]:
    """Return kind and value of what links requests: the image, the network of machines, reservations."""
    spec = asked.body.part("spec")
    found = {("image", spec.text("image")), ("cluster", spec.part("gpu_cluster").text("id"))}
    found |= {("capacity-reservation", each) for each in spec.part("reservation_policy").texts("reservation_ids")}
    return tuple(sorted((kind, value[:1024]) for kind, value in found if value))
