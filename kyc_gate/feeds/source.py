"""Where a list is published, what it must look like, and which names prove that it works."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from kyc_gate.errors import ConfigurationError
from kyc_gate.model.record import Record

NAME_SHAPE = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""A source's name is also a word in metrics, file names and commands."""


class Canary(Record):
    """A name that must match an entry of `list` before a file is used; any list of the source where `list` is empty."""

    name: str
    list: str = ""


class Source(Record):
    """One published file. An operator's source of the same name overrides the fields that it gives.

    `urls` are tried in order: the publisher's first, then mirrors. `file` is a local file instead, below the
    configuration's folder or at an absolute path.
    `lists` are the codes that the file must hold; `least` and `most` bound its entries.
    `sha256` is a digest that the operator states, `sha256_url` an address where the publisher does.
    `signature_url` leads to a minisign or raw Ed25519 signature, `public_key` is its base64 key.
    `publication_hours` is how old the newest publication may be, for lists that are published by the clock.
    `unsafe_plain_http` takes an address without TLS: what arrives is then whatever the network says.
    """

    name: Annotated[str, Meta(pattern=NAME_SHAPE)]
    title: str = ""
    publisher: str = ""
    urls: tuple[str, ...] = ()
    file: str | None = None
    lists: tuple[str, ...] = ()
    least: Annotated[int, Meta(ge=1)] = 1
    most: Annotated[int, Meta(ge=1)] = 10_000_000
    canaries: tuple[Canary, ...] = ()
    redirects_to: tuple[str, ...] = ()
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    sha256_url: str | None = None
    signature_url: str | None = None
    public_key: str | None = None
    publication_hours: Annotated[float, Meta(gt=0)] | None = None
    largest_mb: Annotated[float, Meta(gt=0, le=4096)] = 256.0
    seconds: Annotated[float, Meta(gt=0, le=86400)] = 300.0
    unsafe_plain_http: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be fetched safely."""
        for url in self.addresses:
            _check_address(self.name, url, plain=self.unsafe_plain_http)
        if self.file is not None and ".." in PurePosixPath(self.file).parts:
            raise ValueError(f"source `{self.name}`: `file` may not climb out of the folder with `..`: `{self.file}`")
        if self.urls and self.file is not None:
            raise ValueError(f"source `{self.name}`: give `urls` or `file`, not both")
        if self.least > self.most:
            raise ValueError(f"source `{self.name}`: `least` is {self.least} and `most` is {self.most}")
        if (self.signature_url is None) != (self.public_key is None):
            raise ValueError(f"source `{self.name}`: `signature_url` and `public_key` go together")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that this source may be read from."""
        more = (self.sha256_url, self.signature_url)
        return (*self.urls, *(url for url in more if url is not None))

    @property
    def file_name(self) -> str:
        """The name under which the file is read, which also hints at its format."""
        path = self.file if self.file is not None else urlsplit(self.urls[0]).path if self.urls else ""
        return PurePosixPath(path).name or self.name


def _check_address(name: str, url: str, *, plain: bool) -> None:
    """Raise `ValueError` unless the address is HTTPS, or HTTP where the operator took the risk by name."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"source `{name}`: `{url}` is no address: {error}") from error
    if parts.scheme == "http" and not plain:
        raise ValueError(f"source `{name}`: `{url}` is not https; `unsafe_plain_http` would take it all the same")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"source `{name}`: `{url}` is not https; name a local file with `file`")
    if not host or parts.username or parts.password:
        raise ValueError(f"source `{name}`: `{url}` must name a host, and carry no password")


def shipped_sources() -> dict[str, Source]:
    """Return the published lists whose addresses are known, by name."""
    text = resources.files("kyc_gate.feeds").joinpath("sources.toml").read_text(encoding="utf-8")
    return {source.name: source for source in msgspec.convert(tomllib.loads(text)["source"], list[Source])}


def chosen_sources(names: Iterable[str], given: Sequence[Source]) -> tuple[Source, ...]:
    """Return the shipped sources in `names` and the operator's own, `given`, which override the shipped by field.

    Raises `ConfigurationError` for an unknown name, a name given twice, or a source without an address.
    """
    shipped = shipped_sources()
    chosen: dict[str, Source] = {}
    for name in names:
        if name not in shipped:
            near = difflib.get_close_matches(name, shipped, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"shipped are {', '.join(sorted(shipped))}"
            raise ConfigurationError(f"`lists.sources`: no source `{name}`; {hint}")
        chosen[name] = shipped[name]
    own: set[str] = set()
    for source in given:
        if source.name in own:
            raise ConfigurationError(f"`lists.source`: the name `{source.name}` is given twice")
        own.add(source.name)
        chosen[source.name] = overridden(shipped.get(source.name), source)
    for source in chosen.values():
        if not source.urls and source.file is None:
            raise ConfigurationError(f"`lists.source`: `{source.name}` has no address; give `urls` or `file`")
    return tuple(chosen.values())


def overridden(shipped: Source | None, own: Source) -> Source:
    """Return `own` over `shipped`: a field at its default leaves the shipped one, and canaries add up."""
    if shipped is None:
        return own
    given = {
        field.name: value
        for field in msgspec.structs.fields(Source)
        if (value := getattr(own, field.name)) != field.default
    }
    given["canaries"] = tuple(dict.fromkeys((*shipped.canaries, *own.canaries)))
    if own.file is not None:
        given["urls"] = ()
    return msgspec.structs.replace(shipped, **given)


def local_path(source: Source, folder: Path) -> Path:
    """Return where a source's local file is. Raises `ConfigurationError` when a link leads out of the folder."""
    name = Path(source.file or "")
    path = folder / name
    if not name.is_absolute() and not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigurationError(
            f"source `{source.name}`: `{source.file}` leads out of `{folder}`; write its full path"
        )
    return path
