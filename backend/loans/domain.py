"""Loan rounds and applications: what they are, and their states and reasons in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from backend.core.errors import sentences
from backend.core.locale import Locale

MAX_ROUNDS = 100
MAX_EVENTS = 50

Words = Mapping[Locale, str]


class LoanRoundState(StrEnum):
    """Where a round stands; a draft is not shown to members."""

    DRAFT = "DRAFT"
    ANNOUNCED = "ANNOUNCED"
    OPEN = "OPEN"
    FROZEN = "FROZEN"
    SELECTED = "SELECTED"
    PAYING = "PAYING"
    CLOSED = "CLOSED"


class LoanSelection(StrEnum):
    """How a round chooses among its applicants."""

    FIRST_COME = "FIRST_COME"
    SCORE = "SCORE"
    LOTTERY = "LOTTERY"


class LoanApplicationState(StrEnum):
    """Where an application stands between its submission and the last instalment."""

    SUBMITTED = "SUBMITTED"
    FROZEN = "FROZEN"
    SELECTED = "SELECTED"
    WAITLISTED = "WAITLISTED"
    NOT_SELECTED = "NOT_SELECTED"
    APPROVED = "APPROVED"
    SENT_TO_BANK = "SENT_TO_BANK"
    DISBURSED = "DISBURSED"
    REPAYING = "REPAYING"
    CLOSED = "CLOSED"
    WITHDRAWN = "WITHDRAWN"
    REFUSED = "REFUSED"
    RETURNED = "RETURNED"


class LoanSubmitter(StrEnum):
    """Who submitted an application: the member, or a registrar for the member."""

    MEMBER = "member"
    REGISTRAR = "registrar"


SUBMITTER_TEXTS: Final[Mapping[LoanSubmitter, Words]] = MappingProxyType(
    {
        LoanSubmitter.MEMBER: sentences(fa="خود شما", en="Yourself"),
        LoanSubmitter.REGISTRAR: sentences(
            fa="ثبت‌کنندهٔ کانون به خواست شما", en="A registrar of the association, for you"
        ),
    }
)
ROUND_STATE_TEXTS: Final[Mapping[LoanRoundState, Words]] = MappingProxyType(
    {
        LoanRoundState.DRAFT: sentences(fa="پیش‌نویس", en="Draft"),
        LoanRoundState.ANNOUNCED: sentences(fa="به‌زودی آغاز می‌شود", en="Opens soon"),
        LoanRoundState.OPEN: sentences(fa="ثبت‌نام باز است", en="Open for applications"),
        LoanRoundState.FROZEN: sentences(
            fa="ثبت‌نام پایان یافت و فهرست بسته شد", en="Closed for applications, list frozen"
        ),
        LoanRoundState.SELECTED: sentences(
            fa="برگزیدگان مشخص شدند", en="The applicants are chosen"
        ),
        LoanRoundState.PAYING: sentences(fa="در حال پرداخت وام", en="Loans are being paid out"),
        LoanRoundState.CLOSED: sentences(fa="پایان یافته", en="Closed"),
    }
)
APPLICATION_STATE_TEXTS: Final[Mapping[LoanApplicationState, Words]] = MappingProxyType(
    {
        LoanApplicationState.SUBMITTED: sentences(fa="درخواست ثبت شد", en="Submitted"),
        LoanApplicationState.FROZEN: sentences(
            fa="در فهرست نهایی متقاضیان", en="On the frozen list of applicants"
        ),
        LoanApplicationState.SELECTED: sentences(fa="برگزیده شدید", en="You were chosen"),
        LoanApplicationState.WAITLISTED: sentences(
            fa="در فهرست ذخیره هستید", en="You are on the waiting list"
        ),
        LoanApplicationState.NOT_SELECTED: sentences(
            fa="در این دوره برگزیده نشدید", en="You were not chosen in this round"
        ),
        LoanApplicationState.APPROVED: sentences(fa="تأیید شد", en="Approved"),
        LoanApplicationState.SENT_TO_BANK: sentences(
            fa="به بانک معرفی شدید", en="Handed to the bank"
        ),
        LoanApplicationState.DISBURSED: sentences(
            fa="وام به حساب شما واریز شد", en="The loan was paid into your account"
        ),
        LoanApplicationState.REPAYING: sentences(
            fa="در حال بازپرداخت اقساط", en="Being repaid in instalments"
        ),
        LoanApplicationState.CLOSED: sentences(fa="همهٔ اقساط پرداخت شد", en="Repaid in full"),
        LoanApplicationState.WITHDRAWN: sentences(fa="شما انصراف دادید", en="Withdrawn by you"),
        LoanApplicationState.REFUSED: sentences(fa="پذیرفته نشد", en="Refused"),
        LoanApplicationState.RETURNED: sentences(
            fa="بانک وام را برگشت داد", en="Returned by the bank"
        ),
    }
)

# Why an application was not chosen, or refused; the codes stand in the column `reasons`.
REASON_TEXTS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "QUOTA_FILLED": sentences(
            fa="سهمیهٔ کانون شما پیش از رتبهٔ شما پر شد.",
            en="Your association's quota was filled before your rank.",
        ),
        "RECENT_LOAN": sentences(
            fa="در سه سال گذشته وامی همانند گرفته‌اید.",
            en="You had a similar loan in the past three years.",
        ),
        "OVERDUE_DEBT": sentences(fa="بدهی معوق دارید.", en="You have an overdue debt."),
        "PENSION_ELSEWHERE": sentences(
            fa="حقوق شما از بانک طرف قرارداد پرداخت نمی‌شود.",
            en="Your pension is not paid through the contract bank.",
        ),
        "PHONE_NOT_OWN": sentences(
            fa="شمارهٔ همراه به نام خود شما نیست.", en="The mobile number is not in your own name."
        ),
        "AGE_LIMIT": sentences(
            fa="سن شما از اندازهٔ مجاز این دوره بیشتر است.",
            en="You are above the age limit of this round.",
        ),
        "FILE_NOT_ACTIVE": sentences(
            fa="پروندهٔ عضویت شما فعال نیست.", en="Your membership is not active."
        ),
        "DEDUCTION_CAP": sentences(
            fa="قسط این وام از سقف کسر ماهانهٔ شما بیشتر است.",
            en="The instalments of this loan exceed your monthly cap on deductions.",
        ),
    }
)
_OTHER_REASON = sentences(
    fa="دلیل دیگر (کد {code}).",
    en="Another reason (code {code}).",
)


@dataclass(frozen=True, slots=True)
class LoanRound:
    """A round as everybody may see it; amounts in rials, the window half-open."""

    id: int
    title: str
    state: LoanRoundState
    amount_rials: int
    months: int
    grace_months: int
    fee_total_rials: int
    opens_at: datetime
    closes_at: datetime
    selection: LoanSelection
    budget_rials: int
    list_sha256: str | None
    seed_source: str | None


@dataclass(frozen=True, slots=True)
class LoanApplicationEvent:
    """A step in the life of an application."""

    at: datetime
    state: LoanApplicationState
    note: str | None


@dataclass(frozen=True, slots=True)
class LoanApplication:
    """A member's application with its round and its steps from the first on; `reasons` are codes."""

    id: int
    public_id: UUID
    round: LoanRound
    state: LoanApplicationState
    amount_rials: int
    submitted_at: datetime
    submitted_by: LoanSubmitter
    plan_id: int | None
    quota: int | None
    rank: int | None
    last_selected_rank: int | None
    reasons: tuple[str, ...]
    timeline: tuple[LoanApplicationEvent, ...]


def reason_text(code: str, locale: Locale) -> str:
    """A reason of an application's result in words."""
    known = REASON_TEXTS.get(code)
    return _OTHER_REASON[locale].format(code=code) if known is None else known[locale]
