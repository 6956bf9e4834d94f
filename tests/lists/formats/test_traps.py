"""The traps of each published format, on the agencies' own files where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kyc_gate.lists.read import ListReading, read_list, read_set
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import PartyKind
from tests.lists.conftest import Read, entry_of, names_of

FIXTURES = Path(__file__).parents[1] / "fixtures"


def fixture(name: str) -> ListReading:
    """Read a file of the shape of a list that is not at hand."""
    return read_list(name, (FIXTURES / name).read_bytes())


def treasury(published: Path, *endings: str) -> ListReading:
    """Read files of Treasury's together."""
    folder = published / "us_ofac"
    (reading,) = read_set({name: (folder / name).read_bytes() for name in endings})
    return reading


def test_csl_rows_with_and_without_an_id_column_read_alike(read: Read) -> None:
    """The old header has no `_id` and other orders inside `ids`; kinds, countries and numbers come out the same way."""
    now, then = (
        read("us_csl/consolidated_sample_2025-06_v-current.csv"),
        read("us_csl/consolidated_sample_2019-12_no-_id.csv"),
    )
    assert {entry.list for entry in now.entries} >= {
        "SDN",
        "EL",
        "DPL",
        "MEU",
        "UVL",
        "ISN",
        "DTC",
        "SSI",
        "PLC",
        "FSE",
    }
    bank = entry_of(now, "SME BANK")
    assert [(each.kind, each.value) for each in bank.identifiers] == [
        ("registration", "1027739108649"),
        ("bic", "RUDVRUMM"),
    ]
    assert bank.websites == ("mspbank.ru",)
    assert [(each.kind, each.value, each.country) for each in entry_of(then, "7 KARNES").identifiers] == [
        ("registration", "1978075", "CO")
    ]
    assert entry_of(then, "200G PSA HOLDINGS LLC").identifiers[0].country == "US"


def test_csl_rows_of_bureaus_have_no_kind_and_a_stable_id(read: Read) -> None:
    """`type` is null for lists that are not Treasury's: such an entry may be a person; its id is made of its name."""
    entries = [
        entry for entry in read("us_csl/csl_2026-07-31_api_shape_projection.json.gz").entries if entry.list == "DPL"
    ]
    assert {entry.kind for entry in entries} == {PartyKind.UNKNOWN}
    again = read_list(
        "x",
        json.dumps(
            {
                "results": [
                    {"id": "a new one", "source": "Denied Persons List (DPL)", "name": f" {entries[0].name.title()}"}
                ]
            }
        ).encode(),
    )
    assert again.entries[0].id == entries[0].id


def test_csl_names_lose_the_legal_boilerplate(read: Read) -> None:
    """Every ISN name ends in `; and any successor, sub-unit, or subsidiary thereof`, which is no part of a name."""
    isn = [entry for entry in read("us_csl/csl_2026-07-31_csv_shape_projection.csv.gz").entries if entry.list == "ISN"]
    assert len(isn) == 161
    assert not [entry.name for entry in isn if "successor" in entry.name.casefold()]


def test_csl_writes_one_code_for_both_congos(read: Read) -> None:
    """`CG` stands for the Congo and for the Democratic Republic, so neither is ruled out."""
    entries = read("us_csl/csl_2026-07-31_api_shape_projection.json.gz").entries
    both = [entry for entry in entries if "CG" in entry.countries]
    assert len(both) > 10
    assert all("CD" in entry.countries for entry in both)


def test_country_fields_are_codes_or_what_was_written(read: Read) -> None:
    """`TURKIYE`, `PRC`, `REGION: CHINA` become codes; what is no country (`CRIMEA (OCCUPIED)`) stays as written."""
    countries = {
        code for entry in read("us_csl/csl_2026-07-31_api_shape_projection.json.gz").entries for code in entry.countries
    }
    assert not countries & {"TURKIYE", "PRC", "REGION: CHINA", "MACAU", "MAN, ISLE OF"}
    assert "CRIMEA (OCCUPIED)" in countries
    assert len([code for code in countries if len(code) != 2]) < 12


def test_a_denied_person_keeps_the_end_of_the_order(read: Read) -> None:
    """`end_date` is read, and an order that has ended stays on the list."""
    ash = entry_of(read("us_csl/consolidated_sample_2025-06_v-current.csv"), "I. ASH")
    assert (ash.start_date, ash.end_date) == ("2002-03-04", "2056-06-29")
    ended = entry_of(read("us_csl/consolidated_sample_2019-12_no-_id.csv"), "ADRIAN MANUEL HERNANDEZ")
    assert ended.end_date == "2020-10-13"


def test_denied_persons_are_one_entry_for_each_order(read: Read) -> None:
    """`dpl.txt` has a row for each address, and leaves the country out for the United States."""
    nasser = entry_of(read("us_bis/dpl_2022-09.txt"), "ABDULAH AL NASSER")
    assert [address.street for address in nasser.addresses] == [
        "605 TRAIL LAKE DRIVE",
        "908 AUDELIA ROAD, SUIE 200, PMB #245",
    ]
    assert entry_of(read("us_bis/dpl_2022-09.txt"), "AARON ABRAHAM VILLA").countries == ("US",)


@pytest.mark.parametrize("name", ["el", "meu", "isn", "dpl"])
def test_agency_tables_give_what_the_publisher_makes_of_them(read: Read, published: Path, name: str) -> None:
    """The agencies' tables give the names, aliases and countries that trade.gov's own importer expects of them."""
    file = "dpl.txt" if name == "dpl" else f"{name}.csv"
    folder = "us_csl/ita_importer_fixtures"
    found = {entry.name: (set(names_of(entry)), set(entry.countries)) for entry in read(f"{folder}/{file}").entries}
    expected = json.loads((published / folder / f"expected_{name}.json").read_text(encoding="utf-8"))
    assert set(found) == {row["name"] for row in expected}
    for row in expected:
        names, countries = found[row["name"]]
        # The importer drops the curly quotes that it misread.
        assert {name.replace("’", "").replace("‘", "") for name in names} >= set(row.get("alt_names") or [])
        places = {address["country"] for address in row.get("addresses") or [] if address["country"]}
        assert {place.replace("CG", "CD") for place in places} <= countries | {"CD"}


def test_treasurys_files_are_joined_by_entity_number(published: Path) -> None:
    """Names, aliases, addresses and comments of one date make one reading, and nothing is left over."""
    parts = ("sdn_2021-07.csv.gz", "alt_2021-07.csv.gz", "add_2021-07.csv.gz", "sdn_comments_2021-07.csv")
    reading = treasury(published, *parts)
    bank = entry_of(reading, "306")
    assert names_of(bank) == ["BANCO NACIONAL DE CUBA", "NATIONAL BANK OF CUBA", "BNC"]
    assert [alias.weak for alias in bank.aliases] == [False, True]
    assert bank.countries == ("CH", "ES", "JP", "PA")
    assert (len(reading.entries), reading.problems, reading.notes) == (8_976, (), ())
    assert sum(len(names_of(entry)) for entry in reading.entries) > 23_000
    assert not [entry for entry in reading.entries if "-0-" in (entry.name, *entry.countries, *entry.programs)]


def test_treasurys_remarks_go_on_in_the_comments(published: Path) -> None:
    """A remark that breaks off in the middle of a word is one sentence again, and its numbers are read."""
    reading = treasury(published, *(f"cons_{part}_2025-12.csv" for part in ("prim", "alt", "add", "comments")))
    bank = entry_of(reading, "17016")
    assert "'Effective Date (EO 14024 Directive)' associated" in bank.details.remarks
    assert ("lei", "253400WSS48YWMBUA688") in [(each.kind, each.value) for each in bank.identifiers]
    assert ("tax", "7744001497", "RU") in [(each.kind, each.value, each.country) for each in bank.identifiers]


def test_treasurys_parts_of_different_dates_are_told(published: Path) -> None:
    """Aliases that belong to no entry are not dropped in silence."""
    reading = treasury(published, "sdn_2021-07.csv.gz", "alt_2025-12.csv.gz")
    assert any("belong to no entry" in problem for problem in reading.problems)
    assert any("ADD.CSV was not given" in note for note in reading.incomplete)


def test_an_end_of_file_in_the_middle_parts_two_lists(read: Read) -> None:
    """0x1A stands where files were put together: what follows is the non-SDN list, and no name has it."""
    entries = read("us_ofac/sdn_full_headerless.csv.gz").entries
    assert sum(entry.list == "SDN" for entry in entries) == 11_118
    assert {"PLC", "SSI", "CMIC"} <= {entry.list for entry in entries}
    assert not [entry for entry in entries if "\x1a" in entry.id + entry.name]


def test_treasurys_programmes_and_kinds(read: Read) -> None:
    """`A] [B` are two programmes; `-0- ` as a kind is a company; ships and aircraft are of no party's kind."""
    reading = read("us_ofac/sdn_full_headerless.csv.gz")
    assert not [entry for entry in reading.entries for program in entry.programs if "]" in program or "[" in program]
    assert any({"NPWMD", "IFSR"} <= set(entry.programs) for entry in reading.entries)
    assert entry_of(reading, "36").kind is PartyKind.COMPANY
    assert {entry.details.subject for entry in reading.entries} == {"", "vessel", "aircraft"}


def test_treasurys_remarks_hold_identifiers(read: Read) -> None:
    """Digital currency addresses, IMO numbers and tax numbers are found in the remarks, without their labels."""
    entries = read("us_ofac/sdn_full_headerless.csv.gz").entries
    kinds: dict[str, list[str]] = {}
    for entry in entries:
        for each in entry.identifiers:
            kinds.setdefault(each.kind, []).append(each.value)
    assert len(kinds["crypto"]) > 150
    assert not [value for value in kinds["crypto"] if " " in value]
    assert all(len(value) == 7 and value.isdecimal() for value in kinds["imo"])
    assert not [value for value in kinds["tax"] if value.startswith("No.")]


def test_treasurys_xml_has_weak_and_former_names(read: Read) -> None:
    """The XML says which aliases are weak; the CSV files put those into the remarks."""
    bank = entry_of(read("us_csl/ita_importer_fixtures/sdn.xml"), "306")
    assert [(alias.name, alias.weak) for alias in bank.aliases] == [("BNC", True), ("NATIONAL BANK OF CUBA", False)]
    vtb = entry_of(read("us_csl/ita_importer_fixtures/consolidated.xml"), "17013")
    assert vtb.list == "SSI"
    assert "fka" in {alias.kind for alias in vtb.aliases}


def test_advanced_xml_is_put_together_from_its_numbers() -> None:
    """Names, places, documents, owners and lists refer to each other; the Latin name is the primary one."""
    reading = fixture("sdn_advanced.xml")
    works, leasing = reading.entries
    assert names_of(works) == ["SEALED MACHINERY WORKS", "Завод запечатанных машин", "SMW"]
    assert [(alias.kind, alias.weak) for alias in works.aliases] == [("original script", False), ("aka", True)]
    assert [(each.kind, each.value) for each in works.identifiers] == [
        ("tax", "6900000000"),
        ("crypto", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ]
    assert (works.countries, works.programs, works.start_date) == (("RU",), ("RUSSIA-EO14024",), "2022-02-24")
    assert (leasing.list, leasing.details.parents) == ("SSI", ("SEALED MACHINERY WORKS",))


def test_advanced_xml_of_treasury_is_read(read: Read) -> None:
    """Every party of the real file has a Latin name, and those with Cyrillic ones keep them."""
    entries = read("us_ofac/sdn_advanced_sample_2024-02-23.xml.gz").entries
    assert all(entry.name.isascii() or entry.name[0] < "\u0250" for entry in entries)
    assert sum(alias.kind == "original script" for entry in entries for alias in entry.aliases) == 23
    assert entry_of(read("us_ofac/sdn_advanced_sample_2024-02-23.xml.gz"), "36").countries == ("CU",)


def test_uk_rows_of_one_unique_id_are_one_entry() -> None:
    """Names and addresses are joined; the primary name leads wherever it stands; a low-quality alias is weak."""
    works, heron = fixture("uk_sanctions_list.csv").entries
    assert names_of(works) == ["SEALED MACHINERY WORKS", "ЗАВОД ЗАПЕЧАТАННЫХ МАШИН", "SMW"]
    assert [alias.weak for alias in works.aliases] == [False, True]
    assert (works.countries, works.start_date, works.details.parents) == (
        ("RU", "BY"),
        "2022-02-24",
        ("Sealed Holding",),
    )
    assert names_of(heron) == ["WHITE HERON", "GREY HERON"]
    assert (heron.kind, heron.details.subject) == (PartyKind.UNKNOWN, "ship")


def test_uk_csv_and_xml_say_the_same() -> None:
    """Both forms of the list give the same names, countries and dates, and both state when it was made."""
    table, tree = fixture("uk_sanctions_list.csv"), fixture("uk_sanctions_list.xml")
    assert set(names_of(table.entries[0])) == set(names_of(tree.entries[0]))
    assert (table.entries[0].start_date, table.entries[0].identifiers) == (
        tree.entries[0].start_date,
        tree.entries[0].identifiers,
    )
    assert table.as_of is not None
    assert table.as_of == tree.as_of


def test_former_uk_list_reads_partial_dates(read: Read) -> None:
    """`00/00/1936` is the year and `00/09/1962` the month; rows of one Group ID are one entry."""
    reading = read("uk/sample_hmt.csv")
    assert entry_of(reading, "13754").birth_dates == ("1962-09",)
    assert {"1932", "1936"} <= set(entry_of(reading, "11039").birth_dates)
    assert reading.as_of is not None


def test_eu_columns_are_swapped_and_not_always() -> None:
    """`P`/`person` stand in either column; a semicolon in quotes is part of the name; 00 is no country."""
    works, foundry = fixture("eu_fsf.csv").entries
    assert names_of(works) == ["Sealed Machinery Works", "Завод запечатанных машин"]
    assert works.countries == ("RU",)
    assert [(each.kind, each.value, each.country) for each in works.identifiers] == [
        ("registration", "1027700000000", "")
    ]
    assert (foundry.kind, foundry.name) == (PartyKind.COMPANY, "Testland; Foundry")


def test_eu_xml_is_keyed_by_its_reference_number(read: Read) -> None:
    """Approximate births say so, citizenships are codes, and unknown countries (`00`) are none."""
    entry = entry_of(read("eu/sample_eu.xml"), "EU.2026.82")
    assert entry.birth_dates == ("1965-12-12", "1958~")
    assert entry.nationalities == ("DZ",)


def test_un_aliases_of_low_quality_are_weak(read: Read) -> None:
    """`Low` is weak, `f.k.a.` and notes of former listing are former names, the original script is kept."""
    reading = read("un/UN_consolidated_2026-02-27.xml.gz")
    aliases = [alias for entry in reading.entries for alias in entry.aliases]
    assert sum(alias.weak for alias in aliases) >= 610
    assert sum(alias.kind == "original script" for alias in aliases) == 377
    assert {alias.kind for alias in aliases} == {"aka", "fka", "original script", ""}


def test_un_names_in_one_field_are_parted(read: Read) -> None:
    """`COMPAGNIE ... (CAGL) ; GREAT LAKES BUSINESS COMPANY (GLBC)` is one entry with two names."""
    assert names_of(entry_of(read("un/UN_consolidated_2026-02-27.xml.gz"), "CDe.003"))[:2] == [
        "COMPAGNIE AERIENNE DES GRANDS LACS (CAGL)",
        "GREAT LAKES BUSINESS COMPANY (GLBC)",
    ]


def test_australian_rows_are_grouped_by_their_number(read: Read) -> None:
    """Five spellings of `Type`, six of `Name Type`, references such as `2672c10`: 3,062 parties with a primary name."""
    reading = read("au/regulation8_consolidated_2024-12.xlsx")
    assert {entry.kind for entry in reading.entries} == {PartyKind.PERSON, PartyKind.COMPANY}
    nusrah = entry_of(reading, "2672")
    assert {"Jabhat al-Nusrah", "Fatah al-Sham Front", "هيئة تحرير الشام"} <= set(names_of(nusrah))
    assert {alias.kind for entry in reading.entries for alias in entry.aliases} == {"aka", "fka", "original script"}
    assert reading.as_of is not None


def test_canadian_countries_are_bilingual(read: Read) -> None:
    """`Burma / Birmanie` is Myanmar; an act in place of a country is none; `Pte. Ltd.` is not an alias of its own."""
    reading = read("ca/sema-lmes_2020-04.xml.gz")
    bagan = entry_of(reading, "Air Bagan")
    assert bagan.countries == ("MM",)
    assert names_of(bagan) == ["Air Bagan", "Air Bagan Holdings Pte. Ltd.", "Air Bagan Limited"]
    assert {entry.countries for entry in reading.entries if "Justice" in entry.programs[0]} == {()}
    assert len({entry.id for entry in reading.entries}) > 1_360


def test_swiss_targets_that_are_de_listed_are_left_out() -> None:
    """The latest modification counts; copies inside a modification are not targets; the notes say how many went."""
    reading = fixture("seco.xml")
    works, again = reading.entries
    assert names_of(works) == [
        "Sealed Machinery Works",
        "Завод запечатанных машин",
        "Selead Machinery Works",
        "SMW",
    ]
    assert (works.countries, works.programs, works.start_date) == (("RU",), ("Testland",), "2022-03-16")
    assert again.name == "Listed Again Trading"
    assert reading.notes == ("seco.xml: 1 targets are de-listed and were left out",)


def test_notices_are_lists_of_organisations(read: Read) -> None:
    """1260H and CMIC name companies; the credit code of a note is an identifier; an Entity List note is its licence."""
    reading = read("us_other/dow_1260h_2026-07-09.json")
    assert {(entry.list, entry.kind) for entry in reading.entries} == {("1260H", PartyKind.COMPANY)}
    engine = entry_of(read("us_other/ofac_nscmic_2026-07-09.json"), "China Aviation Engine Group Co., Ltd")
    assert [(each.kind, each.value) for each in engine.identifiers] == [("registration", "91110000MA005UCQ5P")]
    ghoura = entry_of(read("us_bis/bis_entity_list_2026-07-09.json.gz"), "Emal Bilal Construction Company (EBCC)")
    assert ghoura.details.license_requirement.startswith("For all items subject to the EAR")
    assert len(ghoura.addresses) == 2


def test_opensanctions_reads_both_headers(read: Read) -> None:
    """15 and 16 columns; `;` parts lists, and a part with quotation marks is quoted in itself."""
    old = read("opensanctions/wd_persons_20240310/targets.simple.csv")
    new = read("opensanctions/ua_war_sanctions_2026-03_targets.simple.csv.gz")
    assert old.entries[0].countries == ("FR", "LB", "SA")
    arsenal = entry_of(new, "53 ARSENAL JSC")
    assert 'JOINT-STOCK COMPANY "53 ARSENAL"' in names_of(arsenal)


def test_opensanctions_json_keeps_targets_only(read: Read) -> None:
    """Positions, addresses and relatives in the file are no entries; the notes say how many there were."""
    reading = read("opensanctions/wd_persons_20240310/entities.ftm.json")
    assert len(reading.entries) == 423
    assert any("1142 records are not targets" in note for note in reading.notes)


def test_a_dataset_directory_is_read_as_it_lies(published: Path) -> None:
    """Entities in four forms are read; the index, the statistics and the plain names beside them are left out."""
    folder = published / "opensanctions" / "wd_persons_20240310"
    readings = read_set({file.name: file.read_bytes() for file in folder.iterdir()})
    assert {reading.format for reading in readings} == {"opensanctions-ftm", "opensanctions-simple", "senzing"}
    left = " ".join(note for reading in readings for note in reading.notes)
    assert all(name in left for name in ("index.json", "names.txt", "resources.json", "statistics.json"))


def test_the_operators_own_lines_and_table_read_alike() -> None:
    """JSON lines and CSV of the same entries give the same entries."""
    lines = (
        b'{"id":"1","name":"Sealed Machinery Works","aliases":["SMW","Sealed"],"country":"Norway","kind":"company"}\n'
    )
    table = b"id,name,aliases,country,kind\n1,Sealed Machinery Works,SMW; Sealed,Norway,company\n"
    assert read_list("a", lines).entries == read_list("b", table).entries
    (entry,) = read_list("a", lines).entries
    assert isinstance(entry, ListEntry)
    assert (entry.list, entry.countries) == ("OPERATOR", ("NO",))
