"""What a list of drafts may not do to places that are there already. Pure rules; codes as they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from backend.core.viewer import Scope
from backend.stores.domain import StoreDraft


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is left of a list: `drafts` to save, by code.

    `refused` are the codes of places outside the scope. `settlements_left` are those of drafts that say another
    settlement than is stored and are saved without it. Both in capitals.
    """

    drafts: Mapping[str, StoreDraft]
    refused: frozenset[str]
    settlements_left: frozenset[str]


def allowed(
    wanted: Mapping[str, StoreDraft],
    stored: Mapping[str, StoreDraft],
    *,
    scope: Scope,
    may_settle: bool,
) -> Allowed:
    """What of `wanted` may be saved over `stored`, both by code and with settlements.

    A settlement that is there is changed by an approved request alone, never by a list; a first one only by a list
    that `may_settle`.
    """
    drafts, refused, left = {}, set(), set()
    for code, draft in wanted.items():
        old = stored.get(code)
        if old is not None and not scope.covers(province_code=old.province_code):
            refused.add(code.upper())
            continue
        present = None if old is None else old.settlement
        if draft.settlement is not None and (present is not None or not may_settle):
            if draft.settlement != present:
                left.add(code.upper())
            draft = replace(draft, settlement=None)  # noqa: PLW2901 - the same draft without it
        drafts[code] = draft
    return Allowed(drafts, frozenset(refused), frozenset(left))
