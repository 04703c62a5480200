"""Every query by which operators read and lock places. The scope stands in each: what lies outside is not there."""

from collections.abc import Collection, Sequence
from datetime import datetime

from backend.core.errors import NotFound
from backend.core.viewer import Scope
from backend.infra import db
from backend.stores import repository_drafts
from backend.stores.domain import StoreRecord, StoreState


async def lock_record(
    store_id: int, *, scope: Scope, with_settlement: bool = False
) -> StoreRecord | None:
    """Lock a place within the scope until the transaction ends. Raises SealBroken."""
    arguments: list[object] = [store_id]
    row = await db.fetch_one(
        f"SELECT id FROM store WHERE id = $1 AND {_within(scope, arguments)} FOR UPDATE", *arguments
    )
    if row is None:
        return None
    (found,) = await _records([store_id], with_settlement=with_settlement)
    return found


async def find_record(
    store_id: int, *, scope: Scope, with_settlement: bool = False
) -> StoreRecord | None:
    """A place within the scope, suspended or not. Raises SealBroken."""
    arguments: list[object] = [store_id]
    row = await db.fetch_one(
        f"SELECT id FROM store WHERE id = $1 AND {_within(scope, arguments)}", *arguments
    )
    if row is None:
        return None
    found = await _records([store_id], with_settlement=with_settlement)
    return found[0] if found else None


async def list_ids(store_ids: Collection[int], *, scope: Scope) -> frozenset[int]:
    """Which of these places lie within the scope."""
    arguments: list[object] = [list(store_ids)]
    rows = await db.fetch(
        f"SELECT id FROM store WHERE id = ANY($1::bigint[]) AND {_within(scope, arguments)}",
        *arguments,
    )
    return frozenset(row["id"] for row in rows)


async def find_mobiles_changed_at(store_id: int) -> datetime | None:
    """When a mobile of a place was last added or removed; None where none was since it is there."""
    row = await db.fetch_one("SELECT mobiles_changed_at FROM store WHERE id = $1", store_id)
    return None if row is None else row["mobiles_changed_at"]


async def get_id(code: str) -> int:
    """The key of the place with this very code. Raises NotFound."""
    row = await db.fetch_one("SELECT id FROM store WHERE code = $1", code)
    if row is None:
        raise NotFound
    return int(row["id"])


async def list_records(
    *,
    scope: Scope,
    terms: Sequence[str],
    state: StoreState | None,
    after: str,
    limit: int,
) -> list[StoreRecord]:
    """The places within the scope behind a code, by code: all, or those with a word for each term, or of a state."""
    arguments: list[object] = [after, limit, [f"% {term}%" for term in terms], state]
    rows = await db.fetch(
        f"""
        SELECT id FROM store
         WHERE code > $1 AND ($4::text IS NULL OR state = $4)
           AND (' ' || translate(lower(code), '._/-', '    ') || search_document) LIKE ALL ($3::text[])
           AND {_within(scope, arguments)}
         ORDER BY code LIMIT $2
        """,
        *arguments,
    )
    return await _records([row["id"] for row in rows], with_settlement=False)


async def _records(ids: Sequence[int], *, with_settlement: bool) -> list[StoreRecord]:
    rows = await db.fetch(
        "SELECT id, code, version, changed_at FROM store WHERE id = ANY($1::bigint[]) ORDER BY code",
        list(ids),
    )
    drafts = await repository_drafts.list_drafts(
        [row["code"] for row in rows], with_settlement=with_settlement
    )
    return [
        StoreRecord(row["id"], row["version"], row["changed_at"], drafts[row["code"]].draft)
        for row in rows
    ]


def _within(scope: Scope, arguments: list[object]) -> str:
    """The condition on a row of `store`; places belong to a province, and to no association."""
    if scope.nation:
        return "true"
    arguments.append([] if scope.association_id is not None else sorted(scope.province_codes))
    return f"province_code = ANY(${len(arguments)}::text[])"
