"""Records out of the texts of their fields: CSV and XML call a field by the same dotted name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kyc_gate.ownership.gleif.records import Address, Entity, Relationship, ReportingException, Row

_ADDRESS = ("City", "Region", "Country", "PostalCode")
LEGAL, HEADQUARTERS = "Entity.LegalAddress", "Entity.HeadquartersAddress"

ENTITY_FIELDS = (
    "LEI",
    "Entity.LegalName",
    *(f"{LEGAL}.{part}" for part in _ADDRESS),
    *(f"{HEADQUARTERS}.{part}" for part in _ADDRESS),
    "Entity.LegalJurisdiction",
    "Entity.EntityCategory",
    "Entity.LegalForm.EntityLegalFormCode",
    "Entity.LegalForm.OtherLegalForm",
    "Entity.EntityStatus",
    "Entity.EntityCreationDate",
    "Entity.RegistrationAuthority.RegistrationAuthorityEntityID",
    "Registration.RegistrationStatus",
    "Registration.LastUpdateDate",
    "Registration.NextRenewalDate",
)
"""Fields of an entity that it has once, in the order that `entity_of` takes them in."""

RELATIONSHIP_FIELDS = (
    "Relationship.StartNode.NodeID",
    "Relationship.EndNode.NodeID",
    "Relationship.RelationshipType",
    "Relationship.RelationshipStatus",
    "Registration.RegistrationStatus",
    "Registration.LastUpdateDate",
    "Registration.ValidationSources",
)
"""Fields of a relationship that it has once, in the order that `relationship_of` takes them in."""

Texts = Sequence[str | None]


def entity_of(
    texts: Texts,
    *,
    names: Iterable[str],
    legal_lines: Iterable[str],
    headquarters_lines: Iterable[str],
    successor: str | None,
) -> Row | str:
    """Return the entity, or in one clause what is wrong with it."""
    (
        lei,
        name,
        legal_city,
        legal_region,
        legal_country,
        legal_code,
        city,
        region,
        country,
        code,
        jurisdiction,
        category,
        form,
        other_form,
        status,
        created,
        registered_as,
        registration,
        updated,
        renewal,
    ) = texts
    if lei is None or name is None:
        return "a record without an LEI" if lei is None else f"LEI {lei} has no legal name"
    return Entity(
        lei=lei,
        name=name,
        names=tuple(names),
        legal_address=Address(
            lines=tuple(legal_lines),
            city=legal_city,
            region=legal_region,
            country=legal_country,
            postal_code=legal_code,
        ),
        headquarters_address=Address(
            lines=tuple(headquarters_lines), city=city, region=region, country=country, postal_code=code
        ),
        jurisdiction=jurisdiction,
        category=category,
        legal_form=form or other_form,
        status=status,
        registration=registration,
        created=created,
        updated=updated,
        renewal=renewal,
        registered_as=registered_as,
        successor=successor,
    )


Period = tuple[str | None, str | None, str | None]
"""The type of a period, its start and its end."""


def relationship_of(texts: Texts, periods: Iterable[Period]) -> Row | str:
    """Return the relationship, or in one clause what is wrong with it."""
    start, end, kind, status, registration, updated, validated = texts
    if start is None or end is None or kind is None:
        return "a relationship without both ends or without a type"
    _, since, until = next((each for each in periods if each[0] == "RELATIONSHIP_PERIOD"), (None, None, None))
    return Relationship(
        start=start,
        end=end,
        type=kind,
        status=status,
        registration=registration,
        since=since,
        until=until,
        updated=updated,
        validated=validated,
    )


def exception_of(lei: str | None, category: str | None, reasons: Iterable[str]) -> Row | str:
    """Return the reporting exception, or in one clause what is wrong with it."""
    if lei is None or category is None:
        return "an exception without an LEI or a category"
    return ReportingException(lei=lei, category=category, reasons=tuple(reasons))
