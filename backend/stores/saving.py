"""Saving whole places by their codes: what imports and the seed do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from backend.audit import service as audit
from backend.core import identifiers
from backend.core.errors import BadUserInput, sentences
from backend.core.viewer import ActorKind, Viewer
from backend.infra import db
from backend.stores import (
    bulk_rules,
    directory_keeper,
    mobiles,
    repository,
    repository_drafts,
    repository_parts,
    trail_words,
)
from backend.stores.bulk_rules import Allowed
from backend.stores.domain import OfferDraft, StoreCategory, StoreDraft
from backend.stores.mobiles import PhonesChange
from backend.stores.opening import OpeningException, OpeningSchedule
from backend.stores.repository_drafts import StoredDraft

MANAGE = "stores.manage"
OBJECT: Final = "Store"  # in the trail
MAX_DRAFTS = 1_000


@dataclass(frozen=True, slots=True)
class SaveOutcome:
    """How many places were created, changed, and found to be just so already.

    `refused` are the codes of places outside the viewer's scope, none of which is among the figures;
    `settlements_left` those whose other or first settlement was passed over. Both in capitals.
    """

    created: int
    changed: int
    unchanged: int
    refused: frozenset[str] = frozenset()
    settlements_left: frozenset[str] = frozenset()


class DraftsInvalid(BadUserInput):
    """More drafts than one call takes, a code twice among them, or an unknown category."""

    code = "DRAFTS_INVALID"
    texts = sentences(
        fa="این فهرست ذخیره نشد: بیش از {most} فروشگاه دارد، یا کدی تکراری، یا دسته‌ای ناشناخته.",
        en="This list was not saved: it has more than {most} stores, a code twice, or an unknown category.",
    )
    hints = sentences(
        fa="فهرست را اصلاح یا چند بخش کنید.", en="Correct the list, or split it into parts."
    )

    def __init__(self) -> None:
        super().__init__(most=MAX_DRAFTS)


async def save_drafts(
    *,
    viewer: Viewer,
    drafts: Sequence[StoreDraft],
    tells_removed: bool = True,
    recorded_as: str | None = None,
) -> SaveOutcome:
    """Insert or update places by code, all in one transaction, 1,000 a call at most.

    Capital and small letters of a code are the same; a place keeps the code under which it is stored. A
    place that is as its draft says is left alone: its version and time of change stay. Places outside the viewer's
    scope are left alone, and so is how a place is paid; only the system writes a first settlement. A mobile that a
    place loses is told, unless `tells_removed` is false. Each place that is made or changed is recorded in the trail
    as the act `recorded_as`, where the caller does not record it. Another import of the same places waits for this one.
    Raises Unauthenticated, Forbidden, DraftsInvalid.
    """
    viewer.require(MANAGE)
    by_capitals = _checked(drafts)
    async with db.transaction():
        categories = await _categories(by_capitals)
        existing = await repository_drafts.list_stored_codes(list(by_capitals))
        wanted = _under_stored_codes(by_capitals, existing)
        missing = [draft for capitals, draft in by_capitals.items() if capitals not in existing]
        created = await repository_drafts.insert_places(missing, categories=categories)
        others = [code for code in wanted if code not in created]
        await repository_drafts.lock_places(others)
        # Read only now: what a transaction that we waited for has written is seen as well.
        stored = await _stored(others, wanted)
        allowed = _allowed(viewer, wanted, stored)
        changed = _changed(allowed, stored)
        await repository_drafts.update_places(
            [allowed.drafts[code] for code in changed], categories=categories
        )
        ids = created | {code: stored[code].id for code in changed}
        await _save_parts([(ids[code], allowed.drafts[code], stored.get(code)) for code in ids])
        if recorded_as is not None:
            for code, store_id in ids.items():
                await _record(viewer, recorded_as, store_id, allowed.drafts[code], stored.get(code))
        if tells_removed:
            await mobiles.tell_removed(
                [_phones_change(stored[code], allowed.drafts[code]) for code in changed]
            )
        await db.after_commit(directory_keeper.announce)
    return _outcome(len(created), len(changed), allowed)


async def preview_drafts(*, viewer: Viewer, drafts: Sequence[StoreDraft]) -> SaveOutcome:
    """Tell what `save_drafts` would do now; nothing is written or locked. Raises the same."""
    viewer.require(MANAGE)
    by_capitals = _checked(drafts)
    await _categories(by_capitals)
    existing = await repository_drafts.list_stored_codes(list(by_capitals))
    wanted = _under_stored_codes(by_capitals, existing)
    stored = await _stored(list(existing.values()), wanted)
    allowed = _allowed(viewer, wanted, stored)
    return _outcome(len(wanted) - len(stored), len(_changed(allowed, stored)), allowed)


async def _record(
    viewer: Viewer, action: str, store_id: int, draft: StoreDraft, stored: StoredDraft | None
) -> None:
    """Of a place that has just been made or changed; also where its money goes from now on, as far as that is shown."""
    before, after = (
        (None, trail_words.shown(draft))
        if stored is None
        else trail_words.difference(stored.draft, draft)
    )
    old = None if stored is None else stored.draft.settlement
    if draft.settlement is not None and draft.settlement != old:
        after["account"] = identifiers.mask_iban(draft.settlement.iban)
    await audit.record(
        viewer=viewer,
        action=action,
        object_type=OBJECT,
        object_id=str(store_id),
        before=before,
        after=after,
        province_code=draft.province_code,
    )


def _allowed(
    viewer: Viewer, wanted: Mapping[str, StoreDraft], stored: Mapping[str, StoredDraft]
) -> Allowed:
    return bulk_rules.allowed(
        wanted,
        {code: each.draft for code, each in stored.items()},
        scope=viewer.scope,
        may_settle=viewer.kind is ActorKind.SYSTEM,
    )


def _changed(allowed: Allowed, stored: Mapping[str, StoredDraft]) -> list[str]:
    """The codes of the places that are there and differ from what may be saved."""
    return [
        code
        for code, draft in allowed.drafts.items()
        if code in stored and _differs(stored[code].draft, draft)
    ]


def _outcome(created: int, changed: int, allowed: Allowed) -> SaveOutcome:
    return SaveOutcome(
        created,
        changed,
        len(allowed.drafts) - created - changed,
        allowed.refused,
        allowed.settlements_left,
    )


def _phones_change(stored: StoredDraft, draft: StoreDraft) -> PhonesChange:
    """Of a place that has just been changed."""
    return PhonesChange(
        stored.id, stored.version + 1, stored.draft.name, stored.draft.phones, draft.phones
    )


def _checked(drafts: Sequence[StoreDraft]) -> dict[str, StoreDraft]:
    """The drafts by their codes in capitals."""
    by_capitals = {draft.code.upper(): draft for draft in drafts}
    if len(drafts) > MAX_DRAFTS or len(by_capitals) < len(drafts):
        raise DraftsInvalid
    return by_capitals


def _under_stored_codes(
    by_capitals: Mapping[str, StoreDraft], stored_codes: Mapping[str, str]
) -> dict[str, StoreDraft]:
    """The drafts by the codes under which they are stored, or will be: settlements are sealed for those."""
    codes = {
        capitals: stored_codes.get(capitals, draft.code) for capitals, draft in by_capitals.items()
    }
    return {
        code: by_capitals[capitals]
        if by_capitals[capitals].code == code
        else replace(by_capitals[capitals], code=code)
        for capitals, code in codes.items()
    }


async def _categories(wanted: Mapping[str, StoreDraft]) -> dict[str, StoreCategory]:
    categories = {category.code: category for category in await repository.list_categories()}
    if any(draft.category_code not in categories for draft in wanted.values()):
        raise DraftsInvalid
    return categories


async def _stored(codes: Sequence[str], wanted: dict[str, StoreDraft]) -> dict[str, StoredDraft]:
    with_settlement = any(wanted[code].settlement is not None for code in codes)
    return await repository_drafts.list_drafts(codes, with_settlement=with_settlement)


async def _save_parts(places: Sequence[tuple[int, StoreDraft, StoredDraft | None]]) -> None:
    """Write hours, offers and settlements where they differ; a new place had none of them."""
    periods: dict[int, OpeningSchedule] = {}
    exceptions: dict[int, OpeningSchedule] = {}
    offers = {}
    settlements = {}
    for store_id, draft, stored in places:
        old, new = _canonical(_NOTHING if stored is None else stored.draft.schedule), draft.schedule
        if old.periods != _canonical(new).periods:
            periods[store_id] = new
        if old.exceptions != _canonical(new).exceptions:
            exceptions[store_id] = new
        if draft.offers is not None and _offers(draft) != _offers(
            None if stored is None else stored.draft
        ):
            offers[store_id] = draft.offers
        if draft.settlement is not None and (
            stored is None or stored.draft.settlement != draft.settlement
        ):
            settlements[store_id] = (draft.code, draft.settlement)
    if periods:
        await repository_parts.replace_periods(periods)
    if exceptions:
        await repository_parts.replace_exceptions(exceptions)
    if offers:
        await repository_parts.replace_offers(offers)
    if settlements:
        await repository_parts.save_settlements(settlements)


def _differs(stored: StoreDraft, draft: StoreDraft) -> bool:
    """Whether a draft changes anything; what it leaves alone is no difference."""
    as_drafted = replace(
        stored,
        schedule=_canonical(stored.schedule),
        settlement=None if draft.settlement is None else stored.settlement,
        offers=None if draft.offers is None else _offers(stored),
    )
    offers = None if draft.offers is None else _offers(draft)
    return as_drafted != replace(draft, schedule=_canonical(draft.schedule), offers=offers)


_NOTHING = OpeningSchedule(periods=())


def _canonical(schedule: OpeningSchedule) -> OpeningSchedule:
    """The same hours in the one order in which they can be compared."""
    exceptions = (
        OpeningException(each.on_date, tuple(sorted(each.periods))) for each in schedule.exceptions
    )
    return OpeningSchedule(
        periods=tuple(sorted(schedule.periods, key=lambda each: (each.weekday, each.opens_minute))),
        exceptions=tuple(sorted(exceptions, key=lambda each: each.on_date)),
        open_on_holidays=schedule.open_on_holidays,
    )


def _offers(draft: StoreDraft | None) -> tuple[OfferDraft, ...]:
    offers = () if draft is None else draft.offers or ()
    return tuple(
        sorted(
            offers,
            key=lambda each: (
                each.valid_from,
                each.title,
                each.body,
                each.valid_until or date.max,
            ),
        )
    )
