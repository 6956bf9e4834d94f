"""Records read by their tags alone say what the XML parser says, or are left to it."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

from kyc_gate.ownership.gleif.records import Address, Relationship, ReportingException, Row
from kyc_gate.ownership.gleif.xml_tags import KINDS, Flat, TagReader, Unusual, flattened
from tests.ownership.gleif.published import entity, lei, xml_of

ROOT = '<lei:LEIData xmlns:lei="l" xmlns:rr="r" xmlns:repex="e">'
TOWN = Address(lines=("1 Quay & Sons", "Floor <2>"), city="Lärk", region="NO-03", country="NO", postal_code="0150")
ROWS: list[list[Row]] = [
    [
        entity(
            1, "Fjord AS", names=("Lab", "フィヨルド"), legal_address=TOWN, headquarters_address=TOWN, legal_form="YI42"
        )
    ],
    [Relationship(start=lei(1), end=lei(3), type="IS_FEEDER_TO", status="ACTIVE", since="2020-01-01")],
    [ReportingException(lei=lei(3), category="DIRECT", reasons=("NO_LEI", "NON_PUBLIC"))],
]

Said = tuple[str, list[str | None], list[list[str]], list[object]]


def record_of(rows: list[Row]) -> str:
    text = xml_of(rows).decode()
    start = min(at for name in KINDS if (at := text.find(f":{name}>")) > 0)
    return text[text.rindex("<", 0, start) : text.rindex("\n</", 0, text.rindex("\n</"))]


def by_tags(record: str) -> Said | None:
    """Return what the tags say; None where the record is left to the parser."""
    reader = TagReader(ROOT.encode())
    try:
        pieces, _ = reader.records(record.encode())
        return said_by(reader.flat(pieces[0])) if len(pieces) == 1 else None
    except Unusual:
        return None


def by_parser(record: str) -> Said | None:
    """Return what the parser says; None where it refuses the record."""
    try:
        (element,) = ElementTree.fromstring(f"{ROOT}{record}</lei:LEIData>")  # it is made here
    except (ElementTree.ParseError, ValueError):
        return None
    kind = element.tag.rpartition("}")[2]
    return said_by(flattened(element, kind)) if kind in KINDS else (kind, [], [], [])


def said_by(flat: Flat) -> Said:
    return flat.kind, list(flat.texts), [flat.all(path) for path in LISTS], list(flat.periods)


LISTS = (
    "Entity.OtherEntityNames",
    "Entity.TransliteratedOtherEntityNames",
    "Entity.LegalAddress.lines",
    "Entity.HeadquartersAddress.lines",
    "Entity.SuccessorEntity.lei",
    "reasons",
)


@pytest.mark.parametrize("rows", ROWS, ids=["lei2", "rr", "repex"])
def test_what_is_published_is_read_by_its_tags(rows: list[Row]) -> None:
    """Records as they are published need no parser, and say the same as with it."""
    record = record_of(rows)
    assert by_tags(record) is not None
    assert by_tags(record) == by_parser(record)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>Lärk</lei:Town>", id="wrong-end"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>Lärk</lei:City", id="no-bracket"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City<Lärk>/lei:City>", id="turned-bracket"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>Lä&rk;</lei:City>", id="entity"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>Lä\x01rk</lei:City>", id="control"),
        pytest.param("<lei:City>Lärk</lei:City>", '<lei:City a="1" a="2">Lärk</lei:City>', id="attribute-twice"),
        pytest.param("<lei:City>Lärk</lei:City>", '<lei:City a="<">Lärk</lei:City>', id="bracket-in-attribute"),
        pytest.param("<lei:City>Lärk</lei:City>", "<other:City>Lärk</other:City>", id="undeclared"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>Lärk]]></lei:City>", id="section-end"),
        pytest.param("</lei:LegalAddress>", "", id="left-open"),
    ],
)
def test_what_is_not_well_formed_is_left_to_the_parser(old: str, new: str) -> None:
    """Tags alone never read a record that the parser refuses."""
    record = record_of(ROWS[0])
    assert old in record
    broken = record.replace(old, new, 1)
    assert by_parser(broken) is None
    assert by_tags(broken) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City><!-- x -->Lärk</lei:City>", id="comment"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City><![CDATA[Lärk]]></lei:City>", id="section"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City\n>Lärk</lei:City >", id="spaces"),
        pytest.param("<lei:City>Lärk</lei:City>", '<City xmlns="l">Lärk</City>', id="own-namespace"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>L<lei:X/>ärk</lei:City>", id="element-in-text"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>L&#228;rk</lei:City>", id="number"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City/><lei:City>Lärk</lei:City>", id="empty-first"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>Lärk</lei:City><lei:City>B</lei:City>", id="twice"),
        pytest.param("<lei:City>Lärk</lei:City>", "<lei:City>L > M</lei:City>", id="bracket-in-text"),
        pytest.param("<lei:LegalAddress", "<lei:LegalAddress/><lei:LegalAddress", id="two-addresses"),
        pytest.param("TRADING_OR_OPERATING_NAME", "PREVIOUS_LEGAL_NAME", id="former-name"),
        pytest.param("&amp;", "&amp;lt;", id="twice-escaped"),
        pytest.param("\n", "\r\n", id="line-ends"),
    ],
)
def test_what_is_unusual_reads_the_same(old: str, new: str) -> None:
    """Whether by its tags or by the parser, an unusual record says what the parser says."""
    record = record_of(ROWS[0])
    assert old in record or old == "\n"
    unusual = record.replace(old, new, 1)
    said = by_parser(unusual)
    assert said is not None
    assert by_tags(unusual) in (None, said)


@pytest.mark.parametrize("rows", ROWS, ids=["lei2", "rr", "repex"])
def test_damaged_records_never_read_otherwise(rows: list[Row]) -> None:
    """Of 2,000 records damaged at random, tags alone read none that the parser refuses, and none otherwise than it."""
    rng, record = random.Random(7), record_of(rows)  # noqa: S311
    pieces = [
        "<",
        ">",
        "/",
        "&",
        "&amp;",
        '"',
        " ",
        "\r",
        "\n",
        "lei:",
        "</lei:City>",
        "<!",
        "]]>",
        "\x0b",
        "=",
        "%s",
        "",
    ]
    read = 0
    for _ in range(2000):
        damaged = record
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(damaged))
            damaged = damaged[:start] + rng.choice(pieces) + damaged[start + rng.choice((0, 0, 1, 5)) :]
        if (said := by_tags(damaged)) is not None:
            read += 1
            assert said == by_parser(damaged), damaged
    assert read > 20
