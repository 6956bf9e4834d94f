"""What the people and companies of a country are called: `Norwegian`, `a French company`."""

from __future__ import annotations

from collections.abc import Mapping

# fmt: off
DEMONYMS: Mapping[str, tuple[str, ...]] = {
    "AE": ("Emirati", "Emirian"), "AF": ("Afghan",), "AL": ("Albanian",), "AM": ("Armenian",), "AO": ("Angolan",),
    "AR": ("Argentine", "Argentinian", "Argentinean"), "AT": ("Austrian",), "AU": ("Australian", "Aussie"),
    "AZ": ("Azerbaijani", "Azeri"), "BA": ("Bosnian",), "BB": ("Barbadian",), "BD": ("Bangladeshi",),
    "BE": ("Belgian",), "BF": ("Burkinabe",), "BG": ("Bulgarian",), "BH": ("Bahraini",), "BI": ("Burundian",),
    "BJ": ("Beninese",), "BM": ("Bermudian",), "BN": ("Bruneian",), "BO": ("Bolivian",), "BR": ("Brazilian",),
    "BS": ("Bahamian",), "BT": ("Bhutanese",), "BW": ("Botswanan", "Motswana"), "BY": ("Belarusian", "Byelorussian"),
    "BZ": ("Belizean",), "CA": ("Canadian",), "CH": ("Swiss",), "CI": ("Ivorian",), "CL": ("Chilean",),
    "CM": ("Cameroonian",), "CN": ("Chinese",), "CO": ("Colombian",), "CR": ("Costa Rican",), "CU": ("Cuban",),
    "CV": ("Cape Verdean",), "CY": ("Cypriot",), "CZ": ("Czech",), "DE": ("German",), "DJ": ("Djiboutian",),
    "DK": ("Danish",), "DZ": ("Algerian",), "EC": ("Ecuadorian", "Ecuadorean"), "EE": ("Estonian",),
    "EG": ("Egyptian",), "ER": ("Eritrean",), "ES": ("Spanish",), "ET": ("Ethiopian",), "FI": ("Finnish",),
    "FJ": ("Fijian",), "FO": ("Faroese",), "FR": ("French",), "GA": ("Gabonese",), "GB": ("British", "English", "Scottish", "Welsh"),
    "GH": ("Ghanaian",), "GL": ("Greenlandic",), "GM": ("Gambian",), "GR": ("Greek",), "GT": ("Guatemalan",),
    "GY": ("Guyanese",), "HK": ("Hong Konger",), "HN": ("Honduran",), "HR": ("Croatian",), "HT": ("Haitian",),
    "HU": ("Hungarian",), "ID": ("Indonesian",), "IE": ("Irish",), "IL": ("Israeli",), "IN": ("Indian",),
    "IQ": ("Iraqi",), "IR": ("Iranian", "Persian"), "IS": ("Icelandic",), "IT": ("Italian",), "JM": ("Jamaican",),
    "JO": ("Jordanian",), "JP": ("Japanese",), "KE": ("Kenyan",), "KG": ("Kyrgyz",), "KH": ("Cambodian",),
    "KP": ("North Korean",), "KR": ("South Korean",), "KW": ("Kuwaiti",), "KZ": ("Kazakh", "Kazakhstani"),
    "LA": ("Laotian",), "LB": ("Lebanese",), "LI": ("Liechtensteiner",), "LK": ("Sri Lankan",), "LR": ("Liberian",),
    "LS": ("Basotho",), "LT": ("Lithuanian",), "LU": ("Luxembourgish",), "LV": ("Latvian",), "LY": ("Libyan",),
    "MA": ("Moroccan",), "MC": ("Monegasque",), "MD": ("Moldovan",), "ME": ("Montenegrin",), "MG": ("Malagasy",),
    "MK": ("Macedonian",), "ML": ("Malian",), "MM": ("Burmese",), "MN": ("Mongolian",), "MO": ("Macanese",),
    "MR": ("Mauritanian",), "MT": ("Maltese",), "MU": ("Mauritian",), "MV": ("Maldivian",), "MW": ("Malawian",),
    "MX": ("Mexican",), "MY": ("Malaysian",), "MZ": ("Mozambican",), "NA": ("Namibian",), "NE": ("Nigerien",),
    "NG": ("Nigerian",), "NI": ("Nicaraguan",), "NL": ("Dutch",), "NO": ("Norwegian",), "NP": ("Nepalese", "Nepali"),
    "NZ": ("New Zealander",), "OM": ("Omani",), "PA": ("Panamanian",), "PE": ("Peruvian",), "PH": ("Filipino", "Philippine"),
    "PK": ("Pakistani",), "PL": ("Polish",), "PS": ("Palestinian",), "PT": ("Portuguese",), "PY": ("Paraguayan",),
    "QA": ("Qatari",), "RO": ("Romanian",), "RS": ("Serbian",), "RU": ("Russian",), "RW": ("Rwandan",),
    "SA": ("Saudi", "Saudi Arabian"), "SC": ("Seychellois",), "SD": ("Sudanese",), "SE": ("Swedish",),
    "SG": ("Singaporean",), "SI": ("Slovenian", "Slovene"), "SK": ("Slovak", "Slovakian"), "SL": ("Sierra Leonean",),
    "SN": ("Senegalese",), "SO": ("Somali",), "SR": ("Surinamese",), "SS": ("South Sudanese",), "SV": ("Salvadoran",),
    "SY": ("Syrian",), "TD": ("Chadian",), "TG": ("Togolese",), "TH": ("Thai",), "TJ": ("Tajik", "Tajikistani"),
    "TM": ("Turkmen",), "TN": ("Tunisian",), "TR": ("Turkish",), "TT": ("Trinidadian",), "TW": ("Taiwanese",),
    "TZ": ("Tanzanian",), "UA": ("Ukrainian",), "UG": ("Ugandan",), "UY": ("Uruguayan",), "UZ": ("Uzbek", "Uzbekistani"),
    "VE": ("Venezuelan",), "VN": ("Vietnamese",), "XK": ("Kosovar", "Kosovan"), "YE": ("Yemeni",),
    "ZA": ("South African",), "ZM": ("Zambian",), "ZW": ("Zimbabwean",),
}
# fmt: on
"""Alpha-2 code to demonyms in English. Left out as meaning more than one country, or none: American, Congolese,
Dominican, Georgian, Guinean, Korean, Micronesian, Samoan, Virgin Islander."""

_BY_NAME: Mapping[str, str] = {name.casefold(): code for code, names in DEMONYMS.items() for name in names}

_NOUNS = (
    "company",
    "corporation",
    "firm",
    "enterprise",
    "business",
    "entity",
    "organisation",
    "organization",
    "startup",
)


def country_of_demonym(key: str) -> str | None:
    """Return the country of a folded demonym, alone or before a noun such as `company`, or None."""
    words = key.split()
    if words and words[0] in {"a", "an", "the"}:
        words = words[1:]
    if len(words) > 1 and words[-1] in _NOUNS:
        words = words[:-1]
    return _BY_NAME.get(" ".join(words))
