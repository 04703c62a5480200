"""Every query on what operators sign in by; secrets leave it sealed or hashed, and for signing in only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from backend.access.repository_operators import COLUMNS, operator_of, sealed
from backend.access.staff import Operator
from backend.infra import db
from backend.infra.sealing import Sealed

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


async def find_invited(user_name: str, *, digest: bytes, at: datetime) -> int | None:
    """The invited operator of a user name whose invitation is of this digest and good at that moment."""
    row = await db.fetch_one(
        """
        SELECT id FROM operator
         WHERE user_name = $1 AND state = 'INVITED' AND invitation_digest = $2 AND invitation_expires_at > $3
        """,
        user_name,
        digest,
        at,
    )
    return None if row is None else row["id"]


async def lock_operator(operator_id: int) -> tuple[Operator, Secrets] | None:
    """The account of an id and its secrets, locked until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {COLUMNS}, {_SECRETS} FROM operator o WHERE o.id = $1 FOR UPDATE", operator_id
    )
    return None if row is None else (operator_of(row), _secrets(row))


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


def _secrets(row: asyncpg.Record) -> Secrets:
    return Secrets(
        password_hash=row["password_hash"],
        totp=sealed(row["totp_sealed"], row["totp_key_id"]),
        totp_last_step=row["totp_last_step"],
        invitation_digest=row["invitation_digest"],
        invitation_expires_at=row["invitation_expires_at"],
    )
