"""Operators in whose name something is done without their being there: may they still, and as whom.

A grant, or a file that a job reads, may be done long after its operator asked. Who was suspended or lost the role
meanwhile acts no longer: it is asked here at the moment of the act, in the transaction that acts.
"""

from dataclasses import replace
from datetime import datetime

from backend.access import bearers, staff
from backend.access import repository_bearers as repository
from backend.access.staff import OperatorState
from backend.core import clock, permissions
from backend.core.viewer import SYSTEM, Viewer


async def still_may(
    actor: str,
    permission: str,
    *,
    province_code: str | None,
    association_id: int | None,
    anywhere: bool = False,
    by_role: bool = False,
    held: bool = False,
) -> bool:
    """Whether an operator ("operator:7") is active now and holds a permission where something lies.

    Of no province and no association it lies in the whole nation; with `anywhere` the scope is not asked for. An
    emergency counts while it runs, but not `by_role`. The system may all; of members, cashiers and names that are no
    actor's the answer is no.

    One statement, without a lock: a suspension that commits after it comes after the act, and `approvals.disown`,
    which takes the approval's lock, waits for the act to be over. With `held` the account is held first: a suspension
    that has begun is waited for, and one that comes later waits, and finds what the transaction leaves.
    """
    if actor == SYSTEM.actor:
        return True
    operator_id = staff.operator_id_of(actor)
    if held and operator_id is not None:
        await repository.hold_operator(operator_id)
    viewer = await _find(actor, clock.now())
    return (
        viewer is not None
        and not (by_role and viewer.emergency_of(permission) is not None)
        and viewer.may(permission)
        and (
            anywhere
            or viewer.scope.covers(province_code=province_code, association_id=association_id)
        )
    )


async def find_viewer(actor: str) -> Viewer | None:
    """An active operator ("operator:7") as the viewer of a job that acts in their name; None where there is none.

    Roles, scope and own file are those of this moment. Nobody is there to say again who they are, so
    `Viewer.require_recent` refuses, and an emergency is left out: it was taken to act at once.
    """
    viewer = await _find(actor, clock.now())
    if viewer is None:
        return None
    return replace(viewer, permissions=permissions.of_roles(viewer.roles), break_glass=None)


async def _find(actor: str, at: datetime) -> Viewer | None:
    operator_id = staff.operator_id_of(actor)
    if operator_id is None:
        return None
    found = await repository.find_operator_now(operator_id, at=at)
    if found is None or found.operator.state is not OperatorState.ACTIVE:
        return None
    return bearers.operator_viewer(found, reauthenticated_at=None)
