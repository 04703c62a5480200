"""Looking at approvals: what the viewer has asked for or may decide, none on the own file; an auditor sees all."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from backend.approvals import domain, service
from backend.approvals import repository_looking as repository
from backend.approvals.domain import Approval, ApprovalState, ApproverNotIndependent
from backend.approvals.repository_looking import ApprovalFilter, Looker
from backend.core import paging
from backend.core.paging import Page
from backend.core.permissions import Permission
from backend.core.viewer import ActorKind, OwnFile, Viewer

MOST_OPEN: Final = 200  # about the things of a page; of a kind one thing has one


@dataclass(frozen=True, slots=True)
class Choice:
    """What a viewer may do about an approval now; the act itself asks for a recent confirmation where that is due."""

    may_grant: bool
    may_refuse: bool
    may_withdraw: bool


async def find_approval(*, viewer: Viewer, approval_id: int) -> Approval | None:
    """An approval that the viewer has asked for, or may decide; an auditor sees all. Raises as `list_approvals`."""
    viewer.require(Permission.APPROVALS_READ)
    found = await _seen(viewer, [approval_id])
    return found[0] if found else None


async def readable_ids(*, viewer: Viewer, approval_ids: Collection[int]) -> frozenset[int]:
    """Which of these `find_approval` would show; none to who may not look at approvals."""
    if not viewer.may(Permission.APPROVALS_READ):
        return frozenset()
    return frozenset(each.id for each in await _seen(viewer, approval_ids))


async def list_approvals(
    *,
    viewer: Viewer,
    state: ApprovalState | None,
    kind: str | None,
    first: int,
    after: str | None,
    member_id: int | None = None,
    about: tuple[str, str] | None = None,
) -> Page[Approval]:
    """What the viewer has asked for, or may decide, within the scope, the latest first; an auditor sees all.

    `about` is the type and the id of a thing. Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.APPROVALS_READ)
    paging.check_first(first)
    object_type, object_id = about or (None, None)
    asked = ApprovalFilter(
        state=state, kind=kind, member_id=member_id, object_type=object_type, object_id=object_id
    )
    question = paging.fingerprint(list="approvals", viewer=viewer.actor, asked=asked)
    found = await repository.list_approvals(
        asked,
        scope=viewer.scope,
        looker=_looker(viewer),
        after_id=None if after is None else _key(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.id,)) for each in shown),
        has_next=len(found) > first,
    )


async def list_open_about(
    *, viewer: Viewer, object_type: str, object_ids: Collection[str]
) -> dict[str, list[Approval]]:
    """What is open about each of these things, which the caller has shown the viewer; by the thing's id.

    What `list_approvals` shows, and the kinds that the viewer may ask for: who would ask for the same sees that it
    waits, and may have to stop it. Nothing to who may not look at approvals.
    """
    found: dict[str, list[Approval]] = {each: [] for each in object_ids}
    if not viewer.may(Permission.APPROVALS_READ):
        return found
    kinds = {name for name, kind in service.registered().items() if viewer.may(kind.ask_permission)}
    for each in await repository.list_open(
        object_type=object_type,
        object_ids=object_ids,
        kinds=kinds,
        scope=viewer.scope,
        looker=_looker(viewer),
        limit=MOST_OPEN,
    ):
        found[each.object_id].append(each)
    return found


def choice_of(viewer: Viewer, approval: Approval, *, at: datetime) -> Choice:
    """What the viewer, who sees an approval, may do about it at a moment."""
    is_operator = viewer.kind is ActorKind.OPERATOR and viewer.may(Permission.APPROVALS_READ)
    if not is_operator or not approval.is_open:
        return Choice(may_grant=False, may_refuse=False, may_withdraw=False)
    may_decide = viewer.may(approval.approve_permission) and _is_independent(viewer, approval)
    by_role = viewer.emergency_of(approval.approve_permission) is None
    waits = approval.state is ApprovalState.WAITING and at < approval.expires_at
    is_ready = waits and not approval.is_notice_pending
    return Choice(
        may_grant=may_decide and is_ready and by_role,
        may_refuse=may_decide,
        may_withdraw=approval.maker == viewer.actor,
    )


def _is_independent(viewer: Viewer, approval: Approval) -> bool:
    try:
        domain.require_independent(
            approval, actor=viewer.actor, created_by=viewer.created_by, makers=viewer.makers
        )
        viewer.require_not_own_file(approval.member_id)
    except (ApproverNotIndependent, OwnFile):
        return False
    return True


async def _seen(viewer: Viewer, approval_ids: Collection[int]) -> list[Approval]:
    return await repository.list_seen(approval_ids, scope=viewer.scope, looker=_looker(viewer))


def _looker(viewer: Viewer) -> Looker:
    return Looker(
        actor=viewer.actor,
        permissions=None if viewer.may(Permission.AUDIT_READ) else viewer.permissions,
        own_member_id=viewer.own_member_id,
    )


def _key(cursor: str, question: str) -> int:
    (last_id,) = cast("tuple[int]", paging.decode_cursor(cursor, question, types=(int,)))
    return last_id
