"""What an object asks for: groups of equal pods, devices of claims, for how long, and whether it waits."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from kyc_gate.adapters.kubernetes.pods import Pod
from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import Record


class Group(Record):
    """So many equal pods at once."""

    pod: Pod
    count: int


class Demand(Record):
    """What runs once the object is there.

    `unresolved` names what cannot be read from the object, as `kind:id`; what a pod references is in its group.
    `ranged` says that the upper end of a range counts. `replica` is what one more replica adds.
    `whole` are the pods themselves where the groups hold only the share of them that is busy.
    `charged` is false for what is only defined, and runs nothing until something else names it.
    """

    groups: tuple[Group, ...] = ()
    unresolved: tuple[str, ...] = ()
    seconds: int | None = None
    ranged: bool = False
    replica: tuple[Group, ...] | None = None
    whole: tuple[Pod, ...] = ()
    charged: bool = True

    @property
    def lines(self) -> tuple[Accelerators, ...]:
        """The lines of everything that runs at once."""
        return lines_of(self.groups)

    @property
    def pods(self) -> tuple[Pod, ...]:
        """The pods of which everything is made, each kind once, whole."""
        return self.whole or tuple(group.pod for group in self.groups)

    @property
    def references(self) -> tuple[tuple[str, int], ...]:
        """What pods name and do not spell out, and by how many pods it is named."""
        named = [(name, group.count) for group in self.groups if group.count for name in group.pod.unresolved]
        return tuple(named)


def lines_of(groups: Iterable[Group]) -> tuple[Accelerators, ...]:
    """Return the lines of the groups together, those that count nothing left out."""
    return tuple(
        replace(line, multiplier=line.multiplier * group.count)
        for group in groups
        if group.count
        for line in group.pod.lines
        if line.count
    )


def together(demands: Iterable[Demand], times: int = 1) -> Demand:
    """Return demands side by side, each so many times. The longest limit counts, and none is longer than any."""
    all_of = tuple(demands)
    limits = [each.seconds for each in all_of]
    return Demand(
        groups=tuple(replace(group, count=group.count * times) for each in all_of for group in each.groups),
        unresolved=tuple(dict.fromkeys(name for each in all_of for name in each.unresolved)),
        seconds=None if not limits or None in limits else max(limit for limit in limits if limit is not None),
        ranged=any(each.ranged for each in all_of),
    )
