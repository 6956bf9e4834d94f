"""The same few records as GLEIF writes them, in each of its formats. All organisations are made up."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from xml.sax.saxutils import escape

from kyc_gate.ownership.gleif.records import Entity, Relationship, ReportingException

Json = dict[str, Any]


def lei(number: int) -> str:
    """Return a valid LEI for a number: check digits by ISO 7064."""
    body = f"5299{number:014d}"
    digits = "".join(str(int(char, 36)) for char in body + "00")
    return f"{body}{98 - int(digits) % 97:02d}"


def entity(number: int, name: str, **more: Any) -> Entity:
    """Return an issued, active record."""
    given: Json = {"registration": "ISSUED", "status": "ACTIVE", "updated": "2026-01-01T00:00:00Z", **more}
    return Entity(lei=lei(number), name=name, **given)


def _said(value: str | None) -> Json:
    return {} if value is None else {"$": value}


def _filled(parts: Json) -> Json:
    return {name: value for name, value in parts.items() if value not in ({}, None, [])}


def entity_json(each: Entity) -> Json:
    """Return a level-1 record as the golden copy writes it in JSON."""

    def address(name: str) -> Json:
        found = getattr(each, name)
        return _filled(
            {
                "@xml:lang": "en",
                "FirstAddressLine": _said(found.lines[0] if found.lines else None),
                "AdditionalAddressLine": [_said(line) for line in found.lines[1:]],
                "City": _said(found.city),
                "Region": _said(found.region),
                "Country": _said(found.country),
                "PostalCode": _said(found.postal_code),
            }
        )

    others = [{"@xml:lang": "en", "@type": "TRADING_OR_OPERATING_NAME", "$": name} for name in each.names]
    return {
        "LEI": _said(each.lei),
        "Entity": _filled(
            {
                "LegalName": {"@xml:lang": "en", "$": each.name},
                "OtherEntityNames": {"OtherEntityName": others} if others else None,
                "LegalAddress": address("legal_address"),
                "HeadquartersAddress": address("headquarters_address"),
                "LegalJurisdiction": _said(each.jurisdiction),
                "EntityCategory": _said(each.category),
                "LegalForm": {"EntityLegalFormCode": _said(each.legal_form)} if each.legal_form else None,
                "EntityStatus": _said(each.status),
                "SuccessorEntity": {"SuccessorLEI": _said(each.successor)} if each.successor else None,
            }
        ),
        "Registration": _filled(
            {
                "LastUpdateDate": _said(each.updated),
                "RegistrationStatus": _said(each.registration),
                "NextRenewalDate": _said(each.renewal),
            }
        ),
    }


def relationship_json(each: Relationship) -> Json:
    """Return a relationship record as the golden copy writes it in JSON."""
    period = {"StartDate": _said(each.since), "PeriodType": _said("RELATIONSHIP_PERIOD")}
    accounting = {"StartDate": _said("2025-01-01"), "PeriodType": _said("ACCOUNTING_PERIOD")}
    return {
        "RelationshipRecord": {
            "Relationship": {
                "StartNode": {"NodeID": _said(each.start), "NodeIDType": _said("LEI")},
                "EndNode": {"NodeID": _said(each.end), "NodeIDType": _said("LEI")},
                "RelationshipType": _said(each.type),
                # An object where there is one period, a list where there are several.
                "RelationshipPeriods": {"RelationshipPeriod": [accounting, period] if each.since else accounting},
                "RelationshipStatus": _said(each.status or "NULL"),
            },
            "Registration": {"RegistrationStatus": _said(each.registration)},
        }
    }


def exception_json(each: ReportingException) -> Json:
    """Return a reporting exception as the golden copy writes it in JSON."""
    reasons = [_said(reason) for reason in each.reasons]
    return {
        "LEI": _said(each.lei),
        "ExceptionCategory": _said(each.category),
        "ExceptionReason": reasons if len(reasons) != 1 else reasons[0],
    }


def json_file(records: list[Json], key: str = "records") -> bytes:
    """Return a golden copy in JSON, laid out as published."""
    body = ",\n".join(json.dumps(record, indent=4, ensure_ascii=False) for record in records)
    return f'{{"{key}":[\n{body}]}}'.encode()


def json_of(rows: list[Entity | Relationship | ReportingException]) -> bytes:
    """Return rows of one kind as a golden copy in JSON."""
    if isinstance(rows[0], Entity):
        return json_file([entity_json(each) for each in rows if isinstance(each, Entity)])
    if isinstance(rows[0], Relationship):
        return json_file([relationship_json(each) for each in rows if isinstance(each, Relationship)], "relations")
    return json_file([exception_json(each) for each in rows if isinstance(each, ReportingException)], "exceptions")


def csv_of(rows: list[Entity | Relationship | ReportingException]) -> bytes:
    """Return rows of one kind as a golden copy in CSV, with a byte order mark and every field quoted."""
    lines = [_flat(each) for each in rows]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _flat(row: Entity | Relationship | ReportingException) -> dict[str, str]:
    if isinstance(row, ReportingException):
        reasons = {f"Exception.Reason.{number}": reason for number, reason in enumerate(row.reasons, 1)}
        return {"LEI": row.lei, "Exception.Category": row.category, **reasons}
    if isinstance(row, Relationship):
        return {
            "Relationship.StartNode.NodeID": row.start,
            "Relationship.EndNode.NodeID": row.end,
            "Relationship.RelationshipType": row.type,
            "Relationship.RelationshipStatus": row.status or "NULL",
            "Relationship.Period.1.startDate": "2025-01-01",
            "Relationship.Period.1.endDate": "",
            "Relationship.Period.1.periodType": "ACCOUNTING_PERIOD",
            "Relationship.Period.2.startDate": row.since or "",
            "Relationship.Period.2.endDate": "",
            "Relationship.Period.2.periodType": "RELATIONSHIP_PERIOD" if row.since else "",
            "Registration.RegistrationStatus": row.registration or "",
        }
    flat = {"LEI": row.lei, "Entity.LegalName": row.name, "Entity.LegalName.xmllang": "en"}
    for number, name in enumerate(row.names, 1):
        flat[f"Entity.OtherEntityNames.OtherEntityName.{number}"] = name
        flat[f"Entity.OtherEntityNames.OtherEntityName.{number}.type"] = "TRADING_OR_OPERATING_NAME"
    for title, address in (("LegalAddress", row.legal_address), ("HeadquartersAddress", row.headquarters_address)):
        flat[f"Entity.{title}.FirstAddressLine"] = address.lines[0] if address.lines else ""
        for number, line in enumerate(address.lines[1:], 1):
            flat[f"Entity.{title}.AdditionalAddressLine.{number}"] = line
        flat[f"Entity.{title}.City"] = address.city or ""
        flat[f"Entity.{title}.Region"] = address.region or ""
        flat[f"Entity.{title}.Country"] = address.country or ""
        flat[f"Entity.{title}.PostalCode"] = address.postal_code or ""
    flat["Entity.LegalJurisdiction"] = row.jurisdiction or ""
    flat["Entity.EntityCategory"] = row.category or ""
    flat["Entity.LegalForm.EntityLegalFormCode"] = row.legal_form or ""
    flat["Entity.EntityStatus"] = row.status or "NULL"
    flat["Entity.SuccessorEntity.1.SuccessorLEI"] = row.successor or ""
    flat["Registration.LastUpdateDate"] = row.updated or ""
    flat["Registration.RegistrationStatus"] = row.registration or ""
    flat["Registration.NextRenewalDate"] = row.renewal or ""
    return flat


_ROOTS = {
    Entity: ("lei:LEIData", "lei:LEIRecords", "LEIRecord", "lei"),
    Relationship: ("rr:RelationshipData", "rr:RelationshipRecords", "RelationshipRecord", "rr"),
    ReportingException: ("repex:ReportingExceptionData", "repex:ReportingExceptions", "Exception", "repex"),
}


def xml_of(rows: list[Entity | Relationship | ReportingException]) -> bytes:
    """Return rows of one kind as a golden copy in XML."""
    root, holder, name, prefix = _ROOTS[type(rows[0])]
    parts = json.loads(json_of(rows))
    records = next(iter(parts.values()))
    body = "\n".join(
        _element(f"{prefix}:{name}", record.get("RelationshipRecord", record), prefix) for record in records
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns:{prefix}="http://www.gleif.org/data/schema/test/2016">\n'
        f"<{prefix}:Header><{prefix}:ContentDate>2026-01-01T00:00:00Z</{prefix}:ContentDate></{prefix}:Header>\n"
        f"<{holder}>\n{body}\n</{holder}>\n</{root}>\n"
    ).encode()


def _element(tag: str, value: Json, prefix: str) -> str:
    if value is None:
        return ""
    attributes = "".join(f' {name[1:]}="{escape(text)}"' for name, text in value.items() if name.startswith("@"))
    inside = escape(value.get("$", "")) + "".join(
        _element(f"{prefix}:{name}", each, prefix)
        for name, child in value.items()
        if name[0] not in "@$"
        for each in (child if isinstance(child, list) else [child])
    )
    return f"<{tag}{attributes}>{inside}</{tag}>"
