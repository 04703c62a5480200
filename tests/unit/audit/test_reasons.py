"""What a reason in the trail may be."""

import pytest

from backend.audit import domain
from backend.audit.domain import MAX_REASON_CHARACTERS, ReasonInvalid
from backend.core.locale import Locale


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(" گوشی گم شد\n", "گوشی گم شد"), ("x" * MAX_REASON_CHARACTERS, "x" * MAX_REASON_CHARACTERS)],
)
def test_a_reason_is_kept_without_blanks_around_it(typed: str, kept: str) -> None:
    assert domain.check_reason(typed) == kept


@pytest.mark.parametrize("typed", ["", " \t\n", "x" * (MAX_REASON_CHARACTERS + 1)])
def test_a_reason_that_says_nothing_or_too_much_is_refused(typed: str) -> None:
    with pytest.raises(ReasonInvalid) as refusal:
        domain.check_reason(typed, field="purpose")

    assert refusal.value.field == ("purpose",)
    assert refusal.value.code == "BAD_USER_INPUT"
    assert refusal.value.message(Locale.FA) == (
        "دلیل باید نوشته شود و حداکثر ۵۰۰ نویسه داشته باشد."
    )
    assert refusal.value.message(Locale.EN) == "A reason is needed, of at most 500 characters."
