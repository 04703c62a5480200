"""How a granted approval is done, once, and how those are closed that nobody decided."""

from datetime import timedelta
from typing import Final

from backend.approvals import disowning, domain, payloads, refusals, repository, service, steps
from backend.approvals.domain import Approval, ApprovalState, ApprovalVoid, Execution
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import DomainError, Unavailable
from backend.core.locale import Locale
from backend.core.viewer import SYSTEM, Scope
from backend.infra import db, jobs, redaction, telemetry

EVERYTHING: Final = Scope(nation=True)
JOB_LOST_AFTER: Final = timedelta(minutes=10)  # granted, and its job should long have run
SWEPT_A_RUN: Final = 500
MAX_OUTCOME_CHARACTERS: Final = 500

_log = telemetry.logger(__name__)


async def execute(approval_id: int) -> None:
    """Do what was granted. To run it again, also at the same moment, changes nothing.

    The row is locked while its slice works, and closed in the same transaction: a worker that dies has done nothing.
    Raises what the executor raised where it is no refusal; after MAX_RUNS the approval is FAILED instead. Where
    something was away (Unavailable) the run does not count: the sweep tries again for as long as that takes. Nor does
    it in a process that can't tell who may still do what: ApprovalMistakeError, and nothing is done.
    """
    service.still_may()
    run = await repository.begin_run(approval_id, at=clock.now())
    if run is None:
        return
    if run > domain.MAX_RUNS:  # the workers before died of it
        await _give_up(approval_id, refusals.ApprovalGivenUp())
        return
    try:
        await _execute(approval_id)
    except Unavailable:
        await repository.take_back_run(approval_id)
        raise
    except Exception as error:
        if run < domain.MAX_RUNS:
            raise
        _log.exception("approvals.given_up", approval_id=approval_id)
        await _give_up(
            approval_id, error if isinstance(error, DomainError) else refusals.ApprovalGivenUp()
        )


async def sweep() -> None:
    """Close what nobody decided in time, and enqueue what has cooled or whose job was lost."""
    await _expire()
    now = clock.now()
    due = await repository.list_due(at=now, granted_before=now - JOB_LOST_AFTER, limit=SWEPT_A_RUN)
    for approval_id in due:
        await jobs.enqueue(
            service.EXECUTE_JOB, {"approval_id": approval_id}, dedupe_key=str(approval_id)
        )


async def _execute(approval_id: int) -> None:
    async with db.transaction():
        approval = await repository.lock(approval_id, scope=EVERYTHING)
        if approval is None or not domain.may_run(approval, clock.now()):
            return
        kind = service.registered().get(approval.kind)
        if kind is None:
            raise domain.ApprovalMistakeError(f"this worker can't execute {approval.kind!r}")
        if (actor := await _find_disowned(approval, kind)) is not None:
            await disowning.take_back(viewer=SYSTEM, approval=approval, actor=actor)
            return
        try:
            async with db.transaction():  # a savepoint: what a refused executor wrote is undone
                await _do(approval, kind)
        except Unavailable:
            raise
        except ApprovalVoid as error:
            await _close(approval, ApprovalState.VOID, error)
        except DomainError as error:
            await _close(approval, ApprovalState.FAILED, error)
        else:
            closed = await repository.close(
                approval_id, ApprovalState.EXECUTED, by=SYSTEM.actor, at=clock.now()
            )
            await steps.record(SYSTEM, "approval.executed", closed)


async def _find_disowned(approval: Approval, kind: service.Kind) -> str | None:
    """The maker or granter, in this order, who may not any more; None where both may.

    `disown` takes back what it sees. This is for what was asked or granted beside it: read before the rights were taken
    and committed after. What lies in no province may be asked for by who does not see the whole nation, so that the
    maker's scope says nothing there.
    """
    may_make = await service.still_may()(
        approval.maker,
        kind.ask_permission,
        province_code=approval.province_code,
        association_id=approval.association_id,
        anywhere=approval.province_code is None,
    )
    if not may_make:
        return approval.maker
    granter = approval.granted_by
    assert granter is not None  # noqa: S101 - a CHECK of what is granted
    if approval.maker_makers is None:  # granted by who may be a maker of the maker's account
        return granter
    may_grant = await service.still_may()(
        granter,
        approval.approve_permission,
        province_code=approval.province_code,
        association_id=approval.association_id,
        by_role=True,
    )
    return None if may_grant else granter


async def _do(approval: Approval, kind: service.Kind) -> None:
    execution = Execution(
        approval=approval, payload=await payloads.open_payload(approval), viewer=SYSTEM
    )
    with audit.acting_for(approval.maker):
        await kind.execute(execution)
    if not execution.is_compared:
        raise domain.ApprovalMistakeError(f"{approval.kind!r} did not compare the present state")


async def _close(approval: Approval, state: ApprovalState, error: DomainError) -> None:
    text = redaction.redact_text(error.message(Locale.FA))[:MAX_OUTCOME_CHARACTERS]
    await service.drop(SYSTEM, approval, state, code=error.code, text=text)


async def _give_up(approval_id: int, error: DomainError) -> None:
    async with db.transaction():
        approval = await repository.lock(approval_id, scope=EVERYTHING)
        if approval is not None and approval.is_open:
            await _close(approval, ApprovalState.FAILED, error)


async def _expire() -> None:
    """Close what nobody decided in time; one whose slice fails at it is logged, and holds up no other."""
    for approval_id in await repository.list_expired(at=clock.now(), limit=SWEPT_A_RUN):
        try:
            async with db.transaction():
                approval = await repository.lock(approval_id, scope=EVERYTHING)
                if approval is not None and approval.state is ApprovalState.WAITING:
                    await service.drop(SYSTEM, approval, ApprovalState.EXPIRED, code="EXPIRED")
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever a slice meets
            _log.exception("approvals.not_expired", approval_id=approval_id)
