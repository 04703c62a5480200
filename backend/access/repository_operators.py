"""Every query on operators' accounts; secrets leave it sealed or hashed, and for signing in only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from backend.access.staff import Operator, OperatorState
from backend.core.permissions import Role
from backend.core.viewer import Scope
from backend.infra import db
from backend.infra.sealing import Sealed

COLUMNS = """
    o.id, o.user_name, o.name, o.office, o.state, o.roles, o.scope_nation, o.scope_province_codes,
    o.scope_association_id, o.created_by, o.approved_by, o.created_at, o.last_sign_in_at,
    o.phone_sealed, o.phone_key_id
"""

_SECRETS = """
    o.password_hash, o.totp_sealed, o.totp_key_id, o.totp_last_step, o.invitation_digest,
    o.invitation_expires_at
"""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an operator signs in by, and what is known of who tries."""

    password_hash: str | None = field(repr=False)
    totp: Sealed | None = field(repr=False)
    totp_last_step: int | None
    invitation_digest: bytes | None = field(default=None, repr=False)
    invitation_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that somebody tries to sign in to; the flags are of the source that asks."""

    operator: Operator
    secrets: Secrets
    is_known_device: bool
    is_known_address: bool
    has_recovery_code: bool


async def insert_operator(
    *,
    user_name: str,
    name: str,
    office: str,
    state: OperatorState,
    roles: frozenset[Role],
    scope: Scope,
    national_code_index: bytes | None,
    created_by: str,
    at: datetime,
) -> int | None:
    """Insert an account without secrets; gives its id, None where user name or person has an account."""
    row = await db.fetch_one(
        """
        INSERT INTO operator (user_name, name, office, state, roles, scope_nation, scope_province_codes,
                              scope_association_id, national_code_index, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        user_name,
        name,
        office,
        state,
        sorted(roles),
        scope.nation,
        sorted(scope.province_codes),
        scope.association_id,
        national_code_index,
        created_by,
        at,
    )
    return None if row is None else row["id"]


async def save_phone(operator_id: int, sealed: Sealed) -> None:
    """Store where an operator's invitations go."""
    await db.execute(
        "UPDATE operator SET phone_sealed = $2, phone_key_id = $3 WHERE id = $1",
        operator_id,
        sealed.ciphertext,
        sealed.key_id,
    )


async def find_candidate(
    user_name: str,
    *,
    device_id: str | None,
    address_index: bytes | None,
    recovery_digest: bytes | None,
    known_since: datetime,
) -> Candidate | None:
    """The account of a user name, in whatever state."""
    row = await db.fetch_one(
        f"""
        SELECT {COLUMNS}, {_SECRETS},
               EXISTS (SELECT FROM staff_session s WHERE s.operator_id = o.id AND s.device_id = $2
                          AND s.created_at > $5) AS is_known_device,
               EXISTS (SELECT FROM staff_session s WHERE s.operator_id = o.id AND s.address_index = $3
                          AND s.created_at > $5) AS is_known_address,
               EXISTS (SELECT FROM recovery_code r WHERE r.operator_id = o.id AND r.digest = $4
                          AND r.used_at IS NULL) AS has_recovery_code
          FROM operator o WHERE o.user_name = $1
        """,
        user_name,
        device_id,
        address_index,
        recovery_digest,
        known_since,
    )
    if row is None:
        return None
    return Candidate(
        operator=operator_of(row),
        secrets=_secrets(row),
        is_known_device=row["is_known_device"],
        is_known_address=row["is_known_address"],
        has_recovery_code=row["has_recovery_code"],
    )


async def find_operator(operator_id: int, *, scope: Scope) -> Operator | None:
    """The account of an id, where it lies in the scope."""
    row = await db.fetch_one(
        f"SELECT {COLUMNS} FROM operator o WHERE o.id = $1 AND {in_scope(2)}",
        operator_id,
        *scope_arguments(scope),
    )
    return None if row is None else operator_of(row)


async def lock_operator(operator_id: int) -> tuple[Operator, Secrets] | None:
    """The account of an id and its secrets, locked until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {COLUMNS}, {_SECRETS} FROM operator o WHERE o.id = $1 FOR UPDATE", operator_id
    )
    return None if row is None else (operator_of(row), _secrets(row))


async def list_operators(
    *, scope: Scope, search: str | None, role: Role | None, after: int | None, limit: int
) -> list[Operator]:
    """Accounts of the scope in the order they were made; `search` is the beginning of a user name or of a name."""
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM operator o
         WHERE {in_scope(1)}
           AND ($4::text IS NULL OR starts_with(o.user_name, lower($4)) OR strpos(o.name, $4) > 0)
           AND ($5::text IS NULL OR o.roles @> ARRAY[$5::text])
           AND ($6::bigint IS NULL OR o.id > $6)
         ORDER BY o.id LIMIT $7
        """,
        *scope_arguments(scope),
        search,
        role,
        after,
        limit,
    )
    return [operator_of(row) for row in rows]


async def hold_administrators() -> None:
    """Let nobody else count, make or unmake administrators until the transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended('access.administrators', 0))")


async def count_administrators(*, but: int | None = None) -> int:
    """How many administrators of the nation are active, one account left out."""
    row = await db.fetch_one(
        """
        SELECT count(*) AS many FROM operator
         WHERE state = 'ACTIVE' AND roles @> ARRAY['ADMINISTRATOR'] AND scope_nation
           AND id IS DISTINCT FROM $1
        """,
        but,
    )
    return 0 if row is None else int(row["many"])


async def save_state(
    operator_id: int, state: OperatorState, *, approved_by: str | None = None
) -> None:
    """Store the account's state, and who has approved it where somebody has."""
    await db.execute(
        "UPDATE operator SET state = $2, approved_by = coalesce($3, approved_by) WHERE id = $1",
        operator_id,
        state,
        approved_by,
    )


async def save_roles(
    operator_id: int, *, roles: frozenset[Role], scope: Scope, office: str
) -> None:
    """Store what an operator may do, where, and where the operator works."""
    await db.execute(
        """
        UPDATE operator SET roles = $2, scope_nation = $3, scope_province_codes = $4,
               scope_association_id = $5, office = $6
         WHERE id = $1
        """,
        operator_id,
        sorted(roles),
        scope.nation,
        sorted(scope.province_codes),
        scope.association_id,
        office,
    )


async def save_invitation(
    operator_id: int, *, digest: bytes | None, expires_at: datetime | None
) -> None:
    """Store the hash of an invitation's code, or that there is none any more."""
    await db.execute(
        "UPDATE operator SET invitation_digest = $2, invitation_expires_at = $3 WHERE id = $1",
        operator_id,
        digest,
        expires_at,
    )


async def save_secrets(operator_id: int, *, password_hash: str, totp: Sealed) -> None:
    """Store a password's hash and a sealed TOTP secret, of which no password was taken yet."""
    await db.execute(
        """
        UPDATE operator SET password_hash = $2, totp_sealed = $3, totp_key_id = $4, totp_last_step = NULL
         WHERE id = $1
        """,
        operator_id,
        password_hash,
        totp.ciphertext,
        totp.key_id,
    )


async def forget_secrets(operator_id: int) -> None:
    """Take from an account all that it is signed in by and set up with: nothing of it is good any more."""
    await db.execute(
        """
        UPDATE operator SET password_hash = NULL, totp_sealed = NULL, totp_key_id = NULL, totp_last_step = NULL,
               invitation_digest = NULL, invitation_expires_at = NULL
         WHERE id = $1
        """,
        operator_id,
    )
    await replace_recovery_codes(operator_id, [])


async def save_totp(operator_id: int, totp: Sealed) -> None:
    """Store the same TOTP secret under another seal."""
    await db.execute(
        "UPDATE operator SET totp_sealed = $2, totp_key_id = $3 WHERE id = $1",
        operator_id,
        totp.ciphertext,
        totp.key_id,
    )


async def list_outdated(*, current: str, limit: int) -> list[int]:
    """Operators of whom something is sealed by another key than the current one."""
    rows = await db.fetch(
        "SELECT id FROM operator WHERE totp_key_id <> $1 OR phone_key_id <> $1 ORDER BY id LIMIT $2",
        current,
        limit,
    )
    return [row["id"] for row in rows]


async def save_password(operator_id: int, password_hash: str) -> None:
    """Store the hash of another password."""
    await db.execute(
        "UPDATE operator SET password_hash = $2 WHERE id = $1", operator_id, password_hash
    )


async def take_step(operator_id: int, step: int) -> bool:
    """Spend a one-time password; False where it, or a later one, is spent already."""
    row = await db.fetch_one(
        """
        UPDATE operator SET totp_last_step = $2
         WHERE id = $1 AND (totp_last_step IS NULL OR totp_last_step < $2) RETURNING id
        """,
        operator_id,
        step,
    )
    return row is not None


async def take_recovery_code(operator_id: int, digest: bytes, *, at: datetime) -> bool:
    """Spend a recovery code; False where there is none such, or it is spent already."""
    row = await db.fetch_one(
        """
        UPDATE recovery_code SET used_at = $3
         WHERE operator_id = $1 AND digest = $2 AND used_at IS NULL RETURNING id
        """,
        operator_id,
        digest,
        at,
    )
    return row is not None


async def replace_recovery_codes(operator_id: int, digests: Sequence[bytes]) -> None:
    """Forget all recovery codes of an operator, and store others."""
    await db.execute("DELETE FROM recovery_code WHERE operator_id = $1", operator_id)
    await db.execute(
        "INSERT INTO recovery_code (operator_id, digest) SELECT $1, unnest($2::bytea[])",
        operator_id,
        list(digests),
    )


async def count_recovery_codes(operator_id: int) -> int:
    """How many recovery codes are left."""
    row = await db.fetch_one(
        "SELECT count(*) AS many FROM recovery_code WHERE operator_id = $1 AND used_at IS NULL",
        operator_id,
    )
    return 0 if row is None else int(row["many"])


async def save_signed_in(operator_id: int, *, at: datetime) -> None:
    """Remember when an operator signed in last."""
    await db.execute("UPDATE operator SET last_sign_in_at = $2 WHERE id = $1", operator_id, at)


async def list_phones_of_auditors() -> list[tuple[int, Sealed]]:
    """The sealed phones of the active auditors, by operator."""
    rows = await db.fetch(
        """
        SELECT id, phone_sealed, phone_key_id FROM operator
         WHERE state = 'ACTIVE' AND roles @> ARRAY['AUDITOR'] AND phone_sealed IS NOT NULL
         ORDER BY id LIMIT 100
        """
    )
    return [(row["id"], Sealed(bytes(row["phone_sealed"]), row["phone_key_id"])) for row in rows]


def operator_of(row: asyncpg.Record) -> Operator:
    """The account in a row of COLUMNS."""
    return Operator(
        id=row["id"],
        user_name=row["user_name"],
        name=row["name"],
        office=row["office"],
        state=OperatorState(row["state"]),
        roles=frozenset(map(Role, row["roles"])),
        scope=Scope(
            nation=row["scope_nation"],
            province_codes=frozenset(row["scope_province_codes"]),
            association_id=row["scope_association_id"],
        ),
        created_by=row["created_by"],
        approved_by=row["approved_by"],
        created_at=row["created_at"],
        last_sign_in_at=row["last_sign_in_at"],
        phone=_sealed(row["phone_sealed"], row["phone_key_id"]),
    )


def in_scope(first: int) -> str:
    """The condition that account `o` lies in a scope: where all that it sees does; of the arguments from `first` on."""
    return f"""
        (${first}::bool
         OR (NOT o.scope_nation AND o.scope_association_id IS NULL AND o.scope_province_codes <@ ${first + 1}::text[])
         OR o.scope_association_id = ${first + 2}::bigint)
    """


def scope_arguments(narrowed: Scope) -> tuple[bool, list[str], int | None]:
    """The three arguments of `in_scope`."""
    codes = [] if narrowed.association_id is not None else sorted(narrowed.province_codes)
    return narrowed.nation, codes, narrowed.association_id


def _secrets(row: asyncpg.Record) -> Secrets:
    return Secrets(
        password_hash=row["password_hash"],
        totp=_sealed(row["totp_sealed"], row["totp_key_id"]),
        totp_last_step=row["totp_last_step"],
        invitation_digest=row["invitation_digest"],
        invitation_expires_at=row["invitation_expires_at"],
    )


def _sealed(ciphertext: bytes | None, key_id: str | None) -> Sealed | None:
    return None if ciphertext is None or key_id is None else Sealed(bytes(ciphertext), key_id)
