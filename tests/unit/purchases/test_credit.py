"""The credit line by policy version 1: its numbers, and that its words say the same."""

import dataclasses
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from backend.core.locale import Locale
from backend.deductions.domain import MonthDue
from backend.members.domain import MemberState
from backend.purchases.credit import CreditPolicy, Standing, credit_line
from backend.purchases.domain import Waiting

POLICY = CreditPolicy()
STANDING = Standing(
    state=MemberState.ACTIVE,
    net_pension_rials=120_000_000,
    other_deductions_rials=10_000_000,
    used_rials=60_000_000,
    waiting=(Waiting(20_000_000, 10),),
    dues=(),
    today=date(2026, 11, 1),  # 10 Aban 1405: what is bought today first falls due in Aban
)
AMOUNTS = st.integers(0, 2**50)


def test_the_limit_is_three_pensions_less_what_is_owed_and_reserved() -> None:
    line = credit_line(STANDING, POLICY)

    assert line.limit_rials == 360_000_000
    assert (line.used_rials, line.reserved_rials) == (60_000_000, 20_000_000)
    assert line.available_rials == 280_000_000
    assert line.monthly_cap_rials == 20_000_000


def test_the_working_is_told_in_toman_in_both_languages() -> None:
    line = credit_line(STANDING, POLICY)

    assert line.explanation[Locale.FA] == (
        "سقف اعتبار ۳ برابر حقوق خالص شما (۱۲٬۰۰۰٬۰۰۰ تومان) است: ۳۶٬۰۰۰٬۰۰۰ تومان.",
        "از خریدهای جاری شما ۶٬۰۰۰٬۰۰۰ تومان مانده است که از سقف کم می‌شود.",
        "۲٬۰۰۰٬۰۰۰ تومان برای خریدهایی که در انتظار تأیید شماست کنار گذاشته شده است.",
        (
            "از حقوق هر ماه دست‌بالا ۲۵ درصد خالص آن، یعنی ۳٬۰۰۰٬۰۰۰ تومان، کسر می‌شود؛ با کنار گذاشتن ۱٬۰۰۰٬۰۰۰ تومان"
            " کسرهای دیگر، ۲٬۰۰۰٬۰۰۰ تومان برای اقساط می‌ماند."
        ),
        "اکنون تا ۲۸٬۰۰۰٬۰۰۰ تومان می‌توانید خرید کنید.",
    )
    assert line.explanation[Locale.EN] == (
        "The limit is 3 times your net pension of 12,000,000 toman: 36,000,000 toman.",
        "You still owe 6,000,000 toman of running purchases; it is taken off the limit.",
        "2,000,000 toman is set aside for purchases that wait for your confirmation.",
        (
            "At most 25 percent of a month's net pension, 3,000,000 toman, may be deducted; less 1,000,000 toman of"
            " other deductions, 2,000,000 toman is left for instalments."
        ),
        "You can buy for up to 28,000,000 toman now.",
    )


def test_the_cap_of_the_scheme_bounds_high_pensions() -> None:
    line = credit_line(dataclasses.replace(STANDING, net_pension_rials=200_000_000), POLICY)

    assert line.limit_rials == 500_000_000
    assert line.explanation[Locale.EN][0] == (
        "3 times your net pension of 20,000,000 toman is more than the scheme allows, so the limit is the scheme's:"
        " 50,000,000 toman."
    )


def test_a_pension_of_just_the_cap_is_not_told_to_be_above_it() -> None:
    policy = CreditPolicy(cap_rials=360_000_000)

    line = credit_line(STANDING, policy)

    assert line.limit_rials == 360_000_000
    assert line.explanation[Locale.EN][0].startswith("The limit is 3 times")


def test_who_owes_nothing_reads_so() -> None:
    line = credit_line(
        dataclasses.replace(STANDING, used_rials=0, waiting=(), other_deductions_rials=0),
        POLICY,
    )

    assert line.explanation[Locale.EN] == (
        "The limit is 3 times your net pension of 12,000,000 toman: 36,000,000 toman.",
        "You owe nothing of running purchases.",
        "At most 25 percent of a month's net pension may be deducted for instalments: 3,000,000 toman.",
        "You can buy for up to 36,000,000 toman now.",
    )


def test_more_owed_than_the_limit_leaves_nothing() -> None:
    line = credit_line(dataclasses.replace(STANDING, used_rials=400_000_000), POLICY)

    assert line.available_rials == 0
    assert "No credit is left for a new purchase now." in line.explanation[Locale.EN]


def test_without_a_file_in_order_there_is_no_limit_and_a_reason() -> None:
    reasons = {
        state: credit_line(dataclasses.replace(STANDING, state=state), POLICY)
        for state in (MemberState.INACTIVE, MemberState.FROZEN, MemberState.DECEASED)
    }

    assert {line.limit_rials for line in reasons.values()} == {0}
    assert {line.available_rials for line in reasons.values()} == {0}
    assert {state: line.explanation[Locale.EN][0] for state, line in reasons.items()} == {
        MemberState.INACTIVE: "The limit is zero: no pension is paid to you now.",
        MemberState.FROZEN: "The limit is zero: your file is frozen now, and no new purchase is possible.",
        MemberState.DECEASED: "The limit is zero: this file belongs to a member who has died.",
    }


def test_an_unknown_pension_gives_no_limit_and_a_reason() -> None:
    line = credit_line(dataclasses.replace(STANDING, net_pension_rials=None), POLICY)

    assert (line.limit_rials, line.available_rials, line.monthly_cap_rials) == (0, 0, 0)
    assert line.explanation[Locale.FA][0] == (
        "سقف اعتبار صفر است: حقوق خالص شما در فهرست عضویت نیامده است."
    )


def test_the_monthly_share_is_rounded_down_to_the_rial() -> None:
    standing = dataclasses.replace(
        STANDING, net_pension_rials=100_000_003, other_deductions_rials=0
    )

    assert credit_line(standing, POLICY).monthly_cap_rials == 25_000_000


def test_a_cap_of_nothing_leaves_nothing_and_says_why() -> None:
    """Other deductions take the whole quarter of the pension."""
    standing = dataclasses.replace(STANDING, other_deductions_rials=30_000_000)

    line = credit_line(standing, POLICY)

    assert (line.limit_rials, line.monthly_cap_rials, line.available_rials) == (360_000_000, 0, 0)
    assert line.explanation[Locale.FA][-2:] == (
        "از سهم ماهانهٔ شما چیزی برای اقساط تازه نمانده است؛ پس خرید قسطی تازه ممکن نیست.",
        "اکنون اعتباری برای خرید تازه نمانده است.",
    )
    assert line.explanation[Locale.EN][-2:] == (
        "Nothing of the monthly share is left for new instalments, so no new purchase is possible.",
        "No credit is left for a new purchase now.",
    )


def test_instalments_that_fill_a_coming_month_leave_nothing_and_are_named() -> None:
    """A loan counts as a purchase does."""
    standing = dataclasses.replace(STANDING, dues=(MonthDue(140508, 18_000_000, was_tried=False),))

    line = credit_line(standing, POLICY)

    assert (line.monthly_cap_rials, line.available_rials) == (20_000_000, 0)
    assert line.explanation[Locale.FA][-2] == (
        "اقساط ماه‌های پیش رو این سقف ماهانه را پر کرده است؛ پس خرید قسطی تازه فعلاً ممکن نیست."
    )
    assert line.explanation[Locale.EN][-2] == (
        "The instalments of the coming months fill that monthly cap, so no new purchase is possible for now."
    )


def test_instalments_of_the_coming_months_bound_what_is_available() -> None:
    """Of 20,000,000 a month 2,000,000 wait and 10,000,000 are due for a year: 7,989,000 over 12, 7,977,000 over 24."""
    months = (*range(140508, 140513), *range(140601, 140608))
    dues = tuple(MonthDue(month, 10_000_000, was_tried=False) for month in months)

    line = credit_line(dataclasses.replace(STANDING, dues=dues), POLICY)

    assert line.available_rials == 24 * 7_977_000
    assert line.explanation[Locale.EN][-2:] == (
        (
            "Beside the instalments of the coming months, that monthly cap has room for a purchase of at most"
            " 19,144,800 toman in 24 instalments."
        ),
        "You can buy for up to 19,144,800 toman now.",
    )
    assert line.explanation[Locale.FA][-2] == (
        "با اقساطی که در ماه‌های پیش رو دارید، در این سقف ماهانه دست‌بالا برای خریدی به مبلغ ۱۹٬۱۴۴٬۸۰۰ تومان در"
        " ۲۴ قسط جا هست."
    )


def test_a_narrow_cap_bounds_what_is_available_without_any_instalments() -> None:
    standing = dataclasses.replace(STANDING, waiting=(), other_deductions_rials=25_000_000)

    line = credit_line(standing, CreditPolicy(longest_months=10))

    assert line.available_rials == 10 * (5_000_000 - 9_000)
    assert line.explanation[Locale.EN][-2] == (
        "That monthly cap has room for a purchase of at most 4,991,000 toman in 10 instalments."
    )


def test_a_month_before_the_first_due_one_bounds_nothing() -> None:
    """After the cut-off the present month is under way."""
    standing = dataclasses.replace(
        STANDING,
        today=date(2026, 11, 12),  # 21 Aban
        dues=(MonthDue(140508, 20_000_000, was_tried=False),),
    )

    assert credit_line(standing, POLICY).available_rials == 280_000_000
    assert credit_line(standing, CreditPolicy(cutoff_day=21)).available_rials == 0


@given(
    state=st.sampled_from(MemberState),
    pension=st.none() | AMOUNTS,
    other=AMOUNTS,
    used=AMOUNTS,
    waiting=st.lists(st.builds(Waiting, st.integers(120_000, 2**50), st.integers(1, 120))),
    dues=st.lists(
        st.builds(MonthDue, st.integers(140501, 140512), st.integers(1, 2**40), st.booleans())
    ),
    cap=st.integers(1, 10**12),
)
def test_credit_never_exceeds_its_bounds(
    *,
    state: MemberState,
    pension: int | None,
    other: int,
    used: int,
    waiting: list[Waiting],
    dues: list[MonthDue],
    cap: int,
) -> None:
    policy = CreditPolicy(cap_rials=cap)
    standing = Standing(
        state, pension, other, used, tuple(waiting), tuple(dues), date(2026, 11, 21)
    )

    line = credit_line(standing, policy)

    assert 0 <= line.limit_rials <= min(cap, 3 * (pension or 0))
    assert 0 <= line.monthly_cap_rials <= (pension or 0) // 4
    assert line.reserved_rials == sum(each.amount_rials for each in waiting)
    left = line.limit_rials - used - line.reserved_rials
    assert 0 <= line.available_rials <= max(0, left)
    assert line.available_rials <= line.monthly_cap_rials * policy.longest_months
    lengths = {len(lines) for lines in line.explanation.values()}
    assert lengths <= {3, 4, 5, 6}
    assert len(lengths) == 1
    assert not any("{" in text for lines in line.explanation.values() for text in lines)
