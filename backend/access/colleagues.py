"""Who stands behind an account's name in the trail and in approvals, as far as an operator is told."""

from collections.abc import Collection
from dataclasses import dataclass

from backend.access import repository_colleagues as repository
from backend.access import staff
from backend.core.permissions import Permission, Role
from backend.core.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Known:
    """A colleague by the names that everybody uses; `user_name` and `account_id` are None where the viewer may not
    look at the account.
    """

    name: str
    office: str
    roles: frozenset[Role]
    user_name: str | None
    account_id: int | None


async def behind(*, viewer: Viewer, actors: Collection[str]) -> dict[str, Known]:
    """The operators among these names of accounts ("operator:7"), in one statement.

    Members, cashiers and what else acts are missing: of them nobody is told more than what they are. The caller has
    shown the viewer what these accounts did. Raises Unauthenticated, Forbidden.
    """
    viewer.require(Permission.OPERATOR_SELF)
    wanted = {key: actor for actor in actors if (key := staff.operator_id_of(actor)) is not None}
    if not wanted:
        return {}
    may_look = viewer.may(Permission.OPERATORS_READ)
    found = await repository.list_colleagues(wanted, scope=viewer.scope)
    return {
        wanted[each.id]: Known(
            name=each.name,
            office=each.office,
            roles=each.roles,
            user_name=each.user_name if may_look and each.is_in_scope else None,
            account_id=each.id if may_look and each.is_in_scope else None,
        )
        for each in found
    }
