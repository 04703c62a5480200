"""Each step of an approval is an entry of the trail."""

from backend.approvals import domain
from backend.approvals.domain import Approval
from backend.audit import service as audit
from backend.core.viewer import ActorKind, Viewer


async def record(
    viewer: Viewer, action: str, approval: Approval, *, reason: str | None = None
) -> None:
    """Write a step of an approval into the trail, in the caller's transaction."""
    await audit.record(
        viewer=viewer,
        action=action,
        object_type=domain.OBJECT,
        object_id=str(approval.id),
        member_id=approval.member_id,
        before=approval.before,
        after={
            "kind": approval.kind,
            "object": f"{approval.object_type}:{approval.object_id}",
            "state": approval.state.value,
            "digest": approval.digest,
            "money_effect_rials": approval.money_effect_rials,
            "outcome": approval.outcome_code,
            "change": approval.after,
            **_notice(approval),
        },
        reason=reason,
        on_behalf_of=_represented(viewer, approval),
        province_code=approval.province_code,
        association_id=approval.association_id,
    )


def _notice(approval: Approval) -> dict[str, object]:
    notice = approval.notice
    if notice is None:
        return {}
    return {
        "must_tell": notice.must_tell.count,
        "told": len(notice.told_places),
        "not_told": len(notice.untold_places),
    }


def _represented(viewer: Viewer, approval: Approval) -> str | None:
    """Whom a job acts for: the maker of what it executes, also where it closes another approval by that."""
    if viewer.kind is ActorKind.OPERATOR:
        return None
    return audit.represented() or approval.maker
