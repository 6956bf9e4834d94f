"""The labelled facts of a listed party (`Tax ID No. 7744001497`, `Website vtb.com`), each to where it belongs."""

from __future__ import annotations

import re

from kyc_gate.lists.countries import country as country_code
from kyc_gate.lists.draft import Draft, tidy
from kyc_gate.model.listing import Identifier

_KINDS = (
    ("lei", r"legal entity (?:number|identifier)|\blei\b"),
    ("bic", r"swift|\bbic\b"),
    ("imo", r"\bimo\b|vessel registration"),
    ("mmsi", r"\bmmsi\b"),
    ("crypto", r"digital currency|crypto|wallet"),
    ("duns", r"d-?u-?n-?s"),
    ("isin", r"\bisin\b"),
    ("wikidata", r"wikidata"),
    ("ticker", r"equity ticker|micex|ticker"),
    ("passport", r"passport|pasaporte|passeport|travel document"),
    (
        "tax",
        r"\btax|fiscal|v\.?a\.?t\.?\b|\binn\b|\bnit\b|\bruc\b|r\.?f\.?c\b|c\.u\.i\.t|\bfein\b|\brif\b|\bnuit\b|\brtn\b|c\.i\.f|n\.i\.f",
    ),
    (
        "national-id",
        r"national id|identity|cedula|\bssn\b|tazkira|c\.u\.r\.p|d\.n\.i|n\.i\.e|personal id|citizen|nationalid|id card"
        r"|national foreign|\bcnp\b|turkish identification|uae identification|credencial|numero de identidad|idnumber",
    ),
    (
        "registration",
        r"registration|registry|register|company (?:no|number)|\bc\.r\.|commercial|credit code|\buscc?c?\b|\bogrn\b|enterprise number"
        r"|business|matricula|folio mercantil|chamber|trade license|incorporation|government gazette|organi[sz]ation code"
        r"|identification number|le number|uk company|economic register|regnumber|\bokpo\b|branch unit|\bkpp\b",
    ),
)
_KIND = [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS]

_NOT_IDENTIFIERS = re.compile(
    r"gender|sanctions|transactions prohibited|executive order|determination|directive|information|organization (?:established|type)"
    r"|target type|listing date|effective date|year of build|divestment|vessel type|tonnage|vessel flag|vessel owner|aircraft model"
    r"|manufacture date|aircraft operator|for more|un/locode|call sign",
    re.IGNORECASE,
)
_IMO = re.compile(r"\bIMO\s*:?\s*(\d{7})\b")
_URL = re.compile(r"https?://\S+|www\.\S+|\S+\.[a-z]{2,4}$", re.IGNORECASE)
_REACH = re.compile(r"website|e-?mail|phone|\bfax", re.IGNORECASE)


def identifier_kind(label: str) -> str:
    """Return which of `IDENTIFIER_KINDS` a publisher's words name, or those words."""
    return next((kind for kind, words in _KIND if words.search(label)), tidy(label).rstrip(" .:-"))


def is_label(text: str) -> bool:
    """Return whether a text reads as the label of a fact and not as its value."""
    if "@" in text or _URL.match(text) or sum(map(str.isdigit, text)) > 5:
        return False
    return bool(_REACH.search(text) or _NOT_IDENTIFIERS.search(text) or any(words.search(text) for _, words in _KIND))


def add_fact(draft: Draft, label: str, value: str, place: str = "") -> None:
    """Add a labelled fact to the draft: an identifier, an address of the network, a country, or words for a reviewer."""
    value, folded = tidy(value).strip(" ;,"), label.casefold()
    if not value:
        return
    if "website" in folded or folded in {"url", "web"}:
        draft.websites.append(value)
    elif "email" in folded or "e-mail" in folded:
        draft.emails.append(value)
    elif "phone" in folded or folded.startswith(("tel", "fax")):
        draft.phones.append(value)
    elif "nationality of registration" in folded or folded == "registration country":
        draft.countries.append(value)
    elif _NOT_IDENTIFIERS.search(label):
        draft.remarks.append(f"{tidy(label)} {value};")
    else:
        draft.identifiers.append(identifier(label, value, place))


def identifier(label: str, value: str, place: str = "") -> Identifier:
    """Return the identifier, its kind comparable across lists where the label or the value names one."""
    kind, bare = identifier_kind(label), tidy(value)
    if found := _IMO.search(bare):
        return Identifier(kind="imo", value=found[1])
    if kind == "imo" and (found := re.fullmatch(r"\D*(\d{7})", bare)):
        return Identifier(kind="imo", value=found[1])
    if kind == "imo":  # a ship may have another registration
        kind = "registration"
    if kind == "crypto":  # the currency may stand before the address; the address alone is what is compared
        return Identifier(kind=kind, value=bare.rsplit(" ", 1)[-1])
    return Identifier(kind=kind, value=bare, country=country_code(place))
