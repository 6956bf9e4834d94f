"""Kueue's admission checks: a workload with quota starts when the gate would let it start, and not before."""

from __future__ import annotations

import asyncio
import re
import uuid
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from kyc_gate.adapters.kubernetes.pauses import without_pause
from kyc_gate.adapters.kubernetes.review import API_VERSION, Owner, Review, owner_of, read_body, read_review
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings, KueueSettings
from kyc_gate.adapters.kubernetes.workloads import WORKLOADS
from kyc_gate.errors import KYCGateError
from kyc_gate.model.case import WAITING, CaseState
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.record import Record
from kyc_gate.webhook.admission import Reviewing
from kyc_gate.webhook.api_server import APIServer, Thing

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

GROUP = "/apis/kueue.x-k8s.io"


class State(StrEnum):
    """What a check says of a workload (kueue.x-k8s.io, `CheckState`)."""

    PENDING = "Pending"
    READY = "Ready"
    REJECTED = "Rejected"


class Answered(Record):
    """A check's answer, and what a person is told with it."""

    state: State
    message: str


class KueueChecks:
    """Answers the checks of one cluster, again and again. Nothing is counted here, but when the object starts."""

    def __init__(self, gate: Gate, settings: KubernetesSettings, folder: Path) -> None:
        self._gate = gate
        self._settings = settings
        self._kueue = settings.kueue or KueueSettings()
        self._reviewing = Reviewing(gate, settings)
        self._folder = folder

    async def keep(self) -> None:
        """Look until cancelled. A look that fails is logged, and the next one comes."""
        while True:
            try:
                async with APIServer(self._kueue, self._folder) as server:
                    while True:
                        await self.look(server)
                        await asyncio.sleep(self._kueue.seconds)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next look must come
                log.warning("kueue.unseen", cluster=self._settings.cluster, error=str(error) or type(error).__name__)
            await asyncio.sleep(self._kueue.seconds)

    async def look(self, server: APIServer) -> None:
        """Answer what waits for an answer, once. Raises `UpstreamFault` where the API server cannot be asked."""
        checks = await self._checks(server)
        if not checks:
            return
        for workload in await server.list(f"{GROUP}/{self._kueue.version}/workloads"):
            for place, check in enumerate((workload.get("status") or {}).get("admissionChecks") or ()):
                if check.get("name") not in checks or check.get("state") != State.PENDING:
                    continue
                try:
                    await self._answer(server, workload, place, check)
                except Exception as error:  # noqa: BLE001 - one that cannot be read holds up no other
                    told = str(error) if isinstance(error, KYCGateError) else type(error).__name__
                    log.warning("kueue.unanswered", cluster=self._settings.cluster, error=told)

    async def _checks(self, server: APIServer) -> set[str]:
        """Return the names of the checks that are the gate's, each of them said to be active."""
        found = set()
        for check in await server.list(f"{GROUP}/{self._kueue.version}/admissionchecks"):
            if (check.get("spec") or {}).get("controllerName") != self._kueue.controller:
                continue
            name = check["metadata"]["name"]
            conditions = (check.get("status") or {}).get("conditions") or []
            if not any((each.get("type"), each.get("status")) == ("Active", "True") for each in conditions):
                active = {
                    "type": "Active",
                    "status": "True",
                    "reason": "Active",
                    "message": "the gate answers this check",
                    "lastTransitionTime": self._now(),
                    "observedGeneration": check["metadata"].get("generation", 1),
                }
                others = [each for each in conditions if each.get("type") != "Active"]
                path = f"{GROUP}/{self._kueue.version}/admissionchecks/{name}/status"
                patch = {
                    "metadata": {"resourceVersion": check["metadata"]["resourceVersion"]},
                    "status": {"conditions": [*others, active]},
                }
                await server.patch(path, patch, kind="merge-patch")
            found.add(name)
        return found

    async def _answer(self, server: APIServer, workload: Thing, place: int, check: Thing) -> None:
        """Answer one check. What changed in the meantime is left for the next look."""
        answered = await self._answered(await self._request(server, workload))
        if answered is None or (answered.state, answered.message) == (check["state"], check.get("message")):
            return
        metadata = workload["metadata"]
        at = f"/status/admissionChecks/{place}"
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
            {"op": "test", "path": f"{at}/name", "value": check["name"]},
            {"op": "test", "path": f"{at}/state", "value": check["state"]},
            {"op": "add", "path": f"{at}/state", "value": answered.state.value},
            {"op": "add", "path": f"{at}/message", "value": answered.message},
            {"op": "add", "path": f"{at}/lastTransitionTime", "value": self._now()},
        ]
        namespace, name = metadata["namespace"], metadata["name"]
        path = f"{GROUP}/{self._kueue.version}/namespaces/{namespace}/workloads/{name}/status"
        if await server.patch(path, patch, kind="json-patch"):
            log.info("kueue.answered", cluster=self._settings.cluster, workload=metadata["uid"], state=answered.state)

    async def _request(self, server: APIServer, workload: Thing) -> ProvisioningRequest | None:
        """Return what the workload's owner would ask for where it started, else what the workload itself does.

        Raises `KYCGateError` for an owner that is there no more, or cannot be read one way only.
        """
        owner = owner_of(workload)
        if owner is None or owner.kind.name not in WORKLOADS:
            return await self._reviewing.starting(self._review(None, workload))
        queued = await server.get(_path_of(workload, owner))
        if queued is None or queued["metadata"].get("uid") != owner.uid:
            raise KYCGateError("the owner of a workload is not there; its check waits")
        group, version = owner.kind.group, owner.kind.version
        queued = {"apiVersion": f"{group}/{version}" if group else version, "kind": owner.kind.kind, **queued}
        started = {**queued, "spec": without_pause(queued.get("spec") or {})}
        return await self._reviewing.starting(self._review(queued, started))

    def _review(self, before: Thing | None, now: Thing) -> Review:
        """Return the review that the API server would ask for when Kueue starts the object, read as strictly."""
        group, _, version = now["apiVersion"].rpartition("/")
        kind = {"group": group, "version": version, "kind": now["kind"]}
        metadata = now["metadata"]
        request: dict[str, Any] = {
            "uid": str(uuid.uuid4()),
            "kind": kind,
            "resource": {"group": group, "version": version, "resource": f"{now['kind'].lower()}s"},
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "operation": "UPDATE" if before is not None else "CREATE",
            "userInfo": {"username": self._kueue.user, "groups": ["system:serviceaccounts", "system:authenticated"]},
            "object": now,
            "oldObject": before,
        }
        document = {"apiVersion": API_VERSION, "kind": "AdmissionReview", "request": request}
        return read_review(read_body(msgspec.json.encode(document)))

    async def _answered(self, request: ProvisioningRequest | None) -> Answered | None:
        """Return the answer about a request; None where none can be made now.

        A person is asked once: while their case waits nothing is decided again, and what they rejected is rejected.
        """
        if request is None:
            return Answered(state=State.READY, message="nothing more is asked for")
        if await self._gate.granted(request):
            return Answered(state=State.READY, message="approved")
        case = await self._gate.store.fetch_case_for(request.fingerprint)
        if case is not None and case.state in WAITING:
            return Answered(state=State.PENDING, message=f"waits for a person; case {case.id}")
        if case is not None and case.state is CaseState.REJECTED:
            return Answered(state=State.REJECTED, message=f"this request was refused; case {case.id}")
        admission = await self._gate.decide_in_steps(request)
        if admission.refusal is None:
            if admission.hold_id is not None:
                await self._gate.store.release(admission.hold_id, admission.decision_id)
            return Answered(state=State.READY, message=f"decision {admission.decision_id}")
        if admission.refusal.code == "review-required":
            return Answered(state=State.PENDING, message=f"waits for a person; case {admission.case_id}")
        if admission.refusal.code == "blocked":
            return Answered(state=State.REJECTED, message=f"this request was refused; decision {admission.decision_id}")
        return None

    def _now(self) -> str:
        return self._gate.now().strftime("%Y-%m-%dT%H:%M:%SZ")


_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]|\.(?!\.))*")
"""Names of jobs and their like: those of subdomains (Kubernetes, object names). No API server checks a reference's."""

_VERSION = re.compile(r"v[0-9a-z]+")


def _path_of(workload: Thing, owner: Owner) -> str:
    """Return where the API server keeps the workload's owner. Raises `KYCGateError` for any other reference."""
    names = {
        each.get("name")
        for each in workload["metadata"]["ownerReferences"]
        if each.get("controller") and each.get("uid") == owner.uid
    }
    name = names.pop() if len(names) == 1 else None
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not _VERSION.fullmatch(owner.kind.version):
        raise KYCGateError("a workload names no owner that could be there; its check waits")
    home = f"/apis/{owner.kind.group}" if owner.kind.group else "/api"
    namespace = workload["metadata"]["namespace"]
    return f"{home}/{owner.kind.version}/namespaces/{namespace}/{owner.kind.kind.lower()}s/{name}"
