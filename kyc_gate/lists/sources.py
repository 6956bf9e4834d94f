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


EXTRACTS = {
    "bis-entity-list": "EL", "bis-dpl": "DPL", "bis-meu": "MEU", "bis-uvl": "UVL", "ofac-nscmic": "CMIC", "ofac-eo14032": "EO14032",
    "dow-1260h": "1260H", "dod-1260h": "1260H", "dow-1286": "1286", "dod-1286": "1286", "dhs-uflpa": "UFLPA", "fcc-covered": "FCC",
    "cbp-wro": "WRO", "state-debarred-statutory": "DTC", "state-debarred-admin": "DTC", "state-nonproliferation": "ISN",
}  # fmt: skip
"""Codes of the lists that are extracted from notices, by the extract's own id; an unknown id in capitals is its code."""

NON_SDN_PROGRAMS = (
    ("NS-PLC", "PLC"), ("CMIC-EO13959", "CMIC"), ("NS-CMIC", "CMIC"), ("FSE-IR", "FSE"), ("FSE-SY", "FSE"), ("FSE-WMD", "FSE"),
    ("561-Related", "CAP"), ("561LIST", "CAP"), ("HIFPAA", "CAP"), ("UKRAINE-EO13662", "SSI"),
)  # fmt: skip
"""Treasury's programmes that put a party on a list other than the SDN list, in the order in which they decide."""


def non_sdn_code(programs: list[str]) -> str:
    """Return the list that an entry of Treasury's consolidated (non-SDN) file is on, by its programmes.

    What none of them names is on the menu-based list: its entries carry programmes of the SDN list.
    """
    return next((code for program, code in NON_SDN_PROGRAMS if program in programs), "MBS")
