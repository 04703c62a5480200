"""Approvals, as those see them who ask, decide and audit."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import strawberry

from backend.approvals import domain, reading
from backend.approvals.domain import ApprovalState
from backend.approvals.reading import Choice
from backend.core.errors import sentences
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.paging import Page
from schema import act_texts, actors, notice_texts, objects
from schema.actors import Actor
from schema.changes import ValueChange, changes
from schema.context import Info
from schema.enums import describe
from schema.relay import Node, PageInfo, page_info
from schema.scalars import Rial

describe(
    ApprovalState,
    "Where an approval stands.",
    WAITING="Somebody has to decide.",
    GRANTED="It is done by a job, after a cooling time where it has one.",
    EXECUTED="It is done.",
    REFUSED="Somebody has refused it.",
    WITHDRAWN="Who asked has taken it back.",
    EXPIRED="Nobody decided in time.",
    VOID="What it was about had changed.",
    FAILED="It could not be done; `outcomeText` says why.",
)

_STATE_TEXTS: Final[Mapping[ApprovalState, Mapping[Locale, str]]] = MappingProxyType(
    {
        ApprovalState.WAITING: sentences(fa="در انتظار تأیید", en="Waits for a decision"),
        ApprovalState.GRANTED: sentences(fa="تأییدشده، در انتظار اجرا", en="Granted, not done yet"),
        ApprovalState.EXECUTED: sentences(fa="اجراشده", en="Done"),
        ApprovalState.REFUSED: sentences(fa="ردشده", en="Refused"),
        ApprovalState.WITHDRAWN: sentences(fa="پس‌گرفته‌شده", en="Withdrawn"),
        ApprovalState.EXPIRED: sentences(fa="مهلت گذشته", en="Expired"),
        ApprovalState.VOID: sentences(fa="بی‌اعتبار", en="Void"),
        ApprovalState.FAILED: sentences(fa="ناموفق", en="Failed"),
    }
)


@strawberry.type(description="Something that needs a second person, as it was asked for.")
class Approval(Node):
    """An approval."""

    value: strawberry.Private[domain.Approval]
    state: ApprovalState = strawberry.field(description="Where it stands.")
    kind: str = strawberry.field(description="What is to be done, such as `stores.iban_change`.")
    object_type: str = strawberry.field(description="To what kind of thing.")
    object_id: str = strawberry.field(description="To which of them.")
    member_id: strawberry.ID | None = strawberry.field(description="The member concerned, if any.")
    province_code: str | None = strawberry.field(
        description="In which province; null where it is no province's."
    )
    changes: list[ValueChange] = strawberry.field(description="What it would change.")
    money_effect_rials: Rial | None = strawberry.field(
        description="What it would move; negative where money goes out, null where it moves none."
    )
    reason: str = strawberry.field(description="Why it was asked for.")
    asked_by: str = strawberry.field(description="Who asked: an account's name.")
    asked_at: datetime = strawberry.field(description="When.")
    expires_at: datetime = strawberry.field(description="Until when it can be granted.")
    not_before: datetime | None = strawberry.field(
        description="Before which it is not done, however early it is granted."
    )
    permission: str = strawberry.field(description="What who grants it must be allowed to.")
    digest: str = strawberry.field(
        description="SHA-256 of all that is asked, and of `noticeText`; `approvalGrant` wants it back."
    )
    notice_known_at: datetime | None = strawberry.field(
        description="When it was known of all who must be told whether they were."
    )
    granted_by: str | None = strawberry.field(description="Who granted it.")
    granted_at: datetime | None = strawberry.field(description="When.")
    closed_by: str | None = strawberry.field(description="Who closed it; `system` where a job did.")
    closed_at: datetime | None = strawberry.field(description="When.")
    outcome_code: str | None = strawberry.field(description="Why it was closed undone.")
    outcome_text: str | None = strawberry.field(description="The same in words.")

    @strawberry.field(
        description="Whether those who must know were told, such as the owner of the old number, in the viewer's "
        "language; null where nobody must. It can't be granted before `noticeKnownAt`."
    )
    def notice_text(self, info: Info) -> str | None:
        """Who was told, in words."""
        notice = self.value.notice
        return None if notice is None else notice_texts.of(notice, info.context.locale)

    @strawberry.field(description="`state` in the viewer's language.")
    def state_text(self, info: Info) -> str:
        """The state in words."""
        return _STATE_TEXTS[self.state][info.context.locale]

    @strawberry.field(description="`kind` in the viewer's language.")
    def kind_text(self, info: Info) -> str:
        """The kind in words."""
        return act_texts.of(act_texts.KINDS, self.kind, info.context.locale)

    @strawberry.field(description="`objectType` in the viewer's language.")
    def object_type_text(self, info: Info) -> str:
        """The kind of thing in words."""
        return act_texts.of(act_texts.OBJECTS, self.object_type, info.context.locale)

    @strawberry.field(
        description="The global id of the thing, for `operator`, `storeRecord`, `member` or `fileImport`; null where "
        "the viewer may not look at it, or there is nothing to look at."
    )
    async def object_node_id(self, info: Info) -> strawberry.ID | None:
        """By which it can be opened."""
        return await objects.node_id(info, self.object_type, self.object_id)

    @strawberry.field(description="`askedBy` by name.")
    async def asker(self, info: Info) -> Actor:
        """Who asked."""
        return await actors.actor(info, self.asked_by)

    @strawberry.field(description="`grantedBy` by name.")
    async def granter(self, info: Info) -> Actor | None:
        """Who granted it."""
        return await actors.actor_or_none(info, self.granted_by)

    @strawberry.field(description="`closedBy` by name.")
    async def closer(self, info: Info) -> Actor | None:
        """Who closed it."""
        return await actors.actor_or_none(info, self.closed_by)

    @strawberry.field(
        description="Whether the viewer may grant it now, but for a recent confirmation where one is needed."
    )
    def may_grant(self, info: Info) -> bool:
        """Whether Grant is to be offered."""
        return _choice(info, self.value).may_grant

    @strawberry.field(description="Whether the viewer may refuse it now.")
    def may_refuse(self, info: Info) -> bool:
        """Whether Refuse is to be offered."""
        return _choice(info, self.value).may_refuse

    @strawberry.field(description="Whether the viewer has asked for it and may take it back now.")
    def may_withdraw(self, info: Info) -> bool:
        """Whether Withdraw is to be offered."""
        return _choice(info, self.value).may_withdraw


@strawberry.type(description="An approval in a list.")
class ApprovalEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: Approval = strawberry.field(description="The approval.")


@strawberry.type(description="Approvals, the latest first.")
class ApprovalConnection:
    """A page of approvals."""

    edges: list[ApprovalEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


def approval(found: domain.Approval) -> Approval:
    """The GraphQL form of an approval."""
    effect, member_id = found.money_effect_rials, found.member_id
    return Approval(
        value=found,
        id=strawberry.ID(GlobalId("Approval", found.id).encode()),
        state=found.state,
        kind=found.kind,
        object_type=found.object_type,
        object_id=found.object_id,
        member_id=None
        if member_id is None
        else strawberry.ID(GlobalId("Member", member_id).encode()),
        province_code=found.province_code,
        changes=changes(found.before, found.after),
        money_effect_rials=None if effect is None else Rial(effect),
        reason=found.reason,
        asked_by=found.maker,
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        not_before=found.begins_at,
        permission=found.approve_permission,
        digest=found.shown_digest,
        notice_known_at=found.notice_known_at,
        granted_by=found.granted_by,
        granted_at=found.granted_at,
        closed_by=found.closed_by,
        closed_at=found.closed_at,
        outcome_code=found.outcome_code,
        outcome_text=found.outcome_text,
    )


def connection(page: Page[domain.Approval], *, after: str | None) -> ApprovalConnection:
    """The GraphQL form of a page of approvals."""
    return ApprovalConnection(
        edges=[
            ApprovalEdge(cursor=cursor, node=approval(each))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )


def _choice(info: Info, found: domain.Approval) -> Choice:
    return reading.choice_of(info.context.viewer, found, at=info.context.now)
