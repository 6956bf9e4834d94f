"""Numbers of company registers and tax offices: the one country whose form and check digits a number has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module

_FORMS: Mapping[str, tuple[str, str]] = {
    r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}": ("CN", "stdnum.cn.uscc"),
    r"\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]": ("IN", "stdnum.in_.gstin"),
    r"(?:OGRN)?[15]\d{12}": ("RU", "stdnum.ru.ogrn"),
    r"CHE\d{9}(?:MWST|TVA|IVA)?": ("CH", "stdnum.ch.uid"),
    r"ABN\d{11}": ("AU", "stdnum.au.abn"),
    r"SIREN\d{9}": ("FR", "stdnum.fr.siren"),
    r"SIRET\d{14}": ("FR", "stdnum.fr.siret"),
    r"CNPJ\d{14}": ("BR", "stdnum.br.cnpj"),
    r"BUSINESS\d{10}": ("KR", "stdnum.kr.brn"),
    r"\d{8,9}[A-Z]|[TSR]\d{2}[A-Z]{2}\d{4}[A-Z]": ("SG", "stdnum.sg.uen"),
}
"""Forms that no other country uses, with the module of python-stdnum that checks them. Where a number is bare digits
in many countries, it counts only after the register's name."""

_VAT = re.compile(
    r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|XI)[0-9A-Z]{7,13}"
)

_VAT_MODULES = {"EL": "gr", "XI": "gb", "IS": "is_", "NO": "no"}


@lru_cache(maxsize=4096)
def country_of_register_number(text: str | None) -> str | None:
    """Return the country whose register the number is of, or None where its form or its check digits say none."""
    if not text or len(text) > 64:
        return None
    number = re.sub(r"[\s./:-]", "", text).upper()
    for form, (country, module) in _FORMS.items():
        if re.fullmatch(form, number):
            bare = re.sub(r"^(?:OGRN|ABN|SIREN|SIRET|CNPJ|BUSINESS)", "", number)
            return country if import_module(module).is_valid(bare) else None
    if found := _VAT.fullmatch(number):
        prefix = found.group(1)
        module = f"stdnum.{_VAT_MODULES.get(prefix, prefix.lower())}.{'mva' if prefix == 'NO' else 'vat'}"
        try:
            valid = import_module(module).is_valid(number)
        except ModuleNotFoundError:
            return None
        return {"EL": "GR", "XI": "GB"}.get(prefix, prefix) if valid else None
    return None
