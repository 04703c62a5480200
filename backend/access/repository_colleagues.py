"""The one query on operators as the names in lists of what was done and asked: many at a time, whatever their scope."""

from collections.abc import Collection
from dataclasses import dataclass

from backend.access.repository_operators import in_scope, scope_arguments
from backend.core.permissions import Role
from backend.core.viewer import Scope
from backend.infra import db


@dataclass(frozen=True, slots=True)
class Colleague:
    """An operator as others know one; `is_in_scope` tells whether the account lies in the scope that was asked by."""

    id: int
    user_name: str
    name: str
    office: str
    roles: frozenset[Role]
    is_in_scope: bool


async def list_colleagues(operator_ids: Collection[int], *, scope: Scope) -> list[Colleague]:
    """The operators of these ids, in no order; what is none is missing."""
    rows = await db.fetch(
        f"""
        SELECT o.id, o.user_name, o.name, o.office, o.roles, coalesce({in_scope(2)}, false) AS is_in_scope
          FROM operator o WHERE o.id = ANY($1::bigint[])
        """,
        list(operator_ids),
        *scope_arguments(scope),
    )
    return [
        Colleague(
            id=row["id"],
            user_name=row["user_name"],
            name=row["name"],
            office=row["office"],
            roles=frozenset(map(Role, row["roles"])),
            is_in_scope=row["is_in_scope"],
        )
        for row in rows
    ]
