"""Operators as viewers without an account behind them, and members with names to be found by."""

from datetime import date

from backend.approvals import service as approvals
from backend.core import clock, permissions
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, ActorKind, Scope, Viewer
from backend.infra import db, sealing
from backend.members import domain, seals
from backend.organization import service as organization
from backend.organization.domain import Unit

NATION = Scope(nation=True)


def operator(
    number: int,
    *roles: Role,
    scope: Scope = NATION,
    own_member_id: int | None = None,
    created_by: str | None = None,
) -> Viewer:
    """An operator of these roles, who has just said again who it is; by default each made by another colleague."""
    return Viewer(
        ActorKind.OPERATOR,
        f"operator:{number}",
        permissions=permissions.of_roles(roles),
        scope=scope,
        created_by=created_by or f"operator:{9_000 + number}",
        own_member_id=own_member_id,
        roles=frozenset(roles),
        office="شعبهٔ یک",
        reauthenticated_at=clock.now(),
    )


def let_everybody_act() -> None:
    """Let approvals be executed for these viewers, who have no account that could be asked."""

    async def always(
        _actor: str,
        _permission: str,
        *,
        province_code: str | None,
        association_id: int | None,
        anywhere: bool = False,
        by_role: bool = False,
        held: bool = False,
    ) -> bool:
        del province_code, association_id, anywhere, by_role, held
        return True

    approvals.set_still_may(always)


async def associations(*codes: str) -> dict[str, int]:
    """Associations of Fars; gives their ids by code."""
    await organization.save_units(
        viewer=SYSTEM,
        branches=[],
        associations=[Unit(code, f"کانون {code}", "IR-07", "شیراز") for code in codes],
    )
    found = await organization.associations_by_code(codes)
    return {code: found[code].id for code in codes}


async def member(
    first_name: str,
    last_name: str,
    *,
    national_code: str = "",
    phone: str | None = None,
    pension_number: str = "77000001",
    province_code: str = "IR-07",
    association_code: str | None = None,
    state: str = "ACTIVE",
) -> int:
    """A member of this name; without a national code of one that nobody searches by. Gives the id."""
    code = national_code or f"x{first_name}{last_name}{phone}{pension_number}{province_code}"
    sealer = sealing.current()
    index = seals.national_code_index(code, sealer)
    sealed = seals.seal_national_code(code, index=index, sealer=sealer)
    row = await db.fetch_one(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
                            name_sort_key, birth_date, pension_number, pension_kind, province_code,
                            association_code, phone, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'RETIREMENT', $9, $10, $11, $12) RETURNING id
        """,
        sealed.ciphertext,
        sealed.key_id,
        index,
        first_name,
        last_name,
        domain.name_sort_key(first_name, last_name),
        date(1955, 3, 21),
        pension_number,
        province_code,
        association_code,
        phone,
        state,
    )
    assert row is not None
    return int(row["id"])


async def trail(action: str) -> list[dict[str, object]]:
    """What the audit trail holds of an action, in order."""
    rows = await db.fetch(
        "SELECT actor, object_type, object_id, subject_member_id, before::text AS before, after::text AS after,"
        " reason, on_behalf_of, province_code FROM audit_entry WHERE action = $1 ORDER BY id",
        action,
    )
    return [dict(row) for row in rows]
