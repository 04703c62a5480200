"""Sending a text message, whoever carries it; and asking whose a number is.

A failure says what is known about the message, because that decides whether trying again is safe.
No failure carries the number or the text.
"""

from __future__ import annotations

from typing import Final, Protocol

SINGLE_PART_UNITS: Final = 70  # a Persian text is UCS-2: 140 bytes a part
CONCATENATED_PART_UNITS: Final = 67  # a part of several gives three units to its header
MAX_PARTS: Final = 10


class SmsFailed(Exception):
    """A message was not seen off; the classes below say what became of it."""


class SmsNotSent(SmsFailed):
    """Certainly not sent, and another try may succeed: away, overloaded, or left alone for a while."""


class SmsRefused(SmsFailed):
    """Certainly not sent, and another try would end the same: the gateway says no."""


class SmsUncertain(SmsFailed):
    """Perhaps sent: the answer was lost, late or unreadable. Sending again may send it twice."""


class OwnNumberUnknown(Exception):
    """Whose the number is could not be found out now."""


class SmsNotConfigured(RuntimeError):
    """A message is sent before `configure`: a mistake of the program."""


class SmsSender(Protocol):
    """Carries messages."""

    async def send(self, *, to: str, text: str, message_id: str) -> None:
        """Send a text to a number in E.164. Raises SmsFailed.

        The same `message_id` names the same message, for gateways that drop repetitions.
        """

    async def close(self) -> None:
        """Let go of connections."""


class OwnNumberCheck(Protocol):
    """Knows in whose name a mobile number is registered."""

    async def is_own(self, *, phone: str, national_code: str) -> bool:
        """Whether the number (E.164) belongs to the holder of the code. Raises OwnNumberUnknown."""

    async def close(self) -> None:
        """Let go of connections."""


class _Configured:
    sender: SmsSender | None = None
    own_number_check: OwnNumberCheck | None = None


def configure(sender: SmsSender, *, own_number_check: OwnNumberCheck | None = None) -> None:
    """Set what this process sends with; the composition root does this once.

    With a check, sign-in codes go only to numbers in the member's own name.
    """
    _Configured.sender = sender
    _Configured.own_number_check = own_number_check


def sender() -> SmsSender:
    """What this process sends with. Raises SmsNotConfigured."""
    if _Configured.sender is None:
        raise SmsNotConfigured
    return _Configured.sender


def own_number_check() -> OwnNumberCheck | None:
    """What knows the owners of numbers; None where nobody is asked."""
    return _Configured.own_number_check


async def close() -> None:
    """Close what was configured; `configure` may follow."""
    sender, _Configured.sender = _Configured.sender, None
    check, _Configured.own_number_check = _Configured.own_number_check, None
    for each in (sender, check):
        if each is not None:
            await each.close()


def parts(text: str) -> int:
    """How many parts a text is sent, and paid, as; counted as UCS-2, as every Persian text is.

    Source: 3GPP TS 23.038 and 23.040. What is outside the basic plane counts twice.
    """
    units = len(text.encode("utf-16-le")) // 2
    if units <= SINGLE_PART_UNITS:
        return 1
    return -(-units // CONCATENATED_PART_UNITS)
