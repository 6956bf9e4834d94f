"""Names as they are looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.ownership.gleif.records import LONGEST_WORD, MOST_WORDS, name_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Fjord Analytics AS", "FJORD  ANALYTICS, A.S.", id="case-and-points"),
        pytest.param("Müller & Söhne Company Limited", "Muller and Sohne Co., Ltd.", id="marks-and-forms"),
        pytest.param("ﬁne Straße", "FINE STRASSE", id="letters-that-fold"),
        pytest.param("Ａｃｍｅ　Inc", "acme incorporated", id="full-width"),
        pytest.param("A/S Nordic(Holding)", "a s nordic holding", id="marks-within-words"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    """Case, accents, punctuation and common forms make no difference."""
    assert name_key(one) == name_key(other)


def test_the_legal_form_stays() -> None:
    """Two companies that differ in their form are two."""
    assert name_key("Acme GmbH") != name_key("Acme Ltd")


@given(st.lists(st.text(max_size=12), max_size=6))
def test_a_name_is_its_words(words: list[str]) -> None:
    """A name is looked up word by word: the key of all is the keys of each."""
    name = " ".join(words)
    assert name_key(name) == " ".join(key for word in words if (key := name_key(word)))


def test_what_is_remembered_has_an_end() -> None:
    """More words than are remembered, and longer ones, read the same, and take no more memory."""
    assert [name_key(f"Word{n} {'x' * LONGEST_WORD}É") for n in (1, MOST_WORDS)] == [
        f"word{n} {'x' * LONGEST_WORD}e" for n in (1, MOST_WORDS)
    ]
    for n in range(2 * MOST_WORDS):
        assert name_key(f"Word{n}") == f"word{n}"
