"""The own inbox as read views: what `service` lists, with the same refusals and interchangeable cursors."""

from functools import lru_cache
from typing import Final

from backend.audit.domain import MEMBER_SELF
from backend.core import paging
from backend.core.errors import Forbidden
from backend.core.viewer import Viewer
from backend.infra.partitions import Place
from backend.infra.readviews.views import Bound
from backend.notifications import views
from backend.notifications.domain import NoticeCategory

_UNREAD: Final = ("unread", None)
_question = lru_cache(maxsize=64)(
    lambda unread_only, category: paging.prepared(
        "member", list="notices", unread_only=unread_only, category=category
    )
)


def read_notices(
    *,
    viewer: Viewer,
    first: int,
    after: str | None,
    unread_only: bool = False,
    category: NoticeCategory | None = None,
) -> Bound:
    """A page of `service.list_notices`. Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor."""
    member_id = _member_id(viewer)
    paging.check_first(first)
    question = _question(unread_only, category)(member_id)
    place = None if after is None else Place.of_cursor(after, question)
    return Bound(
        views.NOTICES,
        member_id,
        conditions=(
            *((_UNREAD,) if unread_only else ()),
            *((("category", category.value),) if category is not None else ()),
        ),
        first=first,
        after=None if place is None else (place.created_at, place.id),
        cursor_head=paging.cursor_head(question),
    )


def read_unread(*, viewer: Viewer) -> Bound:
    """What `service.unread_count` counts. Raises Unauthenticated, Forbidden."""
    return Bound(views.NOTICES, _member_id(viewer), conditions=(_UNREAD,))


def _member_id(viewer: Viewer) -> int:
    viewer.require(MEMBER_SELF)
    if viewer.subject is None:
        raise Forbidden(MEMBER_SELF)
    return viewer.subject
