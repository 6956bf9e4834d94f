"""A country as the gate writes it."""

from __future__ import annotations

from typing import NewType

CountryCode = NewType("CountryCode", str)
"""An ISO 3166-1 alpha-2 code that came out of `places`: holding one proves that it was checked."""
