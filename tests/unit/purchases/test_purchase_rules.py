"""Rules of purchases: words for each state, and periods by Tehran's days and Jalali months."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import calendar, clock
from backend.core.locale import Locale
from backend.purchases import domain
from backend.purchases.domain import DatesInvalid, MonthTotal, PurchaseFilter, PurchaseState


def test_every_state_has_words_of_its_own() -> None:
    assert set(domain.PURCHASE_STATE_TEXTS) == set(PurchaseState)
    for locale in Locale:
        assert len({texts[locale] for texts in domain.PURCHASE_STATE_TEXTS.values()}) == 9


def test_a_filter_by_days_runs_from_midnight_to_the_midnight_after() -> None:
    matching = PurchaseFilter(from_date=date(2026, 11, 20), to_date=date(2026, 11, 21))

    assert domain.instants(matching) == (
        datetime(2026, 11, 19, 20, 30, tzinfo=UTC),
        datetime(2026, 11, 21, 20, 30, tzinfo=UTC),
    )


def test_a_filter_of_the_years_with_summer_time_follows_it() -> None:
    begins, _ = domain.instants(PurchaseFilter(from_date=date(2022, 7, 1)))

    assert begins == datetime(2022, 6, 30, 19, 30, tzinfo=UTC)


def test_a_filter_without_days_has_no_bounds() -> None:
    assert domain.instants(PurchaseFilter()) == (None, None)


def test_a_last_day_before_the_first_is_refused() -> None:
    with pytest.raises(DatesInvalid) as refused:
        domain.instants(PurchaseFilter(from_date=date(2026, 11, 21), to_date=date(2026, 11, 20)))

    assert refused.value.field == ("filter", "to")


def test_months_begin_at_midnight_in_tehran_over_the_turn_of_the_year() -> None:
    assert domain.month_starts(140412, 140501) == [
        datetime(2026, 2, 19, 20, 30, tzinfo=UTC),
        datetime(2026, 3, 20, 20, 30, tzinfo=UTC),
        datetime(2026, 4, 20, 20, 30, tzinfo=UTC),
    ]


def test_months_of_nothing_stand_in_the_totals() -> None:
    assert domain.totals_by_month(140412, {2: (3, 5_000_000)}, 3) == [
        MonthTotal(140412, 0, 0),
        MonthTotal(140501, 3, 5_000_000),
        MonthTotal(140502, 0, 0),
    ]


@given(day=st.dates(date(1930, 1, 1), date(2100, 1, 1)), seconds=st.integers(0, 86_399))
def test_each_instant_lies_in_the_month_of_its_day_in_tehran(day: date, seconds: int) -> None:
    moment = datetime.combine(day, datetime.min.time(), UTC) + timedelta(seconds=seconds)
    month = calendar.month_of(moment.astimezone(clock.TEHRAN).date())

    begins, ends = domain.month_starts(month, month)

    assert begins <= moment < ends
