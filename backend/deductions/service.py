"""Use cases of plans, instalments and the ledger: what a member reads of the own, and how money is recorded.

Who reads is the member acted for: `viewer.subject` stands in every query, so that the rows of others do not
exist.
"""

from collections.abc import Sequence
from typing import cast

from backend.core import calendar, clock, money, paging
from backend.core.errors import NotFound
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.deductions import domain, repository
from backend.deductions.domain import (
    AccountCode,
    Instalment,
    InstalmentState,
    MonthDeduction,
    PeriodInvalid,
    TransferInvalid,
    TransferKind,
)
from backend.members.domain import SELF

POST = "ledger.post"
MAX_PERIOD_MONTHS = 240
MAX_DEDUCTION_INSTALMENTS = 100


async def list_instalments(
    *,
    viewer: Viewer,
    from_month: int | None,
    to_month: int | None,
    state: InstalmentState | None,
    first: int,
    after: str | None,
) -> Page[Instalment]:
    """The member's instalments in the order in which they fall due, both months included.

    Raises Unauthenticated, Forbidden, InvalidJalaliMonth, PeriodInvalid, PageSizeInvalid, InvalidCursor.
    """
    member_id = own_member_id(viewer)
    paging.check_first(first)
    check_period(from_month, to_month)
    question = paging.fingerprint(
        list="instalments", member=member_id, from_month=from_month, to_month=to_month, state=state
    )
    found = await repository.list_instalments(
        member_id=member_id,
        from_month=from_month,
        to_month=to_month,
        state=state,
        after=None if after is None else _key(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.due_month, each.id)) for each in shown),
        has_next=len(found) > first,
    )


async def find_instalment(*, viewer: Viewer, key: int) -> Instalment | None:
    """One of the member's instalments. Raises Unauthenticated or Forbidden."""
    return await repository.find_instalment(member_id=own_member_id(viewer), instalment_id=key)


async def next_instalment(*, viewer: Viewer) -> Instalment | None:
    """The earliest instalment still to be collected: arrears come first, suspended ones do not count.

    Raises Unauthenticated or Forbidden.
    """
    return await repository.find_next_instalment(member_id=own_member_id(viewer))


async def next_deduction(*, viewer: Viewer) -> MonthDeduction | None:
    """What the next deduction takes; None where nothing is left to collect.

    Its month is the present one while anything is due by then, else that of the earliest instalment; arrears of
    earlier months are taken with it. The cap on deductions is not applied: it is known with the cycle only.
    Raises Unauthenticated or Forbidden.
    """
    return await repository.find_next_deduction(
        member_id=own_member_id(viewer),
        current_month=calendar.month_of(clock.today()),
        limit=MAX_DEDUCTION_INSTALMENTS,
    )


async def instalments_by_plan(
    *, viewer: Viewer, plan_ids: Sequence[int]
) -> dict[int, tuple[Instalment, ...]]:
    """The instalments of the member's plans as they fall due; another's plan has none.

    Raises Unauthenticated or Forbidden.
    """
    found = await repository.list_by_plans(member_id=own_member_id(viewer), plan_ids=plan_ids)
    grouped: dict[int, list[Instalment]] = {plan_id: [] for plan_id in plan_ids}
    for instalment in found:
        grouped[instalment.plan_id].append(instalment)
    return {plan_id: tuple(instalments) for plan_id, instalments in grouped.items()}


async def record_transfer(
    *,
    viewer: Viewer,
    debit: AccountCode,
    credit: AccountCode,
    amount_rials: int,
    kind: TransferKind,
    plan_id: int | None = None,
    member_id: int | None = None,
) -> int:
    """Write one movement of money in the caller's transaction; gives the id of its row.

    Whoever writes needs the right to; a use case that moves money for a member checks that, and then writes as the
    system. A row is never changed afterwards: a correction is a transfer of kind REVERSAL the other way. Raises
    InvalidAmount, TransferInvalid, Unauthenticated, Forbidden.
    """
    viewer.require(POST)
    money.check_amount(amount_rials, least=1)
    if debit is credit or (plan_id is not None and member_id is None):
        raise TransferInvalid
    return await repository.add_transfer(
        debit=debit,
        credit=credit,
        amount_rials=amount_rials,
        kind=kind,
        plan_id=plan_id,
        member_id=member_id,
    )


def own_member_id(viewer: Viewer) -> int:
    """The id of the member whose data this viewer reads as the own.

    Raises Unauthenticated, Forbidden, or NotFound where the viewer acts for no member.
    """
    viewer.require(SELF)
    if viewer.subject is None:
        raise NotFound
    return viewer.subject


def check_period(
    from_month: int | None, to_month: int | None, *, most: int = MAX_PERIOD_MONTHS
) -> None:
    """Raise InvalidJalaliMonth for what is no month, PeriodInvalid for an end before the beginning."""
    for month in (from_month, to_month):
        if month is not None:
            calendar.first_day(month)
    if from_month is None or to_month is None:
        return
    if not 0 <= domain.months_between(from_month, to_month) < most:
        raise PeriodInvalid(field=("to",), most=most)


def _key(cursor: str, question: str) -> tuple[int, int]:
    key = paging.decode_cursor(cursor, question, types=(int, int))
    return cast("tuple[int, int]", key)
