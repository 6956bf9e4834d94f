"""An admission review, read strictly: one request, whose object is what it says it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kyc_gate.adapters.kubernetes.fields import Object, flag, number, part, parts, text
from kyc_gate.adapters.kubernetes.objects import Kind, kind_of
from kyc_gate.adapters.strict_json import JsonValue, read_json_object
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.record import Record

API_VERSION = "admission.k8s.io/v1"

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")


class Owner(Record):
    """The object that controls another: a claim of whoever wrote it, until the ledger knows it."""

    uid: str
    kind: Kind


class Review(Record):
    """One request of the API server.

    `resource` is plural and with its group (`deployments.apps`). `document` and `old` are the object after and before
    the operation; None where there is none.
    `orphans` says that a deletion leaves behind what the object made, `grace` for how many seconds it may go on.
    """

    uid: str
    operation: str
    kind: Kind
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    groups: tuple[str, ...]
    document: Object | None
    old: Object | None
    dry_run: bool
    orphans: bool
    grace: int | None


def review_uid(document: Object) -> str:
    """Return the id that the answer must repeat. Raises `RefusedCall` 400 for a body that is no review."""
    if (text(document, "apiVersion"), text(document, "kind")) != (API_VERSION, "AdmissionReview"):
        raise RefusedCall(400, "review", f"the body is not an AdmissionReview of {API_VERSION}")
    uid = text(part(document, "request"), "uid")
    if not _UID.fullmatch(uid):
        raise RefusedCall(400, "review", "request.uid is not an id")
    return uid


def read_body(body: bytes) -> Object:
    """Return the one JSON object in the body. Raises `RefusedCall` 400."""
    return read_json_object(body)


def read_review(document: Object) -> Review:
    """Return the review. Raises `RefusedCall` 400 where its object is not of the kind that the request names."""
    uid = review_uid(document)
    request = part(document, "request")
    operation = text(request, "operation")
    if operation not in _OPERATIONS:
        raise RefusedCall(400, "review", f"request.operation {shown(operation)} is none of {', '.join(_OPERATIONS)}")
    named, resource, user = part(request, "kind"), part(request, "resource"), part(request, "userInfo")
    options = part(request, "options")
    kind = Kind(group=text(named, "group"), version=text(named, "version"), kind=text(named, "kind"))
    found, old = (part(request, name) or None for name in ("object", "oldObject"))
    for each in (found, old):
        if each is not None and kind_of(each) != kind:
            raise RefusedCall(400, "kind", f"the object is not of the kind {shown(kind.kind)} that the request names")
    if operation in ("CREATE", "UPDATE") and found is None:
        raise RefusedCall(400, "review", f"a {operation} has no object")
    return Review(
        uid=uid,
        operation=operation,
        kind=kind,
        resource=".".join(filter(None, (text(resource, "resource"), text(resource, "group")))),
        subresource=text(request, "subResource"),
        namespace=text(request, "namespace"),
        name=text(request, "name"),
        user=text(user, "username"),
        groups=_texts(user, "groups"),
        document=found,
        old=old,
        dry_run=bool(flag(request, "dryRun")),
        orphans=_orphans(options, old),
        grace=None if options.get("gracePeriodSeconds") is None else number(options, "gracePeriodSeconds", 0),
    )


def object_uid(document: Object | None) -> str | None:
    """Return the object's own id, None before it has one."""
    uid = text(part(document or {}, "metadata"), "uid")
    return uid if _UID.fullmatch(uid) else None


def owner_of(document: Object | None) -> Owner | None:
    """Return what controls the object, as the object says."""
    for each in parts(part(document or {}, "metadata"), "ownerReferences"):
        if flag(each, "controller") and _UID.fullmatch(text(each, "uid")):
            return Owner(uid=text(each, "uid"), kind=kind_of(each))
    return None


def replicas_of(document: Object | None) -> int:
    """Return the replicas that a `Scale` asks for."""
    return number(part(document or {}, "spec"), "replicas", 0)


def has_ended(review: Review) -> bool:
    """Return whether the object's status says that nothing of it runs, which it did not say before.

    That it is told to wait says nothing yet: its pods are there until the status says otherwise.
    """
    return _over(review.document) and not _over(review.old)


SHORT_GRACE = 300
"""Seconds for which pods may go on after their deletion and count no more."""

_GRACE = 30
"""`terminationGracePeriodSeconds` of a pod that does not say (Kubernetes API reference, core/v1)."""

_OWN_FINALIZERS = frozenset({"foregroundDeletion", "orphan"})
"""Finalizers of the deletion itself (Kubernetes, garbage collection)."""


def kept(document: Object | None) -> bool:
    """Return whether a finalizer keeps the object, and what it runs, after its deletion."""
    return not _OWN_FINALIZERS.issuperset(_finalizers(document))


def is_leaving(document: Object | None) -> bool:
    """Return whether the object was told to go, and stays only for its finalizers."""
    return part(document or {}, "metadata").get("deletionTimestamp") is not None


def grace_of(review: Review) -> int:
    """Return the seconds for which pods may go on after the deletion: the longest that the object allows."""
    if review.kind.name == ("", "Pod") and review.grace is not None:
        return review.grace
    return max(_graces((review.old or review.document or {}).get("spec")), default=_GRACE)


def _graces(value: JsonValue) -> Iterator[int]:
    if isinstance(value, dict):
        if "terminationGracePeriodSeconds" in value:
            yield number(value, "terminationGracePeriodSeconds", _GRACE)
        for each in value.values():
            yield from _graces(each)
    elif isinstance(value, list):
        for each in value:
            yield from _graces(each)


_LAST_CONDITIONS = frozenset({"Complete", "Completed", "Failed", "Succeeded", "Suspended"})
_LAST_PHASES = frozenset({"Succeeded", "Failed", "Completed", "Complete", "Terminated", "Aborted", "Suspended"})


def _over(document: Object | None) -> bool:
    """Return whether a status is a last one: of pods, jobs, job sets, trainers, Ray and Volcano jobs."""
    status = part(document or {}, "status")
    conditions = status.get("conditions")
    for each in parts(status, "conditions") if isinstance(conditions, list) else ():
        if each.get("type") in _LAST_CONDITIONS and each.get("status") == "True":
            return True
    state = status.get("state")
    phase = state.get("phase") if isinstance(state, dict) else None
    return any(each in _LAST_PHASES for each in (status.get("phase"), status.get("jobDeploymentStatus"), phase))


def _orphans(options: Object, old: Object | None) -> bool:
    told = text(options, "propagationPolicy") == "Orphan" or bool(flag(options, "orphanDependents"))
    return told or "orphan" in _finalizers(old)


def _finalizers(document: Object | None) -> tuple[str, ...]:
    return _texts(part(document or {}, "metadata"), "finalizers")


def _texts(home: Object, name: str) -> tuple[str, ...]:
    value = home.get(name)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
