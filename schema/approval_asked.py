"""What is answered where an act needs a second person."""

import strawberry

from backend.approvals import domain
from schema import approval_types
from schema.approval_types import Approval


@strawberry.type(
    description="A second person is asked: nothing is changed before somebody grants it."
)
class ApprovalAsked:
    """What an act that needs a second person answers."""

    approval: Approval = strawberry.field(description="What is asked, and until when.")


def asked(found: domain.Approval) -> ApprovalAsked:
    """The GraphQL form of what was asked."""
    return ApprovalAsked(approval=approval_types.approval(found))
