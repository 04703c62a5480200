"""Rules of plans and instalments: words for each state and failure, and periods of months."""

import pytest

from backend.core.calendar import InvalidJalaliMonth
from backend.core.errors import Forbidden, NotFound, Unauthenticated
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Viewer
from backend.deductions import domain, service
from backend.deductions.domain import InstalmentState, PeriodInvalid
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
