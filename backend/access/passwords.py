"""Passwords: what may be one, and argon2id hashes made and checked beside the event loop.

m = 64 MiB, t = 3 passes, p = 1 lane: the second recommendation of RFC 9106 (section 4) in one lane instead of four, and
above the least of OWASP's Password Storage Cheat Sheet (m = 19 MiB, t = 2, p = 1), of which it is about seven times the
work. What that takes is the machine's matter. A hash keeps its parameters, so that others may be chosen here at any
time. AT_ONCE are made at once, each in a thread of its own, and who would wait too long is told to come back.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.access import totp
from backend.core import errors

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST_CHARACTERS: Final = 12
MOST_CHARACTERS: Final = 128
LEAST_DIFFERENT: Final = 6
MEMORY_KIB: Final = 64 * 1024
PASSES: Final = 3
LANES: Final = 1
AT_ONCE: Final = 2
MOST_WAITING: Final = 32
RETRY_AFTER_SECONDS: Final = 2
INITIAL_GROUPS: Final = 4  # of a password that the service makes: 80 bits

T = TypeVar("T")

_hasher: Final = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_threads: Final = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="argon2")


class _Use:
    waiting = 0
    dummy: str | None = None


class PasswordInvalid(errors.BadUserInput):
    """A password that is too short, too long, too simple, or holds the user name."""

    texts = errors.sentences(
        fa="گذرواژه باید {least} تا {most} نویسه داشته باشد، یکنواخت نباشد و نام کاربری در آن نباشد.",
        en="A password has {least} to {most} characters, is not monotonous, and holds no user name.",
    )
    hints = errors.sentences(
        fa="چند واژهٔ بی‌ربط را کنار هم بگذارید.", en="Put some unrelated words together."
    )


class TooBusy(errors.Unavailable):
    """More passwords wait to be checked than can be in good time."""


def check(password: str, *, user_name: str, field: str = "newPassword") -> str:
    """The password in its stored form (NFKC). Raises PasswordInvalid."""
    found = _normal(password)
    if (
        not LEAST_CHARACTERS <= len(found) <= MOST_CHARACTERS
        or len(set(found)) < LEAST_DIFFERENT
        or user_name in found.lower()
    ):
        raise PasswordInvalid(field=(field,), least=LEAST_CHARACTERS, most=MOST_CHARACTERS)
    return found


async def hash_of(password: str) -> str:
    """The argon2id hash of a password, with its parameters and salt. Raises TooBusy."""
    return await _beside(lambda: _hasher.hash(_normal(password)))


async def is_right(password: str, hashed: str | None) -> bool:
    """Whether the hash is this password's; against none it takes as long, and says no. Raises TooBusy."""
    return await _beside(lambda: _matches(password, hashed))


def initial() -> str:
    """A password of the service's own making, told once."""
    return totp.new_code(INITIAL_GROUPS)


def _matches(password: str, hashed: str | None) -> bool:
    given, dummy = _normal(password[: 4 * MOST_CHARACTERS]), _dummy()
    try:
        _hasher.verify(dummy if hashed is None else hashed, given)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def _dummy() -> str:
    """The hash of a password that nobody knows, in one process."""
    if _Use.dummy is None:
        _Use.dummy = _hasher.hash(secrets.token_urlsafe(32))
    return _Use.dummy


async def _beside(work: Callable[[], T]) -> T:
    if _Use.waiting >= MOST_WAITING:
        raise TooBusy(retry_after_seconds=RETRY_AFTER_SECONDS)
    _Use.waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _Use.waiting -= 1


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
