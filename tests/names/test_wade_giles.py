"""Wade and Giles read as pinyin."""

from __future__ import annotations

import pytest

from kyc_gate.names.wade_giles import pinyin_of


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        pytest.param("Hsi Chin-p'ing", "xi jinping", id="marked"),
        pytest.param("Mao Tse-tung", "mao zedong", id="hyphened"),
        pytest.param("Teng Hsiao-p‘ing", "deng xiaoping", id="curly-apostrophe"),
        pytest.param("Pei-ching Hang-k'ung Hang-t'ien Ta-hsueh", "beijing hangkong hangtian daxue", id="university"),
        pytest.param("Hua-wei Chi-shu", "huawei jishu", id="palatal-before-i"),
        pytest.param("Chou En-lai", "zhou enlai", id="no-initial"),
        pytest.param("Ch'ing-hua Ta-hsüeh", "", id="not-in-ascii"),
        pytest.param("Ho-pei Kuo-chi Ltd", "hebei guoji ltd", id="other-words-stay"),
    ],
)
def test_wade_giles_is_read_as_pinyin(text: str, pinyin: str) -> None:
    """Each syllable of a name in that romanisation has its pinyin; aspirates are told by their apostrophe."""
    assert " ".join(pinyin_of(text)) == pinyin


@pytest.mark.parametrize("text", ["Kim Jong-un", "Jean-Pierre Dupont", "Wal-Mart", "Al-Rawi", "Huawei Cloud", "On-off"])
def test_other_names_are_left_alone(text: str) -> None:
    """A name with another hyphenated word, or without any mark of the romanisation, is not read so."""
    assert pinyin_of(text) == ()
