"""What can be wrong about a file of stores, besides what can be about any sheet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend.core.calendar import InvalidJalaliDate
from backend.core.errors import BadUserInput, DomainError, sentences
from backend.core.geo import GeoBounds
from backend.core.identifiers import InvalidIban, InvalidPhone
from backend.infra import sheet_problems
from backend.stores import opening, opening_text
from backend.stores.domain import TermsInvalid

DOCUMENT: Final = "docs/stores-file.md"
IRAN = GeoBounds(south=24.0, west=44.0, north=40.0, east=64.0)


class ColumnsMissing(sheet_problems.ColumnsMissing):
    """The header lacks columns that every file of stores must have."""

    document = DOCUMENT


class ColumnsUnknown(sheet_problems.ColumnsUnknown):
    """The header names columns that a file of stores does not have."""

    document = DOCUMENT


class InvalidStoreCode(BadUserInput):
    """A code is not 1 to 40 Latin letters, digits, dots, dashes, slashes and underscores."""

    code = "INVALID_STORE_CODE"
    texts = sentences(fa="کد فروشگاه درست نیست.", en="The store's code is not valid.")
    hints = sentences(
        fa="کد باید با حرف لاتین یا رقم آغاز شود و حداکثر ۴۰ حرف لاتین، رقم یا یکی از ._/- باشد.",
        en="It begins with a Latin letter or digit and has up to 40 of those and of ._/-",
    )


class RepeatedStoreCode(BadUserInput):
    """A code stands in two rows of one file, be it once in capitals and once in small letters."""

    code = "REPEATED_STORE_CODE"
    texts = sentences(
        fa="این کد در ردیف {row} هم آمده است.", en="This code stands in row {row} as well."
    )
    hints = sentences(
        fa="یکی از دو ردیف را بردارید؛ حرف‌های کوچک و بزرگ لاتین در کد یکی شمرده می‌شوند.",
        en="Remove one of the two rows; capital and small letters of a code count as the same.",
    )


class CategoryUnknown(BadUserInput):
    """No category has this code or name."""

    code = "CATEGORY_UNKNOWN"
    texts = sentences(fa="چنین دسته‌ای وجود ندارد.", en="There is no such category.")
    hints = sentences(
        fa="کد یا نام یکی از دسته‌های موجود را بنویسید.",
        en="Write the code or the name of an existing category.",
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


class StoreCodeUnusable(BadUserInput):
    """The code is a place's that is not for this operator to see; the sentence does not say so."""

    code = "STORE_CODE_UNUSABLE"
    texts = sentences(fa="این کد را نمی‌توان به کار برد.", en="This code cannot be used.")
    hints = sentences(
        fa="کد دیگری بنویسید یا کد را با همکاران ستاد بررسی کنید.",
        en="Write another code, or check it with the head office.",
    )


class IbanNeedsApproval(BadUserInput):
    """A warning: the row says how the place is paid in other words than are stored."""

    code = "IBAN_NEEDS_APPROVAL"
    texts = sentences(
        fa="هشدار: تسویهٔ فروشگاه (شبا، شیوه و شمارهٔ قرارداد) با پرونده تغییر نمی‌کند؛"
        " بقیهٔ ردیف پذیرفته شد.",
        en="Warning: a file does not change how a store is paid (IBAN, mode, contract number);"
        " the rest of the row was accepted.",
    )
    hints = sentences(
        fa="تغییر شبا را با storeIbanChange درخواست کنید تا نفر دوم تأیید کند.",
        en="Ask for another IBAN by storeIbanChange, which a second person approves.",
    )


# The API knows these by the field that they refuse, and a report by a code.
REPORT_CODES: Mapping[type[DomainError], str] = {
    InvalidIban: "INVALID_IBAN",
    InvalidPhone: "INVALID_PHONE",
    InvalidJalaliDate: "INVALID_JALALI_DATE",
    TermsInvalid: "INVALID_TERMS",
    opening_text.InvalidOpeningText: "INVALID_OPENING_HOURS",
    opening_text.RepeatedOpeningDay: "REPEATED_OPENING_DAY",
    opening.InvalidOpeningPeriod: "INVALID_OPENING_PERIOD",
    opening.OverlappingOpeningPeriods: "OVERLAPPING_OPENING_PERIODS",
    opening.RepeatedOpeningException: "REPEATED_OPENING_EXCEPTION",
    opening.TooManyOpeningPeriods: "TOO_MANY_OPENING_PERIODS",
}


@dataclass(frozen=True, slots=True)
class CellProblem(sheet_problems.CellProblem):
    """What is wrong about a cell of a file of stores."""

    @property
    def code(self) -> str:
        """How a report names it."""
        return REPORT_CODES.get(type(self.error), self.error.code)
