"""Plans, instalments and the ledger: what they are, their states in words, and what falls due next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from backend.core import calendar
from backend.core.errors import BadUserInput, sentences
from backend.core.locale import Locale

Words = Mapping[Locale, str]


class PlanKind(StrEnum):
    """What a plan pays off."""

    PURCHASE = "PURCHASE"
    LOAN = "LOAN"


class InstalmentKind(StrEnum):
    """A part of the principal, or the service fee of a loan."""

    PRINCIPAL = "PRINCIPAL"
    FEE = "FEE"


class InstalmentState(StrEnum):
    """Where an instalment stands between its plan and its payment."""

    PLANNED = "PLANNED"
    ORDERED = "ORDERED"
    PARTLY_PAID = "PARTLY_PAID"
    PAID = "PAID"
    OVERDUE = "OVERDUE"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"


class AccountCode(StrEnum):
    """The accounts of the ledger; each is a row that the first migration wrote."""

    MEMBERS_RECEIVABLE = "members_receivable"  # what members owe
    MEMBERS_REFUNDABLE = "members_refundable"  # what was taken from members beyond what was due
    STORES_PAYABLE = "stores_payable"  # what stores are owed
    BANK_CLEARING = "bank_clearing"  # what the bank has collected and not yet passed on
    BANK_ADVANCE = "bank_advance"  # what the bank advanced to stores that are paid at once
    LOAN_FUND = "loan_fund"  # what loans are given from
    FEE_INCOME = "fee_income"  # service fees of loans


class TransferKind(StrEnum):
    """What a transfer of the ledger records."""

    PURCHASE_CONFIRMED = "PURCHASE_CONFIRMED"
    PURCHASE_REFUNDED = "PURCHASE_REFUNDED"
    LOAN_DISBURSED = "LOAN_DISBURSED"
    LOAN_FEE_CHARGED = "LOAN_FEE_CHARGED"
    INSTALMENT_COLLECTED = "INSTALMENT_COLLECTED"
    STORE_SETTLED = "STORE_SETTLED"
    STORE_ADVANCED = "STORE_ADVANCED"
    REVERSAL = "REVERSAL"


INSTALMENT_STATE_TEXTS: Final[Mapping[InstalmentState, Words]] = MappingProxyType(
    {
        InstalmentState.PLANNED: sentences(fa="در انتظار سررسید", en="Not due yet"),
        InstalmentState.ORDERED: sentences(
            fa="برای کسر به بانک فرستاده شد", en="Sent to the bank for deduction"
        ),
        InstalmentState.PARTLY_PAID: sentences(fa="بخشی پرداخت شد", en="Partly paid"),
        InstalmentState.PAID: sentences(fa="پرداخت شد", en="Paid"),
        InstalmentState.OVERDUE: sentences(fa="معوق", en="Overdue"),
        InstalmentState.SUSPENDED: sentences(fa="متوقف شده", en="Suspended"),
        InstalmentState.CANCELLED: sentences(fa="لغو شده", en="Cancelled"),
    }
)

# The bank's reason codes (external code set of ISO 20022) in words that help a member.
FAILURE_TEXTS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "AC01": sentences(fa="شمارهٔ حساب درست نبود.", en="The account number was wrong."),
        "AC04": sentences(fa="حساب بسته است.", en="The account is closed."),
        "AM04": sentences(
            fa="موجودی حساب کافی نبود.", en="There was not enough money in the account."
        ),
        "AM05": sentences(
            fa="بانک این کسر را تکراری دانست.", en="The bank took the order for a duplicate."
        ),
        "MD01": sentences(
            fa="بانک اجازهٔ کسر از حقوق را نداشت.",
            en="The bank had no mandate to deduct from the pension.",
        ),
        "MD07": sentences(
            fa="به گفتهٔ بانک، صاحب حساب درگذشته است.",
            en="The bank says that the account holder has died.",
        ),
        "MS03": sentences(fa="بانک دلیلی نگفته است.", en="The bank gave no reason."),
    }
)
_OTHER_FAILURE = sentences(
    fa="بانک کسر را با کد {code} نپذیرفت.", en="The bank refused the order with code {code}."
)


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of a plan; `plan_kind` tells what its source is, `failure` the bank's last reason code."""

    id: int
    plan_id: int
    plan_kind: PlanKind
    kind: InstalmentKind
    number: int
    due_month: int
    amount_rials: int
    paid_rials: int
    state: InstalmentState
    failure: str | None


@dataclass(frozen=True, slots=True)
class MonthDeduction:
    """What the next deduction takes: `instalments` are its first 100, total and count are of all."""

    month: int
    total_rials: int
    count: int
    instalments: tuple[Instalment, ...]


@dataclass(frozen=True, slots=True)
class MonthDue:
    """What is left to collect of a month's instalments, of purchases and loans.

    `was_tried`: the bank was asked for it and did not take all, so that it is carried to the next deduction.
    """

    month: int
    rials: int
    was_tried: bool


class PeriodInvalid(BadUserInput):
    """A period that ends before it begins, or is too long."""

    texts = sentences(
        fa="بازه باید از آغاز تا پایان و دست‌بالا {most} ماه باشد.",
        en="A period must run from its beginning to its end, over at most {most} months.",
    )
    hints = sentences(fa="بازهٔ دیگری بفرستید.", en="Send another period.")


class TransferInvalid(BadUserInput):
    """A transfer of the ledger from an account to the same account, or of a plan without its member."""

    texts = sentences(
        fa="این جابه‌جایی در دفتر کل درست نیست.", en="This transfer of the ledger is not valid."
    )
    hints = sentences(
        fa="دو حساب جدا و عضوِ صاحب طرح اقساط را بدهید.",
        en="Give two different accounts, and the member whom the plan belongs to.",
    )


def first_due_month(day: date, *, cutoff_day: int) -> int:
    """The month in which what is confirmed on a day first falls due: the present one up to the cut-off, else the next.

    The rule is "Cut-off"; raises InvalidJalaliDate.
    """
    month = calendar.month_of(day)
    is_late = day > calendar.day_in_month(month, cutoff_day)
    return calendar.add_months(month, int(is_late))


def coming_dues(
    dues: Iterable[MonthDue], *, today: date, cutoff_day: int, months: int
) -> tuple[int, ...]:
    """What each month takes already, in rials, from the one on in which a debt of today would first fall due.

    Arrears weigh on the first of them. What no deduction was answered for of the month before, or after the cut-off
    of the present one, weighs on none: it is under way.
    """
    present, first = _present_and_first(today, cutoff_day)
    taken = [0] * months
    for due in dues:
        ordinal = _ordinal(due.month)
        is_late = present - ordinal >= (0 if due.was_tried else 2)
        place = 0 if is_late else ordinal - first
        if 0 <= place < months:
            taken[place] += due.rials
    return tuple(taken)


def months_between(first: int, last: int) -> int:
    """How many months later the last one is; negative where it is earlier."""
    return _ordinal(last) - _ordinal(first)


def _ordinal(month: int) -> int:
    """A month by its place among all months."""
    return month // 100 * 12 + month % 100


@lru_cache(maxsize=16)
def _present_and_first(today: date, cutoff_day: int) -> tuple[int, int]:
    """The month of a day, and the one in which what is confirmed on it first falls due, by their places."""
    first = first_due_month(today, cutoff_day=cutoff_day)
    return _ordinal(calendar.month_of(today)), _ordinal(first)


def failure_text(code: str, locale: Locale) -> str:
    """A reason code of the bank in words."""
    known = FAILURE_TEXTS.get(code)
    return _OTHER_FAILURE[locale].format(code=code) if known is None else known[locale]
