"""What the demo sets up of the organization."""

from collections.abc import Sequence

from backend.core.viewer import Viewer
from backend.organization import repository_seeding, service
from backend.organization.domain import Unit
from backend.organization.repository_seeding import CityUnits

# Fars, Tehran, Isfahan, Razavi Khorasan, East Azerbaijan, Khuzestan, Gilan, Alborz and Yazd: the
# others show what a member sees where the club has not opened yet.
DEMO_OPEN_PROVINCES = (
    "IR-07", "IR-23", "IR-10", "IR-09", "IR-03", "IR-06", "IR-01", "IR-30", "IR-21",
)  # fmt: skip


async def seed_organization(
    *, viewer: Viewer, branches: Sequence[Unit], associations: Sequence[Unit]
) -> None:
    """Save the units and open the demo's provinces. Raises Unauthenticated or Forbidden."""
    await service.save_units(viewer=viewer, branches=branches, associations=associations)
    await service.open_provinces(viewer=viewer, codes=DEMO_OPEN_PROVINCES)


async def list_city_units() -> list[CityUnits]:
    """Every city with its population and the codes of the units there."""
    return await repository_seeding.list_city_units()
