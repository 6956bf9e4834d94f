"""Readings merged into a snapshot."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.errors import InputError
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import NO_DETAILS, Identifier, ListEntry
from kyc_gate.model.party import Alias

ENTRIES = st.builds(
    ListEntry,
    list=st.sampled_from(["SDN", "EL"]),
    id=st.sampled_from(["1", "2", "3"]),
    name=st.sampled_from(["Sealed", "Works", "Завод"]),
    aliases=st.lists(st.builds(Alias, name=st.sampled_from(["A", "B"])), max_size=2).map(tuple),
    identifiers=st.lists(st.builds(Identifier, kind=st.just("lei"), value=st.sampled_from(["X", "Y"])), max_size=1).map(
        tuple
    ),
)


def reading(entries: list[ListEntry], name: str = "a", as_of: datetime | None = None) -> ListReading:
    """A reading of the entries."""
    return ListReading(name=name, format="test", entries=tuple(entries), as_of=as_of)


@settings(max_examples=200, deadline=None)
@given(entries=st.lists(ENTRIES, max_size=12), data=st.data())
def test_neither_the_order_of_entries_nor_of_files_matters(entries: list[ListEntry], data: st.DataObject) -> None:
    """Any division of the entries over files, in any order, gives the same snapshot."""
    whole = merge([reading(entries)])
    shuffled = data.draw(st.permutations(entries))
    cut = data.draw(st.integers(0, len(entries)))
    parts = merge([reading(list(shuffled[cut:]), "b"), reading(list(shuffled[:cut]), "a")])
    assert (parts.digest, parts.entries) == (whole.digest, whole.entries)
    ids = [(entry.list, entry.id) for entry in whole.entries]
    assert len(ids) == len(set(ids))
    assert {(entry.name, entry.aliases) for entry in whole.entries} == {
        (entry.name, entry.aliases) for entry in entries
    }


PROGRAM = """
from kyc_gate.lists.read import read_list
from kyc_gate.lists.snapshot import merge
import sys
print(merge([read_list(name, open(name, "rb").read()) for name in sys.argv[1:]]).digest)
"""


def test_the_digest_is_the_same_in_every_process() -> None:
    """Neither the order of arguments nor the seed of Python's hashes changes it, so any machine finds it again."""
    folder = Path(__file__).parent / "fixtures"
    names = [str(folder / name) for name in ("seco.xml", "uk_sanctions_list.csv", "eu_fsf.csv", "sdn_advanced.xml")]
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, *order], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed, order in (("1", names), ("4242", names[::-1]))
    }
    assert len(digests) == 1


def test_a_snapshot_is_as_old_as_its_oldest_list() -> None:
    """One list without a time leaves the snapshot without one."""
    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    entry = ListEntry(list="EL", id="1", name="Sealed")
    assert merge([reading([entry], as_of=new), reading([entry], as_of=old)]).as_of == old
    assert merge([reading([entry], as_of=new), reading([entry])]).as_of is None
    with pytest.raises(InputError, match="no list to merge"):
        merge([])


def test_an_entry_without_details_is_small() -> None:
    """Empty parts are shared, and an entry in a digest says only what it has: a million names stay affordable."""
    entry = ListEntry(list="EL", id="1", name="Sealed")
    assert entry.details is NO_DETAILS
    assert sys.getsizeof(entry) <= 160
    assert msgspec.json.encode(entry) == b'{"list":"EL","id":"1","name":"Sealed"}'
