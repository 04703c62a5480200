"""Every query on the audit trail."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Final

import asyncpg
import orjson

from backend.audit.domain import Entry, FileRead, NewFileRead, StoredEntry, TrailFilter
from backend.core.viewer import ActorKind, Scope
from backend.infra import db
from backend.infra.partitions import Place

_STORED: Final = (
    "id, created_at, actor_kind, actor, on_behalf_of, subject_member_id AS member_id, province_code, association_id,"
    " action, object_type, object_id, before, after, reason, address, session_id, trace_id"
)


async def insert_entry(entry: Entry) -> None:
    """Add an entry, in the caller's transaction."""
    await db.execute(
        """
        INSERT INTO audit_entry (created_at, actor_kind, actor, on_behalf_of, subject_member_id, province_code,
                                 association_id, action, object_type, object_id, before, after, reason, address,
                                 session_id, trace_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12::text::jsonb, $13, $14, $15, $16)
        """,
        entry.created_at,
        entry.actor_kind.value,
        entry.actor,
        entry.on_behalf_of,
        entry.member_id,
        entry.province_code,
        entry.association_id,
        entry.action,
        entry.object_type,
        entry.object_id,
        _json(entry.before),
        _json(entry.after),
        entry.reason,
        entry.address,
        entry.session_id,
        entry.trace_id,
    )


async def list_entries(
    asked: TrailFilter, *, scope: Scope, after: Place | None, limit: int
) -> list[StoredEntry]:
    """The entries of a filter within a scope beyond a place, newest first."""
    arguments: list[object] = [limit]
    conditions: list[str] = []

    def add(condition: str, *values: object) -> None:
        places = [f"${len(arguments) + number}" for number in range(1, len(values) + 1)]
        arguments.extend(values)
        conditions.append(condition.format(*places))

    if not scope.nation:
        if scope.association_id is not None:
            add("association_id = {}::bigint", scope.association_id)
        else:
            add("province_code = ANY({}::text[])", sorted(scope.province_codes))
    for column, value in (
        ("actor =", asked.actor),
        ("action =", asked.action),
        ("object_type =", asked.object_type),
        ("object_id =", asked.object_id),
        ("subject_member_id =", asked.member_id),
        ("created_at >=", asked.since),
        ("created_at <", asked.until),
    ):
        if value is not None:
            add(f"{column} {{}}", value)
    if after is not None:
        # The first half is what PostgreSQL picks partitions by.
        add("created_at <= {0} AND (created_at, id) < ({0}, {1})", after.created_at, after.id)
    rows = await db.fetch(
        f"""
        SELECT {_STORED} FROM audit_entry
         {"WHERE" if conditions else ""} {" AND ".join(conditions)}
         ORDER BY created_at DESC, id DESC LIMIT $1
        """,
        *arguments,
    )
    return [_entry(row) for row in rows]


async def insert_file_reads(reads: Sequence[NewFileRead]) -> None:
    """Add reads of members' files by one statement, in the caller's transaction where there is one."""
    columns = zip(*(astuple(each) for each in reads), strict=True)
    await db.execute(
        """
        INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)
        SELECT * FROM unnest($1::timestamptz[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
        """,
        *map(list, columns),
    )


async def list_file_reads(*, member_id: int, after: Place | None, limit: int) -> list[FileRead]:
    """The reads of a member's file beyond a place, newest first."""
    arguments: list[object] = [member_id, limit]
    beyond = ""
    if after is not None:
        arguments += [after.created_at, after.id]
        # The first half is what PostgreSQL picks partitions by.
        beyond = "AND created_at <= $3 AND (created_at, id) < ($3, $4)"
    # A limit that the planner can't see: of a small one against few expected rows it would conclude that it may
    # as well sort all of them, and someone has 10,000.
    rows = await db.fetch(
        f"""
        SELECT id, created_at, reader_role, reader_office, purpose FROM file_read
         WHERE member_id = $1 {beyond}
         ORDER BY created_at DESC, id DESC LIMIT (SELECT $2::int)
        """,
        *arguments,
    )
    return [FileRead(**dict(row)) for row in rows]


def _json(value: Mapping[str, object] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _entry(row: asyncpg.Record) -> StoredEntry:
    values = dict(row)
    values["actor_kind"] = ActorKind(values["actor_kind"])
    for name in ("before", "after"):
        values[name] = None if values[name] is None else orjson.loads(values[name])
    return StoredEntry(**values)
