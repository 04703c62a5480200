"""One-time passwords (TOTP, RFC 6238): which step a typed one is of; and the secrets behind them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import pyotp

from backend.core import text

if TYPE_CHECKING:
    from datetime import datetime

STEP_SECONDS: Final = 30
DIGITS: Final = 6
WINDOW: Final = 1  # steps that a clock may be behind or ahead
ISSUER: Final = "Bashgah"
MAX_TYPED_CHARACTERS: Final = 40

RECOVERY_CODES: Final = 10
RECOVERY_GROUPS: Final = 4
_RECOVERY_GROUP_CHARACTERS: Final = 4
# Without the letters and digits that are taken for one another: 32 characters, 5 bits each.
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_secret() -> str:
    """A secret of 160 bits in base32, as authenticator apps take it."""
    return pyotp.random_base32(length=32)


def uri(secret: str, *, user_name: str) -> str:
    """The otpauth URI of a secret, for a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user_name, issuer_name=ISSUER)


def at(secret: str, moment: datetime) -> str:
    """The one-time password of a moment."""
    return pyotp.TOTP(secret).at(moment)


def typed(given: str) -> str:
    """A typed one-time password or recovery code in small form: digits of any keyboard, capitals, no gaps."""
    if len(given) > MAX_TYPED_CHARACTERS:
        return ""
    shown = text.to_ascii_digits(text.strip_bidi_controls(given))
    return "".join(shown.split()).replace("-", "").upper()


def step_of(secret: str, given: str, *, moment: datetime, after: int | None) -> int | None:
    """The step that a typed one-time password is good for; None where it is for none.

    `after` is the step of the last one that was taken: that one and those before are spent. All steps are
    compared, whichever fits.
    """
    password = typed(given)
    now = int(moment.timestamp()) // STEP_SECONDS
    maker = pyotp.TOTP(secret)
    found = None
    for step in range(now - WINDOW, now + WINDOW + 1):
        fits = pyotp.utils.strings_equal(maker.generate_otp(step), password)
        if fits and found is None and (after is None or step > after):
            found = step
    return found


def new_recovery_codes() -> tuple[str, ...]:
    """Codes of 80 random bits each, in groups of four characters."""
    return tuple(new_code(RECOVERY_GROUPS) for _ in range(RECOVERY_CODES))


def new_code(groups: int) -> str:
    """A random code of groups of four characters, 20 bits a group."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_GROUP_CHARACTERS))
        for _ in range(groups)
    )


def is_recovery_code(given: str) -> bool:
    """Whether what was typed has the form of a recovery code, rather than of a one-time password."""
    found = typed(given)
    return len(found) == RECOVERY_GROUPS * _RECOVERY_GROUP_CHARACTERS and set(found) <= set(
        _ALPHABET
    )
