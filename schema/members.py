"""Who asks, and the member acted for, put together from the slices' mixins; how the own preferences change."""

from typing import Annotated

import strawberry

from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.locale import Locale
from backend.core.viewer import ActorKind
from backend.core.viewer import Viewer as Asking
from backend.members import domain, service
from backend.members.domain import SELF, TextSize
from schema import errors
from schema.access_log import MemberAccessLog
from schema.access_types import MemberAccess
from schema.context import Info
from schema.errors import UserError
from schema.favourites import MemberFavourites
from schema.instalments import MemberInstalments
from schema.loans import MemberLoans
from schema.member_profile import MemberProfile
from schema.member_types import CategoryChannelsInput
from schema.notifications import MemberNotices
from schema.permissions import Requires
from schema.purchases import MemberPurchases
from schema.relay import Node


# The fields stand in the schema in the order of the bases.
@strawberry.type(description="A member of the club: the own file, and all that is the member's.")
class Member(
    Node,
    MemberProfile,
    MemberPurchases,
    MemberInstalments,
    MemberLoans,
    MemberNotices,
    MemberFavourites,
    MemberAccess,
    MemberAccessLog,
):
    """The member acted for; the file is read when a field of it is asked for, unless `known`."""


@strawberry.type(description="Who asks.")
class Viewer:
    """The account behind the token."""

    person: str = strawberry.field(
        description="The account's name in the audit trail; holds no personal data."
    )
    roles: list[str] = strawberry.field(
        description="As what the account acts: `MEMBER`, `CASHIER`, or an operator's roles. Others may be added."
    )

    @strawberry.field(description="The account's own membership; null where it has none.")
    def member(self, info: Info) -> Member | None:
        """The member."""
        return acted_for(info)


@strawberry.input(description="What to change of the own preferences; what is left out stays.")
class MemberPreferencesUpdateInput:
    """What `memberPreferencesUpdate` takes."""

    locale: Locale | None = strawberry.field(
        default=None, description="The language of SMS and notices."
    )
    text_size: TextSize | None = strawberry.field(
        default=None, description="How large the app writes."
    )
    channels: list[CategoryChannelsInput] | None = strawberry.field(
        default=None,
        description="How notices come; takes the place of all channels chosen before. A category that is not in "
        "it comes by all channels, of one that is in it twice the last word counts.",
    )


@strawberry.type(description="The preferences are as asked for.")
class MemberPreferencesUpdated:
    """The success of `memberPreferencesUpdate`."""

    member: Member = strawberry.field(description="The member with the new preferences.")


@strawberry.type(
    description="Notices about the own security would reach the member in the inbox only."
)
class SecurityNoticesUnheard(UserError):
    """SECURITY_NOTICES_UNHEARD."""


MemberPreferencesUpdateResult = Annotated[
    MemberPreferencesUpdated | SecurityNoticesUnheard,
    strawberry.union(
        "MemberPreferencesUpdateResult", description="What `memberPreferencesUpdate` answers."
    ),
]


@strawberry.type
class MembersQuery:
    """The root fields of who asks."""

    @strawberry.field(description="Who asks; null without a token.")
    def viewer(self, info: Info) -> Viewer | None:
        """The account behind the token."""
        asking = info.context.viewer
        if asking.kind is ActorKind.ANONYMOUS:
            return None
        return account_of(asking)

    @strawberry.field(description="The member acted for; null where there is none. Needs a token.")
    def me(self, info: Info) -> Member | None:
        """The member acted for."""
        return acted_for(info)


@strawberry.type
class MembersMutation:
    """The mutations of the own file."""

    @strawberry.mutation(
        description="Changes the own preferences. Needs a member; repeated, it changes nothing.",
        extensions=[Requires(SELF)],
    )
    async def member_preferences_update(
        self,
        info: Info,
        input: MemberPreferencesUpdateInput,  # noqa: A002 - the contract's name
    ) -> MemberPreferencesUpdateResult:
        """Change what is given."""
        given = input.channels
        try:
            changed = await service.update_preferences(
                viewer=info.context.viewer,
                locale=input.locale,
                text_size=input.text_size,
                channels=None
                if given is None
                else {each.category.value: tuple(each.channels) for each in given},
            )
        except domain.SecurityNoticesUnheard as error:
            return errors.user_error(SecurityNoticesUnheard, error, info.context.locale)
        return MemberPreferencesUpdated(member=_member(changed.id, known=changed))


def account_of(viewer: Asking) -> Viewer:
    """The account behind a token."""
    roles = sorted(viewer.roles) if viewer.kind is ActorKind.OPERATOR else [viewer.kind]
    return Viewer(person=viewer.actor, roles=[role.value for role in roles])


def acted_for(info: Info) -> Member | None:
    """The member acted for, if any. Raises Unauthenticated without a token."""
    asking = info.context.viewer
    if asking.kind is ActorKind.ANONYMOUS:
        asking.require(SELF)
    return _member(asking.subject) if asking.subject is not None and asking.may(SELF) else None


async def member_by_id(info: Info, wanted: GlobalId) -> Member | None:
    """The viewer's own file by its id; that of anybody else does not exist."""
    if wanted.member_id is not None:
        raise InvalidGlobalId
    found = acted_for(info)
    return found if wanted.key == info.context.viewer.subject else None


NODES = {"Member": member_by_id}


def _member(member_id: int, *, known: domain.Member | None = None) -> Member:
    return Member(id=strawberry.ID(GlobalId("Member", member_id).encode()), known=known)
