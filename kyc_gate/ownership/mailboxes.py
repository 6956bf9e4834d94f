"""What an e-mail address says about who stands behind it: an organisation's own domain, or a mailbox at a provider."""

from __future__ import annotations

import re
from collections.abc import Collection

from kyc_gate.model.record import Record
from kyc_gate.places.domains import is_free_mail, registered_domain

# Providers of mailboxes to anybody, by the label before the suffix, whatever the suffix: `yahoo.co.jp`, `gmx.net`.
# Compiled from the providers' own sign-up pages and the largest consumer providers of each country, 2026-11.
_ANY_SUFFIX = frozenset(
    """
    aol arcor bk bluewin cock daum excite fastmail foxmail free freemail gmail gmx googlemail guerrillamail hanmail
    hey hotmail hushmail icloud inbox interia juno laposte libero list live lycos mac mail mailbox mailfence mailinator
    me msn naver netscape o2 onet outlook passport posteo post proton protonmail qq rambler rediff rediffmail rocketmail
    runbox seznam sina sohu startmail tempmail tiscali tom tuta tutanota tutamail ukr virgilio walla web windowslive wp
    yahoo yandex yeah ymail yopmail zoho zohomail 10minutemail 126 139 163 188 189 21cn
    """.split()  # noqa: SIM905
)

# Access providers and others whose customers share one domain.
_WHOLE = frozenset(
    """
    aliyun.com att.net bell.net bellsouth.net bigpond.com blueyonder.co.uk btinternet.com charter.net comcast.net
    cox.net dbmail.com duck.com earthlink.net email.com eircom.net freenet.de frontier.com gawab.com home.nl
    internode.on.net keemail.me kpnmail.nl lavabit.com luukku.com mindspring.com mweb.co.za myself.com nate.com
    ntlworld.com oath.com online.no optonline.net optusnet.com.au orange.fr outlook.com pm.me pobox.com planet.nl
    rogers.com sapo.pt sbcglobal.net sfr.fr shaw.ca simplelogin.com sky.com skynet.be sympatico.ca t-online.de
    talktalk.net telenet.be telia.com telus.net terra.com.br tlen.pl uol.com.br usa.com verizon.net vodafone.it
    vip.qq.com vip.163.com vip.sina.com wanadoo.fr xs4all.nl xtra.co.nz ziggo.nl bol.com.br ig.com.br abv.bg
    mail.ru bk.ru inbox.ru list.ru internet.ru ya.ru narod.ru i.ua meta.ua bigmir.net citromail.hu freemail.hu
    centrum.cz email.cz azet.sk zoznam.sk net.hr inbox.lv mail.ee hot.ee delfi.lt in.gr otenet.gr mynet.com
    """.split()  # noqa: SIM905
)

_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Mailbox(Record):
    """An address in comparison form: where it is, and at which registrable domain. `shared` domains serve anybody."""

    address: str
    domain: str
    shared: bool


def read_mailbox(text: str | None, also_shared: Collection[str] = ()) -> Mailbox | None:
    """Return the mailbox that `text` names, or None when it names none.

    What providers ignore is left out: case, a `+tag`, and dots in the name at Gmail.
    `also_shared` holds further domains that serve anybody.
    """
    local, at, after = (text or "").strip().lower().rpartition("@")
    host = _in_ascii(after.strip().rstrip("."))
    if not at or not local or host is None or not _DOMAIN.fullmatch(host):
        return None
    domain = registered_domain(host) or host
    label, _, _ = domain.partition(".")
    shared = (
        bool(is_free_mail(f"x@{host}"))
        or label in _ANY_SUFFIX
        or domain in _WHOLE
        or host in _WHOLE
        or domain in also_shared
    )
    if shared:
        local = local.partition("+")[0]
    if label in ("gmail", "googlemail"):
        local, domain = local.replace(".", ""), "gmail.com"
    return Mailbox(address=f"{local}@{domain}", domain=domain, shared=shared)


def _in_ascii(host: str) -> str | None:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
