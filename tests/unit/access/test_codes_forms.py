"""What a text message says, and which forms are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access import codes, sign_in
from backend.access.code_requests import CodeMalformed, Given, RetrieverHashInvalid
from backend.access.domain import DeviceGiven, DevicePlatform
from backend.core.locale import Locale
from backend.infra.sms import port

DEVICE = DeviceGiven("d-1", "گوشی", DevicePlatform.ANDROID)
HASH = "FA+9qCX9VSu"


def asking(locale: Locale = Locale.FA, retriever_hash: str | None = None) -> Given:
    return Given("0012345679", "+989121234567", DEVICE, locale, retriever_hash)


def test_the_text_in_persian() -> None:
    text = sign_in.code_text(asking(), "012345")
    assert text == "کد ورود به باشگاه: 012345\nاین کد را به هیچ‌کس نگویید."


def test_the_text_in_english_with_the_apps_hash() -> None:
    text = sign_in.code_text(asking(Locale.EN, HASH), "012345")
    assert text == "Bashgah sign-in code: 012345\nNever tell it to anyone.\nFA+9qCX9VSu"


@pytest.mark.parametrize("locale", list(Locale))
def test_the_longest_text_is_one_part_of_at_most_140_bytes(locale: Locale) -> None:
    text = sign_in.code_text(asking(locale, HASH), "123456")
    assert len(text) <= port.SINGLE_PART_UNITS
    assert port.parts(text) == 1


@pytest.mark.parametrize(
    "given_hash", ["", "FA+9qCX9VS", "FA+9qCX9VSuu", "FA+9qCX9VS\n", "کد+9qCX9VSu", "FA+9qCX9V u"]
)
def test_nothing_else_is_written_into_a_text(given_hash: str) -> None:
    with pytest.raises(RetrieverHashInvalid) as refused:
        asking(retriever_hash=given_hash)
    assert refused.value.field == ("device", "smsRetrieverHash")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_the_key_has_32_bytes(length: int) -> None:
    with pytest.raises(codes.CodesNotConfigured):
        codes.configure((bytes(32), bytes(length)))


@pytest.mark.parametrize(
    "typed", ["123456", "۱۲۳۴۵۶", "١٢٣٤٥٦", " 123 456 ", "123-456", "\u200e123456\u200f", "۱۲3٤56"]
)
def test_a_code_is_taken_from_any_keyboard(typed: str) -> None:
    assert sign_in._normal_code(typed) == "123456"


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "²23456", "1" * 1_000, "123456" + " " * 34 + "x"]
)
def test_six_digits_and_nothing_else(typed: str) -> None:
    with pytest.raises(CodeMalformed) as refused:
        sign_in._normal_code(typed)
    assert refused.value.field == ("code",)


@given(st.text(max_size=100))
def test_any_other_text_is_refused_and_never_crashes(typed: str) -> None:
    try:
        code = sign_in._normal_code(typed)
    except CodeMalformed:
        return
    assert code.isascii()
    assert code.isdecimal()
    assert len(code) == 6
