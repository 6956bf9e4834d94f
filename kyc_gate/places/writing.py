"""Which countries write in which script, as far as it tells whose town a name means."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_COUNTRIES: Mapping[str, str] = {
    "CJK": "CN HK JP MO SG TW", "HIRAGANA": "JP", "KATAKANA": "JP", "HANGUL": "KP KR", "HEBREW": "IL", "THAI": "TH",
    "CYRILLIC": "BA BG BY KG KZ ME MK MN RS RU TJ UA UZ", "DEVANAGARI": "IN NP", "BENGALI": "BD IN", "GREEK": "CY GR",
    "ARABIC": "AE AF BH DZ EG EH ER IL IQ IR JO KM KW LB LY MA MR OM PK PS QA SA SD SO SY TD TN YE",
    "GEORGIAN": "GE", "ARMENIAN": "AM", "ETHIOPIC": "ER ET", "TAMIL": "IN LK MY SG", "TELUGU": "IN", "KANNADA": "IN",
    "MALAYALAM": "IN", "GUJARATI": "IN", "GURMUKHI": "IN", "ORIYA": "IN", "SINHALA": "LK", "KHMER": "KH", "LAO": "LA",
    "MYANMAR": "MM", "TIBETAN": "BT CN", "THAANA": "MV",
}  # fmt: skip
"""First word of a letter's Unicode name to the countries with an official language in that script (CLDR)."""

_ENGLISH = "áéíóúñāēīōūâêîôûŵŷ"
_LETTERS: Mapping[str, str] = {
    **dict.fromkeys(("AU", "GB", "IE", "NZ", "US"), _ENGLISH), "JP": "āēīōū", "KR": "ŏŭ", "TW": "üêâ",
    "CA": "àâæçéèêëîïôœùûüÿ", "FR": "àâæçéèêëîïôœùûüÿñ", "BE": "àâæçéèêëîïôœùûüÿáíóöúä", "DE": "äöüßé",
    "DK": "æøåäöüéèêóòôá", "FI": "åäöéüšžáčđŋŧ", "IT": "àèéìîòùäöüßâê", "NL": "äëïöüéèêáíóúàâôûĳ",
    "NO": "æøåäöéèêóòôüáčđŋšŧž", "SE": "åäöéüáàëæøèčđŋšŧž", "ES": "áéíóúñüçàèòïâêô",
}  # fmt: skip
"""Letters beside the 26 in which the languages of some countries are written, and those that their maps use in
transcriptions (CLDR exemplar characters; Hepburn, McCune-Reischauer). Other countries may write any."""

_BY_SCRIPT: Mapping[str, frozenset[str]] = {script: frozenset(codes.split()) for script, codes in _COUNTRIES.items()}


@lru_cache(maxsize=4096)
def countries_writing(text: str) -> frozenset[str] | None:
    """Return the countries that write in the script of a text's first letter; None for Latin, which everybody reads."""
    letter = next((char for char in text if char.isalpha()), "")
    if not letter or letter.isascii():
        return None
    return _BY_SCRIPT.get(unicodedata.name(letter, "").partition(" ")[0])


@lru_cache(maxsize=4096)
def is_written_in(text: str, country: str) -> bool:
    """Return whether a name in Latin letters has only letters that the country writes: `Şeki` is no town of Japan."""
    if text.isascii():
        return True
    letters = _LETTERS.get(country)
    composed = unicodedata.normalize("NFC", text).casefold()
    return letters is None or all(char.isascii() or not char.isalpha() or char in letters for char in composed)
