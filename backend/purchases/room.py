"""How much more a member can buy for in instalments so that every month stays within the cap on deductions. Pure.

The rules are "Credit line" ("with the month's instalments inside the cap") and "Instalments of an interest-free
purchase", whose first part carries the remainder of the split.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core import money
from backend.purchases.domain import Waiting


@dataclass(frozen=True, slots=True)
class Room:
    """The largest purchase, in rials, and over how many months; nothing over no month where there is no room."""

    rials: int
    months: int


def with_waiting(dues: Sequence[int], waiting: Sequence[Waiting]) -> tuple[int, ...]:
    """What the coming months take when every purchase that waits is confirmed too: it first falls due as a new one."""
    taken = list(dues)
    for each in waiting:
        parts = money.split_instalments(each.amount_rials, each.instalment_count)
        for place, rials in enumerate(parts[: len(taken)]):
            taken[place] += rials
    return tuple(taken)


def largest_purchase(monthly_cap_rials: int, dues: Sequence[int]) -> Room:
    """The largest purchase that fits between what the coming months take already and the cap, over `dues` at most.

    Every smaller price fits as well, over the same months or fewer: so of equal parts the first month keeps room
    for the remainder that another price would leave on it. A price that is a little larger may still fit by luck.
    """
    step = money.INSTALMENT_STEP_RIALS
    best_rials, best_months, most, lowest = 0, 0, 0, monthly_cap_rials
    for months, taken in enumerate(dues, start=1):
        left = monthly_cap_rials - taken
        if months == 1:
            most = left  # of the first month, less a step of remainder for each further one
        lowest = min(left, lowest)
        part = min(lowest, most - (months - 1) * step) // step * step
        if part * months > best_rials:
            best_rials, best_months = part * months, months
    return Room(best_rials, best_months)
