"""The database's own rights: what the API's role is really refused, and that `migrate` and `doctor` keep it so."""

from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from io import StringIO

import asyncpg
import pytest
from rich.console import Console

from backend import composition, doctor
from backend.audit import service
from backend.composition import DatabaseBendable
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra import partitions, rights
from backend.infra.rights import Comparison, RoleMissing
from backend.settings import Settings
from migrations.rights import APP_ROLE
from tests.support.api import production_settings
from tests.support.servers import TestPostgres

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
DECEMBER_2027 = datetime(2027, 12, 31, 12, tzinfo=UTC)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def app(app_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(app_url)
    yield connection
    await connection.close()


@pytest.fixture
async def app_db(app_url: str) -> AsyncIterator[None]:
    """`backend.infra.db` with the rights of the API's role."""
    await database.connect(app_url)
    yield
    await database.close()


@pytest.mark.parametrize(
    "statement",
    [
        *(
            statement.format(table)
            for table in (
                *("audit_entry", "audit_entry_y2026m11", "audit_entry_default"),
                *("file_read", "file_read_y2026m11", "file_read_default"),
                *("audit_batch", "ledger_transfer"),
            )
            for statement in (
                "DELETE FROM {}",
                "TRUNCATE {}",
                "ALTER TABLE {} DISABLE TRIGGER ALL",
                "DROP TABLE {}",
                "CREATE TRIGGER t BEFORE INSERT ON {} EXECUTE FUNCTION account_is_permanent()",
            )
        ),
        "UPDATE audit_entry SET actor = 'x'",
        "UPDATE audit_entry_y2026m11 SET actor = 'x'",
        "UPDATE file_read SET purpose = 'x'",
        "UPDATE audit_batch SET number = 2",
        "UPDATE ledger_transfer SET amount_rials = 1",
        "UPDATE account SET code = 'x'",
        "INSERT INTO account DEFAULT VALUES",
        "DELETE FROM account",
        "DELETE FROM approval",
        "TRUNCATE approval",
        "SELECT * FROM audit_entry_y2026m11",
        (
            "INSERT INTO audit_entry_y2026m11 (created_at, actor_kind, actor, action, object_type, object_id)"
            " VALUES ('2026-11-21', 'SYSTEM', 's', 'a', 'T', '1')"
        ),
        (
            "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id, xid)"
            " VALUES ('2026-11-21', 'SYSTEM', 's', 'a', 'T', '1', 1)"
        ),
        (
            "INSERT INTO audit_entry (id, created_at, actor_kind, actor, action, object_type, object_id)"
            " OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-21', 'SYSTEM', 's', 'a', 'T', '1')"
        ),
        "DELETE FROM tortoise_migrations",
        "ALTER TABLE store ADD COLUMN x int",
        "DROP TABLE store",
        "TRUNCATE member CASCADE",
        "CREATE TABLE public.mine (id int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE other",
        "SET ROLE bashgah",
        "SET session_replication_role = replica",
        "COPY store TO PROGRAM 'cat'",
        (
            "CREATE OR REPLACE FUNCTION public.trail_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RETURN NEW; END'"
        ),
    ],
)
async def test_the_api_s_role_gets_permission_denied(
    app: "asyncpg.Connection[asyncpg.Record]", statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)


async def test_the_api_s_role_writes_the_trail_and_reads_it(app_db: None) -> None:
    await service.record(viewer=SYSTEM, action="test.done", object_type="Thing", object_id="1")

    [row] = await database.fetch("SELECT action, xid > 0 AS is_numbered FROM audit_entry")
    assert tuple(row) == ("test.done", True)


async def test_the_job_makes_partitions_without_owning_them_and_gets_no_right_on_them(
    app_db: None, app: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    with clock.frozen(DECEMBER_2027):
        made = await partitions.ensure("audit_entry", months_ahead=1)
    assert made == ["audit_entry_y2028m01"]

    for statement in (
        "UPDATE audit_entry_y2028m01 SET actor = 'x'",
        "DELETE FROM audit_entry_y2028m01",
        "TRUNCATE audit_entry_y2028m01",
        "ALTER TABLE audit_entry_y2028m01 DISABLE TRIGGER ALL",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    with clock.frozen(datetime(2028, 1, 5, tzinfo=UTC)):
        await service.record(viewer=SYSTEM, action="test.done", object_type="Thing", object_id="1")
    [row] = await database.fetch("SELECT tableoid::regclass::text AS name FROM audit_entry")
    assert row["name"] == "audit_entry_y2028m01"


async def test_rows_that_fell_beside_are_moved_though_nobody_may_delete_them(
    app_db: None, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    with clock.frozen(datetime(2028, 1, 5, tzinfo=UTC)):
        await service.record(viewer=SYSTEM, action="test.done", object_type="Thing", object_id="1")
        assert await partitions.misplaced("audit_entry")
        await partitions.ensure("audit_entry", months_ahead=0)
        assert not await partitions.misplaced("audit_entry")

    for statement in ("UPDATE audit_entry_default SET actor = 'x'", "DELETE FROM audit_entry"):
        await owner.execute(
            "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id)"
            " VALUES ('2030-01-01', 'SYSTEM', 's', 'a', 'T', '1')"
        )
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(statement)


@pytest.mark.parametrize(
    ("parent", "year"),
    [("store", 2028), ("pg_class", 2028), ("audit_entry", 9999), ("x; --", 2028)],
)
async def test_the_owner_s_function_makes_nothing_else(
    app: "asyncpg.Connection[asyncpg.Record]", parent: str, year: int
) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await app.execute("SELECT make_month_partition($1, $2, 1)", parent, year)


async def test_what_was_granted_beside_is_told_and_taken_away(
    owner: "asyncpg.Connection[asyncpg.Record]", app: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    assert await rights.compare(app) == Comparison(role=APP_ROLE, too_much=(), missing=())

    for statement in (
        "GRANT DELETE ON audit_entry TO bashgah_app",
        "GRANT UPDATE (purpose) ON file_read TO PUBLIC",
        "GRANT SELECT ON audit_entry_y2026m11 TO bashgah_app",
        "GRANT INSERT (xid) ON audit_entry TO bashgah_app",
        "GRANT CREATE ON SCHEMA public TO bashgah_app",
        "REVOKE INSERT ON store FROM bashgah_app",
    ):
        await owner.execute(statement)
    assert await rights.compare(app) == Comparison(
        role=APP_ROLE,
        too_much=(
            "makes tables",
            "DELETE on audit_entry",
            "SELECT on audit_entry_y2026m11",
            "UPDATE on file_read",
            "INSERT of audit_entry.xid",
        ),
        missing=("INSERT on store",),
    )

    await rights.install(owner)
    assert await rights.compare(app) == Comparison(role=APP_ROLE, too_much=(), missing=())


async def test_the_owner_has_too_much(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    found = await rights.compare(owner)

    assert found.too_much[:4] == ("is a superuser", "makes roles", "makes tables", "owns tables")
    assert {"DELETE on audit_entry", "UPDATE on audit_batch"} <= set(found.too_much)


async def test_a_member_of_the_owner_s_role_has_too_much(
    owner: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    await owner.execute("CREATE ROLE between NOSUPERUSER LOGIN IN ROLE bashgah")
    try:
        found = await rights.compare(owner, "between")
    finally:
        await owner.execute("DROP ROLE between")

    assert "owns tables" in found.too_much


async def examined(database_url: str) -> str:
    console = Console(file=StringIO(), width=300)
    settings = Settings(database_url=database_url)
    await doctor.examine(settings, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


async def test_doctor_says_whether_the_api_s_role_may_bend_the_trail(
    app_url: str, database_url: str, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    assert "✓  rights" in await examined(app_url)
    assert "bashgah_app may do what it needs, and no more" in await examined(app_url)

    told = await examined(database_url)
    assert "✗  rights" in told
    assert "let BASHGAH_DATABASE_URL sign in as bashgah_app" in told

    await owner.execute("REVOKE SELECT ON store FROM bashgah_app")
    told = await examined(app_url)
    assert "misses: SELECT on store" in told
    assert "run `bashgah migrate` as the tables' owner" in told


async def test_doctor_says_when_the_trail_is_not_sealed(
    app_url: str, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    assert "✓  audit trail" in await examined(app_url)

    await owner.execute(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id)"
        " VALUES (now() - interval '1 hour', 'SYSTEM', 's', 'a', 'T', '1')"
    )

    told = await examined(app_url)
    assert "✗  audit trail" in told
    assert "BASHGAH_AUDIT_SIGNING_KEYS" in told


async def test_production_starts_with_no_more_rights_than_it_needs(
    app_url: str, database_url: str
) -> None:
    for url, settings, starts in (
        (app_url, production_settings(), True),
        (database_url, Settings(), True),
        (database_url, production_settings(), False),
    ):
        await database.connect(url)
        try:
            with nullcontext() if starts else pytest.raises(DatabaseBendable, match="superuser"):
                await composition.check_rights(settings)
        finally:
            await database.close()


@pytest.fixture
def bare_url(postgres: TestPostgres) -> Iterator[str]:
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


async def test_an_owner_who_may_not_make_roles_is_told_what_to_do(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "APP_ROLE", "not_there_yet")
    connection = await asyncpg.connect(bare_url)
    try:
        await connection.execute("CREATE ROLE poor NOSUPERUSER")
        await connection.execute("SET ROLE poor")
        with pytest.raises(RoleMissing, match="CREATE ROLE not_there_yet LOGIN PASSWORD"):
            await rights.install(connection)
        await connection.execute("RESET ROLE")
        await connection.execute("DROP ROLE poor")
    finally:
        await connection.close()
