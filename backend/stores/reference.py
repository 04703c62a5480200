"""What the rows of a file and the forms of operators may refer to."""

from backend.core.viewer import Scope
from backend.organization import service as organization
from backend.stores import draft_cells, repository
from backend.stores.draft_cells import ProvinceEntry, Reference


async def within(scope: Scope) -> Reference:
    """The categories, and the provinces of a scope; one outside does not exist."""
    return draft_cells.reference(
        categories=await repository.list_categories(),
        provinces=[
            ProvinceEntry(each.code, each.code_before_2020, each.name_fa, each.bounds)
            for each in await organization.list_provinces()
            if scope.covers(province_code=each.code)
        ],
    )
