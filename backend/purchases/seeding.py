"""What the seed writes of purchases: rows by COPY."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.infra import db
from backend.purchases.domain import PurchaseState

TABLES = ("purchase",)

_COLUMNS = (
    "id", "member_id", "store_id", "plan_id", "amount_rials", "instalment_count", "state", "created_at",
    "expires_at", "confirmed_at", "refunded_rials",
)  # fmt: skip
_NULL = "\\N"


@dataclass(frozen=True, slots=True)
class SeedPurchase:
    """A purchase to be written; `plan_id` and `confirmed_at` are both there or both None."""

    id: int
    member_id: int
    store_id: int
    plan_id: int | None
    amount_rials: int
    instalment_count: int
    state: PurchaseState
    created_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None
    refunded_rials: int


def rows_of(purchases: Sequence[SeedPurchase]) -> bytes:
    """The purchases as COPY text."""
    return "".join(
        [
            f"{each.id}\t{each.member_id}\t{each.store_id}\t{each.plan_id or _NULL}\t{each.amount_rials}\t"
            f"{each.instalment_count}\t{each.state}\t{each.created_at}\t{each.expires_at}\t"
            f"{each.confirmed_at or _NULL}\t{each.refunded_rials}\n"
            for each in purchases
        ]
    ).encode()


async def copy_purchases(connection: db.RawConnection, rows: bytes) -> None:
    """Write what `rows_of` gave."""
    await connection.copy_to_table(
        "purchase", columns=_COLUMNS, source=io.BytesIO(rows), format="text"
    )
