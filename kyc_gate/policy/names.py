"""What a policy lets its conditions name besides facts: limits, options and country groups."""

from __future__ import annotations

from collections.abc import Mapping

from kyc_gate.model.record import Record
from kyc_gate.policy.syntax import Number


class Constants(Record):
    """The limits and options of one policy, and the titles of the groups that it may name."""

    limits: Mapping[str, Number]
    options: Mapping[str, bool]
    groups: Mapping[str, str]

    def paths(self) -> list[str]:
        """Return every dotted name that these constants add to the vocabulary."""
        return [
            *(f"limits.{name}" for name in self.limits),
            *(f"options.{name}" for name in self.options),
            *(f"groups.{name}" for name in self.groups),
        ]
