"""The example configuration is whole, and it loads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from kyc_gate.model.record import Record
from kyc_gate.service.build import gate_parts
from kyc_gate.service.config import Configuration, read_configuration

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = (EXAMPLES / "kyc-gate.toml").read_text(encoding="utf-8")


def settings(kind: Any, section: str = "") -> Iterator[tuple[str, str]]:
    """Yield the section and name of every setting that a configuration can hold."""
    for field in msgspec.structs.fields(kind):
        inner = [part for part in _parts(field.type) if isinstance(part, type) and issubclass(part, Record)]
        if inner:
            yield from settings(inner[0], f"{section}.{field.name}".lstrip("."))
        elif not (kind is Configuration and field.name == "folder"):
            yield section, field.name


def _parts(kind: Any) -> Iterator[Any]:
    yield kind
    for part in get_args(kind):
        yield from _parts(part)


def written() -> Iterator[tuple[str, str, bool]]:
    """Yield the section and name of each key in the example, and whether a comment stands above its group of keys."""
    section, explained = "", False
    for line in TEXT.splitlines():
        if found := re.match(r"(?:# )?\[+([a-z_.]+)\]+$", line):
            section, explained = found[1], False
        elif found := re.match(r"(?:# )?([a-z0-9_]+) = ", line):
            yield section, found[1], explained
        elif line.startswith("#"):
            explained = True
        elif not line:
            explained = False


def test_every_setting_stands_in_the_example() -> None:
    """Each setting of the gate is in the example, and the example holds no other."""
    assert {(section, name) for section, name, _ in written()} == set(settings(Configuration))


@pytest.mark.parametrize(("section", "name", "explained"), list(written()))
def test_every_key_has_a_comment(section: str, name: str, *, explained: bool) -> None:
    """A comment stands above each key, or above the group that it belongs to."""
    assert explained, f"[{section}] {name}"


def test_the_example_loads() -> None:
    """The example configuration is read without complaint, and everything that it names is there."""
    configuration = read_configuration(EXAMPLES / "kyc-gate.toml")
    parts = gate_parts(configuration)
    assert [policy.reference.name for policy in parts["policies"]] == ["us-in-force", "us-ai-diffusion"]
    assert {account.party_id for account in parts["accounts"]} <= {party.id for party in parts["parties"]}
    clouds = {"aws", "azure", "coreweave", "gcp", "lambda", "nebius", "oci", "runpod", "together"}
    assert {adapter.name for adapter in parts["adapters"]} == {*clouds, "generic"}
    assert len(parts["snapshot"].entries) == 23
    assert not parts["snapshot"].problems
