"""Where the club is open: what operators see and set of it."""

from typing import Annotated

import strawberry

from backend.core.errors import DomainError
from backend.organization import service
from schema import organization, staff_answers
from schema.context import Info
from schema.staff_answers import ActRefused


@strawberry.type(description="The province is open as asked for, in every process.")
class ProvinceOpenChanged:
    """The success of `provinceOpenSet`."""

    province: organization.Province = strawberry.field(description="The province.")
    open_for_members: bool = strawberry.field(description="Whether its members may buy.")
    open_for_stores: bool = strawberry.field(description="Whether its stores may sell.")


@strawberry.input(
    description="For whom the club is to be open in a province; what is left out stays."
)
class ProvinceOpenSetInput:
    """What `provinceOpenSet` takes."""

    province_code: str = strawberry.field(description="`IR-07`.")
    members: bool | None = strawberry.field(default=None, description="Open to its members.")
    stores: bool | None = strawberry.field(default=None, description="Open to its stores.")
    reason: str = strawberry.field(description="Why. At most 500 characters.")


ProvinceOpenSetResult = Annotated[
    ProvinceOpenChanged | ActRefused,
    strawberry.union("ProvinceOpenSetResult", description="What `provinceOpenSet` answers."),
]


@strawberry.type
class OperatorProvincesMutation:
    """What operators set of provinces."""

    @strawberry.mutation(
        description="Opens or closes a province for members, stores or both. Repeated, it changes nothing."
    )
    async def province_open_set(
        self,
        info: Info,
        input: ProvinceOpenSetInput,  # noqa: A002 - the contract's name
    ) -> ProvinceOpenSetResult:
        """Open or close a province."""
        try:
            found = await service.set_opening(
                viewer=info.context.viewer,
                code=input.province_code,
                members=input.members,
                stores=input.stores,
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return ProvinceOpenChanged(
            province=organization.province(found, info.context.locale),
            open_for_members=found.open_for_members,
            open_for_stores=found.open_for_stores,
        )
