"""Requests for a code by SMS, and the codes, in Valkey: sealed, hashed, and gone after minutes.

| key | lifetime | holds |
|---|---|---|
| request:<id> | 5 min after the last asking | what was given, sealed; hashes of the last two codes; tries |
| asker:<blind index> | the same | the id that this device has for this person, phone and purpose |

A code is bound to its request, device and purpose by its hash, an HMAC with the server's key. It is
derived from that key and a salt in the request, so that a job that runs twice sends the same code.
Every change is one script of `code_scripts`.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from backend.access import code_requests, code_scripts, limits
from backend.access.code_requests import (
    CODE_DIGITS,
    Asked,
    Claimed,
    CodeInvalid,
    Given,
    Pending,
    Purpose,
)
from backend.infra import sealing
from backend.infra.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from uuid import UUID

    from redis.asyncio import Redis

    from backend.access.limits import Charge

CODE_SECONDS: Final = 120
RESEND_SECONDS: Final = 60
REQUEST_SECONDS: Final = (
    300  # a job may be late by as much as a code lives, and the code lives then
)
MOST_TRIES: Final = 5
KEY_BYTES: Final = 32

_REQUEST_PREFIX: Final = limits.PREFIX + "request:"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CodesNotConfigured(RuntimeError):
    """Codes are used before `configure`: a mistake of the program."""


class _Configured:
    key: bytes | None = None


def configure(key: bytes) -> None:
    """Set the server's key of codes, 32 bytes; the composition root does this once."""
    if len(key) != KEY_BYTES:
        raise CodesNotConfigured(f"the key of codes has {KEY_BYTES} bytes")
    _Configured.key = key


async def ask(given: Given, *, purpose: Purpose, charges: Sequence[Charge]) -> Asked:
    """Open a request, or keep the one that this device has for the same person, phone and purpose.

    Within RESEND_SECONDS of the last asking nothing is due and nothing is charged. Raises
    RateLimited and CacheUnavailable.
    """
    request_id = uuid.uuid4()
    sealed = sealing.current().seal(code_requests.packed(given), context=_context(request_id))
    asker = limits.blind("asker", "|".join((purpose, *code_requests.identity(given))))
    answer = await limits.run(
        code_scripts.ASK,
        [f"{limits.PREFIX}asker:{asker}", *(charge.key for charge in charges)],
        [
            *(str(limits.now_ms()), str(request_id), _REQUEST_PREFIX),
            *(str(RESEND_SECONDS * 1_000), str(CODE_SECONDS * 1_000), str(REQUEST_SECONDS * 1_000)),
            *(str(MOST_TRIES), sealed.ciphertext, sealed.key_id),
            *(limits.blind("device", given.device.id),),
            *(limits.blind("national_code", given.national_code), purpose, secrets.token_hex(16)),
            *(each for charge in charges for each in charge.arguments),
        ],
    )
    kind, *rest = cast("list[bytes]", answer)
    if kind == b"WAIT":
        limits.refuse_after(rest[0])
    known, resend_at, expires_at = (each.decode() for each in rest)
    return Asked(uuid.UUID(known), _moment(resend_at), _moment(expires_at), kind == b"DUE")


async def let_ask_again(request_id: UUID) -> None:
    """Let the device ask again at once: what was due could not be arranged."""
    await limits.run(code_scripts.SET, [_key(request_id)], ["resend_at", str(limits.now_ms())])


async def find_pending(request_id: UUID) -> Pending | None:
    """The request that a code is to be sent for; None where it is gone, or the code was sent."""
    names = ("data", "key_id", "purpose", "asked", "sent", "asked_at", "salt", "used")

    def call(redis: Redis) -> Awaitable[list[bytes | None]]:
        return cast("Awaitable[list[bytes | None]]", redis.hmget(_key(request_id), list(names)))

    found = dict(zip(names, await limits.ask(call), strict=True))
    stored = {name: value for name, value in found.items() if value is not None}
    if "data" not in stored or "used" in stored or int(stored["sent"]) >= int(stored["asked"]):
        return None
    return Pending(
        request_id=request_id,
        given=_unsealed(request_id, stored["data"], stored["key_id"]),
        purpose=Purpose(stored["purpose"].decode()),
        asked=int(stored["asked"]),
        asked_at=_moment(stored["asked_at"].decode()),
        salt=stored["salt"].decode(),
    )


async def make(pending: Pending, *, member_id: int) -> str | None:
    """Make the code and store its hash beside that of the one before; None where the request is gone.

    Made again for the same asking it is the same code, with a new time.
    """
    message = f"make|{pending.request_id}|{pending.purpose}|{pending.salt}|{pending.asked}"
    number = int.from_bytes(_hmac(message)[:16], "big") % 10**CODE_DIGITS
    code = f"{number:0{CODE_DIGITS}d}"
    hashed = _hash(pending.request_id, pending.purpose, pending.given.device.id, code)
    stored = await limits.run(
        code_scripts.STORE,
        [_key(pending.request_id)],
        [hashed, str(limits.now_ms() + CODE_SECONDS * 1_000), str(member_id)],
    )
    return code if stored == 1 else None


async def mark_sent(pending: Pending) -> None:
    """Keep this asking from being answered by another message."""
    await limits.run(code_scripts.SET, [_key(pending.request_id)], ["sent", str(pending.asked)])


async def claim(
    request_id: UUID,
    *,
    purpose: Purpose,
    device_id: str,
    code: str,
    failures_of_person: Charge,
    failures_of_address: Charge,
) -> Claimed:
    """Use up a right code. A wrong one counts as a try of the request and as a failure.

    `failures_of_person` names its limit without the person, whom only the request knows. Raises
    CodeInvalid, RateLimited and CacheUnavailable.
    """
    answer = await limits.run(
        code_scripts.CLAIM,
        [_key(request_id), failures_of_address.key],
        [
            *(str(limits.now_ms()), limits.blind("device", device_id), purpose),
            *(_hash(request_id, purpose, device_id, code), str(MOST_TRIES)),
            *(failures_of_person.key, *failures_of_person.arguments[:2]),
            *failures_of_address.arguments[:2],
        ],
    )
    kind, *rest = cast("list[bytes]", answer)
    if kind == b"WAIT":
        limits.refuse_after(rest[0])
    if kind != b"RIGHT":
        raise CodeInvalid(field=("code",))
    member_id, data, key_id = rest
    return Claimed(int(member_id), _unsealed(request_id, data, key_id))


async def give_back(request_id: UUID) -> None:
    """Let the code that was claimed be used after all: what it was claimed for did not happen."""

    def call(redis: Redis) -> Awaitable[object]:
        return redis.hdel(_key(request_id), "used")

    await limits.ask(call)


def _hash(request_id: UUID, purpose: Purpose, device_id: str, code: str) -> str:
    return _hmac(f"check|{request_id}|{purpose}|{code}|{device_id}").hex()


def _hmac(message: str) -> bytes:
    if _Configured.key is None:
        raise CodesNotConfigured
    return hmac.digest(_Configured.key, message.encode(), "sha256")


def _key(request_id: UUID) -> str:
    return f"{_REQUEST_PREFIX}{request_id}"


def _context(request_id: UUID) -> str:
    return f"access.request:{request_id}"


def _unsealed(request_id: UUID, data: bytes, key_id: bytes) -> Given:
    sealed = Sealed(data, key_id.decode())
    return code_requests.unpacked(sealing.current().unseal(sealed, context=_context(request_id)))


def _moment(milliseconds: str) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))
