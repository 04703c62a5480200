"""Migrations: each slice's, then the job queue's tables and the API's rights, one migrator at a time."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
from tortoise import Tortoise
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget, PlanStep
from tortoise.migrations.operations import CreateModel
from tortoise.transactions import in_transaction

from backend.infra import db, db_connection, jobs, partitions, rights
from backend.infra.migration_states import Executor, KnownStates

_LOCK_KEY = (
    0x62617368676168 & 0x7FFFFFFF
)  # "bashgah": the advisory lock of all migrators of a database
_LOCK_TIMEOUT = (
    "10s"  # what a table's lock may be waited for, so that a migration never queues up the traffic
)
_NOWHERE = "postgresql://nobody@localhost/nowhere"
_MIGRATION_TIMEOUT_MS = 15 * 60 * 1000

Report = Callable[[str], None]


class ConstraintNotSupported(Exception):
    """A partial unique constraint: write it as an index in a RunSQL of the migration."""


async def migrate(url: str, *, report: Report = lambda _: None) -> list[str]:
    """Bring the database up to date; gives the names of what was applied ("stores.0001_initial").

    The URL is the owner's. A second migrator waits for the first. Each migration and its record are one transaction,
    except those marked `atomic = False`.
    """
    applied: list[str] = []
    async with _exclusive(url) as connection, _tortoise(url) as apps:
        await _make_record_table(apps)
        known: KnownStates = []
        for step in await _plan(apps):
            await _apply(step, apps, known)
            applied.append(_name(step))
            report(applied[-1])
        await jobs.install(connection)
        await partitions.install(connection)
        await rights.install(connection)
    return applied


async def pending(url: str) -> list[str]:
    """Names of the migrations that the code has and the database has not; "jobs" for the queue's tables."""
    async with _tortoise(url) as apps:
        waiting = [_name(step) for step in await _plan(apps)]
    connection = await asyncpg.connect(url, server_settings=db_connection.SESSION_SETTINGS)
    try:
        is_installed = await jobs.is_installed(connection)
    finally:
        await connection.close()
    return waiting if is_installed else [*waiting, "jobs"]


async def model_changes() -> list[str]:
    """What the models say and the migrations do not, one line an operation; empty where they agree.

    Needs no database: Tortoise connects with the first statement, and none is sent.
    """
    async with _tortoise(_NOWHERE) as apps:
        assert Tortoise.apps is not None  # noqa: S101 - set by init
        writers = await MigrationAutodetector(Tortoise.apps, apps).changes()
    return [
        f"{writer.app_label}: {operation.describe()}"
        for writer in writers
        for operation in writer.operations
    ]


async def write_changes() -> list[str]:
    """Write the migrations that `model_changes` asks for; gives their paths."""
    async with _tortoise(_NOWHERE) as apps:
        assert Tortoise.apps is not None  # noqa: S101 - set by init
        return await MigrationAutodetector(Tortoise.apps, apps).write()


@asynccontextmanager
async def _exclusive(url: str) -> AsyncIterator[db.RawConnection]:
    connection = await asyncpg.connect(url, server_settings=db_connection.SESSION_SETTINGS)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _tortoise(url: str) -> AsyncIterator[dict[str, dict[str, object]]]:
    config = db_connection.tortoise_config(
        url, pool_max=1, statement_timeout_ms=_MIGRATION_TIMEOUT_MS
    )
    async with TortoiseContext() as context:
        await context.init(config=config)
        yield config["apps"]  # type: ignore[misc]  # a literal of tortoise_config


async def _make_record_table(apps: dict[str, dict[str, object]]) -> None:
    """Before the first transaction, which Tortoise's look for a missing table would break."""
    executor = MigrationExecutor(Tortoise.get_connection("default"), apps)
    editor = executor._schema_editor(atomic=False)  # noqa: SLF001 - what its migrate() does first
    await executor.recorder.ensure_schema(editor)


async def _plan(apps: dict[str, dict[str, object]]) -> list[PlanStep]:
    executor = MigrationExecutor(Tortoise.get_connection("default"), apps)
    return await executor.plan()


async def _apply(step: PlanStep, apps: dict[str, dict[str, object]], known: KnownStates) -> None:
    target = MigrationTarget(app_label=step.migration.app_label, name=step.migration.name)
    if not step.migration.atomic:
        await Executor(Tortoise.get_connection("default"), apps, known).migrate([target])
        return
    async with in_transaction("default") as transaction:
        await transaction.execute_query(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        await Executor(transaction, apps, known).migrate([target])
        for statement in _constraints(step):
            await transaction.execute_script(statement)


def _constraints(step: PlanStep) -> Iterator[str]:
    """The constraints of new tables: Tortoise 1.1.9 keeps them in a model's state and makes none of them.

    A test holds the database against the models, so that a version that makes them is noticed.
    """
    for operation in step.migration.operations:
        if not isinstance(operation, CreateModel):
            continue
        options = operation.options or {}
        for constraint in options.get("constraints", ()):
            if getattr(constraint, "condition", None) is not None:
                raise ConstraintNotSupported(constraint.name)
            rule = (
                f"CHECK ({constraint.check})"
                if isinstance(constraint, CheckConstraint)
                else f"UNIQUE ({', '.join(constraint.fields)})"
            )
            yield f"ALTER TABLE {options['table']} ADD CONSTRAINT {constraint.name} {rule}"


def _name(step: PlanStep) -> str:
    return f"{step.migration.app_label}.{step.migration.name}"
