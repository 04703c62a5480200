"""Numbers that name persons, phones, accounts and addresses: one stored form from many typed ones.

Persian and Arabic digits, spaces, dashes, ZWNJ and bidi controls are accepted everywhere. No error
carries the refused value: it may be personal. Source: the house's rules on persons and numbers.
"""

from __future__ import annotations

import re

import phonenumbers
import schwifty

from backend.core import errors, text

# Longer input is refused unread; the longest form with its separators and controls is far shorter.
MAX_TYPED_CHARACTERS = 80

_SEPARATORS = re.compile(r"[\s\u200b-\u200d\ufeff\-\u2010-\u2015\u2212]+")
_MOBILE = re.compile(r"(?:\+98|0098|0)?(9[0-9]{9})")
_NATIONAL_NUMBER = re.compile(r"(?:\+98|0098|0)?([1-9][0-9]{3,9})")
_TEN_DIGITS = re.compile(r"[0-9]{10}")
_IBAN = re.compile(r"IR[0-9]{24}")


class InvalidMobile(errors.BadUserInput):
    """The text is not an Iranian mobile number."""

    texts = errors.sentences(
        fa="شمارهٔ موبایل درست نیست.",
        en="The mobile number is not valid.",
    )
    hints = errors.sentences(
        fa="شمارهٔ یازده‌رقمی را که با ۰۹ آغاز می‌شود وارد کنید.",
        en="Enter the number of eleven digits that begins with 09.",
    )


class InvalidPhone(errors.BadUserInput):
    """The text is not an Iranian telephone number."""

    texts = errors.sentences(
        fa="شمارهٔ تلفن درست نیست.",
        en="The telephone number is not valid.",
    )
    hints = errors.sentences(
        fa="شماره را با پیش‌شمارهٔ شهر وارد کنید.",
        en="Enter the number with its area code.",
    )


class InvalidNationalCode(errors.BadUserInput):
    """The text is not a national code."""

    texts = errors.sentences(
        fa="کد ملی درست نیست.",
        en="The national code is not valid.",
    )
    hints = errors.sentences(
        fa="هر ده رقم کد ملی را، با صفرهای آغاز آن، از روی کارت ملی وارد کنید.",
        en="Enter all ten digits from the national card, leading zeros included.",
    )


class InvalidIban(errors.BadUserInput):
    """The text is not an Iranian IBAN."""

    texts = errors.sentences(
        fa="شمارهٔ شبا درست نیست.",
        en="The IBAN is not valid.",
    )
    hints = errors.sentences(
        fa="شبا را با IR و ۲۴ رقم پس از آن وارد کنید.",
        en="Enter the IBAN as IR and the 24 digits after it.",
    )


class InvalidPostalCode(errors.BadUserInput):
    """The text is not a postal code."""

    texts = errors.sentences(
        fa="کد پستی درست نیست.",
        en="The postal code is not valid.",
    )
    hints = errors.sentences(
        fa="هر ده رقم کد پستی را وارد کنید.",
        en="Enter all ten digits of the postal code.",
    )


def normalize_mobile(typed: str) -> str:
    """Return a mobile number as E.164: +989 and nine digits.

    Accepts 09…, 9…, 00989… and +989…. Numbers are portable, so no prefix of an operator is asked
    for. Raises InvalidMobile.
    """
    match = _MOBILE.fullmatch(_compact(typed))
    if match is None:
        raise InvalidMobile
    return f"+98{match[1]}"


def normalize_phone(typed: str) -> str:
    """Return an Iranian mobile or landline number (with its area code) as E.164.

    Raises InvalidPhone, also for a number that no Iranian numbering plan has.
    """
    compact = _compact(typed)
    mobile = _MOBILE.fullmatch(compact)
    if mobile is not None:
        return f"+98{mobile[1]}"
    landline = _NATIONAL_NUMBER.fullmatch(compact)
    if landline is None:
        raise InvalidPhone
    number = phonenumbers.PhoneNumber(country_code=98, national_number=int(landline[1]))
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalize_national_code(typed: str) -> str:
    """Return a national code as ten ASCII digits, the last of them the right check digit.

    Raises InvalidNationalCode, also for ten equal digits, which pass the formula.
    """
    compact = _compact(typed)
    if _TEN_DIGITS.fullmatch(compact) is None or len(set(compact)) == 1:
        raise InvalidNationalCode
    remainder = sum(int(compact[i]) * (10 - i) for i in range(9)) % 11
    check_digit = remainder if remainder in (0, 1) else 11 - remainder
    if int(compact[9]) != check_digit:
        raise InvalidNationalCode
    return compact


def mask_national_code(national_code: str) -> str:
    """Return a normalized national code with all but its last four digits hidden."""
    return _masked(national_code, shown_first=0)


def normalize_iban(typed: str) -> str:
    """Return an Iranian IBAN as IR and 24 digits, checked by ISO 7064 mod 97-10.

    Raises InvalidIban, also for the IBAN of another country.
    """
    compact = _compact(typed).upper()
    if _IBAN.fullmatch(compact) is None:
        raise InvalidIban
    # Asked instead of raised: the library's own errors carry the value.
    if not schwifty.IBAN(compact, allow_invalid=True).is_valid:
        raise InvalidIban
    return compact


def mask_iban(iban: str) -> str:
    """Return a normalized IBAN with all but its country and its last four digits hidden."""
    return _masked(iban, shown_first=2)


def mask_phone(phone: str) -> str:
    """Return a number in E.164 with all but its beginning and its last four digits hidden: +98912***4567."""
    return _masked(phone, shown_first=6)


def normalize_postal_code(typed: str) -> str:
    """Return a postal code as ten ASCII digits. Raises InvalidPostalCode."""
    compact = _compact(typed)
    if _TEN_DIGITS.fullmatch(compact) is None:
        raise InvalidPostalCode
    return compact


def _masked(value: str, *, shown_first: int) -> str:
    return value[:shown_first] + "*" * (len(value) - shown_first - 4) + value[-4:]


def _compact(typed: str) -> str:
    """Return what was typed in ASCII digits without separators; nothing where it is too long."""
    if len(typed) > MAX_TYPED_CHARACTERS:
        return ""
    return _SEPARATORS.sub("", text.to_ascii_digits(text.strip_bidi_controls(typed)))
