"""The policies that decisions are made under: a fixed set with everything drawn from it, swapped as one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kyc_gate.compute.lineage import LineageLines
from kyc_gate.errors import NotReady
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.shaping import asking_lines, horizon_days, lineage_lines, window_days
from kyc_gate.service.settings import Settings


class Origin(Record):
    """Where a set of policies came from: the bundle's digest, version and signers, or folders, which have none."""

    digest: str | None = None
    version: int | None = None
    signers: tuple[str, ...] = ()
    activated_at: datetime | None = None


class ActivePolicies(Record):
    """Policies, and what the gate takes from them. Nothing in it changes once it is made.

    A decision takes one of these when it begins and uses no other: INVARIANT: no decision mixes two revisions.
    `lines` are numbers of operations at which a policy begins to ask; `floor` is the lowest score of a resemblance
    that any of them draws a line at.
    """

    policies: tuple[Policy, ...]
    lines: tuple[int, ...]
    floor: float
    horizon_days: int
    window_days: int
    lineage: LineageLines
    origin: Origin = Origin()

    @classmethod
    def of(cls, policies: Iterable[Policy], settings: Settings, origin: Origin | None = None) -> ActivePolicies:
        """Return `policies` ready to decide. Raises `NotReady` where there is none."""
        given = tuple(policies)
        if not given:
            raise NotReady("no policy is configured; name at least one under `gate.policies`")
        drawn = [policy.lines.lowest for policy in given if policy.lines is not None]
        return cls(
            policies=given,
            lines=asking_lines(given),
            floor=min(drawn, default=1.0),
            horizon_days=horizon_days(given),
            window_days=window_days(given, settings.window_days),
            lineage=lineage_lines(given),
            origin=origin or Origin(),
        )

    @property
    def names(self) -> list[str]:
        """Name and revision of each policy."""
        return [str(policy.reference) for policy in self.policies]

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of each policy: two sets decide alike where these are alike."""
        return tuple(policy.reference.digest for policy in self.policies)
