"""The language of an answer follows `Accept-Language`, and is Persian in doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import locale
from backend.core.locale import Locale


@pytest.mark.parametrize(
    "header",
    [
        "en",
        "EN",
        "en-GB",
        "en-Latn-GB",
        "en, fa",
        "fa;q=0.5, en-GB;q=0.9",
        "en;q=0.001",
        "de, en;q=0.1",
        "en;q=1.000, fa;q=0.999",
        "fa ; q=0.2 ,\ten ; Q=0.3",
        "fa;q=0, *",
        "*;q=0.2, fa;q=0.1",
        ", en,,",
        "en;q=0., en-US",
    ],
)
def test_english_is_chosen_where_it_is_preferred(header: str) -> None:
    assert locale.negotiate(header) is Locale.EN


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "fa",
        "fa-IR",
        "fa, en",
        "en;q=0.5, fa;q=0.6",
        "de",
        "*",
        "en;q=0, *",
        "en;q=0",
        "*;q=0",
        "english-language",
        "eng",
    ],
)
def test_persian_is_chosen_where_it_is_preferred_or_nothing_fits(header: str | None) -> None:
    assert locale.negotiate(header) is Locale.FA


@pytest.mark.parametrize(
    "header",
    [
        "en;q=2",
        "en;q=1.001",
        "en;q=0.1234",
        "en;q=.5",
        "en;q=-1",
        "en q=1",
        "en;",
        "en-",
        "en_US",
        "en, ;q=1",
        "en;level=1",
        "en\n",
        "en;q=۱",
        "\u200fen",
        "en," * 1_000,
    ],
)
def test_a_malformed_or_endless_header_gives_persian(header: str) -> None:
    assert locale.negotiate(header) is Locale.FA


@given(st.text())
def test_no_header_is_an_error(header: str) -> None:
    assert locale.negotiate(header) in Locale


@given(st.integers(0, 1_000), st.integers(0, 1_000))
def test_the_higher_weight_wins(persian: int, english: int) -> None:
    header = f"fa;q={persian / 1_000:.3f}, en;q={english / 1_000:.3f}"

    assert locale.negotiate(header) is (Locale.EN if english > persian else Locale.FA)
