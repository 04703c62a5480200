"""How the pool's connections are set up, for the models and for the migrations; `db` opens and uses them."""

from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import asyncpg
from tortoise.backends.base.config_generator import expand_db_url

import migrations
from backend.infra import tracing

if TYPE_CHECKING:
    _DriverConnection = asyncpg.Connection[asyncpg.Record]  # generic for mypy only
else:
    _DriverConnection = asyncpg.Connection

CONNECTION_NAME = "default"
MAX_PREPARED = 256  # statements that a connection of its own keeps
# For every connection of ours: names mean the tables of our schema, whatever the role's own settings say, and never a
# temporary table, which would come first where nothing is said of pg_temp.
SESSION_SETTINGS = {"search_path": "public, pg_temp", "default_transaction_read_only": "off"}

# Where this task's statements are noted: by every count that it runs in, the outermost first.
sent: ContextVar[tuple[list[str], ...]] = ContextVar("sent_statements", default=())


class Totals:
    """What this process has done since its start."""

    statements = 0
    waits = 0


totals = Totals()


def slices() -> tuple[str, ...]:
    """Names of the slices that own tables: the folders of `migrations/`."""
    folders = Path(migrations.__path__[0]).iterdir()
    return tuple(sorted(f.name for f in folders if (f / "__init__.py").is_file()))


def tortoise_config(
    url: str, *, pool_max: int = 10, statement_timeout_ms: int = 5000
) -> dict[str, object]:
    """Tortoise's configuration of one connection and one app a slice."""
    return {
        "connections": {
            CONNECTION_NAME: {
                "engine": "tortoise.backends.asyncpg",
                "credentials": {
                    **expand_db_url(url)["credentials"],
                    "minsize": 1,
                    "maxsize": pool_max,
                    **_set_up(statement_timeout_ms),
                },
            }
        },
        "apps": {
            name: {
                "models": [f"backend.{name}.models"],
                "migrations": f"migrations.{name}",
                "default_connection": CONNECTION_NAME,
            }
            for name in slices()
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def open_own(
    url: str, *, statement_timeout_ms: int, settings: dict[str, str]
) -> "_DriverConnection":
    """A connection of its own, set up as those of the pool; statements stay prepared as long as it lives."""
    credentials = expand_db_url(url)["credentials"]
    set_up = _set_up(statement_timeout_ms)
    set_up["server_settings"] = {**cast("dict[str, str]", set_up["server_settings"]), **settings}
    return cast(
        "_DriverConnection",
        await asyncpg.connect(
            **cast("dict[str, Any]", {**credentials, **set_up}),
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            statement_cache_size=MAX_PREPARED,
        ),
    )


def _set_up(statement_timeout_ms: int) -> dict[str, object]:
    return {
        "connection_class": Connection,
        # For a server that does not answer at all; else its own time-out comes first.
        "command_timeout": statement_timeout_ms / 1000 + 5,
        "server_settings": {
            "application_name": "bashgah",
            "statement_timeout": str(statement_timeout_ms),
            "jit": "off",
            "timezone": "UTC",
            **SESSION_SETTINGS,
        },
    }


class Connection(_DriverConnection):
    """A pooled connection without the reset query: it saves a round trip of 120–170 µs a use.

    So nothing may change a pooled session's state: `SET LOCAL` only, no session advisory locks, no LISTEN.
    """

    def get_reset_query(self) -> str:
        return ""

    async def _execute(self, query: str, *args: object, **kwargs: object) -> object:
        _note(query)
        with tracing.statement(query):
            return await super()._execute(query, *args, **kwargs)  # type: ignore[misc]  # asyncpg's one funnel, untyped

    async def execute(  # the driver's signature
        self,
        query: str,
        *args: object,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> str:
        if not args and not query.startswith(
            ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
        ):
            _note(query)
            with tracing.statement(query):
                return await super().execute(query, timeout=timeout)
        return await super().execute(query, *args, timeout=timeout)


def _note(query: str) -> None:
    totals.statements += 1
    for statements in sent.get():
        statements.append(query)
