"""Every published file that is at hand: what it is, how many rows it has, and how many entries and names they give."""

from __future__ import annotations

import pytest

from kyc_gate.errors import InputError
from tests.lists.conftest import Read, names_of

FILES = [
    # path, format, rows, entries, names, problems
    ("us_csl/csl_2026-07-31_api_shape_projection.json.gz", "csl-json", 25_921, 25_921, 57_157, 0),
    ("us_csl/csl_2026-07-31_csv_shape_projection.csv.gz", "csl-csv", 25_921, 25_921, 57_150, 0),
    ("us_csl/consolidated_sample_2025-06_v-current.csv", "csl-csv", 13, 13, 28, 0),
    ("us_csl/consolidated_sample_2019-12_no-_id.csv", "csl-csv", 115, 115, 270, 0),
    ("us_csl/isn_full_2018.csv", "state-isn", 213, 177, 210, 0),
    ("us_csl/itar_debarred_party_list_01242018.csv", "state-dtc", 515, 511, 600, 0),
    ("us_csl/ita_importer_fixtures/sdn.xml", "ofac-xml", 4, 4, 17, 0),
    ("us_csl/ita_importer_fixtures/consolidated.xml", "ofac-xml", 24, 24, 84, 0),
    ("us_ofac/sdn_2021-07.csv.gz", "ofac-csv", 8_976, 8_976, 11_414, 0),
    ("us_ofac/sdn_full_headerless.csv.gz", "ofac-csv", 11_567, 11_567, 14_374, 0),
    ("us_ofac/sdn_advanced_sample_2024-02-23.xml.gz", "ofac-advanced-xml", 37, 37, 116, 0),
    ("us_bis/dpl_2022-09.txt", "bis-dpl", 581, 461, 461, 0),
    ("us_bis/bis_entity_list_2026-07-09.json.gz", "extract-json", 3_409, 3_409, 8_500, 0),
    ("us_other/dow_1260h_2026-07-09.json", "extract-json", 80, 80, 158, 0),
    ("us_other/ofac_nscmic_2026-07-09.json", "extract-json", 68, 68, 217, 0),
    ("uk/sample_hmt.csv", "ofsi-csv", 23, 6, 10, 0),
    ("eu/sample_eu.xml", "eu-xml", 7, 7, 15, 0),
    ("un/UN_consolidated_2026-02-27.xml.gz", "un-xml", 1_003, 1_003, 4_100, 1),
    ("au/regulation8_consolidated_2024-12.xlsx", "au-xlsx", 9_553, 3_062, 9_500, 0),
    ("ca/sema-lmes_2020-04.xml.gz", "ca-xml", 1_369, 1_369, 1_500, 0),
    ("opensanctions/ua_war_sanctions_2026-03_targets.simple.csv.gz", "opensanctions-simple", 5_600, 5_595, 13_300, 5),
    ("opensanctions/wd_persons_20240310/targets.nested.json", "opensanctions-ftm", 5, 5, 11, 0),
    ("opensanctions/wd_persons_20240310/entities.ftm.json", "opensanctions-ftm", 1_565, 423, 2_600, 0),
    ("opensanctions/wd_persons_20240310/senzing.json", "senzing", 14, 14, 23, 0),
]


@pytest.mark.parametrize(
    ("path", "form", "rows", "entries", "names", "problems"), FILES, ids=[file[0].rpartition("/")[2] for file in FILES]
)
def test_a_published_file_is_read_whole(
    read: Read, path: str, form: str, rows: int, entries: int, names: int, problems: int
) -> None:
    """Rows and entries are as many as the publisher's file has, names at least, and no row is lost without a word."""
    reading = read(path)
    assert (reading.format, reading.rows, len(reading.entries)) == (form, rows, entries)
    assert len(reading.problems) == problems, reading.problems[:3]
    assert sum(len(names_of(entry)) for entry in reading.entries) >= names


BESIDE = [
    ("opensanctions/wd_persons_20240310/index.json", "an index"),
    ("opensanctions/wd_persons_20240310/resources.json", "an index"),
    ("opensanctions/wd_persons_20240310/statistics.json", "statistics"),
    ("us_other/lists_2026-07-09.json", "an index"),
    ("us_ofac/sdn_delta_2026-04-23_derived.json", "a difference"),
    ("us_ofac/sdn_advanced_namespace_2020-04.xml.gz", "a schema"),
    ("us_ofac/alt_2025-12.csv.gz", "give SDN.CSV"),
    ("us_csl/ita_importer_fixtures/uvl.csv", "line 20 is not UTF-8"),
]


@pytest.mark.parametrize(("path", "says"), BESIDE, ids=[file[0].rpartition("/")[2] for file in BESIDE])
def test_what_is_no_list_says_what_it_is(read: Read, path: str, says: str) -> None:
    """An index, a difference, a schema or a part of a list is not taken for a list."""
    with pytest.raises(InputError, match=says):
        read(path)
