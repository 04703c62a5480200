"""The inbox of a member."""

from datetime import datetime
from typing import Annotated

import strawberry

from backend.core import ids
from backend.core.errors import BadUserInput
from backend.core.ids import GlobalId
from backend.core.paging import Page
from backend.members.domain import SELF
from backend.notifications import domain, service
from backend.notifications.domain import NoticeCategory, TooManyMarked
from schema import errors
from schema.context import Info
from schema.errors import UserError
from schema.permissions import Requires
from schema.relay import Node, PageInfo, page_info

DEFAULT_FIRST = 20

strawberry.enum(NoticeCategory, description="What a notice is about.")


@strawberry.type(description="Something that a member must know, kept in the inbox.")
class Notice(Node):
    """A notice."""

    category: NoticeCategory = strawberry.field(description="What it is about.")
    title: str = strawberry.field(description="In a few words.")
    body: str = strawberry.field(description="In a few sentences.")
    deep_link: str | None = strawberry.field(
        description="A place in the app that it leads to; null where there is none."
    )
    created_at: datetime = strawberry.field(description="When it came.")
    read_at: datetime | None = strawberry.field(
        description="When the member read it; null while it is unread."
    )


@strawberry.type(description="A notice in a list.")
class NoticeEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: Notice = strawberry.field(description="The notice.")


@strawberry.type(description="Notices, the newest first.")
class NoticeConnection:
    """A page of notices."""

    edges: list[NoticeEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class MemberNotices:
    """The inbox among a member's fields."""

    @strawberry.field(description="The inbox, newest first: all of it, or a part.")
    async def notices(
        self,
        info: Info,
        first: int | None = DEFAULT_FIRST,
        after: str | None = None,
        unread_only: bool | None = False,
        category: NoticeCategory | None = None,
    ) -> NoticeConnection:
        """A page of notices."""
        page = await service.list_notices(
            viewer=info.context.viewer,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
            unread_only=bool(unread_only),
            category=category,
        )
        return _connection(info, page, after=after)

    @strawberry.field(description="How many notices the member has not read.")
    async def unread_notice_count(self, info: Info) -> int:
        """Counted at this moment."""
        return await service.unread_count(viewer=info.context.viewer)


@strawberry.input(
    description="Which notices were read: either some by their ids, or all that came before a moment."
)
class NoticesMarkReadInput:
    """What `noticesMarkRead` takes."""

    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These notices; at most 100."
    )
    before: datetime | None = strawberry.field(
        default=None, description="All notices that are older than this moment."
    )


@strawberry.type(description="The notices are marked as read.")
class NoticesMarked:
    """The success of `noticesMarkRead`."""

    unread_notice_count: int = strawberry.field(description="How many are left unread.")


@strawberry.type(
    description="The input names both kinds of choice, none, too many notices, or what is no notice."
)
class NoticesChoiceInvalid(UserError):
    """BAD_USER_INPUT."""


NoticesMarkReadResult = Annotated[
    NoticesMarked | NoticesChoiceInvalid,
    strawberry.union("NoticesMarkReadResult", description="What `noticesMarkRead` answers."),
]


@strawberry.type
class NoticesMutation:
    """The mutations of the inbox."""

    @strawberry.mutation(
        description="Marks notices as read. Needs a member; repeated, it changes nothing, and what is no notice of "
        "the member's counts as not sent.",
        extensions=[Requires(SELF)],
    )
    async def notices_mark_read(
        self,
        info: Info,
        input: NoticesMarkReadInput,  # noqa: A002 - the contract's name
    ) -> NoticesMarkReadResult:
        """Mark some or all as read."""
        try:
            left = await service.mark_read(
                viewer=info.context.viewer,
                notice_ids=None if input.ids is None else _own_keys(info, input.ids),
                before=input.before,
            )
        except BadUserInput as error:
            return errors.user_error(NoticesChoiceInvalid, error, info.context.locale)
        return NoticesMarked(unread_notice_count=left)


async def notice_by_id(info: Info, wanted: GlobalId) -> Notice | None:
    """The notice with this id, where it is the member's own."""
    if wanted.member_id is None or wanted.member_id != info.context.viewer.subject:
        return None
    found = await service.find_notice(viewer=info.context.viewer, notice_id=wanted.key)
    return None if found is None else _notice(found, wanted.member_id)


NODES = {"Notice": notice_by_id}


def _connection(info: Info, page: Page[domain.Notice], *, after: str | None) -> NoticeConnection:
    member_id = info.context.viewer.subject
    return NoticeConnection(
        edges=[
            NoticeEdge(cursor=cursor, node=_notice(each, member_id))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )


def _notice(value: domain.Notice, member_id: int | None) -> Notice:
    return Notice(
        id=strawberry.ID(GlobalId("Notice", value.id, member_id).encode()),
        category=value.category,
        title=value.title,
        body=value.body,
        deep_link=value.deep_link,
        created_at=value.created_at,
        read_at=value.read_at,
    )


def _own_keys(info: Info, given: list[strawberry.ID]) -> list[int]:
    """The keys in the ids of the member's own notices; those of others are left out."""
    if len(given) > domain.MAX_MARKED:  # before any of them is taken apart
        raise TooManyMarked(field=("ids",), most=domain.MAX_MARKED)
    wanted = [ids.decode(each, expected="Notice") for each in given]
    return [each.key for each in wanted if each.member_id == info.context.viewer.subject]
