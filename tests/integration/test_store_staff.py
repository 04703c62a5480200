"""At a till: devices by codes, cashiers on devices, and what ends both."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from backend.access import cashier_sign_in, passwords, service, store_staff, totp
from backend.access.cashier_sign_in import CashierSignedIn, Enrolled
from backend.access.staff import MAX_STORE_DEVICES, CashierState, StaffIssued
from backend.access.staff_refusals import (
    CredentialsInvalid,
    DeviceCodeInvalid,
    StaffSessionExpired,
    StaffSessionInvalid,
    UserNameTaken,
)
from backend.access.store_staff import CashierMade
from backend.core import clock
from backend.core.errors import Forbidden, NotFound, RateLimited
from backend.core.permissions import CASHIER, Permission, Role
from backend.core.viewer import ActorKind, ReauthenticationNeeded, Scope, Viewer
from backend.infra import db as database
from backend.infra.tokens import TokenInvalid
from tests.support import places
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.staff import ADDRESS

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
WHY = "برای آزمون"
OWN = "my own pass phrase"
FARS, TEHRAN = (
    Scope(province_codes=frozenset({"IR-07"})),
    Scope(province_codes=frozenset({"IR-23"})),
)


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    with clock.frozen(NOW):
        yield


@pytest.fixture
async def store() -> int:
    """An active store of Fars, with the code S1."""
    return await new_store("S1")


@pytest.fixture
async def keeper() -> Viewer:
    return await support.viewer_of(await support.new_operator(Role.STORE_MANAGER, scope=FARS))


async def new_store(code: str) -> int:
    return (await places.save(places.draft(code, province_code="IR-07", city="شیراز")))[code]


async def enrolled(keeper: Viewer, store: int) -> Enrolled:
    given = await store_staff.give_device_code(viewer=keeper, store_id=store, name="صندوق ۱")
    return await cashier_sign_in.enrol_device(store_code="s1", code=given.code, address=ADDRESS)


async def enrol(code: str, *, address: str = ADDRESS) -> Enrolled:
    return await cashier_sign_in.enrol_device(store_code="S1", code=code, address=address)


async def made(keeper: Viewer, store: int, user_name: str = "ali") -> CashierMade:
    return await store_staff.make_cashier(
        viewer=keeper, store_id=store, user_name=user_name, name="علی"
    )


async def sign_in(
    device: Enrolled | str, password: str, *, user_name: str = "ali", store_code: str = "S1"
) -> CashierSignedIn:
    return await cashier_sign_in.cashier_sign_in(
        store_code=store_code,
        user_name=user_name,
        password=password,
        device_id=device if isinstance(device, str) else device.device_id,
        address=ADDRESS,
    )


async def test_a_device_is_enrolled_and_a_cashier_signs_in_on_it(
    keeper: Viewer, store: int
) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)

    found = await sign_in(device, cashier.password)

    viewer = found.viewer
    assert (viewer.kind, viewer.actor) == (ActorKind.CASHIER, f"cashier:{cashier.cashier.id}")
    assert (viewer.store_id, viewer.created_by) == (store, keeper.actor)
    assert found.has_initial_password
    assert viewer.permissions == {Permission.STORE_SELF}  # nothing is sold by the first password


async def test_with_an_own_password_the_cashier_may_sell(keeper: Viewer, store: int) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)
    other = await sign_in(device, cashier.password)
    found = await sign_in(device, cashier.password)

    await cashier_sign_in.change_password(
        viewer=found.viewer,
        session_id=found.issued.session_id,
        current=cashier.password,
        new=OWN,
    )

    viewer = await service.viewer_of_token(found.issued.access_token)
    assert viewer.permissions == CASHIER
    with pytest.raises(TokenInvalid):
        await service.viewer_of_token(other.issued.access_token)
    with pytest.raises(CredentialsInvalid):
        await sign_in(device, cashier.password)
    assert not (await sign_in(device, OWN)).has_initial_password


async def test_a_code_is_good_once_in_its_store_and_for_a_day(keeper: Viewer, store: int) -> None:
    await new_store("S2")
    given = await store_staff.give_device_code(viewer=keeper, store_id=store, name="صندوق")

    for code, store_code in (("AAAA-AAAA-AAAA-AAAA", "S1"), (given.code, "S2")):
        with pytest.raises(DeviceCodeInvalid):
            await cashier_sign_in.enrol_device(store_code=store_code, code=code, address=ADDRESS)
    with clock.frozen(NOW + timedelta(hours=24)), pytest.raises(DeviceCodeInvalid):
        await cashier_sign_in.enrol_device(store_code="S1", code=given.code, address=ADDRESS)
    tried = await asyncio.gather(
        *(
            cashier_sign_in.enrol_device(store_code="S1", code=given.code, address=ADDRESS)
            for _ in range(3)
        ),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in tried) == [
        "DeviceCodeInvalid",
        "DeviceCodeInvalid",
        "Enrolled",
    ]


async def test_wrong_codes_of_outsiders_never_hold_up_who_has_the_right_one(
    keeper: Viewer, store: int
) -> None:
    given = await store_staff.give_device_code(viewer=keeper, store_id=store, name="صندوق")
    wrong = await asyncio.gather(
        *(
            enrol("AAAA-AAAA-AAAA-AAAA", address=address)
            for address in [ADDRESS] * 12 + [f"203.0.113.{number}" for number in range(120)]
        ),
        return_exceptions=True,
    )
    names = [type(each).__name__ for each in wrong]
    assert names[:12].count("RateLimited") == 7  # five are free for a network
    assert names[12:] == ["DeviceCodeInvalid"] * 120
    assert await database.fetch("SELECT FROM store_device WHERE enrolled_at IS NOT NULL") == []

    # Beside the next wave, and from the network that they used up.
    tried = await asyncio.gather(
        *(enrol("AAAA-AAAA-AAAA-AAAA") for _ in range(20)),
        enrol(given.code),
        *(enrol("AAAA-AAAA-AAAA-AAAA") for _ in range(20)),
        return_exceptions=True,
    )

    assert {type(each).__name__ for each in tried if not isinstance(each, Enrolled)} == {
        "RateLimited"
    }
    assert isinstance(tried[20], Enrolled)
    rows = await database.fetch("SELECT id FROM store_device WHERE enrolled_at IS NOT NULL")
    assert [row["id"] for row in rows] == [given.device.id]


def test_a_devices_code_withstands_guessing_for_as_long_as_it_may_live() -> None:
    bits = 5 * len(totp.typed(totp.new_code(store_staff.CODE_GROUPS)))
    tries = 10_000 * timedelta(days=7).total_seconds()

    assert bits == 80
    assert tries * MAX_STORE_DEVICES / 2**bits < 2**-41


async def test_no_secret_of_a_device_is_stored(keeper: Viewer, store: int) -> None:
    given = await store_staff.give_device_code(viewer=keeper, store_id=store, name="صندوق")
    device = await cashier_sign_in.enrol_device(store_code="S1", code=given.code, address=ADDRESS)
    await sign_in(device, (await made(keeper, store)).password)

    rows = await database.fetch(
        "SELECT row_to_json(d)::text AS text FROM store_device d UNION ALL"
        " SELECT row_to_json(s)::text FROM staff_session s UNION ALL"
        " SELECT row_to_json(a)::text FROM audit_entry a"
    )
    text = " ".join(row["text"] for row in rows)
    assert device.device_id not in text
    assert given.code not in text


async def test_without_the_device_no_password_helps_and_nobody_is_locked_out(
    keeper: Viewer, store: int
) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)

    for number in range(30):
        with pytest.raises((CredentialsInvalid, RateLimited)):
            await sign_in(f"guessed-{number}", cashier.password)

    await sign_in(device, cashier.password)


async def test_guesses_on_the_device_wait(keeper: Viewer, store: int) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)
    other = await made(keeper, store, "reza")
    for _ in range(5):
        with pytest.raises(CredentialsInvalid):
            await sign_in(device, OWN)

    with pytest.raises(RateLimited):
        await sign_in(device, cashier.password)
    await sign_in(device, other.password, user_name="reza")  # a colleague at the same till need not
    with clock.frozen(NOW + timedelta(seconds=15)):
        await sign_in(device, cashier.password)


async def test_a_suspended_store_is_refused_at_once(keeper: Viewer, store: int) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)
    found = await sign_in(device, cashier.password)
    await database.execute("UPDATE store SET state = 'SUSPENDED' WHERE id = $1", store)

    with pytest.raises(TokenInvalid):
        await service.viewer_of_token(found.issued.access_token)
    with pytest.raises(StaffSessionInvalid):
        await refresh(found.issued.refresh_token, device.device_id)
    with pytest.raises(CredentialsInvalid):
        await sign_in(device, cashier.password)


async def test_a_revoked_device_is_good_for_nothing(keeper: Viewer, store: int) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)
    found = await sign_in(device, cashier.password)

    for _ in range(2):  # repeated, it changes nothing
        await store_staff.revoke_device(viewer=keeper, device_key=device.device.id, reason=WHY)

    with pytest.raises(TokenInvalid):
        await service.viewer_of_token(found.issued.access_token)
    with pytest.raises(CredentialsInvalid):
        await sign_in(device, cashier.password)
    assert await store_staff.list_devices(viewer=keeper, store_id=store) == []
    rows = await database.fetch("SELECT FROM audit_entry WHERE action = 'store_device.revoke'")
    assert len(rows) == 1


async def test_a_session_is_of_its_device(keeper: Viewer, store: int) -> None:
    device, other = await enrolled(keeper, store), await enrolled(keeper, store)
    cashier = await made(keeper, store)
    first = await sign_in(device, cashier.password)
    again, issued = await refresh(first.issued.refresh_token, device.device_id)
    assert again.viewer.actor == first.viewer.actor

    with pytest.raises(StaffSessionInvalid):
        await refresh(issued.refresh_token, other.device_id)
    with pytest.raises(TokenInvalid):
        await service.viewer_of_token(issued.access_token)


async def test_an_idle_till_is_signed_out(keeper: Viewer, store: int) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)
    found = await sign_in(device, cashier.password)

    with clock.frozen(NOW + timedelta(hours=4)), pytest.raises(StaffSessionExpired):
        await refresh(found.issued.refresh_token, device.device_id)


async def test_a_suspended_cashier_is_refused_and_comes_back(keeper: Viewer, store: int) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)
    found = await sign_in(device, cashier.password)
    for state in (CashierState.SUSPENDED, CashierState.SUSPENDED):
        await store_staff.set_cashier_state(
            viewer=keeper, cashier_id=cashier.cashier.id, state=state, reason=WHY
        )

    with pytest.raises(TokenInvalid):
        await service.viewer_of_token(found.issued.access_token)
    with pytest.raises(CredentialsInvalid):
        await sign_in(device, cashier.password)
    await store_staff.set_cashier_state(
        viewer=keeper, cashier_id=cashier.cashier.id, state=CashierState.ACTIVE, reason=WHY
    )
    await sign_in(device, cashier.password)


async def test_a_new_first_password_ends_what_the_old_one_opened(
    keeper: Viewer, store: int
) -> None:
    device, cashier = await enrolled(keeper, store), await made(keeper, store)
    found = await sign_in(device, cashier.password)

    renewed = await store_staff.renew_cashier_password(
        viewer=keeper, cashier_id=cashier.cashier.id, reason=WHY
    )

    with pytest.raises(TokenInvalid):
        await service.viewer_of_token(found.issued.access_token)
    with pytest.raises(CredentialsInvalid):
        await sign_in(device, cashier.password)
    assert (await sign_in(device, renewed.password)).has_initial_password


async def test_a_user_name_is_one_cashiers_in_a_store(keeper: Viewer, store: int) -> None:
    second = await new_store("S2")
    await made(keeper, store)

    with pytest.raises(UserNameTaken):
        await made(keeper, store, "ALI")
    await made(keeper, second)


async def test_a_manager_keeps_the_stores_of_the_own_scope(keeper: Viewer, store: int) -> None:
    there = await support.viewer_of(await support.new_operator(Role.STORE_MANAGER, scope=TEHRAN))
    device, cashier = await enrolled(keeper, store), await made(keeper, store)

    with pytest.raises(NotFound):
        await store_staff.give_device_code(viewer=there, store_id=store, name="x")
    with pytest.raises(NotFound):
        await made(there, store)
    with pytest.raises(NotFound):
        await store_staff.list_cashiers(viewer=there, store_id=store)
    with pytest.raises(NotFound):
        await store_staff.revoke_device(viewer=there, device_key=device.device.id, reason=WHY)
    with pytest.raises(NotFound):
        await store_staff.set_cashier_state(
            viewer=there,
            cashier_id=cashier.cashier.id,
            state=CashierState.SUSPENDED,
            reason=WHY,
        )
    await sign_in(device, cashier.password)


async def test_no_other_role_keeps_tills(store: int) -> None:
    finance = await support.viewer_of(await support.new_operator(Role.FINANCE_OFFICER))
    manager = await support.viewer_of(await support.new_operator(Role.STORE_MANAGER))

    with pytest.raises(Forbidden):
        await made(finance, store)
    with pytest.raises(Forbidden):
        await store_staff.give_device_code(viewer=finance, store_id=store, name="x")
    with clock.frozen(NOW + timedelta(minutes=5)), pytest.raises(ReauthenticationNeeded):
        await made(manager, store)
    assert await database.fetch("SELECT FROM cashier") == []


def test_a_first_password_can_be_changed_to_none_that_is_too_simple() -> None:
    for weak in ("short", "aaaaaaaaaaaaaaaa", "my name is ali and more"):
        with pytest.raises(passwords.PasswordInvalid):
            passwords.check(weak, user_name="ali")
    assert passwords.check(OWN, user_name="ali") == OWN


async def refresh(token: str, device_id: str) -> tuple[service.Identity, StaffIssued]:
    return await service.staff_session_refresh(refresh_token=token, device_id=device_id)
