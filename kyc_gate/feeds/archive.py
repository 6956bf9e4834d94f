"""Members of an archive, bounded by what is read and not by what the archive says of itself."""

from __future__ import annotations

import zipfile

from kyc_gate.errors import FeedFault


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a member of at most `most` bytes, whatever size the archive says that it has.

    Raises `FeedFault` where it is missing or larger.
    """
    try:
        with archive.open(name) as stream:
            data = stream.read(most + 1)
    except KeyError as error:
        raise FeedFault(f"the bundle lacks `{name}`") from error
    if len(data) > most:
        raise FeedFault(f"oversize: `{name}` of the bundle has more than {most} bytes")
    return data
