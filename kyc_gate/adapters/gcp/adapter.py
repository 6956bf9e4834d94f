"""The Google Cloud adapter: which call is guarded, what it asks for, and how it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from msgspec.structs import replace

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.bearer import bearer_of, read_bearer
from kyc_gate.adapters.dispatch import adds_nothing, certainty_of, check_json, check_variant, operation_of
from kyc_gate.adapters.fields import Fields, folded
from kyc_gate.adapters.form import read_form
from kyc_gate.adapters.gcp import answers, clusters, hosts
from kyc_gate.adapters.gcp.asked import SENSITIVE, Asked, is_free, labels_of, links_of, region_of
from kyc_gate.adapters.gcp.compute import define_template, template_names
from kyc_gate.adapters.gcp.operations import SERVICES, Operation, is_harmless
from kyc_gate.adapters.head import check_method, is_silent
from kyc_gate.adapters.paths import PathTable, Standing
from kyc_gate.adapters.reading import Reading, declared_operations, declared_place, declared_workload
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.adapters.values import reference, token
from kyc_gate.adapters.words import nearest, shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.learned import Change, Definition
from kyc_gate.model.record import digest

_PLAIN = re.compile(rb"/(?:[A-Za-z0-9_~@!$&'()*+,=:-][A-Za-z0-9._~@!$&'()*+,=:-]*(?:/|\Z))*")
_ALT = frozenset({"json", "json;enum-encoding=int"})
_COMPUTE = re.compile(r"/compute/", re.IGNORECASE)

_FLEETING = frozenset(
    {
        "alt",
        "$alt",
        "prettyprint",
        "key",
        "quotauser",
        "fields",
        "accesstoken",
        "oauthtoken",
        "$.xgafv",
        "xgafv",
        "trace",
    }
    | {"userip", "requestid"}
)
_PARAMETERS = {
    folded(name): name
    for name in [
        "alt",
        "$alt",
        "prettyPrint",
        "key",
        "quotaUser",
        "fields",
        "access_token",
        "oauth_token",
        "$.xgafv",
        "xgafv",
        "trace",
        "userIp",
        "requestId",
        "sourceInstanceTemplate",
        "sourceMachineImage",
        "size",
        "updateMask",
        "nodeId",
        "queuedResourceId",
        "persistentResourceId",
        "pipelineJobId",
        "jobId",
        "validateOnly",
        "mostDisruptiveAllowedAction",
        "minimalAction",
        "paths",
        "initialNodeCount",
        "replace",
        "force",
        "autoscaler",
        "deploymentResourcePoolId",
        "notebookExecutionJobId",
        "scheduleId",
        "discardLocalSsd",
        "noGracefulShutdown",
    ]
}
"""Parameters of the query that are known, by folded name: another one may change what is provisioned."""

_JOBS = {
    "customJobs.create": ("custom-job", "customJobs"),
    "hyperparameterTuningJobs.create": ("tuning-job", "hyperparameterTuningJobs"),
    "trainingPipelines.create": ("training-pipeline", "trainingPipelines"),
    "batchPredictionJobs.create": ("batch-prediction-job", "batchPredictionJobs"),
    "jobs.create": ("batch-job", "jobs"),
}
"""Operations whose answer says under which name the job runs: the kind, and the collection of the name."""

_TEACHING = frozenset({*_JOBS, "clusters.create", "nodes.create", "reservations.insert"})
_GROUPS = frozenset({"instanceGroupManagers.insert", "nodePools.create"})
_MACHINES = frozenset(
    {"instances.insert", "instances.update", "instances.setMachineType", "instances.setMachineResources"}
)
_CHANGING = frozenset(
    {
        "instanceGroupManagers.patch",
        "instanceGroupManagers.update",
        "instanceGroupManagers.setInstanceTemplate",
        "nodePools.update",
    }
)
"""Operations after which it is no longer known what one machine of the group is."""

_LOCAL = frozenset({"instance", "instance-group", "reservation", "node-pool", "tpu-node"})
_CHANGEABLE = _LOCAL | {"instance-template", "cluster-zones"}


class _Found(NamedTuple):
    """The operation that a call is, with its service and the names in its path."""

    service: str
    operation: Operation
    names: dict[str, str]


class GCPAdapter:
    """The dialect of Google Cloud.

    A call to a host of a guarded service is that service's; on any other host that is not Google's the path tells.
    `tokens` says who checks them: with `upstream` the project in the path counts as verified, because the operator
    states that the upstream refuses a token that has no rights in it; otherwise it stays a claim. `hosts` are names of
    the operator's own behind which Google Cloud answers: elsewhere nothing is learnt, and nothing ends. `numbers` are
    ids of projects by their numbers: calls may name either.
    """

    name = "gcp"

    def __init__(
        self,
        *,
        tokens: Literal["unverified", "upstream"] = "unverified",
        hosts: tuple[str, ...] = (),
        numbers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if tokens not in ("unverified", "upstream"):
            raise ValueError(f"tokens `{tokens}` is neither `unverified` nor `upstream`")
        self._verified = tokens == "upstream"
        self._numbers = dict(numbers)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._tables = {service: PathTable(tuple(table)) for service, table in SERVICES.items()}

    # guards

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where nothing says that the call is for Google Cloud. See `Adapter.overlooks`."""
        if len(raw_path) > 1024 or not _PLAIN.fullmatch(raw_path):
            return False
        lowered = raw_path.lower()
        if b"/projects/" in lowered or lowered.startswith((b"/google.", b"/batch")):
            return False
        return is_silent(headers, b"googleapis")

    def guards(self, call: Call) -> bool:
        """Return whether the call may be a guarded operation. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._found(call)
        return call.found[self] is not None

    def _found(self, call: Call) -> _Found | None:
        service = hosts.service_of(call)
        hosts.check_protocol(call, service)
        for each in SERVICES if service == hosts.ANY else (service,):
            place = self._tables[each].place(call.raw_path)
            names = dict(place.parts)
            if place.standing is Standing.EXACT and not _has_verb(call, place.pattern, names):
                return self._exact(call, each, place.pattern, names)
            if place.standing in (Standing.VARIANT, Standing.DISGUISED):
                check_variant(call, place.standing)
                return None
        if service == hosts.ANY and _COMPUTE.match(call.raw_path.decode("latin-1")):
            service = "compute"
        return None if service == hosts.ANY else _unlisted(call, service)

    def _exact(self, call: Call, service: str, pattern: str, names: dict[str, str]) -> _Found | None:
        operation = operation_of(SERVICES[service][pattern], call)
        if operation is None:
            return None
        if not operation.ends:
            check_json(call)
        return _Found(service, operation, names)

    # read

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        if not self.guards(call):
            return None
        found: _Found = call.found[self]
        if found.operation.ends or found.operation.defines:
            return None
        asked, reading = _reading(call, found)
        return None if reading is None else self._request(call, found, asked, reading)

    def _request(self, call: Call, found: _Found, asked: Asked, reading: Reading) -> ProvisioningRequest:
        labels = labels_of(asked.body)
        caller = self._caller(call, found.names, asked)
        hidden = [*reading.unresolved]
        hidden += [reference("field", path) for path in asked.body.unread(SENSITIVE, is_free)]
        meaning = {
            "path": call.raw_path.decode("ascii"),
            "query": {name: value for name, value in asked.query.items() if name not in _FLEETING},
            "body": {key: value for key, value in asked.body.home.items() if folded(key) != "requestid"},
        }
        quota = call.value(b"x-goog-user-project")
        more = {"quota-project": quota.decode("latin-1")} if quota else {}
        links = {*links_of(asked.body, asked.query), *more.items()}
        return ProvisioningRequest(
            provider=self.name,
            service=found.service,
            operation=found.operation.name,
            kind=reading.kind,
            lines=reading.lines,
            certainty=certainty_of(hidden, ranged=reading.ranged),
            unresolved=tuple(dict.fromkeys(hidden)),
            duration_seconds=reading.duration_seconds,
            workload=declared_workload(labels),
            declared_operations=declared_operations(labels),
            region=region_of(asked.place),
            place_of_use=declared_place(labels),
            caller=caller,
            linkage=tuple(sorted(links)),
            idempotency_key=_key(asked, caller),
            references=reading.references if self._is_own(call) else (),
            repeats=reading.repeats,
            replaces=reading.replaces if self._is_own(call) else None,
            fingerprint=digest({"provider": self.name, "operation": found.operation.name, "meaning": meaning}),
        )

    def _caller(self, call: Call, names: dict[str, str], asked: Asked) -> Caller:
        given = asked.query.get("accesstoken") or asked.query.get("oauthtoken")
        bearer = bearer_of(given.encode()) if given else read_bearer(call)
        project = self._account(names)
        return Caller(
            account=project,
            principal=bearer.claim("email", "sub") if bearer else None,
            credential_id=bearer.id if bearer else None,
            verified=self._verified and project is not None and bearer is not None,
            how="project-in-path",
        )

    # ending, definition

    def ending(self, call: Call) -> Ending | None:
        """Return what a delete, stop or cancel ends. See `Adapter.ending`.

        A call with a `requestId` ends nothing: Google answers it with what it did for an earlier one.
        """
        found: _Found | None = call.found.get(self)
        if found is None or not found.operation.ends or not self._is_own(call) or _may_repeat(_asked(call, found)):
            return None
        named = _ended(call, found)
        return (
            Ending(provider=self.name, account=self._account(found.names) or "", references=(named,)) if named else None
        )

    def changes(self, call: Call) -> Change | None:
        """Return the machines, groups and templates that the call may change. See `Adapter.changes`."""
        found: _Found | None = call.found.get(self)
        if found is None:
            return None
        names = [name for name in _changed(call, found) if name.partition(":")[0] in _CHANGEABLE]
        account = self._account(found.names) or ""
        return Change(provider=self.name, account=account, names=tuple(names)) if names else None

    def definition(self, call: Call) -> Definition | None:
        """Return the template that the call defines, without lines where it does not say what is in it."""
        found: _Found | None = call.found.get(self)
        if found is None or not found.operation.defines:
            return None
        asked = _asked(call, found)
        certain = self._is_own(call) and not _may_repeat(asked)
        learned = define_template(asked) if certain else ()
        return Definition(provider=self.name, account=self._account(found.names) or "", learned=learned)

    def _account(self, names: Mapping[str, str]) -> str | None:
        """Return the project of the path by its id, where its number is known; as it is written elsewhere."""
        project = names.get("project")
        return None if project is None else self._numbers.get(project, project)

    def _is_own(self, call: Call) -> bool:
        """Return whether the call goes to Google, or to a name behind which the operator says that Google answers."""
        return hosts.is_google(call) or hosts.host_of(call) in self._hosts

    # refuse, learn

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as Google's services write their errors. Never raises."""
        return answers.refuse(call, refusal)

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references."""
        return request.operation in _TEACHING | _GROUPS | _MACHINES | _CHANGING

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return the job that the answer names, and what one machine of what the call made or changed is."""
        if not (200 <= status < 300 and self.learns(request) and self._is_own(call)):
            return ()
        if request.operation in _JOBS:
            kind, collection = _JOBS[request.operation]
            name = answers.answered_name(body, collection)
            place = _place(request, call, self)
            return (Learned(kind=kind, id=f"{place}/{name}", lines=request.lines),) if name else ()
        found: _Found = call.found[self]
        asked, reading = _reading(call, found)
        if reading is None:
            return ()
        if request.operation == "clusters.create":
            return clusters.learn_zones(asked)
        unknown = request.certainty is Certainty.UNRESOLVED
        lines = () if unknown else self._one(request, asked, reading)
        return tuple(
            Learned(kind=kind, id=id, lines=lines)
            for kind, _, id in (name.partition(":") for name in reading.changed())
            if kind in _LOCAL
        )

    def _one(self, request: ProvisioningRequest, asked: Asked, reading: Reading) -> tuple[Accelerators, ...]:
        """Return the lines of one machine of a group, or of the whole of anything else."""
        if request.operation == "instanceGroupManagers.insert":
            if any(line.multiplier != request.repeats for line in request.lines):
                return ()
            return tuple(replace(line, multiplier=1) for line in request.lines)
        if request.operation == "nodePools.create":
            return tuple(clusters.one_node(asked.body.part("nodePool")))
        return request.lines or reading.lines  # a machine that is as it was asks for nothing


def _changed(call: Call, found: _Found) -> tuple[str, ...]:
    """Return the names that may stand for something else afterwards."""
    operation = found.operation
    if operation.ends:
        name = _ended(call, found) if operation.name.endswith(".delete") else None
        return (name,) if name else ()
    asked = _asked(call, found)
    if operation.defines:
        return template_names(asked)
    reading = operation.read(asked)
    return reading.changed() if reading else ()


def _ended(call: Call, found: _Found) -> str | None:
    """Return the name of what the call ends."""
    asked = Asked(found.operation.name, found.operation.kind, found.names, {}, Fields({}))
    last = call.raw_path.decode("latin-1").split("/")
    names = [
        name for key, name in found.names.items() if key not in ("version", "project", "zone", "region", "location")
    ]
    named = asked.named(found.operation.ends or "", names[-1] if names else last[-1])
    if named and found.operation.ends == "node-pool":
        named = f"{named}@{found.names.get('cluster')}"
    return named


def _may_repeat(asked: Asked) -> bool:
    """Return whether the upstream may answer with what it did earlier, or with what it would do."""
    given = asked.query.get("requestid") or asked.body.text("requestId")
    return bool(given) or asked.query.get("validateonly", "false").lower() != "false"


def _has_verb(call: Call, pattern: str, names: dict[str, str]) -> bool:
    """Return whether what a pattern takes for a name has a verb of its own behind a colon. Raises `RefusedCall` 400."""
    if not pattern.endswith("}") or ":" not in names[pattern.rpartition("{")[2][:-1]]:
        return False
    if b"%" in call.raw_path:
        raise RefusedCall(400, "target", f"path {shown(call.raw_path)} escapes a colon that changes its structure")
    return True


def _place(request: ProvisioningRequest, call: Call, adapter: GCPAdapter) -> str:
    found: _Found = call.found[adapter]
    return next((found.names[each] for each in ("zone", "region", "location") if each in found.names), "global")


def _key(asked: Asked, caller: Caller) -> str | None:
    """Return the key under which retries of this call count once: the id that the upstream dedupes by."""
    given = token(asked.query.get("requestid") or asked.body.text("requestId"), "requestId")
    return f"gcp/{caller.account or '-'}/{asked.operation}/{given}" if given else None


def _reading(call: Call, found: _Found) -> tuple[Asked, Reading | None]:
    asked = _asked(call, found)
    return asked, found.operation.read(asked)


def _asked(call: Call, found: _Found) -> Asked:
    document = read_json_object(call.body) if call.body else {}
    return Asked(found.operation.name, found.operation.kind, found.names, _query(call), Fields(document))


def _query(call: Call) -> dict[str, str]:
    """Return the parameters by folded name. Raises `RefusedCall` 400 for one that is unknown or stands twice."""
    found: dict[str, str] = {}
    for name, value in read_form(call.query, what="query").items():
        known = folded(name)
        if known not in _PARAMETERS:
            hint = nearest(name, _PARAMETERS.values())
            raise RefusedCall(400, "query", f"query parameter {shown(name)} is not known here{hint}")
        if known in found:
            raise RefusedCall(400, "query", f"query parameter {shown(name)} stands in two spellings; send it once")
        found[known] = value
    for name in ("alt", "$alt"):
        if found.get(name, "json") not in _ALT:
            raise RefusedCall(
                415, "query", f"{name} {shown(found[name])} is not `json`, the one format that is read here"
            )
    return found


def _unlisted(call: Call, service: str) -> _Found | None:
    """Return an operation of which only its name is known, for a call that may provision; None for any other."""
    check_method(call)
    if adds_nothing(call):
        return None
    path = call.raw_path.decode("latin-1")
    if not _PLAIN.fullmatch(call.raw_path):
        raise RefusedCall(
            400, "target", f"path {shown(path)} has escapes or empty segments that {service} does not need"
        )
    if is_harmless(service, path):
        return None
    check_json(call)
    parts = path.split("/")
    names = {}
    for home, name in (("projects", "project"), ("zones", "zone"), ("regions", "region"), ("locations", "location")):
        if home in parts[:-1]:
            names[name] = parts[parts.index(home) + 1].partition(":")[0]
    operation = Operation(f"{call.method} {parts[-1][:80]}", RequestKind.CREATE)
    return _Found(service, operation, names)
