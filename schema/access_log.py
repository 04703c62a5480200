"""Who has read a member's file, as the member sees it."""

from datetime import datetime

import strawberry

from backend.audit import domain, service
from backend.core.errors import NotFound
from backend.core.paging import Page
from schema.context import Info
from schema.relay import After, First, PageInfo, own_id, page_info

DEFAULT_FIRST = 20


@strawberry.type(description="A read of the member's file by somebody else.")
class AccessLogEntry:
    """A read."""

    id: strawberry.ID = strawberry.field(description="Of this entry.")
    read_at: datetime = strawberry.field(description="When the file was read.")
    reader_role: str = strawberry.field(description="As what the reader did it.")
    reader_office: str = strawberry.field(description="Where the reader works.")
    purpose: str = strawberry.field(description="What for, in the reader's words.")


@strawberry.type(description="A read in a list.")
class AccessLogEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: AccessLogEntry = strawberry.field(description="The read.")


@strawberry.type(description="Reads of the member's file, the newest first.")
class AccessLogConnection:
    """A page of reads."""

    edges: list[AccessLogEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class MemberAccessLog:
    """The access log among a member's fields."""

    @strawberry.field(description="Who else has read the member's file, the newest first.")
    async def access_log(
        self, info: Info, first: First = DEFAULT_FIRST, after: After = None
    ) -> AccessLogConnection:
        """A page of reads."""
        viewer = info.context.viewer
        if viewer.subject is None:
            raise NotFound
        page = await service.list_reads(
            viewer=viewer,
            member_id=viewer.subject,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return _connection(info, page, after=after)


def _connection(
    info: Info, page: Page[domain.FileRead], *, after: str | None
) -> AccessLogConnection:
    return AccessLogConnection(
        edges=[
            AccessLogEdge(
                cursor=cursor,
                node=AccessLogEntry(
                    id=own_id(info, "AccessLogEntry", each.id),
                    read_at=each.created_at,
                    reader_role=each.reader_role,
                    reader_office=each.reader_office,
                    purpose=each.purpose,
                ),
            )
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )
