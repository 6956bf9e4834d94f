"""Names scored against listed names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.names.comparison import Comparison
from kyc_gate.names.normalize import normalize_name
from kyc_gate.names.scorer import SCORER_VERSION, Scorer

SCORER = Scorer({})
REVIEW = 0.79


def compare(query: str, target: str) -> Comparison:
    """Return the comparison of two names as people write them."""
    asked, listed = (SCORER.prepare(normalize_name(text).core) for text in (query, target))
    return SCORER.explain(SCORER.compare(asked, listed), query=query, target=target)


@pytest.mark.parametrize(
    ("query", "target"),
    [
        pytest.param("SIS DOO", "SIS d.o.o.", id="legal-form"),
        pytest.param("Harbin Inst. Tech.", "Harbin Institute of Technology", id="abbreviations"),
        pytest.param("Gazprom Bank", "Gazprombank", id="split"),
        pytest.param("Peng Xin Wei IC Manufacturing", "Pengxinwei IC Manufacturing", id="split-in-three"),
        pytest.param("Koncern Kalaschnikow", "Kalashnikov Concern", id="german-spelling"),
        pytest.param("Foreign Trade Bank of the DPRK", "Foreign Trade Bank of the Democratic People's Republic of Korea", id="acronym"),
        pytest.param("HIT Harbin", "Harbin Institute of Technology", id="acronym-of-all"),
        pytest.param("Sberbank Kazakhstan", "Sberbank of Russia", id="affiliate"),
        pytest.param("Hkvsn Digital Technology", "Hikvision Digital Technology", id="vowels-left-out"),
        pytest.param("Research Institute No. 54", "54th Research Institute", id="ordinal"),
        pytest.param("صندوق الرحمة", "Sanduq al-Rahmah", id="arabic"),
        pytest.param("QTB Bank (Europe)", "QTB Bank", id="three-letters-and-a-place"),
        pytest.param("Zarkvison Trading", "Zarkvision", id="slip-beside-a-common-word"),
        pytest.param("Quarkeximbank", "Quark Export Import Bank", id="made-of-beginnings"),
        pytest.param("Ruszarkon", "Russian Zarkon", id="made-of-a-beginning-and-a-word"),
        pytest.param("Abdurzarkan Milvad", "Abd al-Zarkan Milvad", id="around-an-article"),
        pytest.param("Naib Elzarkan", "Naib al-Zarkan", id="article-glued-on"),
        pytest.param("Taezarkong Bank", "Daezarkong Bank", id="voiced-otherwise"),
        pytest.param("Yong Chol Cho", "Yong Chol Jo", id="korean-romanised-twice"),
        pytest.param("Novye finansovye Zarkon", "New Financial Zarkon", id="russian-adjectives"),
        pytest.param("Zarkovsky Shipbuilding", "Zarkov Shipyard", id="adjective-of-a-place"),
        pytest.param("Tunisien Zarkon Groupe", "Tunisian Zarkon Group", id="place-in-another-language"),
        pytest.param("شركة زركون للتقنيات", "زركون", id="arabic-words-of-business"),
        pytest.param("Zarkon Shield Movement", "Zarkon Shield Movement (ZSM)", id="its-own-letters"),
        pytest.param("زرکان ایر", "Zarkan Air", id="a-word-of-business-in-two-scripts"),
        pytest.param("Diamond-Zarkon Concern", "JSC Concern Almaz-Zarkon", id="brand-in-translation"),
        pytest.param("Positive Technologies Global Solutions", "Positive Technologies", id="all-of-a-name-in-its-order"),
        pytest.param("Zarkvision", "Keda Zarkvision", id="coined-word-alone"),
        pytest.param("Zarkon Yhread", "Zarkon Thread", id="neighbouring-key"),
        pytest.param("Zarkon Managing", "Zarkon Management", id="doing-and-what-is-done"),
        pytest.param("Friedrich Lindenberg", "Friedrich Lindenburg", id="vowel-in-a-compound"),
    ],
)  # fmt: skip
def test_names_that_mean_the_same(query: str, target: str) -> None:
    """A listed name written otherwise scores for a person to look at."""
    assert compare(query, target).score >= REVIEW


@pytest.mark.parametrize(
    ("query", "target"),
    [
        pytest.param("Inspire Group", "Inspur Group", id="a-word-of-its-own"),
        pytest.param("Intelex Technologies", "Intellexa", id="two-slips-beside-a-common-word"),
        pytest.param("QPS", "QPS Pacific", id="three-letters-without-the-place"),
        pytest.param("Yangtze River Cruises", "Yangtze Memory Technologies", id="place"),
        pytest.param("Beijing Dance Academy", "Beijing Academy of Artificial Intelligence", id="generic"),
        pytest.param("Wagner College", "PMC Wagner", id="surname"),
        pytest.param("Green Pine Bakery", "Green Pine Associated", id="english"),
        pytest.param("Goldman Loan Trust 2004-1", "Goldman Loan Trust 2005-3", id="number"),
        pytest.param("Global Positive Technologies", "Positive Technologies", id="english-words-behind-another"),
        pytest.param("Diamond Kitchens", "Almaz Plant", id="translated-everyday-word"),
        pytest.param("Cambridge Consultants", "Cambricon", id="two-beginnings"),
        pytest.param("Shanghai Tang", "Shantang", id="beginning-and-a-short-word"),
        pytest.param("International Risk Governance Council (IRGC)", "IRGC", id="other-acronym"),
    ],
)
def test_names_that_only_look_alike(query: str, target: str) -> None:
    """A name that shares what many names share stays below the line of review."""
    assert compare(query, target).score < REVIEW


def test_the_explanation_names_both_strings_word_by_word() -> None:
    """The clause names both names; the pairs say which words agreed and how, and which stood alone."""
    found = compare("Huawei Tech Dresden", "Huawei Technologies")
    assert "`Huawei Tech Dresden` and `Huawei Technologies`" in found.explanation
    assert [(pair.asked, pair.listed, pair.how) for pair in found.pairs] == [
        ("huawei", "huawei", "same"),
        ("tech", "technologies", "means"),
    ]
    assert (found.only_asked, found.only_listed, found.version) == (("dresden",), (), SCORER_VERSION)


@pytest.mark.parametrize(
    ("query", "target", "guard"),
    [
        pytest.param("Yangtze River Cruises", "Yangtze Memory", "place-only", id="place"),
        pytest.param("Trust 2004", "Trust 2005", "number-mismatch", id="number"),
        pytest.param("Social Science Research Council (SSRC)", "SSRC", "acronym", id="acronym"),
        pytest.param("Holding Zwei", "Holding", "one-common-word", id="common"),
    ],
)
def test_a_guard_says_its_name(query: str, target: str, guard: str) -> None:
    """A guard that held is named, and its reason stands in the explanation."""
    found = compare(query, target)
    assert found.guard is not None
    assert found.guard.name == guard
    assert found.guard.reason in found.explanation


def test_scores_do_not_saturate() -> None:
    """Of two names that agree in full, the one that tells more scores higher, and neither is certain."""
    common, rare = (
        compare("Wagner", "Wagner").score,
        compare("Kalashnikov Zavod Izhevsk", "Kalashnikov Zavod Izhevsk").score,
    )
    assert common < rare < 1.0


WORDS = st.lists(
    st.sampled_from(
        "huawei technology cloud wagner moscow institute physics kaspersky lab alfa bank 54 mikron".split()
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


@given(asked=WORDS, listed=WORDS, data=st.data())
def test_the_order_of_words_does_not_matter(asked: list[str], listed: list[str], data: st.DataObject) -> None:
    """Words in another order, on either side, score the same."""
    other = data.draw(st.permutations(asked))
    one = SCORER.score(SCORER.prepare(tuple(asked)), SCORER.prepare(tuple(listed)))
    two = SCORER.score(SCORER.prepare(tuple(other)), SCORER.prepare(tuple(data.draw(st.permutations(listed)))))
    assert one == pytest.approx(two, abs=1e-9)


@given(asked=WORDS, listed=WORDS)
def test_a_score_is_a_share(asked: list[str], listed: list[str]) -> None:
    """A score is from 0 to 1, and the explained score is the score."""
    one, two = SCORER.prepare(tuple(asked)), SCORER.prepare(tuple(listed))
    score = SCORER.score(one, two)
    assert 0 <= score <= 1
    assert SCORER.explain(SCORER.compare(one, two), query="a", target="b").score == score


def test_a_coined_name_is_recognised_among_generic_words() -> None:
    """A listed name of three letters that is no everyday word is possible with a place and a form; a slip of it is not."""
    listed = SCORER.prepare(("dji",))
    assert SCORER.score(SCORER.prepare(("dji", "europe")), listed) >= 0.79
    assert SCORER.score(SCORER.prepare(("dje", "europe")), listed) < 0.79
