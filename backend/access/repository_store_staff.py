"""Every query on stores' devices and cashiers."""

from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from backend.access.staff import MAX_CASHIERS, MAX_STORE_DEVICES, Cashier, CashierState, StoreDevice
from backend.core.viewer import Scope
from backend.infra import db
from backend.stores import views as stores

_CASHIER = "c.id, c.store_id, c.user_name, c.name, c.state, c.has_initial_password, c.created_by, c.created_at"
_DEVICE = "d.id, d.store_id, d.name, d.created_at, d.enrolled_at, d.revoked_at, d.last_seen_at"
# A store lies in the scope: nation and provinces are the two arguments from `first` on.
_IN_SCOPE = "(${first}::bool OR st.province_code = ANY(${second}::text[]))"


@dataclass(frozen=True, slots=True)
class Till:
    """A store as its devices and cashiers need it."""

    store_id: int
    province_code: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class CashierCandidate:
    """A cashier whom somebody tries to sign in as, on an enrolled device of that very store."""

    cashier: Cashier
    password_hash: str = field(repr=False)
    device_key: int
    is_store_active: bool


async def find_till(store_id: int, *, scope: Scope) -> Till | None:
    """The store of an id, where it lies in the scope."""
    row = await db.fetch_one(
        f"""
        SELECT st.id AS store_id, st.province_code, st.is_active FROM {stores.TILL} st
         WHERE st.id = $1 AND st.is_store AND {_IN_SCOPE.format(first=2, second=3)}
        """,
        store_id,
        *_arguments(scope),
    )
    return None if row is None else Till(**dict(row))


async def hold_store(store_id: int) -> None:
    """Let nobody else add cashiers or devices to a store until the transaction ends."""
    await db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('access.store_staff', $1))", store_id
    )


async def count_cashiers(store_id: int) -> int:
    """How many cashiers a store has, suspended ones too."""
    row = await db.fetch_one("SELECT count(*) AS many FROM cashier WHERE store_id = $1", store_id)
    return 0 if row is None else int(row["many"])


async def insert_cashier(
    *, store_id: int, user_name: str, name: str, password_hash: str, created_by: str, at: datetime
) -> Cashier | None:
    """Insert a cashier; None where the store has one of this user name."""
    row = await db.fetch_one(
        f"""
        INSERT INTO cashier AS c (store_id, user_name, name, state, password_hash, created_by, created_at)
        VALUES ($1, $2, $3, 'ACTIVE', $4, $5, $6)
        ON CONFLICT (store_id, user_name) DO NOTHING RETURNING {_CASHIER}
        """,
        store_id,
        user_name,
        name,
        password_hash,
        created_by,
        at,
    )
    return None if row is None else _cashier(row)


async def lock_cashier(cashier_id: int, *, scope: Scope) -> tuple[Cashier, str] | None:
    """The cashier of an id in the scope and the password's hash, locked until the transaction ends."""
    row = await db.fetch_one(
        f"""
        SELECT {_CASHIER}, c.password_hash FROM cashier c JOIN {stores.TILL} st ON st.id = c.store_id
         WHERE c.id = $1 AND {_IN_SCOPE.format(first=2, second=3)} FOR UPDATE OF c
        """,
        cashier_id,
        *_arguments(scope),
    )
    return None if row is None else (_cashier(row), row["password_hash"])


async def list_cashiers(store_id: int) -> list[Cashier]:
    """A store's cashiers by user name, MAX_CASHIERS at most."""
    rows = await db.fetch(
        f"SELECT {_CASHIER} FROM cashier c WHERE c.store_id = $1 ORDER BY c.user_name LIMIT $2",
        store_id,
        MAX_CASHIERS,
    )
    return [_cashier(row) for row in rows]


async def save_cashier_state(cashier_id: int, state: CashierState) -> None:
    """Store whether a cashier may sign in."""
    await db.execute("UPDATE cashier SET state = $2 WHERE id = $1", cashier_id, state)


async def save_cashier_password(cashier_id: int, hashed: str, *, is_initial: bool) -> None:
    """Store the hash of another password; the service's own has to be changed."""
    await db.execute(
        "UPDATE cashier SET password_hash = $2, has_initial_password = $3 WHERE id = $1",
        cashier_id,
        hashed,
        is_initial,
    )


async def find_device_of_store(store_code: str, digest: bytes) -> tuple[int, Till] | None:
    """The enrolled device of this secret in the store of this code, and the store."""
    row = await db.fetch_one(
        f"""
        SELECT d.id, st.id AS store_id, st.province_code, st.is_active
          FROM store_device d JOIN {stores.TILL} st ON st.id = d.store_id
         WHERE d.digest = $2 AND d.revoked_at IS NULL AND upper(st.code) = upper($1)
        """,
        store_code,
        digest,
    )
    if row is None:
        return None
    return row["id"], Till(row["store_id"], row["province_code"], row["is_active"])


async def find_cashier(*, store_id: int, user_name: str) -> tuple[Cashier, str] | None:
    """A store's cashier of a user name, and the password's hash."""
    row = await db.fetch_one(
        f"SELECT {_CASHIER}, c.password_hash FROM cashier c WHERE c.store_id = $1 AND c.user_name = $2",
        store_id,
        user_name,
    )
    return None if row is None else (_cashier(row), row["password_hash"])


async def count_devices(store_id: int, *, at: datetime) -> int:
    """How many devices a store has or may yet enrol."""
    row = await db.fetch_one(
        """
        SELECT count(*) AS many FROM store_device
         WHERE store_id = $1 AND revoked_at IS NULL AND (enrolled_at IS NOT NULL OR code_expires_at > $2)
        """,
        store_id,
        at,
    )
    return 0 if row is None else int(row["many"])


async def insert_device(
    *,
    store_id: int,
    name: str,
    code_digest: bytes,
    code_expires_at: datetime,
    created_by: str,
    at: datetime,
) -> StoreDevice:
    """Insert a device that is to be enrolled by a code."""
    row = await db.fetch_one(
        f"""
        INSERT INTO store_device AS d (store_id, name, code_digest, code_expires_at, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_DEVICE}
        """,
        store_id,
        name,
        code_digest,
        code_expires_at,
        created_by,
        at,
    )
    assert row is not None  # noqa: S101 - an INSERT gives its row
    return _device(row)


async def enrol_device(
    *, store_code: str, code_digest: bytes, digest: bytes, at: datetime
) -> StoreDevice | None:
    """Use up a device's code; None where it is not one of an active store, is used, or too old."""
    row = await db.fetch_one(
        f"""
        UPDATE store_device d
           SET code_digest = NULL, code_expires_at = NULL, digest = $3, enrolled_at = $4, last_seen_at = $4
          FROM {stores.TILL} st
         WHERE d.code_digest = $2 AND d.code_expires_at > $4 AND d.revoked_at IS NULL
           AND st.id = d.store_id AND st.is_active AND upper(st.code) = upper($1)
        RETURNING {_DEVICE}
        """,
        store_code,
        code_digest,
        digest,
        at,
    )
    return None if row is None else _device(row)


async def lock_device(device_key: int, *, scope: Scope) -> StoreDevice | None:
    """The device of an id in the scope, locked until the transaction ends."""
    row = await db.fetch_one(
        f"""
        SELECT {_DEVICE} FROM store_device d JOIN {stores.TILL} st ON st.id = d.store_id
         WHERE d.id = $1 AND {_IN_SCOPE.format(first=2, second=3)} FOR UPDATE OF d
        """,
        device_key,
        *_arguments(scope),
    )
    return None if row is None else _device(row)


async def revoke_device(device_key: int, *, at: datetime) -> None:
    """Let a device, or its code, be good for nothing from now on."""
    await db.execute(
        "UPDATE store_device SET revoked_at = $2, code_digest = NULL, code_expires_at = NULL"
        " WHERE id = $1 AND revoked_at IS NULL",
        device_key,
        at,
    )


async def save_device_seen(device_key: int, *, at: datetime) -> None:
    """Remember when somebody signed in on a device last."""
    await db.execute("UPDATE store_device SET last_seen_at = $2 WHERE id = $1", device_key, at)


async def list_devices(store_id: int) -> list[StoreDevice]:
    """A store's devices that are not revoked, the oldest first; MAX_STORE_DEVICES at most."""
    rows = await db.fetch(
        f"""
        SELECT {_DEVICE} FROM store_device d WHERE d.store_id = $1 AND d.revoked_at IS NULL
           AND (d.enrolled_at IS NOT NULL OR d.code_expires_at > statement_timestamp())
         ORDER BY d.id LIMIT $2
        """,
        store_id,
        MAX_STORE_DEVICES,
    )
    return [_device(row) for row in rows]


def _arguments(scope: Scope) -> tuple[bool, list[str]]:
    """An association has no stores: who works for one sees none."""
    codes = [] if scope.association_id is not None else sorted(scope.province_codes)
    return scope.nation, codes


def _cashier(row: asyncpg.Record) -> Cashier:
    return Cashier(
        id=row["id"],
        store_id=row["store_id"],
        user_name=row["user_name"],
        name=row["name"],
        state=CashierState(row["state"]),
        has_initial_password=row["has_initial_password"],
        created_by=row["created_by"],
        created_at=row["created_at"],
    )


def _device(row: asyncpg.Record) -> StoreDevice:
    return StoreDevice(
        id=row["id"],
        store_id=row["store_id"],
        name=row["name"],
        created_at=row["created_at"],
        enrolled_at=row["enrolled_at"],
        revoked_at=row["revoked_at"],
        last_seen_at=row["last_seen_at"],
    )
