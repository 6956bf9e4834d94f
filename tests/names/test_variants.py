"""Other readings of a name."""

from __future__ import annotations

import pytest

from kyc_gate.names.normalize import normalize_name
from kyc_gate.names.variants import MOST_READINGS, listed_forms, organisation_label, readings_of


def readings(text: str) -> set[str]:
    """Return the readings of a text, each as one text."""
    return {" ".join(reading.words) for reading in readings_of(text, normalize_name(text))}


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        pytest.param("Hu4w3i", "huawei", id="digits-for-letters"),
        pytest.param("iF1yTek", "iflytek", id="one-for-l"),
        pytest.param("Qihoo Three Sixty", "qihoo 360", id="number-words"),
        pytest.param("Institute Fifty Four", "institute 54", id="tens-and-units"),
        pytest.param("HuaweiCloud", "huawei cloud", id="humps"),
        pytest.param("myCandiruLtd.cloud01", "candiru", id="glue"),
        pytest.param("gpu@sensetime.com", "sensetime", id="mail"),
        pytest.param("training-jobs.huawei.com.cn", "huawei", id="host"),
        pytest.param("北航", "beihang", id="pinyin"),
        pytest.param("Хуавей", "huavej", id="iso-9"),
        pytest.param("Хуавей", "khuavey", id="bgn"),
        pytest.param("Группа Вагнера", "gruppa vagner", id="genitive"),
        pytest.param("Al Masraf al Zeraei al Taweni", "bank agricultural cooperative", id="words-of-business"),
        pytest.param("Brigade Forty 4", "brigade 44", id="number-half-in-words"),
    ],
)
def test_a_name_is_read_in_more_than_one_way(text: str, reading: str) -> None:
    """What digits, humps, hosts and other scripts stand for is among the readings."""
    assert reading in readings(text)


def test_a_legal_form_glued_to_a_listed_name_is_no_part_of_it() -> None:
    """`ZarkonAG` is listed as `Zarkon` too; capitals inside a name are left alone."""
    assert ("zarkon",) in listed_forms("ZarkonAG", normalize_name("ZarkonAG"))
    assert listed_forms("ZarkonX", normalize_name("ZarkonX")) == (("zarkonx",),)


def test_the_first_reading_is_what_is_written() -> None:
    """The plainest reading comes first, and nothing is guessed about it."""
    first = readings_of("HUAWE1", normalize_name("HUAWE1"))[0]
    assert first.words == ("huawe1",)
    assert not first.guessed


def test_readings_are_few() -> None:
    """However odd a name is, it costs a bounded number of comparisons."""
    text = "aB1cD2eF3 Gх4Ж5华6" * 20
    assert len(readings_of(text, normalize_name(text))) <= MOST_READINGS


@pytest.mark.parametrize("host", ["someone@gmail.com", "no host at all", "a@163.com"])
def test_hosts_that_name_nobody(host: str) -> None:
    """A public mail host names no organisation."""
    assert organisation_label(host) is None
