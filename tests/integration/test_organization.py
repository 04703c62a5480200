"""The roll-out of provinces."""

import pytest

from backend.core import viewer
from backend.core.errors import Unauthenticated
from backend.infra import db
from backend.organization import cache, service
from backend.organization.domain import Unit, UnitCodes, UnknownProvince

pytestmark = pytest.mark.usefixtures("db", "cache")


async def open_codes() -> list[str]:
    return [each.code for each in await service.list_provinces() if each.open_for_members]


async def test_all_provinces_begin_closed_and_are_opened_one_by_one() -> None:
    assert await open_codes() == []

    await service.open_provinces(viewer=viewer.SYSTEM, codes=["IR-07"])

    assert await open_codes() == ["IR-07"]


async def test_a_province_that_is_closed_again_was_open_once() -> None:
    await service.open_provinces(viewer=viewer.SYSTEM, codes=["IR-07"])
    await db.execute("UPDATE province SET open_for_members = false")
    await cache.purge_provinces()

    assert await open_codes() == []
    opened = [
        each.code for each in await service.list_provinces() if each.was_ever_open_for_members
    ]
    assert opened == ["IR-07"]


async def test_the_codes_of_the_units_are_all_there() -> None:
    branches = [Unit(code, "شعبه", "IR-07", "شیراز") for code in ("B2", "B1")]
    await service.save_units(
        viewer=viewer.SYSTEM, branches=branches, associations=[Unit("K1", "کانون", "IR-07", "فسا")]
    )

    assert await service.list_unit_codes() == UnitCodes(("B1", "B2"), ("K1",))


async def test_a_code_that_is_no_province_opens_none() -> None:
    with pytest.raises(UnknownProvince) as refused:
        await service.open_provinces(viewer=viewer.SYSTEM, codes=["IR-07", "IR-99"])

    assert refused.value.data == {"code": "IR-99"}
    assert await open_codes() == []


async def test_a_stranger_opens_none() -> None:
    with pytest.raises(Unauthenticated):
        await service.open_provinces(viewer=viewer.ANONYMOUS, codes=["IR-07"])

    assert await open_codes() == []
