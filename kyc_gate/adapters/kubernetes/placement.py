"""Which chip a pod's accelerators are, by the labels of the nodes that it may run on.

Only what the scheduler enforces counts: node selectors and required affinity. Where several models may be chosen, the
strongest counts; where any may be, none is known, and an unknown chip is counted as the strongest there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from kyc_gate.adapters.kubernetes.fields import Object, part, parts, text
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.compute.instance_types import find_instance_type

MODEL_LABELS = (
    "nvidia.com/gpu.product",
    "gpu.nvidia.com/class",
    "gpu.nvidia.com/model",
    "amd.com/gpu.product-name",
    "beta.amd.com/gpu.product-name",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.azure.com/sku-gpu-name",
    "k8s.amazonaws.com/accelerator",
    "doks.digitalocean.com/gpu-model",
)
"""Labels of nodes that name the chip (GPU feature discovery, CoreWeave, AMD, GKE, Karpenter, EKS, DigitalOcean)."""

INSTANCE_LABELS = (
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "node.coreweave.cloud/instance-type",
    "instance-type",
)
"""Labels of nodes that name the machine type."""

_TPUS = MappingProxyType(
    {
        "tpu-v4-podslice": "TPU v4",
        "tpu-v4-lite-device": "TPU v4",
        "tpu-v5-lite-podslice": "TPU v5e",
        "tpu-v5-lite-device": "TPU v5e",
        "tpu-v5p-slice": "TPU v5p",
        "tpu-v6e-slice": "TPU v6e",
        "tpu-v6e-device": "TPU v6e",
        "tpu7x": "TPU v7",
    }
)
"""Values of GKE's label for TPUs, by the chip."""


def models_of_pod(spec: Object) -> tuple[str, ...]:
    """Return the models that the pod's nodes can have; empty where any can be."""
    required = part(part(part(spec, "affinity"), "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution")
    selected = part(spec, "nodeSelector")
    chosen = models_of_labels({name: (value,) for name, value in selected.items()})
    if chosen:
        return chosen
    terms = [models_of_requirements(parts(term, "matchExpressions")) for term in parts(required, "nodeSelectorTerms")]
    return tuple(dict.fromkeys(model for term in terms for model in term)) if terms and all(terms) else ()


def models_of_requirements(requirements: Iterable[Object]) -> tuple[str, ...]:
    """Return the models that a list of requirements on labels leaves; empty where it leaves any."""
    labels: dict[str, tuple[JsonValue, ...]] = {}
    for each in requirements:
        values = each.get("values")
        if text(each, "operator") == "In" and isinstance(values, list) and values:
            labels.setdefault(text(each, "key"), tuple(values))
    return models_of_labels(labels)


def models_of_labels(labels: Mapping[str, tuple[JsonValue, ...]]) -> tuple[str, ...]:
    """Return the models that values of labels name, from the first label that names any."""
    for name in MODEL_LABELS:
        if name in labels:
            return tuple(dict.fromkeys(_model(value) for value in labels[name]))
    for name in INSTANCE_LABELS:
        if name in labels:
            return tuple(dict.fromkeys(_of_machine(value) for value in labels[name]))
    return ()


def strongest(models: tuple[str, ...]) -> str:
    """Return the model that counts most; one that nobody knows counts more than any."""
    known = {model: find_accelerator(model) for model in models}
    unknown = [model for model, found in known.items() if found is None]
    if unknown:
        return unknown[0]
    return max(known, key=lambda model: 0 if (found := known[model]) is None else found.share * found.chip.peak_rate)


def _model(value: JsonValue) -> str:
    named = value if isinstance(value, str) else str(value)
    plain = named.removesuffix("-SHARED")
    return _TPUS.get(plain.casefold(), plain)


def _of_machine(value: JsonValue) -> str:
    named = value if isinstance(value, str) else str(value)
    found = find_instance_type(named)
    return found.chip.model if found and found.chip else named
