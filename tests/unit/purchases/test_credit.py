"""The credit line by policy version 1: its numbers, and that its words say the same."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from backend.core.locale import Locale
from backend.members.domain import MemberState
from backend.purchases.credit import CreditPolicy, Standing, credit_line

POLICY = CreditPolicy()
STANDING = Standing(
    state=MemberState.ACTIVE,
    net_pension_rials=120_000_000,
    other_deductions_rials=10_000_000,
    used_rials=60_000_000,
    reserved_rials=20_000_000,
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
        "اکنون تا ۲۸٬۰۰۰٬۰۰۰ تومان می‌توانید خرید کنید.",
        (
            "از حقوق هر ماه دست‌بالا ۲۵ درصد خالص آن، یعنی ۳٬۰۰۰٬۰۰۰ تومان، کسر می‌شود؛ با کنار گذاشتن ۱٬۰۰۰٬۰۰۰ تومان"
            " کسرهای دیگر، ۲٬۰۰۰٬۰۰۰ تومان برای اقساط می‌ماند."
        ),
    )
    assert line.explanation[Locale.EN] == (
        "The limit is 3 times your net pension of 12,000,000 toman: 36,000,000 toman.",
        "You still owe 6,000,000 toman of running purchases; it is taken off the limit.",
        "2,000,000 toman is set aside for purchases that wait for your confirmation.",
        "You can buy for up to 28,000,000 toman now.",
        (
            "At most 25 percent of a month's net pension, 3,000,000 toman, may be deducted; less 1,000,000 toman of"
            " other deductions, 2,000,000 toman is left for instalments."
        ),
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
        dataclasses.replace(STANDING, used_rials=0, reserved_rials=0, other_deductions_rials=0),
        POLICY,
    )

    assert line.explanation[Locale.EN] == (
        "The limit is 3 times your net pension of 12,000,000 toman: 36,000,000 toman.",
        "You owe nothing of running purchases.",
        "You can buy for up to 36,000,000 toman now.",
        "At most 25 percent of a month's net pension may be deducted for instalments: 3,000,000 toman.",
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
        MemberState.INACTIVE: "The limit is zero: your name is not in the last monthly membership file.",
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


@given(
    state=st.sampled_from(MemberState),
    pension=st.none() | AMOUNTS,
    other=AMOUNTS,
    used=AMOUNTS,
    reserved=AMOUNTS,
    cap=st.integers(1, 10**12),
)
def test_credit_never_exceeds_its_bounds(
    *, state: MemberState, pension: int | None, other: int, used: int, reserved: int, cap: int
) -> None:
    line = credit_line(Standing(state, pension, other, used, reserved), CreditPolicy(cap_rials=cap))

    assert 0 <= line.limit_rials <= min(cap, 3 * (pension or 0))
    assert line.available_rials in {0, line.limit_rials - used - reserved}
    assert 0 <= line.monthly_cap_rials <= (pension or 0) // 4
    lengths = {len(lines) for lines in line.explanation.values()}
    assert lengths <= {3, 4, 5}
    assert len(lengths) == 1
    assert not any("{" in text for lines in line.explanation.values() for text in lines)
