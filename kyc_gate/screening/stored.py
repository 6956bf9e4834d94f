"""An index kept in a file: mapped into memory, so that processes share it, and checked whenever it is opened."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from kyc_gate.errors import InputError
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.screening.index import Array, Arrays
from kyc_gate.screening.screener import index_arrays

_MAGIC = b"KYC-GATE INDEX 1\n"
_ALIGNED = 64
"""Bytes to which each array is aligned: a cache line, so that mapped arrays are as fast as any."""


def index_of(snapshot: ListSnapshot, folder: Path) -> Arrays:
    """Return the index of `snapshot` from a file in `folder`; it is made and kept there when there is none.

    A file that is damaged, or that another version of the screening made, is replaced.
    Raises `InputError` where the folder cannot be written.
    """
    path = index_path(snapshot, folder)
    try:
        return read_index(path)
    except (FileNotFoundError, InputError):
        write_index(path, index_arrays(snapshot))
        return read_index(path)


def index_path(snapshot: ListSnapshot, folder: Path) -> Path:
    """Return where the index of `snapshot` is kept: its name says what was indexed, and what indexed it."""
    return folder / f"names-{snapshot.digest[:32]}-{made_with()[:16]}.index"


@cache
def made_with() -> str:
    """Return a digest of all code and tables that an index depends on: one made by others is not opened."""
    digest = hashlib.sha256(_MAGIC)
    for room in ("kyc_gate.names", "kyc_gate.screening"):
        for file in sorted(_files(files(room)), key=lambda file: str(file)):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _files(folder: Any) -> list[Any]:
    found = []
    for item in folder.iterdir():
        if item.is_dir() and item.name != "__pycache__":
            found += _files(item)
        elif item.name.endswith((".py", ".txt", ".csv")):
            found.append(item)
    return found


_DIGEST = 32


def write_index(path: Path, arrays: Arrays) -> None:
    """Write the arrays to `path`, whole or not at all. Raises `InputError` where that cannot be done."""
    header: dict[str, object] = {}
    offset = 0
    parts: list[bytes] = []
    for name, array in arrays.items():
        body = np.ascontiguousarray(array).tobytes()
        padding = -len(body) % _ALIGNED
        header[name] = {"type": array.dtype.str, "length": len(array), "offset": offset}
        parts.append(body + bytes(padding))
        offset += len(body) + padding
    head = json.dumps({"arrays": header, "bytes": offset}).encode("ascii")
    head += b" " * (-(len(_MAGIC) + 8 + _DIGEST + len(head)) % _ALIGNED)
    digest = hashlib.sha256(head)
    for part in parts:
        digest.update(part)
    try:
        _write_whole(path, [_MAGIC, len(head).to_bytes(8, "big"), digest.digest(), head, *parts])
    except OSError as error:
        raise InputError(f"cannot keep an index at `{path}`: {error.strerror or error}") from error


def _write_whole(path: Path, parts: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".index-", delete=False) as file:
        try:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read_index(path: Path) -> Arrays:
    """Return the arrays at `path`, mapped and read-only. Raises `InputError` for a file that is not whole."""
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        whole = np.memmap(path, mode="r", dtype=np.uint8)
        start, head = _head(whole)
        body = whole[start:]
        if len(body) != head["bytes"]:
            raise ValueError("it was cut short")
        return {name: _array(body, told) for name, told in head["arrays"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"`{path}` is no index that can be used: {error}") from error


def _head(whole: np.memmap[Any, np.dtype[np.uint8]]) -> tuple[int, dict[str, Any]]:
    """Return where the arrays start, and what is said of them. Raises `ValueError` unless all is as it was written."""
    told = len(_MAGIC) + 8
    if bytes(whole[: len(_MAGIC)]) != _MAGIC:
        raise ValueError("it does not begin like one")
    start = told + _DIGEST + int.from_bytes(bytes(whole[len(_MAGIC) : told]), "big")
    if hashlib.sha256(whole[told + _DIGEST :].data).digest() != bytes(whole[told : told + _DIGEST]):
        raise ValueError("its bytes are not those that were written")
    return start, json.loads(bytes(whole[told + _DIGEST : start]))


def _array(body: Array, told: dict[str, Any]) -> Array:
    kind = np.dtype(told["type"])
    if kind.kind not in "iuf":
        raise ValueError("it holds arrays of another sort")
    start = told["offset"]
    return np.asarray(body[start : start + told["length"] * kind.itemsize]).view(kind)
