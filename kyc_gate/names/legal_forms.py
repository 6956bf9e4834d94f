"""Words that say what a firm is, not which: legal forms, and the articles that stand before them."""

from __future__ import annotations

from kyc_gate.names.tables import lines_of

_ANYWHERE = """
llc ltd limited ltda inc incorporated corp corporation company gmbh mbh plc llp lllp pty pte pvt sarl sas sasu srl sprl bvba eurl
ooo oao zao pao fgup gup aozt too tov jsc ojsc pjsc cjsc zjsc ao doo dooel ad eood ood kft zrt nyrt oyj aps asa pjs psc fzco fze fzc
fzllc dmcc wll saog saoc jscb sdn bhd berhad tbk snd kabushiki kaisha gaisha yugen gongsi youxian gufen cia sapi sab
aktiengesellschaft gesellschaft aktiebolag societe anonyme anonymi etaireia
""".split()
"""Never part of a name that anybody goes by, wherever they stand."""

_AT_THE_ENDS = """
co sa ag ab as pt spa kk bv nv se oy kg kgaa ohg ug ev eg cv de lp bhd sc scs sca sl slu snc ks is sp zoo oo est intl pc pllc na
hf ehf da ans ba ta unipessoal lda asia tic san ve sti ltdsti limitada spolka akcyjna spolecnost sro spol as
""".split()
"""Short forms that may also be words of a name, and so count only at its beginning or end."""

_PHRASES = (
    "limited liability company", "limited liability partnership", "public joint stock company", "open joint stock company",
    "closed joint stock company", "joint stock company", "limited partnership", "public limited company",
    "private limited", "proprietary limited", "sociedad anonima", "s a de c v", "sa de cv", "s de r l", "sp z o o", "spol s r o",
    "company limited", "co ltd", "free zone establishment", "free zone company", "obshchestvo s ogranichennoy otvetstvennostyu",
    "aktsionernoe obshchestvo", "publichnoe aktsionernoe obshchestvo", "otkrytoe aktsionernoe obshchestvo",
    "zakrytoe aktsionernoe obshchestvo", "societe anonyme", "gesellschaft mit beschrankter haftung", "anonim sirketi",
    "limited sirketi", "youxian gongsi", "gufen youxian gongsi", "youxian zeren gongsi", "kabushiki kaisha", "d o o", "j s c",
)  # fmt: skip

ANYWHERE = frozenset(_ANYWHERE)
AT_THE_ENDS = frozenset(_AT_THE_ENDS) - {"de", "is", "asia", "san", "ve", "na", "da", "est", "as"}
AT_THE_END = frozenset({"as", "lda"})
"""Short forms that are words of a name elsewhere."""

LISTED_FORMS = frozenset(lines_of("legal_forms"))
"""The legal forms of ISO 20275 in every language, which count at the beginning or end of a name."""
_FORM_STARTS = frozenset(form.partition(" ")[0] for form in LISTED_FORMS if " " in form)
_FORM_ENDS = frozenset(form.rpartition(" ")[2] for form in LISTED_FORMS if " " in form)
"""With what the forms of several words begin and end: most names need not be held against any."""

LONGEST_PHRASE = 7
"""Words in the longest of them."""

PHRASES = tuple(sorted((tuple(phrase.split()) for phrase in _PHRASES), key=len, reverse=True))
_PHRASES_BY_START = {start: [p for p in PHRASES if p[0] == start] for start in {p[0] for p in PHRASES}}

ARTICLES = frozenset(
    {"the", "and", "of", "for", "und", "et", "y", "de", "la", "le", "les", "el", "al", "der", "die", "das"}
)
"""Words that carry no name by themselves. A name made of these and legal forms alone cannot be screened."""

HAN_FORMS = (
    "股份有限公司", "有限责任公司", "有限責任公司", "集团有限公司", "集團有限公司", "集团公司", "集團公司", "有限公司", "公司",
    "集团", "集團", "株式会社", "有限会社", "합동회사", "주식회사",
)  # fmt: skip
"""Chinese, Japanese and Korean legal forms, which stand at the end of a name (or, in Japanese and Korean, before it)."""
_HAN_FIRSTS = frozenset(form[0] for form in HAN_FORMS)
_HAN_LASTS = frozenset(form[-1] for form in HAN_FORMS)


_MAY_BE_PART = ANYWHERE | AT_THE_ENDS | AT_THE_END | LISTED_FORMS | _FORM_STARTS | _FORM_ENDS | _PHRASES_BY_START.keys()
"""Words without which a name in Latin letters has no legal form."""


def without_legal_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that remain when legal forms are taken out; empty when there is nothing else."""
    is_latin = all(map(str.isascii, words))
    if is_latin and _MAY_BE_PART.isdisjoint(words):
        return words
    words = _without_phrases(words)
    if not ANYWHERE.isdisjoint(words):
        words = tuple(word for word in words if word not in ANYWHERE)
    left = list(words) if is_latin else [bare for word in words if (bare := _without_han_form(word))]
    before = 0
    while before != len(left):
        before = len(left)
        left = _without_ends(left)
    return tuple(left)


def _without_ends(left: list[str]) -> list[str]:
    """Words without the legal form at their end or at their beginning, where there is one."""
    if left and left[-1] in AT_THE_ENDS:
        return left[:-1]
    if len(left) > 1 and left[0] in AT_THE_ENDS:
        return left[1:]
    if len(left) > 1 and (left[-1] in LISTED_FORMS or left[-1] in AT_THE_END):
        return left[:-1]
    if len(left) < 3 or (left[0] not in _FORM_STARTS and left[-1] not in _FORM_ENDS):
        return left
    for length in range(min(LONGEST_PHRASE, len(left) - 1), 1, -1):
        if " ".join(left[-length:]) in LISTED_FORMS:
            return left[:-length]
        if " ".join(left[:length]) in LISTED_FORMS:
            return left[length:]
    return left


def says_something(words: tuple[str, ...]) -> bool:
    """Return whether any word is more than an article."""
    return not ARTICLES.issuperset(words)


def _without_phrases(words: tuple[str, ...]) -> tuple[str, ...]:
    if _PHRASES_BY_START.keys().isdisjoint(words):
        return words
    left: list[str] = []
    position = 0
    while position < len(words):
        phrases = _PHRASES_BY_START.get(words[position], ())
        phrase = next((p for p in phrases if words[position : position + len(p)] == p), None)
        if phrase is None:
            left.append(words[position])
        position += len(phrase or "x")
    return tuple(left)


def _without_han_form(word: str) -> str:
    if word.isascii() or (word[0] not in _HAN_FIRSTS and word[-1] not in _HAN_LASTS):
        return word
    if word in HAN_FORMS:
        return ""
    for form in HAN_FORMS:
        if word.endswith(form) and len(word) > len(form):
            return word.removesuffix(form)
        if word.startswith(form) and len(word) > len(form):
            return word.removeprefix(form)
    return word
