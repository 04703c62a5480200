"""The audit trail, as auditors read it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from backend.audit import domain, service
from backend.audit.domain import StoredEntry, TrailFilter
from backend.core.ids import GlobalId
from backend.core.paging import Page
from backend.core.permissions import Permission
from schema import act_texts, actors, objects
from schema.actors import Actor
from schema.changes import ValueChange, changes
from schema.context import Info
from schema.permissions import Requires
from schema.relay import After, First, PageInfo, page_info, public_key

DEFAULT_FIRST = 50


@strawberry.type(description="Something that was done. It stays as it is, and is sealed.")
class AuditEntry:
    """An entry."""

    id: strawberry.ID = strawberry.field(description="Of this entry.")
    at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="Who: the account's name, such as `operator:7`.")
    actor_kind: str = strawberry.field(
        description="`MEMBER`, `OPERATOR`, `CASHIER`, `SYSTEM` or `ANONYMOUS`."
    )
    on_behalf_of: str | None = strawberry.field(
        description="For whom, where that is another account: who asked for what the system did, or a member."
    )
    action: str = strawberry.field(description="What: such as `approval.granted`.")
    object_type: str = strawberry.field(description="To what kind of thing.")
    object_id: str = strawberry.field(description="To which of them.")
    member_id: strawberry.ID | None = strawberry.field(description="The member concerned, if any.")
    province_code: str | None = strawberry.field(
        description="In which province; null where it is no province's."
    )
    changes: list[ValueChange] = strawberry.field(description="What changed; nothing personal.")
    reason: str | None = strawberry.field(description="Why, in the actor's words.")
    address: str | None = strawberry.field(description="From which address, where there was one.")
    session_id: UUID | None = strawberry.field(description="In which session, where there was one.")
    trace_id: str | None = strawberry.field(
        description="By which request or job; in the logs, too."
    )

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

    @strawberry.field(description="`objectType` in the viewer's language.")
    def object_type_text(self, info: Info) -> str:
        """The kind of thing in words."""
        return act_texts.of(act_texts.OBJECTS, self.object_type, info.context.locale)

    @strawberry.field(
        description="The global id of the thing, for `operator`, `storeRecord`, `member`, `fileImport` or `approval`; "
        "null where the viewer may not look at it, or there is nothing to look at."
    )
    async def object_node_id(self, info: Info) -> strawberry.ID | None:
        """By which it can be opened."""
        return await objects.node_id(info, self.object_type, self.object_id)


@strawberry.type(description="An entry in a list.")
class AuditEntryEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: AuditEntry = strawberry.field(description="The entry.")


@strawberry.type(description="Entries of the audit trail, the newest first.")
class AuditEntryConnection:
    """A page of entries."""

    edges: list[AuditEntryEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.input(description="Which entries; all conditions hold together.")
class AuditTrailFilter:
    """The filter of `auditTrail`."""

    actor: str | None = strawberry.field(default=None, description="An account's name.")
    action: str | None = strawberry.field(default=None, description="Such as `approval.granted`.")
    object_type: str | None = strawberry.field(default=None, description="A kind of thing.")
    object_id: str | None = strawberry.field(
        default=None, description="One thing; needs `objectType`."
    )
    member_id: strawberry.ID | None = strawberry.field(
        default=None, description="The member concerned."
    )
    since: datetime | None = strawberry.field(default=None, description="From this moment on.")
    until: datetime | None = strawberry.field(
        default=None, description="To this moment, which is not included."
    )


@strawberry.type
class AuditTrailQuery:
    """The trail among the root fields."""

    @strawberry.field(
        description="What was done within the viewer's scope, the newest first. Needs the permission audit.read.",
        extensions=[Requires(Permission.AUDIT_READ)],
    )
    async def audit_trail(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002 - the contract's name
            AuditTrailFilter | None, strawberry.argument(description="Which entries; null for all.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> AuditEntryConnection:
        """A page of entries."""
        page = await service.list_entries(
            viewer=info.context.viewer,
            asked=_asked(filter),
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return connection(page, after=after)


def connection(page: Page[StoredEntry], *, after: str | None) -> AuditEntryConnection:
    """The GraphQL form of a page of the trail."""
    return AuditEntryConnection(
        edges=[
            AuditEntryEdge(cursor=cursor, node=_entry(each))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )


def _asked(given: AuditTrailFilter | None) -> TrailFilter:
    if given is None:
        return TrailFilter()
    member_id = given.member_id
    return TrailFilter(
        actor=given.actor,
        action=given.action,
        object_type=given.object_type,
        object_id=given.object_id,
        member_id=None if member_id is None else public_key(member_id, "Member"),
        since=given.since,
        until=given.until,
    )


def _entry(entry: domain.StoredEntry) -> AuditEntry:
    member_id = entry.member_id
    return AuditEntry(
        id=strawberry.ID(GlobalId("AuditEntry", entry.id).encode()),
        at=entry.created_at,
        actor=entry.actor,
        actor_kind=entry.actor_kind.value,
        on_behalf_of=entry.on_behalf_of,
        action=entry.action,
        object_type=entry.object_type,
        object_id=entry.object_id,
        member_id=None
        if member_id is None
        else strawberry.ID(GlobalId("Member", member_id).encode()),
        province_code=entry.province_code,
        changes=changes(entry.before, entry.after),
        reason=entry.reason,
        address=entry.address,
        session_id=entry.session_id,
        trace_id=entry.trace_id,
    )
