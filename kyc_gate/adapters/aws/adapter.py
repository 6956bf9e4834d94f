"""The AWS adapter: which call is guarded, what it asks for, and how it is refused."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import parse_qsl

from msgspec.structs import replace

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.aws import answers, documents, ec2
from kyc_gate.adapters.aws.endings import ended, ends, path_operation, started, started_at_path
from kyc_gate.adapters.aws.identity import (
    SERVICES,
    Credential,
    account_of,
    read_credential,
    service_of_host,
    service_of_target,
)
from kyc_gate.adapters.aws.operations import AUTOSCALING, EC2, REST, is_harmless
from kyc_gate.adapters.form import MAX_ESCAPES, MAX_FIELDS, read_form
from kyc_gate.adapters.head import canonical_forms, check_head, has_body, query_names
from kyc_gate.adapters.paths import MOST_REMEMBERED, PathTable, Standing
from kyc_gate.adapters.reading import Reading, declared_operations, declared_place, declared_workload
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest
from kyc_gate.model.record import digest

_TARGET = re.compile(rb"(?:SageMaker|AWSParallelComputingService)\.([A-Z][A-Za-z0-9]{1,80})")
_OPERATION = re.compile(r"[A-Z][A-Za-z0-9]{1,80}")
_FORM = re.compile(rb"(?i)application/x-www-form-urlencoded(?:\s*;\s*charset=\"?utf-8\"?)?")
_JSON = re.compile(rb"(?i)application/(?:x-amz-json-1\.[01]|json)(?:\s*;\s*charset=\"?utf-8\"?)?")
_HOST_PORT = re.compile(r":[0-9]*\Z")
_DATE_HOUR = re.compile(rb"[0-9]{8}T[0-9]{2}")
_INVOCATION = re.compile(rb"[0-9A-Za-z-]{8,64}")
_WORD = re.compile(r"[A-Za-z0-9]+")

_TELLING = frozenset({b"host", b"authorization", b"x-amz-target"})
"""Headers that say for which service a call is."""

_LONGEST_HOST = 256

VERIFIED_BY_SIGNATURE = "signature"
"""How the caller is known where the gate itself checked the signature with its own copy of the secret."""

_TEACHING = frozenset(
    {
        "RunInstances",
        "CreateFleet",
        "RequestSpotFleet",
        "SubmitJob",
        "SubmitServiceJob",
        "ModifyInstanceAttribute",
        "CreateNotebookInstance",
        "UpdateNotebookInstance",
    }
)


class AWSAdapter:
    """The dialect of AWS.

    A call signed for a guarded service is guarded whatever its host. `hosts` are patterns (`*.amazonaws.com`, ports
    aside) of hosts that speak AWS, where calls without a signature are judged by their parameters, too.
    `signatures` says who checks them: with `upstream` the account named by the access key counts as verified, because
    the operator states that the upstream refuses a call whose signature is wrong; otherwise it stays a claim.
    `asked_hosts` are names of the operator's own, behind which AWS answers.
    """

    name = "aws"

    def __init__(
        self,
        *,
        hosts: Sequence[str] = ("*",),
        signatures: Literal["unverified", "upstream"] = "unverified",
        asked_hosts: Sequence[str] = (),
    ) -> None:
        if signatures not in ("unverified", "upstream"):
            raise ValueError(f"signatures `{signatures}` is neither `unverified` nor `upstream`")
        if not hosts:
            raise ValueError("no host speaks AWS; name one such as `*.amazonaws.com`")
        self._elsewheres: set[bytes] = set()
        self._asked_hosts = frozenset(host.lower() for host in asked_hosts)
        self._verified = signatures == "upstream"
        self._hosts = re.compile("|".join(fnmatch.translate(host.lower()) for host in hosts))
        self._paths = {service: PathTable(tuple(paths)) for service, paths in REST.items()}

    # guards

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where nothing says that the call is for AWS. See `Adapter.overlooks`."""
        if query or raw_path in (b"/", b""):
            return False
        for name, value in headers:
            if name in _TELLING:
                if name == b"host":
                    if not self._elsewhere(value):
                        return False
                elif name == b"x-amz-target" or value.lstrip()[:5].upper() == b"AWS4-":
                    return False
            elif not name.islower():
                return False
        return True

    def _elsewhere(self, host: bytes) -> bool:
        """Return whether the host is none of AWS; those of the platform come again and again."""
        if host in self._elsewheres:
            return True
        found = service_of_host(host) is None
        if found and len(host) <= _LONGEST_HOST:
            if len(self._elsewheres) >= MOST_REMEMBERED:
                self._elsewheres.clear()
            self._elsewheres.add(host)
        return found

    def guards(self, call: Call) -> bool:
        """Return whether the call may be a guarded operation. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._may_be_guarded(call)
        found: bool = call.found[self]
        return found

    def _may_be_guarded(self, call: Call) -> bool:
        service = _service(call)
        if service is None:
            return _is_unsigned_form(call) and self._speaks_aws(call)
        if service in ("ec2", "autoscaling"):
            return self._guards_query(call, service)
        if service in ("sagemaker", "pcs"):
            return self._guards_target(call, service)
        if service in REST:
            return self._rest_operation(call, service) is not None or _ends_by_path(call, service)
        return False

    def _speaks_aws(self, call: Call) -> bool:
        """Return whether the call's host speaks AWS; a call without exactly one host is taken to."""
        host = call.value(b"host")
        return host is None or bool(self._hosts.fullmatch(_HOST_PORT.sub("", host.decode("latin-1").lower())))

    def _guards_query(self, call: Call, service: str) -> bool:
        check_head(call)
        if call.raw_path != b"/":
            raise RefusedCall(
                400, "target", f"path {shown(call.raw_path)} is not `/`, where {service} takes its operations"
            )
        if call.values(b"x-amz-target"):
            raise RefusedCall(400, "protocol", f"{service} takes no X-Amz-Target; send `Action`")
        if call.method == "POST":
            _check_content_type(call, _FORM, "application/x-www-form-urlencoded")
            return True
        if call.method not in ("GET", "HEAD"):
            raise RefusedCall(405, "method", f"{service} takes GET and POST, not {call.method}")
        if not call.query:
            return False
        operation = _action(read_form(call.query, what="query"), service)
        return not is_harmless(service, operation) or ends(operation)

    def _guards_target(self, call: Call, service: str) -> bool:
        targets = call.values(b"x-amz-target")
        if not targets and call.raw_path != b"/" and not _is_disguised_root(call):
            return False  # the data plane: endpoints, feature store, metrics
        check_head(call)
        if call.raw_path != b"/":
            raise RefusedCall(415, "protocol", f"{service} is guarded in its JSON protocol only; send it to path `/`")
        if not targets:
            if call.method in ("GET", "HEAD", "OPTIONS") and not call.query:
                return False
            raise RefusedCall(415, "protocol", f"{service} is guarded in its JSON protocol only; send X-Amz-Target")
        if call.method != "POST":
            raise RefusedCall(405, "method", f"{service} takes POST, not {call.method}")
        if is_harmless(service, _target_operation(call)):
            return service == "sagemaker" and ends(_target_operation(call))
        _check_content_type(call, _JSON, "application/x-amz-json-1.1")
        return True

    def _rest_operation(self, call: Call, service: str) -> str | None:
        """Return the path pattern of the guarded REST operation that the call is, or None."""
        place = self._paths[service].place(call.raw_path)
        if place.standing in (Standing.ELSEWHERE, Standing.BELOW):
            return None
        if place.standing is not Standing.EXACT:
            if call.method in ("GET", "HEAD", "DELETE") and not has_body(call) and place.standing is Standing.VARIANT:
                return None
            raise RefusedCall(400, "target", f"path {shown(call.raw_path)} is another spelling of a guarded path")
        check_head(call)
        method, _, _ = REST[service][place.pattern]
        if call.method == method:
            _check_content_type(call, _JSON, "application/json")
            return place.pattern
        if call.method in ("GET", "HEAD", "DELETE", "OPTIONS") and not has_body(call):
            return None
        raise RefusedCall(405, "method", f"method {call.method} is not one of this operation; use {method}")

    # read

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`.

        References that the call does not spell out stand in `unresolved` as `kind:id`: `instance:i-0abc` and
        `notebook-instance:name` may be known from earlier answers, see `learn`.
        """
        service = _service(call)
        if service is None:
            return self._read_unsigned(call)
        if service in ("ec2", "autoscaling"):
            parameters = _parameters(call)
            return self._read_query(call, service, _action(parameters, service), parameters)
        if service in ("sagemaker", "pcs"):
            return self._read_target(call, service)
        if service in REST:
            return self._read_rest(call, service)
        return None

    def _read_unsigned(self, call: Call) -> ProvisioningRequest | None:
        """A form without signature and AWS host is judged by its `Action`; without one it is some other form."""
        if not _claimed_actions(call) & {*EC2, *AUTOSCALING}:
            return None
        check_head(call)
        parameters = _parameters(call)
        service = "ec2" if _action(parameters, "ec2") in EC2 else "autoscaling"
        return self._read_query(call, service, _action(parameters, service), parameters)

    def _read_query(
        self, call: Call, service: str, operation: str, parameters: dict[str, str]
    ) -> ProvisioningRequest | None:
        if is_harmless(service, operation):
            return None
        ec2.check_names(parameters)
        reader = ec2.read_ec2 if service == "ec2" else ec2.read_autoscaling
        reading = reader(operation, parameters)
        return None if reading is None else self._request(call, service, operation, reading, ec2.meaning(parameters))

    def _read_target(self, call: Call, service: str) -> ProvisioningRequest | None:
        operation = _target_operation(call)
        if is_harmless(service, operation):
            return None
        document = read_json_object(call.body or b"")
        reader = documents.read_sagemaker if service == "sagemaker" else documents.read_pcs
        reading = reader(operation, document)
        return (
            None if reading is None else self._request(call, service, operation, reading, documents.meaning(document))
        )

    def _read_rest(self, call: Call, service: str) -> ProvisioningRequest | None:
        pattern = self._rest_operation(call, service)
        if pattern is None:
            return None
        _, operation, kind = REST[service][pattern]
        document = read_json_object(call.body or b"")
        reading = documents.read_rest(service, operation, kind, document)
        meaning = {"path": call.raw_path.decode("ascii"), "body": documents.meaning(document)}
        if reading is None:
            return None
        request = self._request(call, service, operation, reading, meaning)
        return replace(request, references=started_at_path(operation, call.raw_path, document, request.region))

    def _request(
        self, call: Call, service: str, operation: str, reading: Reading, meaning: object
    ) -> ProvisioningRequest:
        credential = read_credential(call)
        caller = self._caller(call, credential)
        region = credential.region if credential else None
        asked = {
            "provider": self.name,
            "account": caller.account or caller.credential_id,
            "service": service,
            "region": region,
            "operation": operation,
            "meaning": meaning,
        }
        return ProvisioningRequest(
            provider=self.name,
            service=service,
            operation=operation,
            kind=reading.kind,
            lines=reading.lines,
            certainty=_certainty(reading),
            unresolved=tuple(_in_region(name, region) for name in reading.unresolved),
            duration_seconds=reading.duration_seconds,
            workload=declared_workload(reading.tags),
            declared_operations=declared_operations(reading.tags),
            region=region,
            place_of_use=declared_place(reading.tags),
            caller=caller,
            linkage=reading.linkage,
            idempotency_key=_idempotency_key(call, caller, operation, reading),
            repeats=reading.repeats,
            references=() if not isinstance(meaning, dict) else started(operation, meaning, region),
            dry_run=reading.dry_run,
            fingerprint=digest(asked),
        )

    def _caller(self, call: Call, credential: Credential | None) -> Caller:
        if credential is None:
            return Caller()
        if call.proven is not None:
            return Caller(
                account=call.proven.account, credential_id=call.proven.key_id, verified=True, how=VERIFIED_BY_SIGNATURE
            )
        account = account_of(credential.access_key)
        return Caller(
            account=account,
            credential_id=credential.access_key,
            verified=self._verified and account is not None,
            how="sigv4-access-key-id",
        )

    def asks(self, call: Call) -> bool:
        """Return whether the call goes where AWS answers, so that what AWS says of its references bears on it.

        Whoever sends a call to a host of their own has it mean there what they like.
        """
        if call.proven is not None:
            return True
        host = call.value(b"host") or b""
        return (
            service_of_host(host) is not None or _HOST_PORT.sub("", host.decode("latin-1").lower()) in self._asked_hosts
        )

    # ending

    def ending(self, call: Call) -> Ending | None:
        """Return the machines and jobs that a stop, terminate or delete call ends. See `Adapter.ending`."""
        service = _service(call)
        credential = read_credential(call)
        account = self._caller(call, credential).account
        if credential is None or account is None:
            return None
        if service in ("ec2", "autoscaling"):
            parameters: dict[str, object] = {**_parameters(call)}
            operation = str(parameters.get("Action", ""))
        elif service == "sagemaker":
            parameters, operation = {**read_json_object(call.body or b"")}, _target_operation(call)
        elif (found := path_operation(call.method, call.raw_path)) is not None and found[0] == service:
            document = read_json_object(call.body) if call.body else {}
            parameters, operation = {**document, **found[2]}, found[1]
        else:
            return None
        references = ended(operation, parameters, credential.region)
        return Ending(provider=self.name, account=account, references=references) if references else None

    # refuse, learn

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as the service that the call is for writes its errors. Never raises."""
        service = _likely_service(call)
        if service in ("sagemaker", "pcs"):
            return answers.refuse_json(call, refusal, b"1.0" if service == "pcs" else b"1.1")
        if service in REST:
            return answers.refuse_rest(call, refusal)
        if service == "autoscaling":
            return answers.refuse_query(call, refusal)
        return answers.refuse_ec2(call, refusal)

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references."""
        return request.operation in _TEACHING and not request.dry_run

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return which instances, fleets, jobs and notebooks the answer created or changed, with their types."""
        if not (200 <= status < 300 and self.learns(request)):
            return ()
        if request.operation in ("RunInstances", "CreateFleet"):
            # A fleet that names its instances ends with them; one that does not, as a whole.
            return answers.learn_instances(body) or answers.learn_element(body, "fleetId", "fleet", request.lines)
        if request.operation == "RequestSpotFleet":
            return answers.learn_element(body, "spotFleetRequestId", "spot-fleet", request.lines)
        if request.operation in ("SubmitJob", "SubmitServiceJob"):
            return answers.learn_member(body, "jobId", "batch-job", request.lines)
        if request.operation == "ModifyInstanceAttribute":
            return _named_machine("instance", _parameters(call).get("InstanceId"), request.lines)
        name = read_json_object(call.body or b"").get("NotebookInstanceName")
        if request.region is None or not isinstance(name, str) or not name:
            return ()
        return _named_machine("notebook-instance", f"{request.region}/{name}", request.lines)


def _ends_by_path(call: Call, service: str) -> bool:
    found = path_operation(call.method, call.raw_path)
    return found is not None and found[0] == service


def _named_machine(kind: str, id: object, lines: tuple[Accelerators, ...]) -> tuple[Learned, ...]:
    return (Learned(kind=kind, id=id, lines=lines),) if isinstance(id, str) and id and lines else ()


def _in_region(name: str, region: str | None) -> str:
    """Return the reference as it is known over all regions: a notebook's name is taken once in each, an id but once."""
    kind, _, id = name.partition(":")
    return f"{kind}:{region or '?'}/{id}" if kind == "notebook-instance" else name


def _service(call: Call) -> str | None:
    """Return the service that the call is for: a guarded one, `other`, or None when nothing says so.

    Raises `RefusedCall` 400 when signature, host and target name different services and one of them is guarded.
    """
    named = set()
    signed = bool(call.query)
    for name, value in call.headers:
        if name == b"host":
            if (service := service_of_host(value)) is not None:
                named.add(service)
        elif name == b"authorization":
            signed = True
        elif name == b"x-amz-target":
            named.add(service_of_target(value))
    credential = read_credential(call) if signed else None
    if credential is not None:
        named.add(credential.service if credential.service in SERVICES else "other")
    if len(named) > 1:
        if named & SERVICES:
            raise RefusedCall(400, "service", "signature, Host and X-Amz-Target name different services")
        return "other"
    return named.pop() if named else None


def _likely_service(call: Call) -> str | None:
    """Return the service whose client most likely sent the call, however odd the call is."""
    targets = call.values(b"x-amz-target")
    if targets:
        service = service_of_target(targets[0])
        return service if service in SERVICES else "sagemaker"
    try:
        credential = read_credential(call)
    except RefusedCall:
        credential = None
    if credential is not None and credential.service in SERVICES:
        return credential.service
    hosts = call.values(b"host")
    return service_of_host(hosts[0]) if hosts else None


def _is_unsigned_form(call: Call) -> bool:
    """Return whether the call may be an unsigned query-protocol call to a host that does not say which cloud it is."""
    if call.raw_path not in (b"/", b""):
        return False
    if call.query and any(b"action" in name for name in query_names(call.query)):
        return True
    return call.method == "POST" and any(
        b"x-www-form-urlencoded" in value.lower() for value in call.values(b"content-type")
    )


def _claimed_actions(call: Call) -> set[str]:
    """Return every word that some reader may take for the form's `Action`, read as loosely as any reader does."""
    data = (call.query + b"&" + (call.body or b"")).replace(b";", b"&")
    if data.count(b"&") > MAX_FIELDS or data.count(b"%") > MAX_ESCAPES:
        raise RefusedCall(400, "form", "the form is too large to be told from a provisioning call")
    pairs = parse_qsl(data.decode("latin-1"), keep_blank_values=True)
    return {word for name, value in pairs if "action" in name.lower() for word in _WORD.findall(value)}


def _is_disguised_root(call: Call) -> bool:
    """Return whether some upstream reads the path as `/`, or as a protocol that carries its operation in the path."""
    if call.values(b"smithy-protocol"):
        return True
    return any(form == "/" or form.startswith("/service/") for form in canonical_forms(call.raw_path))


def _check_content_type(call: Call, accepted: re.Pattern[bytes], expected: str) -> None:
    value = call.value(b"content-type") or b""
    if value.lower().startswith(b"multipart/"):
        raise RefusedCall(400, "content-type", f"multipart bodies are not accepted here; send {expected}")
    if not accepted.fullmatch(value):
        raise RefusedCall(415, "content-type", f"Content-Type {shown(value)} is not accepted here; send {expected}")


def _parameters(call: Call) -> dict[str, str]:
    """Return the parameters of query and body together. Raises `RefusedCall` 400 when a name stands in both."""
    query, body = read_form(call.query, what="query"), read_form(call.body or b"")
    if len(query) + len(body) > len({name.lower() for name in (*query, *body)}):
        raise RefusedCall(400, "duplicate-parameter", "a parameter stands in the query and in the body; send it once")
    return {**query, **body}


def _action(parameters: dict[str, str], service: str) -> str:
    action = parameters.get("Action", "")
    if not _OPERATION.fullmatch(action):
        raise RefusedCall(
            400, "action", f"{service} Action {shown(action)} is not an operation; send one such as `RunInstances`"
        )
    return action


def _target_operation(call: Call) -> str:
    target = call.value(b"x-amz-target") or b""
    found = _TARGET.fullmatch(target)
    if not found:
        raise RefusedCall(400, "target-header", f"X-Amz-Target {shown(target)} is not one `Service.Operation`")
    return found[1].decode("ascii")


def _certainty(reading: Reading) -> Certainty:
    if reading.unresolved:
        return Certainty.UNRESOLVED
    return Certainty.RANGE if reading.ranged else Certainty.EXACT


def _idempotency_key(call: Call, caller: Caller, operation: str, reading: Reading) -> str | None:
    """Return the key under which retries of this call count once, scoped by account and operation.

    The client token where the call has one: the upstream dedupes by it. For jobs whose name cannot be taken twice, the
    SDK's invocation id, which stays the same over its attempts, within the hour that the signature is dated.
    """
    scope = f"aws/{caller.account or caller.credential_id or '-'}/{operation}"
    if reading.token:
        return f"{scope}/{reading.token}"
    invocation, date = call.value(b"amz-sdk-invocation-id"), call.value(b"x-amz-date")
    if not reading.named or invocation is None or date is None:
        return None
    hour = _DATE_HOUR.match(date)
    if hour is None or not _INVOCATION.fullmatch(invocation):
        return None
    return f"{scope}/{invocation.decode('ascii')}/{hour[0].decode('ascii')}"
