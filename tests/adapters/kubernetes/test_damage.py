"""Damaged objects: whatever stands in a field, the object is read or refused, and never asks for less than nothing."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from kyc_gate.adapters.kubernetes.objects import kind_of, read_demand
from kyc_gate.adapters.kubernetes.pauses import pause_patch, paused
from kyc_gate.adapters.kubernetes.request import meaning_of
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.errors import RefusedCall

from .test_objects import GOLDEN

SETTINGS = KubernetesSettings(cluster="test")
WEIRD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    2**70,
    "",
    "8",
    "x" * 300,
    [],
    [[]],
    [None],
    {},
    {"a": []},
    "\u0663",
    "nvidia.com/gpu",
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every field and element."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield (*path, name)
        yield from places(each, (*path, name))


@pytest.mark.parametrize("document", [param.values[0] for param in GOLDEN], ids=[str(param.id) for param in GOLDEN])
def test_any_field_may_hold_anything(document: dict[str, Any]) -> None:
    """Each field in turn gets each of many wrong values; reading answers with a demand or a refusal, nothing else."""
    dice = random.Random(7)  # noqa: S311 - the same damage each time
    for path in places(document["spec"], ("spec",)):
        for weird in dice.sample(WEIRD, 3):
            damaged = copy.deepcopy(document)
            home = damaged
            for name in path[:-1]:
                home = home[name]
            home[path[-1]] = weird
            parsed = read_json_object(json.dumps(damaged).encode())
            kind = kind_of(parsed)
            try:
                found = read_demand(kind, parsed, "team", SETTINGS)
                spec = parsed["spec"]
                if isinstance(spec, dict):
                    paused(*kind.name, spec)
                    pause_patch(*kind.name, spec)
                meaning_of(parsed, kind.kind)
            except RefusedCall:
                continue
            assert all(line.count > 0 and line.multiplier > 0 for line in found.lines)
            assert found.seconds is None or found.seconds > 0
