"""Settings of how operators and cashiers sign in: tries, delays and lifetimes."""

from pydantic import BaseModel, Field, model_validator

DAY_HOURS = 24
LONGEST_SESSION_HOURS = 12  # the database holds it, too


def _within(least: int, default: int, most: int, description: str) -> int:
    found: int = Field(default=default, ge=least, le=most, description=description)
    return found


class OperatorSettings(BaseModel):
    """The policy of `backend/access/staff_policy.py`, each with the prefix `operator_`.

    The bounds keep an installation from switching a limit off. How long an emergency lasts is a rule, and no setting.
    """

    operator_free_tries: int = _within(
        1,
        5,
        20,
        "Wrong passwords of a device or network at an operator or cashier without a delay.",
    )
    operator_first_delay_seconds: int = _within(
        1, 15, 600, "The delay after those; it doubles with each wrong one."
    )
    operator_longest_delay_seconds: int = _within(1, 900, 3_600, "How far it grows.")
    operator_stranger_tries_per_hour: int = _within(
        3,
        30,
        1_000,
        "Tries at an operator in an hour, from what the account does not know, that had one factor right.",
    )
    operator_address_tries_per_hour: int = _within(
        10, 100, 100_000, "Tries from an unknown network at all operators and devices in an hour."
    )
    operator_session_hours: int = _within(
        1, LONGEST_SESSION_HOURS, LONGEST_SESSION_HOURS, "From sign-in to the end of a session."
    )
    operator_idle_minutes: int = _within(
        1, 30, 60 * LONGEST_SESSION_HOURS, "How long an operator's session lives without a request."
    )
    operator_till_idle_minutes: int = _within(
        1, 240, 60 * LONGEST_SESSION_HOURS, "How long a cashier's session lives without a request."
    )
    operator_known_days: int = _within(
        1, 90, 365, "How long an operator's device or network is known after a sign-in."
    )
    operator_invitation_hours: int = _within(
        1, 72, 14 * DAY_HOURS, "How long an operator's invitation is good."
    )
    operator_device_code_hours: int = _within(
        1, DAY_HOURS, 7 * DAY_HOURS, "How long a code for a store's device is good."
    )

    @model_validator(mode="after")
    def _delays_grow(self) -> "OperatorSettings":
        if self.operator_longest_delay_seconds < self.operator_first_delay_seconds:
            raise ValueError(
                "BASHGAH_OPERATOR_LONGEST_DELAY_SECONDS is shorter than BASHGAH_OPERATOR_FIRST_DELAY_SECONDS"
            )
        return self
