"""What the directory of places is loaded from, on a connection of its own: the active places, and what has changed.

Triggers note every change of a place or of its parts in `store_change`, in the transaction that makes it. `look`
asks for what was noted by transactions that its last answer could not see: what commits late is not missed.
"""

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Final, TypeVar

import asyncpg
import orjson

from backend.infra import db
from backend.stores import repository
from backend.stores.domain import Store
from backend.stores.spots import Vector

PAGE: Final = 500

T = TypeVar("T")

_SELECT: Final = """
SELECT s.id, s.kind, s.state, s.name, s.province_code, s.city, s.address, s.latitude, s.longitude, s.phones,
       s.open_on_holidays, s.min_months, s.max_months, s.min_amount_rials, s.max_amount_rials,
       c.id AS category_id, c.code AS category_code, c.name_fa AS category_name_fa, c.name_en AS category_name_en,
       cube_ll_coord(s.point, 1) AS x, cube_ll_coord(s.point, 2) AS y, cube_ll_coord(s.point, 3) AS z,
       s.xmin::text::bigint AS written_by,
       (SELECT json_agg(json_build_array(p.weekday, p.opens_minute, p.closes_minute)
                        ORDER BY p.weekday, p.opens_minute)
          FROM store_opening_period p WHERE p.store_id = s.id) AS periods,
       (SELECT json_agg(json_build_array(e.on_date, (
               SELECT json_agg(json_build_array(p.opens_minute, p.closes_minute) ORDER BY p.opens_minute)
                 FROM store_opening_exception_period p WHERE p.exception_id = e.id)) ORDER BY e.on_date)
          FROM store_opening_exception e WHERE e.store_id = s.id) AS exceptions,
       (SELECT json_agg(json_build_array(o.valid_from, o.valid_until) ORDER BY o.valid_from, o.valid_until)
          FROM store_offer o WHERE o.store_id = s.id) AS offers
  FROM store s JOIN store_category c ON c.id = s.category_id
 WHERE s.state = 'ACTIVE'
"""
_LOOK: Final = """
WITH noted AS (
    SELECT store_ids FROM store_change
     WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
       AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
       -- A dump brings the numbers of another server's transactions along.
       AND pg_visible_in_snapshot(transaction_id, pg_current_snapshot())
)
SELECT pg_current_snapshot()::text AS seen, pg_postmaster_start_time() AS server_began,
       coalesce((SELECT bool_or(store_ids IS NULL) FROM noted), false) AS all_changed,
       (SELECT array_agg(DISTINCT id) FROM noted, unnest(store_ids) AS id) AS changed
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An active place as it is stored.

    The schedule of `store` holds every exceptional day, and not only the near ones. `offers` are the first and
    last days of its offers, `written_by` is the transaction that wrote its row.
    """

    store: Store
    vector: Vector
    offers: tuple[tuple[date, date | None], ...]
    written_by: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer of the database could see: a snapshot's text, and when that server began."""

    snapshot: str
    server_began: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What has changed since another look; None says: perhaps everything."""

    seen: Seen
    changed: tuple[int, ...] | None


async def look(connection: db.RawConnection, since: Seen | None) -> Look:
    """Which places have changed since then: by anyone, in any way, as far as it is committed."""
    row = await connection.fetchrow(_LOOK, None if since is None else since.snapshot)
    assert row is not None  # noqa: S101 - an aggregate has one
    seen = Seen(row["seen"], row["server_began"])
    if since is None or row["all_changed"] or _is_another(since, seen):
        return Look(seen, None)
    return Look(seen, tuple(row["changed"] or ()))


async def list_all(connection: db.RawConnection) -> AsyncIterator[list[Entry]]:
    """All active places in the order of their ids, in pages, each as of its own moment."""
    last_id = 0
    while True:
        rows = await connection.fetch(
            f"{_SELECT} AND s.id > $1 ORDER BY s.id LIMIT {PAGE}", last_id
        )
        if not rows:
            return
        last_id = rows[-1]["id"]
        yield [_entry(row) for row in rows]


async def list_some(connection: db.RawConnection, ids: Sequence[int]) -> AsyncIterator[list[Entry]]:
    """The active places among these, in pages."""
    for start in range(0, len(ids), PAGE):
        page = list(ids[start : start + PAGE])
        yield [_entry(row) for row in await connection.fetch(f"{_SELECT} AND s.id = ANY($1)", page)]


async def census(connection: db.RawConnection) -> tuple[int, int]:
    """How many places are active, and the sum of the transactions that wrote their rows."""
    row = await connection.fetchrow(
        "SELECT count(*) AS places, coalesce(sum(xmin::text::bigint), 0)::bigint AS written_by"
        " FROM store WHERE state = 'ACTIVE'"
    )
    assert row is not None  # noqa: S101 - as above
    return row["places"], row["written_by"]


async def forget_changes(*, days: int) -> int:
    """Delete what was noted so long ago; gives how many notes."""
    tag = await db.execute(
        "DELETE FROM store_change WHERE noted_at < now() - make_interval(days => $1)", days
    )
    return int(tag.rsplit(maxsplit=1)[1])


def _is_another(before: Seen, now: Seen) -> bool:
    """Whether the server is not the one of before, or has gone back in time: restarted, replaced, restored."""
    return before.server_began != now.server_began or _next(now) < _next(before)


def _next(seen: Seen) -> int:
    """The first transaction that had not begun: `xmin:xmax:…` of a snapshot."""
    return int(seen.snapshot.split(":")[1])


def _entry(row: asyncpg.Record) -> Entry:
    store = repository.store(row)
    return Entry(
        store=replace(
            store,
            category=_shared(store.category),
            province_code=sys.intern(store.province_code),
            city=sys.intern(store.city),
            terms=_shared(store.terms),
        ),
        vector=(row["x"], row["y"], row["z"]),
        offers=tuple(
            (date.fromisoformat(first), None if last is None else date.fromisoformat(last))
            for first, last in orjson.loads(row["offers"] or b"[]")
        ),
        written_by=row["written_by"],
    )


@lru_cache(maxsize=4096)
def _shared(value: T) -> T:
    """One of the equal values, kept once."""
    return value
