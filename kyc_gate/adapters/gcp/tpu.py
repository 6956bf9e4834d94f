"""Cloud TPU: nodes, and queued resources that become nodes."""

from __future__ import annotations

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.gcp.asked import Asked, tail
from kyc_gate.adapters.gcp.vertex import topology_chips
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators

_TYPES = {
    "V2": "TPU v2",
    "V3": "TPU v3",
    "V4": "TPU v4",
    "V5P": "TPU v5p",
    "V5LITE_POD": "TPU v5e",
    "V6E": "TPU v6e",
    "V7": "TPU v7",
}
"""Types of `AcceleratorConfig` (tpu.v2), as the catalogue names the chips."""


def node_lines(node: Fields, times: int) -> list[Accelerators]:
    """Return the lines of `times` nodes. A node says its slice by name, or its type and topology; never both."""
    name, config = node.text("acceleratorType"), node.part("acceleratorConfig")
    if name and config.home:
        raise RefusedCall(400, "field", f"{node.path} has acceleratorType and acceleratorConfig; send one of them")
    if name:
        return [Accelerators(instance_type=tail(name, f"{node.path}.acceleratorType"), count=1, multiplier=times)]
    kind, topology = config.text("type"), config.text("topology")
    if not topology:
        return []
    if kind is not None and kind not in _TYPES and not kind.isascii():
        raise RefusedCall(400, "field", f"{config.path}.type {shown(kind)} is not a type of TPU")
    model = _TYPES.get(kind or "", kind or "TPU")
    return [Accelerators(model=model, count=topology_chips(topology, f"{config.path}.topology"), multiplier=times)]


def read_node(asked: Asked) -> Reading:
    """One node, until it is deleted."""
    lines = node_lines(asked.body, 1)
    return asked.reading(
        lines,
        [] if lines else [reference("parameter", "acceleratorType")],
        starts=asked.named("tpu-node", asked.query.get("nodeid")),
    )


def read_start(asked: Asked) -> Reading:
    """A node that was made earlier."""
    name = asked.named("tpu-node", asked.names.get("node"))
    return asked.reading(unresolved=[name or reference("tpu-node", "?")], starts=name)


def read_change(asked: Asked) -> Reading | None:
    """A change of a node's labels or metadata provisions nothing; of anything else, a person looks at."""
    mask = {each.strip() for each in asked.query.get("updatemask", "*").split(",")}
    harmless = {"labels", "description", "metadata", "tags"}
    if mask <= harmless:
        return None
    return asked.reading(unresolved=[reference("operation", asked.operation)], replaces=_node(asked))


def _node(asked: Asked) -> str | None:
    return asked.named("tpu-node", asked.names.get("node"))


def read_queued(asked: Asked) -> Reading:
    """Every node of every slice that is queued for. How long it waits in the queue is not how long it runs."""
    lines, hidden = [], []
    specs = asked.body.part("tpu").parts("nodeSpec")
    for spec in specs:
        slices = spec.part("multisliceParams").number("nodeCount", least=1)
        more = node_lines(spec.part("node"), slices or 1)
        lines += more
        if not more:
            hidden.append(reference("parameter", "acceleratorType"))
    if not specs:
        hidden.append(reference("parameter", "tpu"))
    return asked.reading(lines, hidden, starts=asked.named("queued-resource", asked.query.get("queuedresourceid")))
