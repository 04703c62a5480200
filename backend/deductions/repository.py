"""Every query on plans, instalments and the ledger. Each names the member, so that no row of another is met."""

from collections.abc import Sequence
from typing import Final

import asyncpg
import orjson

from backend.deductions.domain import (
    AccountCode,
    Instalment,
    InstalmentKind,
    InstalmentState,
    MonthDeduction,
    MonthDue,
    PlanKind,
    TransferKind,
)
from backend.infra import db

INSTALMENTS: Final = """(
    SELECT i.id, i.member_id, i.plan_id, p.kind AS plan_kind, i.kind, i.number, i.due_month,
           i.amount_rials, i.paid_rials, i.state, i.failure
      FROM instalment i JOIN plan p ON p.id = i.plan_id
)"""
INSTALMENT_COLUMNS: Final = (
    "id", "plan_id", "plan_kind", "kind", "number", "due_month", "amount_rials", "paid_rials", "state", "failure",
)  # fmt: skip
# The words of a partial index: the planner knows it by them.
COLLECTABLE: Final = "state IN ('PLANNED', 'ORDERED', 'PARTLY_PAID', 'OVERDUE')"

_INSTALMENT = ", ".join(f"i.{name}" for name in INSTALMENT_COLUMNS)
_COLLECTABLE = f"i.{COLLECTABLE}"


async def list_instalments(
    *,
    member_id: int,
    from_month: int | None,
    to_month: int | None,
    state: InstalmentState | None,
    after: tuple[int, int] | None,
    limit: int,
) -> list[Instalment]:
    """A member's instalments by (due month, id), months included; `after` is the key of the last one seen."""
    arguments: list[object] = [member_id]
    conditions = ["i.member_id = $1"]

    def add(value: object) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    if from_month is not None:
        conditions.append(f"i.due_month >= {add(from_month)}::int")
    if to_month is not None:
        conditions.append(f"i.due_month <= {add(to_month)}::int")
    if state is not None:
        conditions.append(f"i.state = {add(state.value)}::text")
        if f"'{state.value}'" in COLLECTABLE:
            conditions.append(_COLLECTABLE)  # so that the planner finds the partial index
    if after is not None:
        month, last_id = add(after[0]), add(after[1])
        conditions.append(f"(i.due_month, i.id) > ({month}::bigint, {last_id}::bigint)")
    rows = await db.fetch(
        f"""
        SELECT {_INSTALMENT} FROM {INSTALMENTS} i WHERE {" AND ".join(conditions)}
         ORDER BY i.due_month, i.id LIMIT {add(limit)}::int
        """,
        *arguments,
    )
    return [instalment(row) for row in rows]


async def find_instalment(*, member_id: int, instalment_id: int) -> Instalment | None:
    """A member's instalment by its id."""
    row = await db.fetch_one(
        f"SELECT {_INSTALMENT} FROM {INSTALMENTS} i WHERE i.member_id = $1 AND i.id = $2",
        member_id,
        instalment_id,
    )
    return None if row is None else instalment(row)


async def find_next_instalment(*, member_id: int) -> Instalment | None:
    """The earliest instalment that is still to be collected, arrears included."""
    row = await db.fetch_one(
        f"""
        SELECT {_INSTALMENT} FROM {INSTALMENTS} i WHERE i.member_id = $1 AND {_COLLECTABLE}
         ORDER BY i.due_month, i.id LIMIT 1
        """,
        member_id,
    )
    return None if row is None else instalment(row)


async def find_next_deduction(
    *, member_id: int, current_month: int, limit: int
) -> MonthDeduction | None:
    """What is due up to the month of the earliest collectable instalment, or to this month if that is later."""
    rows = await db.fetch(
        f"""
        WITH next AS MATERIALIZED (
            SELECT greatest(i.due_month, $2::int) AS month FROM instalment i
             WHERE i.member_id = $1 AND {_COLLECTABLE} ORDER BY i.due_month, i.id LIMIT 1
        )
        SELECT {_INSTALMENT}, (SELECT month FROM next) AS month, count(*) OVER () AS count,
               (sum(i.amount_rials - i.paid_rials) OVER ())::bigint AS total_rials
          FROM {INSTALMENTS} i
         WHERE i.member_id = $1 AND {_COLLECTABLE} AND i.due_month <= (SELECT month FROM next)
         ORDER BY i.due_month, i.id LIMIT $3::int
        """,
        member_id,
        current_month,
        limit,
    )
    if not rows:
        return None
    return MonthDeduction(
        month=rows[0]["month"],
        total_rials=rows[0]["total_rials"],
        count=rows[0]["count"],
        instalments=tuple(instalment(row) for row in rows),
    )


async def list_by_plans(*, member_id: int, plan_ids: Sequence[int]) -> list[Instalment]:
    """The instalments of a member's plans by plan and number: in the order in which they fall due."""
    rows = await db.fetch(
        f"""
        SELECT {_INSTALMENT} FROM {INSTALMENTS} i
         WHERE i.plan_id = ANY($2::bigint[]) AND i.member_id = $1
         ORDER BY i.plan_id, i.number
        """,
        member_id,
        list(plan_ids),
    )
    return [instalment(row) for row in rows]


async def add_transfer(
    *,
    debit: AccountCode,
    credit: AccountCode,
    amount_rials: int,
    kind: TransferKind,
    plan_id: int | None,
    member_id: int | None,
) -> int:
    """Add a row to the ledger; gives its id. The database refuses a plan of another member."""
    row = await db.fetch_one(
        """
        INSERT INTO ledger_transfer (debit_account_id, credit_account_id, amount_rials, kind, plan_id, member_id)
        SELECT d.id, c.id, $3::bigint, $4::text, $5::bigint, $6::bigint
          FROM account d, account c WHERE d.code = $1 AND c.code = $2
        RETURNING id
        """,
        debit.value,
        credit.value,
        amount_rials,
        kind.value,
        plan_id,
        member_id,
    )
    assert row is not None  # noqa: S101 - a migration wrote a row for each AccountCode
    identifier: int = row["id"]
    return identifier


def month_dues_json(member: str) -> str:
    """SQL of what is left to collect of a member by month, JSON for `month_dues`; `member` is SQL of the id."""
    return f"""(
        SELECT json_agg(json_build_array(due_month, rials, was_tried)) FROM (
            SELECT i.due_month, i.state IN ('PARTLY_PAID', 'OVERDUE') AS was_tried,
                   sum(i.amount_rials - i.paid_rials)::bigint AS rials
              FROM instalment i WHERE i.member_id = {member} AND {_COLLECTABLE} GROUP BY 1, 2
        ) months
    )"""


def month_dues(json: str | bytes | None) -> tuple[MonthDue, ...]:
    """What `month_dues_json` gave."""
    return tuple(MonthDue(*each) for each in orjson.loads(json or b"[]"))


def instalment(row: asyncpg.Record, *, prefix: str = "") -> Instalment:
    """An instalment from a row with INSTALMENT_COLUMNS, each after `prefix`."""
    value = {name: row[f"{prefix}{name}"] for name in INSTALMENT_COLUMNS}
    return Instalment(
        **{
            **value,
            "plan_kind": PlanKind(value["plan_kind"]),
            "kind": InstalmentKind(value["kind"]),
            "state": InstalmentState(value["state"]),
        }
    )
