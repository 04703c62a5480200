"""What members' approvals do once they are granted."""

from backend.approvals import service as approvals
from backend.core.permissions import Permission
from backend.members import freezing

approvals.register(
    freezing.KIND, freezing.lift_freeze, ask_permission=Permission.MEMBERS_FREEZE_LIFT
)
