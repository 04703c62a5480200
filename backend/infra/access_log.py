"""The line that a request leaves in the log: every one's, or those that someone will look for.

A line costs 86 µs, more than most answers. So in production only refusals, errors and slow requests get one, and of
these so many a second: a flood of refusals is counted, and must not cost more than answers would.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from backend.infra import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_SECONDS: Final = 1.0
MAX_LINES_PER_SECOND: Final = 20
MAX_PATH_CHARACTERS: Final = 200
FIRST_NOTABLE_STATUS: Final = 400
# In an ASGI scope: the code of the first error of a GraphQL answer, for those that have the status 200.
REFUSED_WITH: Final = "bashgah.refused_with"

_access_log = telemetry.logger("backend.access")
_slow_log = telemetry.logger("backend.slow")


class Throttle:
    """Lets so many lines a second through, and counts the others."""

    def __init__(
        self, most: int = MAX_LINES_PER_SECOND, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._monotonic = monotonic
        self._since = 0.0
        self._passed = 0
        self._dropped = 0

    def enter(self) -> int | None:
        """How many were dropped before this one; None where this one is dropped as well."""
        now = self._monotonic()
        if now - self._since >= 1.0:
            self._since, self._passed = now, 0
        if self._passed >= self._most:
            self._dropped += 1
            return None
        self._passed += 1
        dropped, self._dropped = self._dropped, 0
        return dropped


class AccessLog:
    """Writes the lines of one process, and counts the answers by their status."""

    def __init__(
        self,
        *,
        everything: bool = True,
        slow_seconds: float = SLOW_SECONDS,
        throttle: Throttle | None = None,
    ) -> None:
        self.statuses: Counter[int] = Counter()
        self.slow_seconds = slow_seconds
        self._everything = everything
        self._throttle = throttle or Throttle()

    def finished(
        self, method: str, path: str, status: int, seconds: float, refused_with: str | None = None
    ) -> None:
        """Tell of an answered request; the path has no query string: it could hold personal data."""
        self.statuses[status] += 1
        if self._everything:
            dropped: int | None = 0
        elif status >= FIRST_NOTABLE_STATUS or refused_with or seconds >= self.slow_seconds:
            dropped = self._throttle.enter()
        else:
            return
        if dropped is not None:
            _access_log.info(
                "http.request",
                method=method,
                path=path[:MAX_PATH_CHARACTERS],
                status=status,
                milliseconds=_milliseconds(seconds),
                **({} if refused_with is None else {"refused_with": refused_with}),
                **({"not_logged": dropped} if dropped else {}),
            )

    def slow_operation(
        self,
        operation: str | None,
        document_id: str | None,
        *,
        tier: int,
        seconds: float,
        statements: int,
    ) -> None:
        """Tell of an operation that took long, never with its variables."""
        dropped = self._throttle.enter()
        if dropped is not None:
            _slow_log.warning(
                "operation.slow",
                operation=operation,
                document_id=document_id,
                tier=tier,
                milliseconds=_milliseconds(seconds),
                statements=statements,
                **({"not_logged": dropped} if dropped else {}),
            )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 2)
