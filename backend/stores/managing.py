"""Use cases of operators who keep the stores: read all of them, add, change, suspend and resume."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, cast

from backend.audit import service as audit
from backend.core import paging, text
from backend.core.errors import DomainError, NotFound, sentences
from backend.core.paging import Page
from backend.core.permissions import Permission
from backend.core.viewer import Scope, Viewer
from backend.infra import db
from backend.stores import (
    domain,
    reference,
    repository_managing,
    saving,
    store_forms,
    trail_words,
)
from backend.stores.domain import SearchInvalid, StoreDraft, StoreRecord, StoreState
from backend.stores.store_forms import StoreForm

OBJECT: Final = saving.OBJECT


class StoreChangedMeanwhile(DomainError):
    """Somebody else has changed the store since the operator saw it."""

    code = "STORE_CHANGED_MEANWHILE"
    texts = sentences(
        fa="این فروشگاه پس از آنکه آن را دیدید تغییر کرده است و چیزی ذخیره نشد؛ نسخهٔ اکنون {version} است.",
        en="The store was changed after you saw it, and nothing was saved; its version is {version} now.",
    )
    hints = sentences(
        fa="فروشگاه را دوباره باز کنید، تغییر همکارتان را ببینید و دوباره ذخیره کنید.",
        en="Open the store again, look at your colleague's change, and save once more.",
    )


class StoreCodeTaken(DomainError):
    """Another place has the code already, in capital or small letters."""

    code = "STORE_CODE_TAKEN"
    texts = sentences(fa="فروشگاه دیگری این کد را دارد.", en="Another store has this code already.")
    hints = sentences(fa="کد دیگری بدهید.", en="Give another code.")


async def list_records(
    *, viewer: Viewer, search: str | None, state: StoreState | None, first: int, after: str | None
) -> Page[StoreRecord]:
    """The places in the viewer's scope by code, suspended ones too.

    Raises Unauthenticated, Forbidden, SearchInvalid, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.STORES_READ_ALL)
    paging.check_first(first)
    terms = _terms(search or "")
    question = paging.fingerprint(list="store_records", terms=terms, state=state)
    code = "" if after is None else _code(after, question)
    found = await repository_managing.list_records(
        scope=viewer.scope, terms=terms, state=state, after=code, limit=first + 1
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.draft.code,)) for each in shown),
        has_next=len(found) > first,
    )


async def find_record(*, viewer: Viewer, store_id: int) -> StoreRecord | None:
    """A place in the viewer's scope, suspended or not. Raises Unauthenticated, Forbidden."""
    viewer.require(Permission.STORES_READ_ALL)
    return await repository_managing.find_record(store_id, scope=viewer.scope)


async def readable_ids(*, viewer: Viewer, store_ids: Collection[int]) -> frozenset[int]:
    """Which of these places `find_record` would show; none to who may not read all of them."""
    if not viewer.may(Permission.STORES_READ_ALL):
        return frozenset()
    return await repository_managing.list_ids(store_ids, scope=viewer.scope)


async def create_store(*, viewer: Viewer, code: str, form: StoreForm) -> StoreRecord:
    """Add a place, active at once; how it is paid is asked for on its own.

    Raises Unauthenticated, Forbidden, StoreFormInvalid, StoreCodeTaken.
    """
    viewer.require(Permission.STORES_MANAGE)
    draft = store_forms.new_place(code, form, known=await reference.within(viewer.scope))
    async with db.transaction():
        saved = await saving.save_drafts(viewer=viewer, drafts=[draft])
        if not saved.created:
            raise StoreCodeTaken(field=("code",))
        store_id = await repository_managing.get_id(draft.code)
        await _record(viewer, "stores.create", store_id, draft, after=trail_words.shown(draft))
        return await _stored(store_id, viewer.scope)


async def update_store(
    *, viewer: Viewer, store_id: int, version: int, form: StoreForm
) -> StoreRecord:
    """Change what the form gives of a place that is still as the operator saw it; a mobile that it loses is told.

    Raises Unauthenticated, Forbidden, NotFound, StoreChangedMeanwhile, StoreFormInvalid.
    """
    viewer.require(Permission.STORES_MANAGE)
    known = await reference.within(viewer.scope)
    async with db.transaction():
        stored = await _locked(viewer, store_id, version)
        draft = store_forms.changed_place(stored.draft, form, known=known)
        return await _save(viewer, "stores.update", stored, draft)


async def set_state(
    *, viewer: Viewer, store_id: int, version: int, state: StoreState, reason: str
) -> StoreRecord:
    """Take a place off the map and out of purchases, or put it back; in every process within a second.

    Raises Unauthenticated, Forbidden, NotFound, StoreChangedMeanwhile, ReasonInvalid.
    """
    viewer.require(Permission.STORES_MANAGE)
    action = "stores.suspend" if state is StoreState.SUSPENDED else "stores.resume"
    checked = audit.fit_reason(reason)
    async with db.transaction():
        stored = await _locked(viewer, store_id, version)
        draft = replace(stored.draft, state=state, settlement=None, offers=None)
        return await _save(viewer, action, stored, draft, reason=checked)


async def _save(
    viewer: Viewer,
    action: str,
    stored: StoreRecord,
    draft: StoreDraft,
    *,
    reason: str | None = None,
) -> StoreRecord:
    saved = await saving.save_drafts(viewer=viewer, drafts=[draft])
    if not saved.changed:
        return stored
    before, after = trail_words.difference(stored.draft, draft)
    await _record(viewer, action, stored.id, draft, before=before, after=after, reason=reason)
    return await _stored(stored.id, viewer.scope)


async def _record(
    viewer: Viewer,
    action: str,
    store_id: int,
    draft: StoreDraft,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object],
    reason: str | None = None,
) -> None:
    await audit.record(
        viewer=viewer,
        action=action,
        object_type=OBJECT,
        object_id=str(store_id),
        before=before,
        after=after,
        reason=reason,
        province_code=draft.province_code,
    )


async def _locked(viewer: Viewer, store_id: int, version: int) -> StoreRecord:
    stored = await repository_managing.lock_record(store_id, scope=viewer.scope)
    if stored is None:
        raise NotFound(field=("id",))
    if stored.version != version:
        raise StoreChangedMeanwhile(field=("version",), version=stored.version)
    return stored


async def _stored(store_id: int, scope: Scope) -> StoreRecord:
    found = await repository_managing.find_record(store_id, scope=scope)
    if found is None:
        raise NotFound(field=("id",))
    return found


def _terms(search: str) -> tuple[str, ...]:
    terms = text.search_terms(search[: domain.MAX_SEARCH_CHARACTERS + 1])
    if len(search) > domain.MAX_SEARCH_CHARACTERS or len(terms) > domain.MAX_SEARCH_TERMS:
        raise SearchInvalid(
            field=("search",),
            characters=domain.MAX_SEARCH_CHARACTERS,
            words=domain.MAX_SEARCH_TERMS,
        )
    return terms


def _code(cursor: str, question: str) -> str:
    (code,) = paging.decode_cursor(cursor, question, types=(str,))
    return cast("str", code)
