"""A circuit breaker: after some failures in a row it keeps callers from a sick server for a while.

closed → (failures in a row) → open → (a pause) → half open: one probe → closed, or open again with
a pause twice as long. Pure: the time comes from a callable, and nothing here waits.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES_TO_OPEN = 5
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 8.0


class State(StrEnum):
    """What a breaker does with the next call: let it pass, refuse it, or wait for its probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Decides which calls may be tried; each permit that `enter` gives is reported back once.

    A report with a permit from before the last change of state is stale and changes nothing.
    """

    def __init__(
        self,
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
        longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start closed; `monotonic` gives seconds that never go back."""
        self._failures_to_open = failures_to_open
        self._first_pause = first_pause_seconds
        self._longest_pause = longest_pause_seconds
        self._monotonic = monotonic
        self._state = State.CLOSED
        self._epoch = 0
        self._failures = 0
        self._pause = first_pause_seconds
        self._opened_at = 0.0

    @property
    def state(self) -> State:
        """The state as the last call left it: an elapsed pause shows at the next `enter`."""
        return self._state

    def enter(self) -> int | None:
        """Return a permit for one call, or None when the call must not be tried now."""
        if self._state is State.CLOSED:
            return self._epoch
        if self._state is State.OPEN and self._monotonic() - self._opened_at >= self._pause:
            self._change(State.HALF_OPEN)
            return self._epoch
        return None

    def succeeded(self, permit: int) -> None:
        """Report that the server answered: the count starts anew, a probe closes the breaker."""
        if permit != self._epoch:
            return
        self._failures = 0
        if self._state is State.HALF_OPEN:
            self._pause = self._first_pause
            self._change(State.CLOSED)

    def failed(self, permit: int) -> None:
        """Report a failure: the last of a row opens the breaker, a probe's opens it for longer."""
        if permit != self._epoch:
            return
        if self._state is State.HALF_OPEN:
            self._pause = min(self._pause * 2, self._longest_pause)
            self._open()
            return
        self._failures += 1
        if self._failures >= self._failures_to_open:
            self._open()

    def abandoned(self, permit: int) -> None:
        """Report that the caller gave up before an answer; the next caller probes in its place."""
        if permit == self._epoch and self._state is State.HALF_OPEN:
            self._change(State.OPEN)  # the pause has passed already

    def _open(self) -> None:
        self._opened_at = self._monotonic()
        self._change(State.OPEN)

    def _change(self, state: State) -> None:
        self._state = state
        self._epoch += 1
        self._failures = 0
