"""What can be wrong about a membership file, besides what can be about any sheet."""

from typing import Final

from backend.core.errors import BadUserInput, sentences
from backend.infra import sheet_problems

DOCUMENT: Final = "docs/membership-file.md"


class MembershipColumnsMissing(sheet_problems.ColumnsMissing):
    """The header lacks columns; every column must stand in it."""

    document = DOCUMENT


class MembershipColumnsUnknown(sheet_problems.ColumnsUnknown):
    """The header has columns that a membership file does not have.

    They are named by number: where the header is missing, their texts are those of a person.
    """

    texts = sentences(
        fa="این ستون‌ها شناخته نشد (شماره): {names}",
        en="These columns are unknown (by number): {names}",
    )
    document = DOCUMENT


class InvalidPensionNumber(BadUserInput):
    """A text that is no pension number."""

    code = "INVALID_PENSION_NUMBER"
    texts = sentences(fa="شمارهٔ مستمری درست نیست.", en="The pension number is not valid.")
    hints = sentences(
        fa="شمارهٔ مستمری را از روی حکم مستمری بنویسید.",
        en="Write the pension number from the pension order.",
    )


class InvalidBirthDate(BadUserInput):
    """A birth date in the future, or before the Jalali year 1270."""

    code = "INVALID_BIRTH_DATE"
    texts = sentences(fa="تاریخ تولد پذیرفتنی نیست.", en="The birth date is not plausible.")
    hints = sentences(
        fa="تاریخ را خورشیدی و به شکل ۱۳۳۰-۰۵-۱۲ بنویسید.",
        en="Write a Jalali date like 1330-05-12.",
    )


class InvalidUnitCode(BadUserInput):
    """A text that is no code of a branch or an association."""

    code = "INVALID_UNIT_CODE"
    texts = sentences(fa="کد شعبه یا کانون درست نیست.", en="The unit's code is not valid.")
    hints = sentences(
        fa="کد را با حرف لاتین و رقم و دست‌بالا ۲۰ نویسه بنویسید.",
        en="Write the code in Latin letters and digits, at most 20 characters.",
    )


class InvalidRials(BadUserInput):
    """A text that is no whole amount of rials."""

    code = "INVALID_RIALS"
    texts = sentences(fa="مبلغ درست نیست.", en="The amount is not valid.")
    hints = sentences(
        fa="مبلغ را به ریال و بدون اعشار بنویسید.", en="Write whole rials, without a fraction."
    )


class RepeatedNationalCode(BadUserInput):
    """The person stands in an earlier row already."""

    code = "REPEATED_NATIONAL_CODE"
    texts = sentences(
        fa="این کد ملی در ردیف {row} هم آمده است.", en="This national code is in row {row} as well."
    )
    hints = sentences(fa="یکی از دو ردیف را بردارید.", en="Remove one of the two rows.")


class RepeatedPensionNumber(BadUserInput):
    """The pension number stands in an earlier row already."""

    code = "REPEATED_PENSION_NUMBER"
    texts = sentences(
        fa="این شمارهٔ مستمری در ردیف {row} هم آمده است.",
        en="This pension number is in row {row} as well.",
    )
    hints = sentences(
        fa="شمارهٔ درست هر دو نفر را بنویسید.", en="Write the right number of both persons."
    )


class PensionNumberTaken(BadUserInput):
    """The pension number is stored with another national code."""

    code = "PENSION_NUMBER_TAKEN"
    texts = sentences(
        fa="این شمارهٔ مستمری برای کد ملی دیگری ثبت شده است.",
        en="This pension number is stored with another national code.",
    )
    hints = sentences(
        fa="کد ملی و شمارهٔ مستمری را بررسی کنید؛ هیچ‌یک از دو نفر تغییر نکرد.",
        en="Check national code and pension number; neither person was changed.",
    )


class UnitUnknown(BadUserInput):
    """A warning: no branch, or no association, has this code; the member has none then."""

    code = "UNIT_UNKNOWN"
    texts = sentences(
        fa="هشدار: شعبه یا کانونی با این کد ثبت نشده است؛ ردیف پذیرفته شد و این خانه خالی ماند.",
        en="Warning: no branch or association has this code; the row was accepted without it.",
    )
    hints = sentences(
        fa="کد را اصلاح کنید؛ اگر شعبه یا کانون تازه است، نخست آن را ثبت کنید و در پروندهٔ ماه بعد بیاورید.",
        en="Correct the code; save a new branch or association first, and name it in the next file.",
    )


class DeceasedComesBack(BadUserInput):
    """A warning: somebody who is stored as deceased is alive in the file, and stays deceased."""

    code = "DECEASED_COMES_BACK"
    texts = sentences(
        fa="این شخص پیش‌تر فوت‌شده ثبت شده است و همچنان چنین می‌ماند.",
        en="This person is stored as deceased, and stays so.",
    )
    hints = sentences(
        fa="اگر نادرست است، کاربر سامانه باید آن را اصلاح کند.",
        en="If that is wrong, an operator must correct it.",
    )
