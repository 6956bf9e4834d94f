"""What a gate counts since its start: decisions, how long they took, rules that fired, and calls without a decision."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from typing import Any

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds in seconds. A decision takes about a millisecond, and at most a second (`gate.decision_seconds`)."""


class Tally:
    """Counts of one gate. No label names a party, an account or a list."""

    def __init__(self) -> None:
        self.decisions: Counter[tuple[str, str, str]] = Counter()
        """By outcome, what was done, and mode."""
        self.rules: Counter[tuple[str, bool]] = Counter()
        """By rule, and whether the finding bore on the outcome."""
        self.failures: Counter[str] = Counter()
        """Calls that were refused without a decision, by kind of error."""
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)

    def count(self, line: Mapping[str, Any]) -> None:
        """Count a decision by its line."""
        self.decisions[line["outcome"], line["acted"], line["mode"]] += 1
        for rule in line["rules"]:
            self.rules[rule, True] += 1
        for rule in line["observed"]:
            self.rules[rule, False] += 1
        seconds = line["milliseconds"] / 1000
        self.seconds += seconds
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
