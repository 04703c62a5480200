"""Those who must be told before an approval can be granted: they are told by jobs, one a number, and it is noted.

A slice asks with `must_tell`, and enqueues a job for each place from 0 on, which calls `tell`. Until it is known of all
places what became of them nobody can grant; then the cooling begins. Where no worker runs nothing is known, and nothing
is done.
"""

from datetime import timedelta
from typing import Final

from backend.approvals import domain, repository, service, steps
from backend.approvals.domain import Approval, ApprovalState
from backend.approvals.notice import NobodyTold
from backend.core import clock
from backend.core.locale import Locale
from backend.core.viewer import SYSTEM
from backend.infra import db, telemetry
from backend.infra.sms import port as sms

TRIED_FOR: Final = timedelta(hours=6)  # a gateway that is away for longer is as good as none
# A job that tells is tried for longer than TRIED_FOR: every ten minutes after the first quarter of an hour.
RETRIES: Final = 48

_log = telemetry.logger(__name__)


async def tell(*, approval_id: int, place: int, to: str | None, text: str, message_id: str) -> None:
    """Tell one of the numbers (E.164; None where there is none any more), and note what became of it; for a job.

    May run again: who was told is told once, but where a worker dies between the message and the note. Whom the gateway
    refuses, or does not reach for TRIED_FOR, could not be told. Raises SmsNotSent and SmsUncertain before that.
    """
    approval = await repository.find(approval_id)
    if approval is None or not approval.is_open:
        return
    if approval.notice is None or approval.notice.has(place):
        return
    try:
        is_told = to is not None and await _is_sent(to, text=text, message_id=message_id)
    except (sms.SmsNotSent, sms.SmsUncertain):
        if clock.now() < approval.asked_at + TRIED_FOR:
            raise
        is_told = False
    await note(approval_id, place, is_told=is_told)


async def note(approval_id: int, place: int, *, is_told: bool) -> None:
    """Note that the number of a place was told, or can't be; what is noted already stays.

    With the last of them it is known who was told, and the cooling begins; where somebody must have been reached and
    nobody was, the approval is FAILED. Raises ApprovalMistakeError for a place that nobody is to be told at.
    """
    async with db.transaction():
        approval = await repository.lock(approval_id, scope=SYSTEM.scope)
        if approval is None or not approval.is_open:
            return
        notice = approval.notice
        if notice is None or place not in range(notice.must_tell.count):
            raise domain.ApprovalMistakeError(f"nobody is to be told at place {place}")
        if notice.has(place):
            return
        after = notice.noted(place, is_told=is_told, asked_at=approval.asked_at, at=clock.now())
        noted = await repository.note(approval_id, after)
        await steps.record(SYSTEM, "approval.told" if is_told else "approval.not_told", noted)
        if after.has_failed:
            await _fail(noted)
    if not is_told:
        _log.warning("approvals.not_told", approval_id=approval_id, place=place)


async def _fail(approval: Approval) -> None:
    error = NobodyTold()
    text = f"{error.message(Locale.FA)} {error.hint(Locale.FA)}"
    await service.drop(SYSTEM, approval, ApprovalState.FAILED, code=error.code, text=text)


async def _is_sent(to: str, *, text: str, message_id: str) -> bool:
    """Send a message; False where the gateway says no for good. Raises SmsNotSent, SmsUncertain."""
    try:
        await sms.sender().send(to=to, text=text, message_id=message_id)
    except sms.SmsRefused:
        return False
    return True
