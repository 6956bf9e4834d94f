"""The list of remote end users that Supp. No. 2 to 15 CFR Part 748 (dd) asks an applicant for, from the directory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from kyc_gate.model.country import CountryCode
from kyc_gate.model.facts import ReadPlace
from kyc_gate.model.record import Record
from kyc_gate.reports.paper import Basis, Cell, Paper, Section, Table, told

GROUP = "china_rule_remote_users"
"""The group of countries in `policies/data/groups.toml`; citation US-CHIP-07."""

CITE = "15 CFR Part 748 Supp. No. 2 (dd)"

STATUS = (
    f"{CITE}, in force since 2026-01-15, has an applicant list the intended remote end users of infrastructure as a "
    "service that are located, headquartered or parented in the countries below. Read the paragraph before filing."
)

HEADER = (
    "Standing",
    "Party",
    "Name",
    "Location",
    "Headquarters",
    "Ultimate parent",
    "Its headquarters",
    "Why",
    "Identity verified",
    "Reseller",
    "Requests that passed",
    "Requests that were held or refused",
    "Last request",
)
"""Columns of the list, on paper and as CSV."""


class RemoteUser(Record):
    """A party on file with three of its countries, and what is on record of its requests. None is unknown.

    `parents` are every country in which a source places an ultimate parent.
    """

    party_id: str
    name: str
    location: ReadPlace
    headquarters: CountryCode | None
    parent: str | None
    parents: tuple[CountryCode, ...]
    verified: bool
    reseller: bool | None
    passed: int = 0
    refused: int = 0
    last_at: datetime | None = None

    @property
    def countries(self) -> tuple[tuple[str, tuple[CountryCode, ...]], ...]:
        """The three countries that count, each with its name; empty where it is unknown."""
        known = (self.location.country, self.headquarters)
        location, headquarters = (((country,) if country else ()) for country in known)
        return (("location", location), ("headquarters", headquarters), ("headquarters of the parent", self.parents))


class Listed(Record):
    """A row of the list. `standing` is `listed`, or `not ruled out` where one of its countries is unknown."""

    user: RemoteUser
    standing: str
    why: str

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The row under `HEADER`."""
        user = self.user
        return (
            self.standing,
            user.party_id,
            user.name,
            user.location.country,
            user.headquarters,
            user.parent,
            ", ".join(user.parents) or None,
            self.why,
            "yes" if user.verified else "no",
            None if user.reseller is None else "yes" if user.reseller else "no",
            str(user.passed),
            str(user.refused),
            user.last_at.date().isoformat() if user.last_at else None,
        )


def listed_users(users: Sequence[RemoteUser], group: Collection[str]) -> tuple[Listed, ...]:
    """Return who is to be listed, and who cannot be ruled out; those in one of the countries first, then by name."""
    rows = [row for row in (_listed(user, group) for user in users) if row is not None]
    return tuple(sorted(rows, key=lambda row: (row.standing != "listed", row.user.name, row.user.party_id)))


def remote_users_paper(
    users: Sequence[RemoteUser], group: Collection[str], *, basis: Basis, provider: str | None = None
) -> Paper:
    """Return the list as a paper, for the countries of `group`."""
    rows = listed_users(users, group)
    resellers = sum(user.reseller is not False for user in users)
    return Paper(
        kind="remote-users",
        title="Draft list of remote end users",
        status=STATUS,
        basis=basis,
        sections=(
            Section(
                title="The list",
                fields=(
                    told(CITE, "applicant", None),
                    told(CITE, "ultimate consignee that offers infrastructure as a service", provider),
                    told(CITE, "countries", ", ".join(sorted(group)), f"policies: group {GROUP}"),
                    told(CITE, "parties on file", str(len(users)), "directory"),
                    told(CITE, "listed", str(sum(row.standing == "listed" for row in rows)), "directory"),
                    told(CITE, "not ruled out", str(sum(row.standing != "listed" for row in rows)), "directory"),
                    told(CITE, "customers of resellers", None),
                    told(CITE, "intended remote end users that are not on file yet", None),
                ),
            ),
        ),
        tables=(
            Table(
                title="Remote end users",
                header=HEADER,
                rows=tuple(row.cells for row in rows),
                note="Every party on file that is in one of the countries, and every one with a country unknown.",
            ),
        ),
        remarks=(f"{resellers} parties are resellers, or nobody said that they are not.",) if resellers else (),
    )


def _listed(user: RemoteUser, group: Collection[str]) -> Listed | None:
    inside = [
        f"{name} {', '.join(sorted(set(known) & set(group)))}"
        for name, known in user.countries
        if set(known) & set(group)
    ]
    if inside:
        return Listed(user=user, standing="listed", why="; ".join(inside))
    unknown = [name for name, known in user.countries if not known]
    if unknown:
        return Listed(user=user, standing="not ruled out", why=f"not on file: {', '.join(unknown)}")
    return None
