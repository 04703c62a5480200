"""What can be wrong about a membership file: its columns, a row, a cell."""

from collections.abc import Iterable
from dataclasses import dataclass

from backend.core.errors import BadUserInput, DomainError, sentences

MAX_NAMES_SHOWN = 5


class MembershipColumnsMissing(BadUserInput):
    """The header lacks columns; every column must stand in it."""

    code = "MEMBERSHIP_COLUMNS_MISSING"
    texts = sentences(
        fa="این ستون‌ها در پرونده نیست: {names}", en="These columns are missing: {names}"
    )
    hints = sentences(
        fa="ردیف نخست باید نام همهٔ ستون‌ها باشد؛ نام‌ها در docs/membership-file.md آمده است.",
        en="The first row must name every column, as docs/membership-file.md lists them.",
    )


class MembershipColumnsUnknown(BadUserInput):
    """The header has columns that a membership file does not have; their texts are not repeated."""

    code = "MEMBERSHIP_COLUMNS_UNKNOWN"
    texts = sentences(
        fa="این ستون‌ها شناخته نشد (شماره): {numbers}",
        en="These columns are unknown (by number): {numbers}",
    )
    hints = sentences(
        fa="نام ستون را اصلاح کنید یا ستون را بردارید؛ نام‌ها در docs/membership-file.md آمده است.",
        en="Correct or remove them; docs/membership-file.md lists the names.",
    )


class MembershipColumnsRepeated(BadUserInput):
    """The header names a column twice, or the province by both of its codes."""

    code = "MEMBERSHIP_COLUMNS_REPEATED"
    texts = sentences(
        fa="این ستون‌ها بیش از یک بار آمده است: {names}",
        en="These columns stand there more than once: {names}",
    )
    hints = sentences(fa="از هر ستون تنها یکی بگذارید.", en="Leave one of each.")


class MemberCellsMiscounted(BadUserInput):
    """A row has more or fewer cells than the header."""

    code = "MEMBER_CELLS_MISCOUNTED"
    texts = sentences(
        fa="این ردیف {cells} خانه دارد و باید {expected} خانه داشته باشد.",
        en="This row has {cells} cells and should have {expected}.",
    )
    hints = sentences(
        fa="متنی را که جداکننده دارد میان دو نقل‌قول بگذارید.",
        en="Put text that holds a delimiter between quotes.",
    )


class MemberCellEmpty(BadUserInput):
    """A cell that must be filled is empty."""

    code = "MEMBER_CELL_EMPTY"
    texts = sentences(fa="این خانه خالی است.", en="This cell is empty.")
    hints = sentences(fa="خانه را پر کنید.", en="Fill in the cell.")


class MemberTextTooLong(BadUserInput):
    """A text is longer than its column."""

    code = "MEMBER_TEXT_TOO_LONG"
    texts = sentences(
        fa="متن از {most} نویسه بلندتر است.", en="The text has more than {most} characters."
    )
    hints = sentences(fa="متن را کوتاه کنید.", en="Shorten the text.")


class MemberChoiceUnknown(BadUserInput):
    """A cell holds none of the words of its column."""

    code = "MEMBER_CHOICE_UNKNOWN"
    texts = sentences(fa="این مقدار شناخته نشد.", en="This value is unknown.")
    hints = sentences(fa="یکی از این‌ها را بنویسید: {choices}", en="Write one of: {choices}")


class MemberProvinceUnknown(BadUserInput):
    """A cell names no province."""

    code = "MEMBER_PROVINCE_UNKNOWN"
    texts = sentences(fa="این استان شناخته نشد.", en="This province is unknown.")
    hints = sentences(
        fa="کد ISO استان (مانند IR-07) یا نام فارسی آن را بنویسید.",
        en="Write the province's ISO code (such as IR-07) or its Persian name.",
    )


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


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong about a cell; `column` is empty for a whole row."""

    column: str
    error: DomainError


def listed(names: Iterable[str]) -> str:
    """Return the names for a sentence; of many the first."""
    shown = list(names)
    beyond = ", …" if len(shown) > MAX_NAMES_SHOWN else ""
    return ", ".join(shown[:MAX_NAMES_SHOWN]) + beyond
