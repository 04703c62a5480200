"""Use cases of operators who look for a member and read the file; within their scope, and never unseen."""

from collections.abc import Collection, Sequence
from typing import Final, cast

from backend.audit import service as audit
from backend.core import identifiers, paging, permissions
from backend.core.errors import NotFound
from backend.core.paging import Page
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db
from backend.members import acting, repository_finding, seals, search_keys
from backend.members.domain import FoundMember, Member, Reach
from backend.members.repository_finding import NamePlace
from backend.members.search_keys import SearchKeys

MAX_FOUND: Final = (
    25  # a page: more than to tell apart people of one name is for nobody to take away
)


async def search_members(
    *, viewer: Viewer, search: str, first: int, after: str | None
) -> Page[FoundMember]:
    """The members in the viewer's scope with this national code, phone, pension number or name, by name.

    Of the words of a name one begins the surname, however its parts are joined, and each begins a word of the name.
    At most MAX_FOUND a page. Recorded with the kind of key, not the key, and with all whom it showed. Raises
    Unauthenticated, Forbidden, MemberSearchInvalid, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.MEMBERS_SEARCH)
    paging.check_first(first, most=MAX_FOUND)
    keys = search_keys.read(search)
    # Of a national code and a phone a cursor must not be made that anybody could try codes on.
    question = paging.fingerprint(list="members", kinds=keys.kinds, terms=keys.name_terms)
    place = None if after is None else _place(after, question)
    reach = await acting.reach_of(viewer.scope)
    async with db.transaction():
        found = await _list(keys, reach=reach, after=place, limit=first + 1)
        shown = found[:first]
        await audit.record(
            viewer=viewer,
            action="members.search",
            object_type="Member",
            object_id="*",
            after={
                "searched_by": list(keys.kinds),
                "shown": len(shown),
                "members": [member.id for member, _ in shown],
            },
        )
    return Page(
        items=tuple(member for member, _ in shown),
        cursors=tuple(
            paging.encode_cursor(question, (each.name_order, each.member_id)) for _, each in shown
        ),
        has_next=len(found) > first,
    )


async def open_file(*, viewer: Viewer, member_id: int, purpose: str) -> Member:
    """A member's file, for a purpose that the member is shown with the viewer's role and office.

    Raises Unauthenticated, Forbidden, NotFound (outside the scope, too), OwnFile, ReasonInvalid.
    """
    viewer.require(Permission.MEMBERS_READ)
    viewer.require_not_own_file(member_id)
    reach = await acting.reach_of(viewer.scope)
    async with db.transaction():
        found = await repository_finding.find_member(member_id, reach=reach)
        if found is None:
            raise NotFound
        await audit.record_read(
            viewer=viewer,
            member_id=member_id,
            reader_role=_reader_role(viewer),
            reader_office=viewer.office,
            purpose=purpose,
        )
    return found


async def readable_ids(*, viewer: Viewer, member_ids: Collection[int]) -> frozenset[int]:
    """Whose of these files `open_file` would open; none to who may read none, and never the own."""
    if not viewer.may(Permission.MEMBERS_READ):
        return frozenset()
    reach = await acting.reach_of(viewer.scope)
    found = await repository_finding.list_ids(member_ids, reach=reach)
    return found - {viewer.own_member_id}


def _reader_role(viewer: Viewer) -> str:
    if viewer.break_glass is not None:
        return permissions.shown_emergency(viewer.break_glass.role)
    return permissions.shown_roles(viewer.roles) or viewer.kind.value


def masked_national_code(member: FoundMember | Member) -> str:
    """The end of the national code of a member who was found, or whose file was opened."""
    return seals.masked_national_code(member.national_code, member_id=member.id)


def masked_phone(phone: str | None) -> str | None:
    """The beginning and the end of a phone, to tell one from another."""
    return None if phone is None else identifiers.mask_phone(phone)


async def _list(
    keys: SearchKeys, *, reach: Reach, after: NamePlace | None, limit: int
) -> Sequence[tuple[FoundMember, NamePlace]]:
    if not keys.name_terms:
        return await repository_finding.list_by_number(keys, reach=reach, after=after, limit=limit)
    return await repository_finding.list_by_name(
        keys.name_terms, reach=reach, after=after, limit=limit
    )


def _place(cursor: str, question: str) -> NamePlace:
    key = paging.decode_cursor(cursor, question, types=(str, int))
    return NamePlace(*cast("tuple[str, int]", key))
