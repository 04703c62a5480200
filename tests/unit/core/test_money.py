"""Money is whole rials: instalments sum to the price, and toman are shown exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import money
from backend.core.locale import Locale


@st.composite
def splits(draw: st.DrawFn) -> tuple[int, int]:
    """An amount with a number of instalments that it can be split into."""
    amount_rials = draw(st.integers(1, money.MAX_RIALS))
    return amount_rials, draw(st.integers(1, money.most_instalments(amount_rials)))


def test_the_remainder_goes_on_the_first_instalment() -> None:
    assert money.split_instalments(10_000_000, 12) == (837_000, *(833_000,) * 11)


@pytest.mark.parametrize(
    ("amount_rials", "count", "instalments"),
    [
        (1, 1, (1,)),
        (999, 1, (999,)),
        (2_000, 2, (1_000, 1_000)),
        (2_999, 2, (1_999, 1_000)),
        (12_000_000, 12, (1_000_000,) * 12),
        (10_000_001, 3, (3_334_001, 3_333_000, 3_333_000)),
        (
            9_007_199_254_740_991,
            2,
            (4_503_599_627_370_991, 4_503_599_627_370_000),
        ),
    ],
)
def test_an_amount_is_split_into_equal_parts_of_whole_thousands(
    amount_rials: int, count: int, instalments: tuple[int, ...]
) -> None:
    assert money.split_instalments(amount_rials, count) == instalments


@given(splits())
def test_instalments_sum_to_the_amount_exactly(split: tuple[int, int]) -> None:
    amount_rials, count = split

    instalments = money.split_instalments(amount_rials, count)

    assert len(instalments) == count
    assert sum(instalments) == amount_rials


@given(splits())
def test_all_instalments_but_the_first_are_equal_whole_thousands(split: tuple[int, int]) -> None:
    first, *others = money.split_instalments(*split)

    assert len(set(others)) <= 1
    assert all(other % 1_000 == 0 for other in others)
    assert all(0 < other <= first for other in others)
    assert first > 0


@given(splits())
def test_the_first_instalment_is_less_than_a_step_for_each_above_the_others(
    split: tuple[int, int],
) -> None:
    first, *others = money.split_instalments(*split)

    assert all(first - other < 1_000 * split[1] for other in others)


@pytest.mark.parametrize(
    ("amount_rials", "count", "most"),
    [
        (10_000_000, 0, 120),
        (10_000_000, -1, 120),
        (10_000_000, 121, 120),
        (11_999, 12, 11),
        (1_999, 2, 1),
        (1, 2, 1),
    ],
)
def test_a_count_that_would_make_an_instalment_of_nothing_is_refused(
    amount_rials: int, count: int, most: int
) -> None:
    with pytest.raises(money.InvalidInstalmentCount) as refusal:
        money.split_instalments(amount_rials, count)

    assert refusal.value.data == {"most": most}


@pytest.mark.parametrize("amount_rials", [0, -1, -10_000_000, 2**53, 10**30])
def test_an_amount_that_cannot_be_paid_is_not_split(amount_rials: int) -> None:
    with pytest.raises(money.InvalidAmount):
        money.split_instalments(amount_rials, 1)


@pytest.mark.parametrize("amount_rials", [0, 1, 9_007_199_254_740_991])
def test_an_amount_within_its_bounds_is_accepted(amount_rials: int) -> None:
    assert money.check_amount(amount_rials) == amount_rials


@pytest.mark.parametrize("amount_rials", [9_999, 20_001])
def test_an_amount_outside_its_bounds_is_refused_with_the_bounds(amount_rials: int) -> None:
    with pytest.raises(money.InvalidAmount) as refusal:
        money.check_amount(amount_rials, least=10_000, most=20_000)

    assert refusal.value.message(Locale.FA) == (
        "مبلغ باید دست‌کم ۱۰٬۰۰۰ و دست‌بالا ۲۰٬۰۰۰ ریال باشد."
    )
    assert refusal.value.message(Locale.EN) == (
        "The amount must be at least 10,000 and at most 20,000 rials."
    )


@pytest.mark.parametrize(
    ("amount_rials", "floored"), [(0, 0), (999, 0), (1_000, 1_000), (833_333, 833_000)]
)
def test_an_amount_is_rounded_down_to_whole_thousands(amount_rials: int, floored: int) -> None:
    assert money.floor_to_step(amount_rials) == floored


@pytest.mark.parametrize(
    ("amount_rials", "persian", "english"),
    [
        (0, "۰ تومان", "0 toman"),
        (10, "۱ تومان", "1 toman"),
        (12_500_000, "۱٬۲۵۰٬۰۰۰ تومان", "1,250,000 toman"),
        (9_999, "۹۹۹٫۹ تومان", "999.9 toman"),
        (5, "۰٫۵ تومان", "0.5 toman"),
        (-12_345, "\u200e\u2212۱٬۲۳۴٫۵ تومان", "-1,234.5 toman"),
        (2**53 - 1, "۹۰۰٬۷۱۹٬۹۲۵٬۴۷۴٬۰۹۹٫۱ تومان", "900,719,925,474,099.1 toman"),
    ],
)
def test_an_amount_is_shown_in_toman_exactly(amount_rials: int, persian: str, english: str) -> None:
    assert money.format_toman(amount_rials, Locale.FA) == persian
    assert money.format_toman(amount_rials, Locale.EN) == english
