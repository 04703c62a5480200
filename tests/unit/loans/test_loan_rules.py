"""Rules of loans: words for each state and reason."""

from backend.core.locale import Locale
from backend.loans import domain
from backend.loans.domain import LoanApplicationState, LoanRoundState, LoanSubmitter


def test_every_state_of_a_round_has_words_of_its_own() -> None:
    assert set(domain.ROUND_STATE_TEXTS) == set(LoanRoundState)
    for locale in Locale:
        assert len({texts[locale] for texts in domain.ROUND_STATE_TEXTS.values()}) == 7


def test_every_state_of_an_application_has_words_of_its_own() -> None:
    assert set(domain.APPLICATION_STATE_TEXTS) == set(LoanApplicationState)
    for locale in Locale:
        assert len({texts[locale] for texts in domain.APPLICATION_STATE_TEXTS.values()}) == 13


def test_every_submitter_has_words_of_its_own() -> None:
    assert set(domain.SUBMITTER_TEXTS) == set(LoanSubmitter)
    for locale in Locale:
        assert len({texts[locale] for texts in domain.SUBMITTER_TEXTS.values()}) == 2


def test_a_reason_is_told_in_words_and_an_unknown_one_by_its_code() -> None:
    assert domain.reason_text("OVERDUE_DEBT", Locale.EN) == "You have an overdue debt."
    assert domain.reason_text("OVERDUE_DEBT", Locale.FA) == "بدهی معوق دارید."
    assert domain.reason_text("NEW_RULE", Locale.EN) == "Another reason (code NEW_RULE)."
