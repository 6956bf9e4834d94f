"""Names that listed organisations have elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kyc_gate.lists.other_names import key_of, with_other_names
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.screening.screener import Screener

TOOLS = Path(__file__).parents[2] / "tools"


def entry(name: str, **more: object) -> ListEntry:
    return ListEntry(list="OWN", id="1", name=name, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Dawning Information Industry Co., Ltd.", "Sugon"),
        ("LOONGSON TECHNOLOGY CORPORATION LIMITED", "Godson Zhongke"),
        ("Yangtze Memory Technologies Co., Ltd.", "Changjiang Storage Technology"),
        ("Islamic Revolutionary Guard Corps", "Pasdaran"),
    ],
)
def test_an_operators_own_entry_gains_the_published_names(name: str, other: str) -> None:
    """A name on any list has the aliases that the published lists give the same organisation, with their source."""
    aliases = {alias.name: alias for alias in with_other_names(entry(name)).aliases}
    assert other in aliases
    assert aliases[other].kind.startswith("other name (")


def test_the_name_is_found_by_its_other_name() -> None:
    """A customer under the other name is matched with the operator's entry, and the explanation names the alias."""
    snapshot = merge(
        [ListReading(name="own", format="test", entries=(entry("Dawning Information Industry Co., Ltd."),))]
    )
    found = Screener(snapshot).screen(["Sugon"])
    assert [match.entry_id for match in found.matches] == ["1"]
    assert "Sugon" in found.matches[0].explanation


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(entry("Dawning", kind=PartyKind.PERSON), id="a person"),
        pytest.param(entry("Ministry of Defence"), id="a name that many have"),
        pytest.param(entry("Northwind Robotics Ltd"), id="a name that nobody has"),
    ],
)
def test_what_is_not_one_organisation_is_left_alone(given: ListEntry) -> None:
    """A person, a name of common words and an unknown name gain nothing."""
    assert with_other_names(given) is given


def test_a_name_is_added_once_and_a_single_word_is_weak() -> None:
    """What the entry has already is not added again, and a bare brand is a weak alias."""
    own = entry("Dawning Information Industry Co., Ltd.", aliases=(Alias(name="SUGON"),))
    names = [alias.name.casefold() for alias in with_other_names(own).aliases]
    assert names.count("sugon") == 1
    bare = {alias.name: alias for alias in with_other_names(entry("Dawning Information Industry")).aliases}
    assert bare["Sugon"].weak


def test_the_key_is_blind_to_case_points_and_legal_forms() -> None:
    """Spellings of one name share a key."""
    assert key_of("SUGON Co., Ltd.") == key_of("Sugon") == "sugon"


def test_the_table_is_what_its_tool_builds(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped table is built from the published list, byte for byte."""
    monkeypatch.syspath_prepend(str(TOOLS))
    import build_other_names

    shipped = build_other_names.TARGET.read_bytes()
    monkeypatch.setattr(build_other_names, "TARGET", tmp_path / "built.gz")
    (published,) = (shared_data / "lists" / "us_csl").glob("csl_*_api_shape_projection.json.gz")
    build_other_names.main(str(published))
    assert (tmp_path / "built.gz").read_bytes() == shipped
    sys.modules.pop("build_other_names")
