"""The member's purchases and credit as read views: what `service` lists, with the same refusals and cursors."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, cast

from backend.core import clock, paging
from backend.core.paging import InvalidCursor
from backend.core.viewer import Viewer
from backend.deductions import service as deductions
from backend.deductions import views as deduction_views
from backend.infra.readviews.views import Bound
from backend.members.domain import MemberState
from backend.purchases import credit, domain, repository, service, views
from backend.purchases.credit import CreditLine, Standing
from backend.purchases.domain import PurchaseFilter

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_question = lru_cache(maxsize=1024)(
    lambda matching: paging.prepared("member", list="purchases", matching=matching)
)


def read_purchases(
    *, viewer: Viewer, matching: PurchaseFilter, first: int, after: str | None
) -> Bound:
    """A page of `service.list_purchases`; raises what that does."""
    member_id = deductions.own_member_id(viewer)
    paging.check_first(first)
    question = _question(matching)(member_id)
    begins, ends = domain.instants(matching)
    conditions: list[tuple[str, object]] = []
    if begins is not None:
        conditions.append(("from", begins))
    if ends is not None:
        conditions.append(("before", ends))
    if matching.store_id is not None:
        conditions.append(("store", matching.store_id))
    if matching.states is not None:
        conditions.append(("states", tuple(state.value for state in matching.states)))
    return Bound(
        views.PURCHASES,
        member_id,
        conditions=tuple(conditions),
        first=first,
        after=None if after is None else _key(after, question),
        cursor_head=paging.cursor_head(question),
    )


def read_awaiting(*, viewer: Viewer, at: datetime) -> Bound:
    """What `service.list_awaiting` lists. Raises Unauthenticated or Forbidden."""
    return Bound(
        views.PURCHASES,
        deductions.own_member_id(viewer),
        conditions=(("awaiting_at", at),),
        first=domain.MAX_AWAITING,
    )


def read_standing(*, viewer: Viewer) -> Bound:
    """What the credit line is worked out from: STANDING_COLUMNS. Raises Unauthenticated, Forbidden, NotFound."""
    return Bound(views.STANDING, deductions.own_member_id(viewer))


def credit_line(standing: Sequence[object], *, at: datetime) -> CreditLine:
    """The credit line at a moment, by the values of STANDING_COLUMNS. Raises CreditPolicyUnknown."""
    state, pension, other, version, used, waiting, dues = cast(
        "tuple[str, int | None, int, int, int, str | None, str | None]", tuple(standing)
    )
    return credit.credit_line(
        Standing(
            state=MemberState(state),
            net_pension_rials=pension,
            other_deductions_rials=other,
            used_rials=used,
            waiting=repository.waiting(waiting),
            dues=deduction_views.month_dues(dues),
            today=at.astimezone(clock.TEHRAN).date(),
        ),
        service.policy_of(version),
    )


def _key(cursor: str, question: str) -> tuple[datetime, int]:
    key = paging.decode_cursor(cursor, question, types=(int, int))
    microseconds, last_id = cast("tuple[int, int]", key)
    try:
        return _EPOCH + timedelta(microseconds=microseconds), last_id
    except OverflowError as error:  # forged
        raise InvalidCursor from error
