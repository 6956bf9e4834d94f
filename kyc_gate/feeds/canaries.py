"""The last test before a file is used: names that must match do, and names that nobody lists do not."""

from __future__ import annotations

from collections.abc import Iterable

from kyc_gate.feeds.guards import Objection
from kyc_gate.feeds.source import Canary
from kyc_gate.model.match import ScreeningOutcome
from kyc_gate.screening.screener import Screener

CLEAN = (
    "Oatmeal and Lantern Bakery", "Fjordlys Havbruk AS", "Windmill Quilt Weavers", "Pastelaria Girassol Dourado",
    "Gänseblümchen Gartenbau", "Koala Saddle and Boot Makers", "Les Confitures du Vieux Moulin",
    "Tulpenpracht Bloembollen", "Maple Puddle Kindergarten", "Pottery Barnacle Studio",
)  # fmt: skip
"""Invented names of ten quiet trades. One that matches means that an entry matches everybody."""


def canary_objections(screener: Screener, canaries: Iterable[Canary]) -> tuple[Objection, ...]:
    """Return what is wrong with the answers to the canaries and to the clean names."""
    silent = [canary for canary in canaries if not _sings(screener, canary)]
    found = [
        Objection(code="canary", says=f"`{canary.name}` must match{f' on {canary.list}' if canary.list else ''}")
        for canary in silent
    ]
    loud = [name for name in CLEAN if screener.screen([name]).outcome is ScreeningOutcome.MATCH]
    found += [Objection(code="canary", says=f"`{name}` is a made-up name, and matches") for name in loud]
    return tuple(found)


def _sings(screener: Screener, canary: Canary) -> bool:
    found = screener.screen([canary.name])
    return any(match.score >= screener.match and canary.list in ("", match.list) for match in found.matches)
