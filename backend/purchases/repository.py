"""Every query on purchases. Each names the member, so that no row of another is met.

A list is one statement: what is paid comes with the plan and the store with its card, by the views that
deductions and stores declare.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from backend.deductions import views as deductions
from backend.infra import db
from backend.purchases.domain import (
    Balance,
    Purchase,
    PurchaseFilter,
    PurchaseState,
    Waiting,
    instants,
)
from backend.stores import views as stores

_SELECT = f"""
    SELECT p.id, p.plan_id, p.amount_rials, p.instalment_count, p.state, p.created_at, p.expires_at,
           p.confirmed_at, p.refunded_rials, coalesce(plan.paid_rials, 0) AS paid_rials,
           {", ".join(f"s.{name} AS store_{name}" for name in stores.CARD_COLUMNS)}
      FROM purchase p
      JOIN {stores.CARD} s ON s.id = p.store_id
      LEFT JOIN {deductions.PLAN} plan ON plan.id = p.plan_id AND plan.member_id = p.member_id
"""


async def list_purchases(
    *,
    member_id: int,
    matching: PurchaseFilter,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Purchase]:
    """A member's purchases, newest first; `after` is the key (created at, id) of the last one seen."""
    arguments: list[object] = [member_id]
    conditions = ["p.member_id = $1"]

    def add(value: object) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    begins, ends = instants(matching)
    if begins is not None:
        conditions.append(f"p.created_at >= {add(begins)}::timestamptz")
    if ends is not None:
        conditions.append(f"p.created_at < {add(ends)}::timestamptz")
    if matching.store_id is not None:
        conditions.append(f"p.store_id = {add(matching.store_id)}::bigint")
    if matching.states is not None:
        states = [state.value for state in matching.states]
        conditions.append(f"p.state = ANY({add(states)}::text[])")
    if after is not None:
        created_at, last_id = add(after[0]), add(after[1])
        conditions.append(f"(p.created_at, p.id) < ({created_at}::timestamptz, {last_id}::bigint)")
    rows = await db.fetch(
        f"""
        {_SELECT} WHERE {" AND ".join(conditions)}
         ORDER BY p.created_at DESC, p.id DESC LIMIT {add(limit)}::int
        """,
        *arguments,
    )
    return [_purchase(row) for row in rows]


async def find_purchase(*, member_id: int, purchase_id: int) -> Purchase | None:
    """A member's purchase by its id."""
    row = await db.fetch_one(
        f"{_SELECT} WHERE p.id = $2 AND p.member_id = $1", member_id, purchase_id
    )
    return None if row is None else _purchase(row)


async def list_by_plans(*, member_id: int, plan_ids: Sequence[int]) -> list[Purchase]:
    """A member's purchases that hold these plans, in no order."""
    rows = await db.fetch(
        f"{_SELECT} WHERE p.plan_id = ANY($2::bigint[]) AND p.member_id = $1",
        member_id,
        list(plan_ids),
    )
    return [_purchase(row) for row in rows]


async def list_awaiting(*, member_id: int, at: datetime, limit: int) -> list[Purchase]:
    """What waits for the member's word and has not expired, the newest first."""
    rows = await db.fetch(
        f"""
        {_SELECT} WHERE p.member_id = $1 AND p.state = 'AWAITING_MEMBER' AND p.expires_at > $2
         ORDER BY p.created_at DESC, p.id DESC LIMIT $3::int
        """,
        member_id,
        at,
        limit,
    )
    return [_purchase(row) for row in rows]


async def totals(*, member_id: int, starts: Sequence[datetime]) -> dict[int, tuple[int, int]]:
    """Count and amount of what was confirmed between two `starts` and the next, by the place from 1."""
    rows = await db.fetch(
        """
        SELECT width_bucket(confirmed_at, $2::timestamptz[]) AS place, count(*) AS count,
               sum(amount_rials - refunded_rials)::bigint AS amount_rials
          FROM purchase
         WHERE member_id = $1 AND confirmed_at >= $3::timestamptz AND confirmed_at < $4::timestamptz
         GROUP BY place
        """,
        member_id,
        list(starts[:-1]),
        starts[0],
        starts[-1],
    )
    return {row["place"]: (row["count"], row["amount_rials"]) for row in rows}


async def get_balance(*, member_id: int, at: datetime) -> Balance:
    """What weighs on a member's credit, and the next instalment: the home screen asks for both at once."""
    columns = ", ".join(f"n.{name} AS next_{name}" for name in deductions.INSTALMENT_COLUMNS)
    row = await db.fetch_one(
        f"""
        SELECT own.used_rials, own.waiting, own.dues, {columns} FROM (
            SELECT {used_rials("$1")} AS used_rials, {waiting_json("$1", "$2")} AS waiting,
                   {deductions.month_dues_json("$1")} AS dues
        ) own
        LEFT JOIN LATERAL (
            SELECT i.* FROM {deductions.INSTALMENT} i WHERE i.member_id = $1 AND i.{deductions.COLLECTABLE}
             ORDER BY i.due_month, i.id LIMIT 1
        ) n ON true
        """,
        member_id,
        at,
    )
    assert row is not None  # noqa: S101 - the sums are always one row
    return Balance(
        used_rials=row["used_rials"],
        waiting=waiting(row["waiting"]),
        dues=deductions.month_dues(row["dues"]),
        next_instalment=None
        if row["next_id"] is None
        else deductions.instalment(row, prefix="next_"),
    )


def used_rials(member: str) -> str:
    """SQL of what is still owed of running purchases; `member` is SQL of a member's id."""
    return f"""(
        SELECT coalesce(sum(plan.principal_rials - plan.paid_rials), 0)::bigint FROM {deductions.PLAN} plan
         WHERE plan.member_id = {member} AND plan.state = 'RUNNING' AND plan.kind = 'PURCHASE'
    )"""


def waiting_json(member: str, at: str) -> str:
    """SQL of the purchases that wait for the member's word at a moment, JSON for `waiting`."""
    return f"""(
        SELECT json_agg(json_build_array(amount_rials, instalment_count)) FROM purchase
         WHERE member_id = {member} AND {awaiting(at)}
    )"""


def waiting(json: str | bytes | None) -> tuple[Waiting, ...]:
    """What `waiting_json` gave."""
    return tuple(Waiting(*each) for each in orjson.loads(json or b"[]"))


def awaiting(at: str) -> str:
    """SQL of the condition that a purchase waits for the member's word at a moment."""
    return f"state = 'AWAITING_MEMBER' AND expires_at > {at}"


def _purchase(row: asyncpg.Record) -> Purchase:
    return Purchase(
        id=row["id"],
        store=stores.card(row, prefix="store_"),
        plan_id=row["plan_id"],
        amount_rials=row["amount_rials"],
        instalment_count=row["instalment_count"],
        state=PurchaseState(row["state"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        confirmed_at=row["confirmed_at"],
        refunded_rials=row["refunded_rials"],
        paid_rials=row["paid_rials"],
    )
