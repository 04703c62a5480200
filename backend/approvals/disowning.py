"""What becomes of the approvals of an account that has lost rights."""

from backend.approvals import domain, repository, service, steps
from backend.approvals.domain import Approval, ApprovalState
from backend.core.viewer import Viewer
from backend.infra import db


async def disown(*, viewer: Viewer, actor: str, but: int | None = None) -> None:
    """An account has lost rights, or is no longer sure to be its owner's; in the transaction that takes them.

    What it has asked for and is open is withdrawn; what it granted and is not done yet waits for another's decision
    again, until it expires. `but` is the approval that is being executed by the caller.
    """
    async with db.transaction():
        for approval in await repository.lock_open_of(actor):
            if approval.id != but:
                await take_back(viewer=viewer, approval=approval, actor=actor)


async def take_back(*, viewer: Viewer, approval: Approval, actor: str) -> None:
    """Undo what an account that may not any more has done for an open approval: withdraw it where it has asked, let
    it wait again where it has granted. In the caller's transaction, which has locked it.
    """
    if approval.maker == actor:
        code, text = "MAKER_RIGHTS_CHANGED", domain.MAKER_RIGHTS_CHANGED
        await service.drop(viewer, approval, ApprovalState.WITHDRAWN, code=code, text=text)
        return
    reopened = await repository.reopen(approval.id)
    await steps.record(viewer, "approval.reopened", reopened, reason=domain.GRANTER_RIGHTS_CHANGED)
