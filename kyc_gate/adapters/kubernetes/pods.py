"""What one pod asks for: devices of its containers and claims, for how long, and what reaches devices another way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kyc_gate.adapters.kubernetes.counts import larger, summed
from kyc_gate.adapters.kubernetes.devices import amounts, chips, device
from kyc_gate.adapters.kubernetes.fields import Object, flag, part, parts, seconds, text
from kyc_gate.adapters.kubernetes.placement import models_of_pod, strongest
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.values import reference
from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import Record


class Pod(Record):
    """The chips of one pod, what could not be read from it alone (`kind:id`), and its own limit in seconds."""

    lines: tuple[Accelerators, ...] = ()
    unresolved: tuple[str, ...] = ()
    seconds: int | None = None


def read_pod(spec: Object, namespace: str, settings: KubernetesSettings) -> Pod:
    """Return what a pod with this specification asks for. Raises `RefusedCall` 400."""
    known = tuple(settings.accelerators)
    asked = _asked(spec, known)
    models = models_of_pod(spec)
    lines = tuple(
        Accelerators(count=chips(found, amount), model=model_of(name, models, settings))
        for name, amount in sorted(asked.items())
        if (found := device(name, known)) is not None and not _counted_beside(name, asked, known)
    )
    unresolved = (*_claims(spec, namespace), *_other_ways(spec, settings))
    return Pod(lines=lines, unresolved=tuple(dict.fromkeys(unresolved)), seconds=seconds(spec, "activeDeadlineSeconds"))


def model_of(name: str, models: tuple[str, ...], settings: KubernetesSettings) -> str:
    """Return the chip that a resource is: by its own name, by the nodes' labels, by the operator's word, or unknown."""
    found = device(name, tuple(settings.accelerators))
    chosen = strongest(models) if models else settings.accelerators.get(name)
    if found is not None and found.profile is not None:
        return f"{chosen} MIG {found.profile}" if chosen and "MIG" not in chosen else chosen or name
    if found is not None and found.model is not None:
        return found.model
    return chosen or name


def _asked(spec: Object, known: tuple[str, ...]) -> Mapping[str, int]:
    """Return the units of each accelerator at the pod's peak.

    Init containers run one after another before the others; those that restart (sidecars) stay beside what follows.
    """
    running: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in parts(spec, "initContainers"):
        own = amounts(part(container, "resources"), known)
        beside = summed(running, own)
        peak = larger(peak, beside)
        if text(container, "restartPolicy") == "Always":
            running = beside
    for container in parts(spec, "containers"):
        running = summed(running, amounts(part(container, "resources"), known))
    whole = larger(running, amounts(part(spec, "resources"), known))
    return summed(larger(peak, whole), amounts({"limits": spec.get("overhead")}, known))


def _counted_beside(name: str, asked: Mapping[str, int], known: tuple[str, ...]) -> bool:
    """Return whether a resource only meters chips that another one of the same maker counts."""
    found = device(name, known)
    if found is None or not found.metered:
        return False
    maker = name.partition("/")[0]
    return any(
        each.partition("/")[0] == maker and (other := device(each, known)) is not None and not other.metered
        for each in asked
    )


def _claims(spec: Object, namespace: str) -> Iterator[str]:
    for claim in parts(spec, "resourceClaims"):
        if template := text(claim, "resourceClaimTemplateName"):
            yield reference("claim-template", f"{namespace}/{template}")
        else:
            yield reference("claim", f"{namespace}/{text(claim, 'resourceClaimName')}")


_DEVICE_FOLDERS = (
    "/dev/nvidia",
    "/dev/dri",
    "/dev/kfd",
    "/dev/accel",
    "/dev/davinci",
    "/dev/neuron",
    "/dev/vfio",
    "/dev/hl",
)
_HIDDEN = frozenset({"", "none", "void"})
_VISIBLE = ("NVIDIA_VISIBLE_DEVICES", "AMD_VISIBLE_DEVICES", "ASCEND_VISIBLE_DEVICES", "HABANA_VISIBLE_DEVICES")


def _other_ways(spec: Object, settings: KubernetesSettings) -> Iterator[str]:
    """Yield each way to devices that the scheduler does not count: host paths, the runtime's variables, privileges."""
    for volume in parts(spec, "volumes"):
        path = text(part(volume, "hostPath"), "path").rstrip("/")
        if volume.get("hostPath") and (path in ("", "/dev") or path.startswith(_DEVICE_FOLDERS)):
            yield reference("devices", f"hostPath {path or '/'}")
    for container in (*parts(spec, "initContainers"), *parts(spec, "containers"), *parts(spec, "ephemeralContainers")):
        for variable in parts(container, "env"):
            hidden = "valueFrom" not in variable and text(variable, "value").lower() in _HIDDEN
            if text(variable, "name") in _VISIBLE and not hidden:
                yield reference("devices", text(variable, "name"))
        if flag(part(container, "securityContext"), "privileged") and not settings.unsafe_ignore_privileged:
            yield reference("devices", "privileged")
