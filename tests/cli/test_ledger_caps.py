"""`kyc-gate ledger caps`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest

from kyc_gate.cli.ledger_caps import nveu_threshold

from .conftest import Ran

LINES = [
    {"model": "H100", "count": 49_899, "country": "Brazil", "site": "Rio", "consignee": "Rio Cloud"},
    {"model": "H100", "count": 150_000, "country": "US", "site": "Ohio", "network_gbit_s": 3200},
    {"instance_type": "p5.48xlarge", "provider": "aws", "count": 1, "country": "HK"},
]


def accounts(ran: Ran) -> dict[tuple[str, str], dict[str, object]]:
    """Each account of the answer by its name and subject."""
    return {(row["account"], row["subject"]): row for row in ran.rows}


def test_each_account_says_what_its_law_is_worth(kyc_gate: Callable[..., Ran]) -> None:
    """Every account has its line, its share, its citation, and the status of its law today."""
    text = "\n".join(map(json.dumps, LINES))
    ran = kyc_gate(
        "ledger", "caps", "--input", "-", "--json", "--headquarters", "US", "--as-of", "2026-11-24", given=text
    )
    assert ran.status == 0, ran.err
    found = accounts(ran)
    cap = found["country_cap", "BR"]
    assert (cap["used"], cap["limit"], cap["state"]) == (49_899 * 15_832, 790_000_000, "over")
    assert cap["status"] == "in_cfr_not_enforced"
    assert cap["cite"] == "15 CFR 742.6(b)(10)(iii)(B)"
    assert found["cluster", "Ohio"]["status"] == "rescinded"
    assert ("country_cap", "HK") not in found
    assert ("uveu_us", "all") in found
    assert not any(name == "nveu" for name, _ in found)


def test_a_company_of_a_capped_country_has_the_national_table(kyc_gate: Callable[..., Ran]) -> None:
    """A company headquartered outside the authorized countries is set against the table of the quarter."""
    ran = kyc_gate("ledger", "caps", "--input", "-", "--json", "--headquarters", "BR", "--as-of", "2025-02-01",
                   given=json.dumps(LINES[0]))  # fmt: skip
    found = accounts(ran)
    assert found["nveu", "BR"]["limit"] == 633_000_000
    assert found["nveu", "BR"]["state"] == "over"
    assert not any(name.startswith("uveu") for name, _ in found)


def test_what_no_cap_allows_is_told(kyc_gate: Callable[..., Ran]) -> None:
    """Chips in Macau and D:5 stand in no account, and a company of such a place has none: both are said."""
    text = "\n".join(map(json.dumps, LINES))
    ran = kyc_gate("ledger", "caps", "--input", "-", "--json", "--headquarters", "CN", "--as-of", "2026-11-24",
                   given=text)  # fmt: skip
    assert "126,656 TPP in HK are in no account: a licence is needed (15 CFR 742.6(a)(6)(iii)(A)" in ran.err
    assert "a company headquartered in CN needs a licence wherever it is" in ran.err
    assert not any(name.startswith(("nveu", "uveu")) for name, _ in accounts(ran))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2024, 7, 1), "nveu_2025_q1_tpp"),
        (date(2025, 3, 31), "nveu_2025_q1_tpp"),
        (date(2025, 4, 1), "nveu_2025_q2_tpp"),
        (date(2026, 12, 31), "nveu_2026_q4_tpp"),
        (date(2027, 1, 1), "nveu_2027_tpp"),
        (date(2030, 1, 1), "nveu_2027_tpp"),
    ],
)
def test_the_quarter_of_the_table(day: date, name: str) -> None:
    """Each day has its row."""
    assert nveu_threshold(day) == name


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"model": "H100", "count": 0, "country": "BR"}, "count"),
        ({"count": 1, "country": "BR"}, "model"),
        ({"model": "H100", "count": 1, "country": "Korea"}, "country"),
        ({"model": "H100", "count": 1, "installed_on": "soon"}, "installed_on"),
        ({"model": "H100", "count": 1, "nation": "BR"}, "nation"),
    ],
)
def test_a_line_that_cannot_be_meant_stops_the_report(
    line: dict[str, object], field: str, kyc_gate: Callable[..., Ran]
) -> None:
    """A sum that leaves out a line would be wrong: the report names the line and the field, and prints no account."""
    ran = kyc_gate("ledger", "caps", "--input", "-", "--json", given=json.dumps(line))
    assert ran.status != 0
    assert ran.out == ""
    assert "line 1" in ran.err
    assert f"`{field}`" in ran.err
    assert "Traceback" not in ran.err
