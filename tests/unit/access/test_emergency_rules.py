"""No 24 hours hold more than four of emergency, whatever was taken before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.access import emergency_rules
from backend.access.staff import BREAK_GLASS_WINDOW, BreakGlassUse
from backend.core.permissions import Role

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def use(began_at: datetime, length: timedelta) -> BreakGlassUse:
    return BreakGlassUse(1, 1, Role.SUPPORT, "x", began_at, began_at + length, None)


def held(uses: list[BreakGlassUse], since: datetime) -> timedelta:
    until = since + BREAK_GLASS_WINDOW
    return sum(
        (max(timedelta(0), min(each.over_at, until) - max(each.began_at, since)) for each in uses),
        timedelta(0),
    )


def test_the_first_is_at_once() -> None:
    assert emergency_rules.first_moment([], wanted=4 * HOUR, at=NOW) == NOW


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(1, 4), st.integers(1, 240)),
        min_size=1,
        max_size=12,
    )
)
def test_no_day_holds_more_than_four_hours(tries: list[tuple[int, int, int]]) -> None:
    uses: list[BreakGlassUse] = []
    at = NOW
    for pause_minutes, hours, used_minutes in tries:
        at += pause_minutes * MINUTE
        at = emergency_rules.first_moment(uses, wanted=hours * HOUR, at=at)
        whole = [*uses, use(at, hours * HOUR)]
        for edge in (each.over_at - BREAK_GLASS_WINDOW for each in whole):
            assert held(whole, edge) <= 4 * HOUR
        uses.append(use(at, min(hours * HOUR, used_minutes * MINUTE)))  # ended early, perhaps
        at = uses[-1].over_at


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 30))
def test_it_is_never_later_than_needed(first: int, wanted: int, hours_later: int) -> None:
    uses = [use(NOW, first * HOUR)]
    at = NOW + (first + hours_later) * HOUR

    found = emergency_rules.first_moment(uses, wanted=wanted * HOUR, at=at)

    if found > at:
        earlier = found - MINUTE + wanted * HOUR - BREAK_GLASS_WINDOW
        assert held([*uses, use(found - MINUTE, wanted * HOUR)], earlier) > 4 * HOUR
