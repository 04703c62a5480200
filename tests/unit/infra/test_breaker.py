"""The circuit breaker: what passes, when it opens, and how it finds its way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.infra.breaker import Breaker, State


class Clock:
    """Seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(monotonic=clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        permit = breaker.enter()
        assert permit is not None
        breaker.failed(permit)


def probe(breaker: Breaker) -> int:
    permit = breaker.enter()
    assert permit is not None
    assert breaker.state is State.HALF_OPEN
    return permit


def test_it_stays_closed_through_four_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert breaker.state is State.CLOSED
    assert breaker.enter() is not None


def test_the_fifth_failure_in_a_row_opens_it(breaker: Breaker) -> None:
    fail(breaker, 5)
    assert breaker.state is State.OPEN
    assert breaker.enter() is None


def test_a_success_between_failures_starts_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, 4)
    permit = breaker.enter()
    assert permit is not None
    breaker.succeeded(permit)
    fail(breaker, 4)
    assert breaker.state is State.CLOSED


def test_after_one_second_exactly_one_call_passes_as_a_probe(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, 5)
    clock.seconds += 0.999
    assert breaker.enter() is None
    clock.seconds += 0.001
    probe(breaker)
    assert breaker.enter() is None


def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.seconds += 1
    breaker.succeeded(probe(breaker))
    assert breaker.state is State.CLOSED
    fail(breaker, 4)
    assert breaker.state is State.CLOSED


def test_probes_that_fail_double_the_pause_up_to_eight_seconds(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, 5)
    for pause in (1, 2, 4, 8, 8):
        clock.seconds += pause - 0.25
        assert breaker.enter() is None
        clock.seconds += 0.25
        breaker.failed(probe(breaker))
        assert breaker.state is State.OPEN


def test_the_pause_is_one_second_again_after_it_closed(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.seconds += 1
    breaker.failed(probe(breaker))
    clock.seconds += 2
    breaker.succeeded(probe(breaker))
    fail(breaker, 5)
    clock.seconds += 1
    probe(breaker)


def test_the_next_call_probes_in_place_of_a_probe_that_was_given_up(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, 5)
    clock.seconds += 1
    breaker.abandoned(probe(breaker))
    probe(breaker)


def test_a_call_given_up_while_closed_changes_nothing(breaker: Breaker) -> None:
    fail(breaker, 4)
    permit = breaker.enter()
    assert permit is not None
    breaker.abandoned(permit)
    fail(breaker)
    assert breaker.state is State.OPEN


def test_reports_of_calls_from_before_it_opened_are_ignored(breaker: Breaker, clock: Clock) -> None:
    late = breaker.enter()
    assert late is not None
    fail(breaker, 5)
    breaker.succeeded(late)
    assert breaker.enter() is None
    clock.seconds += 1
    probe(breaker)
    breaker.failed(late)
    breaker.succeeded(late)
    breaker.abandoned(late)
    assert breaker.state is State.HALF_OPEN


@given(
    st.lists(st.sampled_from(["succeeded", "failed", "abandoned", "wait"]), max_size=60),
    st.integers(1, 4),
)
def test_whatever_happened_it_lets_a_call_pass_once_the_longest_pause_is_over(
    events: list[str], failures_to_open: int
) -> None:
    clock = Clock()
    breaker = Breaker(failures_to_open=failures_to_open, monotonic=clock)
    for event in events:
        permit = breaker.enter()
        if event == "wait" or permit is None:
            clock.seconds += 0.7
            if permit is not None:
                breaker.abandoned(permit)
        else:
            getattr(breaker, event)(permit)
    clock.seconds += 8
    assert breaker.enter() is not None
