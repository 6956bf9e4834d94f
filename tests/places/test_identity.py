"""Domains, telephone and register numbers, and the operator's table of IP addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.errors import ConfigurationError
from kyc_gate.places.domains import country_of_domain, is_free_mail, registered_domain
from kyc_gate.places.ip_countries import parse_ip_countries
from kyc_gate.places.phone import countries_of_number
from kyc_gate.places.registers import country_of_register_number


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("https://www.shop.example.co.uk/x?y=1", "example.co.uk", id="url"),
        pytest.param("sales@example.co.uk", "example.co.uk", id="mail"),
        pytest.param("example.com.", "example.com", id="dot-at-the-end"),
        pytest.param("BÜCHER.example", "xn--bcher-kva.example", id="idn"),
        pytest.param("co.uk", None, id="nobody's"),
        pytest.param("localhost", None, id="no-dot"),
        pytest.param("x" * 500 + ".com", None, id="too-long"),
        pytest.param("a..b", None, id="empty-label"),
        pytest.param(None, None, id="silence"),
    ],
)
def test_the_registered_domain_is_what_somebody_bought(name: str | None, expected: str | None) -> None:
    """Hosts, URLs and mail addresses of one owner have one registered domain."""
    assert registered_domain(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("foo.de", "DE", id="germany"),
        pytest.param("foo.co.uk", "GB", id="uk-is-gb"),
        pytest.param("info@foo.com.cn", "CN", id="mail"),
        pytest.param("foo.com", None, id="com"),
        pytest.param("foo.ai", None, id="sold-to-everybody"),
        pytest.param("foo.eu", None, id="union"),
    ],
)
def test_a_domain_says_a_country_only_where_its_ending_does(name: str, expected: str | None) -> None:
    """Endings of countries say one; generic ones, and those sold as words, say none."""
    assert country_of_domain(name) == expected


@pytest.mark.parametrize(("address", "expected"), [("a@gmail.com", True), ("a@QQ.com", True), ("a@foo.no", False)])
def test_mail_that_anybody_can_have_is_told(address: str, expected: bool) -> None:
    """Addresses of providers that serve everybody are free mail, in any capitals."""
    assert is_free_mail(address) is expected
    assert is_free_mail(None) is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param("+47 22 12 34 56", {"NO"}, id="norway"),
        pytest.param("+86 755 8888 8888", {"CN"}, id="china"),
        pytest.param("+1 604 555 0123", {"CA"}, id="canada-of-plus-one"),
        pytest.param("+1 787 555 0123", {"PR"}, id="puerto-rico-of-plus-one"),
        pytest.param("0047 22123456", {"NO"}, id="zeros"),
        pytest.param("22 12 34 56", set(), id="national"),
        pytest.param("+999 12345678", set(), id="no-such-code"),
        pytest.param("+" + "1" * 500, set(), id="too-long"),
    ],
)
def test_a_number_in_international_form_has_a_country(number: str, expected: set[str]) -> None:
    """A number says its country by code and area; one without a code says nothing."""
    assert countries_of_number(number) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param("91110000600037341L", "CN", id="credit-code"),
        pytest.param("91110000600037342L", None, id="wrong-check-digit"),
        pytest.param("1022200525819", "RU", id="ogrn"),
        pytest.param("DE 136695976", "DE", id="vat"),
        pytest.param("DE 136695978", None, id="wrong-vat"),
        pytest.param("CHE-100.155.212", "CH", id="uid"),
        pytest.param("ABN 83 914 571 673", "AU", id="abn"),
        pytest.param("123456789", None, id="bare-digits"),
        pytest.param("9" * 500, None, id="too-long"),
        pytest.param("", None, id="blank"),
    ],
)
def test_a_register_number_says_a_country_where_its_check_digits_are_right(number: str, expected: str | None) -> None:
    """A form that one country uses, with right check digits, says that country; all else says none."""
    assert country_of_register_number(number) == expected


def test_addresses_are_found_in_the_operators_ranges() -> None:
    """Networks and ranges of both kinds are asked by bisection; outside them an address says nothing."""
    table = parse_ip_countries(
        ["first,last,country", "192.0.2.0/25,NO", "198.51.100.10,198.51.100.20,CN", "# mine", "2001:db8::/32,DE"]
    )
    assert len(table) == 3
    assert table.country("192.0.2.127") == "NO"
    assert table.country("192.0.2.128") is None
    assert table.country("198.51.100.20") == "CN"
    assert table.country("::ffff:192.0.2.1") == "NO"
    assert table.country("2001:db8:ffff::1") == "DE"
    assert table.country("10.0.0.1") is None
    assert table.country("not an address") is None
    assert table.country(None) is None


def test_ranges_in_no_country_say_nothing() -> None:
    """Published tables mark reserved and shared ranges, and may write addresses as numbers."""
    table = parse_ip_countries(
        ['"0","16777215","-","-"', '"3221225984","3221226239","NO","Norway"', "10.0.0.0,10.255.255.255,ZZ"]
    )
    assert len(table) == 1
    assert table.country("192.0.2.9") == "NO"
    assert table.country("10.0.0.1") is None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(["192.0.2.0/24,XX", "192.0.2.0/25,NO"], "line 1: `XX`", id="no-country-in-the-first-line"),
        pytest.param(["192.0.2.0/24,ZZ"], "holds no range", id="no-country-anywhere"),
        pytest.param(["192.0.2.0/24,NO", "4294967296000000000000000000000000000000,1,NO"], "line 2", id="no-address"),
        pytest.param(["192.0.2.0/24,NO", "x" * 140_000], "line 2: (field larger|write)", id="huge"),
        pytest.param(["192.0.2.0/24,NO", "192.0.2.0/24,XX"], "line 2: `XX`", id="no-country"),
        pytest.param(["192.0.2.0/24,NO", "192.0.2.1,192.0.2.9,SE"], "two ranges hold 192.0.2.1", id="overlap"),
        pytest.param(["192.0.2.0/24,NO", "192.0.2.9,192.0.2.1,SE"], "line 2", id="backwards"),
        pytest.param(["192.0.2.0/24,NO", "x"], "line 2: write", id="short"),
        pytest.param([], "holds no range", id="empty"),
    ],
)
def test_a_table_that_cannot_be_read_names_the_line(lines: list[str], said: str) -> None:
    """A bad line is an error that names it and says what to write."""
    with pytest.raises(ConfigurationError, match=said):
        parse_ip_countries(lines, "`ip.csv`")


@given(st.text(max_size=60))
def test_any_text_has_an_answer(text: str) -> None:
    """No text raises."""
    for ask in (registered_domain, country_of_domain, is_free_mail, countries_of_number, country_of_register_number):
        ask(text)  # type: ignore[operator]
