"""How a session's family of refresh tokens answers a presented one: pure rules.

The tokens are numbered from 0. Nothing but hashes is stored: a token carries a tag by which the server
knows its own, and its successor is derived from it.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from backend.access.domain import RefreshKeyMismatch, SessionExpired, SessionInvalid
from backend.core import base64url, errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

GRACE: Final = timedelta(seconds=60)  # a token is answered for so long after its successor's use
MAX_GENERATIONS: Final = 60  # kept at once, so also the most refreshes of a session a minute
SEED_BYTES: Final = 32
_TAG_BYTES: Final = 16
_SESSION_BYTES: Final = 16
_GENERATION_BYTES: Final = 4
TOKEN_CHARACTERS: Final = 91  # what these 68 bytes have in base64url without padding


@dataclass(frozen=True, slots=True)
class Generation:
    """One refresh token of a family, by its hash; making it was the first use of the one before."""

    digest: bytes
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Family:
    """A session and its newest tokens, oldest first; the last one is number `newest`."""

    id: int
    public_id: UUID
    owner_id: (
        int  # the member's, the operator's or the cashier's, by whose repository it comes from
    )
    device_id: str
    device_name: str
    expires_at: datetime
    has_ended: bool
    newest: int
    generations: tuple[Generation, ...]

    def find(self, number: int) -> Generation | None:
        """The token of that number, where it is still kept."""
        index = number - self.newest + len(self.generations) - 1
        return self.generations[index] if 0 <= index < len(self.generations) else None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token whose tag is ours: it was given out by this service, at some time."""

    text: str = field(repr=False)
    session: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """The newest token was used for the first time: its successor, and what is kept from now on."""

    token: str = field(repr=False)
    generations: tuple[Generation, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same successor once more, because its answer may have been lost."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reused:
    """Somebody else holds a token of this family: it ends."""


def digest(token: str) -> bytes:
    """What is stored of a refresh token: SHA-256 (its secret has 256 bits, so no salt is needed)."""
    return hashlib.sha256(token.encode("ascii")).digest()


def first_token(session: UUID, *, seed: bytes, key: bytes) -> str:
    """The first refresh token of a session; the same for the same seed, which has SEED_BYTES at random."""
    secret = hmac.digest(key, b"first|" + session.bytes + seed, "sha256")
    return _sealed(session, 0, secret, key)


def first_given(family: Family, *, seed: bytes, keys: Sequence[bytes], at: datetime) -> str:
    """The first refresh token once more, because the answer that held it may have been lost.

    Raises SessionInvalid where it has been used, or the session has ended or was opened by another seed.
    """
    if family.has_ended or at >= family.expires_at or family.newest != 0:
        raise SessionInvalid
    for key in keys:
        token = first_token(family.public_id, seed=seed, key=key)
        if hmac.compare_digest(family.generations[0].digest, digest(token)):
            return token
    raise SessionInvalid


def parse_token(token: str, *, keys: Sequence[bytes]) -> RefreshToken:
    """Read a presented token. Raises SessionInvalid where no key gives its tag."""
    if len(token) != TOKEN_CHARACTERS:
        raise SessionInvalid
    try:
        data = base64url.decode(token)
    except base64url.Base64UrlError as error:
        raise SessionInvalid from error
    body, tag = data[:-_TAG_BYTES], data[-_TAG_BYTES:]
    if not any(hmac.compare_digest(_tag(body, key), tag) for key in keys):
        raise SessionInvalid
    return RefreshToken(
        text=token,
        session=uuid.UUID(bytes=body[:_SESSION_BYTES]),
        number=int.from_bytes(body[_SESSION_BYTES : _SESSION_BYTES + _GENERATION_BYTES], "big"),
    )


def successor(token: RefreshToken, *, idempotency_key: UUID | None, key: bytes) -> str:
    """The one token that follows this one under an idempotency key (or under none)."""
    message = f"{token.text}|{idempotency_key or ''}".encode()
    secret = hmac.digest(key, b"next|" + message, "sha256")
    return _sealed(token.session, token.number + 1, secret, key)


def answer(
    family: Family,
    token: RefreshToken,
    *,
    device_id: str,
    idempotency_key: UUID | None,
    keys: Sequence[bytes],
    at: datetime,
) -> Rotated | Repeated | Reused:
    """Decide what a presented token gets; `keys` are the server's, the current one first.

    From its own device a token gets its successor: until that is used itself, and for 60 s after.
    Any other use of a token ends the family. Raises SessionInvalid, SessionExpired,
    RefreshKeyMismatch and RateLimited; after these nothing has changed.
    """
    if family.has_ended:
        raise SessionInvalid
    if at >= family.expires_at:
        raise SessionExpired
    known = family.find(token.number)
    if (
        device_id != family.device_id
        or known is None
        or not hmac.compare_digest(known.digest, digest(token.text))
    ):
        return Reused()
    if token.number == family.newest:
        following = successor(token, idempotency_key=idempotency_key, key=keys[0])
        return Rotated(following, _rotated(family, following, at))
    used = family.find(token.number + 2)
    if used is not None and at > used.made_at + GRACE:
        return Reused()
    return Repeated(_given_before(family, token, idempotency_key, keys))


def _given_before(
    family: Family, token: RefreshToken, idempotency_key: UUID | None, keys: Sequence[bytes]
) -> str:
    """The successor that was given to a used token, made by whichever key was the current one then."""
    given = family.find(token.number + 1)
    for key in keys:
        following = successor(token, idempotency_key=idempotency_key, key=key)
        if given is not None and hmac.compare_digest(given.digest, digest(following)):
            return following
    raise RefreshKeyMismatch(field=("idempotencyKey",))


def _rotated(family: Family, following: str, at: datetime) -> tuple[Generation, ...]:
    """The tokens that can still be answered, and the new one."""
    made = (*family.generations, Generation(digest(following), at))
    # A token is answered while its successor is unused, and for a while after the use, which is
    # the moment at which the one after the successor was made.
    first = next(
        index
        for index in range(len(made))
        if index + 2 >= len(made) or at <= made[index + 2].made_at + GRACE
    )
    kept = made[first:]
    if len(kept) > MAX_GENERATIONS:
        wait = (kept[2].made_at + GRACE - at).total_seconds()
        raise errors.RateLimited(retry_after_seconds=math.floor(wait) + 1)
    return kept


def _sealed(session: UUID, number: int, secret: bytes, key: bytes) -> str:
    body = session.bytes + number.to_bytes(_GENERATION_BYTES, "big") + secret
    return base64url.encode(body + _tag(body, key))


def _tag(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"tag|" + body, "sha256")[:_TAG_BYTES]
