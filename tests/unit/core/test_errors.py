"""Expected failures: codes, sentences in both languages, and nothing personal in logs."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import backend
from backend.access import domain as access
from backend.access import phone_change, staff_refusals
from backend.approvals import domain as approvals
from backend.core import errors
from backend.core.locale import Locale
from backend.infra import sheet_problems

GENERAL_CLASSES = {
    errors.BadUserInput,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.NotFound,
    errors.RateLimited,
    errors.Unavailable,
}
# What is wrong with the header of any sheet; a kind of file only adds which document lists its columns.
OF_EVERY_SHEET = {sheet_problems.ColumnsMissing, sheet_problems.ColumnsUnknown}
# Of what a client decides by: a special case says in other words what to do next.
WITH_SPECIAL_CASES = {
    access.SessionInvalid,
    access.SessionExpired,
    approvals.ApprovalVoid,
    phone_change.PhoneNotOwn,
    staff_refusals.UserNameTaken,
}
OUTSIDE_OF_THE_WALK = {"backend.app", "backend.worker", "backend.cli"}


class InstalmentTooSmall(errors.DomainError):
    """A refusal with data, as a slice would define it."""

    code = "TEST_INSTALMENT_TOO_SMALL"
    texts = errors.sentences(
        fa="قسط {number} از {least:,} ریال کمتر است.",
        en="Instalment {number} is below {least:,} rials.",
    )
    hints = errors.sentences(
        fa="مدت {name} را کوتاه‌تر کنید.",
        en="Shorten the term of {name}.",
    )


def _import_every_module() -> None:
    for module in pkgutil.walk_packages(backend.__path__, prefix="backend."):
        if module.name not in OUTSIDE_OF_THE_WALK:
            importlib.import_module(module.name)


def _subclasses(parent: type[errors.DomainError]) -> list[type[errors.DomainError]]:
    return [error for child in parent.__subclasses__() for error in (child, *_subclasses(child))]


def _classes_of_the_product() -> list[type[errors.DomainError]]:
    _import_every_module()
    return [
        error
        for error in dict.fromkeys(_subclasses(errors.DomainError))
        if error.__module__.split(".")[0] == "backend"
    ]


def test_every_code_is_declared_by_one_class_and_shared_with_its_special_cases_only() -> None:
    declared: dict[str, type[errors.DomainError]] = {}
    for error in _classes_of_the_product():
        owner = next((parent for parent in error.__mro__ if "code" in vars(parent)), None)
        assert owner is not None, f"{error.__qualname__} has no code"
        shared = GENERAL_CLASSES | OF_EVERY_SHEET | WITH_SPECIAL_CASES
        assert owner in {error, *shared}, f"{error.__qualname__} needs a code of its own"
        assert issubclass(owner, errors.DomainError)
        assert declared.setdefault(error.code, owner) is owner, error.code


def test_every_code_is_written_in_capitals() -> None:
    for error in _classes_of_the_product():
        assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", error.code), error.code


def test_every_error_class_has_a_text_and_a_hint_in_both_languages() -> None:
    for error in _classes_of_the_product():
        for sentences in (error.texts, error.hints):
            assert set(sentences) == set(Locale), error.__qualname__
            assert re.search("[آ-ی]", sentences[Locale.FA]), error.__qualname__
            assert re.search("[A-Za-z]", sentences[Locale.EN]), error.__qualname__


def test_persian_sentences_use_no_arabic_ye_or_kaf() -> None:
    for error in _classes_of_the_product():
        for sentences in (error.texts, error.hints):
            assert not re.search("[\u064a\u0649\u0643]", sentences[Locale.FA]), error.__qualname__


def test_every_sentence_renders_over_plain_names() -> None:
    for error in _classes_of_the_product():
        data = dict.fromkeys(errors.placeholders(error), 7)
        for sentences in (error.texts, error.hints):
            for locale in Locale:
                rendered = errors.render(sentences[locale], data, locale)
                assert rendered.strip(), error.__qualname__
                assert not set("{}") & set(rendered), error.__qualname__


def test_numbers_in_a_persian_sentence_get_persian_digits() -> None:
    error = InstalmentTooSmall(number=3, least=1_000_000, name="Store 24")

    assert error.message(Locale.FA) == "قسط ۳ از ۱٬۰۰۰٬۰۰۰ ریال کمتر است."
    assert error.message(Locale.EN) == "Instalment 3 is below 1,000,000 rials."


def test_text_in_a_persian_sentence_stays_as_it_was_given() -> None:
    error = InstalmentTooSmall(number=3, least=1_000_000, name="Store 24")

    assert error.hint(Locale.FA) == "مدت Store 24 را کوتاه‌تر کنید."


def test_an_error_without_the_data_of_its_sentences_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="InstalmentTooSmall needs least, name"):
        InstalmentTooSmall(number=3)


def test_braces_in_the_data_are_no_placeholders() -> None:
    error = InstalmentTooSmall(number=3, least=1, name="{number}")

    assert error.hint(Locale.EN) == "Shorten the term of {number}."


def test_a_logged_error_shows_code_and_field_and_no_data() -> None:
    error = InstalmentTooSmall(field=("input", "months"), number=3, least=1, name="زهرا")

    assert str(error) == "TEST_INSTALMENT_TOO_SMALL (input.months)"
    assert repr(error) == "InstalmentTooSmall()"
    assert str(errors.Unauthenticated()) == "UNAUTHENTICATED"


def test_bad_user_input_takes_a_reason_in_both_languages() -> None:
    error = errors.BadUserInput(
        field=("at",), reason=errors.sentences(fa="مکان لازم است.", en="A place is needed.")
    )

    assert error.message(Locale.FA) == "مکان لازم است."
    assert error.message(Locale.EN) == "A place is needed."
    assert error.field == ("at",)


def test_bad_user_input_without_a_reason_has_its_general_text() -> None:
    assert errors.BadUserInput().message(Locale.EN) == "The input of the request is not valid."


def test_a_forbidden_viewer_learns_which_permission_to_ask_for() -> None:
    error = errors.Forbidden("stores.edit")

    assert error.data == {"permission": "stores.edit"}
    assert error.hint(Locale.EN).endswith("“stores.edit”.")


@pytest.mark.parametrize("error_class", [errors.RateLimited, errors.Unavailable])
def test_an_error_that_passes_says_when_to_try_again(
    error_class: type[errors.RateLimited | errors.Unavailable],
) -> None:
    error = error_class(90)

    assert error.retry_after_seconds == 90
    assert error.hint(Locale.FA) == "پس از ۹۰ ثانیه دوباره تلاش کنید."
    assert error.hint(Locale.EN) == "Try again after 90 s."
