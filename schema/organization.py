"""Provinces, as clients see them."""

import strawberry

from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.organization import domain, service
from schema import geo
from schema.context import Info


@strawberry.type(description="One of the 31 provinces.")
class Province:
    """A province."""

    code: str = strawberry.field(description="ISO 3166-2, as renumbered in 2020: `IR-07` is Fars.")
    name: str = strawberry.field(description="In the viewer's language.")
    center: geo.GeoPoint = strawberry.field(description="Where its capital lies.")
    open: bool = strawberry.field(description="Whether the club is open to its members.")


@strawberry.type(description="A branch of the organization that serves members.")
class Branch:
    """A branch."""

    id: strawberry.ID = strawberry.field(description="Of this branch.")
    name: str = strawberry.field(description="As the organization calls it.")


@strawberry.type(description="A pensioners' association, with a loan quota of its own.")
class Association:
    """An association."""

    id: strawberry.ID = strawberry.field(description="Of this association.")
    name: str = strawberry.field(description="As it calls itself.")


def branch(value: domain.UnitName | None) -> Branch | None:
    """The GraphQL form of a branch."""
    return (
        None
        if value is None
        else Branch(id=strawberry.ID(GlobalId("Branch", value.id).encode()), name=value.name)
    )


def association(value: domain.UnitName | None) -> Association | None:
    """The GraphQL form of an association."""
    return (
        None
        if value is None
        else Association(
            id=strawberry.ID(GlobalId("Association", value.id).encode()), name=value.name
        )
    )


def province(value: domain.Province, locale: Locale) -> Province:
    """The GraphQL form of a province."""
    return Province(
        code=value.code,
        name=value.name_fa if locale is Locale.FA else value.name_en,
        center=geo.point(value.center),
        open=value.open_for_members,
    )


@strawberry.type
class OrganizationQuery:
    """The root fields of the organization."""

    @strawberry.field(description="All provinces in the order of the Persian alphabet.")
    async def provinces(self, info: Info) -> list[Province]:
        """All 31."""
        return [province(each, info.context.locale) for each in await service.list_provinces()]
