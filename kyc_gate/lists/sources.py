"""The short codes of published lists."""

from __future__ import annotations

import re

_BRACKETED = re.compile(r"\(([^()]+)\)")

CODES = frozenset(("SDN", "EL", "DPL", "MEU", "UVL", "DTC", "ISN", "SSI", "PLC", "CAP", "CMIC", "MBS", "FSE"))
"""The thirteen part files of the Consolidated Screening List."""

_SPELLINGS = {
    "NS-MBS LIST": "MBS", "NS-MBS": "MBS", "NS-CMIC": "CMIC", "CCMC": "CMIC", "CAPTA": "CAP", "NS-PLC": "PLC", "13599": "SDN",
}  # fmt: skip
_WORDS = (
    ("specially designated", "SDN"), ("entity list", "EL"), ("denied persons", "DPL"), ("military end user", "MEU"),
    ("unverified", "UVL"), ("debarred", "DTC"), ("nonproliferation", "ISN"), ("sectoral", "SSI"), ("palestinian", "PLC"),
    ("capta", "CAP"), ("correspondent", "CAP"), ("military-industrial", "CMIC"), ("menu-based", "MBS"), ("evaders", "FSE"),
)  # fmt: skip


def list_code(source: str) -> str | None:
    """Return the code of the list that trade.gov's `source` names (`Entity List (EL) - Bureau of ...` is EL), or None."""
    for inside in _BRACKETED.findall(source):
        code = inside.strip().upper()
        code = _SPELLINGS.get(code, code)
        if code in CODES:
            return str(code)
    folded = source.casefold()
    return next((code for words, code in _WORDS if words in folded), None)
