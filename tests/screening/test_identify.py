"""Identifiers and domains."""

from __future__ import annotations

import pytest

from kyc_gate.model.listing import Details, Identifier
from kyc_gate.model.match import ScreeningOutcome
from kyc_gate.screening.hosts import host_of, hosts_above, is_shared
from kyc_gate.screening.screener import Screener, host_label

from .test_screener import entry, listing

SNAPSHOT = listing(
    entry(
        "1",
        "Sealed Machinery Works",
        identifiers=(
            Identifier(kind="lei", value="5493001KJTIIGC8Y1R12"),
            Identifier(kind="registration", value="91110108-551385082Q", country="CN"),
            Identifier(kind="crypto", value="12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h"),
            Identifier(kind="imo", value="IMO 9187629"),
        ),
        websites=("https://www.sealed-machinery.cn/en/", "https://facebook.com/sealed"),
        details=Details(emails=("office@smw-export.com",)),
    ),
    entry("2", "Quiet Harbour Shipping"),
)


@pytest.fixture(scope="module")
def screener() -> Screener:
    return Screener(SNAPSHOT)


@pytest.mark.parametrize(
    ("identifier", "outcome"),
    [
        pytest.param(Identifier(kind="lei", value="5493 001K JTII GC8Y 1R12"), "match", id="lei-spaced"),
        pytest.param(Identifier(kind="", value="5493001kjtiigc8y1r12"), "match", id="kind-unknown"),
        pytest.param(Identifier(kind="imo", value="9187629"), "match", id="imo-without-prefix"),
        pytest.param(Identifier(kind="bic", value="5493001KJTIIGC8Y1R12"), "clear", id="other-kind"),
        pytest.param(Identifier(kind="registration", value="91110108551385082Q", country="CN"), "match", id="national"),
        pytest.param(Identifier(kind="tax", value="91110108551385082Q", country="CN"), "match", id="named-otherwise"),
        pytest.param(Identifier(kind="registration", value="91110108551385082Q"), "possible", id="country-unknown"),
        pytest.param(Identifier(kind="registration", value="91110108551385082Q", country="DE"), "clear", id="abroad"),
        pytest.param(Identifier(kind="crypto", value="12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h"), "match", id="address"),
        pytest.param(
            Identifier(kind="crypto", value="12qtd5bfwrsdnsazy76uve1xycgntojh9h"), "clear", id="address-folded"
        ),
        pytest.param(Identifier(kind="lei", value="-"), "clear", id="nothing"),
    ],
)
def test_an_identifier_is_looked_up_exactly(identifier: Identifier, outcome: str, screener: Screener) -> None:
    """What stands for one party finds it whatever its name; a national number only within its country."""
    found = screener.screen(["Wholly Other Name"], identifiers=[identifier])
    assert found.outcome.value == outcome
    if found.matches:
        assert (found.matches[0].entry_id, found.matches[0].queried) == ("1", identifier.value)
        assert "Sealed Machinery Works" in found.matches[0].explanation


@pytest.mark.parametrize(
    ("host", "outcome"),
    [
        pytest.param("ml-team@Sealed-Machinery.CN", "match", id="mail"),
        pytest.param("https://jobs.sealed-machinery.cn/apply?x=1", "match", id="below"),
        pytest.param("a@smw-export.com", "match", id="mail-domain-on-file"),
        pytest.param("sealed@facebook.com", "clear", id="shared"),
        pytest.param("somebody@gmail.com", "clear", id="provider"),
        pytest.param("office@sealed-machinery.cn.example.com", "clear", id="looks-alike"),
        pytest.param("https://[::1", "clear", id="no-host"),
    ],
)
def test_a_domain_is_evidence(host: str, outcome: str, screener: Screener) -> None:
    """A web or mail domain of a listed party finds it; one that anybody uses finds nobody."""
    assert screener.screen(["Wholly Other Name"], hosts=[host]).outcome.value == outcome


def test_the_label_of_a_domain_is_only_possible(screener: Screener) -> None:
    """A domain named like a listed party is worth a look, and no match."""
    found = screener.screen(["Wholly Other Name"], hosts=["quietharbourshipping.com"])
    assert found.outcome is ScreeningOutcome.POSSIBLE
    assert found.matches[0].entry_id == "2"


def test_hosts_are_read_from_anything() -> None:
    """A host is found in a web address, a mail address and by itself, and in nothing else."""
    assert host_of("HTTPS://www.Huawei.com:443/x") == host_of("x@huawei.com") == host_of("huawei.com.") == "huawei.com"
    assert [host_of(text) for text in ("", "huawei", "127.0.0.1", "a b.com", "@", "x" * 9000 + ".com")] == [None] * 6
    assert hosts_above("a.b.co.uk") == ["a.b.co.uk", "b.co.uk", "co.uk"]
    assert is_shared("shop.blogspot.com")
    assert host_label("lab@stu.hit.edu.cn") == "hit"
