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
from schema import enums, errors
from schema.context import Info
from schema.errors import UserError
from schema.permissions import Requires
from schema.relay import After, First, Node, PageInfo, own_id, own_key, page_info

DEFAULT_FIRST = 20

enums.describe(
    NoticeCategory,
    "What a notice is about.",
    PURCHASE="A purchase that waits, was confirmed, or changed.",
    INSTALMENT="An instalment that is due, was deducted, or failed.",
    LOAN="A loan round or an application.",
    SECURITY="Sign-ins, devices and the own file; always heard.",
    SERVICE="The club and its services.",
    CAMPAIGN="Offers and news.",
)


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
        first: First = DEFAULT_FIRST,
        after: After = None,
        unread_only: Annotated[
            bool | None, strawberry.argument(description="Only those not read yet.")
        ] = False,
        category: Annotated[
            NoticeCategory | None, strawberry.argument(description="Only of this category.")
        ] = None,
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
    key = own_key(info, wanted)
    if key is None:
        return None
    found = await service.find_notice(viewer=info.context.viewer, notice_id=key)
    return None if found is None else _notice(info, found)


NODES = {"Notice": notice_by_id}


def _connection(info: Info, page: Page[domain.Notice], *, after: str | None) -> NoticeConnection:
    return NoticeConnection(
        edges=[
            NoticeEdge(cursor=cursor, node=_notice(info, each))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )


def _notice(info: Info, value: domain.Notice) -> Notice:
    return Notice(
        id=own_id(info, "Notice", value.id),
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
    keys = [own_key(info, ids.decode(each, expected="Notice")) for each in given]
    return [key for key in keys if key is not None]
