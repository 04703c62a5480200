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


class NationalCodeShort(BadUserInput):
    """A national code of eight or nine digits: a spreadsheet took its zeros for nothing."""

    code = "NATIONAL_CODE_SHORT"
    texts = sentences(
        fa="کد ملی ده رقم دارد و صفرهای آغاز آن افتاده است.",
        en="A national code has ten digits; the zeros at its beginning are missing.",
    )
    hints = sentences(
        fa="ستون کد ملی را در اکسل با قالب «متن» بسازید تا صفرهای آغاز بمانند.",
        en="Make the column a text in Excel, so that the zeros stay.",
    )


class CellPassedOver(BadUserInput):
    """A warning: a phone or an IBAN is not valid; the row is merged and leaves what is stored."""

    code = "CELL_PASSED_OVER"
    texts = sentences(
        fa="هشدار: این خانه درست نیست؛ ردیف پذیرفته شد و آنچه پیش‌تر ثبت شده بود ماند.",
        en="Warning: this cell is not valid; the row was accepted, and what is stored stays.",
    )
    hints = sentences(
        fa="مقدار درست را در پروندهٔ ماه بعد بیاورید.", en="Write the right value in the next file."
    )


class CityLeftEmpty(BadUserInput):
    """A warning: a city's name is longer than any; the member has none then."""

    code = "CITY_LEFT_EMPTY"
    texts = sentences(
        fa="هشدار: نام شهر بیش از اندازه بلند است؛ ردیف پذیرفته شد و این خانه خالی ماند.",
        en="Warning: the name of the city is too long; the row was accepted without it.",
    )
    hints = sentences(fa="نام شهر را کوتاه بنویسید.", en="Write the name of the city only.")


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


class PhoneChanges(BadUserInput):
    """A warning in the report of a stopped file: the member would get another phone."""

    code = "PHONE_CHANGES"
    texts = sentences(fa="تلفن این شخص تغییر می‌کند.", en="This person would get another phone.")
    hints = sentences(
        fa="اگر بسیاری تغییر می‌کنند، ستون تلفن را بررسی کنید.",
        en="Where many change, look at the column of phones.",
    )


class DeceasedNow(BadUserInput):
    """A warning in the report of a stopped file: the member would be deceased, and no file undoes it."""

    code = "DECEASED_NOW"
    texts = sentences(
        fa="این شخص فوت‌شده ثبت می‌شود و پروندهٔ دیگری آن را برنمی‌گرداند.",
        en="This person would be deceased, and no file undoes that.",
    )
    hints = sentences(
        fa="اگر بسیاری فوت‌شده‌اند، ستون وضعیت را بررسی کنید.",
        en="Where there are many, look at the column of states.",
    )


class PensionStops(BadUserInput):
    """A warning in the report of a stopped file: an active member would be inactive, by the row itself."""

    code = "PENSION_STOPS"
    texts = sentences(fa="این شخص غیرفعال می‌شود.", en="This person would become inactive.")
    hints = sentences(
        fa="اگر بسیاری غیرفعال می‌شوند، ستون وضعیت را بررسی کنید.",
        en="Where many do, look at the column of states.",
    )


class PensionEmptied(BadUserInput):
    """A warning in the report of a stopped file: a pension that was known would be unknown, and credit zero."""

    code = "PENSION_EMPTIED"
    texts = sentences(
        fa="خالص مستمری این شخص خالی و اعتبارش صفر می‌شود.",
        en="The pension of this person would be unknown, and the credit zero.",
    )
    hints = sentences(fa="ستون مستمری را بررسی کنید.", en="Look at the column of pensions.")


class Vanishes(BadUserInput):
    """A figure in the report of a stopped file: so many of a province, branch or association are in no row."""

    code = "VANISHES"
    texts = sentences(
        fa="{members} عضو فعال با کد {unit} در پرونده نیستند.",
        en="{members} active members with the code {unit} are not in the file.",
    )
    hints = sentences(
        fa="فهرست آنان در {file} است؛ آن را پس از بررسی پاک کنید.",
        en="They are listed in {file}; delete it after the decision.",
    )
