"""Requests for a code by SMS, and the codes, in Valkey: sealed, hashed, and gone after minutes.

| key | lifetime | holds |
|---|---|---|
| request:<id> | 5 min after the last asking | what was given, sealed; hashes of the last two codes; tries |
| asker:<blind index> | the same | the id that this device has for this person, phone and purpose |

A code is bound to its request, device and purpose by its hash, an HMAC with the server's key. It is
derived from that key and a salt in the request, so that a job that runs twice sends the same code.
Every change is one script of `code_scripts`, and may be made again where its answer was lost.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from backend.access import code_requests, code_scripts, families, limits
from backend.access.code_requests import (
    CODE_DIGITS,
    Asked,
    Claimed,
    CodeInvalid,
    Given,
    Pending,
    Purpose,
    TurnTaken,
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
# A job may be late by as much as a code lives, and the code lives then, and is repeated for a while.
REQUEST_SECONDS: Final = 300
CLAIM_SECONDS: Final = 60  # so long a right code may be repeated, though its time is over meanwhile
SEND_SECONDS: Final = 30  # a message that was begun and not heard of is sent again after so long
MOST_TRIES: Final = 5
KEY_BYTES: Final = 32

_REQUEST_PREFIX: Final = limits.PREFIX + "request:"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CodesNotConfigured(RuntimeError):
    """Codes are used before `configure`: a mistake of the program."""


class _Configured:
    keys: tuple[bytes, ...] = ()


def configure(keys: Sequence[bytes]) -> None:
    """Set the server's keys of codes, 32 bytes each; the composition root does this once.

    Codes are made with the first, and good under each of them.
    """
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise CodesNotConfigured(f"a key of codes has {KEY_BYTES} bytes, and there is one at least")
    _Configured.keys = tuple(keys)


async def ask(given: Given, *, purpose: Purpose, charges: Sequence[Charge]) -> Asked:
    """Open a request, or keep the one that this device has for the same person, phone and purpose.

    Within RESEND_SECONDS of the last asking nothing is due and nothing is charged. What is due stays
    due, and is not charged again, until `mark_arranged`. Raises RateLimited and CacheUnavailable.
    """
    asker = limits.blind("asker", "|".join((purpose, *code_requests.identity(given))))
    sealed = sealing.current().seal(code_requests.packed(given), context=_context(asker))
    answer = await limits.run(
        code_scripts.ASK,
        [f"{limits.PREFIX}asker:{asker}", *(charge.key for charge in charges)],
        [
            *(str(limits.now_ms()), str(uuid.uuid4()), _REQUEST_PREFIX),
            *(str(RESEND_SECONDS * 1_000), str(CODE_SECONDS * 1_000), str(REQUEST_SECONDS * 1_000)),
            *(str(MOST_TRIES), sealed.ciphertext, sealed.key_id),
            *(limits.blind("device", given.device.id),),
            *(limits.blind("national_code", given.national_code), purpose),
            *(secrets.token_hex(families.SEED_BYTES), asker),
            *(each for charge in charges for each in charge.arguments),
        ],
    )
    kind, *rest = cast("list[bytes]", answer)
    if kind == b"WAIT":
        limits.refuse_after(rest[0])
    known, resend_at, expires_at, asked = (each.decode() for each in rest)
    return Asked(
        request_id=uuid.UUID(known),
        resend_at=_moment(resend_at),
        expires_at=_moment(expires_at),
        asked=int(asked),
        is_due=kind == b"DUE",
    )


async def mark_arranged(asked: Asked) -> None:
    """Note that what is due will be sent: its job is committed."""
    await limits.run(code_scripts.ARRANGED, [_key(asked.request_id)], [str(asked.asked)])


async def find_pending(request_id: UUID) -> Pending | None:
    """The request that a code is to be sent for; None where it is gone, or the code was sent."""
    names = ("data", "key_id", "asker", "purpose", "asked", "sent", "asked_at", "salt", "claimed")

    def call(redis: Redis) -> Awaitable[list[bytes | None]]:
        return cast("Awaitable[list[bytes | None]]", redis.hmget(_key(request_id), list(names)))

    found = dict(zip(names, await limits.ask(call), strict=True))
    stored = {name: value for name, value in found.items() if value is not None}
    if "data" not in stored or "claimed" in stored or int(stored["sent"]) >= int(stored["asked"]):
        return None
    return Pending(
        request_id=request_id,
        given=_unsealed(stored["asker"], stored["data"], stored["key_id"]),
        purpose=Purpose(stored["purpose"].decode()),
        asked=int(stored["asked"]),
        asked_at=_moment(stored["asked_at"].decode()),
        salt=stored["salt"].decode(),
    )


async def take_turn(pending: Pending, *, charges: Sequence[Charge]) -> bool:
    """Charge the message of this asking, once for all its runs; False where it was sent, or the request is gone.

    Who gets True is to send it, and says what became of it by `mark_sent` or `mark_not_sent`. Raises
    TurnTaken while another one sends it, RateLimited and CacheUnavailable.
    """
    answer = await limits.run(
        code_scripts.TURN,
        [_key(pending.request_id), *(charge.key for charge in charges)],
        [
            *(str(limits.now_ms()), str(pending.asked), str(SEND_SECONDS * 1_000)),
            *(each for charge in charges for each in charge.arguments),
        ],
    )
    kind, *rest = cast("list[bytes]", answer)
    if kind == b"WAIT":
        limits.refuse_after(rest[0])
    if kind == b"TAKEN":
        raise TurnTaken
    return kind == b"YOURS"


async def make(pending: Pending, *, member_id: int) -> str | None:
    """Make the code and store its hash beside that of the one before; None where the request is gone.

    Made again for the same asking it is the same code, with a new time.
    """
    message = f"make|{pending.request_id}|{pending.purpose}|{pending.salt}|{pending.asked}"
    key = _keys()[0]
    number = int.from_bytes(_hmac(key, message)[:16], "big") % 10**CODE_DIGITS
    code = f"{number:0{CODE_DIGITS}d}"
    hashed = _hash(key, pending.request_id, pending.purpose, pending.given.device.id, code)
    stored = await limits.run(
        code_scripts.STORE,
        [_key(pending.request_id)],
        [hashed, str(limits.now_ms() + CODE_SECONDS * 1_000), str(member_id)],
    )
    return code if stored == 1 else None


async def mark_sent(pending: Pending) -> None:
    """Keep this asking from being answered by another message."""
    await limits.run(code_scripts.SENT, [_key(pending.request_id)], [str(pending.asked)])


async def mark_not_sent(pending: Pending, *, charges: Sequence[Charge]) -> None:
    """Give the turn back, and what was charged: certainly nothing was sent."""
    await limits.run(
        code_scripts.NOT_SENT,
        [_key(pending.request_id), *(charge.key for charge in charges)],
        [str(pending.asked), *(each for charge in charges for each in charge.arguments)],
    )


async def claim(
    request_id: UUID,
    *,
    purpose: Purpose,
    device_id: str,
    code: str,
    failures_of_person: Charge,
    failures_of_address: Sequence[Charge],
) -> Claimed:
    """Whose code this is, where it is right; a wrong one counts as a try of the request and as a failure.

    A right code is right again as long as it lives, and CLAIM_SECONDS after its first claim: its answer
    may have been lost. The caller does what it is good for once a request. `failures_of_person` names its
    limit without the person, whom only the request knows. Raises CodeInvalid, RateLimited and
    CacheUnavailable.
    """
    hashes = [_hash(key, request_id, purpose, device_id, code) for key in _keys()]
    answer = await limits.run(
        code_scripts.CLAIM,
        [_key(request_id), *(charge.key for charge in failures_of_address)],
        [
            *(str(limits.now_ms()), limits.blind("device", device_id), purpose, str(MOST_TRIES)),
            *(str(CLAIM_SECONDS * 1_000),),
            *(failures_of_person.key, *failures_of_person.arguments[:2]),
            *(str(len(hashes)), *hashes),
            *(each for charge in failures_of_address for each in charge.arguments),
        ],
    )
    kind, *rest = cast("list[bytes]", answer)
    if kind == b"WAIT":
        limits.refuse_after(rest[0])
    if kind != b"RIGHT":
        raise CodeInvalid(field=("code",))
    member_id, data, key_id, asker, salt = rest
    return Claimed(int(member_id), _unsealed(asker, data, key_id), bytes.fromhex(salt.decode()))


def _hash(key: bytes, request_id: UUID, purpose: Purpose, device_id: str, code: str) -> str:
    return _hmac(key, f"check|{request_id}|{purpose}|{code}|{device_id}").hex()


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")


def _keys() -> tuple[bytes, ...]:
    if not _Configured.keys:
        raise CodesNotConfigured
    return _Configured.keys


def _key(request_id: UUID) -> str:
    return f"{_REQUEST_PREFIX}{request_id}"


def _context(asker: str) -> str:
    return f"access.request:{asker}"


def _unsealed(asker: bytes, data: bytes, key_id: bytes) -> Given:
    sealed, context = Sealed(data, key_id.decode()), _context(asker.decode())
    return code_requests.unpacked(sealing.current().unseal(sealed, context=context))


def _moment(milliseconds: str) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))
