"""Statements that always fail are left alone for a while, so that those who ask need not wait for each failure.

A statement that a migration has broken fails for everybody; one that a member's own rows break fails for that
member alone. So failures count by owner, and a success for anybody takes all of them back.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from backend.infra import telemetry
from backend.infra.readviews.statements import Statement

MOST_FAILED: Final = 3  # owners in a row, none of whom it succeeded for
REST_SECONDS: Final = 5.0

_log = telemetry.logger(__name__)


class StatementRestingError(RuntimeError):
    """The statement has failed for everybody of late, and is not run again yet."""


@dataclass(slots=True)
class _Failing:
    owners: set[Hashable] = field(default_factory=set)
    rests_until: float = float("-inf")


@dataclass(slots=True)
class Rests:
    """Which statements fail. Times are the event loop's."""

    _failing: dict[Statement, _Failing] = field(default_factory=dict)

    def is_resting(self, statement: Statement, now: float) -> bool:
        """Whether it is not to be run now."""
        failing = self._failing.get(statement)
        return failing is not None and now < failing.rests_until

    def failed(self, statement: Statement, owner: object, now: float) -> None:
        """Note that it failed for one request by itself; after a rest, the first such failure begins another."""
        failing = self._failing.setdefault(statement, _Failing())
        if len(failing.owners) < MOST_FAILED:
            failing.owners.add(len(failing.owners) if statement.is_common else owner)
        if len(failing.owners) >= MOST_FAILED:
            failing.rests_until = now + REST_SECONDS
            _log.error("read_view.statement_rests", seconds=REST_SECONDS, sql=statement.sql)

    def succeeded(self, statement: Statement) -> None:
        """Note that it gave rows."""
        self._failing.pop(statement, None)
