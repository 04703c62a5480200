"""The scalars of the schema: how each is written on the wire, and what is refused on the way in.

A refused value becomes a top-level BAD_USER_INPUT in the viewer's language; the value itself is never repeated.
"""

import re
from datetime import UTC, date, datetime
from typing import NewType
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from backend.core import calendar, errors, identifiers
from backend.core.money import MAX_RIALS

Rial = NewType("Rial", int)
JalaliDate = NewType("JalaliDate", date)
JalaliMonth = NewType("JalaliMonth", int)
PhoneNumber = NewType("PhoneNumber", str)
NationalCode = NewType("NationalCode", str)
MemberSearch = NewType("MemberSearch", str)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


class InvalidRial(errors.BadUserInput):
    """A value that is no whole number of rials in 64 bits."""

    texts = errors.sentences(
        fa="مبلغ باید عددی صحیح به ریال باشد.", en="An amount is a whole number of rials."
    )
    hints = errors.sentences(
        fa="مبلغ را بدون اعشار و به ریال بفرستید.",
        en="Send the amount in rials, without a fraction.",
    )


class InvalidText(errors.BadUserInput):
    """A value that is no text."""

    texts = errors.sentences(fa="این ورودی باید متن باشد.", en="This input is a text.")
    hints = errors.sentences(fa="متن بفرستید.", en="Send a text.")


class InvalidDateTime(errors.BadUserInput):
    """A value that is no moment with a time zone."""

    texts = errors.sentences(
        fa="زمان باید به شکل RFC 3339 و با منطقهٔ زمانی باشد.",
        en="A moment is written as in RFC 3339, with a time zone.",
    )
    hints = errors.sentences(
        fa="برای نمونه 2026-11-21T08:30:00Z بفرستید.", en="Send, for example, 2026-11-21T08:30:00Z."
    )


class InvalidUuid(errors.BadUserInput):
    """A value that is no UUID."""

    texts = errors.sentences(
        fa="شناسه باید یک UUID باشد.", en="This id is a UUID: 32 hexadecimal digits."
    )
    hints = errors.sentences(
        fa="برای نمونه 0192f0c1-2b3c-7d4e-8f50-617283940a1b بفرستید.",
        en="Send, for example, 0192f0c1-2b3c-7d4e-8f50-617283940a1b.",
    )


def _parse_uuid(value: object) -> UUID:
    if not isinstance(value, str) or _UUID.fullmatch(value) is None:
        raise InvalidUuid
    return UUID(value)


def _parse_rial(value: object) -> Rial:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_RIALS:
        raise InvalidRial
    return Rial(value)


def _parse_datetime(value: object) -> datetime:
    # `fromisoformat` alone takes weeks, days without hyphens and moments without a zone as well.
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise InvalidDateTime
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidDateTime from error


def _parse_jalali_date(value: object) -> JalaliDate:
    if not isinstance(value, str):
        raise calendar.InvalidJalaliDate
    return JalaliDate(calendar.parse_jalali_date(value))


def _parse_jalali_month(value: object) -> JalaliMonth:
    if not isinstance(value, str):
        raise calendar.InvalidJalaliMonth
    return JalaliMonth(calendar.parse_month(value))


def _parse_phone_number(value: object) -> PhoneNumber:
    if not isinstance(value, str):
        raise identifiers.InvalidMobile
    return PhoneNumber(identifiers.normalize_mobile(value))


def _parse_text(value: object) -> MemberSearch:
    if not isinstance(value, str):
        raise InvalidText
    return MemberSearch(value)


def _parse_national_code(value: object) -> NationalCode:
    if not isinstance(value, str):
        raise identifiers.InvalidNationalCode
    return NationalCode(identifiers.normalize_national_code(value))


def _write_datetime(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


SCALARS: dict[object, ScalarDefinition] = {
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID as RFC 9562 writes it, in either case; the hyphens may be left out.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=str,
        parse_value=_parse_uuid,
    ),
    Rial: strawberry.scalar(
        name="Rial",
        description="An amount in whole rials: a JSON integer of up to 64 bits. One toman is ten rials.",
        serialize=int,
        parse_value=_parse_rial,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, written as in RFC 3339: `2026-11-21T08:30:00Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_write_datetime,
        parse_value=_parse_datetime,
    ),
    JalaliDate: strawberry.scalar(
        name="JalaliDate",
        description="A day of the Jalali calendar: `1405-09-01`. Persian digits are understood.",
        serialize=calendar.format_jalali_date,
        parse_value=_parse_jalali_date,
    ),
    JalaliMonth: strawberry.scalar(
        name="JalaliMonth",
        description="A month of the Jalali calendar: `1405-09`. Persian digits are understood.",
        serialize=calendar.format_month,
        parse_value=_parse_jalali_month,
    ),
    PhoneNumber: strawberry.scalar(
        name="PhoneNumber",
        description="An Iranian mobile number. Understood as 09…, 9…, 0098… and +98…, in any digits; "
        "answered in E.164: `+989121234567`.",
        serialize=str,
        parse_value=_parse_phone_number,
    ),
    NationalCode: strawberry.scalar(
        name="NationalCode",
        description="A national code: ten digits with a check digit. Persian digits are understood.",
        serialize=str,
        parse_value=_parse_national_code,
    ),
    MemberSearch: strawberry.scalar(
        name="MemberSearch",
        description="What an operator searches a member by: a whole national code, phone or pension number, or the "
        "words of a name. Personal, so that it never stands in a URL.",
        serialize=str,
        parse_value=_parse_text,
    ),
}
