"""The comparison form of a name."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.names import normalize
from kyc_gate.names.normalize import LONGEST_NAME, normalize_name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("SIS d.o.o.", "sis", id="dotted-form"),
        pytest.param("S I S d o o", "sisdoo", id="spaced-letters"),
        pytest.param("Ｈｕａｗｅｉ　Ｃｌｏｕｄ", "huawei cloud", id="fullwidth"),
        pytest.param("Ros\u3164neft", "rosneft", id="filler"),
        pytest.param("H\u0337u\u0337awei", "huawei", id="overlay"),
        pytest.param("\u202eiewauH\u202c", "huawei", id="override"),
        pytest.param("ᏴᎪNᏦ ᎷᎬᏞᏞI", "bank melli", id="cherokee"),
        pytest.param("Каsреrsку Lаb", "kaspersky lab", id="cyrillic-lookalikes"),
        pytest.param("🚀Bank ✨Melli™®", "bank melli", id="symbols"),
        pytest.param("$berbank of Ru$$ia", "sberbank of russia", id="dollars"),
        pytest.param("Huawei%20Technologies", "huawei technologies", id="percent"),
        pytest.param("=?UTF-8?B?SHVhd2Vp?=", "huawei", id="mail-header"),
        pytest.param("&#1056;&#1086;&#1089;&#1085;&#1077;&#1092;&#1090;&#1100;", "rosneft", id="entities"),
        pytest.param("\\u0420\\u043e\\u0441\\u043d\\u0435\\u0444\\u0442\\u044c", "rosneft", id="escapes"),
        pytest.param("xn--siqq7j", "华为", id="punycode"),
        pytest.param("華為技術有限公司", "华为 技术", id="traditional-chinese"),
        pytest.param("Հայաստան", "hayastan", id="armenian"),
        pytest.param("საქართველო", "sakartvelo", id="georgian"),
        pytest.param("Müller Gesellschaft mit beschränkter Haftung", "muller", id="german-form"),
        pytest.param("Foo Společnost s ručením omezeným", "foo", id="czech-form"),
        pytest.param("Публичное акционерное общество Роснефть", "rosneft", id="russian-form"),
    ],
)
def test_one_form_for_every_way_to_write(text: str, words: str) -> None:
    """Case, width, invisible characters, lookalikes, encodings, scripts and legal forms leave the same words."""
    assert " ".join(normalize_name(text).core) == words


@given(st.text(max_size=80))
def test_normalizing_twice_changes_nothing(text: str) -> None:
    """The comparison form of a comparison form is itself."""
    once = normalize_name(text)
    again = normalize_name(once.text)
    assert (again.words, again.core) == (once.words, once.core)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" + "\u0301" * 20000 + "\u0323" * 20000, id="marks"),
        pytest.param("\ufdfa" * 10000, id="expanding"),
        pytest.param("A" * 1_000_000, id="one-word"),
        pytest.param("%25" * 100_000, id="layers-of-encoding"),
        pytest.param("&#" * 100_000, id="half-entities"),
        pytest.param(" ".join(f"tok{n}" for n in range(1700)), id="words"),
    ],
)
def test_the_longest_text_takes_no_longer(text: str) -> None:
    """Time is bounded by the cap on a name's length, and what was cut says so."""
    started = time.perf_counter()
    found = normalize_name(text)
    assert time.perf_counter() - started < 0.05
    assert found.problem is not None
    assert len(found.text) <= 2 * LONGEST_NAME


@pytest.mark.parametrize("text", ["", "...", "The", "Ltd. " * 200, "\ud800", "\x00", "\U0001f1f7\U0001f1fa"])
def test_a_name_that_says_nothing_is_a_problem(text: str) -> None:
    """A text without a word to compare is never usable."""
    found = normalize_name(text)
    assert not found.usable
    assert found.problem is not None


@pytest.mark.parametrize("text", ["1", "X", "X Ltd.", "(x)"])
def test_one_letter_or_digit_is_compared_and_not_relied_on(text: str) -> None:
    """A single letter or digit can be compared, and is nobody's whole name; a Chinese character may be."""
    found = normalize_name(text)
    assert found.usable
    assert found.problem is not None
    assert normalize_name("王").problem is None


PARTS = st.sampled_from(
    "Huawei Co., S.I.S. d.o.o A B-C a-b A-B ltd the of O'Neil d'Or $ber x@y 1 2nd 江 楊 华为技术有限公司 한국 Özsöz Люляна صندوق "
    "\u202eiewauH ① ﷺ ½ ª %41 &amp; =?x xn--siqq7j \\u0041 - € Ｈｕａ Ђ ß ŉ ﬃ ḱ̈́̈́̈́̈́".split(" ")
) | st.text(max_size=6)


@given(st.lists(PARTS, max_size=12))
def test_words_by_themselves_are_the_words_of_the_whole(parts: list[str]) -> None:
    """A name whose parts are looked up one by one has the comparison form that it has when it is read as a whole."""
    text = " ".join(parts)
    by_words = normalize_name(text)
    with pytest.MonkeyPatch.context() as whole:
        whole.setattr(normalize, "_by_words", lambda text: None)
        assert normalize_name(text) == by_words
