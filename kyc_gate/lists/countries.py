"""The country fields of lists: ISO 3166-1 alpha-2 where a text names one country, the text itself where not."""

from __future__ import annotations

from functools import lru_cache

from kyc_gate.places.countries import parse_country

LONGEST_COUNTRY = 100
"""Characters; what is longer is no name of a country."""

_NOTHING = frozenset(("", "-0-", "00", "unknown", "n/a", "na", "none", "not applicable", "undetermined", "stateless"))

_PREFIX = "region: "

_PUBLISHED = {
    # In a column of countries it is the country: Treasury and BIS write American states with two letters.
    "georgia": "GE", "congo, democratic republic of the": "CD", "congo, republic of the": "CG", "man, isle of": "IM",
    "north macedonia, the republic of": "MK", "st. vincent and the grenadines": "VC", "st. kitts and nevis": "KN",
    "st. kitts & nevis": "KN", "china, hong kong special administrative region": "HK", "palestinian": "PS",
    "occupied palestinian territories": "PS", "united kingdom of great britain": "GB", "none identified": "",
}  # fmt: skip
"""Spellings of these publishers that are no name of a country elsewhere, or an ambiguous one."""

_DEMONYMS = {
    "AF": "afghan afghani", "AL": "albanian", "DZ": "algerian", "AO": "angolan", "AM": "armenian", "AZ": "azerbaijani azeri",
    "BH": "bahraini", "BD": "bangladeshi", "BY": "belarusian belarussian byelorussian", "BE": "belgian", "BA": "bosnian", "BG": "bulgarian",
    "MM": "burmese myanma", "BI": "burundian", "KH": "cambodian", "CM": "cameroonian", "CA": "canadian",
    "CF": "central_african", "TD": "chadian", "CN": "chinese", "CO": "colombian", "CI": "ivorian", "HR": "croatian croat",
    "CU": "cuban", "CY": "cypriot", "EG": "egyptian", "ER": "eritrean", "ET": "ethiopian", "FR": "french", "GE": "georgian",
    "DE": "german", "GH": "ghanaian", "GR": "greek", "GT": "guatemalan", "HT": "haitian", "HN": "honduran", "IN": "indian",
    "ID": "indonesian", "IR": "iranian", "IQ": "iraqi", "IL": "israeli", "IT": "italian", "JP": "japanese", "JO": "jordanian",
    "KZ": "kazakh kazakhstani", "KE": "kenyan", "KW": "kuwaiti", "KG": "kyrgyz kyrgyzstani", "LB": "lebanese", "LR": "liberian",
    "LY": "libyan", "MY": "malaysian", "ML": "malian", "MA": "moroccan", "MX": "mexican", "MD": "moldovan", "NI": "nicaraguan",
    "NG": "nigerian", "KP": "north_korean", "OM": "omani", "PK": "pakistani", "PS": "palestinian", "PA": "panamanian",
    "PE": "peruvian", "PH": "filipino philippine", "PL": "polish", "QA": "qatari", "RO": "romanian", "RU": "russian",
    "RW": "rwandan", "SA": "saudi saudi_arabian", "SN": "senegalese", "RS": "serbian serb", "SG": "singaporean", "SO": "somali",
    "ZA": "south_african", "SS": "south_sudanese", "ES": "spanish", "LK": "sri_lankan", "SD": "sudanese", "SE": "swedish",
    "CH": "swiss", "SY": "syrian", "TW": "taiwanese", "TJ": "tajik tajikistani", "TZ": "tanzanian", "TH": "thai",
    "TN": "tunisian", "TR": "turkish", "TM": "turkmen", "UG": "ugandan", "UA": "ukrainian", "AE": "emirati",
    "GB": "british", "US": "american", "UZ": "uzbek uzbekistani", "VE": "venezuelan", "VN": "vietnamese", "YE": "yemeni",
    "ZW": "zimbabwean", "KM": "comorian", "PY": "paraguayan", "NL": "dutch", "AT": "austrian", "AU": "australian",
}  # fmt: skip
_BY_DEMONYM = {word.replace("_", " "): code for code, words in _DEMONYMS.items() for word in words.split()}


def country(text: str) -> str:
    """Return the alpha-2 code of the one country that `text` names, else the text without surrounding blanks.

    Treasury's `Region: China` is China; its `Region: Crimea` stays as it is written. What says nothing (`-0-`, `N/A`,
    `UNKNOWN`, the European Union's `00`) is empty.
    """
    return text.strip() if len(text) > LONGEST_COUNTRY else _country(text)


@lru_cache(maxsize=1 << 14)
def _country(text: str) -> str:
    bare = text.strip()
    folded = bare.casefold()
    if folded in _NOTHING:
        return ""
    if folded in _PUBLISHED:
        return _PUBLISHED[folded]
    named = bare[len(_PREFIX) :] if folded.startswith(_PREFIX) else bare
    return parse_country(named) or bare


def nationality(text: str) -> str:
    """Return `country(text)`, or the country of whose people `text` is the name (`Syrian`)."""
    code = _BY_DEMONYM.get(text.strip().casefold())
    return code or country(text)
