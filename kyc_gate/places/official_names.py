"""What states call themselves in full, in their own languages: CLDR and ISO 3166 have the short names."""

from __future__ import annotations

from collections.abc import Mapping

OFFICIAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "AE": ("دولة الإمارات العربية المتحدة", "دولة الإمارات"),
    "AF": ("امارت اسلامی افغانستان", "جمهوری اسلامی افغانستان", "د افغانستان اسلامي امارت"),
    "AL": ("Republika e Shqipërisë",), "AM": ("Հայաստանի Հանրապետություն",), "AR": ("República Argentina",),
    "AT": ("Republik Österreich",), "AZ": ("Azərbaycan Respublikası",),
    "BD": ("গণপ্রজাতন্ত্রী বাংলাদেশ",), "BE": ("Koninkrijk België", "Royaume de Belgique", "Königreich Belgien"),
    "BG": ("Република България",), "BH": ("مملكة البحرين",), "BO": ("Estado Plurinacional de Bolivia",),
    "BR": ("República Federativa do Brasil",), "BY": ("Республика Беларусь", "Рэспубліка Беларусь"),
    "CH": ("Schweizerische Eidgenossenschaft", "Confédération suisse", "Confederazione Svizzera"),
    "CL": ("República de Chile",), "CN": ("中华人民共和国", "中華人民共和國"), "CO": ("República de Colombia",),
    "CR": ("República de Costa Rica",), "CU": ("República de Cuba",), "CY": ("Κυπριακή Δημοκρατία",),
    "CZ": ("Česká republika",), "DE": ("Bundesrepublik Deutschland",), "DK": ("Kongeriget Danmark",),
    "DO": ("República Dominicana",), "DZ": ("الجمهورية الجزائرية الديمقراطية الشعبية", "الجمهورية الجزائرية"),
    "EC": ("República del Ecuador",), "EE": ("Eesti Vabariik",), "EG": ("جمهورية مصر العربية",),
    "ES": ("Reino de España",), "FI": ("Suomen tasavalta", "Republiken Finland"), "FR": ("République française",),
    "GR": ("Ελληνική Δημοκρατία",), "GT": ("República de Guatemala",), "HN": ("República de Honduras",),
    "HR": ("Republika Hrvatska",), "ID": ("Republik Indonesia",), "IL": ("מדינת ישראל",), "IN": ("भारत गणराज्य",),
    "IQ": ("جمهورية العراق",), "IR": ("جمهوری اسلامی ایران", "جمهورية إيران الإسلامية"), "IS": ("Lýðveldið Ísland",),
    "IT": ("Repubblica Italiana",), "JO": ("المملكة الأردنية الهاشمية",), "JP": ("日本国", "日本國"),
    "KG": ("Кыргыз Республикасы", "Кыргызская Республика"), "KP": ("조선민주주의인민공화국",), "KR": ("대한민국",),
    "KW": ("دولة الكويت",), "KZ": ("Қазақстан Республикасы", "Республика Казахстан"), "LB": ("الجمهورية اللبنانية",),
    "LT": ("Lietuvos Respublika",), "LU": ("Groussherzogtum Lëtzebuerg", "Grand-Duché de Luxembourg"),
    "LV": ("Latvijas Republika",), "LY": ("دولة ليبيا",), "MA": ("المملكة المغربية", "Royaume du Maroc"),
    "MD": ("Republica Moldova",), "ME": ("Република Црна Гора",), "MK": ("Република Северна Македонија",),
    "MM": ("ပြည်ထောင်စု သမ္မတ မြန်မာနိုင်ငံတော်",), "MR": ("الجمهورية الإسلامية الموريتانية",),
    "MX": ("Estados Unidos Mexicanos",), "MY": ("Persekutuan Malaysia",), "NI": ("República de Nicaragua",),
    "NL": ("Koninkrijk der Nederlanden",), "NO": ("Kongeriket Norge", "Kongeriket Noreg"), "OM": ("سلطنة عمان",),
    "PA": ("República de Panamá",), "PE": ("República del Perú",), "PH": ("Republika ng Pilipinas",),
    "PK": ("اسلامی جمہوریہ پاکستان",), "PL": ("Rzeczpospolita Polska",), "PS": ("دولة فلسطين", "فلسطين"),
    "PT": ("República Portuguesa",), "PY": ("República del Paraguay",), "QA": ("دولة قطر",),
    "RS": ("Република Србија", "Republika Srbija"), "RU": ("Российская Федерация",),
    "SA": ("المملكة العربية السعودية",),
    "SD": ("جمهورية السودان",), "SE": ("Konungariket Sverige",), "SI": ("Republika Slovenija",),
    "SK": ("Slovenská republika",), "SO": ("جمهورية الصومال", "Jamhuuriyadda Federaalka Soomaaliya"),
    "SV": ("República de El Salvador",), "SY": ("الجمهورية العربية السورية",), "TH": ("ราชอาณาจักรไทย",),
    "TJ": ("Ҷумҳурии Тоҷикистон", "Республика Таджикистан"), "TM": ("Türkmenistan Respublikasy",),
    "TN": ("الجمهورية التونسية",), "TR": ("Türkiye Cumhuriyeti",), "TW": ("中華民國", "中华民国"),
    "UY": ("República Oriental del Uruguay",), "UZ": ("Oʻzbekiston Respublikasi", "Республика Узбекистан"),
    "VE": ("República Bolivariana de Venezuela",), "VN": ("Cộng hòa Xã hội chủ nghĩa Việt Nam",),
    "YE": ("الجمهورية اليمنية",),
}  # fmt: skip
"""ISO 3166-1 code to names, from the states' own constitutions and the United Nations' list of official names."""
