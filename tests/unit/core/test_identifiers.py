"""Numbers of persons, phones and accounts: many typed forms, one stored form, no leak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import errors, identifiers
from backend.core.locale import Locale

if TYPE_CHECKING:
    from collections.abc import Callable

PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
KEYBOARDS = st.sampled_from([{}, PERSIAN, ARABIC])
BETWEEN = st.sampled_from(["", " ", "-", "\u00a0", "\u200c", "\u200e", "\u202a", "–"])
MOBILE_PREFIXES = st.sampled_from(["0", "", "0098", "+98"])
NINE_DIGITS = st.text(st.sampled_from("0123456789"), min_size=9, max_size=9)


@st.composite
def typed(draw: st.DrawFn, plain: str) -> str:
    """Type a number on any keyboard, with separators between any two characters."""
    written = plain.translate(draw(KEYBOARDS))
    cut = draw(st.integers(0, len(written)))
    return "".join([draw(BETWEEN), written[:cut], draw(BETWEEN), written[cut:], draw(BETWEEN)])


def _national_code(nine: str) -> str:
    """Give the national code of nine digits, by trying: exactly one check digit fits."""
    weights = range(10, 1, -1)
    total = sum(int(digit) * weight for digit, weight in zip(nine, weights, strict=True))
    fitting = [
        check
        for check in range(10)
        if (total + check) % 11 == 0 or (check < 2 and total % 11 == check)
    ]
    return nine + str(fitting[0])


@given(st.data(), NINE_DIGITS, MOBILE_PREFIXES)
def test_every_form_of_a_mobile_number_is_stored_as_one(
    data: st.DataObject, nine: str, prefix: str
) -> None:
    written = data.draw(typed(f"{prefix}9{nine}"))

    assert identifiers.normalize_mobile(written) == f"+989{nine}"
    assert identifiers.normalize_phone(written) == f"+989{nine}"


@pytest.mark.parametrize(
    "written",
    [
        "09121234567",
        "9121234567",
        "00989121234567",
        "+989121234567",
        "۰۹۱۲ ۱۲۳ ۴۵۶۷",
        "٠٩١٢-١٢٣-٤٥٦٧",
        "\u202a+98 912 123 4567\u202c",
        "+۹۸۹۱۲۱۲۳۴۵۶۷",
    ],
)
def test_a_mobile_number_is_accepted_in_the_forms_of_the_rule(written: str) -> None:
    assert identifiers.normalize_mobile(written) == "+989121234567"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "0912123456",
        "091212345678",
        "08121234567",
        "+9809121234567",
        "989121234567",
        "+19121234567",
        "02188776655",
        "0912123456a",
        "०९१२१२३४५६७",
        "09121234567" + " " * 80,
        "09121234567;ext=1",
        "09121234567\x00",
    ],
)
def test_what_is_no_mobile_number_is_refused(written: str) -> None:
    with pytest.raises(identifiers.InvalidMobile):
        identifiers.normalize_mobile(written)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("021-88776655", "+982188776655"),
        ("۰۷۱ ۳۲۳۴ ۵۶۷۸", "+987132345678"),
        ("+98 21 8877 6655", "+982188776655"),
        ("00982188776655", "+982188776655"),
        ("2188776655", "+982188776655"),
        ("0912 123 4567", "+989121234567"),
    ],
)
def test_a_telephone_number_is_stored_as_e164(written: str, stored: str) -> None:
    assert identifiers.normalize_phone(written) == stored


@pytest.mark.parametrize(
    "written", ["", "88776655", "0118877665", "+4930123456", "021-88776655 x12", "02188776655123"]
)
def test_what_is_no_telephone_number_is_refused(written: str) -> None:
    with pytest.raises(identifiers.InvalidPhone):
        identifiers.normalize_phone(written)


@pytest.mark.parametrize("code", ["0012345679", "2291234560", "0076543218"])
def test_the_national_codes_of_the_rule_are_valid(code: str) -> None:
    assert identifiers.normalize_national_code(code) == code


@given(st.data(), NINE_DIGITS.filter(lambda nine: len(set(nine)) > 1))
def test_every_national_code_is_stored_in_ascii_digits(data: st.DataObject, nine: str) -> None:
    code = _national_code(nine)

    assert identifiers.normalize_national_code(data.draw(typed(code))) == code


@given(NINE_DIGITS.filter(lambda nine: len(set(nine)) > 1), st.integers(1, 9))
def test_a_wrong_check_digit_is_refused(nine: str, shift: int) -> None:
    wrong = (int(_national_code(nine)[9]) + shift) % 10

    with pytest.raises(identifiers.InvalidNationalCode):
        identifiers.normalize_national_code(f"{nine}{wrong}")


@pytest.mark.parametrize("digit", "0123456789")
def test_ten_equal_digits_are_no_national_code(digit: str) -> None:
    with pytest.raises(identifiers.InvalidNationalCode):
        identifiers.normalize_national_code(digit * 10)


@pytest.mark.parametrize("written", ["", "12345679", "00012345679", "001234567x", "०" * 10])
def test_what_has_not_ten_digits_is_no_national_code(written: str) -> None:
    with pytest.raises(identifiers.InvalidNationalCode):
        identifiers.normalize_national_code(written)


def test_a_masked_national_code_shows_its_last_four_digits() -> None:
    assert identifiers.mask_national_code("0012345679") == "******5679"


@given(st.data(), st.text(st.sampled_from("0123456789"), min_size=22, max_size=22))
def test_every_iranian_iban_is_stored_in_one_form(data: st.DataObject, account: str) -> None:
    iban = f"IR{98 - int(account + '182700') % 97:02d}{account}"  # ISO 7064 mod 97-10, I=18 R=27

    assert identifiers.normalize_iban(data.draw(typed(iban))) == iban


@pytest.mark.parametrize(
    "written",
    [
        "IR130130000000000123456789",
        "ir13 0130 0000 0000 0123 4567 89",
        "\u202aIR۱۳۰۱۳۰۰۰۰۰۰۰۰۰۰۱۲۳۴۵۶۷۸۹\u202c",
    ],
)
def test_the_iban_of_the_rule_is_valid(written: str) -> None:
    assert identifiers.normalize_iban(written) == "IR130130000000000123456789"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "IR130130000000000123456780",
        "IR13013000000000012345678",
        "130130000000000123456789",
        "IR1301300000000001234567890",
        "DE89370400440532013000",
        "IR13013000000000012345678A",
    ],
)
def test_what_is_no_iranian_iban_is_refused(written: str) -> None:
    with pytest.raises(identifiers.InvalidIban):
        identifiers.normalize_iban(written)


def test_a_masked_iban_shows_its_country_and_its_last_four_digits() -> None:
    masked = identifiers.mask_iban("IR130130000000000123456789")

    assert masked == "IR********************6789"


def test_a_postal_code_has_ten_digits() -> None:
    assert identifiers.normalize_postal_code("۷۱۳۴۸-۱۴۳۳۶") == "7134814336"


@pytest.mark.parametrize("written", ["", "713481433", "71348143366", "71348a4336"])
def test_what_has_not_ten_digits_is_no_postal_code(written: str) -> None:
    with pytest.raises(identifiers.InvalidPostalCode):
        identifiers.normalize_postal_code(written)


@pytest.mark.parametrize(
    ("normalize", "value"),
    [
        (identifiers.normalize_mobile, "0912123456"),
        (identifiers.normalize_phone, "0118877665"),
        (identifiers.normalize_national_code, "0012345678"),
        (identifiers.normalize_iban, "IR130130000000000123456780"),
        (identifiers.normalize_postal_code, "713481433"),
    ],
)
def test_a_refusal_never_carries_the_value(normalize: Callable[[str], str], value: str) -> None:
    with pytest.raises(errors.BadUserInput) as refusal:
        normalize(value)

    error = refusal.value
    told = [str(error), repr(error), repr(error.data)]
    told += [sentence(locale) for sentence in (error.message, error.hint) for locale in Locale]
    assert not any(value in part for part in told)
    assert error.__context__ is None  # no library's error with the value is dragged along
