"""Use cases of approvals: ask for a second person, grant, refuse and withdraw. To look at them is in `reading`.

A slice that needs one says once how it is done, and asks in the transaction of its own use case:

    approvals.register(                                              # in the slice's jobs.py
        "stores.iban_change", _change_iban, ask_permission=Permission.STORES_IBAN_CHANGE
    )

    await approvals.ask(viewer=viewer, kind="stores.iban_change", …, fingerprint=_state_of(store))

    async def _change_iban(execution: Execution) -> None:
        store = await repository.lock_store(int(execution.approval.object_id))
        execution.require_unchanged(_state_of(store), province_code=store.province_code, association_id=None)
        …                                                            # with execution.payload and execution.viewer

The executor runs in the one transaction that also closes the approval: what it writes is there once or not at all.
A `DomainError` that it raises closes the approval as FAILED with its sentence, ApprovalVoid as VOID; any other failure
is tried again. It must do nothing outside the database but by jobs and `after_commit`.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from backend.approvals import askers, domain, payloads, refusals, repository, steps
from backend.approvals.domain import Approval, ApprovalState, Execution, Question, StillMay
from backend.approvals.notice import MustTell, Notice, NoticePending
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import Forbidden, NotFound
from backend.core.permissions import Permission
from backend.core.viewer import ActorKind, Viewer
from backend.infra import db, jobs

EXECUTE_JOB: Final = "approvals.execute"

Executor: TypeAlias = Callable[[Execution], Awaitable[None]]
Dropped: TypeAlias = Callable[[Approval], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is done with a granted approval of a kind, what its maker must still be allowed to when it is done, who
    is told in the same transaction that one is dropped, and what of the payload is revealed to who decides.
    """

    execute: Executor
    ask_permission: str
    dropped: Dropped | None
    revealed: tuple[str, ...] = ()


_kinds: dict[str, Kind] = {}


class _Configured:
    still_may: StillMay | None = None


def set_still_may(check: StillMay) -> None:
    """Set how it is known whether an account may still do something; the composition root does this once.

    It is asked inside the transaction that executes, and reads what is committed then.
    """
    _Configured.still_may = check


def still_may() -> StillMay:
    """What `set_still_may` was given. Raises ApprovalMistakeError where nothing was: then nothing is executed."""
    if _Configured.still_may is None:
        raise domain.ApprovalMistakeError("this process can't tell who may still do what")
    return _Configured.still_may


def register(
    kind: str,
    executor: Executor,
    *,
    ask_permission: str,
    dropped: Dropped | None = None,
    revealed: tuple[str, ...] = (),
) -> None:
    """Say how approvals of a kind ("slice.what_it_does") are executed; once a process, in the slice's `jobs.py`.

    `ask_permission` is what the maker needed, and must have still when it is done. `dropped` is told, inside the
    transaction that closes it, of an approval that will not be done: refused, withdrawn, expired, void or failed.
    `revealed` names what of the payload `revealing` shows. Raises ApprovalMistakeError.
    """
    if kind in _kinds or not 1 <= len(kind) <= domain.MAX_KIND_CHARACTERS:
        raise domain.ApprovalMistakeError(f"{kind!r} is registered already, or is no name")
    _kinds[kind] = Kind(executor, str(ask_permission), dropped, revealed)


def registered() -> Mapping[str, Kind]:
    """Every kind; complete once the slices' `jobs` modules are imported."""
    return _kinds


async def ask(
    *,
    viewer: Viewer,
    kind: str,
    object_type: str,
    object_id: str,
    member_id: int | None,
    payload: Mapping[str, object],
    before: Mapping[str, object],
    after: Mapping[str, object],
    money_effect_rials: int | None,
    reason: str,
    approve_permission: str,
    fingerprint: str,
    province_code: str | None,
    expires_in: timedelta,
    not_before: datetime | None,
    association_id: int | None = None,
    must_tell: MustTell | None = None,
) -> Approval:
    """Ask that somebody with `approve_permission` lets this be done; in the caller's transaction.

    The caller has checked the viewer's scope. `payload` is JSON and may be personal: it is sealed here, revealed as the
    kind says, and forgotten when it is closed. `before` and `after` are what approver and trail are shown: nothing
    personal, as in `audit.record`. `fingerprint` is of the object's state, and of all that the decision hangs on.
    Without province and association only who sees the whole nation can decide. Nothing is done before `not_before`;
    with `must_tell` the caller's jobs call `telling.tell`, nobody grants before it is known who was told, and it cools.

    Raises Unauthenticated, Forbidden, ApprovalAlreadyAsked where the same kind is open for the same object, OwnFile,
    ReasonInvalid, and ApprovalMistakeError or AuditMistakeError.
    """
    if kind not in _kinds:
        raise domain.ApprovalMistakeError(f"nobody executes {kind!r}")
    permission = _kinds[kind].ask_permission
    viewer.require(permission)
    viewer.require_not_own_file(member_id)
    asked_at = clock.now()
    if must_tell is not None:
        not_before = asked_at + must_tell.cooling
    domain.check_times(asked_at=asked_at, expires_in=expires_in, not_before=not_before)
    question = Question(
        public_id=uuid.uuid4(),
        kind=kind,
        object_type=object_type,
        object_id=object_id,
        member_id=member_id,
        province_code=province_code,
        association_id=association_id,
        before=audit.fit(before),
        after=audit.fit(askers.with_emergency(viewer, after, permission=permission)),
        money_effect_rials=money_effect_rials,
        reason=audit.fit_reason(reason),
        approve_permission=str(approve_permission),
        fingerprint=fingerprint,
        maker=viewer.actor,
        maker_created_by=viewer.created_by,
        maker_makers=tuple(sorted(viewer.makers)),
        asked_at=asked_at,
        expires_at=asked_at + expires_in,
        not_before=None if not_before is None else not_before.astimezone(UTC),
        tell_count=None if must_tell is None else must_tell.count,
        tell_rule=None if must_tell is None else must_tell.rule,
        cooling_seconds=None if must_tell is None else int(must_tell.cooling.total_seconds()),
    )
    digest = domain.digest_of(question)
    async with db.transaction():
        await askers.require_still_may(still_may(), viewer, question, permission=permission)
        approval = await repository.insert(
            question, digest=digest, payload=payloads.seal(payload, digest=digest)
        )
        if approval is None:
            raise refusals.ApprovalAlreadyAsked
        if must_tell is not None and must_tell.count == 0:  # then it is known that nobody can be
            approval = await repository.note(approval.id, _complete(approval))
        await steps.record(viewer, "approval.asked", approval, reason=approval.reason)
    return approval


async def grant(*, viewer: Viewer, approval_id: int, digest: str | None = None) -> Approval:
    """Let it be done: by a job, and after `not_before`. Who granted it and does so again gets what became of it.

    `digest` is what the approver was shown. Raises Unauthenticated, Forbidden, NotFound, OwnFile,
    ReauthenticationNeeded, ApproverNotIndependent, ApprovalClosed, NoticePending, ApprovalNotAsShown, ApprovalAltered.
    """
    require_operator(viewer)
    async with db.transaction():
        approval = await locked_to_decide(viewer, approval_id)
        if viewer.emergency_of(approval.approve_permission) is not None:
            raise refusals.GrantInEmergency
        if approval.granted_by == viewer.actor and approval.state not in domain.TAKEN_BACK:
            return approval  # the answer was lost, and is asked for again
        now = clock.now()
        if approval.state is not ApprovalState.WAITING or approval.expires_at <= now:
            raise refusals.ApprovalClosed
        if domain.needs_recent(approval):
            viewer.require_recent()
        if approval.is_notice_pending:
            raise NoticePending
        if digest is not None and digest != approval.shown_digest:
            raise refusals.ApprovalNotAsShown(field=("digest",))
        await payloads.open_payload(approval)
        granted = await repository.grant(approval_id, by=viewer.actor, at=now)
        await steps.record(viewer, "approval.granted", granted)
        if domain.may_run(granted, now):
            await jobs.enqueue(EXECUTE_JOB, {"approval_id": approval_id})
    return granted


async def refuse(*, viewer: Viewer, approval_id: int, reason: str) -> Approval:
    """Let it not be done; also what is granted and still cools.

    Raises Unauthenticated, Forbidden, NotFound, OwnFile, ApproverNotIndependent, ApprovalClosed, ReasonInvalid.
    """
    require_operator(viewer)
    async with db.transaction():
        approval = await locked_to_decide(viewer, approval_id)
        return await drop(
            viewer, approval, ApprovalState.REFUSED, text=audit.fit_reason(reason), code="REFUSED"
        )


async def withdraw(*, viewer: Viewer, approval_id: int, reason: str | None = None) -> Approval:
    """Take back what the viewer has asked for and was not done yet.

    Raises Unauthenticated, Forbidden, NotFound where somebody else has asked, ApprovalClosed, ReasonInvalid.
    """
    require_operator(viewer)
    async with db.transaction():
        approval = await repository.lock(approval_id, scope=viewer.scope)
        if approval is None or approval.maker != viewer.actor:
            raise NotFound(field=("approvalId",))
        text = None if reason is None else audit.fit_reason(reason)
        return await drop(viewer, approval, ApprovalState.WITHDRAWN, text=text, code="WITHDRAWN")


async def lock_open(*, kind: str, object_type: str, object_id: str) -> Approval | None:
    """The open approval of a kind for an object, locked until the transaction ends; for the slice that asked for it.

    The caller has checked that its viewer may see the object.
    """
    return await repository.lock_open(kind=kind, object_type=object_type, object_id=object_id)


async def drop(
    viewer: Viewer,
    approval: Approval,
    state: ApprovalState,
    *,
    code: str | None = None,
    text: str | None = None,
) -> Approval:
    """Close an approval that will not be done, and tell its slice; in the caller's transaction, which has locked it.

    Raises ApprovalClosed.
    """
    if not approval.is_open:
        raise refusals.ApprovalClosed
    closed = await repository.close(
        approval.id, state, by=viewer.actor, at=clock.now(), code=code, text=text
    )
    await steps.record(viewer, f"approval.{state.value.lower()}", closed, reason=text)
    kind = _kinds.get(closed.kind)
    if kind is not None and kind.dropped is not None:
        await kind.dropped(closed)
    return closed


def _complete(approval: Approval) -> Notice:
    assert approval.notice is not None  # noqa: S101 - asked for by the caller
    return approval.notice.completed(asked_at=approval.asked_at, at=approval.asked_at)


async def locked_to_decide(viewer: Viewer, approval_id: int) -> Approval:
    """The approval, locked, where this viewer may decide it.

    Raises NotFound (outside the scope, too), Forbidden, ApproverNotIndependent, OwnFile.
    """
    approval = await repository.lock(approval_id, scope=viewer.scope)
    if approval is None:
        raise NotFound(field=("approvalId",))
    if not viewer.may(approval.approve_permission):
        is_known = approval.maker == viewer.actor or viewer.may(Permission.AUDIT_READ)
        raise (
            Forbidden(approval.approve_permission) if is_known else NotFound(field=("approvalId",))
        )
    domain.require_independent(
        approval, actor=viewer.actor, created_by=viewer.created_by, makers=viewer.makers
    )
    viewer.require_not_own_file(approval.member_id)
    return approval


def require_operator(viewer: Viewer) -> None:
    """Only a person decides: the system, which may do everything, may not do this.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(Permission.APPROVALS_READ)
    if viewer.kind is not ActorKind.OPERATOR:
        raise Forbidden(Permission.APPROVALS_READ)
