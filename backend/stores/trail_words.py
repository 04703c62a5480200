"""A place in the words of the trail: what an entry says of it before and after."""

from hashlib import sha256
from typing import Final

from backend.stores import opening_text
from backend.stores.domain import StoreDraft

_SHOWN_CHARACTERS: Final = 300  # of a long text


def difference(
    stored: StoreDraft, draft: StoreDraft
) -> tuple[dict[str, object], dict[str, object]]:
    """What changes, before and after; offers that the draft does not tell of stay as they are."""
    before, after = shown(stored), shown(draft)
    changed = sorted(name for name, value in after.items() if before[name] != value)
    if draft.offers is None and "offers" in changed:
        changed.remove("offers")
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}


def shown(draft: StoreDraft) -> dict[str, object]:
    """All of a place: no phone, which may be a person's own, and nothing of how it is paid."""
    terms = draft.terms
    return {
        "store_code": draft.code,
        "kind": draft.kind.value,
        "state": draft.state.value,
        "name": draft.name,
        "category": draft.category_code,
        "province": draft.province_code,
        "city": draft.city,
        "street": draft.address,
        "place": [draft.location.latitude, draft.location.longitude],
        "numbers": _digest("; ".join(draft.phones)),
        "hours": _short(opening_text.format_weekly(draft.schedule.periods)),
        "exceptions": _short(opening_text.format_exceptions(draft.schedule.exceptions)),
        "open_on_holidays": draft.schedule.open_on_holidays,
        "terms": None
        if terms is None
        else [terms.min_months, terms.max_months, terms.min_amount_rials, terms.max_amount_rials],
        "offers": [
            [each.title, str(each.valid_from), str(each.valid_until or ""), _digest(each.body)]
            for each in sorted(draft.offers or (), key=lambda each: (each.valid_from, each.title))
        ],
    }


def _short(shown: str) -> str:
    """A text as it is; of a long one the beginning, and what tells it from another."""
    if len(shown) <= _SHOWN_CHARACTERS:
        return shown
    return f"{shown[:_SHOWN_CHARACTERS]}… {_digest(shown)}"


def _digest(shown: str) -> str:
    return sha256(shown.encode()).hexdigest()[:16] if shown else ""
