"""The clock tells UTC and the day in Tehran, and tests can hold it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from backend.core import clock

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_now_is_the_present_moment_in_utc() -> None:
    before = datetime.now(UTC)
    told = clock.now()
    after = datetime.now(UTC)

    assert told.tzinfo is UTC
    assert before <= told <= after


def test_a_frozen_clock_stands_still() -> None:
    with clock.frozen(NOON) as moment:
        assert moment == NOON
        assert [clock.now(), clock.now()] == [NOON, NOON]


def test_a_clock_runs_again_after_the_frozen_part() -> None:
    with clock.frozen(NOON):
        pass

    assert clock.now() != NOON


def test_a_clock_runs_again_after_an_error_in_the_frozen_part() -> None:
    with pytest.raises(KeyError), clock.frozen(NOON):
        raise KeyError

    assert clock.now() != NOON


def test_a_clock_frozen_twice_goes_back_to_the_outer_moment() -> None:
    with clock.frozen(NOON):
        with clock.frozen(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON


def test_a_moment_in_another_zone_is_told_in_utc() -> None:
    at = datetime(2026, 11, 22, 15, 30, tzinfo=timezone(timedelta(hours=3, minutes=30)))

    with clock.frozen(at):
        assert clock.now() == NOON
        assert clock.now().tzinfo is UTC


def test_a_datetime_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError), clock.frozen(NOON.replace(tzinfo=None)):
        pass

    assert clock.now() != NOON


async def test_tasks_begun_in_the_frozen_part_see_the_frozen_clock() -> None:
    async def told() -> datetime:
        return clock.now()

    with clock.frozen(NOON):
        assert await asyncio.create_task(told()) == NOON


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 11, 22, 20, 29, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 20, 30, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 7, 1, 20, 29, 59, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 7, 1, 20, 30, tzinfo=UTC), date(2026, 7, 2)),
        (datetime(2022, 7, 1, 19, 30, tzinfo=UTC), date(2022, 7, 2)),
    ],
)
def test_the_day_in_tehran_begins_at_its_own_midnight(at: datetime, day: date) -> None:
    with clock.frozen(at):
        assert clock.today() == day


@pytest.mark.parametrize(
    ("at", "offset"),
    [
        (datetime(2022, 7, 1, tzinfo=UTC), timedelta(hours=4, minutes=30)),
        (datetime(2023, 7, 1, tzinfo=UTC), timedelta(hours=3, minutes=30)),
        (datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=3, minutes=30)),
        (datetime(2026, 7, 1, tzinfo=UTC), timedelta(hours=3, minutes=30)),
    ],
)
def test_tehran_has_no_summer_time_since_2023(at: datetime, offset: timedelta) -> None:
    assert at.astimezone(clock.TEHRAN).utcoffset() == offset
