"""The shelf: lists on disk by their digest, generations, and the one pointer that says which is active.

    objects/ab/ab12...      files as they were published
    snapshots/cd34...jsonl  what a generation merges into: a head line, then an entry a line
    generations/ef56...     which files make a generation
    active                  the pointer; replaced whole
    checks                  when each source was last asked; replaced whole

INVARIANT: a file is written under another name, flushed to the disk, and renamed. Whoever reads, at whatever moment a
writer dies, finds the file from before or the file from after.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.generation import Check, Generation, Pointer
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.record import canonical_bytes

T = TypeVar("T")

KEPT_GENERATIONS = 20
"""Generations that stay for comparisons; what only older ones hold is deleted."""


class Shelf:
    """A folder of lists. Readers need no lock; one process at a time writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # The lock

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the right to write. Raises `FeedFault` at once when another process has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FeedFault(f"another process is writing lists in `{self.folder}`; try again later") from error
            self._sweep()
            yield

    # Reading

    def pointer(self) -> Pointer | None:
        """Return which generation is active, or None before the first. Raises `FeedFault` for a damaged pointer."""
        return self._read("active", Pointer)

    def active(self) -> Generation | None:
        """Return the active generation, or None before the first. Raises `FeedFault` when it is damaged."""
        pointer = self.pointer()
        return None if pointer is None else self.generation(pointer.generation)

    def generation(self, name: str) -> Generation:
        """Return a generation by its id, or by the first digits of it or of its snapshot's digest.

        Raises `FeedFault` when there is none or several, or when its file was changed.
        """
        found = self._named(name)
        generation = self._read(f"generations/{found}", Generation)
        if generation is None or generation.id != found:
            raise FeedFault(f"the generation `{found[:12]}` is damaged; run `kyc-gate lists pull`")
        return generation

    def generations(self) -> tuple[str, ...]:
        """Return the ids of all generations, oldest first."""
        folder = self.folder / "generations"
        files = [file for file in folder.iterdir() if len(file.name) == 64] if folder.is_dir() else []
        return tuple(file.name for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)))

    def checks(self) -> dict[str, Check]:
        """Return the last check of each source, by its name."""
        return {check.source: check for check in self._read("checks", list[Check]) or ()}

    def stamp(self) -> tuple[int, ...]:
        """Return something that differs once the pointer or a check was written: cheap enough to ask each second."""
        found = []
        for name in ("active", "checks"):
            with contextlib.suppress(FileNotFoundError):
                status = (self.folder / name).stat()
                found += [status.st_ino, status.st_mtime_ns, status.st_size]
        return tuple(found)

    def kept(self, sha256: str) -> bytes:
        """Return a kept file. Raises `FeedFault` when it is gone or its bytes are not those of its digest."""
        try:
            data = self._object(sha256).read_bytes()
        except OSError as error:
            raise FeedFault(f"the list file {sha256[:12]} is gone from `{self.folder}`: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise FeedFault(f"the list file {sha256[:12]} in `{self.folder}` was changed; run `kyc-gate lists pull`")
        return data

    def snapshot(self, digest: str) -> ListSnapshot:
        """Return a merged snapshot, each line verified. Raises `FeedFault` when it is gone or was changed.

        Lines are short, so a thread that reads them lets others run every few microseconds.
        """
        path = self.folder / "snapshots" / f"{digest}.jsonl"
        try:
            with path.open("rb") as stream:
                head = msgspec.json.decode(stream.readline(), type=_Head)
                counted = hashlib.sha256(canonical_bytes(head.snapshot))
                decoder = msgspec.json.Decoder(ListEntry)
                entries = []
                for line in stream:
                    counted.update(line)
                    entries.append(decoder.decode(line))
        except (OSError, msgspec.DecodeError) as error:
            raise FeedFault(f"the snapshot {digest[:12]} cannot be read: {error}") from error
        if counted.hexdigest() != head.sha256 or head.snapshot.digest != digest:
            raise FeedFault(f"the snapshot {digest[:12]} in `{self.folder}` was changed; run `kyc-gate lists pull`")
        return msgspec.structs.replace(head.snapshot, entries=tuple(entries))

    # Writing, under the lock

    def keep(self, data: bytes) -> str:
        """Keep a file and return its digest. One that is there already, and was changed, is mended."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._object(sha256)
        if not path.exists() or path.read_bytes() != data:
            _replace(path, data)
        return sha256

    def keep_snapshot(self, snapshot: ListSnapshot) -> None:
        """Keep a merged snapshot under its digest."""
        path = self.folder / "snapshots" / f"{snapshot.digest}.jsonl"
        bare = msgspec.structs.replace(snapshot, entries=())
        encoder = msgspec.json.Encoder(order="deterministic")
        lines = [encoder.encode(entry) + b"\n" for entry in snapshot.entries]
        counted = hashlib.sha256(canonical_bytes(bare))
        for line in lines:
            counted.update(line)
        head = _Head(snapshot=bare, sha256=counted.hexdigest())
        _replace(path, b"".join([encoder.encode(head) + b"\n", *lines]))

    def activate(self, generation: Generation, pointer: Pointer) -> None:
        """Make `generation` the active one: its manifest first, the pointer last."""
        self._write(f"generations/{generation.id}", generation)
        self._write("active", pointer)
        self._forget_old(generation.id)

    def save_checks(self, checks: Iterable[Check]) -> None:
        """Replace what is known of the last checks."""
        self._write("checks", sorted(checks, key=lambda check: check.source))

    # Inside

    def _object(self, sha256: str) -> Path:
        return self.folder / "objects" / sha256[:2] / sha256

    def _named(self, name: str) -> str:
        ids = self.generations()
        if name in ids:
            return name
        if name == "active":
            pointer = self.pointer()
            if pointer is not None:
                return pointer.generation
        found = {each for each in ids if each.startswith(name)}
        found |= {each for each in ids if not found and self._snapshot_of(each).startswith(name)}
        if len(name) < 6 or not found:
            raise FeedFault(f"there is no generation `{name}` in `{self.folder}`; `kyc-gate lists status` names them")
        return max(found, key=ids.index)

    def _snapshot_of(self, id: str) -> str:
        generation = self._read(f"generations/{id}", Generation)
        return "" if generation is None else generation.snapshot

    def _read(self, name: str, kind: type[T]) -> T | None:
        path = self.folder / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise FeedFault(f"`{path}` cannot be read: {error}; run `kyc-gate lists pull`") from error

    def _write(self, name: str, value: object) -> None:
        _replace(self.folder / name, canonical_bytes(value) + b"\n")

    def _forget_old(self, active: str) -> None:
        """Delete what only generations beyond the last `KEPT_GENERATIONS` hold."""
        ids = self.generations()
        kept = {*ids[-KEPT_GENERATIONS:], active}
        for old in set(ids) - kept:
            (self.folder / "generations" / old).unlink(missing_ok=True)
        generations = [self.generation(id) for id in kept]
        objects = {held.sha256 for generation in generations for held in generation.held}
        snapshots = {generation.snapshot for generation in generations}
        for file in (self.folder / "objects").glob("??/*"):
            if file.name not in objects:
                file.unlink(missing_ok=True)
        for file in (self.folder / "snapshots").glob("*.jsonl"):
            if file.stem not in snapshots:
                file.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Delete what a writer that died left half written."""
        for file in self.folder.rglob(f"*{_PARTIAL}*"):
            file.unlink(missing_ok=True)


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a snapshot: everything but its entries, and the digest of that and of the lines below."""

    snapshot: ListSnapshot
    sha256: str


_PARTIAL = ".partial-"


def _replace(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all, and on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}{_PARTIAL}{secrets.token_hex(8)}")
    try:
        with partial.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
