"""The member's instalments as read views: what `service` lists, with the same refusals and interchangeable cursors."""

from functools import lru_cache

from backend.core import paging
from backend.core.viewer import Viewer
from backend.deductions import service, views
from backend.deductions.domain import InstalmentState
from backend.infra.readviews.views import Bound

_question = lru_cache(maxsize=1024)(
    lambda from_month, to_month, state: paging.prepared(
        "member", list="instalments", from_month=from_month, to_month=to_month, state=state
    )
)


def read_instalments(
    *,
    viewer: Viewer,
    from_month: int | None,
    to_month: int | None,
    state: InstalmentState | None,
    first: int,
    after: str | None,
) -> Bound:
    """A page of `service.list_instalments`; raises what that does."""
    member_id = service.own_member_id(viewer)
    paging.check_first(first)
    service.check_period(from_month, to_month)
    question = _question(from_month, to_month, state)(member_id)
    conditions: list[tuple[str, object]] = []
    if from_month is not None:
        conditions.append(("from", from_month))
    if to_month is not None:
        conditions.append(("to", to_month))
    if state is not None:
        conditions.append(("state", state.value))
        if f"'{state.value}'" in views.COLLECTABLE:
            conditions.append(("collectable", None))  # so that the planner finds the partial index
    return Bound(
        views.INSTALMENTS,
        member_id,
        conditions=tuple(conditions),
        first=first,
        after=None if after is None else paging.decode_cursor(after, question, types=(int, int)),
        cursor_head=paging.cursor_head(question),
    )


def read_next_instalment(*, viewer: Viewer) -> Bound:
    """What `service.next_instalment` finds, as a list of one. Raises Unauthenticated, Forbidden."""
    return Bound(
        views.INSTALMENTS, service.own_member_id(viewer), conditions=(("collectable", None),)
    )
