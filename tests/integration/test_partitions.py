"""Tables in monthly partitions: months made in time, at once by many, and rows moved to where they belong."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audit import jobs as audit_jobs
from backend.core import clock, paging
from backend.infra import db as database
from backend.infra import jobs, partitions
from backend.infra.partitions import Month, PartitionMistakeError, Place
from backend.notifications import jobs as notification_jobs

DECEMBER_2027 = datetime(2027, 12, 31, 23, 59, tzinfo=UTC)
TABLES = ("audit_entry", "file_read", "notice")
REGISTERED_BY = (audit_jobs, notification_jobs)  # as they are imported
READ = """
    INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)
    VALUES ($1, $2, 'REGISTRAR', 'o', 'a', 'p') RETURNING id, tableoid::regclass::text AS partition
"""


async def add_read(at: datetime, member_id: int = 1) -> tuple[int, str]:
    row = await database.fetch_one(READ, at, member_id)
    assert row is not None
    return row["id"], row["partition"]


async def partition_of(read_id: int) -> str:
    row = await database.fetch_one(
        "SELECT tableoid::regclass::text AS partition FROM file_read WHERE id = $1", read_id
    )
    assert row is not None
    return str(row["partition"])


@pytest.mark.parametrize("table", TABLES)
async def test_the_migration_makes_the_months_of_three_years(db: None, table: str) -> None:
    rows = await database.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = $1::text::regclass ORDER BY 1",
        table,
    )

    months = [f"{table}_y{y}m{m:02}" for y in (2025, 2026, 2027) for m in range(1, 13)]
    assert [row["name"] for row in rows] == [f"{table}_default", *months]


async def test_months_that_are_there_are_left_alone(db: None) -> None:
    with clock.frozen(datetime(2026, 11, 21, tzinfo=UTC)):
        assert await partitions.ensure("file_read", months_ahead=13) == []


@pytest.mark.parametrize("table", TABLES)
async def test_missing_months_are_made_in_order_and_once(db: None, table: str) -> None:
    with clock.frozen(DECEMBER_2027):
        made = await partitions.ensure(table, months_ahead=2)
        again = await partitions.ensure(table, months_ahead=2)

    assert made == [f"{table}_y2028m01", f"{table}_y2028m02"]
    assert again == []


@pytest.mark.parametrize("table", TABLES)
async def test_a_new_month_is_like_those_of_the_migration(db: None, table: str) -> None:
    """Indexes, constraints, defaults: all that PostgreSQL knows of a partition but its name and bounds."""
    with clock.frozen(DECEMBER_2027):
        await partitions.ensure(table, months_ahead=1)

    async def described(partition: str) -> list[object]:
        indexes = await database.fetch(
            "SELECT regexp_replace(pg_get_indexdef(indexrelid), 'y20\\d\\dm\\d\\d', '', 'g') AS text"
            " FROM pg_index WHERE indrelid = $1::text::regclass AND EXISTS"
            " (SELECT FROM pg_inherits WHERE inhrelid = indexrelid) ORDER BY 1",
            partition,
        )
        constraints = await database.fetch(
            "SELECT contype, pg_get_constraintdef(oid) AS text FROM pg_constraint"
            " WHERE conrelid = $1::text::regclass ORDER BY 1, 2",
            partition,
        )
        columns = await database.fetch(
            "SELECT attname, attnotnull, attidentity, pg_get_expr(adbin, adrelid) AS text FROM pg_attribute"
            " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
            " WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
            partition,
        )
        return [*map(tuple, indexes), *map(tuple, constraints), *map(tuple, columns)]

    made = await described(f"{table}_y2028m01")
    assert len(made) > 8
    assert made == await described(f"{table}_y2027m12")


async def test_rows_in_the_default_partition_are_moved_to_their_month(db: None) -> None:
    inside, there = await add_read(datetime(2028, 1, 31, 23, 59, 59, 999999, tzinfo=UTC))
    outside, _ = await add_read(datetime(2028, 2, 1, tzinfo=UTC))
    assert there == "file_read_default"
    assert await partitions.misplaced("file_read")

    with clock.frozen(DECEMBER_2027):
        made = await partitions.ensure("file_read", months_ahead=1)

    assert made == ["file_read_y2028m01"]
    assert await partition_of(inside) == "file_read_y2028m01"
    assert await partition_of(outside) == "file_read_default"
    new, new_partition = await add_read(datetime(2028, 1, 1, tzinfo=UTC))
    assert new > outside  # the moved ids are not given again
    assert new_partition == "file_read_y2028m01"


async def test_when_all_months_are_there_nothing_is_misplaced(db: None) -> None:
    await add_read(datetime(2026, 11, 21, tzinfo=UTC))

    assert not await partitions.misplaced("file_read")


async def test_processes_that_extend_at_once_make_each_month_once(db: None) -> None:
    with clock.frozen(DECEMBER_2027):
        made = await asyncio.gather(
            *(partitions.ensure("file_read", months_ahead=3) for _ in range(4))
        )

    assert sorted(name for names in made for name in names) == [
        f"file_read_y2028m0{month}" for month in (1, 2, 3)
    ]


async def test_who_holds_the_table_makes_the_extension_give_way(
    db: None, database_url: str
) -> None:
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM file_read")  # locks every partition for reading
            with clock.frozen(DECEMBER_2027), pytest.raises(asyncpg.LockNotAvailableError):
                await partitions.ensure("file_read", months_ahead=1)
    finally:
        await other.close()

    with clock.frozen(DECEMBER_2027):
        assert await partitions.ensure("file_read", months_ahead=1) == ["file_read_y2028m01"]


async def test_writing_to_other_months_does_not_stop_the_extension(
    db: None, database_url: str
) -> None:
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute(READ, datetime(2026, 11, 21, tzinfo=UTC), 1)
            with clock.frozen(DECEMBER_2027):
                made = await partitions.ensure("file_read", months_ahead=1)
    finally:
        await other.close()

    assert made == ["file_read_y2028m01"]


async def test_the_nightly_job_looks_after_every_registered_table(db: None) -> None:
    assert partitions.registered() == TABLES
    assert jobs.schedules()["partitions.extend"] == "40 23 * * *"

    with clock.frozen(DECEMBER_2027):
        await jobs.registered()["partitions.extend"].handler({})

    for table in TABLES:
        last = Month(2027, 12).later(partitions.MONTHS_AHEAD).partition_of(table)
        assert await database.fetch_one("SELECT FROM pg_class WHERE relname = $1", last) is not None


@pytest.mark.parametrize("name", ["Notice", "notice; DROP TABLE member", "", "n" * 41, "1"])
async def test_a_name_that_is_no_tables_is_refused(name: str) -> None:
    with pytest.raises(PartitionMistakeError):
        partitions.register(name)
    with pytest.raises(PartitionMistakeError):
        await partitions.ensure(name, months_ahead=1)


@pytest.mark.parametrize("months", [-1, partitions.MAX_MONTHS_AHEAD + 1])
async def test_the_number_of_months_has_bounds(months: int) -> None:
    with pytest.raises(PartitionMistakeError):
        await partitions.ensure("notice", months_ahead=months)


def test_months_go_on_over_the_turn_of_the_year() -> None:
    assert Month(2027, 12).later(1) == Month(2028, 1)
    assert Month(2027, 1).later(-1) == Month(2026, 12)
    assert Month(2026, 11).later(14) == Month(2028, 1)
    assert Month.of(datetime.fromisoformat("2027-01-01T03:29:59+03:30")) == Month(2026, 12)
    assert Month(2028, 2).begins_at == datetime(2028, 2, 1, tzinfo=UTC)


@given(
    at=st.datetimes(timezones=st.just(UTC)),
    row_id=st.integers(min_value=1, max_value=2**63 - 1),
)
def test_a_place_comes_back_from_its_cursor(at: datetime, row_id: int) -> None:
    question = paging.fingerprint(list="test")
    place = Place(at, row_id)

    assert Place.of_cursor(place.cursor(question), question) == place


@pytest.mark.parametrize("microseconds", [2**63 - 1, -(2**63)])
def test_a_forged_place_on_no_day_is_refused(microseconds: int) -> None:
    question = paging.fingerprint(list="test")

    with pytest.raises(paging.InvalidCursor):
        Place.of_cursor(paging.encode_cursor(question, (microseconds, 1)), question)


def test_the_bounds_are_half_open() -> None:
    last = Month(2028, 1).later(1).begins_at - timedelta(microseconds=1)

    assert Month.of(last) == Month(2028, 1)
