"""The roll-out of provinces."""

import pytest

from backend.core import viewer
from backend.core.errors import Unauthenticated
from backend.organization import service
from backend.organization.domain import UnknownProvince

pytestmark = pytest.mark.usefixtures("db", "cache")


async def open_codes() -> list[str]:
    return [each.code for each in await service.list_provinces() if each.open_for_members]


async def test_all_provinces_begin_closed_and_are_opened_one_by_one() -> None:
    assert await open_codes() == []

    await service.open_provinces(viewer=viewer.SYSTEM, codes=["IR-07"])

    assert await open_codes() == ["IR-07"]


async def test_a_code_that_is_no_province_opens_none() -> None:
    with pytest.raises(UnknownProvince) as refused:
        await service.open_provinces(viewer=viewer.SYSTEM, codes=["IR-07", "IR-99"])

    assert refused.value.data == {"code": "IR-99"}
    assert await open_codes() == []


async def test_a_stranger_opens_none() -> None:
    with pytest.raises(Unauthenticated):
        await service.open_provinces(viewer=viewer.ANONYMOUS, codes=["IR-07"])

    assert await open_codes() == []
