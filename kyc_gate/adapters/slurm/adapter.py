"""slurmrestd: jobs that are submitted, changed and cancelled over REST, each guarded before slurmrestd sees it."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.bearer import bearer_of, key_id
from kyc_gate.adapters.dispatch import adds_nothing, check_json, check_variant, operation_of
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.head import canonical_forms, check_method
from kyc_gate.adapters.message import message_of
from kyc_gate.adapters.paths import PathTable, Standing
from kyc_gate.adapters.slurm.answers import held_body, job_id_of
from kyc_gate.adapters.slurm.description import SIZES, read_job, read_minutes
from kyc_gate.adapters.slurm.job import SlurmJob, request_of
from kyc_gate.adapters.slurm.settings import SlurmRestSettings, SlurmSettings
from kyc_gate.adapters.strict_json import JsonValue, read_json_object
from kyc_gate.adapters.values import reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Caller, Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.record import digest

SUBMIT, ALLOCATE, JOB = "/slurm/{version}/job/submit", "/slurm/{version}/job/allocate", "/slurm/{version}/job/{job}"

_VERSION = re.compile(r"v0\.0\.[0-9]{2,3}")
_JOB = re.compile(r"[0-9]{1,10}(?:[_+][0-9]{1,7})?")
_USER = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,127}")
_ENDS = frozenset({"", "KILL", "SIGKILL", "9"})

_ERRORS = {
    "blocked": (2002, "Access/permission denied"),
    "review-required": (2050, "Job violates accounting/QOS policy"),
    "unreadable": (9001, "Failure during parsing"),
    "conflict": (2021, "Duplicate job"),
}
"""Slurm's own numbers and words (slurm_errno.h) for what is refused; a client that knows them shows them."""

_UNAVAILABLE = (2020, "The job cannot be judged now, try again later")


class _Operation(NamedTuple):
    """One operation; `ends` says that it cancels the job that the path names."""

    name: str
    ends: bool = False


_OPERATIONS = {
    SUBMIT: {"POST": _Operation("SubmitJob")},
    ALLOCATE: {"POST": _Operation("AllocateJob")},
    JOB: {"POST": _Operation("UpdateJob"), "DELETE": _Operation("CancelJob", ends=True)},
}


class _Found(NamedTuple):
    operation: _Operation
    job: str | None = None


class SlurmAdapter:
    """The dialect of one cluster's slurmrestd, on whatever host its paths are asked for."""

    name = "slurm"

    def __init__(self, settings: SlurmSettings) -> None:
        self._settings = settings
        self._rest = settings.rest or SlurmRestSettings()
        self._table = PathTable(tuple(_OPERATIONS))

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true for a path that no reader takes for one of slurmrestd. See `Adapter.overlooks`."""
        return raw_path.isascii() and b"%" not in raw_path and b"slurm" not in raw_path.lower()

    def guards(self, call: Call) -> bool:
        """Return whether the call may start a job or change one. See `Adapter.guards`."""
        if self not in call.found:
            call.found[self] = self._found(call)
        return call.found[self] is not None

    def _found(self, call: Call) -> _Found | None:
        if self.overlooks(call.raw_path, call.query, call.headers):
            return None
        place = self._table.place(call.raw_path)
        if place.standing in (Standing.VARIANT, Standing.DISGUISED):
            check_variant(call, place.standing)
            return None
        if place.standing is not Standing.EXACT:
            return self._unlisted(call)
        operation = operation_of(_OPERATIONS[place.pattern], call)
        if operation is None:
            return None
        parts = dict(place.parts)
        if not _VERSION.fullmatch(parts["version"]) or not _JOB.fullmatch(parts.get("job", "0")):
            raise RefusedCall(400, "target", f"path {shown(call.raw_path)} is not such as `/slurm/v0.0.40/job/42`")
        if not operation.ends:
            check_json(call)
        return _Found(operation, parts.get("job"))

    def _unlisted(self, call: Call) -> _Found | None:
        """Return an operation of which only its name is known, for a call that may change what runs."""
        if not any(form.startswith("/slurm/") for form in canonical_forms(call.raw_path)) or adds_nothing(call):
            return None
        check_method(call)
        if call.method == "DELETE":
            return None
        check_json(call)
        return _Found(
            _Operation(f"{call.method} {call.raw_path.decode('latin-1').rstrip('/').rpartition('/')[2][:80]}")
        )

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        if not self.guards(call):
            return None
        found: _Found = call.found[self]
        if found.operation.ends:
            return None
        if call.query:
            raise RefusedCall(400, "query", "parameters of the query are not known here")
        document = read_json_object(call.body or b"")
        user = _user(call)
        if found.operation.name == "UpdateJob":
            return self._changed(call, document, found.job or "", user)
        if found.operation.name not in ("SubmitJob", "AllocateJob"):
            return self._unread(call, document, found.operation.name, user)
        jobs = tuple(
            [
                read_job(component, user or "", self._settings)
                for component in _components(document, found.operation.name)
            ]
        )
        return request_of(jobs, self._settings, operation=found.operation.name, caller=self._caller(call, jobs, user))

    def _caller(self, call: Call, jobs: tuple[SlurmJob, ...], user: str | None) -> Caller:
        """Return whose the job is: the Slurm account of all components, or the user. One that is not named is None.

        slurmrestd takes the user of the token where no header names one, and so does this.
        """
        accounts = {job.account for job in jobs}
        account = user if self._settings.account == "user" else accounts.pop() if len(accounts) == 1 else None
        return Caller(
            account=account,
            principal=user,
            credential_id=_credential(call),
            verified=self._rest.tokens == "upstream" and account is not None and user is not None,
            how="slurmrestd",
        )

    def _changed(
        self, call: Call, document: dict[str, JsonValue], job: str, user: str | None
    ) -> ProvisioningRequest | None:
        """Return what a change of a job adds, None for one that adds nothing.

        A longer limit is the job's chips for that long; only what goes beyond its run on record is new. What would make
        it another job stays open, and so does a release of one that this gate holds, or has never seen.
        """
        body = Fields(document)
        unknown = read_job(body, user or "", self._settings).unread
        open_fields = [reference("job-field", name) for name in sorted(document) if name in SIZES]
        limit = document.get("time_limit") is not None
        # slurmrestd takes 0, "no" and null for false.
        released = document.get("hold", True) is not True or "priority" in document
        if not (open_fields or limit or released or unknown):
            return None
        name = reference("slurm-job", job)
        minutes = read_minutes(body, "time_limit")
        return ProvisioningRequest(
            provider=self.name,
            service=self._settings.cluster,
            operation="UpdateJob",
            kind=RequestKind.RESIZE if open_fields or limit else RequestKind.START,
            certainty=Certainty.UNRESOLVED,
            unresolved=tuple(dict.fromkeys([name, *open_fields, *unknown])),
            duration_seconds=None if minutes is None else minutes * 60,
            data_centre=self._settings.data_centre,
            caller=self._caller(call, (), user),
            references=(name,),
            replaces=name,
            fingerprint=digest({"cluster": self._settings.cluster, "user": user, "job": job, "body": document}),
        )

    def _unread(
        self, call: Call, document: dict[str, JsonValue], operation: str, user: str | None
    ) -> ProvisioningRequest:
        return ProvisioningRequest(
            provider=self.name,
            service=self._settings.cluster,
            operation=operation,
            kind=RequestKind.CREATE,
            certainty=Certainty.UNRESOLVED,
            unresolved=(reference("operation", operation),),
            data_centre=self._settings.data_centre,
            caller=self._caller(call, (), user),
            fingerprint=digest({"path": call.raw_path.decode("latin-1"), "user": user, "body": document}),
        )

    def ending(self, call: Call) -> Ending | None:
        """Return the job that a cancellation ends, where the customer is the user that asks. See `Adapter.ending`.

        Where the customer is an account, the call does not say whose job it is; what slurmrestd tells of it later does.
        """
        found: _Found | None = call.found.get(self)
        user = _user(call)
        try:
            check_method(call)
        except RefusedCall:
            return None
        if found is None or not found.operation.ends or user is None or self._settings.account != "user":
            return None
        if call.query.removeprefix(b"signal=").decode("latin-1").upper() not in _ENDS or "_" in (found.job or "_"):
            return None
        return Ending(provider=self.name, account=user, references=(reference("slurm-job", found.job),))

    def held(self, call: Call, decision_id: str) -> Call | None:
        """Return the submission as one that Slurm keeps and does not start; None where it cannot wait there."""
        found: _Found | None = call.found.get(self)
        if self._rest.escalate != "hold" or found is None or found.operation.name != "SubmitJob":
            return None
        body = held_body(call.body or b"", decision_id)
        kept = [pair for pair in call.headers if pair[0] not in (b"content-length", b"transfer-encoding")]
        length = (b"content-length", str(len(body)).encode("ascii"))
        return Call(
            method=call.method,
            raw_path=call.raw_path,
            query=call.query,
            headers=(*kept, length),
            body=body,
            scheme=call.scheme,
        )

    def learn_held(self, request: ProvisioningRequest, decision_id: str, body: bytes) -> tuple[Learned, ...]:
        """Return that a job is held by a decision, and that it stands for nothing before it is released."""
        job = job_id_of(body)
        if job is None:
            return ()
        return (
            Learned(kind="held", id=f"{job}={decision_id}", lines=request.lines),
            Learned(kind="slurm-job", id=str(job), lines=()),
        )

    def told_status(self, call: Call, status: int, body: bytes | None) -> int:
        """Return what an answer means: slurmrestd says 500, too, where slurmctld refused the job."""
        if status != 500 or body is None:
            return status
        try:
            errors = read_json_object(body, what="answer").get("errors")
        except RefusedCall:
            return status
        return 400 if errors and job_id_of(body) is None else status

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references: a job has its number from it."""
        return True

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return the job that the answer names."""
        job = job_id_of(body)
        if not 200 <= status < 300 or job is None or request.operation not in ("SubmitJob", "AllocateJob"):
            return ()
        return (Learned(kind="slurm-job", id=str(job), lines=request.lines),)

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as slurmrestd writes its errors, in the fields of all versions. Never raises."""
        number, error = _ERRORS.get(refusal.code, _UNAVAILABLE)
        told = {
            "description": message_of(refusal),
            "error_number": number,
            "error_code": number,
            "error": error,
            "source": "kyc_gate",
        }
        document = {"meta": {"plugin": {"type": "", "name": "kyc_gate"}}, "errors": [told], "warnings": []}
        body = json.dumps(document, ensure_ascii=True).encode("ascii")
        headers = (
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"cache-control", b"no-store"),
        )
        return Answer(status=refusal.status, headers=headers, body=body)


def _components(document: dict[str, JsonValue], operation: str) -> list[Fields]:
    """Return the components of a submission: one `job`, or several `jobs`. Raises `RefusedCall` 400."""
    body = Fields(document)
    several = "jobs" if operation == "SubmitJob" else "hetjob"
    if set(document) - {"script", "job", several} or ("job" in document) is (several in document):
        raise RefusedCall(400, "field", f"send `script`, and either `job` or `{several}`, as slurmrestd reads them")
    components = body.parts(several) if several in document else [body.part("job")]
    if not components:
        raise RefusedCall(400, "field", f"body.{several} is empty; send at least one component")
    return components


def _user(call: Call) -> str | None:
    """Return the user that asks: by the header, else by the token. Raises `RefusedCall` where they are not one."""
    names, token = call.values(b"x-slurm-user-name"), _token(call)
    if len(names) > 1 or (names and not _USER.fullmatch(names[0])):
        raise RefusedCall(400, "user", "header `X-SLURM-USER-NAME` is not one name of a user")
    if names:
        return names[0].decode("ascii")
    return None if token is None else bearer_of(token).claim("sun", "username")


def _credential(call: Call) -> str | None:
    token = _token(call)
    return None if token is None else key_id(token)


def _token(call: Call) -> bytes | None:
    """Return the one token. Raises `RefusedCall` for two, of which slurmrestd may take either."""
    tokens = [*call.values(b"x-slurm-user-token")]
    tokens += [value.partition(b" ")[2].strip() for value in call.values(b"authorization")]
    if len(tokens) > 1:
        raise RefusedCall(400, "token", "the call has two tokens; send one")
    return tokens[0] if tokens else None
