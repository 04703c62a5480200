"""Who asks for an approval: still with the right to, and perhaps by an emergency alone."""

from collections.abc import Mapping
from typing import Final

from backend.approvals.domain import Question, StillMay
from backend.core.errors import Forbidden
from backend.core.viewer import ActorKind, Viewer

ASKED_IN_EMERGENCY: Final = "asked_in_emergency"  # beside what would change: the emergency's reason


async def require_still_may(
    still_may: StillMay, viewer: Viewer, question: Question, *, permission: str
) -> None:
    """Raise Forbidden where the account lost its rights since the viewer was read; it is held until all is committed.

    A suspension takes back what it finds: what is asked beside it would stay, and be its maker's after all.
    """
    if viewer.kind is ActorKind.SYSTEM:
        return
    if not await still_may(
        viewer.actor,
        permission,
        province_code=question.province_code,
        association_id=question.association_id,
        anywhere=question.province_code is None,
        held=True,
    ):
        raise Forbidden(permission)


def with_emergency(
    viewer: Viewer, after: Mapping[str, object], *, permission: str
) -> dict[str, object]:
    """What is shown, with the reason of the emergency where it is asked for by that alone."""
    emergency = viewer.emergency_of(permission)
    return {**after} if emergency is None else {**after, ASKED_IN_EMERGENCY: emergency.reason}
