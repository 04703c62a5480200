"""The demo's staff in its database: everyone can sign in, also when it was made once more, and the till is enrolled."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from backend import demo_files, demo_staff
from backend.access import cashier_sign_in, operator_sign_in, passwords, seeding, totp
from backend.access.repository_operators import list_operators
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope
from backend.demo_files import DemoStaff
from backend.stores import managing
from backend.stores import seeding as stores
from tests.support import access
from tests.support.member_scene import NOON

ADDRESS = "192.0.2.7"


@pytest.fixture
async def folder(
    db: None, cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Path]:
    del db, cache
    access.configure_keys()
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 64, 1))
    with clock.frozen(NOON):
        await stores.seed_demo(viewer=SYSTEM, today=NOON.date(), progress=lambda _: None)
        yield tmp_path


async def sign_in(user_name: str, staff: DemoStaff) -> Scope:
    found = await operator_sign_in.operator_sign_in(
        user_name=user_name,
        password=staff.password,
        one_time_password=totp.at(staff.totp_secret, clock.now()),
        device=None,
        address=ADDRESS,
    )
    return found.viewer.scope


async def test_all_of_the_staff_can_sign_in_by_what_the_folder_keeps(folder: Path) -> None:
    await demo_staff.seed(folder, association_code=None)

    staff = demo_files.find_staff(folder)
    assert staff is not None
    scopes = {name: await sign_in(name, staff) for name in seeding.OPERATORS}
    assert scopes["stores1"] == Scope(province_codes=frozenset({"IR-07"}))
    assert scopes["registrar1"].association_id is not None
    assert scopes["admin1"] == scopes["admin2"] == Scope(nation=True)
    found = await list_operators(
        scope=Scope(nation=True), search=None, role=None, after=None, limit=100
    )
    assert {role for each in found for role in each.roles} == set(Role)
    signed_in = await cashier_sign_in.cashier_sign_in(
        store_code=staff.store_code,
        user_name=seeding.CASHIER,
        password=staff.password,
        device_id=staff.device_id,
        address=ADDRESS,
    )
    assert not signed_in.has_initial_password
    page = await managing.list_records(
        viewer=SYSTEM, search=staff.store_code, state=None, first=1, after=None
    )
    [store] = page.items  # which hears of a change of its account
    assert (store.draft.province_code, store.draft.phones[-1]) == (
        seeding.PROVINCE_CODE,
        stores.DEMO_TILL_MOBILE,
    )


async def test_made_again_it_adds_nobody_and_the_secrets_stay(folder: Path) -> None:
    await demo_staff.seed(folder, association_code=None)
    before = demo_files.find_staff(folder)

    await demo_staff.seed(folder, association_code=None)

    assert demo_files.find_staff(folder) == before
    assert before is not None
    await sign_in("admin1", before)
    found = await list_operators(
        scope=Scope(nation=True), search=None, role=None, after=None, limit=100
    )
    assert len(found) == len(seeding.OPERATORS)


async def test_where_the_file_was_lost_new_secrets_are_made_and_hold(folder: Path) -> None:
    await demo_staff.seed(folder, association_code=None)
    lost = demo_files.find_staff(folder)
    (folder / "demo-staff").unlink()

    await demo_staff.seed(folder, association_code=None)

    new = demo_files.find_staff(folder)
    assert new is not None
    assert new != lost
    await sign_in("admin1", new)
