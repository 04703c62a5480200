"""What slices above may join in their own statements: relations with named columns, nothing else.

Each is a derived table for FROM or JOIN, to be given an alias; the planner merges it into the statement.
Join by `member_id` first: every row of these relations is a member's.
"""

from typing import Final

import asyncpg

from backend.deductions import repository
from backend.deductions.domain import Instalment, MonthDue
from backend.infra.readviews.views import Condition, Key, View

# Columns: id, member_id, kind, state, principal_rials, fee_rials, paid_rials.
PLAN: Final = (
    "(SELECT id, member_id, kind, state, principal_rials, fee_rials, paid_rials FROM plan)"
)

# Columns: member_id and INSTALMENT_COLUMNS.
INSTALMENT: Final = repository.INSTALMENTS
INSTALMENT_COLUMNS: Final = repository.INSTALMENT_COLUMNS

# Of an instalment that a coming deduction takes: a condition on its column `state`.
COLLECTABLE: Final = repository.COLLECTABLE

# The same for statements that answer JSON.
INSTALMENTS: Final = View(
    table="instalment",
    columns=frozenset(
        {"id", "member_id", "kind", "number", "due_month", "amount_rials", "paid_rials", "state", "failure"}
    ),
    owner="member_id",
    keys=(Key("due_month", "bigint"), Key("id", "bigint")),
    conditions={
        "from": Condition("{row}.due_month >= {value}", "int"),
        "to": Condition("{row}.due_month <= {value}", "int"),
        "state": Condition("{row}.state = {value}", "text"),
        "collectable": Condition(f"{{row}}.{COLLECTABLE}"),
    },
)  # fmt: skip


def month_dues_json(member: str) -> str:
    """SQL of what is left to collect of a member by month, JSON for `month_dues`; `member` is SQL of the id."""
    return repository.month_dues_json(member)


def month_dues(json: str | bytes | None) -> tuple[MonthDue, ...]:
    """What `month_dues_json` gave."""
    return repository.month_dues(json)


def instalment(row: asyncpg.Record, *, prefix: str) -> Instalment:
    """An instalment from a row with INSTALMENT_COLUMNS, each after `prefix`."""
    return repository.instalment(row, prefix=prefix)
