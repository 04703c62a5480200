"""Tables that are cut into months (Gregorian, UTC): partitions made in time, and places in their lists.

Such a table `t` is partitioned by range of `created_at` with PRIMARY KEY (id, created_at). It has a partition
`t_y2026m11` a month and `t_default` for what belongs to none. Its slice's `jobs.py` registers it here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self, cast

from backend.core import clock, paging
from backend.infra import db, jobs, telemetry

MONTHS_AHEAD: Final = 6
MAX_MONTHS_AHEAD: Final = 120
# Below PostgreSQL's deadlock_timeout (1 s): where a request and this job wait for each other, the job gives
# way, and is run again.
LOCK_TIMEOUT: Final = "500ms"
MOVE_SECONDS: Final = (
    300.0  # what moving the rows of one month out of the default partition may take
)

_EVERY_NIGHT: Final = "40 23 * * *"
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LOCK_KEY: Final = 0x70617274  # the transactions that make partitions come one after the other
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MONTHS: Final = 12

# Attaching a table takes weaker locks than making a partition in place; the default one is locked anyhow, and at once
# as strongly as it will have to be. Its triggers would not let rows go, not even to where they belong.
_FUNCTION: Final = """
    CREATE OR REPLACE FUNCTION public.make_month_partition(parent text, year int, month int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        made text := format('%s_y%sm%s', parent, lpad(year::text, 4, '0'), lpad(month::text, 2, '0'));
        rest text := parent || '_default';
        begins timestamptz := make_timestamptz(year, month, 1, 0, 0, 0, 'UTC');
        ends timestamptz := (begins AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        has_rows boolean;
    BEGIN
        IF begins NOT BETWEEN now() - interval '10 years' AND now() + interval '10 years' OR NOT EXISTS (
            SELECT FROM pg_inherits i
              JOIN pg_class p ON p.oid = i.inhparent
              JOIN pg_class d ON d.oid = i.inhrelid
             WHERE p.relname = parent AND p.relkind = 'p' AND p.relnamespace = 'public'::regnamespace
               AND p.relowner = current_user::regrole AND d.relname = rest)
        THEN
            RAISE EXCEPTION '% has no partitions by month', parent USING ERRCODE = 'invalid_parameter_value';
        END IF;
        EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', rest);
        EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                       made, parent);
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE created_at >= %L AND created_at < %L)',
                       rest, begins, ends) INTO has_rows;
        IF has_rows THEN
            EXECUTE format('ALTER TABLE public.%I DISABLE TRIGGER USER', rest);
            EXECUTE format(
                'WITH moved AS (DELETE FROM public.%I WHERE created_at >= %L AND created_at < %L RETURNING *)'
                ' INSERT INTO public.%I SELECT * FROM moved', rest, begins, ends, made);
            EXECUTE format('ALTER TABLE public.%I ENABLE TRIGGER USER', rest);
        END IF;
        EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                       parent, made, begins, ends);
    END
    $$;
    REVOKE ALL ON FUNCTION public.make_month_partition(text, int, int) FROM PUBLIC
"""

_tables: set[str] = set()
_log = telemetry.logger(__name__)


class PartitionMistakeError(Exception):
    """A table is registered or extended wrongly: a mistake of the program, not of a user."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in a list, newest first: its time, then its id."""

    created_at: datetime
    id: int

    def cursor(self, question: str) -> str:
        """Return the cursor of this place in the list with this fingerprint."""
        return paging.encode_cursor(question, ((self.created_at - _EPOCH) // _MICROSECOND, self.id))

    @classmethod
    def of_cursor(cls, text: str, question: str) -> Self:
        """Return the place that `cursor` wrote; raises InvalidCursor."""
        key = paging.decode_cursor(text, question, types=(int, int))
        microseconds, row_id = cast("tuple[int, int]", key)
        try:
            return cls(_EPOCH + microseconds * _MICROSECOND, row_id)
        except OverflowError as error:  # forged: no such day
            raise paging.InvalidCursor from error


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """A month of the Gregorian calendar in UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, at: datetime) -> Self:
        """The month of a moment."""
        utc = at.astimezone(UTC)
        return cls(utc.year, utc.month)

    def later(self, months: int) -> "Month":
        """The month so many months later."""
        years, month = divmod(self.month - 1 + months, _MONTHS)
        return Month(self.year + years, month + 1)

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    def partition_of(self, table: str) -> str:
        """The name of its partition of a table."""
        return f"{table}_y{self.year:04}m{self.month:02}"


def register(*tables: str) -> None:
    """Let `partitions.extend` look after these tables. Raises PartitionMistakeError."""
    for table in tables:
        _check(table)
        _tables.add(table)


def registered() -> tuple[str, ...]:
    """Every table that is looked after; complete once the slices' `jobs` modules are imported."""
    return tuple(sorted(_tables))


async def ensure(table: str, *, months_ahead: int) -> list[str]:
    """Make the missing partitions of this month and of so many after it; gives their names, in order.

    Each is a transaction of its own, which waits for a lock no longer than LOCK_TIMEOUT and stops no query on the
    other months. Rows that fell into the default partition meanwhile are moved to where they belong. May be
    called at once by several processes.

    Raises: PartitionMistakeError; asyncpg.LockNotAvailableError, after which it may be called again.
    """
    _check(table)
    if not 0 <= months_ahead <= MAX_MONTHS_AHEAD:
        raise PartitionMistakeError(f"{months_ahead} is no number of months ahead")
    present = await _partitions(table)
    this_month = Month.of(clock.now())
    months = (this_month.later(offset) for offset in range(months_ahead + 1))
    missing = [month for month in months if month.partition_of(table) not in present]
    return [month.partition_of(table) for month in missing if await _make(table, month)]


async def misplaced(table: str) -> bool:
    """Whether the default partition holds rows: of months for which there is no partition."""
    _check(table)
    return await db.fetch_one(f"SELECT FROM {table}_default LIMIT 1") is not None


@jobs.schedule(_EVERY_NIGHT)
@jobs.job("partitions.extend", retry_seconds=30.0)
async def extend(_payload: jobs.Payload) -> None:
    """Give every registered table its partitions of the coming months."""
    for table in registered():
        for name in await ensure(table, months_ahead=MONTHS_AHEAD):
            _log.info("partitions.made", partition=name)
        if await misplaced(table):
            _log.warning("partitions.misplaced_rows", table=table)


def _check(table: str) -> None:
    """The name goes into statements, where it can't be an argument."""
    if _TABLE.fullmatch(table) is None:
        raise PartitionMistakeError(f"{table!r} is no name of a partitioned table")


async def _partitions(table: str) -> set[str]:
    rows = await db.fetch(
        """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = $1::text::regclass
        """,
        table,
    )
    return {row["relname"] for row in rows}


async def _make(table: str, month: Month) -> bool:
    """Make one partition; False where another process was first."""
    async with db.transaction():
        await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        if month.partition_of(table) in await _partitions(table):
            return False
        async with db.acquire() as connection:
            await connection.execute(
                f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL statement_timeout = 0"
            )
            await connection.execute(
                "SELECT make_month_partition($1, $2, $3)",
                table,
                month.year,
                month.month,
                timeout=MOVE_SECONDS,
            )
    return True


async def install(connection: db.RawConnection) -> None:
    """Give the database the function that makes a partition with its owner's rights; call it as the owner.

    The role that the jobs run as owns nothing: this is the one way in which it changes a table, and it can do
    nothing else by it.
    """
    await connection.execute(_FUNCTION)
