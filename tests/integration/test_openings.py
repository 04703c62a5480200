"""Sign-ins of one member at once: one after the other, in one order of locks, and twenty sessions at most."""

import asyncio
from dataclasses import replace

import pytest

from backend.access import devices, domain, repository, service, sessions
from backend.access.domain import (
    DeviceGiven,
    DevicePlatform,
    DeviceRegistration,
    EndReason,
    Issued,
    PushProvider,
)
from backend.core import clock
from backend.core.locale import Locale
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra import tokens
from tests.support.access import configure_keys, new_grant, new_member, signed_in

PHONE = "+989121234567"
DEVICE = DeviceGiven("device-1", "", DevicePlatform.ANDROID)
REGISTRATION = DeviceRegistration(
    DEVICE.id, DevicePlatform.ANDROID, PushProvider.FCM, "fcm:1", "1.0", Locale.FA
)


@pytest.fixture(autouse=True)
def keys(db: None) -> None:
    del db
    configure_keys()


@pytest.fixture
async def member_id() -> int:
    return await new_member()


async def open_session(member_id: int, device: DeviceGiven) -> Issued:
    async with database.transaction():
        await sessions.hold_openings(member_id=member_id)
        return await sessions.open_session(
            member_id=member_id, device=device, grant=new_grant(PHONE)
        )


async def until_a_lock_is_waited_for() -> None:
    async with asyncio.timeout(60):
        while not await database.fetch("SELECT FROM pg_locks WHERE NOT granted"):
            pass


async def end_reasons() -> dict[str, str | None]:
    rows = await database.fetch("SELECT public_id, end_reason FROM session")
    return {str(row["public_id"]): row["end_reason"] for row in rows}


async def test_a_sign_in_ends_what_the_device_had_before(member_id: int) -> None:
    tablet = await signed_in(member_id, "device-2")
    before = await signed_in(member_id)
    after = await signed_in(member_id)

    assert await end_reasons() == {
        str(tablet.session_id): None,
        str(before.session_id): "REPLACED",
        str(after.session_id): None,
    }
    with pytest.raises(tokens.TokenInvalid):
        await service.viewer_of_token(before.access_token)


async def test_of_another_member_it_ends_nothing(member_id: int) -> None:
    other = await signed_in(await new_member())
    await signed_in(member_id)
    assert (await end_reasons())[str(other.session_id)] is None


async def test_a_sign_in_that_replaces_a_session_crowds_out_none(member_id: int) -> None:
    for number in range(domain.MAX_SESSIONS):
        await signed_in(member_id, f"device-{number}")

    await signed_in(member_id, "device-7")

    reasons = list((await end_reasons()).values())
    assert (reasons.count("REPLACED"), reasons.count(None)) == (1, domain.MAX_SESSIONS)


async def test_two_at_once_leave_twenty_sessions(member_id: int) -> None:
    for number in range(domain.MAX_SESSIONS):
        await signed_in(member_id, f"device-{number}")
    opened, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.transaction():
            await open_session(member_id, replace(DEVICE, id="device-21"))
            opened.set()
            await go_on.wait()

    one = asyncio.create_task(first())
    await opened.wait()
    other = asyncio.create_task(open_session(member_id, replace(DEVICE, id="device-22")))
    await until_a_lock_is_waited_for()
    go_on.set()
    await asyncio.gather(one, other)

    assert len(await repository.list_live(member_id=member_id)) == domain.MAX_SESSIONS


async def test_a_sign_in_and_an_end_on_one_device_do_not_wait_for_each_other(
    member_id: int,
) -> None:
    """Both lock sessions before devices; in another order they would end in a deadlock."""
    before = await signed_in(member_id)
    await devices.register_device(
        viewer=sessions.viewer_of(member_id),
        session_id=before.session_id,
        registration=REGISTRATION,
    )
    locked, go_on = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        async with database.transaction():
            await repository.lock_family(before.session_id)  # as a refresh does
            locked.set()
            await go_on.wait()
            await sessions.end(
                [before.session_id], viewer=SYSTEM, member_id=member_id, reason=EndReason.REUSED
            )

    ending = asyncio.create_task(end())
    await locked.wait()
    opening = asyncio.create_task(open_session(member_id, DEVICE))
    await until_a_lock_is_waited_for()
    go_on.set()
    await ending
    after = await opening

    assert await end_reasons() == {str(before.session_id): "REUSED", str(after.session_id): None}


async def test_an_expired_session_of_the_device_stays_expired(member_id: int) -> None:
    """Its app is told that the time is over, and not that somebody ended it."""
    with clock.frozen(clock.now() - domain.SESSION_LIFETIME):
        expired = await signed_in(member_id)
    await signed_in(member_id)
    with pytest.raises(domain.SessionExpired):
        await service.session_refresh(refresh_token=expired.refresh_token, device_id=DEVICE.id)
