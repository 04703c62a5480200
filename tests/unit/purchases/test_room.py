"""The largest purchase that the monthly cap leaves room for: every smaller one fits, and none that is much larger."""

from hypothesis import given
from hypothesis import strategies as st

from backend.core import money
from backend.purchases import room
from backend.purchases.domain import Waiting
from backend.purchases.room import Room

STEP = money.INSTALMENT_STEP_RIALS
CAPS = st.integers(0, 40_000_000)
DUES = st.lists(st.integers(0, 40_000_000), min_size=1, max_size=24)


def fits(amount_rials: int, cap: int, dues: list[int]) -> bool:
    """Whether a purchase of this price, split as the house splits, stays inside the cap over some term."""
    most = min(len(dues), money.most_instalments(amount_rials))
    return any(
        all(
            part + taken <= cap
            for part, taken in zip(
                money.split_instalments(amount_rials, months), dues, strict=False
            )
        )
        for months in range(1, most + 1)
    )


def test_without_dues_the_whole_cap_is_there_every_month() -> None:
    assert room.largest_purchase(1_000_000, [0]) == Room(1_000_000, 1)
    # 999,000 twice: two parts of 1,000,000 would leave no room for the remainder of 1,999,000.
    assert room.largest_purchase(1_000_000, [0, 0]) == Room(1_998_000, 2)


def test_a_full_first_month_leaves_nothing() -> None:
    assert room.largest_purchase(10_000_000, [10_000_000, 0, 0]) == Room(0, 0)
    assert room.largest_purchase(10_000_000, [99_000_000, 0, 0]) == Room(0, 0)


def test_a_full_month_later_on_ends_the_term_before_it() -> None:
    assert room.largest_purchase(10_000_000, [0, 0, 10_000_000, 0]) == Room(19_998_000, 2)


def test_a_shorter_term_with_more_room_goes_before_a_longer_one() -> None:
    assert room.largest_purchase(10_000_000, [0, 0, 9_000_000]) == Room(19_998_000, 2)
    assert room.largest_purchase(10_000_000, [0, 0, 1_000_000]) == Room(27_000_000, 3)


def test_no_cap_leaves_nothing() -> None:
    assert room.largest_purchase(0, [0] * 24) == Room(0, 0)


@given(cap=CAPS, dues=DUES, share=st.floats(0, 1))
def test_every_price_up_to_it_fits(cap: int, dues: list[int], share: float) -> None:
    largest = room.largest_purchase(cap, dues)

    for amount in (largest.rials, largest.rials - 1, int(largest.rials * share), 1):
        if 0 < amount <= largest.rials:
            assert fits(amount, cap, dues), amount
    assert len(dues) >= largest.months
    assert (largest.months == 0) == (largest.rials == 0)


@given(cap=CAPS, dues=DUES, beyond=st.integers(1, 10**9))
def test_no_price_that_is_much_larger_fits(cap: int, dues: list[int], beyond: int) -> None:
    """Much: what the remainders of the split can be in all months together."""
    largest = room.largest_purchase(cap, dues)

    assert not fits(largest.rials + len(dues) ** 2 * STEP + beyond, cap, dues)


@given(cap=CAPS, dues=DUES, more=st.integers(0, 10_000_000))
def test_more_dues_never_leave_more_room(cap: int, dues: list[int], more: int) -> None:
    before = room.largest_purchase(cap, dues)

    for place in range(len(dues)):
        heavier = [*dues[:place], dues[place] + more, *dues[place + 1 :]]
        assert room.largest_purchase(cap, heavier).rials <= before.rials


def test_what_waits_takes_its_months_as_if_it_were_confirmed_now() -> None:
    waiting = (Waiting(10_000_000, 12), Waiting(3_000_000, 2))

    taken = room.with_waiting([100, 200, 300], waiting)

    assert taken == (100 + 837_000 + 1_500_000, 200 + 833_000 + 1_500_000, 300 + 833_000)
