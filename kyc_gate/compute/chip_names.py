"""A chip's name in anybody's spelling, to the chip. Exact in meaning: words are left out, never guessed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from kyc_gate.compute.chips import Chip, chips

LONGEST_NAME = 128
"""Characters of an accelerator name. Longer text is nobody's product name."""


def find_chip(name: str) -> Chip | None:
    """Return the chip that `name` names in any common spelling (`NVIDIA-H100-80GB-HBM3`, `h100_sxm5`), or None.

    A name that leaves the form open means the stronger one: `H100` is the SXM, `MI300` the MI300X.
    """
    if len(name) > LONGEST_NAME:
        return None
    names = _names()
    return next((names[key] for key in _keys(name) if key in names), None)


def nearest_chips(name: str) -> tuple[str, ...]:
    """Return up to three models of the catalogue whose spelling is nearest to `name`, nearest first."""
    names = _names()
    key = next(iter(_keys(name[:LONGEST_NAME])), "")
    near = difflib.get_close_matches(key, names, n=6, cutoff=0.6)
    return tuple(dict.fromkeys(names[key].model for key in near))[:3]


_VENDORS = (
    "nvidia|amd|intel|google|aws|amazon|huawei|qualcomm|baidu|meta|habana|cerebras|tesla|instinct|geforce|radeon|cloud|"
    "accelerator|gpu|apu|device|tensorcore|tensor|core"
)
_BOARD = r"sxm\d?|oam|mega|hgx|baseboard|ib|nvlink|corporation|graphics|vws"
_MEMORY = r"\d{1,4}(?:\.\d+)?(?:gb|gib|g)|(?:hbm|gddr)\d\w*"
_NOISE = re.compile(rf"(?:{_VENDORS}|{_BOARD}|{_MEMORY})")
_MEMORY_SIZES = frozenset("16 24 32 40 48 64 80 94 96 128 141 144 180 186 192 256 270 288".split())  # noqa: SIM905
_FORM = frozenset({"pcie", "pcle", "server", "workstation", "edition"})
_SPLIT = re.compile(r"[^a-z0-9.+]+")
_EDGES = re.compile(rf"^(?:{_VENDORS})+|(?:sxm\d?)?(?:\d{{2,3}}gb)?(?:hbm\d\w?)?$")


def _keys(name: str) -> tuple[str, ...]:
    """The forms under which a name is looked up, from all of it to what is left without vendor, memory and board."""
    words = [word for word in _SPLIT.split(name.casefold()) if word]
    plain = [word for word in words if not _NOISE.fullmatch(word)]
    bare = [word for position, word in enumerate(plain) if position == 0 or word not in _MEMORY_SIZES]
    formless = [word for word in bare if word not in _FORM]
    squashed = "".join(words).replace(".", "")
    forms = (squashed, "".join(plain), "".join(bare), _EDGES.sub("", squashed), "".join(formless))
    return tuple(dict.fromkeys(form for form in forms if form))


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Chip]:
    """Every key of every name. A name as written goes before one that only agrees after words were left out.

    The form (`PCIe`) is never left out of a catalogue's own name, so that it stays distinct where two forms differ.
    """
    table: dict[str, Chip] = {}
    for depth in range(4):
        for chip in chips():
            for name in (chip.model, *chip.names):
                for key in _keys(name)[depth : depth + 1]:
                    table.setdefault(key, chip)
    return MappingProxyType(table)
