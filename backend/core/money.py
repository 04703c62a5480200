"""Money: whole rials, kept in 64 bits and shown in toman (1 toman = 10 rials)."""

from __future__ import annotations

from backend.core import errors, text
from backend.core.locale import Locale

# The largest integer that every JSON client keeps exactly; a month's pensions are 4×10¹⁴ rials.
MAX_RIALS = 2**53 - 1
RIALS_PER_TOMAN = 10
# Instalments are whole hundreds of toman, the first alone carries what is left.
INSTALMENT_STEP_RIALS = 1_000
MAX_INSTALMENTS = 120


class InvalidAmount(errors.BadUserInput):
    """An amount that is not between the least and the most that its use allows."""

    texts = errors.sentences(
        fa="مبلغ باید دست‌کم {least_rials:,} و دست‌بالا {most_rials:,} ریال باشد.",
        en="The amount must be at least {least_rials:,} and at most {most_rials:,} rials.",
    )
    hints = errors.sentences(
        fa="مبلغ را اصلاح کنید و دوباره بفرستید.",
        en="Correct the amount and send it again.",
    )


class InvalidInstalmentCount(errors.BadUserInput):
    """A number of instalments that is not at least one, or that would make one of nothing."""

    texts = errors.sentences(
        fa="این مبلغ را می‌توان در ۱ تا {most} قسط پرداخت.",
        en="This amount can be paid in 1 to {most} instalments.",
    )
    hints = errors.sentences(
        fa="شمار قسط‌ها را اصلاح کنید.",
        en="Correct the number of instalments.",
    )


def check_amount(amount_rials: int, *, least: int = 0, most: int = MAX_RIALS) -> int:
    """Return the amount if it is within both bounds, each allowed; raises InvalidAmount."""
    if not least <= amount_rials <= most:
        raise InvalidAmount(least_rials=least, most_rials=most)
    return amount_rials


def split_instalments(amount_rials: int, count: int) -> tuple[int, ...]:
    """Return the instalments of an amount in rials, which sum to it exactly.

    Each is the equal part rounded down to 1,000 rials, and the remainder goes on the first
    ("Instalments of an interest-free purchase"): 10,000,000 over 12 is 837,000 and eleven times
    833,000. None is ever zero. Raises InvalidAmount below 1 rial, and InvalidInstalmentCount where
    the count is not 1 to 120 or leaves less than 1,000 rials for a part (one instalment may be of
    any amount).
    """
    check_amount(amount_rials, least=1)
    most = most_instalments(amount_rials)
    if not 1 <= count <= most:
        raise InvalidInstalmentCount(most=most)
    part = floor_to_step(amount_rials // count)
    return (amount_rials - part * (count - 1), *(part,) * (count - 1))


def most_instalments(amount_rials: int) -> int:
    """Return the largest count that `split_instalments` takes for a positive amount."""
    return max(1, min(MAX_INSTALMENTS, amount_rials // INSTALMENT_STEP_RIALS))


def floor_to_step(amount_rials: int) -> int:
    """Round an amount down to whole steps of 1,000 rials."""
    return amount_rials // INSTALMENT_STEP_RIALS * INSTALMENT_STEP_RIALS


def format_toman(amount_rials: int, locale: Locale) -> str:
    """Write an amount in toman for a reader, exactly: `۱٬۲۵۰٬۰۰۰ تومان` or `1,250,000 toman`.

    Rials that make no whole toman appear as its tenths; nothing is rounded.
    """
    toman, tenths = divmod(abs(amount_rials), RIALS_PER_TOMAN)
    sign = "-" if amount_rials < 0 else ""
    number = f"{sign}{toman:,}.{tenths}" if tenths else f"{sign}{toman:,}"
    if locale is Locale.FA:
        return f"{text.to_persian_number(number)} تومان"
    return f"{number} toman"
