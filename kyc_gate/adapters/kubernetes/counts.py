"""Amounts of accelerators by model: what is more, what is larger, and both as the lines of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kyc_gate.model.job import Accelerators

Counts = Mapping[str, int]


def amounts_of(lines: Iterable[Accelerators]) -> dict[str, int]:
    """Return the units of each model or machine type in the lines."""
    found: dict[str, int] = {}
    for line in lines:
        name = line.model if line.model is not None else f"machine {line.instance_type}"
        found[name] = found.get(name, 0) + line.count * line.multiplier
    return found


def as_lines(amounts: Counts) -> tuple[Accelerators, ...]:
    """Return lines of these amounts, the inverse of `amounts_of`."""
    return tuple(
        Accelerators(count=count, instance_type=name.removeprefix("machine "))
        if name.startswith("machine ")
        else Accelerators(count=count, model=name)
        for name, count in sorted(amounts.items())
        if count
    )


def grown(now: Counts, before: Counts) -> dict[str, int]:
    """Return how much more of each there is now; what became less counts nothing."""
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def larger(some: Counts, others: Counts) -> dict[str, int]:
    """Return the larger amount of each."""
    return {name: max(some.get(name, 0), others.get(name, 0)) for name in {*some, *others}}


def summed(some: Counts, others: Counts) -> dict[str, int]:
    """Return the amounts of both together."""
    return {name: some.get(name, 0) + others.get(name, 0) for name in {*some, *others}}
