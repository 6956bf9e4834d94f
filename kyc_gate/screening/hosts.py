"""Host names in web and mail addresses, and those that say nothing of who uses them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SHARED = """
gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com aol.com icloud.com me.com
mac.com proton.me protonmail.com pm.me gmx.com gmx.de gmx.net web.de mail.com zoho.com fastmail.com tutanota.com
mail.ru inbox.ru list.ru bk.ru yandex.ru yandex.com rambler.ru ukr.net qq.com foxmail.com 163.com 126.com
yeah.net sina.com sina.cn sohu.com 139.com 189.cn aliyun.com naver.com daum.net hanmail.net rediffmail.com
libero.it orange.fr free.fr laposte.net wanadoo.fr t-online.de chinamail.com tom.com 21cn.com vip.163.com
facebook.com twitter.com x.com instagram.com linkedin.com youtube.com t.me telegram.me vk.com weibo.com
github.com github.io gitlab.com blogspot.com wordpress.com wixsite.com weebly.com sites.google.com google.com
alibaba.com made-in-china.com en.made-in-china.com globalsources.com ec21.com tripod.com webs.com
godaddysites.com squarespace.com example.com example.org example.net
""".split()
"""Mail providers, and sites where anybody has a page: thousands of parties share each. Public knowledge."""

SHARED = frozenset(_SHARED)

_SHARED_SUFFIXES = (
    ".blogspot.com", ".wordpress.com", ".wixsite.com", ".weebly.com", ".github.io", ".made-in-china.com",
    ".alibaba.com", ".example", ".invalid", ".test", ".localhost",
)  # fmt: skip
"""Where anybody has a host of their own, and the names that RFC 2606 sets aside."""

_HOST = re.compile(r"(?!-)[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)+")
LONGEST = 253
"""Characters of a host name, RFC 1035."""


def host_of(text: str) -> str | None:
    """Return the host of a web or mail address or a bare host, in lower case without `www.`; None for anything else."""
    bare = text.strip().lower()[:2048]
    host = bare.rpartition("@")[2] if "@" in bare else _of_url(bare)
    host = host.rstrip(".").removeprefix("www.")
    return host if len(host) <= LONGEST and _HOST.fullmatch(host) and not host.rpartition(".")[2].isdigit() else None


def _of_url(text: str) -> str:
    try:
        return urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""


def is_shared(host: str) -> bool:
    """Return whether parties that have nothing to do with one another use the host."""
    return host in SHARED or host.endswith(_SHARED_SUFFIXES)


def hosts_above(host: str) -> list[str]:
    """Return the host and each domain that it belongs to, down to two labels."""
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]
