"""What SQLite asks of the disk, recorded: writes, truncations, deletions and syncs, with what was acknowledged.

The default VFS of the library that `sqlite3` uses is patched in memory, so that the store under test is the store as it
runs, threads and all. A disk that loses power keeps what was synced; of what was written since it may keep any part.
"""

from __future__ import annotations

import _sqlite3
import contextlib
import ctypes
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""

_MAIN = 0x0100 | 0x80000
"""SQLITE_OPEN_MAIN_DB and SQLITE_OPEN_WAL: the files that must survive."""

_pointer = ctypes.c_void_p
# SQLite keeps the pointer to a file's name, so it is handed on as it came: a copy would be freed under it.
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _pointer, _pointer, ctypes.c_int, ctypes.POINTER(ctypes.c_int))
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, ctypes.c_char_p, ctypes.c_int)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _pointer, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, ctypes.c_int)


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_ = [("version", ctypes.c_int)] + [
        (name, _pointer)
        for name in (
            "close", "read", "write", "truncate", "sync", "file_size", "lock", "unlock", "check_reserved_lock",
            "file_control", "sector_size", "device_characteristics", "shm_map", "shm_lock", "shm_barrier", "shm_unmap",
            "fetch", "unfetch",
        )
    ]  # fmt: skip


class _VFS(ctypes.Structure):
    """`sqlite3_vfs`, as far as it is patched."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", _pointer),
        ("name", ctypes.c_char_p),
        ("data", _pointer),
        ("open", _pointer),
        ("delete", _pointer),
    ]


class Step(NamedTuple):
    """One thing that happened: `write`, `truncate`, `delete` or `sync` of a file, or an `acknowledged` id."""

    kind: str
    file: str
    offset: int = 0
    data: bytes = b""


class RecordedDisk:
    """The steps of every database under `folder` since recording began."""

    def __init__(self, folder: Path) -> None:
        self.steps: list[Step] = []
        self._folder = str(folder)
        self._lock = threading.Lock()
        self._files: dict[int, str] = {}
        self._kept: list[Any] = []  # callbacks and tables that SQLite holds pointers to
        self._tables: dict[int, _Methods] = {}

    def acknowledged(self, id: str) -> None:
        """Note that a caller was told that `id` is durable."""
        with self._lock:
            self.steps.append(Step("acknowledged", id))

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record while the block runs. Connections opened within must be closed within."""
        library = ctypes.CDLL(_sqlite3.__file__)  # the name is found in the SQLite that this module was linked with
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_VFS)
        vfs = library.sqlite3_vfs_find(None).contents
        opened, deleted = vfs.open, vfs.delete
        vfs.open = self._address(_OPEN(self._open(_OPEN(opened))))
        vfs.delete = self._address(_DELETE(self._delete(_DELETE(deleted))))
        try:
            yield
        finally:
            vfs.open, vfs.delete = opened, deleted

    def _address(self, callback: Any) -> int | None:
        self._kept.append(callback)
        return ctypes.cast(callback, _pointer).value

    def _open(self, original: Any) -> Callable[..., int]:
        def open_(vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
            status: int = original(vfs, name, file, flags, out)
            path = ctypes.string_at(name).decode() if name else ""
            if status == 0 and flags & _MAIN and path.startswith(self._folder):
                self._files[file] = path
                table = ctypes.cast(file, ctypes.POINTER(_pointer))
                table[0] = ctypes.addressof(self._patched(table[0]))
            return status

        return open_

    def _patched(self, address: int) -> _Methods:
        """The table of methods at `address` with those that change files recorded; the same for each file of a kind."""
        if address not in self._tables:
            original = _Methods.from_address(address)
            copy = _Methods.from_buffer_copy(original)
            copy.write = self._address(_WRITE(self._write(_WRITE(original.write))))
            copy.truncate = self._address(_TRUNCATE(self._truncate(_TRUNCATE(original.truncate))))
            copy.sync = self._address(_SYNC(self._sync(_SYNC(original.sync))))
            self._tables[address] = copy
        return self._tables[address]

    def _write(self, original: Any) -> Callable[..., int]:
        def write(file: int, data: int, length: int, offset: int) -> int:
            with self._lock:
                status: int = original(file, data, length, offset)
                self.steps.append(Step("write", self._files[file], offset, ctypes.string_at(data, length)))
            return status

        return write

    def _truncate(self, original: Any) -> Callable[..., int]:
        def truncate(file: int, size: int) -> int:
            with self._lock:
                status: int = original(file, size)
                self.steps.append(Step("truncate", self._files[file], size))
            return status

        return truncate

    def _sync(self, original: Any) -> Callable[..., int]:
        def sync(file: int, flags: int) -> int:
            with self._lock:
                status: int = original(file, flags)
                if status == 0:
                    self.steps.append(Step("sync", self._files[file]))
            return status

        return sync

    def _delete(self, original: Any) -> Callable[..., int]:
        def delete(vfs: int, name: bytes, sync_directory: int) -> int:
            with self._lock:
                status: int = original(vfs, name, sync_directory)
                if name.decode().startswith(self._folder):
                    self.steps.append(Step("delete", name.decode()))
            return status

        return delete


class Image(NamedTuple):
    """What a disk may hold after a power cut: files by path, and the ids that had been acknowledged by then."""

    files: dict[str, bytes]
    acknowledged: tuple[str, ...]


def images(steps: list[Step], count: int, dice: random.Random) -> Iterator[Image]:
    """Yield `count` images, of power cuts at random steps.

    What was synced is whole. Of each write after its file's last sync a cut keeps nothing, everything, its beginning or
    some of its sectors, whatever it keeps of the others; of a truncation or deletion, nothing or everything.
    """
    cuts = sorted(dice.choices(range(len(steps) + 1), k=count))
    synced: dict[str, bytearray] = {}
    pending: dict[str, list[Step]] = {}
    told: list[str] = []
    done = 0
    for cut in cuts:
        for step in steps[done:cut]:
            if step.kind == "acknowledged":
                told.append(step.file)
            elif step.kind == "sync":
                state = synced.get(step.file)
                for waiting in pending.pop(step.file, []):
                    state = _after(state, waiting)
                synced[step.file] = bytearray() if state is None else state
            else:
                pending.setdefault(step.file, []).append(step)
        done = cut
        yield Image(_cut(synced, pending, dice), tuple(told))


def _cut(synced: dict[str, bytearray], pending: dict[str, list[Step]], dice: random.Random) -> dict[str, bytes]:
    found = {}
    for file in sorted(synced.keys() | pending.keys()):
        state = bytearray(synced[file]) if file in synced else None
        for step in pending.get(file, []):
            for part in _kept(step, dice):
                state = _after(state, part)
        if state is not None:
            found[file] = bytes(state)
    return found


def _kept(step: Step, dice: random.Random) -> Iterator[Step]:
    """The parts of a step that reached the disk before the power went."""
    fate = dice.random()
    if fate < 0.35:
        return
    if fate < 0.7 or step.kind != "write":
        yield step
        return
    sectors = range(0, len(step.data), SECTOR)
    end = dice.randrange(len(sectors)) if fate < 0.85 else len(sectors)
    for number, start in enumerate(sectors):
        if number < end and (fate < 0.85 or dice.random() < 0.5):
            yield Step("write", step.file, step.offset + start, step.data[start : start + SECTOR])


def _after(state: bytearray | None, step: Step) -> bytearray | None:
    """The file after a step; None is a file that is not there."""
    if step.kind == "delete":
        return None
    state = bytearray() if state is None else state
    if step.kind == "truncate":
        del state[step.offset :]
        return state
    if len(state) < step.offset:
        state.extend(bytes(step.offset - len(state)))
    state[step.offset : step.offset + len(step.data)] = step.data
    return state
