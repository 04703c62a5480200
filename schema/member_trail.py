"""What was done to a member's file, for operators who may read it: the trail without whence and in which session."""

from datetime import datetime

import strawberry

from backend.audit.domain import StoredEntry
from backend.core.ids import GlobalId
from backend.core.paging import Page
from schema import act_texts, actors
from schema.actors import Actor
from schema.changes import ValueChange, changes
from schema.context import Info
from schema.relay import PageInfo, page_info


@strawberry.type(description="Something that was done to a member's file.")
class MemberTrailEntry:
    """An entry; address and session, which may be the member's own, are for `auditTrail`."""

    id: strawberry.ID = strawberry.field(description="Of the entry in `auditTrail`.")
    at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="Who: the account's name, such as `operator:7`.")
    actor_kind: str = strawberry.field(
        description="`MEMBER`, `OPERATOR`, `CASHIER`, `SYSTEM` or `ANONYMOUS`."
    )
    on_behalf_of: str | None = strawberry.field(
        description="For whom, where that is another account."
    )
    action: str = strawberry.field(description="What: such as `members.phone_change`.")
    changes: list[ValueChange] = strawberry.field(description="What changed; nothing personal.")
    reason: str | None = strawberry.field(description="Why, in the actor's words.")

    @strawberry.field(description="`actor` by name.")
    async def done_by(self, info: Info) -> Actor:
        """Who did it."""
        return await actors.actor(info, self.actor)

    @strawberry.field(description="`onBehalfOf` by name.")
    async def done_for(self, info: Info) -> Actor | None:
        """For whom it was done."""
        return await actors.actor_or_none(info, self.on_behalf_of)

    @strawberry.field(description="`action` in the viewer's language.")
    def action_text(self, info: Info) -> str:
        """The action in words."""
        return act_texts.of(act_texts.ACTIONS, self.action, info.context.locale)


@strawberry.type(description="An entry in a list.")
class MemberTrailEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: MemberTrailEntry = strawberry.field(description="The entry.")


@strawberry.type(description="What was done to a member's file, the newest first.")
class MemberTrailConnection:
    """A page of entries."""

    edges: list[MemberTrailEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


def connection(page: Page[StoredEntry], *, after: str | None) -> MemberTrailConnection:
    """The GraphQL form of a page of a member's trail."""
    return MemberTrailConnection(
        edges=[
            MemberTrailEdge(cursor=cursor, node=_entry(each))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )


def _entry(entry: StoredEntry) -> MemberTrailEntry:
    return MemberTrailEntry(
        id=strawberry.ID(GlobalId("AuditEntry", entry.id).encode()),
        at=entry.created_at,
        actor=entry.actor,
        actor_kind=entry.actor_kind.value,
        on_behalf_of=entry.on_behalf_of,
        action=entry.action,
        changes=changes(entry.before, entry.after),
        reason=entry.reason,
    )
