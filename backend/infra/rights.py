"""The rights of the database role that the API and the workers run as: granted by `migrate`, compared by `doctor`.

What they are stands in `migrations/rights.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

from migrations.rights import APP_ROLE, CHANGED_COLUMNS, FUNCTIONS, KEPT_COLUMNS, RIGHTS, ROWS

if TYPE_CHECKING:
    from backend.infra import db

# Of these no more is had than is written down; REFERENCES and MAINTAIN bend nothing.
_WATCHED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
_LOOK: Final = frozenset({"SELECT"})
_TABLES: Final = """
    SELECT c.oid, c.relname AS name, c.relispartition AS is_partition,
           CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::regclass::text ELSE c.relname END AS root
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
     ORDER BY c.relname
"""
# A right on a single column counts as one on the table.
_HELD: Final = """
    SELECT coalesce(array_agg(t.oid || ' ' || p.name), '{}')
      FROM unnest($1::oid[]) t (oid), unnest($2::text[]) p (name)
     WHERE CASE WHEN p.name IN ('SELECT', 'INSERT', 'UPDATE') THEN has_any_column_privilege($3::name, t.oid, p.name)
                ELSE has_table_privilege($3::name, t.oid, p.name) END
"""
# The columns of tables ($3) on which a role has a right ($4), or has it not ($5); $2 are columns "table.name".
_COLUMNS: Final = """
    SELECT c.relname || '.' || a.attname AS name, k.name IS NOT NULL AS is_listed
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN unnest($2::text[]) k (name) ON k.name = c.relname || '.' || a.attname
     WHERE c.relname = ANY($3::text[]) AND c.relnamespace = 'public'::regnamespace
       AND has_column_privilege($1::name, c.oid, a.attnum, $4) = $5
     ORDER BY c.relname, a.attnum
"""
_SETTINGS: Final = """
    SELECT coalesce(array_agg(each ORDER BY each), '{}')
      FROM pg_roles r JOIN pg_db_role_setting s ON s.setrole = r.oid, unnest(s.setconfig) each
     WHERE r.rolname = $1
       AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


class RoleMissing(Exception):
    """The role of the API is not there, and the owner may not make it."""


class TemporaryTablesAllowed(Exception):
    """The role may make temporary tables, which could take in what is meant for ours; another has to forbid it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What a role may do beside what it should: each a line such as "DELETE on audit_entry".

    `settings` are the role's own, such as "work_mem=1MB": a role may change them itself, and we make none.
    """

    role: str
    too_much: tuple[str, ...]
    missing: tuple[str, ...]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    oid: int
    name: str
    is_partition: bool
    root: str

    @property
    def allowed(self) -> frozenset[str]:
        """What the role may do by the table's own name: to a partition nothing, but for the look at what fell beside
        all months.
        """
        if self.is_partition:
            return _LOOK if self.name == f"{self.root}_default" else frozenset()
        return RIGHTS.get(self.name, ROWS)


async def install(connection: "db.RawConnection") -> None:
    """Make the role where it is missing, and grant it what it may do; what else it was granted is taken away.

    The role may sign in, and has no password until somebody sets one. Call it as the tables' owner, outside a
    transaction; at no moment a running process lacks a right that it keeps. Raises RoleMissing before anything is
    granted, TemporaryTablesAllowed after all is.
    """
    await _make_role(connection)
    async with connection.transaction():
        await _forbid_temporary_tables(connection)
        await connection.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
        await connection.execute(f"REVOKE CREATE ON SCHEMA public FROM {APP_ROLE}")
        for table in await _tables(connection):
            for statement in await _statements(connection, table):
                await connection.execute(statement)
        await connection.execute(
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}"
        )
        for function in FUNCTIONS:
            await connection.execute(f"GRANT EXECUTE ON FUNCTION public.{function} TO {APP_ROLE}")
    await _require_no_temporary_tables(connection)


async def compare(connection: "db.RawConnection", role: str | None = None) -> Comparison:
    """Compare what a role may do, the connection's own unless named, with what is written down."""
    name = role or await connection.fetchval("SELECT current_user")
    too_much = list(await _powers(connection, name))
    missing = []
    tables = await _tables(connection)
    held = frozenset(
        await connection.fetchval(_HELD, [each.oid for each in tables], list(_WATCHED), name)
    )
    for table in tables:
        for right in _WATCHED:
            has = f"{table.oid} {right}" in held
            if has and right not in table.allowed:
                too_much.append(f"{right} on {table.name}")
            if not has and right in table.allowed:
                missing.append(f"{right} on {table.name}")
    for right, listed, is_granted in (
        ("INSERT", KEPT_COLUMNS, False),
        ("UPDATE", CHANGED_COLUMNS, True),
    ):
        more, less = await _column_differences(connection, name, right, listed, is_granted)
        too_much += more
        missing += less
    return Comparison(
        role=name,
        too_much=tuple(too_much),
        missing=tuple(missing),
        settings=tuple(await connection.fetchval(_SETTINGS, name)),
    )


async def _column_differences(
    connection: "db.RawConnection",
    role: str,
    right: str,
    listed: Mapping[str, frozenset[str]],
    is_granted: bool,
) -> tuple[list[str], list[str]]:
    """The columns of these tables by which a right goes too far, and those that it lacks.

    `listed` are the columns that have it, or, where it `is_granted` not, those that have it not.
    """
    names = [f"{table}.{each}" for table, columns in listed.items() for each in columns]
    differences: list[list[str]] = []
    for is_held in (True, False):
        rows = await connection.fetch(_COLUMNS, role, names, list(listed), right, is_held)
        differences.append(
            [
                f"{right} of {row['name']}"
                for row in rows
                if (row["is_listed"] == is_granted) != is_held
            ]
        )
    return differences[0], differences[1]


async def _powers(connection: "db.RawConnection", role: str) -> Sequence[str]:
    """What lets a role do more than any grant says."""
    row = await connection.fetchrow(
        """
        SELECT r.rolsuper AS "is a superuser", r.rolcreaterole AS "makes roles",
               has_schema_privilege(r.oid, 'public', 'CREATE') AS "makes tables",
               EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
                          AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS "owns tables",
               has_database_privilege(r.oid, current_database(), 'TEMP') AS "makes temporary tables"
          FROM pg_roles r WHERE r.rolname = $1
        """,
        role,
    )
    return [] if row is None else [name for name, is_so in row.items() if is_so]


async def _make_role(connection: "db.RawConnection") -> None:
    if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP_ROLE):
        return
    try:
        await connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return  # by the migrator of another database
    except asyncpg.InsufficientPrivilegeError as error:
        raise RoleMissing(
            f"there is no role {APP_ROLE}; as a superuser run CREATE ROLE {APP_ROLE} LOGIN PASSWORD '…'"
        ) from error


async def _forbid_temporary_tables(connection: "db.RawConnection") -> None:
    """Everybody may make them unless it is forbidden; who is not the database's owner only gets a warning here."""
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {APP_ROLE}")


async def _require_no_temporary_tables(connection: "db.RawConnection") -> None:
    may = await connection.fetchrow(
        "SELECT has_database_privilege($1::name, current_database(), 'TEMP') AS make,"
        " quote_ident(current_database()) AS database",
        APP_ROLE,
    )
    if may is not None and may["make"]:
        raise TemporaryTablesAllowed(
            f"{APP_ROLE} may make temporary tables; as the database's owner run"
            f" REVOKE TEMPORARY ON DATABASE {may['database']} FROM PUBLIC, {APP_ROLE}"
        )


async def _tables(connection: "db.RawConnection") -> list[_Table]:
    return [_Table(**dict(row)) for row in await connection.fetch(_TABLES)]


async def _statements(connection: "db.RawConnection", table: _Table) -> Iterable[str]:
    """What makes the role's rights on a table those that are written down; both in one transaction."""
    named = f'public."{table.name}"'
    statements = [f"REVOKE ALL ON {named} FROM {APP_ROLE}, PUBLIC"]
    kept = KEPT_COLUMNS.get(table.name, frozenset())
    for right in sorted(table.allowed):
        columns = ""
        if right == "INSERT" and kept:
            columns = f"({', '.join(await _columns_of(connection, table, kept, but=True))})"
        if right == "UPDATE" and table.name in CHANGED_COLUMNS:
            columns = (
                f"({', '.join(await _columns_of(connection, table, CHANGED_COLUMNS[table.name]))})"
            )
        statements.append(f"GRANT {right} {columns} ON {named} TO {APP_ROLE}")
    return statements


async def _columns_of(
    connection: "db.RawConnection", table: _Table, listed: Iterable[str], *, but: bool = False
) -> list[str]:
    """The columns of a table that are listed, or, with `but`, those that are not."""
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped"
        " AND (attname = ANY($2)) <> $3 ORDER BY attnum",
        table.oid,
        list(listed),
        but,
    )
    return [f'"{row["attname"]}"' for row in rows]
