"""Who asks: members drawn from the data, each with a session and an access token that outlives the run."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg

from backend.core import clock
from backend.core.geo import GeoPoint
from backend.infra import tokens
from benchmarks.refusals import Refused

COUNT: Final = 2_000  # distinct members, tokens and places; every one is asked for in turn
_DEVICE: Final = "bench"
_TOKEN_LIFETIME: Final = timedelta(hours=12)
_NOISE_DEGREES: Final = 0.02  # two kilometres

# Those who have something on every screen, in an order that has nothing to do with how they were made.
_DRAWN: Final = """
    SELECT m.id FROM member m
     WHERE m.state = 'ACTIVE' AND m.locale = 'fa'
       AND m.id IN (SELECT member_id FROM notice) AND EXISTS (SELECT FROM purchase p WHERE p.member_id = m.id)
     ORDER BY hashint8(m.id), m.id LIMIT $1
"""
_PLACES: Final = """
    SELECT latitude, longitude FROM store WHERE state = 'ACTIVE' AND kind = 'STORE'
     ORDER BY hashint8(id), id LIMIT $1
"""
_SESSIONS: Final = """
    INSERT INTO session (public_id, member_id, device_id, device_name, platform, created_at, last_seen_at,
                         expires_at, generation, digests, made_at)
    SELECT s.public_id, s.member_id, $3, 'make bench', 'WEB', t.at, t.at, t.at + interval '1 day', 0,
           ARRAY[sha256(uuid_send(s.public_id))], ARRAY[t.at]
      FROM unnest($1::uuid[], $2::bigint[]) s (public_id, member_id), (SELECT $4::timestamptz AS at) t
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """A member with a token, and where the phone is."""

    member_id: int
    token: str
    at: GeoPoint


async def draw(url: str, *, count: int = COUNT) -> list[Caller]:
    """Draw members and places, the same for the same data, and sign the members in.

    The sessions of an earlier run are deleted. `tokens` must be configured. Raises Refused.
    """
    connection = await asyncpg.connect(url)
    try:
        ids = [row["id"] for row in await connection.fetch(_DRAWN, count)]
        places = [GeoPoint(**row) for row in await connection.fetch(_PLACES, count)]
        if not ids or not places:
            raise Refused("The data have no active member with purchases and notices, or no store.")
        sessions = [uuid.uuid4() for _ in ids]
        async with connection.transaction():
            await connection.execute("DELETE FROM session WHERE device_id = $1", _DEVICE)
            await connection.execute(_SESSIONS, sessions, ids, _DEVICE, clock.now())
    finally:
        await connection.close()
    return _callers(ids, sessions, places)


def _callers(
    ids: Sequence[int], sessions: Sequence[uuid.UUID], places: Sequence[GeoPoint]
) -> list[Caller]:
    at = clock.now()
    noise = random.Random(1)  # noqa: S311 - the same places in every run
    return [
        Caller(
            member_id,
            tokens.issue(
                subject=member_id, session=session, at=at, expires_at=at + _TOKEN_LIFETIME
            ),
            _near(places[number % len(places)], noise),
        )
        for number, (member_id, session) in enumerate(zip(ids, sessions, strict=True))
    ]


def _near(place: GeoPoint, noise: random.Random) -> GeoPoint:
    """A few streets away, with as many digits as a phone sends."""
    return GeoPoint(
        round(place.latitude + noise.uniform(-_NOISE_DEGREES, _NOISE_DEGREES), 6),
        round(place.longitude + noise.uniform(-_NOISE_DEGREES, _NOISE_DEGREES), 6),
    )
