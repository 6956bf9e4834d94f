"""Aliases that agencies write into names."""

from __future__ import annotations

import pytest

from kyc_gate.lists.inner_names import alias_parts, parted


@pytest.mark.parametrize(
    ("text", "name", "others"),
    [
        pytest.param("Acme Ltd", "Acme Ltd", [], id="none"),
        pytest.param("ACME -AKA- ROADRUNNER", "ACME", ["ROADRUNNER"], id="dashes"),
        pytest.param("Acme (a.k.a. Road; Runner)", "Acme", ["Road", "Runner"], id="bracketed"),
        pytest.param("Pearl (A.K.A. Nei Trading) Works", "Pearl Works", ["Nei Trading"], id="in-the-middle"),
        pytest.param("Acme [aka Road, aka Run] (Testland)", "Acme (Testland)", ["Road", "Run"], id="square"),
        pytest.param("Acme (f.k.a., Old Acme (OA) Works)", "Acme", ["Old Acme (OA) Works"], id="brackets-in-brackets"),
        pytest.param("Acme B.V. ALSO KNOWN AS Road B.V.", "Acme B.V.", ["Road B.V."], id="in-words"),
        pytest.param("Acme D/B/A Road", "Acme", ["Road"], id="doing-business-as"),
        pytest.param("Acme, a.k.a. Road, a.k.a. Runner", "Acme", ["Road", "Runner"], id="several"),
        pytest.param("AKA Integral Services", "AKA Integral Services", [], id="a-name-of-its-own"),
        pytest.param("Kafka Fakade Works", "Kafka Fakade Works", [], id="letters-inside-a-word"),
    ],
)  # fmt: skip
def test_names_inside_a_name_are_aliases(text: str, name: str, others: list[str]) -> None:
    """The name stands alone, and each name inside it is an alias."""
    found, aliases = parted(text)
    assert (found, [alias for alias, _ in aliases]) == (name, others)


def test_an_alias_field_may_hold_several() -> None:
    """`A;B` is two aliases, and `F.K.A. C` is also C."""
    assert alias_parts("CETC 24;Sichuan Institute; and CETC 44") == [
        ("CETC 24", ""),
        ("Sichuan Institute", ""),
        ("CETC 44", ""),
    ]
    assert ("Presidency Office", "fka") in alias_parts("F.K.A. Presidency Office")
