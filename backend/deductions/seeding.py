"""What the seed writes of plans: one staged row each by COPY, the rest from that in SQL.

Instalments are split as `core.money` does. A loan of n months has its fees in months 1, 13, 25 … and the
principal in the others; the number of an instalment is the place of its month.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.deductions import repository_seeding
from backend.deductions.domain import PlanKind
from backend.infra import db

TABLES = ("plan", "instalment", "ledger_transfer")


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """A plan to be written.

    `first_month` is the first due month as year × 12 + month − 1; `paid_months` are paid in full, and
    `arrears_rials` is what was taken of the next one, which is overdue, or None. A plan that `is_cancelled` belongs
    to a purchase that was refunded as a whole two days later: nothing of it is paid.
    """

    id: int
    member_id: int
    kind: PlanKind
    principal_rials: int
    fees_rials: tuple[int, ...]
    months: int
    first_month: int
    paid_months: int
    arrears_rials: int | None
    paid_rials: int
    is_cancelled: bool
    created_at: datetime


def rows_of(plans: Sequence[SeedPlan]) -> bytes:
    """The plans as COPY text."""
    return "".join(
        [
            f"{each.id}\t{each.member_id}\t{each.kind}\t{each.principal_rials}\t"
            f"{{{','.join(map(str, each.fees_rials))}}}\t{each.months}\t{each.first_month}\t{each.paid_months}\t"
            f"{chr(92) + 'N' if each.arrears_rials is None else each.arrears_rials}\t{each.paid_rials}\t"
            f"{each.is_cancelled}\t{each.created_at}\n"
            for each in plans
        ]
    ).encode()


async def open_staging(connection: db.RawConnection) -> None:
    """Make the table that plans are staged in, until the transaction ends."""
    await repository_seeding.create_staging(connection)


async def stage_plans(connection: db.RawConnection, rows: bytes) -> None:
    """Stage what `rows_of` gave."""
    await connection.copy_to_table("seed_plan", source=io.BytesIO(rows), format="text")


async def close_staging(connection: db.RawConnection) -> int:
    """Make the staged plans findable; gives the id beyond the last of them."""
    return await repository_seeding.index_staging(connection)


async def write_plans(connection: db.RawConnection, *, first: int, beyond: int) -> tuple[int, int]:
    """Write the staged plans of these ids, their instalments and the movements of both.

    Gives how many instalments and how many movements that were.
    """
    return await repository_seeding.insert_plans(connection, first=first, beyond=beyond)
