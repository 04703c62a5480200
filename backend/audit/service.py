"""Use cases of the audit trail: others record in their own transaction, a member reads who read the own file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import orjson

from backend.audit import domain, reads, repository
from backend.audit.domain import (
    AuditMistakeError,
    Entry,
    FileRead,
    NewFileRead,
    StoredEntry,
    TrailFilter,
)
from backend.core import addresses, clock, paging
from backend.core import origin as origins
from backend.core.errors import Forbidden
from backend.core.paging import Page
from backend.core.permissions import Permission
from backend.core.viewer import ActorKind, Scope, Viewer
from backend.infra import db, redaction, telemetry
from backend.infra.partitions import Place

_acting_for: ContextVar[str | None] = ContextVar("acting_for", default=None)


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
    on_behalf_of: str | None = None,
    province_code: str | None = None,
    association_id: int | None = None,
) -> None:
    """Record what the viewer did, in the caller's transaction: it is kept if that commits.

    `before` and `after` hold what JSON can, and nothing personal: a key such as `phone` is refused, texts that look
    like a number of a person are blotted out, in `reason` too. `on_behalf_of` is whom the viewer acts for where the
    viewer does not say it. What is done while an emergency of the viewer runs names it in `after`, as `break_glass`.
    Province and association, those of the object or its member, let operators of that scope
    see the entry; where neither is given they are those of the viewer, whose scope is one of them. Raises ReasonInvalid
    and AuditMistakeError.
    """
    if province_code is None and association_id is None:
        province_code, association_id = viewer.scope.one_place
    origin = origins.current()
    await repository.insert_entry(
        Entry(
            created_at=clock.now(),
            actor_kind=viewer.kind,
            actor=viewer.actor,
            on_behalf_of=on_behalf_of or _acting_for.get() or _represented(viewer),
            member_id=member_id,
            province_code=province_code,
            association_id=association_id,
            action=action,
            object_type=object_type,
            object_id=object_id,
            before=None if before is None else fit(before),
            after=_fit_after(viewer, after),
            reason=None if reason is None else fit_reason(reason),
            address=addresses.exact(origin.address),
            session_id=origin.session_id,
            trace_id=telemetry.trace_id(),
        )
    )


@contextmanager
def acting_for(actor: str) -> Iterator[None]:
    """What is recorded inside the block says that it is done for this account."""
    token = _acting_for.set(actor)
    try:
        yield
    finally:
        _acting_for.reset(token)


def represented() -> str | None:
    """The account that what is recorded now is done for, inside `acting_for`."""
    return _acting_for.get()


async def record_read(
    *, viewer: Viewer, member_id: int, reader_role: str, reader_office: str, purpose: str
) -> None:
    """Record that the viewer read a member's file; done once this returns, so await it before the file is answered.

    In the caller's transaction where there is one; else reads of the same moment share a statement and a commit.
    The member is shown role, office and purpose, not the account. Raises ReasonInvalid, and Unavailable where it
    can't be kept: then the file may not be shown.
    """
    read = NewFileRead(
        created_at=clock.now(),
        member_id=member_id,
        reader_role=reader_role,
        reader_office=reader_office,
        actor=viewer.actor,
        purpose=fit_reason(purpose, field="purpose"),
    )
    if db.is_in_transaction():
        await repository.insert_file_reads([read])
    else:
        await reads.keep(read)


async def list_entries(
    *, viewer: Viewer, asked: TrailFilter, first: int, after: str | None
) -> Page[StoredEntry]:
    """The entries of the trail within the viewer's scope, newest first.

    Entries without a province are seen by who sees the whole nation. Raises Unauthenticated, Forbidden,
    TrailFilterInvalid, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.AUDIT_READ)
    return await _page(asked, scope=viewer.scope, first=first, after=after)


async def list_entries_of_member(
    *, viewer: Viewer, member_id: int, first: int, after: str | None
) -> Page[StoredEntry]:
    """What was done with a member's file, newest first, for who may read it: the caller has looked at the scope.

    Raises Unauthenticated, Forbidden, OwnFile, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.MEMBERS_READ)
    viewer.require_not_own_file(member_id)
    whole = Scope(nation=True)
    return await _page(TrailFilter(member_id=member_id), scope=whole, first=first, after=after)


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


async def _page(
    asked: TrailFilter, *, scope: Scope, first: int, after: str | None
) -> Page[StoredEntry]:
    domain.check_filter(asked)
    paging.check_first(first)
    question = paging.fingerprint(list="audit_trail", asked=asked, scope=scope)
    found = await repository.list_entries(
        asked,
        scope=scope,
        after=None if after is None else Place.of_cursor(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(Place(each.created_at, each.id).cursor(question) for each in shown),
        has_next=len(found) > first,
    )


def fit_reason(text: str, *, field: str = "reason") -> str:
    """The text checked and without numbers of persons. Raises ReasonInvalid."""
    checked = domain.check_reason(text, field=field)
    # A blot may be longer than what it covers.
    return redaction.redact_text(checked)[: domain.MAX_REASON_CHARACTERS]


def fit(change: Mapping[str, object]) -> dict[str, object]:
    """The change as the trail may hold it. Raises AuditMistakeError where it is personal, too large or no JSON."""
    found = {key: _fit(key, value, depth=1) for key, value in change.items()}
    try:
        size = len(orjson.dumps(found))
    except TypeError as error:
        raise AuditMistakeError("a change holds what JSON can't write") from error
    if size > domain.MAX_CHANGE_BYTES:
        raise AuditMistakeError(f"a change is larger than {domain.MAX_CHANGE_BYTES} bytes")
    return found


def _fit_after(viewer: Viewer, after: Mapping[str, object] | None) -> dict[str, object] | None:
    """The change, with the id of the viewer's emergency where one runs."""
    if viewer.break_glass is None:
        return None if after is None else fit(after)
    return fit({**(after or {}), "break_glass": viewer.break_glass.id})


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


def _represented(viewer: Viewer) -> str | None:
    """The member whom somebody else acts for."""
    if viewer.subject is None or viewer.kind is not ActorKind.MEMBER:
        return None
    member = f"member:{viewer.subject}"
    return None if viewer.actor == member else member
