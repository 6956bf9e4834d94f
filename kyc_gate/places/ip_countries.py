"""A table of which country an IP address is used in, as the operator supplies it."""

from __future__ import annotations

import csv
import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from kyc_gate.errors import ConfigurationError
from kyc_gate.model.country import CountryCode
from kyc_gate.places.countries import country_of, is_code

_Row = tuple[int, int, CountryCode]


class IPCountries:
    """Ranges of addresses with their countries, asked by bisection."""

    def __init__(self, rows: Iterable[_Row], wide_rows: Iterable[_Row] = ()) -> None:
        """Take ranges of IPv4 and of IPv6 addresses, each first, last and country. Raises `ValueError` on overlap."""
        self._tables = {4: _sorted(rows), 6: _sorted(wide_rows)}

    def __len__(self) -> int:
        """Return the number of ranges."""
        return sum(len(table[0]) for table in self._tables.values())

    def country(self, address: str | None) -> CountryCode | None:
        """Return the country of an address, or None for one that is no address, private, or in no range."""
        try:
            parsed = ipaddress.ip_address((address or "").strip())
        except ValueError:
            return None
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        starts, ends, countries = self._tables[parsed.version]
        at = bisect_right(starts, int(parsed)) - 1
        return countries[at] if at >= 0 and int(parsed) <= ends[at] else None


def _sorted(rows: Iterable[_Row]) -> tuple[list[int], list[int], list[CountryCode]]:
    ordered = sorted(rows)
    for (_, end, _), (start, _, _) in pairwise(ordered):
        if start <= end:
            raise ValueError(f"two ranges hold {ipaddress.ip_address(start)}")
    return [row[0] for row in ordered], [row[1] for row in ordered], [row[2] for row in ordered]


def parse_ip_countries(lines: Iterable[str], name: str = "the table") -> IPCountries:
    """Return the table that CSV lines hold: `first,last,country` or `network,country`, IPv4 or IPv6, one a line.

    Addresses may be written as numbers. The country is an ISO 3166-1 alpha-2 code; ranges that a publisher places in
    none (`ZZ`, `-`, `EU`) say nothing, and an address in one is unknown. A first line without an address is a heading;
    it, blank lines and `#` lines are skipped. Raises `ConfigurationError` naming the line.
    """
    rows: dict[int, list[_Row]] = {4: [], 6: []}
    reader = csv.reader(lines)
    try:
        for cells in reader:
            if not cells or cells[0].startswith("#") or (reader.line_num == 1 and _is_heading(cells[0])):
                continue
            version, row = _row([cell.strip() for cell in cells])
            if row:
                rows[version].append(row)
    except (ValueError, csv.Error) as error:
        raise ConfigurationError(f"{name} line {reader.line_num}: {error}") from None
    if not rows[4] and not rows[6]:
        raise ConfigurationError(f"{name} holds no range; write lines such as 192.0.2.0/24,NO")
    try:
        return IPCountries(rows[4], rows[6])
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _is_heading(cell: str) -> bool:
    return not any(char in ".:/" for char in cell) and not cell.strip().isdigit()


_NO_COUNTRY = frozenset({"", "-", "ZZ", "EU", "AP", "A1", "A2", "O1"})
"""What publishers write for reserved, anycast and shared ranges: registries' and geolocation tables' own codes."""


def _row(cells: list[str]) -> tuple[int, _Row | None]:
    """Return one line's version and range, None for one in no country. Raises `ValueError` that says what to write."""
    if len(cells) < 2:
        raise ValueError("write `first,last,country` or `network,country`")
    if "/" in cells[0]:
        network = ipaddress.ip_network(cells[0], strict=False)
        first, last, country = network.network_address, network.broadcast_address, cells[1]
    else:
        if len(cells) < 3:
            raise ValueError("write `first,last,country` or `network,country`")
        first, last, country = _address(cells[0]), _address(cells[1]), cells[2]
    if first.version != last.version or int(last) < int(first):
        raise ValueError(f"`{cells[0]}` to `{cells[1]}` is no range")
    if country.upper() in _NO_COUNTRY:
        return first.version, None
    code = country_of(country.casefold()) if len(country) == 2 and is_code(country.casefold()) else None
    if code is None:
        raise ValueError(f"`{country}` is no ISO 3166-1 code of two letters")
    return first.version, (int(first), int(last), code)


def _address(cell: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(int(cell) if cell.isascii() and cell.isdigit() else cell)
