"""Background work of access."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from backend.access import (
    break_glass,
    enrolment,
    operator_executors,
    operator_numbers,
    operator_requests,
    phone_change,
    sign_in,
    upkeep,
    watchers,
)
from backend.access.watchers import Act
from backend.approvals import service as approvals
from backend.approvals import telling
from backend.core.permissions import Permission
from backend.infra import jobs, telemetry
from backend.members.domain import SESSIONS_STALE_JOB

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY_NIGHT: Final = "10 22 * * *"  # in UTC: 01:40 in Tehran

_log = telemetry.logger(__name__)


# Quick retries for as long as a code may be late, two minutes: after that a run does nothing.
@jobs.job(
    sign_in.SEND_JOB, retries=10, retry_seconds=2.0, retry_most_seconds=15.0, most_seconds=60.0
)
async def send_sign_in_code(payload: jobs.Payload) -> None:
    """Send the code of the request that the payload names."""
    await sign_in.send_code(request_id=UUID(str(payload["request_id"])))


# Patient: who has a member's former phone stays signed in as long as this has not run.
@jobs.job(SESSIONS_STALE_JOB, retries=12)
async def end_stale_sessions(payload: jobs.Payload) -> None:
    """End what the members that the payload names had opened by another phone, or before their death."""
    member_ids = cast("Sequence[int]", payload["member_ids"])
    ended = await upkeep.end_stale_sessions(member_ids)
    _log.info("access.stale_sessions_ended", members=len(member_ids), sessions=ended)


# Patient: without the message the operator waits, and nobody else is held up.
@jobs.job(operator_executors.INVITE_JOB, retries=12)
async def invite_operator(payload: jobs.Payload) -> None:
    """Send the invitation of the operator that the payload names."""
    await enrolment.invite(operator_id=int(str(payload["operator_id"])))


@jobs.job(break_glass.TELL_JOB, retries=12)
async def tell_auditor(payload: jobs.Payload) -> None:
    """Tell the auditor that the payload names of an emergency."""
    await break_glass.tell_auditor(
        use_id=int(str(payload["use_id"])), auditor_id=int(str(payload["operator_id"]))
    )


@jobs.job(watchers.TELL_JOB, retries=12)
async def tell_watchers(payload: jobs.Payload) -> None:
    """Tell the auditor or administrator that the payload names of an act on another's account."""
    await watchers.send_told(
        watcher_id=int(str(payload["watcher_id"])),
        operator_id=int(str(payload["operator_id"])),
        act=Act(str(payload["act"])),
        by=str(payload["by"]),
        at=int(str(payload["at"])),
    )


@jobs.job(operator_numbers.TELL_JOB, retries=telling.RETRIES)
async def tell_of_new_number(payload: jobs.Payload) -> None:
    """Tell the number until now of the operator that the payload names that another one is asked for."""
    await operator_numbers.tell(
        operator_id=int(str(payload["operator_id"])), approval_id=int(str(payload["approval_id"]))
    )


# Patient: nothing is done before it has run, and three days from then the member may object.
@jobs.job(phone_change.TELL_JOB, retries=telling.RETRIES)
async def tell_of_phone_change(payload: jobs.Payload) -> None:
    """Tell the number that is known of the change that the payload names."""
    await phone_change.tell(
        member_id=int(str(payload["member_id"])), approval_id=int(str(payload["approval_id"]))
    )


approvals.register(
    phone_change.KIND,
    phone_change.change_phone,
    ask_permission=Permission.MEMBERS_PHONE_CHANGE,
    revealed=("phone",),
)
approvals.register(
    operator_requests.CREATE,
    operator_executors.create,
    ask_permission=Permission.OPERATORS_MANAGE,
    dropped=operator_executors.create_dropped,
)
for _kind, _executor in (
    (operator_requests.ROLES, operator_executors.set_roles),
    (operator_requests.RESUME, operator_executors.resume),
    (operator_requests.RESET, operator_executors.reset),
):
    approvals.register(_kind, _executor, ask_permission=Permission.OPERATORS_MANAGE)


def schedule_pruning(*, keep_days: int) -> None:
    """Register `access.prune_sessions`, every night; call it once, before the worker starts."""

    @jobs.schedule(EVERY_NIGHT)
    @jobs.job("access.prune_sessions")
    async def prune_sessions(_payload: jobs.Payload) -> None:
        deleted = await upkeep.prune_sessions(keep=timedelta(days=keep_days))
        of_staff = await upkeep.prune_staff_sessions()
        _log.info("access.sessions_pruned", deleted=deleted, of_staff=of_staff)
