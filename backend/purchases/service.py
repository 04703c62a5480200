"""Use cases of purchases that read: the history, what waits for the member, totals, and the credit line.

Who reads is the member acted for: `viewer.subject` stands in every query, so that the rows of others do not
exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from backend.core import clock, paging
from backend.core.paging import InvalidCursor, Page
from backend.core.viewer import Viewer
from backend.deductions import service as deductions
from backend.deductions.domain import Instalment
from backend.members import service as members
from backend.members.domain import Member
from backend.purchases import credit, domain, repository
from backend.purchases.credit import CreditLine, CreditPolicy, Standing
from backend.purchases.domain import MonthTotal, Purchase, PurchaseFilter

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class CreditPolicyUnknown(RuntimeError):
    """A version of the credit policy that members' files may name, and that this program was not given."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What the home screen shows of a member's money, by one statement."""

    credit: CreditLine
    next_instalment: Instalment | None


@dataclass(slots=True)
class _State:
    policies: dict[int, CreditPolicy]


_state = _State({1: CreditPolicy()})


def configure(*policies: CreditPolicy) -> None:
    """Take the credit policies of the settings, each by its version; without it version 1 is as its class says.

    Raises CreditPolicyUnknown where a version is missing that members' files may name.
    """
    given = {policy.version: policy for policy in policies}
    for version in credit.VERSIONS:
        if version not in given:
            raise CreditPolicyUnknown(version)
    _state.policies = given


async def list_purchases(
    *, viewer: Viewer, matching: PurchaseFilter, first: int, after: str | None
) -> Page[Purchase]:
    """The member's purchases, newest first.

    A cursor holds the time of creation and the id: what is bought while a client pages changes nothing for the
    others. Raises Unauthenticated, Forbidden, DatesInvalid, PageSizeInvalid, InvalidCursor.
    """
    member_id = deductions.own_member_id(viewer)
    paging.check_first(first)
    question = paging.fingerprint(list="purchases", member=member_id, matching=matching)
    found = await repository.list_purchases(
        member_id=member_id,
        matching=matching,
        after=None if after is None else _key(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(
            paging.encode_cursor(question, ((each.created_at - _EPOCH) // _MICROSECOND, each.id))
            for each in shown
        ),
        has_next=len(found) > first,
    )


async def find_purchase(*, viewer: Viewer, key: int) -> Purchase | None:
    """One of the member's purchases; None for another's and for none. Raises Unauthenticated or Forbidden."""
    return await repository.find_purchase(
        member_id=deductions.own_member_id(viewer), purchase_id=key
    )


async def purchases_by_plan(*, viewer: Viewer, plan_ids: Sequence[int]) -> dict[int, Purchase]:
    """The member's purchases by their plans; what is another's is missing. Raises Unauthenticated or Forbidden."""
    found = await repository.list_by_plans(
        member_id=deductions.own_member_id(viewer), plan_ids=plan_ids
    )
    return {each.plan_id: each for each in found if each.plan_id is not None}


async def list_awaiting(*, viewer: Viewer) -> list[Purchase]:
    """What waits for the member's word, newest first and at most 50; what has expired is left out.

    Raises Unauthenticated or Forbidden.
    """
    return await repository.list_awaiting(
        member_id=deductions.own_member_id(viewer), at=clock.now(), limit=domain.MAX_AWAITING
    )


async def totals(*, viewer: Viewer, from_month: int, to_month: int) -> Sequence[MonthTotal]:
    """What the member bought in each of these Jalali months, both included, months of nothing too.

    A purchase counts in the month of its confirmation (in Tehran), with which the debt begins, and without what
    was refunded; what was never confirmed does not count. Raises Unauthenticated, Forbidden, InvalidJalaliMonth,
    PeriodInvalid (at most 36 months).
    """
    member_id = deductions.own_member_id(viewer)
    deductions.check_period(from_month, to_month, most=domain.MAX_TOTAL_MONTHS)
    starts = domain.month_starts(from_month, to_month)
    found = await repository.totals(member_id=member_id, starts=starts)
    return domain.totals_by_month(from_month, found, len(starts) - 1)


async def credit_line(*, viewer: Viewer) -> CreditLine:
    """The member's credit line by the policy of the member's file. Raises Unauthenticated, Forbidden."""
    return (await overview(viewer=viewer)).credit


async def overview(*, viewer: Viewer, member: Member | None = None) -> Overview:
    """The member's credit line and next instalment, by one statement.

    `member` saves a second one where the caller has read the viewer's own file; the file of anybody else is not
    taken. Raises Unauthenticated, Forbidden.
    """
    member_id = deductions.own_member_id(viewer)
    if member is None or member.id != member_id:
        member = await members.get_member(viewer=viewer)
    balance = await repository.get_balance(member_id=member_id, at=clock.now())
    standing = Standing(
        state=member.state,
        net_pension_rials=member.net_pension_rials,
        other_deductions_rials=member.other_deductions_rials,
        used_rials=balance.used_rials,
        waiting=balance.waiting,
        dues=balance.dues,
        today=clock.today(),
    )
    return Overview(
        credit=credit.credit_line(standing, policy_of(member.credit_policy_version)),
        next_instalment=balance.next_instalment,
    )


def policy_of(version: int) -> CreditPolicy:
    """The policy of this version. Raises CreditPolicyUnknown."""
    policy = _state.policies.get(version)
    if policy is None:
        raise CreditPolicyUnknown(version)
    return policy


def _key(cursor: str, question: str) -> tuple[datetime, int]:
    """The moment and the id in a cursor; a forged one may hold a moment beyond the calendar."""
    key = paging.decode_cursor(cursor, question, types=(int, int))
    microseconds, last_id = cast("tuple[int, int]", key)
    try:
        return _EPOCH + microseconds * _MICROSECOND, last_id
    except OverflowError as error:
        raise InvalidCursor from error
