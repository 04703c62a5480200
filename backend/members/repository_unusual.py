"""Every query that tells whom a staged file affects, for those who decide about it."""

from dataclasses import dataclass

from backend.infra import db
from backend.members.repository_merge import RENUMBERED, VANISHED

# Of a row `s` that can be read and its stored member `m`.
_AFFECTED = {
    "revived": "s.is_valid AND m.state = 'DECEASED' AND s.state <> 'DECEASED'",
    "renumbered": f"s.is_valid AND {RENUMBERED}",
    "deaths": "s.state = 'DECEASED' AND m.state <> 'DECEASED'",
    "stopped": "s.is_valid AND s.state = 'INACTIVE' AND m.state = 'ACTIVE'",
    "unpensioned": "s.is_valid AND s.state = 'ACTIVE' AND m.state = 'ACTIVE'"
    " AND m.net_pension_rials > 0 AND coalesce(s.net_pension_rials, 0) = 0",
}


@dataclass(frozen=True, slots=True)
class VanishedMember:
    """An active member who is in no row; the number is that of the pension."""

    id: int
    pension_number: str
    province_code: str
    branch_code: str | None
    association_code: str | None


async def list_affected(file_id: int, how: str, *, limit: int) -> list[int]:
    """The first rows of members who are affected so: `revived`, or one of the counts of the file."""
    rows = await db.fetch(
        f"""
        SELECT s.row_number FROM member m JOIN membership_row s USING (national_code_index)
         WHERE s.file_id = $1 AND {_AFFECTED[how]} ORDER BY s.row_number LIMIT $2
        """,
        file_id,
        limit,
    )
    return [row["row_number"] for row in rows]


async def count_vanished(file_id: int, *, limit: int) -> list[tuple[str, str, int]]:
    """How many vanished by `province`, `branch` and `association`, the largest figures of each first."""
    rows = await db.fetch(
        f"""
        WITH vanished AS MATERIALIZED (
            SELECT province_code, branch_code, association_code FROM member m WHERE {VANISHED}
        ), counted AS (
            SELECT CASE WHEN grouping(province_code) = 0 THEN 'province'
                        WHEN grouping(branch_code) = 0 THEN 'branch' ELSE 'association' END AS kind,
                   coalesce(province_code, branch_code, association_code) AS code, count(*) AS members
              FROM vanished GROUP BY GROUPING SETS (province_code, branch_code, association_code)
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY kind ORDER BY members DESC, code) AS place
              FROM counted WHERE code IS NOT NULL
        )
        SELECT kind, code, members FROM ranked WHERE place <= $2
         ORDER BY array_position(ARRAY['province', 'branch', 'association'], kind), place
        """,
        file_id,
        limit,
    )
    return [(row["kind"], row["code"], row["members"]) for row in rows]


async def list_vanished(file_id: int, *, after: int, limit: int) -> list[VanishedMember]:
    """The next of those who vanished, by id."""
    rows = await db.fetch(
        f"""
        SELECT m.id, m.pension_number, m.province_code, m.branch_code, m.association_code
          FROM member m WHERE m.id > $2 AND {VANISHED} ORDER BY m.id LIMIT $3
        """,
        file_id,
        after,
        limit,
    )
    return [VanishedMember(*row) for row in rows]
