"""Use cases of the inbox. Nothing here is cached: what was read on one device is read on all, at once."""

from collections.abc import Sequence
from datetime import datetime

from backend.audit.domain import MEMBER_SELF
from backend.core import clock, paging
from backend.core.errors import Forbidden
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.infra import db
from backend.infra.partitions import Place
from backend.notifications import domain, repository
from backend.notifications.domain import MarkChoiceInvalid, Notice, NoticeCategory, TooManyMarked


async def enqueue(
    *,
    member_id: int,
    category: NoticeCategory,
    title: str,
    body: str,
    deep_link: str | None = None,
) -> None:
    """Put a notice into a member's inbox, in the caller's transaction: it is there if that commits.

    Raises NoticeTextInvalid, DeepLinkInvalid.
    """
    domain.check_text(title=title, body=body)
    if deep_link is not None:
        domain.check_deep_link(deep_link)
    await repository.insert_notice(
        created_at=clock.now(),
        member_id=member_id,
        category=category,
        title=title,
        body=body,
        deep_link=deep_link,
    )


async def list_notices(
    *,
    viewer: Viewer,
    first: int,
    after: str | None,
    unread_only: bool = False,
    category: NoticeCategory | None = None,
) -> Page[Notice]:
    """The viewer's inbox, newest first: all of it, or what is unread, or of one category.

    Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    member_id = _member_id(viewer)
    paging.check_first(first)
    question = paging.fingerprint(
        list="notices", member=member_id, unread_only=unread_only, category=category
    )
    found = await repository.list_notices(
        member_id=member_id,
        unread_only=unread_only,
        category=category,
        after=None if after is None else Place.of_cursor(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(Place(each.created_at, each.id).cursor(question) for each in shown),
        has_next=len(found) > first,
    )


async def find_notice(*, viewer: Viewer, notice_id: int) -> Notice | None:
    """The notice of this id, where it is the viewer's. Raises Unauthenticated, Forbidden."""
    return await repository.find_notice(member_id=_member_id(viewer), notice_id=notice_id)


async def unread_count(*, viewer: Viewer) -> int:
    """How many notices the viewer has not read. Raises Unauthenticated, Forbidden."""
    return await repository.count_unread(member_id=_member_id(viewer))


async def mark_read(
    *, viewer: Viewer, notice_ids: Sequence[int] | None = None, before: datetime | None = None
) -> int:
    """Mark notices as read, by their ids or all that are older than a moment; gives how many are left unread.

    Ids of others, and of nothing, count as not sent; what is read already keeps its time.
    Raises Unauthenticated, Forbidden, MarkChoiceInvalid, TooManyMarked.
    """
    member_id = _member_id(viewer)
    if (notice_ids is None) == (before is None):
        raise MarkChoiceInvalid
    if notice_ids is not None and len(notice_ids) > domain.MAX_MARKED:
        raise TooManyMarked(field=("ids",), most=domain.MAX_MARKED)
    now = clock.now()
    async with db.transaction():
        await repository.lock_inbox(member_id=member_id)
        if notice_ids is not None:
            await repository.mark_read(member_id=member_id, notice_ids=notice_ids, at=now)
        elif before is not None:
            await repository.mark_read_before(member_id=member_id, before=before, at=now)
        return await repository.count_unread(member_id=member_id)


def _member_id(viewer: Viewer) -> int:
    viewer.require(MEMBER_SELF)
    if viewer.subject is None:
        raise Forbidden(MEMBER_SELF)
    return viewer.subject
