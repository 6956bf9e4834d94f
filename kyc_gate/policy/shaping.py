"""Limits that no condition need name: a gate makes facts by them, before any rule is asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import zip_longest

from kyc_gate.compute.lineage import LineageLines
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.written_conditions import number_text

HORIZON_DAYS = 30
"""Days over which machines without a stated end are projected where no policy says how many."""

LONGEST_WINDOW_DAYS = 3_650
"""What a configuration may say, too. What took longer is in the sums since the control group was first seen."""

LAW = LineageLines()
"""The lines of the law's own text."""


def horizon_days(policies: Iterable[Policy]) -> int:
    """Return the longest horizon that a policy asks for, in whole days."""
    asked = [int(policy.limits["horizon_days"]) for policy in policies if "horizon_days" in policy.limits]
    return max(asked, default=HORIZON_DAYS)


def window_days(policies: Iterable[Policy], configured: int) -> int:
    """Return the longest window, in whole days, that the operator configured or a policy asks for."""
    asked = (math.ceil(policy.limits["window_days"]) for policy in policies if "window_days" in policy.limits)
    return max(configured, min(max(asked, default=0), LONGEST_WINDOW_DAYS))


def lineage_lines(policies: Iterable[Policy]) -> LineageLines:
    """Return the strictest lines that the policies draw under `limits`; the law's where none draws one."""
    limits = [policy.limits for policy in policies]

    def strictest(name: str, law: Fraction) -> Fraction:
        return min((Fraction(each[name]) for each in limits if name in each), default=law)

    return LineageLines(
        derivative_operations=int(strictest("derivative_operations", Fraction(LAW.derivative_operations))),
        derivative_share=strictest("derivative_share", Fraction(LAW.derivative_share)),
        synthetic_share=strictest("synthetic_share", Fraction(LAW.synthetic_share)),
    )


def asking_lines(policies: Iterable[Policy]) -> tuple[int, ...]:
    """Return the numbers of operations at which the policies begin to ask: limits, and where they are approached.

    Runs just below one of them are told apart as pieces.
    """
    return tuple(sorted(set(_asking_lines(policies))))


def _asking_lines(policies: Iterable[Policy]) -> Iterator[int]:
    for policy in policies:
        share = policy.limits.get("approach_share")
        for name, limit in policy.limits.items():
            if name.endswith("_operations"):
                yield int(limit)
                if share is not None and name == "frontier_operations":
                    yield int(limit * share)


class Shaped(Record):
    """Something of two policies that no given facts show, and whether the new one lets more through by it."""

    about: str
    old: str
    new: str
    lenient: bool

    def __str__(self) -> str:
        return f"{self.about}: {self.old} -> {self.new}"


def shaped_otherwise(old: Policy, new: Policy) -> Iterator[Shaped]:
    """Yield every limit by which the policies' facts differ. What facts come of it no condition can tell."""
    before, after = horizon_days((old,)), horizon_days((new,))
    if before != after:
        yield Shaped(about="limit horizon_days", old=str(before), new=str(after), lenient=after < before)
    before, after = window_days((old,), 0), window_days((new,), 0)
    if before != after:
        words = [str(days or "as configured") for days in (before, after)]
        yield Shaped(about="limit window_days", old=words[0], new=words[1], lenient=after < before)
    drawn = lineage_lines((old,)), lineage_lines((new,))
    for name in ("derivative_operations", "derivative_share", "synthetic_share"):
        one, other = (Fraction(getattr(lines, name)) for lines in drawn)
        if one != other:
            yield Shaped(about=f"limit {name}", old=number_text(one), new=number_text(other), lenient=other > one)
    lines = asking_lines((old,)), asking_lines((new,))
    if lines[0] != lines[1]:
        yield Shaped(
            about="numbers of operations below which pieces are looked for",
            old=", ".join(map(number_text, lines[0])) or "none",
            new=", ".join(map(number_text, lines[1])) or "none",
            lenient=any(one is not None and (other is None or other > one) for one, other in zip_longest(*lines)),
        )
