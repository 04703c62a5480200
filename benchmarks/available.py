"""The one figure of the home screen that is no SQL: what a member can still buy for, by the club's own rules."""

from datetime import date
from typing import Final

import orjson

from backend.deductions.domain import MonthDue, coming_dues
from backend.purchases import room
from backend.purchases.credit import CreditPolicy
from backend.purchases.domain import Waiting

POLICY: Final = CreditPolicy()
_PLACE: Final = '"available" : -1'


def fill_in(answer: str, today: date) -> str:
    """The answer in the second line of `home.sql`, completed from what stands in the first."""
    inputs, _, content = answer.partition("\n")
    pension, other, limit, used, waiting, dues = orjson.loads(inputs)
    waits = [Waiting(*each) for each in waiting]
    coming = coming_dues(
        [MonthDue(*each) for each in dues],
        today=today,
        cutoff_day=POLICY.cutoff_day,
        months=POLICY.longest_months,
    )
    monthly_cap = max(0, pension * POLICY.deduction_percent // 100 - other)
    largest = room.largest_purchase(monthly_cap, room.with_waiting(coming, waits)).rials
    left = max(0, limit - used - sum(each.amount_rials for each in waits))
    return content.replace(_PLACE, f'"available" : {min(left, largest)}', 1)
