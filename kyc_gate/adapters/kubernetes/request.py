"""A demand as the gate's request: whose it is, what it means, and under which key it counts once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from kyc_gate.adapters.kubernetes.fields import Object, part, text
from kyc_gate.adapters.kubernetes.pauses import without_pause
from kyc_gate.adapters.kubernetes.review import Review
from kyc_gate.adapters.kubernetes.settings import AccountRule, KubernetesSettings
from kyc_gate.adapters.reading import declared_operations, declared_place, declared_workload
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.record import Record, digest

PROVIDER = "kubernetes"

ANNOTATIONS = ("workload", "operations", "place-of-use")
"""What an object may declare of itself in annotations `kyc-gate.io/...`. No annotation is an approval."""


class Asked(Record):
    """What a review asks the gate. `meaning` is what the object, or the scale, amounts to whenever it is sent."""

    kind: RequestKind
    lines: tuple[Accelerators, ...] = ()
    unresolved: tuple[str, ...] = ()
    seconds: int | None = None
    ranged: bool = False
    meaning: JsonValue = None


def request_of(review: Review, asked: Asked, settings: KubernetesSettings) -> ProvisioningRequest:
    """Return the request. Its fingerprint is the object's meaning: released or sent again, it has the same."""
    caller = caller_of(review, settings)
    tags = _declared(review.document)
    kind = ".".join(filter(None, (review.kind.kind, review.kind.group)))
    return ProvisioningRequest(
        provider=PROVIDER,
        service=settings.cluster,
        operation=f"{review.operation.title()} {review.resource if review.subresource else kind}{_below(review)}",
        kind=asked.kind,
        lines=asked.lines,
        certainty=_certainty(asked),
        unresolved=asked.unresolved,
        duration_seconds=asked.seconds,
        workload=declared_workload(tags),
        declared_operations=declared_operations(tags),
        place_of_use=declared_place(tags),
        data_centre=settings.data_centre,
        caller=caller,
        linkage=_linkage(review.document),
        idempotency_key=f"{PROVIDER}/{settings.cluster}/{review.uid}",
        dry_run=review.dry_run,
        fingerprint=digest(
            {
                "provider": PROVIDER,
                "cluster": settings.cluster,
                "account": caller.account,
                "namespace": review.namespace,
                "declared": tags,
                "meaning": asked.meaning,
            }
        ),
    )


def caller_of(review: Review, settings: KubernetesSettings) -> Caller:
    """Return the account behind a review: that of the first rule that fits, or none."""
    found = next((rule.account for rule in settings.accounts if _fits(rule, review)), None)
    return Caller(
        account=found, principal=review.user or None, verified=settings.verified and found is not None, how="api-server"
    )


def _fits(rule: AccountRule, review: Review) -> bool:
    pairs = ((rule.namespaces, (review.namespace,)), (rule.users, (review.user,)), (rule.groups, review.groups))
    return all(
        any(fnmatchcase(value, pattern) for value in values for pattern in patterns)
        for patterns, values in pairs
        if patterns
    )


def _below(review: Review) -> str:
    return f"/{review.subresource}" if review.subresource else ""


def _certainty(asked: Asked) -> Certainty:
    if asked.unresolved:
        return Certainty.UNRESOLVED
    return Certainty.RANGE if asked.ranged else Certainty.EXACT


def meaning_of(document: Object, kind: str) -> JsonValue:
    """Return what the object means, without what waits, what the cluster adds, and what labels say.

    Labels, annotations and selectors choose no machines. Admission adds a volume with a name made up each time.
    What is left out may still hold something that counts, so that amounts belong beside the meaning.
    """
    metadata = part(document, "metadata")
    spec = document.get("spec")
    plain = without_pause(spec) if isinstance(spec, dict) else spec
    if isinstance(plain, dict):
        plain = {name: value for name, value in plain.items() if name not in ("selector", "manualSelector")}
    name = text(metadata, "generateName") or text(metadata, "name")
    return {"kind": kind, "name": name, "spec": _meaningful(plain)}


_MADE_UP = re.compile(r"kube-api-access-[a-z0-9]+")


_SAID = frozenset({"labels", "annotations", "creationTimestamp"})


def _meaningful(value: JsonValue, field: str = "") -> JsonValue:
    if isinstance(value, dict):
        left_out = _SAID if field == "metadata" else frozenset()
        return {name: _meaningful(each, name) for name, each in sorted(value.items()) if name not in left_out}
    if isinstance(value, list):
        added = field in ("volumes", "volumeMounts")
        return [_meaningful(each) for each in value if not (added and _is_made_up(each))]
    return value


def _is_made_up(value: JsonValue) -> bool:
    return isinstance(value, dict) and _MADE_UP.fullmatch(str(value.get("name", ""))) is not None


def _declared(document: Object | None) -> tuple[tuple[str, str], ...]:
    """Return the object's declarations as tags of the names that other adapters know."""
    annotations = part(part(document or {}, "metadata"), "annotations")
    return tuple(
        (f"kyc:{name}", str(annotations[f"kyc-gate.io/{name}"]))
        for name in ANNOTATIONS
        if f"kyc-gate.io/{name}" in annotations
    )


def _linkage(document: Object | None) -> tuple[tuple[str, str], ...]:
    """Return what pieces of one run would share: the object's name and its images."""
    metadata = part(document or {}, "metadata")
    name = text(metadata, "generateName") or text(metadata, "name")
    found = {("image", image) for image in _images((document or {}).get("spec"))}
    return tuple(sorted({*found, *([("name", name)] if name else [])}))


def _images(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for key in ("initContainers", "containers"):
            found = value.get(key)
            if isinstance(found, list):
                yield from _texts(found)
        for each in value.values():
            yield from _images(each)
    elif isinstance(value, list):
        for each in value:
            yield from _images(each)


def _texts(containers: Iterable[JsonValue]) -> Iterator[str]:
    for each in containers:
        image = each.get("image") if isinstance(each, dict) else None
        if isinstance(image, str) and image:
            yield image
