"""What is done to operators' accounts once a second person has granted it; each inside the approval's transaction."""

from collections.abc import Iterable
from typing import Final

from backend.access import (
    operator_phones,
    operators,
    repository_break_glass,
    staff,
    staff_sessions,
)
from backend.access import operator_rules as rules
from backend.access import repository_operators as repository
from backend.access.staff import Operator, OperatorState, StaffEndReason
from backend.access.staff_refusals import OperatorStateRefuses
from backend.approvals import service as approvals
from backend.approvals.domain import Approval, Execution
from backend.audit import service as audit
from backend.core import clock, permissions
from backend.core.permissions import Role
from backend.infra import jobs
from backend.infra.tokens import Bearer

INVITE_JOB: Final = "access.invite_operator"


async def create(execution: Execution) -> None:
    """Let an account that was asked for be set up by its owner; the executor of CREATE."""
    operator = await _of(execution, {OperatorState.REQUESTED})
    await repository.save_state(
        operator.id, OperatorState.INVITED, approved_by=execution.approval.granted_by
    )
    await _done(execution, "operator.create", operator, OperatorState.INVITED)
    await jobs.enqueue(INVITE_JOB, {"operator_id": operator.id})


async def create_dropped(approval: Approval) -> None:
    """Close an account that was not granted; its user name stays taken."""
    await repository.save_state(int(approval.object_id), OperatorState.REFUSED)


async def set_roles(execution: Execution) -> None:
    """Give other roles; the executor of ROLES. They hold from the operator's next request on."""
    operator = await _of(execution, {OperatorState.ACTIVE, OperatorState.INVITED})
    given = execution.payload
    roles = frozenset(map(Role, rules.texts(given["roles"])))
    scope = rules.scope_of(given["scope"])
    rules.check_conflict(roles)
    await operators.keep_administrator(operator, roles=roles, scope=scope)
    await repository.save_roles(operator.id, roles=roles, scope=scope, office=str(given["office"]))
    await approvals.disown(viewer=execution.viewer, actor=operator.actor, but=execution.approval.id)
    await _end_conflicting_emergency(execution, operator, roles)
    changed, _ = await operators.locked(operator.id)
    await audit.record(
        viewer=execution.viewer,
        action="operator.roles",
        object_type=operators.OBJECT,
        object_id=str(operator.id),
        before=rules.shown(operator),
        after=rules.shown(changed),
        reason=execution.approval.reason,
    )


async def resume(execution: Execution) -> None:
    """End a suspension; the executor of RESUME. Who had not set up the account yet is invited anew."""
    operator = await _of(execution, {OperatorState.SUSPENDED})
    _, secrets = await operators.locked(operator.id)
    is_set_up = secrets.password_hash is not None and secrets.totp is not None
    state = OperatorState.ACTIVE if is_set_up else OperatorState.INVITED
    await repository.save_state(operator.id, state)
    await _done(execution, "operator.resume", operator, state)
    if not is_set_up:
        await jobs.enqueue(INVITE_JOB, {"operator_id": operator.id})


async def reset(execution: Execution) -> None:
    """Take all secrets from an account and invite its owner anew; the executor of RESET."""
    operator = await _of(execution, {OperatorState.ACTIVE, OperatorState.INVITED})
    await operators.keep_administrator(operator, roles=frozenset(), scope=operator.scope)
    await repository.save_state(operator.id, OperatorState.INVITED)
    await repository.forget_secrets(operator.id)
    await approvals.disown(viewer=execution.viewer, actor=operator.actor, but=execution.approval.id)
    await staff_sessions.end_all(
        viewer=execution.viewer,
        bearer=Bearer.OPERATOR,
        holder_id=operator.id,
        reason=StaffEndReason.RESET,
    )
    await _done(execution, "operator.reset", operator, OperatorState.INVITED)
    await jobs.enqueue(INVITE_JOB, {"operator_id": operator.id})


async def _of(execution: Execution, states: Iterable[OperatorState]) -> Operator:
    """The account of an approval, locked and as it was approved. Raises ApprovalVoid, OperatorStateRefuses."""
    found = await repository.lock_operator(int(execution.approval.object_id))
    execution.require_unchanged(None if found is None else _fingerprint(found[0]))
    if found is None or found[0].state not in states:
        raise OperatorStateRefuses
    return found[0]


async def _end_conflicting_emergency(
    execution: Execution, operator: Operator, roles: frozenset[Role]
) -> None:
    """End the operator's emergency where its role may not be joined with the new ones."""
    at = clock.now()
    running = await repository_break_glass.find_running(operator.id, at=at)
    if running is None or not permissions.conflict(roles | {running.role}):
        return
    await repository_break_glass.end_use(running.id, at=at)
    await audit.record(
        viewer=execution.viewer,
        action="break_glass.end",
        object_type=staff.BREAK_GLASS,
        object_id=str(running.id),
        reason=execution.approval.reason,
    )


def _fingerprint(operator: Operator) -> str:
    return rules.fingerprint_of(operator, phone=operator_phones.index_of(operator))


async def _done(
    execution: Execution, action: str, operator: Operator, state: OperatorState
) -> None:
    await audit.record(
        viewer=execution.viewer,
        action=action,
        object_type=operators.OBJECT,
        object_id=str(operator.id),
        before={"state": operator.state},
        after={"state": state},
        reason=execution.approval.reason,
    )
