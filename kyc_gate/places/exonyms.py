"""What English calls subdivisions whose ISO names are in the country's own language."""

from __future__ import annotations

from collections.abc import Mapping

EXONYMS: Mapping[str, tuple[str, ...]] = {
    "AT-2": ("Carinthia",), "AT-3": ("Lower Austria",), "AT-4": ("Upper Austria",), "AT-6": ("Styria",),
    "AT-7": ("Tyrol",), "AT-9": ("Vienna",), "BE-VLG": ("Flanders", "Flemish Region"), "BE-WAL": ("Wallonia",),
    "BE-BRU": ("Brussels-Capital",), "CH-GE": ("Geneva",), "CH-FR": ("Freiburg",), "CH-ZH": ("Zurich",), "CH-BE": ("Berne",),
    "CN-NM": ("Inner Mongolia",), "CN-XZ": ("Tibet",), "CN-XJ": ("Xinjiang", "Xinjiang Uyghur Autonomous Region"),
    "CN-GX": ("Guangxi",), "CN-NX": ("Ningxia",), "CN-SN": ("Shaanxi",), "CN-GD": ("Canton Province", "Kwangtung"),
    "CN-HE": ("Hebei",), "CN-HA": ("Henan",), "CN-HI": ("Hainan",), "CN-SH": ("Shanghai Municipality",),
    "CZ-10": ("Prague",), "DE-BY": ("Bavaria",), "DE-HE": ("Hesse",), "DE-NI": ("Lower Saxony",),
    "DE-NW": ("North Rhine-Westphalia", "NRW"), "DE-RP": ("Rhineland-Palatinate",), "DE-SN": ("Saxony",),
    "DE-ST": ("Saxony-Anhalt",), "DE-TH": ("Thuringia",), "DE-MV": ("Mecklenburg-Western Pomerania",),
    "DK-84": ("Capital Region of Denmark",), "ES-AN": ("Andalusia",), "ES-CT": ("Catalonia",),
    "ES-PV": ("Basque Country",), "ES-VC": ("Valencian Community",), "ES-AR": ("Aragon",), "ES-CL": ("Castile and León",),
    "ES-CN": ("Canary Islands",), "PT-20": ("Azores",), "PT-30": ("Madeira",), "ES-IB": ("Balearic Islands",),
    "ES-CM": ("Castilla-La Mancha",), "ES-NC": ("Navarre",), "FI-18": ("Uusimaa",), "FR-BRE": ("Brittany",),
    "FR-NOR": ("Normandy",), "FR-20R": ("Corsica",), "GR-I": ("Attica",), "IR-23": ("Tehran Province",),
    "IT-25": ("Lombardy",), "IT-52": ("Tuscany",), "IT-82": ("Sicily",), "IT-21": ("Piedmont",), "IT-62": ("Latium",),
    "IT-88": ("Sardinia",), "IT-75": ("Apulia",), "JP-13": ("Tokyo Metropolis", "Tokyo-to"), "KP-01": ("Pyongyang",),
    "KR-41": ("Gyeonggi", "Kyonggi"), "KR-11": ("Seoul Special City",),
    "LB-JL": ("Mount Lebanon",), "LB-AS": ("North Lebanon",), "LB-JA": ("South Lebanon",), "LB-BI": ("Bekaa",),
    "MX-CMX": ("D.F.", "Distrito Federal"), "CA-QC": ("P.Q.",), "VE-A": ("Caracas Capital District",),
    "NL-NH": ("North Holland",),
    "NL-ZH": ("South Holland",), "NL-NB": ("North Brabant",), "PT-11": ("Lisbon",),
    "RU-MOS": ("Moscow Oblast", "Moscow Region"), "RU-SPE": ("Saint Petersburg", "St. Petersburg"),
    "RU-PRI": ("Primorsky Krai", "Primorye", "Primorski Krai", "Primorski Region"), "RU-TA": ("Tatarstan",),
    "RU-BA": ("Bashkortostan",), "RU-CE": ("Chechnya",), "RU-SE": ("North Ossetia",), "RU-KL": ("Kalmykia",),
    "RU-NIZ": ("Nizhny Novgorod Region",), "RU-SVE": ("Sverdlovsk Region",), "RU-NVS": ("Novosibirsk Region",),
    "RU-LEN": ("Leningrad Region", "Leningrad Oblast"), "RU-KDA": ("Krasnodar Krai", "Krasnodar Region"),
    "SE-AB": ("Stockholm County",), "SE-M": ("Scania",), "TR-34": ("Istanbul Province",), "TW-NWT": ("New Taipei City",),
    "UA-30": ("Kyiv", "Kiev"), "UA-63": ("Kharkov Oblast", "Kharkiv Oblast"),
}  # fmt: skip
"""ISO 3166-2 code to names. The table of places is baked with them."""
