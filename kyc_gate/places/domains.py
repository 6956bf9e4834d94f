"""Names of the net: whose they are, and what country their ending says. Nothing is looked up."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from kyc_gate.places.countries import country_of, is_code

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_GENERIC_ENDINGS = frozenset(
    "ac ad ag ai am as bz cc cd co dj fm gg gl io la li ly me ms mu nu pw sc sh st su tk to tv vc vu ws".split()
)
"""Country endings that are sold to everybody as words: they say nothing about a country."""

_FREE_MAIL = frozenset(
    "gmail.com googlemail.com outlook.com outlook.de outlook.fr hotmail.com hotmail.co.uk hotmail.fr live.com "
    "msn.com yahoo.com yahoo.co.uk yahoo.co.jp yahoo.co.in yahoo.fr yahoo.de yahoo.com.br ymail.com rocketmail.com "
    "aol.com icloud.com me.com mac.com proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de "
    "tuta.io tuta.com gmx.de gmx.net gmx.com gmx.at gmx.ch web.de t-online.de freenet.de mail.de posteo.de "
    "mailbox.org orange.fr free.fr laposte.net wanadoo.fr sfr.fr libero.it virgilio.it tiscali.it alice.it wp.pl "
    "o2.pl onet.pl interia.pl seznam.cz centrum.cz email.cz azet.sk abv.bg mail.bg ukr.net i.ua meta.ua mail.ru "
    "bk.ru list.ru inbox.ru internet.ru yandex.ru yandex.com ya.ru yandex.by yandex.kz rambler.ru lenta.ru qq.com "
    "foxmail.com vip.qq.com 163.com 126.com yeah.net 188.com sina.com sina.cn sohu.com aliyun.com tom.com 139.com "
    "189.cn 21cn.com 263.net naver.com daum.net hanmail.net nate.com kakao.com rediffmail.com sify.com zoho.com "
    "zohomail.com fastmail.com fastmail.fm hey.com hushmail.com mail.com email.com usa.com inbox.com inbox.lv "
    "walla.co.il walla.com uol.com.br bol.com.br terra.com.br ig.com.br bigpond.com optusnet.com.au sympatico.ca "
    "rogers.com shaw.ca btinternet.com ntlworld.com sky.com comcast.net verizon.net att.net sbcglobal.net "
    "bellsouth.net cox.net charter.net earthlink.net juno.com chmail.ir mailinator.com guerrillamail.com "
    "10minutemail.com yopmail.com temp-mail.org trashmail.com sharklasers.com dispostable.com maildrop.cc "
    "getnada.com cock.li disroot.org riseup.net simplelogin.com duck.com".split()
)
"""Providers that give an address to anybody. Kept by hand; no list is complete, so that False says little."""

_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]*@)?([^:/?#\s]+)", re.IGNORECASE)


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=4096)
def registered_domain(name: str | None) -> str | None:
    """Return the domain that somebody registered, of a host, a URL or an e-mail address; None where there is none.

    `https://www.shop.example.co.uk/x` and `sales@example.co.uk` are both `example.co.uk`.
    """
    if not name or len(name) > 320:
        return None
    found = _HOST.match(name.strip().rpartition("@")[2] if "@" in name and "://" not in name else name.strip())
    if not found or "." not in found.group(1):
        return None
    try:
        host = found.group(1).rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    owned = _suffixes().privatesuffix(host)
    return owned if isinstance(owned, str) else None


def country_of_domain(name: str | None) -> str | None:
    """Return the country of a domain's last label, or None for one that says nothing: `.com`, `.io`, `.eu`."""
    owned = registered_domain(name)
    if owned is None:
        return None
    ending = owned.rpartition(".")[2]
    if len(ending) != 2 or ending in _GENERIC_ENDINGS or ending == "eu" or not is_code(ending):
        return None
    return country_of(ending)


def is_free_mail(address: str | None) -> bool | None:
    """Return whether an e-mail address is one that anybody can have, or None where there is no address."""
    if not address or "@" not in address:
        return None
    host = address.strip().rpartition("@")[2].lower().rstrip(".")
    return host in _FREE_MAIL or registered_domain(address) in _FREE_MAIL
