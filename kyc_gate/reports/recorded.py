"""A decision as its record tells it, read without asking which release wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kyc_gate.audit.record import SEAL
from kyc_gate.compute.installed import chips_of
from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import Record

Tree = dict[str, Any]
"""JSON as it is on record. `Any` because that is what JSON is."""


class DecidedRecord(Record):
    """The record of one decision, or of a resemblance that screening again found.

    `request`, `facts`, `decision` and `resemblance` are None where the record has none; `erased` says that it had, and
    that their time was over. `policies` are written `name@revision`, `snapshot` is the digest of the lists.
    """

    decision_id: str
    at: datetime
    outcome: str
    acted: str
    rules: tuple[str, ...]
    policies: tuple[str, ...]
    snapshot: str | None
    position: int
    hash: str
    erased: bool
    request: Tree | None = None
    facts: Tree | None = None
    decision: Tree | None = None
    resemblance: Tree | None = None

    def fact(self, path: str) -> Any:
        """Return the fact at a dotted path such as `customer.name`; None where it is unknown or erased."""
        return _at(self.facts, path)

    def asked(self, path: str) -> Any:
        """Return the part of the request at a dotted path; None where it is not told or erased."""
        return _at(self.request, path)

    @property
    def findings(self) -> tuple[Tree, ...]:
        """The findings of the decision; none where they were erased."""
        return tuple((self.decision or {}).get("findings", ()))

    @property
    def counting(self) -> tuple[Tree, ...]:
        """The findings that bore on the outcome."""
        return tuple(finding for finding in self.findings if finding.get("counts", True))

    @property
    def machines(self) -> tuple[str, ...]:
        """What was asked for, a line each: `512 x p5.48xlarge`."""
        return tuple(_machines(line) for line in self.asked("lines") or ())

    @property
    def chips(self) -> tuple[str, ...]:
        """The accelerators in those machines: `4096 x H100 SXM (512 x p5.48xlarge)`."""
        return tuple(_chips(line, self.asked("provider")) for line in self.asked("lines") or ())

    @property
    def account(self) -> str | None:
        """The account as `provider:id`."""
        provider, id = self.asked("provider"), self.asked("caller.account")
        return f"{provider}:{id or ''}" if provider else None


def read_recorded(flat: Mapping[str, Any]) -> DecidedRecord:
    """Return the decision of a record as the store gives it. Raises `KeyError` for a record of something else."""
    parts = {name: flat.get(name) for name in ("request", "facts", "decision", "resemblance")}
    return DecidedRecord(
        decision_id=str(flat["decision_id"]),
        at=datetime.fromisoformat(str(flat["at"])),
        outcome=str(flat.get("outcome") or (parts["decision"] or {}).get("outcome") or "escalate"),
        acted=str(flat.get("acted") or "refuse"),
        rules=tuple(
            flat.get("rules") or (finding["rule"] for finding in (parts["decision"] or {}).get("findings", ()))
        ),
        policies=tuple(flat.get("policies") or ()),
        snapshot=flat.get("lists") or (parts["resemblance"] or {}).get("snapshot"),
        position=int(flat["position"]),
        hash=str(flat["hash"]),
        erased=SEAL in flat and not any(parts.values()),
        **parts,
    )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str | None]]:
    """Yield each leaf of a tree with its dotted path, in the order of the paths; None is unknown."""
    if isinstance(value, Mapping) and value:
        for name in sorted(value):
            yield from leaves(value[name], f"{path}.{name}" if path else str(name))
    elif (
        isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(each, Mapping) for each in value)
    ):
        for number, each in enumerate(value, 1):
            yield from leaves(each, f"{path}.{number}")
    else:
        yield path, text_of(value)


def text_of(value: Any) -> str | None:
    """Return a leaf as people read it; None is unknown, an empty list is `none`."""
    match value:
        case None:
            return None
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case Mapping() | Sequence():
            return ", ".join(str(each) for each in value) or "none"
        case int() if abs(value) >= 10**9:
            return f"{value:.3e}"
        case _:
            return str(value)


def _at(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def _machines(line: Tree) -> str:
    return f"{line['count'] * line.get('multiplier', 1)} x {line.get('instance_type') or line.get('model')}"


def _chips(line: Tree, provider: str | None) -> str:
    """The chips of a line and its machines; the machines alone where the catalogue does not know what is in them."""
    said = _machines(line)
    count, chip, _ = chips_of(msgspec.convert(line, Accelerators), provider)
    return said if chip is None else f"{float(count):g} x {chip.model} ({said})"
