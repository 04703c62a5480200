"""What a list of stores may be asked for, as SQL: positional arguments and conditions on `store s`."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from backend.core.calendar import weekday_of
from backend.stores.domain import LocalInstant, StoreFilter


class CreditMissingError(RuntimeError):
    """A filter by a member's credit comes without that credit: a mistake of the program, not of a user."""


@dataclass(slots=True)
class Arguments:
    """Positional arguments of a statement under construction."""

    values: list[object] = field(default_factory=list)

    def add(self, value: object, cast: str) -> str:
        """Keep the value; gives its place in the statement, such as "$3::text"."""
        self.values.append(value)
        return f"${len(self.values)}::{cast}"


def filter_conditions(arguments: Arguments, matching: StoreFilter, now: LocalInstant) -> list[str]:
    """The conditions of a filter, with that of being active, to be joined by AND."""
    conditions = ["s.state = 'ACTIVE'", f"s.kind = {arguments.add(matching.kind.value, 'text')}"]
    if matching.category_ids is not None:
        conditions.append(
            f"s.category_id = ANY({arguments.add(list(matching.category_ids), 'bigint[]')})"
        )
    if matching.province_code is not None:
        conditions.append(f"s.province_code = {arguments.add(matching.province_code, 'text')}")
    if matching.open_now is not None:
        expected = "" if matching.open_now else "NOT "
        conditions.append(f"{expected}({_is_open(arguments, now)})")
    if matching.within_my_credit is not None:
        if matching.within_rials is None:
            raise CreditMissingError
        expected = "" if matching.within_my_credit else "NOT "
        credit = arguments.add(matching.within_rials, "bigint")
        conditions.append(f"(s.min_amount_rials <= {credit}) IS {expected}TRUE")
    if matching.has_offers is not None:
        expected = "" if matching.has_offers else "NOT "
        today = arguments.add(now.today, "date")
        conditions.append(
            f"{expected}EXISTS (SELECT FROM store_offer o WHERE o.store_id = s.id"
            f" AND o.valid_from <= {today} AND (o.valid_until IS NULL OR o.valid_until >= {today}))"
        )
    return conditions


def _is_open(arguments: Arguments, now: LocalInstant) -> str:
    """The rule of `opening.opening_state` for one instant: what began today or, over midnight, yesterday."""
    yesterday = now.today - timedelta(days=1)
    today_clause = _is_open_by_day(arguments, now.today, now.minute, now.today_is_holiday)
    yesterday_clause = _is_open_by_day(
        arguments, yesterday, now.minute + 1440, now.yesterday_is_holiday
    )
    return f"{today_clause} OR {yesterday_clause}"


def _is_open_by_day(arguments: Arguments, day: date, minute: int, is_holiday: bool) -> str:
    on_date, at = arguments.add(day, "date"), arguments.add(minute, "int")
    weekday = arguments.add(int(weekday_of(day)), "int")
    exception = "FROM store_opening_exception e WHERE e.store_id = s.id AND e.on_date = " + on_date
    within = f"p.opens_minute <= {at} AND {at} < p.closes_minute"
    usual = (
        f"EXISTS (SELECT FROM store_opening_period p WHERE p.store_id = s.id AND p.weekday = {weekday}"
        f" AND {within})"
    )
    if is_holiday:
        usual = f"s.open_on_holidays AND {usual}"
    return (
        f"CASE WHEN EXISTS (SELECT {exception}) THEN EXISTS (SELECT FROM store_opening_exception_period p"
        f" WHERE p.exception_id = (SELECT e.id {exception}) AND {within}) ELSE {usual} END"
    )
