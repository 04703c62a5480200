"""What slices above may join in their own statements: relations with named columns, nothing else.

Each is a derived table for FROM or JOIN, to be given an alias; the planner merges it into the statement.
Join by `member_id` first: every row of these relations is a member's.
"""

from typing import Final

import asyncpg

from backend.deductions import repository
from backend.deductions.domain import Instalment

# Columns: id, member_id, kind, state, principal_rials, fee_rials, paid_rials.
PLAN: Final = (
    "(SELECT id, member_id, kind, state, principal_rials, fee_rials, paid_rials FROM plan)"
)

# Columns: member_id and INSTALMENT_COLUMNS.
INSTALMENT: Final = repository.INSTALMENTS
INSTALMENT_COLUMNS: Final = repository.INSTALMENT_COLUMNS

# Of an instalment that a coming deduction takes: a condition on its column `state`.
COLLECTABLE: Final = repository.COLLECTABLE


def instalment(row: asyncpg.Record, *, prefix: str) -> Instalment:
    """An instalment from a row with INSTALMENT_COLUMNS, each after `prefix`."""
    return repository.instalment(row, prefix=prefix)
