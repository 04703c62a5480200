"""What an approver must see whole to compare it with a paper, such as an account: shown on request, and recorded."""

from backend.approvals import domain, payloads, refusals, service, steps
from backend.core.viewer import Viewer
from backend.infra import db


async def reveal(*, viewer: Viewer, approval_id: int) -> tuple[tuple[str, str], ...]:
    """The values of an open approval that are hidden elsewhere, by name, for who may decide it; in the trail.

    Which they are is said when the kind is registered. Raises Unauthenticated, Forbidden, NotFound (outside the scope,
    too), OwnFile, GrantInEmergency and ReauthenticationNeeded where a grant would, ApproverNotIndependent,
    ApprovalClosed, ApprovalAltered.
    """
    service.require_operator(viewer)
    async with db.transaction():
        approval = await service.locked_to_decide(viewer, approval_id)
        if viewer.emergency_of(approval.approve_permission) is not None:
            raise refusals.GrantInEmergency
        if not approval.is_open:
            raise refusals.ApprovalClosed
        if domain.needs_recent(approval):
            viewer.require_recent()
        payload = await payloads.open_payload(approval)
        kind = service.registered().get(approval.kind)
        names = () if kind is None else kind.revealed
        shown = tuple((name, str(payload[name])) for name in names if payload.get(name) is not None)
        await steps.record(viewer, "approval.revealed", approval)
    return shown
