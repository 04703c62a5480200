"""What can be wrong about a file of stores: its columns, a row, a cell."""

from collections.abc import Iterable
from dataclasses import dataclass

from backend.core.errors import BadUserInput, DomainError, sentences
from backend.core.geo import GeoBounds

MAX_NAMES_SHOWN = 5
IRAN = GeoBounds(south=24.0, west=44.0, north=40.0, east=64.0)


class ColumnsMissing(BadUserInput):
    """The header lacks columns that every file of stores must have."""

    code = "COLUMNS_MISSING"
    texts = sentences(
        fa="این ستون‌ها در پرونده نیست: {names}", en="These columns are missing: {names}"
    )
    hints = sentences(
        fa="ردیف نخست باید نام ستون‌ها باشد؛ نام‌ها در docs/stores-file.md آمده است.",
        en="The first row must hold the names of the columns, as docs/stores-file.md lists them.",
    )


class ColumnsUnknown(BadUserInput):
    """The header names columns that a file of stores does not have."""

    code = "COLUMNS_UNKNOWN"
    texts = sentences(fa="این ستون‌ها شناخته نشد: {names}", en="These columns are unknown: {names}")
    hints = sentences(
        fa="نام ستون را اصلاح کنید یا ستون را بردارید؛ نام‌ها در docs/stores-file.md آمده است.",
        en="Correct or remove them; docs/stores-file.md lists the names.",
    )


class ColumnsRepeated(BadUserInput):
    """The header names a column twice, or the province by both of its codes."""

    code = "COLUMNS_REPEATED"
    texts = sentences(
        fa="این ستون‌ها بیش از یک بار آمده است: {names}",
        en="These columns stand there more than once: {names}",
    )
    hints = sentences(fa="از هر ستون تنها یکی بگذارید.", en="Leave one of each.")


class CellsMiscounted(BadUserInput):
    """A row has more or fewer cells than the header."""

    code = "CELLS_MISCOUNTED"
    texts = sentences(
        fa="این ردیف {cells} خانه دارد و باید {expected} خانه داشته باشد.",
        en="This row has {cells} cells and should have {expected}.",
    )
    hints = sentences(
        fa="متنی را که جداکننده دارد میان دو نقل‌قول بگذارید.",
        en="Put text that holds a delimiter between quotes.",
    )


class CellEmpty(BadUserInput):
    """A cell that must be filled is empty."""

    code = "CELL_EMPTY"
    texts = sentences(fa="این خانه نباید خالی باشد.", en="This cell must not be empty.")
    hints = sentences(fa="مقدار آن را بنویسید.", en="Fill it in.")


class TextTooLong(BadUserInput):
    """A text is longer than its column takes."""

    code = "TEXT_TOO_LONG"
    texts = sentences(
        fa="این متن باید حداکثر {most} نویسه باشد.", en="This text may have {most} characters."
    )
    hints = sentences(fa="متن را کوتاه کنید.", en="Shorten the text.")


class InvalidStoreCode(BadUserInput):
    """A code is not 1 to 40 Latin letters, digits, dots, dashes, slashes and underscores."""

    code = "INVALID_STORE_CODE"
    texts = sentences(fa="کد فروشگاه درست نیست.", en="The store's code is not valid.")
    hints = sentences(
        fa="کد باید با حرف لاتین یا رقم آغاز شود و حداکثر ۴۰ حرف لاتین، رقم یا یکی از ._/- باشد.",
        en="It begins with a Latin letter or digit and has up to 40 of those and of ._/-",
    )


class RepeatedStoreCode(BadUserInput):
    """A code stands in two rows of one file."""

    code = "REPEATED_STORE_CODE"
    texts = sentences(
        fa="این کد در ردیف {row} هم آمده است.", en="This code stands in row {row} as well."
    )
    hints = sentences(fa="یکی از دو ردیف را بردارید.", en="Remove one of the two rows.")


class UnknownChoice(BadUserInput):
    """A cell holds none of the words that its column takes."""

    code = "UNKNOWN_CHOICE"
    texts = sentences(fa="این مقدار شناخته نشد.", en="This value is unknown.")
    hints = sentences(fa="یکی از این‌ها را بنویسید: {choices}", en="Write one of: {choices}")


class CategoryUnknown(BadUserInput):
    """No category has this code or name."""

    code = "CATEGORY_UNKNOWN"
    texts = sentences(fa="چنین دسته‌ای وجود ندارد.", en="There is no such category.")
    hints = sentences(
        fa="کد یا نام یکی از دسته‌های موجود را بنویسید.",
        en="Write the code or the name of an existing category.",
    )


class ProvinceUnknown(BadUserInput):
    """No province has this code or name."""

    code = "PROVINCE_UNKNOWN"
    texts = sentences(fa="چنین استانی وجود ندارد.", en="There is no such province.")
    hints = sentences(
        fa="نام فارسی استان یا کد ISO آن را مانند IR-07 بنویسید.",
        en="Write the Persian name of the province or its ISO code, such as IR-07.",
    )


class InvalidWholeNumber(BadUserInput):
    """A cell is no whole number."""

    code = "INVALID_WHOLE_NUMBER"
    texts = sentences(fa="این خانه باید عدد صحیح باشد.", en="This cell must be a whole number.")
    hints = sentences(
        fa="عدد را با رقم و بی‌واحد بنویسید؛ مبلغ‌ها به ریال است.",
        en="Write digits without a unit; amounts are in rials.",
    )


class InvalidDegrees(BadUserInput):
    """A coordinate is no number of decimal degrees."""

    code = "INVALID_DEGREES"
    texts = sentences(
        fa="این خانه باید درجهٔ اعشاری باشد.", en="This cell must be a number of decimal degrees."
    )
    hints = sentences(
        fa="درجه را تنها با رقم و یک ممیز بنویسید، مانند 29.6100؛ دقیقه و ثانیه و حرف نداشته باشد.",
        en="Write digits and one decimal point, such as 29.6100, without minutes, seconds and letters.",
    )


class OutsideIran(BadUserInput):
    """A coordinate is not one of Iran."""

    code = "OUTSIDE_IRAN"
    texts = sentences(fa="این مختصات در ایران نیست.", en="This coordinate is not in Iran.")
    hints = sentences(
        fa="عرض باید از {south} تا {north} و طول از {west} تا {east} درجه باشد، مانند 29.6100؛ شاید جابه‌جا شده‌اند.",
        en="Latitude is {south} to {north} and longitude {west} to {east} degrees, such as 29.6100; "
        "they may be swapped.",
    )

    def __init__(self) -> None:
        super().__init__(
            south=int(IRAN.south), north=int(IRAN.north), west=int(IRAN.west), east=int(IRAN.east)
        )


class OutsideProvince(BadUserInput):
    """A warning: a point is far from the larger cities of its province."""

    code = "OUTSIDE_PROVINCE"
    texts = sentences(
        fa="هشدار: این نقطه دور از شهرهای استان است؛ ردیف پذیرفته شد.",
        en="Warning: this point is far from the cities of the province; the row was accepted.",
    )
    hints = sentences(
        fa="استان و مختصات را بررسی کنید.", en="Check the province and the coordinates."
    )


class TooManyPhones(BadUserInput):
    """A store has more telephone numbers than the limit."""

    code = "TOO_MANY_PHONES"
    texts = sentences(
        fa="هر فروشگاه حداکثر {most} شماره تلفن دارد.",
        en="A store has at most {most} phone numbers.",
    )
    hints = sentences(fa="شماره‌های کمتری بنویسید.", en="Write fewer numbers.")


class TermsIncomplete(BadUserInput):
    """Some of the four columns of instalment terms are filled, and some are not."""

    code = "TERMS_INCOMPLETE"
    texts = sentences(
        fa="شرایط اقساط ناقص است: این خانه خالی است.",
        en="The instalment terms are incomplete: this cell is empty.",
    )
    hints = sentences(
        fa="هر چهار ستون ماه‌ها و مبلغ‌ها را پر کنید یا هر چهار را خالی بگذارید.",
        en="Fill in all four columns of months and amounts, or none.",
    )


class SettlementIncomplete(BadUserInput):
    """A settlement without its IBAN or its mode."""

    code = "SETTLEMENT_INCOMPLETE"
    texts = sentences(
        fa="اطلاعات تسویه ناقص است: این خانه خالی است.",
        en="The settlement is incomplete: this cell is empty.",
    )
    hints = sentences(
        fa="شبا و شیوهٔ تسویه را با هم بنویسید یا هر سه ستون تسویه را خالی بگذارید.",
        en="Write IBAN and mode together, or leave all three settlement columns empty.",
    )


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong, or with a warning only odd, about a cell; `column` is empty for a whole row."""

    column: str
    error: DomainError
    is_warning: bool = False


def listed(names: Iterable[str]) -> str:
    """Return the names for a sentence; of many the first."""
    shown = list(names)
    beyond = ", …" if len(shown) > MAX_NAMES_SHOWN else ""
    return ", ".join(shown[:MAX_NAMES_SHOWN]) + beyond
