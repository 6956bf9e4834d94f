"""The operator's file of the countries of IP addresses."""

from __future__ import annotations

from pathlib import Path

from kyc_gate.errors import ConfigurationError
from kyc_gate.places.ip_countries import IPCountries, parse_ip_countries


def read_ip_countries(file: Path) -> IPCountries:
    """Return the table of IP addresses in a CSV file. Raises `ConfigurationError` naming the file and the line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return parse_ip_countries(lines, f"`{file}`")
    except OSError as error:
        raise ConfigurationError(f"cannot read `{file}`: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"`{file}` is not UTF-8 at byte {error.start + 1}") from error
