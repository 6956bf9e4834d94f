"""Trackable resources in every spelling of `--gres` and `--gpus`, to names, types and counts."""

from __future__ import annotations

import re

from kyc_gate.adapters.values import count
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.record import Record

MPS_SHARE = 100
"""What one GPU is in `mps`, unless `gres.conf` says less (https://slurm.schedmd.com/gres.html, "MPS Management")."""

_SUFFIX = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_COUNT = re.compile(r"(?P<digits>[0-9]{1,9})(?P<suffix>[kKmMgG]?)")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}")
_SOCKETS = re.compile(r"\((?:S|IDX):[0-9,-]*\)$")


class Tres(Record):
    """So many of one resource: `type` is empty where none is named."""

    name: str
    type: str
    count: int


def read_tres(text: str) -> tuple[Tres, ...]:
    """Return what `gres:gpu:h100:8`, `gpu:8`, `gres/gpu=8` or a list of them asks for.

    `mps` counts in GPUs, rounded up, and each `shard` as one: what is shared could be a whole one. Raises
    `RefusedCall` 400 for a text that cannot be read.
    """
    return tuple([_one(part.strip(), text) for part in text.split(",") if part.strip()])


def read_gpus(value: object) -> tuple[Tres, ...]:
    """Return what `--gpus` and its kin ask for: `8`, `h100:8`, or a list of them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (Tres(name="gpu", type="", count=count(value, "the number of GPUs", least=0)),)
    if not isinstance(value, str):
        raise RefusedCall(400, "gpus", f"the GPUs {shown(value)} are not a number or a text such as `h100:8`")
    parts = [part.strip() for part in value.split(",") if part.strip()]
    return tuple([_one(part if part.startswith(("gpu:", "gres")) else f"gpu:{part}", value) for part in parts])


def _one(part: str, text: str) -> Tres:
    bare = _SOCKETS.sub("", part).replace("=", ":")
    for prefix in ("gres:", "gres/"):
        bare = bare.removeprefix(prefix)
    words = bare.split(":")
    number = 1
    if len(words) > 1 and _COUNT.fullmatch(words[-1]):
        number = _number(words.pop())
    if len(words) > 2 or not all(_WORD.fullmatch(word) for word in words):
        raise RefusedCall(400, "gres", f"the resource {shown(text)} is not such as `gpu:8` or `gpu:h100:8`")
    name, type = words[0].lower(), words[1].lower() if len(words) > 1 else ""
    if name == "mps":
        return Tres(name="gpu", type=type, count=-(-number // MPS_SHARE))
    return Tres(name="gpu" if name == "shard" else name, type=type, count=number)


def _number(text: str) -> int:
    found = _COUNT.fullmatch(text)
    assert found is not None  # noqa: S101 - for the type checker: the caller looked
    return count(int(found["digits"]) * _SUFFIX[found["suffix"].lower()], "the count of a resource", least=0)
