"""A published file's bytes to decoded documents: gzip and ZIP unpacked within bounds, text decoded or refused."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from kyc_gate.errors import InputError
from kyc_gate.model.record import Record

LARGEST_LIST = 512 * 2**20
"""Bytes after decompression; the whole Consolidated Screening List as JSON has 32 MB, SDN_ADVANCED.XML 120 MB."""

MOST_MEMBERS = 64
"""Files in one archive; Treasury's have up to four."""

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_TAR_MAGIC = b"ustar"
_ENDS = "\x1a\0"
_DECLARED = re.compile(rb"""^<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9_.\-]+)["']""")
_OTHER_TEXT = {
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}


class Document(Record):
    """One file as it lay in its archive, if any: `text`, or the bytes of a `workbook`."""

    name: str
    text: str = ""
    workbook: bytes = b""


def unpacked(name: str, data: bytes) -> list[Document]:
    """Return the documents in `data`. Nothing is written anywhere, so a member's path cannot matter.

    Raises `InputError` for what is empty, cut short, damaged, too large, an archive in an archive, or not text.
    """
    if data.startswith(GZIP):
        data = _gunzipped(name, data)
    if len(data) > LARGEST_LIST:
        raise InputError(f"list `{name}`: larger than {LARGEST_LIST} bytes")
    if data.startswith((ZIP, _EMPTY_ZIP)):
        return _unzipped(name, data)
    return [Document(name=name, text=_decoded(name, data))]


def _gunzipped(name: str, data: bytes) -> bytes:
    plain, rest = b"", data
    while rest.startswith(GZIP):  # a gzip file may have several members
        inflate = zlib.decompressobj(wbits=31)
        try:
            plain += inflate.decompress(rest, LARGEST_LIST + 1 - len(plain))
        except zlib.error as error:
            raise InputError(f"list `{name}`: the gzip data are damaged: {error}") from error
        if len(plain) > LARGEST_LIST:
            raise InputError(f"list `{name}`: larger than {LARGEST_LIST} bytes when unpacked")
        if not inflate.eof:
            raise InputError(f"list `{name}`: the gzip data are cut short; download it again")
        rest = inflate.unused_data
    if plain.startswith((GZIP, ZIP)) and not _is_workbook(plain):
        raise InputError(f"list `{name}`: an archive in an archive; unpack it first")
    return plain


def _unzipped(name: str, data: bytes) -> list[Document]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if any(member.filename == "xl/workbook.xml" for member in members):
                _check_sizes(name, archive, members)
                return [Document(name=name, workbook=data)]
            return _members(name, archive, members)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"list `{name}`: the ZIP archive is damaged or cut short: {_line(error)}") from error


def _members(name: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> list[Document]:
    if not members or len(members) > MOST_MEMBERS:
        raise InputError(f"list `{name}`: the ZIP archive has {len(members)} files; 1 to {MOST_MEMBERS} are read")
    documents, left = [], LARGEST_LIST
    for member in members:
        content = _inflated(name, archive, member, left)
        left -= len(content)
        if content.startswith((ZIP, GZIP)):
            raise InputError(f"list `{name}`: an archive in an archive; unpack it first")
        label = member.filename.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
        documents.append(Document(name=f"{name}:{label}", text=_decoded(f"{name}:{label}", content)))
    return documents


def _inflated(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> bytes:
    """A member's content. Its stated size may lie, so the bytes are counted as they come."""
    with archive.open(member) as stream:
        content = stream.read(left + 1)
    if len(content) > left:
        raise InputError(f"list `{name}`: larger than {LARGEST_LIST} bytes when unpacked")
    return content


def _check_sizes(name: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Refuse a workbook that unpacks to too much, or whose parts declare entities."""
    left = LARGEST_LIST // 2
    for member in members:
        content = _inflated(name, archive, member, left)
        left -= len(content)
        if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content[:4096]:
            raise InputError(f"list `{name}`: the workbook declares entities, which no published list does")


def _is_workbook(data: bytes) -> bool:
    return data.startswith(ZIP) and b"xl/workbook.xml" in data


def _decoded(name: str, data: bytes) -> str:
    if data[257:262] == _TAR_MAGIC:
        raise InputError(f"list `{name}`: the file is a TAR archive; unpack it first")
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wanted = encoding.removesuffix("-sig").upper()
        raise InputError(
            f"list `{name}`: line {line} is not {wanted}; convert the file or download it again"
        ) from error
    text = text.rstrip(_ENDS)
    if not text.strip():
        raise InputError(f"list `{name}`: the file is empty; download it again")
    return text


def _encoding(data: bytes) -> str:
    """UTF-8 unless a byte order mark or an XML declaration says otherwise: a guess would turn names into others."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    declared = _DECLARED.match(data[:200])
    return _OTHER_TEXT.get(declared[1].decode("ascii").casefold(), "utf-8-sig") if declared else "utf-8-sig"


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:100]
