"""Where the club is open: what operators see and set of it."""

from typing import Annotated

import strawberry

from backend.core.errors import DomainError
from backend.core.ids import GlobalId
from backend.core.permissions import Permission
from backend.organization import service, units
from backend.organization.domain import StoredUnit
from schema import organization, staff_answers
from schema.context import Info
from schema.permissions import Requires
from schema.relay import After, First, PageInfo, page_info
from schema.staff_answers import ActRefused, ReauthenticationNeeded

DEFAULT_FIRST = 20


@strawberry.type(description="A province as those see it who open and close it.")
class ProvinceRecord:
    """A province of the operator's scope."""

    province: organization.Province = strawberry.field(description="The province.")
    open_for_members: bool = strawberry.field(description="Whether its members may buy.")
    open_for_stores: bool = strawberry.field(description="Whether its stores may sell.")
    opened_before: bool = strawberry.field(
        description="Whether it was ever open to its members: then they sign in, open or not."
    )


@strawberry.type(description="An association as an operator chooses one.")
class AssociationRecord:
    """An association of the operator's scope."""

    value: strawberry.Private[StoredUnit]
    id: strawberry.ID = strawberry.field(
        description="That of the `Association`; for `OperatorScopeInput.associationId`."
    )
    code: str = strawberry.field(description="As membership files name it.")
    name: str = strawberry.field(description="As it calls itself.")
    city: str = strawberry.field(description="The town.")

    @strawberry.field(description="The province in which it is.")
    async def province(self, info: Info) -> organization.Province:
        """Its province."""
        found = await info.context.loaders.provinces.load(self.value.province_code)
        return organization.province(found, info.context.locale)


@strawberry.type(description="An association in a list.")
class AssociationRecordEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: AssociationRecord = strawberry.field(description="The association.")


@strawberry.type(description="Associations in the order of the Persian alphabet.")
class AssociationRecordConnection:
    """A page of associations."""

    edges: list[AssociationRecordEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class OperatorProvincesQuery:
    """The root fields of provinces and associations for operators."""

    @strawberry.field(
        description="The provinces of the operator's scope, and for whom each is open. Needs an operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def province_records(self, info: Info) -> list[ProvinceRecord]:
        """Those of the scope, in the order of the Persian alphabet."""
        return [
            ProvinceRecord(
                province=organization.province(each, info.context.locale),
                open_for_members=each.open_for_members,
                open_for_stores=each.open_for_stores,
                opened_before=each.was_ever_open_for_members,
            )
            for each in await service.list_openings(viewer=info.context.viewer)
        ]

    @strawberry.field(
        description="Associations in the operator's scope, by name. Needs an operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def associations(
        self,
        info: Info,
        province_code: Annotated[
            str | None, strawberry.argument(description="Only those in this province: `IR-07`.")
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(description="Words of the name, the code or the town."),
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> AssociationRecordConnection:
        """A page of associations."""
        page = await units.list_associations(
            viewer=info.context.viewer,
            province_code=province_code,
            search=search,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return AssociationRecordConnection(
            edges=[
                AssociationRecordEdge(cursor=cursor, node=_association(each))
                for each, cursor in zip(page.items, page.cursors, strict=True)
            ],
            page_info=page_info(page, after=after),
        )


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
    ProvinceOpenChanged | ReauthenticationNeeded | ActRefused,
    strawberry.union("ProvinceOpenSetResult", description="What `provinceOpenSet` answers."),
]


@strawberry.type
class OperatorProvincesMutation:
    """What operators set of provinces."""

    @strawberry.mutation(
        description="Opens or closes a province for members, stores or both. Needs a recent confirmation. Repeated, "
        "it changes nothing."
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
            return staff_answers.refusal(info, error)
        return ProvinceOpenChanged(
            province=organization.province(found, info.context.locale),
            open_for_members=found.open_for_members,
            open_for_stores=found.open_for_stores,
        )


def _association(found: StoredUnit) -> AssociationRecord:
    return AssociationRecord(
        value=found,
        id=strawberry.ID(GlobalId("Association", found.id).encode()),
        code=found.code,
        name=found.name,
        city=found.city,
    )
