"""Use cases of approvals: ask for a second person, grant, refuse, withdraw, and look.

A slice that needs one says once how it is done, and asks in the transaction of its own use case:

    approvals.register("stores.iban_change", _change_iban)          # in the slice's jobs.py

    await approvals.ask(viewer=viewer, kind="stores.iban_change", …, fingerprint=_state_of(store))

    async def _change_iban(execution: Execution) -> None:
        store = await repository.lock_store(int(execution.approval.object_id))
        execution.require_unchanged(None if store is None else _state_of(store))
        …                                                            # with execution.payload and execution.viewer

The executor runs in the one transaction that also closes the approval: what it writes is there once or not at all.
A `DomainError` that it raises closes the approval as FAILED with its sentence, ApprovalVoid as VOID; any other failure
is tried again. It must do nothing outside the database but by jobs and `after_commit`.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, cast

import orjson

from backend.approvals import domain, repository
from backend.approvals.domain import Approval, ApprovalState, Execution, Question
from backend.audit import service as audit
from backend.core import clock, paging
from backend.core.errors import Forbidden, NotFound
from backend.core.paging import Page
from backend.core.permissions import Permission
from backend.core.viewer import ActorKind, Viewer
from backend.infra import db, jobs, sealing
from backend.infra.sealing import SealBroken, SealingKeyError

EXECUTE_JOB: Final = "approvals.execute"

Executor: TypeAlias = Callable[[Execution], Awaitable[None]]
Dropped: TypeAlias = Callable[[Approval], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is done with a granted approval of a kind, and who is told in the same transaction that one is dropped."""

    execute: Executor
    dropped: Dropped | None


_kinds: dict[str, Kind] = {}


def register(kind: str, executor: Executor, *, dropped: Dropped | None = None) -> None:
    """Say how approvals of a kind ("slice.what_it_does") are executed; once a process, in the slice's `jobs.py`.

    `dropped` is told, inside the transaction that closes it, of an approval that will not be done: refused,
    withdrawn, expired, void or failed. Raises ApprovalMistakeError.
    """
    if kind in _kinds or not 1 <= len(kind) <= domain.MAX_KIND_CHARACTERS:
        raise domain.ApprovalMistakeError(f"{kind!r} is registered already, or is no name")
    _kinds[kind] = Kind(executor, dropped)


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
) -> Approval:
    """Ask that somebody with `approve_permission` lets this be done; in the caller's transaction.

    The caller has checked the viewer's own permission and scope. `payload` is JSON and may be personal: it is sealed
    here, shown to nobody, and forgotten when the approval is closed. `before` and `after` are what the approver and
    the trail are shown: nothing personal, as in `audit.record`. `fingerprint` is of the object's state, and of all that
    the decision hangs on. Without province and association only who sees the whole nation can decide. Nothing is done
    before `not_before`, however early it is granted.

    Raises ApprovalAlreadyAsked where the same kind is open for the same object, OwnFile, ReasonInvalid, and
    ApprovalMistakeError or AuditMistakeError.
    """
    viewer.require_not_own_file(member_id)
    if kind not in _kinds:
        raise domain.ApprovalMistakeError(f"nobody executes {kind!r}")
    asked_at = clock.now()
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
        after=audit.fit(after),
        money_effect_rials=money_effect_rials,
        reason=audit.fit_reason(reason),
        approve_permission=str(approve_permission),
        fingerprint=fingerprint,
        maker=viewer.actor,
        maker_created_by=viewer.created_by,
        asked_at=asked_at,
        expires_at=asked_at + expires_in,
        not_before=None if not_before is None else not_before.astimezone(UTC),
    )
    digest = domain.digest_of(question)
    async with db.transaction():
        approval = await repository.insert(
            question, digest=digest, payload=_seal(payload, digest=digest)
        )
        if approval is None:
            raise domain.ApprovalAlreadyAsked
        await record(viewer, "approval.asked", approval, reason=approval.reason)
    return approval


async def grant(*, viewer: Viewer, approval_id: int, digest: str | None = None) -> Approval:
    """Let it be done: by a job, and after `not_before`. Who granted it and does so again gets what became of it.

    `digest` is what the approver was shown. Raises Unauthenticated, Forbidden, NotFound, OwnFile,
    ReauthenticationNeeded, ApproverNotIndependent, ApprovalClosed, ApprovalNotAsShown, ApprovalAltered.
    """
    _require_operator(viewer)
    async with db.transaction():
        approval = await _locked_to_decide(viewer, approval_id)
        if approval.granted_by == viewer.actor and approval.state not in domain.TAKEN_BACK:
            return approval  # the answer was lost, and is asked for again
        now = clock.now()
        if approval.state is not ApprovalState.WAITING or approval.expires_at <= now:
            raise domain.ApprovalClosed
        if domain.needs_recent(approval):
            viewer.require_recent()
        if digest is not None and digest != approval.digest:
            raise domain.ApprovalNotAsShown(field=("digest",))
        await open_payload(approval)
        granted = await repository.grant(approval_id, by=viewer.actor, at=now)
        await record(viewer, "approval.granted", granted)
        if domain.may_run(granted, now):
            await jobs.enqueue(EXECUTE_JOB, {"approval_id": approval_id})
    return granted


async def refuse(*, viewer: Viewer, approval_id: int, reason: str) -> Approval:
    """Let it not be done; also what is granted and still cools.

    Raises Unauthenticated, Forbidden, NotFound, OwnFile, ApproverNotIndependent, ApprovalClosed, ReasonInvalid.
    """
    _require_operator(viewer)
    async with db.transaction():
        approval = await _locked_to_decide(viewer, approval_id)
        return await drop(
            viewer, approval, ApprovalState.REFUSED, text=audit.fit_reason(reason), code="REFUSED"
        )


async def withdraw(*, viewer: Viewer, approval_id: int, reason: str | None = None) -> Approval:
    """Take back what the viewer has asked for and was not done yet.

    Raises Unauthenticated, Forbidden, NotFound where somebody else has asked, ApprovalClosed, ReasonInvalid.
    """
    _require_operator(viewer)
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


async def find_approval(*, viewer: Viewer, approval_id: int) -> Approval | None:
    """An approval that the viewer has asked for, or may decide; an auditor sees all. Raises as `list_approvals`."""
    viewer.require(Permission.APPROVALS_READ)
    return await repository.find(
        approval_id, scope=viewer.scope, actor=viewer.actor, permissions=_permissions(viewer)
    )


async def list_approvals(
    *,
    viewer: Viewer,
    state: ApprovalState | None,
    kind: str | None,
    first: int,
    after: str | None,
) -> Page[Approval]:
    """What the viewer has asked for, or may decide, within the scope, the latest first; an auditor sees all.

    Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.APPROVALS_READ)
    paging.check_first(first)
    question = paging.fingerprint(list="approvals", viewer=viewer.actor, state=state, kind=kind)
    found = await repository.list_approvals(
        scope=viewer.scope,
        actor=viewer.actor,
        permissions=_permissions(viewer),
        state=state,
        kind=kind,
        after_id=None if after is None else _key(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.id,)) for each in shown),
        has_next=len(found) > first,
    )


async def open_payload(approval: Approval) -> Mapping[str, object]:
    """The payload of an open approval, once it is sure that the row is what its maker wrote.

    Raises ApprovalAltered.
    """
    sealed = await repository.find_payload(approval.id)
    if sealed is None or domain.digest_of(approval) != approval.digest:
        raise domain.ApprovalAltered
    try:
        text = sealing.current().unseal(sealed, context=_context(approval.digest))
    except SealBroken as error:
        if not sealing.current().holds(sealed.key_id):
            raise SealingKeyError(f"there is no sealing key {sealed.key_id!r}") from error
        raise domain.ApprovalAltered from error
    return cast("dict[str, object]", orjson.loads(text))


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
        raise domain.ApprovalClosed
    closed = await repository.close(
        approval.id, state, by=viewer.actor, at=clock.now(), code=code, text=text
    )
    await record(viewer, f"approval.{state.value.lower()}", closed, reason=text)
    kind = _kinds.get(closed.kind)
    if kind is not None and kind.dropped is not None:
        await kind.dropped(closed)
    return closed


async def disown(*, viewer: Viewer, actor: str, but: int | None = None) -> None:
    """An account has lost rights, or is no longer sure to be its owner's; in the transaction that takes them.

    What it has asked for and is open is withdrawn; what it granted and is not done yet waits for another's decision
    again, until it expires. `but` is the approval that is being executed by the caller.
    """
    async with db.transaction():
        for approval in await repository.lock_open_of(actor):
            if approval.id == but:
                continue
            if approval.maker == actor:
                await drop(
                    viewer,
                    approval,
                    ApprovalState.WITHDRAWN,
                    code="MAKER_RIGHTS_CHANGED",
                    text=domain.MAKER_RIGHTS_CHANGED,
                )
            else:
                await record(viewer, "approval.reopened", await repository.reopen(approval.id))


async def record(
    viewer: Viewer, action: str, approval: Approval, *, reason: str | None = None
) -> None:
    """Write a step of an approval into the trail, in the caller's transaction."""
    await audit.record(
        viewer=viewer,
        action=action,
        object_type=domain.OBJECT,
        object_id=str(approval.id),
        member_id=approval.member_id,
        before=approval.before,
        after={
            "kind": approval.kind,
            "object": f"{approval.object_type}:{approval.object_id}",
            "state": approval.state.value,
            "digest": approval.digest,
            "money_effect_rials": approval.money_effect_rials,
            "outcome": approval.outcome_code,
            "change": approval.after,
        },
        reason=reason,
        on_behalf_of=_represented(viewer, approval),
        province_code=approval.province_code,
        association_id=approval.association_id,
    )


def _represented(viewer: Viewer, approval: Approval) -> str | None:
    """Whom a job acts for: the maker of what it executes, also where it closes another approval by that."""
    if viewer.kind is ActorKind.OPERATOR:
        return None
    return audit.represented() or approval.maker


async def _locked_to_decide(viewer: Viewer, approval_id: int) -> Approval:
    """The approval, locked, where this viewer may decide it."""
    approval = await repository.lock(approval_id, scope=viewer.scope)
    if approval is None:
        raise NotFound(field=("approvalId",))
    if not viewer.may(approval.approve_permission):
        is_known = approval.maker == viewer.actor or viewer.may(Permission.AUDIT_READ)
        raise (
            Forbidden(approval.approve_permission) if is_known else NotFound(field=("approvalId",))
        )
    domain.require_independent(approval, actor=viewer.actor, created_by=viewer.created_by)
    viewer.require_not_own_file(approval.member_id)
    return approval


def _require_operator(viewer: Viewer) -> None:
    """Only a person decides: the system, which may do everything, may not do this."""
    viewer.require(Permission.APPROVALS_READ)
    if viewer.kind is not ActorKind.OPERATOR:
        raise Forbidden(Permission.APPROVALS_READ)


def _permissions(viewer: Viewer) -> frozenset[str] | None:
    return None if viewer.may(Permission.AUDIT_READ) else viewer.permissions


def _seal(payload: Mapping[str, object], *, digest: str) -> sealing.Sealed:
    text = orjson.dumps(payload).decode()
    if len(text) > domain.MAX_PAYLOAD_BYTES:
        raise domain.ApprovalMistakeError("a payload is too large")
    return sealing.current().seal(text, context=_context(digest))


def _context(digest: str) -> str:
    return f"approval.payload:{digest}"


def _key(cursor: str, question: str) -> int:
    (last_id,) = cast("tuple[int]", paging.decode_cursor(cursor, question, types=(int,)))
    return last_id
