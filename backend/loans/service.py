"""Use cases of loans that read: the rounds, the quota of the member's association, and the member's applications.

Who reads is the member acted for: `viewer.subject` stands in every query on applications, so that those of
others do not exist.
"""

from collections.abc import Sequence
from typing import cast

from backend.core import paging
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.deductions import service as deductions
from backend.loans import domain, repository
from backend.loans.domain import LoanApplication, LoanRound, LoanRoundState
from backend.members import service as members
from backend.members.domain import Member


async def list_rounds(*, viewer: Viewer, state: LoanRoundState | None) -> list[LoanRound]:
    """The rounds, the latest to open first and at most 100; drafts are not shown, even when asked for.

    Raises Unauthenticated or Forbidden.
    """
    deductions.own_member_id(viewer)
    return await repository.list_rounds(state=state, limit=domain.MAX_ROUNDS)


async def find_round(*, viewer: Viewer, key: int) -> LoanRound | None:
    """A round; None where there is none to be seen. Raises Unauthenticated or Forbidden."""
    deductions.own_member_id(viewer)
    return await repository.find_round(key)


async def my_quotas(
    *, viewer: Viewer, round_ids: Sequence[int], member: Member | None = None
) -> dict[int, int]:
    """The places of the member's association in these rounds; a round without a quota for it is missing.

    `member` saves a statement where the caller has read the viewer's own file. Raises Unauthenticated, Forbidden.
    """
    member_id = deductions.own_member_id(viewer)
    if member is None or member.id != member_id:
        member = await members.get_member(viewer=viewer)
    if member.association_code is None:
        return {}
    return await repository.list_quotas(
        round_ids=round_ids, association_code=member.association_code
    )


async def list_applications(
    *, viewer: Viewer, first: int, after: str | None
) -> Page[LoanApplication]:
    """The member's applications, newest first. Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor."""
    member_id = deductions.own_member_id(viewer)
    paging.check_first(first)
    question = paging.fingerprint(list="loan applications", member=member_id)
    found = await repository.list_applications(
        member_id=member_id,
        after_id=None if after is None else _key(after, question),
        limit=first + 1,
        events=domain.MAX_EVENTS,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.id,)) for each in shown),
        has_next=len(found) > first,
    )


async def find_application(*, viewer: Viewer, key: int) -> LoanApplication | None:
    """One of the member's applications; None for another's and for none. Raises Unauthenticated or Forbidden."""
    return await repository.find_application(
        member_id=deductions.own_member_id(viewer), application_id=key, events=domain.MAX_EVENTS
    )


async def applications_by_plan(
    *, viewer: Viewer, plan_ids: Sequence[int]
) -> dict[int, LoanApplication]:
    """The member's applications by their plans; what is another's is missing. Raises Unauthenticated or Forbidden."""
    found = await repository.list_by_plans(
        member_id=deductions.own_member_id(viewer), plan_ids=plan_ids, events=domain.MAX_EVENTS
    )
    return {each.plan_id: each for each in found if each.plan_id is not None}


def _key(cursor: str, question: str) -> int:
    (last_id,) = cast("tuple[int]", paging.decode_cursor(cursor, question, types=(int,)))
    return last_id
