"""Every query on operators' accounts; what they sign in by is in `repository_operator_secrets`."""

from collections.abc import Iterable
from datetime import datetime

import asyncpg

from backend.access.staff import Operator, OperatorState
from backend.core.permissions import Role
from backend.core.viewer import Scope
from backend.infra import db
from backend.infra.sealing import Sealed

MOST_TOLD = 1_000  # a bound alone: of auditors and administrators there are few

COLUMNS = """
    o.id, o.user_name, o.name, o.office, o.state, o.roles, o.scope_nation, o.scope_province_codes,
    o.scope_association_id, o.created_by, o.approved_by, o.created_at, o.last_sign_in_at,
    o.phone_sealed, o.phone_key_id, o.phone_asked_by, o.phone_granted_by
"""


async def has_account(national_code_index: bytes) -> bool:
    """Whether a person has an account that was not refused."""
    row = await db.fetch_one(
        "SELECT FROM operator WHERE national_code_index = $1 AND state <> 'REFUSED'",
        national_code_index,
    )
    return row is not None


async def is_holder(operator_id: int, national_code_index: bytes) -> bool:
    """Whether an account is this person's."""
    row = await db.fetch_one(
        "SELECT FROM operator WHERE id = $1 AND national_code_index = $2",
        operator_id,
        national_code_index,
    )
    return row is not None


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


async def save_phone_makers(operator_id: int, *, asked_by: str, granted_by: str | None) -> None:
    """Store who asked for the present phone, and who granted it."""
    await db.execute(
        "UPDATE operator SET phone_asked_by = $2, phone_granted_by = $3 WHERE id = $1",
        operator_id,
        asked_by,
        granted_by,
    )


async def find_operator(operator_id: int, *, scope: Scope) -> Operator | None:
    """The account of an id, where it lies in the scope."""
    row = await db.fetch_one(
        f"SELECT {COLUMNS} FROM operator o WHERE o.id = $1 AND {in_scope(2)}",
        operator_id,
        *scope_arguments(scope),
    )
    return None if row is None else operator_of(row)


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


async def lock_in_order(operator_ids: Iterable[int]) -> None:
    """Lock accounts until the transaction ends, the smallest id first, so that two who lock the same never wait in a
    circle.
    """
    await db.fetch(
        "SELECT id FROM operator WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE",
        sorted(operator_ids),
    )


async def hold_administrators() -> None:
    """Let nobody else count, make or unmake administrators until the transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended('access.administrators', 0))")


async def count_administrators(
    *, but: int | None = None, states: Iterable[OperatorState] = (OperatorState.ACTIVE,)
) -> int:
    """How many administrators of the nation are in these states, one account left out."""
    row = await db.fetch_one(
        """
        SELECT count(*) AS many FROM operator
         WHERE state = ANY($2::text[]) AND roles @> ARRAY['ADMINISTRATOR'] AND scope_nation
           AND id IS DISTINCT FROM $1
        """,
        but,
        sorted(states),
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


async def list_outdated(*, current: str, limit: int) -> list[int]:
    """Operators of whom something is sealed by another key than the current one."""
    rows = await db.fetch(
        "SELECT id FROM operator WHERE totp_key_id <> $1 OR phone_key_id <> $1 ORDER BY id LIMIT $2",
        current,
        limit,
    )
    return [row["id"] for row in rows]


async def list_phones(
    among: Iterable[Role], *, states: Iterable[OperatorState] = (OperatorState.ACTIVE,)
) -> list[tuple[int, Sealed]]:
    """The sealed phones of operators in these states who hold one of these roles, by operator; MOST_TOLD at most."""
    rows = await db.fetch(
        """
        SELECT id, phone_sealed, phone_key_id FROM operator
         WHERE state = ANY($3::text[]) AND roles && $1::text[] AND phone_sealed IS NOT NULL
         ORDER BY id LIMIT $2
        """,
        sorted(among),
        MOST_TOLD,
        sorted(states),
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
        phone=sealed(row["phone_sealed"], row["phone_key_id"]),
        phone_asked_by=row["phone_asked_by"],
        phone_granted_by=row["phone_granted_by"],
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


def sealed(ciphertext: bytes | None, key_id: str | None) -> Sealed | None:
    """What two columns hold together."""
    return None if ciphertext is None or key_id is None else Sealed(bytes(ciphertext), key_id)
