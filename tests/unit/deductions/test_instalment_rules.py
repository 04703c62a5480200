"""Rules of plans and instalments: words for each state and failure, and periods of months."""

from datetime import date

import pytest

from backend.core import calendar
from backend.core.calendar import InvalidJalaliMonth
from backend.core.errors import Forbidden, NotFound, Unauthenticated
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Viewer
from backend.deductions import domain, service
from backend.deductions.domain import InstalmentState, MonthDue, PeriodInvalid
from tests.support.debts import viewer_of


def test_every_state_has_words_of_its_own() -> None:
    assert set(domain.INSTALMENT_STATE_TEXTS) == set(InstalmentState)
    for locale in Locale:
        assert len({texts[locale] for texts in domain.INSTALMENT_STATE_TEXTS.values()}) == 7


def test_a_reason_of_the_bank_is_told_in_words_and_an_unknown_one_by_its_code() -> None:
    assert domain.failure_text("AM04", Locale.FA) == "موجودی حساب کافی نبود."
    assert domain.failure_text("AM04", Locale.EN) == "There was not enough money in the account."
    assert domain.failure_text("ZZ99", Locale.EN) == "The bank refused the order with code ZZ99."


@pytest.mark.parametrize(
    ("first", "last"),
    [(None, None), (140509, None), (None, 140509), (140512, 140601), (140501, 142412)],
)
def test_periods_that_may_be_asked_for(first: int | None, last: int | None) -> None:
    service.check_period(first, last)


@pytest.mark.parametrize(("first", "last"), [(140509, 140508), (140501, 142501)])
def test_a_period_that_ends_too_early_or_too_late_is_refused(first: int, last: int) -> None:
    with pytest.raises(PeriodInvalid):
        service.check_period(first, last)


def test_what_is_no_month_is_refused() -> None:
    with pytest.raises(InvalidJalaliMonth):
        service.check_period(140513, None)


def test_periods_at_the_end_of_the_calendar_may_be_asked_for() -> None:
    service.check_period(150011, 150012)


def test_own_data_are_those_of_the_member_acted_for() -> None:
    assert service.own_member_id(viewer_of(7)) == 7
    with pytest.raises(Unauthenticated):
        service.own_member_id(ANONYMOUS)
    with pytest.raises(Forbidden):
        service.own_member_id(Viewer(ActorKind.OPERATOR, actor="operator:1", subject=7))
    with pytest.raises(NotFound):
        service.own_member_id(SYSTEM)


@pytest.mark.parametrize(
    ("day", "month"),
    [
        ("1405-08-20", 140508),
        ("1405-08-21", 140509),
        ("1405-08-30", 140509),
        ("1405-12-20", 140512),
        ("1405-12-21", 140601),
    ],
)
def test_what_is_confirmed_after_the_cut_off_first_falls_due_next_month(
    day: str, month: int
) -> None:
    found = domain.first_due_month(calendar.parse_jalali_date(day), cutoff_day=20)

    assert found == month


def test_a_cut_off_at_the_month_s_end_is_the_last_day_of_a_shorter_month() -> None:
    last = calendar.last_day(140512)

    assert domain.first_due_month(last, cutoff_day=31) == 140512


def coming(today: date, *dues: MonthDue) -> tuple[int, ...]:
    return domain.coming_dues(dues, today=today, cutoff_day=20, months=3)


ABAN_20, ABAN_21 = date(2026, 11, 11), date(2026, 11, 12)


def test_coming_dues_stand_in_their_months_over_the_turn_of_the_year() -> None:
    bahman = calendar.first_day(140511)
    dues = [
        MonthDue(month, rials, was_tried=False)
        for month, rials in ((140511, 1), (140512, 20), (140601, 300), (140602, 4_000))
    ]

    assert coming(bahman, *dues) == (1, 20, 300)


def test_arrears_weigh_on_the_first_coming_month() -> None:
    dues = (
        MonthDue(140507, 1, was_tried=True),
        MonthDue(140506, 20, was_tried=False),
        MonthDue(140508, 300, was_tried=True),
        MonthDue(140509, 4_000, was_tried=False),
    )

    assert coming(ABAN_20, *dues) == (321, 4_000, 0)
    assert coming(ABAN_21, *dues) == (4_321, 0, 0)


def test_what_the_present_month_takes_after_the_cut_off_is_under_way() -> None:
    """And stays so when the month has turned and the bank's answer is not here yet."""
    due = MonthDue(140508, 5, was_tried=False)

    assert coming(ABAN_20, due) == (5, 0, 0)
    assert coming(ABAN_21, due) == (0, 0, 0)
    assert coming(calendar.last_day(140509), due) == (0, 0, 0)
    assert coming(calendar.first_day(140510), due) == (5, 0, 0)


def test_a_later_month_that_was_partly_paid_early_stays_in_its_place() -> None:
    assert coming(ABAN_20, MonthDue(140510, 5, was_tried=True)) == (0, 0, 5)
