"""The associations as an operator chooses one from them, within the own scope."""

from typing import Final, cast

from backend.core import paging, text
from backend.core.paging import Page
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.organization import domain, repository
from backend.organization.domain import StoredUnit, UnitSearchInvalid

_FIRST: Final = ("", 0)
# Some hundreds there are. Names are compared by the rules of text, which SQL does not know, so that a search reads
# on, this many at a time.
_READ_AT_ONCE: Final = 500


async def list_associations(
    *,
    viewer: Viewer,
    province_code: str | None,
    search: str | None,
    first: int,
    after: str | None,
) -> Page[StoredUnit]:
    """The associations in the viewer's scope by name; `search` begins words of the name, the code or the town.

    Raises Unauthenticated, Forbidden, UnitSearchInvalid, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.OPERATOR_SELF)
    paging.check_first(first)
    terms = _terms(search or "")
    question = paging.fingerprint(list="associations", province=province_code, terms=terms)
    place = _FIRST if after is None else _place(after, question)
    found: list[StoredUnit] = []
    while len(found) <= first:
        read = await repository.list_associations_by_name(
            scope=viewer.scope,
            province_code=province_code,
            after=place,
            limit=_READ_AT_ONCE if terms else first + 1,
        )
        found += [each for each in read if domain.is_found(each, terms)]
        if not terms or len(read) < _READ_AT_ONCE:
            break
        place = (read[-1].sort_key, read[-1].id)
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.sort_key, each.id)) for each in shown),
        has_next=len(found) > first,
    )


def _terms(search: str) -> tuple[str, ...]:
    if len(search) > domain.MAX_SEARCH_CHARACTERS:
        raise UnitSearchInvalid(field=("search",), most=domain.MAX_SEARCH_CHARACTERS)
    return text.search_terms(search)


def _place(cursor: str, question: str) -> tuple[str, int]:
    key = paging.decode_cursor(cursor, question, types=(str, int))
    return cast("tuple[str, int]", key)
