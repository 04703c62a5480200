"""Who asks, and the member acted for: profile and preferences here, the rest from the slices' mixins."""

from typing import Annotated

import strawberry

from backend.core.errors import NotFound
from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.locale import Locale
from backend.core.viewer import ActorKind
from backend.members import domain, service
from backend.members.domain import SELF, MemberState, PensionKind, TextSize
from backend.organization import service as organization_service
from schema import errors, member_types, organization
from schema.access_log import MemberAccessLog
from schema.access_types import MemberAccess
from schema.context import Info
from schema.errors import UserError
from schema.favourites import MemberFavourites
from schema.instalments import MemberInstalments
from schema.loans import MemberLoans
from schema.member_types import CategoryChannelsInput, ClubCode, MemberPreferences
from schema.notifications import MemberNotices
from schema.permissions import Requires
from schema.purchases import MemberPurchases
from schema.relay import Node
from schema.scalars import PhoneNumber, Rial


@strawberry.type(description="A member of the club: the own file, and all that is the member's.")
class Member(
    Node,
    MemberPurchases,
    MemberInstalments,
    MemberLoans,
    MemberNotices,
    MemberFavourites,
    MemberAccess,
    MemberAccessLog,
):
    """The member acted for; the file is read when a field of it is asked for, unless `known`."""

    known: strawberry.Private[domain.Member | None] = None

    @strawberry.field(description="As in the membership file.")
    async def first_name(self, info: Info) -> str:
        """The first name."""
        return (await self._file(info)).first_name

    @strawberry.field(description="As in the membership file.")
    async def last_name(self, info: Info) -> str:
        """The surname."""
        return (await self._file(info)).last_name

    @strawberry.field(description="The national code, all but its last four digits hidden.")
    async def national_code_masked(self, info: Info) -> str:
        """The end of the national code."""
        return (await self._file(info)).national_code_masked

    @strawberry.field(description="The number of the pension.")
    async def pension_number(self, info: Info) -> str:
        """The pension number."""
        return (await self._file(info)).pension_number

    @strawberry.field(description="For what the pension is paid.")
    async def pension_kind(self, info: Info) -> PensionKind:
        """The kind of pension."""
        return (await self._file(info)).pension_kind

    @strawberry.field(description="How the file stands.")
    async def state(self, info: Info) -> MemberState:
        """The state of the membership."""
        return (await self._file(info)).state

    @strawberry.field(
        description="`state` in the viewer's language; also for states that an app does not know yet."
    )
    async def state_text(self, info: Info) -> str:
        """The state in words."""
        return member_types.STATE_TEXTS[(await self._file(info)).state][info.context.locale]

    @strawberry.field(description="Where the member lives.")
    async def province(self, info: Info) -> organization.Province:
        """The province."""
        found = await info.context.loaders.provinces.load((await self._file(info)).province_code)
        return organization.province(found, info.context.locale)

    @strawberry.field(description="Where the member lives; null where the file does not tell.")
    async def city(self, info: Info) -> str | None:
        """The city."""
        return (await self._file(info)).city

    @strawberry.field(description="Street and number; null where the file does not tell.")
    async def address(self, info: Info) -> str | None:
        """The address."""
        return (await self._file(info)).address

    @strawberry.field(description="The branch that serves the member; null where none is known.")
    async def branch(self, info: Info) -> organization.Branch | None:
        """The branch."""
        code = (await self._file(info)).branch_code
        return organization.branch(await organization_service.find_branch(code))

    @strawberry.field(description="The member's association; null where none is known.")
    async def association(self, info: Info) -> organization.Association | None:
        """The association."""
        code = (await self._file(info)).association_code
        return organization.association(await organization_service.find_association(code))

    @strawberry.field(
        description="A month's pension after all deductions of law; null where the file does not tell."
    )
    async def net_pension(self, info: Info) -> Rial | None:
        """The net pension."""
        found = (await self._file(info)).net_pension_rials
        return None if found is None else Rial(found)

    @strawberry.field(description="The mobile number that codes are sent to.")
    async def phone(self, info: Info) -> PhoneNumber | None:
        """The phone."""
        found = (await self._file(info)).phone
        return None if found is None else PhoneNumber(found)

    @strawberry.field(description="How the member likes the app and its notices.")
    async def preferences(self, info: Info) -> MemberPreferences:
        """The preferences."""
        return member_types.preferences((await self._file(info)).preferences)

    @strawberry.field(description="What to show at the counter now.")
    async def club_code(self, info: Info) -> ClubCode:
        """The code of this minute."""
        return member_types.club_code(await service.club_code(viewer=info.context.viewer))

    async def _file(self, info: Info) -> domain.Member:
        """The file, read once in a request."""
        found = self.known or await info.context.loaders.member()
        if found is None:
            raise NotFound
        return found


@strawberry.type(description="Who asks.")
class Viewer:
    """The account behind the token."""

    person: str = strawberry.field(
        description="The account's name in the audit trail; holds no personal data."
    )
    roles: list[str] = strawberry.field(
        description="As what the account acts: `MEMBER`. Others may be added."
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
        return Viewer(person=asking.actor, roles=[asking.kind.value])

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
