"""What is on the shelf: one file of one source, and the generation that several of them make."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.record import Record, digest


class Held(Record):
    """One checked file of a source, kept under its SHA-256.

    `published_at` is what the file says of itself, or the publisher's Last-Modified where it says nothing
    (`dated_by` tells which); None where neither is known.
    `accepted` names the guards that an operator overruled for this very file.
    """

    source: str
    file_name: str
    sha256: str
    size: int
    format: str
    entries: int
    names: int
    counts: dict[str, int]
    problems: int
    fetched_at: datetime
    origin: str
    published_at: datetime | None = None
    dated_by: str = ""
    signed: bool = False
    canaries: int = 0
    accepted: tuple[str, ...] = ()

    @property
    def ages_from(self) -> datetime:
        """When the file was published, or, where nobody says, when these very bytes first arrived."""
        return self.published_at or self.fetched_at


class Generation(Record):
    """The files that are active together, and the digest of the snapshot that they merge into.

    `software` is the version that read the files: another one may read them differently, so it reads them anew.
    """

    held: tuple[Held, ...]
    snapshot: str
    made_at: datetime
    software: str = ""

    @property
    def id(self) -> str:
        """The generation's own digest, 64 hexadecimal digits."""
        return digest(self)

    def of(self, source: str) -> Held | None:
        """Return what is held of a source."""
        return next((held for held in self.held if held.source == source), None)


class Check(Record):
    """The last time that a source was asked. `outcome` is `updated`, `unchanged`, `refused` or `failed`.

    `confirmed_at` is when the publisher last said that what is held is current: a new file, or "not modified".
    """

    source: str
    tried_at: datetime
    outcome: str
    confirmed_at: datetime | None = None
    problems: tuple[str, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    url: str | None = None
    failures: int = 0
    refused_sha256: str | None = None


class Pointer(Record):
    """Which generation is active, and since when."""

    generation: str
    activated_at: datetime
