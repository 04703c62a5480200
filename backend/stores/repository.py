"""Every query on stores. Raw SQL through `db.fetch`: the lists are the hottest reads of the product.

A list is one statement: an inner query filters, orders and cuts the page; the outer one adds category, opening
periods and exceptional days as JSON. Text is folded before it gets here.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

import asyncpg
import orjson

from backend.core import geo
from backend.core.calendar import Weekday
from backend.core.geo import GeoBounds, GeoPoint
from backend.infra import db
from backend.stores import repository_search
from backend.stores.clusters import StoreCluster
from backend.stores.domain import (
    InstalmentTerms,
    LocalInstant,
    NearbyStore,
    Offer,
    PlaceKind,
    Store,
    StoreCategory,
    StoreFilter,
    StoreState,
)
from backend.stores.opening import LOOKAHEAD_DAYS, OpeningException, OpeningPeriod, OpeningSchedule
from backend.stores.repository_conditions import Arguments, filter_conditions

_EXCEPTION_DAYS = timedelta(days=LOOKAHEAD_DAYS + 1)


_COLUMNS = """
    s.id, s.kind, s.state, s.name, s.province_code, s.city, s.address, s.latitude, s.longitude, s.phones,
    s.open_on_holidays, s.min_months, s.max_months, s.min_amount_rials, s.max_amount_rials,
    c.id AS category_id, c.code AS category_code, c.name_fa AS category_name_fa, c.name_en AS category_name_en,
    (SELECT json_agg(json_build_array(p.weekday, p.opens_minute, p.closes_minute)
                     ORDER BY p.weekday, p.opens_minute)
       FROM store_opening_period p WHERE p.store_id = s.id) AS periods
"""
_EXCEPTIONS = """
    (SELECT json_agg(json_build_array(e.on_date, (
            SELECT json_agg(json_build_array(p.opens_minute, p.closes_minute) ORDER BY p.opens_minute)
              FROM store_opening_exception_period p WHERE p.exception_id = e.id)) ORDER BY e.on_date)
       FROM store_opening_exception e
      WHERE e.store_id = s.id AND e.on_date BETWEEN {first} AND {last}) AS exceptions
"""


def select(page: str, arguments: Arguments, *, today: date, order: str, extra: str = "") -> str:
    """The statement around an inner query `page` that gives rows of the table store."""
    exceptions = _EXCEPTIONS.format(
        first=arguments.add(today - timedelta(days=2), "date"),
        last=arguments.add(today + _EXCEPTION_DAYS, "date"),
    )
    return (
        f"SELECT {_COLUMNS}, {exceptions}{extra} FROM ({page}) s"
        f" JOIN store_category c ON c.id = s.category_id ORDER BY {order}"
    )


async def list_nearby(
    *,
    at: GeoPoint,
    chord_limit: float,
    matching: StoreFilter,
    now: LocalInstant,
    after: tuple[float, int] | None,
    limit: int,
) -> list[NearbyStore]:
    """Active places within the chord, nearest first; `after` is the chord and id of the last one seen."""
    arguments = Arguments()
    x, y, z = (arguments.add(part, "float8") for part in geo.unit_vector(at))
    origin = f"cube(ARRAY[{x}, {y}, {z}])"
    conditions = filter_conditions(arguments, matching, now)
    if after is not None:
        last_chord, last_id = arguments.add(after[0], "float8"), arguments.add(after[1], "bigint")
        conditions.append(f"(s.point <-> {origin}, s.id) > ({last_chord}, {last_id})")
    nearest = (
        f"SELECT s.*, s.point <-> {origin} AS chord FROM store s WHERE {' AND '.join(conditions)}"
        f" ORDER BY s.point <-> {origin}, s.id LIMIT {arguments.add(limit, 'int')}"
    )
    # The radius cuts the page and not the search: of a cube's containment PostgreSQL guesses one row in a
    # thousand, and would fetch and sort a whole city rather than walk the index in the order of distance.
    page = f"SELECT s.* FROM ({nearest}) s WHERE s.chord <= {arguments.add(chord_limit, 'float8')}"
    sql = select(page, arguments, today=now.today, order="s.chord, s.id", extra=", s.chord")
    return [NearbyStore(store(row), row["chord"]) for row in await db.fetch(sql, *arguments.values)]


async def list_by_name(
    *, matching: StoreFilter, now: LocalInstant, after: tuple[str, int] | None, limit: int
) -> list[tuple[Store, tuple[str, int]]]:
    """Active places in Persian alphabetical order, each with its key (sort key, id)."""
    arguments = Arguments()
    conditions = filter_conditions(arguments, matching, now)
    if after is not None:
        key, last_id = arguments.add(after[0], "text"), arguments.add(after[1], "bigint")
        conditions.append(f'(s.name_sort_key COLLATE "C", s.id) > ({key}, {last_id})')
    page = (
        f"SELECT s.* FROM store s WHERE {' AND '.join(conditions)}"
        f' ORDER BY s.name_sort_key COLLATE "C", s.id LIMIT {arguments.add(limit, "int")}'
    )
    sql = select(
        page,
        arguments,
        today=now.today,
        order='s.name_sort_key COLLATE "C", s.id',
        extra=", s.name_sort_key",
    )
    rows = await db.fetch(sql, *arguments.values)
    return [(store(row), (row["name_sort_key"], row["id"])) for row in rows]


async def list_matching(
    *,
    terms: Sequence[str],
    phrase: str,
    matching: StoreFilter,
    now: LocalInstant,
    after: tuple[int, str, int] | None,
    limit: int,
) -> list[tuple[Store, tuple[int, str, int]]]:
    """Active places that a search finds, each with its key (rank, sort key, id); `repository_search` ranks.

    `terms` and `phrase` are folded.
    """
    arguments = Arguments()
    conditions = filter_conditions(arguments, matching, now)
    found, rank = repository_search.conditions(arguments, terms=terms, phrase=phrase)
    conditions.append(found)
    page = f"SELECT s.*, {rank} AS rank FROM store s WHERE {' AND '.join(conditions)}"
    order = 's.rank, s.name_sort_key COLLATE "C", s.id'
    beyond = ""
    if after is not None:
        keys = (arguments.add(v, c) for v, c in zip(after, ("int", "text", "bigint"), strict=True))
        beyond = f' WHERE (s.rank, s.name_sort_key COLLATE "C", s.id) > ({", ".join(keys)})'
    page = (
        f"SELECT s.* FROM ({page}) s{beyond} ORDER BY {order} LIMIT {arguments.add(limit, 'int')}"
    )
    sql = select(page, arguments, today=now.today, order=order, extra=", s.rank, s.name_sort_key")
    rows = await db.fetch(sql, *arguments.values)
    return [(store(row), (row["rank"], row["name_sort_key"], row["id"])) for row in rows]


async def list_by_ids(
    ids: Sequence[int], *, today: date, suspended_too: bool = False
) -> list[Store]:
    """The active places among `ids`, in no order."""
    arguments = Arguments()
    page = f"SELECT * FROM store WHERE id = ANY({arguments.add(list(ids), 'bigint[]')})"
    if not suspended_too:
        page += " AND state = 'ACTIVE'"
    sql = select(page, arguments, today=today, order="s.id")
    return [store(row) for row in await db.fetch(sql, *arguments.values)]


async def list_clusters(
    *, bounds: GeoBounds, cells: int, matching: StoreFilter, now: LocalInstant
) -> list[StoreCluster]:
    """The active places in the bounds (edges included), grouped by the cells of a web-mercator grid."""
    arguments = Arguments()
    conditions = filter_conditions(arguments, matching, now)
    south, north = arguments.add(bounds.south, "float8"), arguments.add(bounds.north, "float8")
    west, east = arguments.add(bounds.west, "float8"), arguments.add(bounds.east, "float8")
    conditions.append(f"s.latitude BETWEEN {south} AND {north}")
    conditions.append(f"s.longitude BETWEEN {west} AND {east}")
    count = arguments.add(cells, "float8")
    latitude = "radians(greatest(-85.0511, least(85.0511, s.latitude)))"
    sql = f"""
        SELECT count(*) AS count, avg(latitude) AS latitude, avg(longitude) AS longitude, min(id) AS id,
               min(latitude) AS south, max(latitude) AS north, min(longitude) AS west, max(longitude) AS east
          FROM (
            SELECT s.id, s.latitude, s.longitude,
                   floor((s.longitude + 180) / 360 * {count}) AS cell_x,
                   floor((1 - ln(tan({latitude}) + 1 / cos({latitude})) / pi()) / 2 * {count}) AS cell_y
              FROM store s WHERE {" AND ".join(conditions)}
          ) s
         GROUP BY cell_x, cell_y ORDER BY cell_y, cell_x
    """
    return [_cluster(row) for row in await db.fetch(sql, *arguments.values)]


async def list_categories() -> list[StoreCategory]:
    """All categories in their order of display."""
    rows = await db.fetch(
        "SELECT id, code, name_fa, name_en FROM store_category ORDER BY sort_order, id"
    )
    return [StoreCategory(**dict(row)) for row in rows]


async def list_offers(store_ids: Sequence[int], *, today: date) -> list[Offer]:
    """The offers of these places that count today, the ones that end first in front."""
    rows = await db.fetch(
        """
        SELECT id, store_id, title, body, valid_until FROM store_offer
         WHERE store_id = ANY($1::bigint[]) AND valid_from <= $2 AND (valid_until IS NULL OR valid_until >= $2)
         ORDER BY valid_until NULLS LAST, id
        """,
        list(store_ids),
        today,
    )
    return [Offer(**dict(row)) for row in rows]


def _cluster(row: asyncpg.Record) -> StoreCluster:
    return StoreCluster(
        location=GeoPoint(round(row["latitude"], 6), round(row["longitude"], 6)),
        count=row["count"],
        bounds=GeoBounds(row["south"], row["west"], row["north"], row["east"]),
        store_id=row["id"] if row["count"] == 1 else None,
    )


def store(row: asyncpg.Record) -> Store:
    return Store(
        id=row["id"],
        kind=PlaceKind(row["kind"]),
        state=StoreState(row["state"]),
        name=row["name"],
        category=StoreCategory(
            row["category_id"],
            row["category_code"],
            row["category_name_fa"],
            row["category_name_en"],
        ),
        province_code=row["province_code"],
        city=row["city"],
        address=row["address"],
        location=GeoPoint(row["latitude"], row["longitude"]),
        phones=tuple(row["phones"]),
        terms=_terms(row),
        schedule=_schedule(row["periods"], row["exceptions"], row["open_on_holidays"]),
    )


@lru_cache(maxsize=4096)
def _schedule(
    periods: str | None, exceptions: str | None, open_on_holidays: bool
) -> OpeningSchedule:
    """Opening hours from their JSON; cached, because most stores keep one of a few dozen weeks."""
    return OpeningSchedule(
        periods=tuple(
            OpeningPeriod(Weekday(weekday), opens, closes)
            for weekday, opens, closes in orjson.loads(periods or b"[]")
        ),
        exceptions=tuple(
            OpeningException(date.fromisoformat(day), tuple((o, c) for o, c in times or ()))
            for day, times in orjson.loads(exceptions or b"[]")
        ),
        open_on_holidays=open_on_holidays,
    )


def _terms(row: asyncpg.Record) -> InstalmentTerms | None:
    if row["min_months"] is None:
        return None
    return InstalmentTerms(
        row["min_months"], row["max_months"], row["min_amount_rials"], row["max_amount_rials"]
    )
