"""What happens to sessions without anybody asking: some are ended by the membership file, old ones forgotten."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from backend.access import repository_staff_sessions, repository_upkeep, sessions
from backend.access.domain import EndReason
from backend.core import clock, errors
from backend.core.viewer import SYSTEM
from backend.infra import db
from backend.members import service as members
from backend.members.domain import MemberKey, MemberState
from backend.notifications import service as notifications
from backend.notifications.domain import NoticeCategory

MEMBERS_A_STEP: Final = 100  # looked at in one transaction: their sign-ins wait for it
PRUNED_A_BATCH: Final = 5_000
STAFF_KEPT_FOR: Final = timedelta(days=100)  # longer than a device or network is known by them
MOST_BATCHES: Final = 200  # a run: what is left waits for the next one

_PHONE_CHANGED_TITLE = errors.sentences(
    fa="شمارهٔ تلفن همراه شما تغییر کرد",
    en="Your mobile number has changed",
)
_PHONE_CHANGED_BODY = errors.sentences(
    fa="سازمان شمارهٔ تازه‌ای برای شما ثبت کرد؛ نشست‌هایی که با شمارهٔ پیشین باز شده بود بسته شد."
    " اگر شماره را شما تغییر نداده‌اید، با کارت ملی به شعبه یا کانون خود مراجعه کنید.",
    en="The organization has recorded a new number for you; the sessions that the former number had opened were"
    " ended. If you did not change it, go to your branch or association with the national card.",
)


async def end_stale_sessions(member_ids: Sequence[int]) -> int:
    """End the sessions that these members' present phone or state does not allow; gives how many.

    Those of members who are recorded as deceased, and those that another phone opened; of the latter the member
    gets a notice. A session that the present phone opened lives on, however late this runs. Who is INACTIVE or
    FROZEN stays signed in: the own file, its debts and the reason stay readable. To run it again changes nothing.
    """
    ended = 0
    for first in range(0, len(member_ids), MEMBERS_A_STEP):
        ended += await _end_stale(member_ids[first : first + MEMBERS_A_STEP])
    return ended


async def prune_sessions(*, keep: timedelta) -> int:
    """Delete the sessions that ended, or expired, longer than `keep` ago; gives how many.

    First, push reaches no more the devices whose last session has expired. Each batch is a transaction of its own.
    The audit trail keeps what it says of the sessions; their refresh tokens are then none of ours, which is answered
    as those of ended sessions are.
    """
    before = clock.now() - keep
    await _silence_expired()
    deleted = 0
    for delete in (repository_upkeep.delete_ended, repository_upkeep.delete_expired):
        for _ in range(MOST_BATCHES):
            count = await delete(before=before, limit=PRUNED_A_BATCH)
            deleted += count
            if count < PRUNED_A_BATCH:
                break
    return deleted


async def prune_staff_sessions() -> int:
    """Delete the sessions of operators and cashiers that expired longer than STAFF_KEPT_FOR ago; gives how many."""
    deleted = 0
    for _ in range(MOST_BATCHES):
        count = await repository_staff_sessions.delete_expired(
            before=clock.now() - STAFF_KEPT_FOR, limit=PRUNED_A_BATCH
        )
        deleted += count
        if count < PRUNED_A_BATCH:
            break
    return deleted


async def _silence_expired() -> None:
    for _ in range(MOST_BATCHES):
        silenced = await repository_upkeep.silence_expired(before=clock.now(), limit=PRUNED_A_BATCH)
        if silenced < PRUNED_A_BATCH:
            break


async def _end_stale(member_ids: Sequence[int]) -> int:
    async with db.transaction():
        await repository_upkeep.wait_for_openings(member_ids)
        found = {each.id: each for each in await members.list_keys(member_ids)}
        stale = await repository_upkeep.list_stale(
            {each.id: _phone_index(each) for each in found.values()}
        )
        for member_id, public_ids in stale.items():
            is_closed = found[member_id].state is MemberState.DECEASED
            await sessions.end(
                public_ids,
                viewer=SYSTEM,
                member_id=member_id,
                reason=EndReason.FILE_CLOSED if is_closed else EndReason.PHONE_CHANGED,
            )
            if not is_closed:
                await _tell_of_new_phone(member_id)
    return sum(map(len, stale.values()))


def _phone_index(member: MemberKey) -> bytes | None:
    """What a session of the member is opened by; None where no phone opens one."""
    if member.phone is None or member.state is MemberState.DECEASED:
        return None
    return sessions.phone_index(member.phone)


async def _tell_of_new_phone(member_id: int) -> None:
    locale = await sessions.locale_of(member_id)
    await notifications.enqueue(
        member_id=member_id,
        category=NoticeCategory.SECURITY,
        title=_PHONE_CHANGED_TITLE[locale],
        body=_PHONE_CHANGED_BODY[locale],
    )
