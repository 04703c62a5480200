"""Every query on provinces, branches, associations and declared holidays; cities are in `views`."""

from collections.abc import Sequence
from datetime import date

from backend.core.geo import GeoBounds, GeoPoint
from backend.core.text import persian_sort_key
from backend.core.viewer import Scope
from backend.infra import db
from backend.organization.domain import Opening, Province, StoredUnit, Unit, UnitName


async def list_provinces() -> list[Province]:
    """All 31 in the order of the Persian alphabet."""
    rows = await db.fetch("SELECT * FROM province ORDER BY sort_order")
    return [
        Province(
            code=row["code"],
            code_before_2020=row["code_before_2020"],
            name_fa=row["name_fa"],
            name_en=row["name_en"],
            capital_fa=row["capital_fa"],
            center=GeoPoint(row["capital_latitude"], row["capital_longitude"]),
            bounds=GeoBounds(row["south"], row["west"], row["north"], row["east"]),
            geonames_admin1=row["geonames_admin1"],
            open_for_members=row["open_for_members"],
            was_ever_open_for_members=row["members_first_opened_at"] is not None,
            open_for_stores=row["open_for_stores"],
        )
        for row in rows
    ]


async def open_provinces(codes: Sequence[str]) -> None:
    """Open these provinces for members and stores; the first opening stays dated."""
    await db.execute(
        """
        UPDATE province SET open_for_members = true, open_for_stores = true,
               members_first_opened_at = coalesce(members_first_opened_at, now())
         WHERE code = ANY($1::text[]) AND NOT (open_for_members AND open_for_stores)
        """,
        list(codes),
    )


async def lock_opening(code: str) -> Opening | None:
    """Lock a province until the transaction ends; for whom it is open."""
    row = await db.fetch_one(
        "SELECT open_for_members, open_for_stores FROM province WHERE code = $1 FOR UPDATE", code
    )
    return None if row is None else Opening(row["open_for_members"], row["open_for_stores"])


async def save_opening(code: str, opening: Opening) -> None:
    """Open or close a province; the first opening for members stays dated."""
    await db.execute(
        """
        UPDATE province SET open_for_members = $2, open_for_stores = $3,
               members_first_opened_at = CASE WHEN $2 THEN coalesce(members_first_opened_at, now())
                                              ELSE members_first_opened_at END
         WHERE code = $1
        """,
        code,
        opening.members,
        opening.stores,
    )


async def list_holiday_overrides() -> dict[date, bool]:
    """The days on which the government changed the calendar, and whether they are holidays."""
    async with db.acquire() as connection:
        return await read_holiday_overrides(connection)


async def read_holiday_overrides(connection: db.RawConnection) -> dict[date, bool]:
    """The same, on a connection that the caller holds."""
    rows = await connection.fetch(
        "SELECT on_date, is_holiday FROM holiday_override ORDER BY on_date"
    )
    return {row["on_date"]: row["is_holiday"] for row in rows}


async def save_holiday_override(*, on_date: date, is_holiday: bool, name: str) -> None:
    """Declare a day a holiday, or a working day; the last word counts."""
    await db.execute(
        """
        INSERT INTO holiday_override (on_date, is_holiday, name) VALUES ($1, $2, $3)
        ON CONFLICT (on_date) DO UPDATE SET is_holiday = excluded.is_holiday, name = excluded.name
        """,
        on_date,
        is_holiday,
        name,
    )


async def save_branches(units: Sequence[Unit]) -> None:
    """Insert or update branches by code."""
    await _save_units("branch", units)


async def save_associations(units: Sequence[Unit]) -> None:
    """Insert or update associations by code."""
    await _save_units("association", units)


async def list_branch_codes() -> list[str]:
    """The codes of all branches: some hundreds."""
    return await _list_unit_codes("branch")


async def list_association_codes() -> list[str]:
    """The codes of all associations: some hundreds."""
    return await _list_unit_codes("association")


async def list_branches(codes: Sequence[str]) -> list[UnitName]:
    """The branches with these codes, in no order."""
    return await _list_units("branch", codes)


async def list_associations(codes: Sequence[str]) -> list[UnitName]:
    """The associations with these codes, in no order."""
    return await _list_units("association", codes)


async def list_associations_by_name(
    *, scope: Scope, province_code: str | None, after: tuple[str, int], limit: int
) -> list[StoredUnit]:
    """The associations within a scope behind a place in their order: Persian alphabetical, then by id."""
    rows = await db.fetch(
        """
        SELECT id, code, name, name_sort_key, province_code, city FROM association
         WHERE ($1::bool OR province_code = ANY($2::text[]) OR id = $3::bigint)
           AND ($4::text IS NULL OR province_code = $4)
           AND (name_sort_key COLLATE "C", id) > ($5::text, $6::bigint)
         ORDER BY name_sort_key COLLATE "C", id LIMIT $7
        """,
        scope.nation,
        [] if scope.association_id is not None else sorted(scope.province_codes),
        scope.association_id,
        province_code,
        *after,
        limit,
    )
    return [
        StoredUnit(
            row["code"],
            row["name"],
            row["province_code"],
            row["city"],
            row["id"],
            row["name_sort_key"],
        )
        for row in rows
    ]


async def list_associations_by_id(association_ids: Sequence[int]) -> list[UnitName]:
    """The associations of these ids, in no order."""
    rows = await db.fetch(
        "SELECT id, code, name FROM association WHERE id = ANY($1::bigint[])", list(association_ids)
    )
    return [UnitName(row["id"], row["code"], row["name"]) for row in rows]


async def _list_units(table: str, codes: Sequence[str]) -> list[UnitName]:
    rows = await db.fetch(
        f"SELECT id, code, name FROM {table} WHERE code = ANY($1::text[])", list(codes)
    )
    return [UnitName(row["id"], row["code"], row["name"]) for row in rows]


async def _list_unit_codes(table: str) -> list[str]:
    return [row["code"] for row in await db.fetch(f"SELECT code FROM {table} ORDER BY code")]


async def _save_units(table: str, units: Sequence[Unit]) -> None:
    await db.execute(
        f"""
        INSERT INTO {table} (code, name, name_sort_key, province_code, city)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
        ON CONFLICT (code) DO UPDATE SET name = excluded.name, name_sort_key = excluded.name_sort_key,
               province_code = excluded.province_code, city = excluded.city
        """,
        [unit.code for unit in units],
        [unit.name for unit in units],
        [persian_sort_key(unit.name) for unit in units],
        [unit.province_code for unit in units],
        [unit.city for unit in units],
    )
