"""The member's own file: who it is, where, what pension, how the app is liked, and the club code."""

import strawberry

from backend.core.errors import NotFound
from backend.members import domain, service
from backend.members.domain import MemberState, PensionKind
from schema import member_types, organization
from schema.context import Info
from schema.member_types import ClubCode, MemberPreferences
from schema.scalars import PhoneNumber, Rial


@strawberry.type
class MemberProfile:
    """The fields of a member's file; it is read when one of them is asked for, unless `known`."""

    known: strawberry.Private[domain.Member | None] = None

    @strawberry.field(description="The first name, as the membership file writes it.")
    async def first_name(self, info: Info) -> str:
        """The first name."""
        return (await self._file(info)).first_name

    @strawberry.field(description="The surname, as the membership file writes it.")
    async def last_name(self, info: Info) -> str:
        """The surname."""
        return (await self._file(info)).last_name

    @strawberry.field(
        description="The national code, all but its last four digits hidden; all of it where it can't be read now."
    )
    async def national_code_masked(self, info: Info) -> str:
        """The end of the national code."""
        member = await self._file(info)
        return service.masked_national_code(viewer=info.context.viewer, member=member)

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

    @strawberry.field(description="The province where the member lives.")
    async def province(self, info: Info) -> organization.Province:
        """The province."""
        found = await info.context.loaders.provinces.load((await self._file(info)).province_code)
        return organization.province(found, info.context.locale)

    @strawberry.field(
        description="The city where the member lives; null where the file does not tell."
    )
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
        code, loader = (await self._file(info)).branch_code, info.context.member_loaders.branches
        return organization.branch(None if code is None else await loader.load(code))

    @strawberry.field(description="The member's association; null where none is known.")
    async def association(self, info: Info) -> organization.Association | None:
        """The association."""
        code = (await self._file(info)).association_code
        loader = info.context.member_loaders.associations
        return organization.association(None if code is None else await loader.load(code))

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
