"""Which kinds can wait, by which field, and the patch that makes them wait."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from kyc_gate.adapters.kubernetes.fields import Object, flag, part, parts, text

SCHEDULING_GATE = "kyc-gate.io/review"
"""The gate that keeps a pod from being scheduled until a person has looked (pod scheduling readiness)."""

_SUSPEND: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("batch", "Job"): ("suspend",),
        ("batch", "CronJob"): ("suspend",),
        ("jobset.x-k8s.io", "JobSet"): ("suspend",),
        ("trainer.kubeflow.org", "TrainJob"): ("suspend",),
        ("ray.io", "RayCluster"): ("suspend",),
        ("ray.io", "RayJob"): ("suspend",),
        **{
            ("kubeflow.org", kind): ("runPolicy", "suspend")
            for kind in ("PyTorchJob", "TFJob", "XGBoostJob", "PaddleJob", "JAXJob", "MPIJob")
        },
    }
)
"""The field below `spec` that keeps a kind from running, by group and kind."""


def paused(group: str, kind: str, spec: Object) -> bool:
    """Return whether nothing of the object runs."""
    if (group, kind) == ("", "Pod"):
        return bool(parts(spec, "schedulingGates"))
    if (group, kind) == ("kueue.x-k8s.io", "Workload"):
        return flag(spec, "active") is False
    path = _SUSPEND.get((group, kind))
    if path is None:
        return False
    return flag(part(spec, path[0]) if len(path) > 1 else spec, path[-1]) is True


def pause_patch(group: str, kind: str, spec: Object) -> bytes | None:
    """Return the JSON patch that pauses the object, in base64, or None where it cannot wait."""
    if (group, kind) == ("", "Pod"):
        return _pod_patch(spec)
    if (group, kind) == ("kueue.x-k8s.io", "Workload"):
        return _encoded("/spec/active", False)
    path = _SUSPEND.get((group, kind))
    if path is None or not _takes_suspension(group, kind, spec):
        return None
    if len(path) > 1 and not part(spec, path[0]):
        return _encoded(f"/spec/{path[0]}", {path[1]: True})
    return _encoded(f"/spec/{'/'.join(path)}", True)


def without_pause(spec: Object) -> Object:
    """Return the specification without the fields that only make it wait: released, it is the same request."""
    plain = {name: value for name, value in spec.items() if name not in ("suspend", "active", "schedulingGates")}
    policy = plain.get("runPolicy")
    if isinstance(policy, dict):
        kept = {name: value for name, value in policy.items() if name != "suspend"}
        plain = {**plain, "runPolicy": kept} if kept else {name: plain[name] for name in plain if name != "runPolicy"}
    return plain


def _takes_suspension(group: str, kind: str, spec: Object) -> bool:
    """Return whether the kind's own rules let it wait: a Ray job only if its cluster is taken down after it."""
    if (group, kind) != ("ray.io", "RayJob"):
        return True
    return flag(spec, "shutdownAfterJobFinishes") is True and not spec.get("clusterSelector")


def _pod_patch(spec: Object) -> bytes | None:
    if text(spec, "nodeName"):
        return None  # it is bound to its node already, and no gate holds it
    return _encoded("/spec/schedulingGates", [{"name": SCHEDULING_GATE}])


def _encoded(path: str, value: object) -> bytes:
    return base64.b64encode(msgspec.json.encode([{"op": "add", "path": path, "value": value}]))
