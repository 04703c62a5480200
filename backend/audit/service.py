"""Use cases of the audit trail: others record in their own transaction, a member reads who read the own file."""

from collections.abc import Mapping

import orjson

from backend.audit import domain, repository
from backend.audit.domain import AuditMistakeError, Entry, FileRead
from backend.core import clock, paging
from backend.core.errors import Forbidden
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.infra import redaction, telemetry
from backend.infra.partitions import Place


async def record(
    *,
    viewer: Viewer,
    action: str,
    object_type: str,
    object_id: str,
    member_id: int | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str | None = None,
) -> None:
    """Record what the viewer did, in the caller's transaction: it is kept if that commits.

    `before` and `after` hold what JSON can, and nothing personal: a key such as `phone` is refused, texts that look
    like a number of a person are blotted out, in `reason` too. Raises ReasonInvalid and AuditMistakeError.
    """
    await repository.insert_entry(
        Entry(
            created_at=clock.now(),
            actor_kind=viewer.kind,
            actor=viewer.actor,
            member_id=member_id,
            action=action,
            object_type=object_type,
            object_id=object_id,
            before=_impersonal(before),
            after=_impersonal(after),
            reason=None if reason is None else _reason(reason),
            trace_id=telemetry.trace_id(),
        )
    )


async def record_read(
    *, viewer: Viewer, member_id: int, reader_role: str, reader_office: str, purpose: str
) -> None:
    """Record that the viewer read a member's file, in the caller's transaction.

    The member is shown role, office and purpose, not the account. Raises ReasonInvalid.
    """
    await repository.insert_file_read(
        created_at=clock.now(),
        member_id=member_id,
        reader_role=reader_role,
        reader_office=reader_office,
        actor=viewer.actor,
        purpose=_reason(purpose, field="purpose"),
    )


async def list_reads(
    *, viewer: Viewer, member_id: int, first: int, after: str | None
) -> Page[FileRead]:
    """Who read the member's file, newest first; for that member alone.

    Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(domain.MEMBER_SELF)
    if viewer.subject != member_id:
        raise Forbidden(domain.MEMBER_SELF)
    paging.check_first(first)
    question = paging.fingerprint(list="file_reads", member=member_id)
    found = await repository.list_file_reads(
        member_id=member_id,
        after=None if after is None else Place.of_cursor(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(Place(each.created_at, each.id).cursor(question) for each in shown),
        has_next=len(found) > first,
    )


def _reason(text: str, *, field: str = "reason") -> str:
    """The text checked and without numbers of persons; a blot may be longer than what it covers."""
    checked = domain.check_reason(text, field=field)
    return redaction.redact_text(checked)[: domain.MAX_REASON_CHARACTERS]


def _impersonal(change: Mapping[str, object] | None) -> Mapping[str, object] | None:
    if change is None:
        return None
    fit = {key: _fit(key, value, depth=1) for key, value in change.items()}
    try:
        size = len(orjson.dumps(fit))
    except TypeError as error:
        raise AuditMistakeError("a change holds what JSON can't write") from error
    if size > domain.MAX_CHANGE_BYTES:
        raise AuditMistakeError(f"a change is larger than {domain.MAX_CHANGE_BYTES} bytes")
    return fit


def _fit(key: str, value: object, *, depth: int) -> object:
    """The value as the trail may hold it. Numbers stay: one amount in eleven looks like a national code."""
    if redaction.is_sensitive(key) and not isinstance(value, bool | None):
        raise AuditMistakeError(f"{key!r} is personal or secret")
    if depth > domain.MAX_CHANGE_DEPTH:
        raise AuditMistakeError("a change is nested too deeply")
    if isinstance(value, Mapping):
        return {str(name): _fit(str(name), each, depth=depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_fit(key, each, depth=depth + 1) for each in value]
    return redaction.redact_text(value) if isinstance(value, str) else value
