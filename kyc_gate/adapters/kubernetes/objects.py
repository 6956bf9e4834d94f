"""Any object to its demand: by its kind where that is known, and else by what in it looks like an accelerator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from msgspec.structs import replace

from kyc_gate.adapters.kubernetes.claims import claim_template, resource_claim
from kyc_gate.adapters.kubernetes.demand import Demand, Group
from kyc_gate.adapters.kubernetes.devices import device
from kyc_gate.adapters.kubernetes.fields import Object, part, text
from kyc_gate.adapters.kubernetes.node_pools import coreweave_pool, karpenter_pool
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.kubernetes.workloads import WORKLOADS, Read, Reader
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.values import reference
from kyc_gate.compute.instance_types import find_instance_type
from kyc_gate.errors import RefusedCall
from kyc_gate.model.record import Record

CLAIMS: Mapping[tuple[str, str], tuple[frozenset[str], Read]] = MappingProxyType(
    {
        ("resource.k8s.io", "ResourceClaim"): (frozenset({"v1beta1", "v1beta2", "v1"}), resource_claim),
        ("resource.k8s.io", "ResourceClaimTemplate"): (frozenset({"v1beta1", "v1beta2", "v1"}), claim_template),
    }
)

NODE_POOLS: Mapping[tuple[str, str], tuple[frozenset[str], Read]] = MappingProxyType(
    {
        ("karpenter.sh", "NodePool"): (frozenset({"v1beta1", "v1"}), karpenter_pool),
        ("compute.coreweave.com", "NodePool"): (frozenset({"v1alpha1"}), coreweave_pool),
    }
)

UNCOUNTED = frozenset(
    {
        ("", "Namespace"), ("", "ResourceQuota"), ("", "LimitRange"), ("", "ConfigMap"), ("", "Secret"), ("", "Event"),
        ("", "Node"), ("resource.k8s.io", "ResourceSlice"), ("resource.k8s.io", "DeviceClass"),
        ("kueue.x-k8s.io", "ClusterQueue"), ("kueue.x-k8s.io", "Cohort"), ("kueue.x-k8s.io", "ResourceFlavor"),
        ("kueue.x-k8s.io", "LocalQueue"), ("karpenter.sh", "NodeClaim"), ("", "PodTemplate"),
        ("autoscaling", "HorizontalPodAutoscaler"),
    }
)  # fmt: skip
"""Kinds that name accelerators and run nothing: quotas, classes, inventories, and nodes made from a pool that was
admitted. They are no way round, whatever stands in them."""


class Kind(Record):
    """The group, version and kind of an object."""

    group: str
    version: str
    kind: str

    @property
    def name(self) -> tuple[str, str]:
        """The group and kind, whatever the version."""
        return self.group, self.kind

    @property
    def counted(self) -> Literal["nodes", "workloads"] | None:
        """Whether it makes nodes, or what runs on them; None where nobody knows."""
        if self.name in NODE_POOLS:
            return "nodes"
        return "workloads" if self.name in WORKLOADS or self.name in CLAIMS else None


def read_demand(kind: Kind, document: Object, namespace: str, settings: KubernetesSettings) -> Demand:
    """Return what the object asks for. Raises `RefusedCall` 400 where a field has no meaning.

    A kind or version that is not known and names an accelerator anywhere is unresolved; so is a known kind with a pod
    in a field that is not known.
    """
    if kind.name in UNCOUNTED:
        return Demand()
    reader = Reader(namespace, settings)
    spec = part(document, "spec")
    versions, read = {**WORKLOADS, **CLAIMS, **NODE_POOLS}.get(kind.name, (frozenset(), None))
    if read is not None and kind.version in versions:
        found = read(reader, spec)
        passed_over = tuple(_passed_over(spec, reader))
        return replace(found, unresolved=(*found.unresolved, *passed_over)) if passed_over else found
    return _unknown(kind, document, reader)


def _unknown(kind: Kind, document: Object, reader: Reader) -> Demand:
    """Return one pod of each specification in the object, and that nobody knows how many there will be."""
    groups = tuple(Group(pod=reader.pod(spec), count=1) for spec in _pod_specs(document))
    asking = tuple(group for group in groups if group.pod.lines or group.pod.unresolved)
    if not asking and kind.counted != "nodes" and not _names_accelerator(document, reader.settings):
        return Demand()
    name = f"{kind.group}/{kind.version} {kind.kind}".removeprefix("/")
    return Demand(groups=asking, unresolved=(reference("kind", name),))


def _passed_over(spec: Object, reader: Reader) -> Iterator[str]:
    for found in _pod_specs(spec):
        if id(found) in reader.seen:
            continue
        own = reader.pod(found)
        if own.lines or own.unresolved:
            yield reference("pod-template", "in a field that is not known")
            return


def _pod_specs(value: JsonValue) -> Iterator[Object]:
    """Yield whatever may be a pod's specification: an object with a list of containers."""
    if isinstance(value, dict):
        containers = value.get("containers")
        if isinstance(containers, list) and all(isinstance(each, dict) for each in containers):
            yield value
        for each in value.values():
            yield from _pod_specs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _pod_specs(each)


_ABOUT_NODES = frozenset(
    {
        "tolerations", "nodeSelector", "affinity", "labels", "annotations", "managedFields", "taints", "status",
        "matchLabels", "image",
    }
)  # fmt: skip
"""Fields that name accelerators and ask for none."""


_RESOURCE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+/[A-Za-z0-9._-]{1,63}")
"""A text that can be the name of a resource."""


def _names_accelerator(value: JsonValue, settings: KubernetesSettings) -> bool:
    """Return whether an accelerator's name stands in the value, as a field or as a text."""
    known = tuple(settings.accelerators)
    if isinstance(value, dict):
        return any(
            device(name, known) is not None or name == "deviceClassName" or _names_accelerator(each, settings)
            for name, each in value.items()
            if name not in _ABOUT_NODES
        )
    if isinstance(value, list):
        return any(_names_accelerator(each, settings) for each in value)
    if not isinstance(value, str):
        return False
    if settings.charge == "nodes" and (machine := find_instance_type(value)) is not None and machine.chip is not None:
        return True
    return _RESOURCE.fullmatch(value) is not None and device(value, known) is not None


def kind_of(document: Object) -> Kind:
    """Return the kind that an object says it is. Raises `RefusedCall` 400."""
    group, _, version = text(document, "apiVersion").rpartition("/")
    if not version or not text(document, "kind"):
        raise RefusedCall(400, "kind", "the object has no apiVersion and kind")
    return Kind(group=group, version=version, kind=text(document, "kind"))
