"""parse_country."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.places.countries import parse_country
from kyc_gate.places.headquarters import resolve_headquarters
from kyc_gate.places.official_names import OFFICIAL_NAMES

UNKNOWN = (
    "", "   ", "-", "N/A", "n/a", "none", "null", "ZZ", "XX", "EU", "Asia", "SPA", "CHI", "YU", "DD", "Earth",
    "Remote", "Korea",
    "Congo", "Kongo", "Конго", "Georgia", "State of Georgia", "Virgin Islands", "Crimea", "Taiwan, China",
    "Northern Cyprus",
    "Donetsk People's Republic", "USSR", "International Waters", "Norwy", "Germany and France",
)  # fmt: skip

KNOWN = {
    "NO": ("NO", "no", "NOR", "Norway", "NORWAY ", "Norge", "ＮＯ", "Nor\u200bway", "Kingdom of Norway"),
    "US": ("USA", "U.S.A.", "U. S. A.", "United States", "the United States of America", "Stati Uniti", "US"),
    "GB": ("UK", "U.K.", "Great Britain", "England", "Scotland", "Wales", "Northern Ireland", "GBR"),
    "KR": ("South Korea", "Korea, South", "Korea, Republic of", "Republic of Korea", "ROK", "대한민국"),
    "KP": ("North Korea", "DPRK", "Korea, Democratic People's Republic of", "조선민주주의인민공화국"),
    "CD": ("DRC", "Democratic Republic of the Congo", "Congo, The Democratic Republic of the", "Congo (Kinshasa)"),
    "CG": ("Republic of the Congo", "Congo-Brazzaville", "CG"),
    "CN": ("China", "PRC", "P.R. China", "People's Republic of China", "the People’s Republic of China", "中国"),
    "TW": ("Taiwan", "Taiwan, Province of China", "Republic of China", "R.O.C.", "臺灣"),
    "HK": ("Hong Kong", "Hongkong", "Hong Kong SAR", "Hong Kong SAR, China", "香港"),
    "MO": ("Macau", "Macao", "Macau SAR, China", "澳門"),
    "TR": ("Turkey", "Türkiye", "Turkiye"),
    "CZ": ("Czechia", "Czech Republic"),
    "CI": ("Ivory Coast", "Côte d'Ivoire", "Cote d’Ivoire"),
    "VN": ("Vietnam", "Viet Nam"),
    "LA": ("Laos", "Lao PDR"),
    "IR": ("Iran", "Islamic Republic of Iran", "Iran, Islamic Republic of"),
    "SY": ("Syria", "Syrian Arab Republic"),
    "RU": ("Russia", "Russian Federation", "Россия"),
    "NL": ("Holland", "The Netherlands", "Netherlands (the)"),
    "AE": ("UAE", "U.A.E.", "United Arab Emirates"),
    "MM": ("Burma", "Myanmar"),
    "SZ": ("Swaziland", "Eswatini"),
    "BO": ("Bolivia", "Bolivia, Plurinational State of"),
    "GE": ("Republic of Georgia", "GE", "GEO"),
    "NE": ("Niger",),
    "NG": ("Nigeria",),
    "GN": ("Guinea",),
    "NA": ("NA", "Namibia"),
    "BS": ("The Bahamas", "Bahamas, The"),
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_no_country_or_more_than_one_is_unknown(text: str) -> None:
    """A blank, a placeholder, a withdrawn code and an ambiguous name are unknown, never the nearest country."""
    assert parse_country(text) is None


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in KNOWN.items() for text in texts])
def test_common_spellings_name_their_country(code: str, text: str) -> None:
    """Codes, official names, native names and everyday names give the country's alpha-2 code."""
    assert parse_country(text) == code


@pytest.mark.parametrize("text", ["Nоrway", "СН", "Gеrmany", "USА"], ids=["o", "ch", "e", "a"])
def test_letters_of_another_script_make_a_country_unknown(text: str) -> None:
    """A Cyrillic letter that looks Latin is an imitation, not a spelling."""
    assert parse_country(text) is None


@pytest.mark.parametrize("text", ["Norway" * 10_000, "a" + "\u0301" * 20_000, "\ufdfa" * 400, "\ud800", "\x00"])
def test_hostile_text_is_unknown_and_quick(text: str) -> None:
    """Long runs of marks, expanding ligatures and lone surrogates are unknown."""
    assert parse_country(text) is None


@given(st.text(max_size=80))
def test_any_text_has_an_answer(text: str) -> None:
    """No text raises, and what comes back is two capital letters."""
    code = parse_country(text)
    assert code is None or (len(code) == 2 and code.isupper())


def test_silence_is_unknown() -> None:
    """A missing country is unknown."""
    assert parse_country(None) is None


def test_states_are_known_by_what_they_call_themselves() -> None:
    """The full name of a state in its own language is that state, and no town abroad that was named after it."""
    for code, names in OFFICIAL_NAMES.items():
        for name in names:
            assert resolve_headquarters(name).country == code, name
    assert resolve_headquarters("دمشق\nالجمهورية العربية السورية").country == "SY"
    assert resolve_headquarters("فلسطين").country == "PS"
