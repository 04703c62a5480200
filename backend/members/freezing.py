"""Lifting the freeze of a member's file: asked by one operator with a reason, granted by another."""

from datetime import timedelta
from hashlib import sha256
from typing import Final

from backend.approvals import service as approvals
from backend.approvals.domain import Approval, Execution
from backend.audit import service as audit
from backend.core.errors import DomainError, NotFound, sentences
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db
from backend.members import acting, repository_freezing
from backend.members.domain import HeldFile, MemberState

KIND: Final = "members.freeze_lift"
WAIT: Final = timedelta(days=7)  # for the second person


class MemberNotFrozen(DomainError):
    """There is no freeze to lift."""

    code = "MEMBER_NOT_FROZEN"
    texts = sentences(fa="این پرونده مسدود نیست.", en="This file is not frozen.")
    hints = sentences(
        fa="پرونده را تازه کنید؛ پروندهٔ درگذشته از راه بازماندگان پیگیری می‌شود.",
        en="Refresh the file; that of a deceased member is the survivors' case.",
    )


async def ask_freeze_lift(*, viewer: Viewer, member_id: int, reason: str) -> Approval:
    """Ask that a frozen member be active again; the next membership file then says what the pension is.

    Raises Unauthenticated, Forbidden, NotFound (outside the scope, too), OwnFile, MemberNotFrozen,
    ApprovalAlreadyAsked, ReasonInvalid.
    """
    member = await acting.get_in_scope(
        viewer=viewer, permission=Permission.MEMBERS_FREEZE_LIFT, member_id=member_id
    )
    association_id = await acting.association_id_of(member)
    async with db.transaction():
        held = await repository_freezing.lock_file(member_id)
        if held is None:
            raise NotFound(field=("memberId",))
        if held.state is not MemberState.FROZEN:
            raise MemberNotFrozen(field=("memberId",))
        return await approvals.ask(
            viewer=viewer,
            kind=KIND,
            object_type=acting.OBJECT,
            object_id=str(member_id),
            member_id=member_id,
            payload={},
            before={"state": held.state.value, "since": held.state_changed_at.isoformat()},
            after={"state": MemberState.ACTIVE.value},
            money_effect_rials=None,
            reason=reason,
            approve_permission=Permission.MEMBERS_FREEZE_LIFT_APPROVE,
            fingerprint=_fingerprint(held),
            province_code=member.province_code,
            association_id=association_id,
            expires_in=WAIT,
            not_before=None,
        )


async def lift_freeze(execution: Execution) -> None:
    """Make the member active; the executor of KIND."""
    approval = execution.approval
    member_id = int(approval.object_id)
    held = await acting.lock_file(member_id)
    execution.require_unchanged(
        _fingerprint(held),
        province_code=held.province_code,
        association_id=await acting.association_id_of(held),
    )
    await repository_freezing.save_state(member_id, MemberState.ACTIVE)
    await audit.record(
        viewer=execution.viewer,
        action=KIND,
        object_type=acting.OBJECT,
        object_id=str(member_id),
        member_id=member_id,
        before=approval.before,
        after=approval.after,
        reason=approval.reason,
        province_code=approval.province_code,
        association_id=approval.association_id,
    )


def _fingerprint(held: HeldFile) -> str:
    shown = f"{held.state.value} {held.state_changed_at.isoformat()}"
    return sha256(shown.encode()).hexdigest()
