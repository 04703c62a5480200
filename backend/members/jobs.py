"""What members' approvals do once they are granted."""

from backend.approvals import service as approvals
from backend.members import freezing

approvals.register(freezing.KIND, freezing.lift_freeze)
