"""What an installation may set about how operators and cashiers sign in: tries, delays and lifetimes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from backend.infra.tokens import Bearer

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPolicy:
    """Each field is the setting `operator_<name>`, which has its bounds; `guesses` says how tries are counted."""

    free_tries: int = 5
    first_delay_seconds: int = 15
    longest_delay_seconds: int = 15 * 60
    stranger_tries_per_hour: int = 30
    address_tries_per_hour: int = 100
    session_hours: int = 12
    idle_minutes: int = 30
    till_idle_minutes: int = 4 * 60
    known_days: int = 90
    invitation_hours: int = 72
    device_code_hours: int = 24

    @property
    def session_lifetime(self) -> timedelta:
        """From sign-in to the end, a working day; no refresh prolongs it."""
        return timedelta(hours=self.session_hours)

    @property
    def known_for(self) -> timedelta:
        """How long a device or network is known after a sign-in."""
        return timedelta(days=self.known_days)

    @property
    def invitation_lifetime(self) -> timedelta:
        """How long an invited operator may take to set the account up."""
        return timedelta(hours=self.invitation_hours)

    @property
    def device_code_lifetime(self) -> timedelta:
        """How long a store's device may be enrolled by a code."""
        return timedelta(hours=self.device_code_hours)

    def idle_of(self, bearer: Bearer) -> timedelta:
        """For how long a session lives without a request."""
        is_operator = bearer is Bearer.OPERATOR
        return timedelta(minutes=self.idle_minutes if is_operator else self.till_idle_minutes)

    def is_idle(self, bearer: Bearer, last_seen_at: datetime, at: datetime) -> bool:
        """Whether a session that was last used at a moment is over by that."""
        return at - last_seen_at >= self.idle_of(bearer)


class _Configured:
    policy = StaffPolicy()


def configure(policy: StaffPolicy) -> None:
    """Set the policy of this process; the composition root does this once."""
    _Configured.policy = policy


def current() -> StaffPolicy:
    """The policy of this process."""
    return _Configured.policy
