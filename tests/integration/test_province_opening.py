"""Where the club is open: set by an administrator, recorded, and seen by every process at once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from backend.audit.domain import ReasonInvalid
from backend.core import clock
from backend.core.errors import DomainError, Forbidden, Unauthenticated
from backend.core.permissions import Role
from backend.core.viewer import ANONYMOUS, ReauthenticationNeeded, Scope, Viewer
from backend.infra import db as database
from backend.organization import service
from backend.organization.domain import UnknownProvince
from tests.support import debts, operators
from tests.support.operators import operator, trail

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def scene(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    with clock.frozen(NOW):
        yield


def administrator(scope: Scope = operators.NATION) -> Viewer:
    return operator(1, Role.ADMINISTRATOR, scope=scope)


async def opening() -> tuple[bool, bool, bool]:
    (found,) = (each for each in await service.list_provinces() if each.code == "IR-07")
    return found.open_for_members, found.open_for_stores, found.was_ever_open_for_members


async def test_a_province_opens_and_closes_and_its_first_opening_stays() -> None:
    steps: list[tuple[bool | None, bool | None, tuple[bool, bool, bool]]] = [
        (None, True, (False, True, False)),
        (True, None, (True, True, True)),
        (False, None, (False, True, True)),
        (True, False, (True, False, True)),
    ]
    first = None
    for members, stores, wanted in steps:
        await service.set_opening(
            viewer=administrator(), code="IR-07", members=members, stores=stores, reason="مرحلهٔ یک"
        )
        assert await opening() == wanted
        (row,) = await database.fetch(
            "SELECT members_first_opened_at AS at FROM province WHERE code = 'IR-07'"
        )
        assert first is None or row["at"] == first
        first = row["at"]

    entries = await trail("provinces.open_set")
    assert [orjson.loads(str(each["after"])) for each in entries] == [
        {"members": wanted[0], "stores": wanted[1]} for _, _, wanted in steps
    ]
    assert {(each["actor"], each["object_id"], each["province_code"]) for each in entries} == {
        ("operator:1", "IR-07", "IR-07")
    }


@pytest.mark.parametrize("at", [None, NOW - timedelta(minutes=5)])
async def test_who_did_not_say_of_late_who_they_are_opens_nothing(at: datetime | None) -> None:
    viewer = replace(administrator(), reauthenticated_at=at)

    with pytest.raises(ReauthenticationNeeded):
        await service.set_opening(viewer=viewer, code="IR-07", members=True, reason="مرحلهٔ یک")

    assert await opening() == (False, False, False)
    assert await trail("provinces.open_set") == []


async def test_repeated_it_changes_and_records_nothing() -> None:
    for _ in range(2):
        await service.set_opening(
            viewer=administrator(), code="IR-07", members=True, reason="مرحلهٔ یک"
        )

    assert len(await trail("provinces.open_set")) == 1


@pytest.mark.parametrize(
    ("viewer", "code", "reason", "error"),
    [
        (administrator(), "IR-99", "مرحلهٔ یک", UnknownProvince),
        (administrator(), "IR-07", " ", ReasonInvalid),
        (administrator(Scope(province_codes=frozenset({"IR-23"}))), "IR-07", "x", UnknownProvince),
        (administrator(Scope(association_id=1)), "IR-07", "x", UnknownProvince),
        (operator(2, Role.STORE_MANAGER), "IR-07", "x", Forbidden),
        (operator(2, Role.AUDITOR), "IR-07", "x", Forbidden),
        (debts.viewer_of(1), "IR-07", "x", Forbidden),
        (ANONYMOUS, "IR-07", "x", Unauthenticated),
    ],
)
async def test_what_is_refused_opens_nothing(
    viewer: Viewer, code: str, reason: str, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        await service.set_opening(viewer=viewer, code=code, members=True, reason=reason)

    assert await opening() == (False, False, False)
    assert await trail("provinces.open_set") == []
