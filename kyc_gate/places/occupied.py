"""Regions that one state holds and others count to another: no country can be said for them, so a person looks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from kyc_gate.places.place_key import place_key

REGIONS: Mapping[str, tuple[str, ...]] = {
    "Crimea": (
        "Crimea", "Krimea", "Krim", "Krym", "Crimée", "Crimean Peninsula", "Crimea (occupied)", "Region: Crimea",
        "Republic of Crimea", "Autonomous Republic of Crimea", "Crimea Region", "Crimea region of Ukraine",
        "Крым", "Крим", "Республика Крым", "Автономна Республіка Крим", "Qırım", "Qirim", "克里米亚", "クリミア", "크림",
        "القرم", "Sevastopol", "Sebastopol", "Севастополь", "Simferopol", "Симферополь", "Сімферополь",
        "Yalta", "Ялта", "Kerch", "Керчь", "Керч", "Feodosia", "Feodosiya", "Yevpatoria", "Evpatoria", "Yevpatoriya",
        "Dzhankoi", "Dzhankoy", "Alushta", "Sudak", "Bakhchysarai", "Bakhchisaray",
    ),
    "Donetsk": (
        "Donetsk", "Donets'k", "Донецк", "Донецьк", "Donetsk Oblast", "Donetsk Region", "Donetsk People's Republic",
        "DNR", "DPR", "Донецкая Народная Республика", "ДНР", "Донецкая область", "Донецька область", "Donbas", "Donbass",
        "Донбасс", "Донбас", "Makiivka", "Makeyevka", "Makeevka", "Макеевка", "Макіївка", "Horlivka", "Gorlovka",
        "Горловка", "Горлівка", "Mariupol", "Мариуполь", "Маріуполь", "Yenakiieve", "Enakievo", "Енакиево",
    ),
    "Luhansk": (
        "Luhansk", "Lugansk", "Luhans'k", "Луганск", "Луганськ", "Luhansk Oblast", "Luhansk Region", "Lugansk Region",
        "Luhansk People's Republic", "Lugansk People's Republic", "LNR", "LPR", "Луганская Народная Республика", "ЛНР",
        "Луганская область", "Луганська область", "Alchevsk", "Алчевск", "Алчевськ", "Stakhanov", "Krasnodon",
    ),
    "Northern Cyprus": (
        "Northern Cyprus", "North Cyprus", "Turkish Republic of Northern Cyprus", "Turkish Republic of North Cyprus",
        "TRNC", "T.R.N.C.", "KKTC", "K.K.T.C.", "Kuzey Kıbrıs", "Kuzey Kıbrıs Türk Cumhuriyeti", "Nordzypern",
        "Chypre du Nord", "Северный Кипр", "Βόρεια Κύπρος", "Kyrenia", "Girne", "Famagusta", "Gazimağusa", "Gazimagusa",
        "Lefkoşa", "North Nicosia", "Mersin 10 Turkey", "Mersin 10", "via Mersin 10",
    ),
    "Abkhazia": (
        "Abkhazia", "Republic of Abkhazia", "Autonomous Republic of Abkhazia", "Абхазия", "Республика Абхазия",
        "აფხაზეთი", "Sukhumi", "Sokhumi", "Sukhum", "Сухум", "Сухуми", "Gagra", "Гагра",
    ),
    "South Ossetia": (
        "South Ossetia", "Republic of South Ossetia", "South Ossetia-Alania", "Tskhinvali", "Tskhinval", "Цхинвал",
        "Цхинвали", "Южная Осетия", "Tskhinvali Region",
    ),
    "Transnistria": (
        "Transnistria", "Transdniestria", "Pridnestrovie", "Pridnestrovian Moldavian Republic", "PMR", "Приднестровье",
        "Приднестровская Молдавская Республика", "Tiraspol", "Тирасполь", "Bender", "Tighina", "Бендеры",
    ),
    "Zaporizhzhia": (
        "Zaporizhzhia Oblast", "Zaporozhye Oblast", "Запорожская область", "Melitopol", "Мелитополь", "Berdiansk",
        "Berdyansk", "Бердянск", "Enerhodar", "Energodar", "Tokmak",
    ),
    "Kherson": ("Kherson Oblast", "Херсонская область", "Henichesk", "Genichesk", "Skadovsk"),
    "Nagorno-Karabakh": (
        "Nagorno-Karabakh", "Nagorno Karabakh", "Nagorny Karabakh", "Artsakh", "Republic of Artsakh", "Stepanakert",
        "Нагорный Карабах", "Արցախ", "Dağlıq Qarabağ",
    ),
    "Somaliland": ("Somaliland", "Republic of Somaliland"),
    "Golan Heights": ("Golan Heights", "Golan", "Occupied Golan"),
    "Kashmir": ("Kashmir", "Azad Kashmir", "Azad Jammu and Kashmir", "Gilgit-Baltistan", "Aksai Chin"),
}  # fmt: skip
"""Each region with its names, and with the towns that everybody knows it by. What a policy does about one is for the
policy: the regions of Ukraine are under sanctions of the United States as regions, the others are matters of fact."""

BY_CODE: Mapping[str, str] = {
    "UA-43": "Crimea",
    "UA-40": "Crimea",
    "UA-14": "Donetsk",
    "UA-09": "Luhansk",
    "GE-AB": "Abkhazia",
    "MD-SN": "Transnistria",
}
"""ISO 3166-2 codes of such regions, for their smaller towns."""


@cache
def _by_name() -> Mapping[str, str]:
    return {place_key(name) or "": region for region, names in REGIONS.items() for name in names}


def occupied_region(key: str) -> str | None:
    """Return the occupied region that a place's key names, or None."""
    return _by_name().get(key)
