"""Every query by which operators find members. The scope stands in each: what lies outside is not there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import asyncpg

from backend.infra import db, sealing
from backend.members import repository, seals, search_keys
from backend.members.domain import FoundMember, Member, MemberState, Reach, SealedCode
from backend.members.search_keys import SearchKeys

_ORDER = 'member_name_order(name_sort_key) COLLATE "C"'
_COLUMNS = (
    "id, national_code_sealed, national_code_key_id, national_code_index, first_name, last_name, pension_number,"
    f" state, province_code, city, phone, {_ORDER} AS name_order"
)
_HIGHEST = "\U0010ffff"  # in the order of code points nothing that begins alike stands behind it


@dataclass(frozen=True, order=True, slots=True)
class NamePlace:
    """Where a member stands in the order of names."""

    name_order: str
    member_id: int


_FIRST = NamePlace("", 0)


async def find_member(member_id: int, *, reach: Reach) -> Member | None:
    """The member of this id within the reach; nothing is unsealed."""
    condition, arguments = _within(reach, first=2)
    row = await db.fetch_one(
        f"SELECT {repository.MEMBER_COLUMNS} FROM member WHERE id = $1 {condition}",
        member_id,
        *arguments,
    )
    return None if row is None else repository.member_of(row)


async def list_ids(member_ids: Collection[int], *, reach: Reach) -> frozenset[int]:
    """Which of these members are within the reach."""
    condition, arguments = _within(reach, first=2)
    rows = await db.fetch(
        f"SELECT id FROM member WHERE id = ANY($1::bigint[]) {condition}",
        list(member_ids),
        *arguments,
    )
    return frozenset(row["id"] for row in rows)


async def list_by_number(
    keys: SearchKeys, *, reach: Reach, after: NamePlace | None, limit: int
) -> list[tuple[FoundMember, NamePlace]]:
    """Those whom one of the numbers is of, by name."""
    place = after or _FIRST
    condition, arguments = _within(reach, first=7)
    index = (
        None
        if keys.national_code is None
        else seals.national_code_index(keys.national_code, sealing.current())
    )
    rows = await db.fetch(
        f"""
        WITH found AS MATERIALIZED (
            SELECT {_COLUMNS} FROM member
             WHERE (national_code_index = $1 OR phone = $2 OR pension_number = $3) {condition}
        )
        SELECT * FROM found WHERE (name_order, id) > ($4, $5::bigint) ORDER BY name_order, id LIMIT $6
        """,
        index,
        keys.phone,
        keys.pension_number,
        place.name_order,
        place.member_id,
        limit,
        *arguments,
    )
    return list(map(_found, rows))


async def list_by_name(
    terms: Sequence[str], *, reach: Reach, after: NamePlace | None, limit: int
) -> list[tuple[FoundMember, NamePlace]]:
    """Those whose surname the folded terms begin, or in whose name each of them begins a word; by name.

    The first are a walk in order through each part of the reach, which ends with the page. The others are all found
    before they are ordered: the planner would else walk the whole order for rare names.
    """
    names = search_keys.name_search(terms)
    # Of two lower bounds PostgreSQL begins at either, so it gets the higher one alone.
    start = max(after or _FIRST, NamePlace(names.prefix, 0))
    part = "province_code" if reach.association_code is None else "association_code"
    arguments: list[object] = [
        list(reach.parts),
        names.prefix + _HIGHEST,
        start.name_order,
        start.member_id,
        limit,
    ]
    apart = ""
    if names.pairs is not None:
        condition, more = _within(reach, first=9)
        place = after or _FIRST
        arguments += [names.pairs, place.name_order, place.member_id, *more]
        apart = f"""
            UNION
            SELECT id, name_order FROM (
                SELECT id, {_ORDER} AS name_order FROM member
                 WHERE member_name_pairs(name_sort_key) @@ $6::tsquery {condition} OFFSET 0
            ) AS named WHERE (name_order, id) > ($7, $8::bigint)
        """
    rows = await db.fetch(
        f"""
        WITH walked AS (
            SELECT found.* FROM unnest($1::text[]) AS part (code) CROSS JOIN LATERAL (
                SELECT id, {_ORDER} AS name_order FROM member
                 WHERE {part} = part.code AND ({_ORDER}, id) > ($3, $4::bigint) AND {_ORDER} < $2
                 ORDER BY {_ORDER}, id LIMIT $5
            ) AS found
        ), named AS (
            SELECT id, name_order FROM walked {apart}
        ), shown AS (
            SELECT id FROM named ORDER BY name_order, id LIMIT $5
        )
        SELECT {_COLUMNS} FROM member JOIN shown USING (id) ORDER BY name_order, id
        """,
        *arguments,
    )
    return list(map(_found, rows))


def _within(reach: Reach, *, first: int) -> tuple[str, tuple[object, ...]]:
    """The condition on a row of `member`, and its argument, which gets the number `first`."""
    if reach.association_code is not None:
        return f"AND association_code = ${first}", (reach.association_code,)
    if reach.is_nation:
        return "", ()
    return f"AND province_code = ANY(${first}::text[])", (list(reach.province_codes),)


def _found(row: asyncpg.Record) -> tuple[FoundMember, NamePlace]:
    found = FoundMember(
        id=row["id"],
        national_code=SealedCode(
            row["national_code_sealed"], row["national_code_key_id"], row["national_code_index"]
        ),
        first_name=row["first_name"],
        last_name=row["last_name"],
        pension_number=row["pension_number"],
        state=MemberState(row["state"]),
        province_code=row["province_code"],
        city=row["city"],
        phone=row["phone"],
    )
    return found, NamePlace(row["name_order"], row["id"])
