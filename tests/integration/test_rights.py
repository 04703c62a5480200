"""The database's own rights: what the API's role is really refused, and that `migrate` and `doctor` keep it so."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from rich.console import Console

from backend import composition, doctor
from backend.audit import chaining, service
from backend.composition import DatabaseBendable
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra import partitions, rights, signing
from backend.infra.rights import Comparison, RoleMissing, TemporaryTablesAllowed
from backend.settings import Settings
from backend.settings.keys import DEVELOPMENT_AUDIT_KEY
from migrations.rights import APP_ROLE, CHANGED_COLUMNS
from tests.support.api import production_settings
from tests.support.servers import TestPostgres

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
# Deleted from by statements that put the name in, and the tables of the job queue.
BY_NAME = {
    *("store_opening_period", "store_opening_exception", "store_offer"),
    *("membership_chunk", "membership_row", "membership_problem"),  # emptied by TRUNCATE
}
QUEUE = {"pgqueuer_log", "pgqueuer_statistics"}
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
        "UPDATE approval SET maker = 'operator:9'",
        "UPDATE approval SET before = '{}'",
        "DELETE FROM break_glass",
        "UPDATE break_glass SET reason = 'x'",
        "UPDATE break_glass SET began_at = now(), ends_at = now()",
        "DELETE FROM operator",
        "UPDATE operator SET national_code_index = NULL",
        "UPDATE operator SET created_by = 'x'",
        "UPDATE recovery_code SET digest = ''",
        "UPDATE recovery_code SET operator_id = 1",
        *(
            f"DELETE FROM {name}"
            for name in ("cashier", "store_device", "member", "notice", "store", "province")
        ),
        *(
            statement.format(name)
            for name in ("plan", "instalment", "purchase", "loan_round", "loan_application", "city")
            for statement in (
                "DELETE FROM {}",
                "UPDATE {} SET id = 1",
                "INSERT INTO {} DEFAULT VALUES",
            )
            if (name, statement) != ("city", "UPDATE {} SET id = 1")
        ),
        "CREATE TEMP TABLE audit_entry (LIKE public.audit_entry INCLUDING ALL)",
        "CREATE TEMP VIEW audit_entry AS SELECT 1",
        "SELECT 1 AS id INTO TEMP audit_entry",
        "CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL'",
        "INSERT INTO audit_batch (id) VALUES (1)",
        "SELECT setval('audit_batch_id_seq', 1)",
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
    [
        ("store", 2028),
        ("pg_class", 2028),
        ("x; --", 2028),
        ("audit_entry", 9999),
        ("audit_entry", datetime.now(UTC).year + 11),
        ("audit_entry", datetime.now(UTC).year - 11),
    ],
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
    owner_database = await owner.fetchval("SELECT current_database()")

    for statement in (
        "GRANT DELETE ON audit_entry TO bashgah_app",
        "GRANT UPDATE (purpose) ON file_read TO PUBLIC",
        "GRANT SELECT ON audit_entry_y2026m11 TO bashgah_app",
        "GRANT INSERT (xid) ON audit_entry TO bashgah_app",
        "GRANT CREATE ON SCHEMA public TO bashgah_app",
        "REVOKE INSERT ON store FROM bashgah_app",
        "GRANT UPDATE (maker) ON approval TO bashgah_app",
        "REVOKE UPDATE (runs) ON approval FROM bashgah_app",
        "GRANT INSERT (id) ON audit_batch TO bashgah_app",
        f"GRANT TEMP ON DATABASE {owner_database} TO PUBLIC",
    ):
        await owner.execute(statement)
    assert await rights.compare(app) == Comparison(
        role=APP_ROLE,
        too_much=(
            "makes tables",
            "makes temporary tables",
            "DELETE on audit_entry",
            "SELECT on audit_entry_y2026m11",
            "UPDATE on file_read",
            "INSERT of audit_batch.id",
            "INSERT of audit_entry.xid",
            "UPDATE of approval.maker",
        ),
        missing=("INSERT on store", "UPDATE of approval.runs"),
    )

    await rights.install(owner)
    assert await rights.compare(app) == Comparison(role=APP_ROLE, too_much=(), missing=())


async def test_no_right_to_delete_is_given_that_the_code_does_not_use(
    app: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """A new table that keeps its rows has a line in migrations/rights.py; one whose rows go is deleted from in code."""
    granted = await app.fetch(
        """
        SELECT relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
           AND relname NOT LIKE 'pgqueuer%' AND has_table_privilege(oid, 'DELETE')
        """
    )
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "backend").rglob("*.py"))
    used = set(re.findall(r"DELETE FROM ([a-z_]+)", written)) | BY_NAME

    assert {row["relname"] for row in granted} == used - QUEUE - {"public"}


@pytest.mark.parametrize(
    ("right", "statement"), [("INSERT", r"INSERT INTO ([a-z_]+)"), ("UPDATE", r"UPDATE ([a-z_]+)")]
)
async def test_what_the_code_writes_may_be_written(
    app: "asyncpg.Connection[asyncpg.Record]", right: str, statement: str
) -> None:
    """`bashgah seed` works as the owner."""
    sources = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "backend").rglob("*.py")
        if "seed" not in str(path.relative_to(ROOT)) and path.name != "rights.py"
    ]
    written = {name for each in sources for name in re.findall(statement, each)}

    rows = await app.fetch(
        """
        SELECT relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relname = ANY($1::text[])
           AND NOT has_any_column_privilege(oid, $2)
        """,
        list(written),
        right,
    )
    assert len(written) > 10
    assert [row["relname"] for row in rows] == []


@pytest.mark.parametrize("table", sorted(CHANGED_COLUMNS))
def test_the_columns_that_the_code_changes_may_be_changed(table: str) -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "backend").rglob("*.py"))
    statements = re.findall(rf"UPDATE {table}(?: \w)? SET (.*?)(?: WHERE |\")", written, re.DOTALL)
    changed = {name for each in statements for name in re.findall(r"(\w+) = ", each)}

    assert changed
    assert changed <= CHANGED_COLUMNS[table]


async def test_a_temporary_table_takes_in_nothing_even_where_one_may_be_made(
    app_db: None, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"GRANT TEMP ON DATABASE {name} TO {APP_ROLE}")
    async with database.transaction():
        await database.execute(
            "CREATE TEMP TABLE audit_entry (LIKE public.audit_entry INCLUDING ALL)"
        )
        await service.record(viewer=SYSTEM, action="test.done", object_type="Thing", object_id="1")

    assert await owner.fetchval("SELECT count(*) FROM public.audit_entry") == 1


async def test_settings_that_the_role_gave_itself_are_told_and_change_nothing_for_us(
    app: "asyncpg.Connection[asyncpg.Record]", app_url: str
) -> None:
    name = await app.fetchval("SELECT current_database()")
    for setting in ("search_path = pg_temp, x", "default_transaction_read_only = on"):
        await app.execute(f"ALTER ROLE {APP_ROLE} IN DATABASE {name} SET {setting}")

    await database.connect(app_url)
    try:
        await service.record(viewer=SYSTEM, action="test.done", object_type="Thing", object_id="1")
    finally:
        await database.close()

    assert await app.fetchval("SELECT count(*) FROM audit_entry") == 1
    found = await rights.compare(app)
    assert found.settings == ("default_transaction_read_only=on", "search_path=pg_temp, x")
    told = await examined(app_url)
    assert "✗  rights" in told
    assert "has settings that are not ours: default_transaction_read_only=on" in told
    assert "ALTER ROLE bashgah_app RESET ALL" in told


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


async def examined(database_url: str, settings: Settings | None = None) -> str:
    console = Console(file=StringIO(), width=400)
    await doctor.examine(settings or Settings(database_url=database_url), console)
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


async def test_doctor_believes_no_forged_batch(
    app_url: str, app: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It says to have sealed everything that will ever be."""
    await app.execute(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id)"
        " VALUES (now() - interval '1 hour', 'SYSTEM', 's', 'a', 'T', '1')"
    )
    await app.execute(
        "INSERT INTO audit_batch (number, sealed_at, from_xid, from_id, to_xid, to_id, entries, content_sha256, marks,"
        " previous_head, key_id, head, signature) SELECT 7, now(), 0, 0, 9000000000000000000, 0, 1, h,"
        " decode(repeat('00', 16), 'hex'), h, 'development', h, h || h FROM (SELECT sha256('x') AS h) AS hash"
    )
    assert "no batch is signed by a key that is known here" in await examined(app_url)

    signing.configure(Settings().signer())
    await database.connect(app_url)
    try:
        assert await chaining.seal() == 1
    finally:
        await database.close()

    told = await examined(app_url)
    assert "2 rows of batches where the sealer made 1" in told
    assert "not sealed since" not in told


async def test_doctor_says_that_a_key_may_not_sign_again(app_url: str) -> None:
    settings = Settings(
        database_url=app_url,
        audit_signing_keys={
            "k1": SecretStr("A" * 43 + "="),
            "k2": SecretStr(DEVELOPMENT_AUDIT_KEY),
        },
        audit_signing_key_current="k1",
    )
    await database.connect(app_url)
    try:
        for key_id in ("k1", "k2"):
            chosen = settings.model_copy(update={"audit_signing_key_current": key_id})
            signing.configure(chosen.signer())
            await service.record(viewer=SYSTEM, action="test.done", object_type="T", object_id="1")
            assert await chaining.seal() == 1
    finally:
        await database.close()

    told = await examined(app_url, settings)
    assert "the key of this machine may not sign" in told
    assert "name 'k2', or a new key, in BASHGAH_AUDIT_SIGNING_KEY_CURRENT" in told


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


async def test_who_may_not_forbid_temporary_tables_is_told_what_to_do(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "FUNCTIONS", ())
    connection = await asyncpg.connect(bare_url)
    try:
        await connection.execute("CREATE ROLE poor NOSUPERUSER")
        await connection.execute("GRANT ALL ON SCHEMA public TO poor WITH GRANT OPTION")
        await connection.execute("SET ROLE poor")
        with pytest.raises(TemporaryTablesAllowed, match="REVOKE TEMPORARY ON DATABASE test_"):
            await rights.install(connection)
        await connection.execute("RESET ROLE")
        await connection.execute("DROP OWNED BY poor CASCADE")
        await connection.execute("DROP ROLE poor")
    finally:
        await connection.close()


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
