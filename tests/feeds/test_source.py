"""Where lists are published, and what may not be a source."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kyc_gate.errors import ConfigurationError
from kyc_gate.feeds.source import Canary, Source, chosen_sources, local_path, overridden, shipped_sources
from tests.feeds.publisher import pulled


def test_every_shipped_source_can_be_fetched_safely() -> None:
    """Shipped addresses are HTTPS, and each source says who publishes it and how large it is."""
    for source in shipped_sources().values():
        assert source.urls
        assert not source.unsafe_plain_http
        assert source.publisher
        assert 1 < source.least < source.most < 100_000


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"urls": ["file:///etc/passwd"]}, "not https", id="file-address"),
        pytest.param({"urls": ["http://lists.example.com/x"]}, "unsafe_plain_http", id="plain"),
        pytest.param({"urls": ["ftp://lists.example.com/x"]}, "not https", id="ftp"),
        pytest.param({"urls": ["https://me:secret@lists.example.com/x"]}, "password", id="password"),
        pytest.param({"urls": ["https:///x"]}, "host", id="no-host"),
        pytest.param({"sha256_url": "http://lists.example.com/x", "file": "x"}, "unsafe", id="plain-checksum"),
        pytest.param({"file": "../policies/allow.csv"}, "climb", id="climbing-file"),
        pytest.param({"file": "x", "urls": ["https://lists.example.com/x"]}, "not both", id="both"),
        pytest.param({"file": "x", "signature_url": "https://lists.example.com/x"}, "together", id="half-signature"),
        pytest.param({"file": "x", "least": 10, "most": 5}, "`least`", id="range"),
        pytest.param({"file": "x", "name": "Sheet 1"}, "regex", id="name"),
    ],
)
def test_what_is_no_safe_source_is_refused(fields: dict[str, Any], told: str) -> None:
    """A source that could read what it should not, or that nobody could verify, is refused with the reason."""
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.convert({"name": "own", **fields}, Source)


def test_a_link_does_not_lead_out(tmp_path: Path) -> None:
    """A relative file that is a link to somewhere else is refused; a full path is the operator's own word."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(ConfigurationError, match="leads out"):
        local_path(Source(name="own", file="link.csv"), folder)
    assert local_path(Source(name="own", file=str(tmp_path / "elsewhere.csv")), folder) == tmp_path / "elsewhere.csv"


def test_an_operator_changes_a_shipped_source() -> None:
    """Given fields override, canaries add up, and a local file replaces the addresses."""
    shipped = shipped_sources()["us-csl"]
    own = overridden(shipped, Source(name="us-csl", file="csl.json", least=20_000, canaries=(Canary(name="Acme"),)))
    assert (own.file, own.urls, own.least, own.lists) == ("csl.json", (), 20_000, shipped.lists)
    assert own.canaries == (*shipped.canaries, Canary(name="Acme"))


def test_an_unknown_source_is_told_with_the_nearest_name() -> None:
    """An unknown name is an error that suggests one; so are names given twice, and sources without address."""
    with pytest.raises(ConfigurationError, match="did you mean `us-csl`"):
        chosen_sources(["us-cls"], [])
    with pytest.raises(ConfigurationError, match="given twice"):
        chosen_sources([], [Source(name="own", file="x"), Source(name="own", file="y")])
    with pytest.raises(ConfigurationError, match="no address"):
        chosen_sources([], [Source(name="own")])


PUBLISHED = {
    "us-csl": "lists/us_csl/csl_2026-07-31_api_shape_projection.json.gz",
    "un-sc": "lists/un/UN_consolidated_2026-02-27.xml.gz",
    "ca-sema": "lists/ca/sema-lmes_2020-04.xml.gz",
}


@pytest.mark.parametrize("name", PUBLISHED)
async def test_real_lists_pass_what_is_asked_of_them(tmp_path: Path, shared_data: Path, name: str) -> None:
    """The files as they were published pass the shipped size ranges, lists and canaries."""
    file = tmp_path / Path(PUBLISHED[name]).name
    shutil.copy(shared_data / PUBLISHED[name], file)
    source = overridden(shipped_sources()[name], Source(name=name, file=file.name))
    report = await pulled(tmp_path, source)
    assert report.whole, report.sources[0].problems
    assert report.sources[0].entries > 900


def test_no_shipped_list_is_current_for_ever() -> None:
    """Each shipped source says how old its newest publication may be: a mirror cannot hold one back without end."""
    assert [source.name for source in shipped_sources().values() if source.publication_hours is None] == []
