"""Who an operator or cashier is at this moment: by a live session, or for work that is done in an operator's name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from backend.access.repository_operators import COLUMNS, operator_of
from backend.access.staff import CashierState, Operator
from backend.core.permissions import Role
from backend.infra import db
from backend.members import views as members
from backend.stores import views as stores

# Of an operator `o`: the own member's file `m`, and the emergency `b` that runs at the moment $1.
_PERSON = f"""
    LEFT JOIN {members.PERSON} m ON m.national_code_index = o.national_code_index
    LEFT JOIN LATERAL (
        SELECT id, role, ends_at, reason FROM break_glass
         WHERE operator_id = o.id AND ended_at IS NULL AND began_at <= $1 AND ends_at > $1
         ORDER BY ends_at DESC LIMIT 1) b ON true
"""
_OF_PERSON = f"""
    {COLUMNS}, m.id AS own_member_id, b.id AS break_glass_id, b.role AS break_glass_role,
    b.ends_at AS break_glass_ends_at, b.reason AS break_glass_reason
"""


@dataclass(frozen=True, slots=True)
class OperatorNow:
    """An operator as the database knows them now, with the emergency that runs."""

    operator: Operator
    own_member_id: int | None
    break_glass_id: int | None
    break_glass_role: Role | None
    break_glass_ends_at: datetime | None
    break_glass_reason: str = ""


@dataclass(frozen=True, slots=True)
class OperatorBearer:
    """An operator's session that is not ended, and whose it is."""

    person: OperatorNow
    last_seen_at: datetime
    reauthenticated_at: datetime | None


@dataclass(frozen=True, slots=True)
class CashierBearer:
    """A cashier's session that is not ended, and the cashier, the device and the store as they are now."""

    cashier_id: int
    store_id: int
    state: CashierState
    has_initial_password: bool
    created_by: str
    is_store_active: bool
    is_device_revoked: bool
    province_code: str
    last_seen_at: datetime


async def find_operator_bearer(
    public_id: UUID, *, operator_id: int, at: datetime
) -> OperatorBearer | None:
    """Whose live session that is."""
    row = await db.fetch_one(
        f"""
        SELECT {_OF_PERSON}, s.last_seen_at, s.reauthenticated_at
          FROM staff_session s JOIN operator o ON o.id = s.operator_id {_PERSON}
         WHERE s.public_id = $2 AND o.id = $3 AND s.ended_at IS NULL AND s.expires_at > $1
        """,
        at,
        public_id,
        operator_id,
    )
    if row is None:
        return None
    return OperatorBearer(_person(row), row["last_seen_at"], row["reauthenticated_at"])


async def hold_operator(operator_id: int) -> None:
    """Let nobody change an account until the transaction ends; others may hold it, too. Waits for who changes it."""
    await db.fetch("SELECT FROM operator WHERE id = $1 FOR SHARE", operator_id)


async def find_operator_now(operator_id: int, *, at: datetime) -> OperatorNow | None:
    """The operator of an id, in whatever state, signed in or not."""
    row = await db.fetch_one(
        f"SELECT {_OF_PERSON} FROM operator o {_PERSON} WHERE o.id = $2", at, operator_id
    )
    return None if row is None else _person(row)


async def find_cashier_bearer(
    public_id: UUID, *, cashier_id: int, at: datetime
) -> CashierBearer | None:
    """Whose live session that is, and whether store and device may still be used."""
    row = await db.fetch_one(
        f"""
        SELECT c.id AS cashier_id, c.store_id, c.state, c.has_initial_password, c.created_by,
               st.is_active AS is_store_active, st.province_code,
               d.revoked_at IS NOT NULL AS is_device_revoked, s.last_seen_at
          FROM staff_session s JOIN cashier c ON c.id = s.cashier_id
          JOIN store_device d ON d.id = s.store_device_id JOIN {stores.TILL} st ON st.id = c.store_id
         WHERE s.public_id = $1 AND c.id = $2 AND s.ended_at IS NULL AND s.expires_at > $3
        """,
        public_id,
        cashier_id,
        at,
    )
    if row is None:
        return None
    return CashierBearer(**{**dict(row), "state": CashierState(row["state"])})


def _person(row: asyncpg.Record) -> OperatorNow:
    role = row["break_glass_role"]
    return OperatorNow(
        operator=operator_of(row),
        own_member_id=row["own_member_id"],
        break_glass_id=row["break_glass_id"],
        break_glass_role=None if role is None else Role(role),
        break_glass_ends_at=row["break_glass_ends_at"],
        break_glass_reason=row["break_glass_reason"] or "",
    )
