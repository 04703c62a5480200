"""Devices on a real database: a push token reaches one device, and only while its member is signed in."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.access import devices, domain, service, sessions, upkeep
from backend.access.domain import (
    DeviceInvalid,
    DevicePlatform,
    DeviceRegistration,
    Issued,
    PushProvider,
)
from backend.core import clock
from backend.core.errors import Forbidden, Unauthenticated
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, SYSTEM
from backend.infra import db as database
from backend.infra import sealing
from backend.infra.sealing import Sealed
from tests.support.access import configure_keys, new_member, signed_in

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TOKEN, OTHER_TOKEN = (f"fcm:token-{number}" for number in (1, 2))
REGISTRATION = DeviceRegistration(
    device_id="device-1",
    platform=DevicePlatform.ANDROID,
    push_provider=PushProvider.FCM,
    push_token=TOKEN,
    app_version="2.4.0",
    locale=Locale.FA,
)


@pytest.fixture(autouse=True)
def keys(db: None) -> None:
    """Keys for the tokens, and the database."""
    del db
    configure_keys()


@pytest.fixture
async def member_id() -> int:
    return await new_member()


async def register(
    member_id: int,
    registration: DeviceRegistration = REGISTRATION,
    *,
    by: Issued | None = None,
) -> domain.Device:
    """Register a device by a session on it, by a new one where none is given."""
    session = by or await signed_in(member_id, registration.device_id)
    return await devices.register_device(
        viewer=sessions.viewer_of(member_id),
        session_id=session.session_id,
        registration=registration,
    )


async def listed(member_id: int) -> list[tuple[str, str]]:
    """Id and push provider of a member's devices."""
    found = await devices.list_devices(viewer=sessions.viewer_of(member_id))
    return [(each.device_id, each.push_provider) for each in found]


async def test_a_device_is_registered_under_the_name_it_signed_in_with(member_id: int) -> None:
    with clock.frozen(NOW):
        session = await signed_in(member_id, name="گوشی مریم")
    with clock.frozen(NOW + SECOND):
        device = await register(member_id, by=session)

    assert device == domain.Device(
        id=device.id,
        member_id=member_id,
        device_id="device-1",
        name="گوشی مریم",
        platform=DevicePlatform.ANDROID,
        push_provider=PushProvider.FCM,
        app_version="2.4.0",
        locale=Locale.FA,
        last_seen_at=NOW + SECOND,
    )
    assert await devices.list_devices(viewer=sessions.viewer_of(member_id)) == (device,)


async def test_a_push_token_is_stored_sealed(member_id: int) -> None:
    await register(member_id)

    row = await database.fetch_one("SELECT *, device::text AS all FROM device")
    assert row is not None
    assert "token-1" not in row["all"]
    assert b"token-1" not in row["push_token_sealed"]
    sealed = Sealed(row["push_token_sealed"], row["push_token_key_id"])
    opened = sealing.current().unseal(sealed, context="device.push_token")
    assert opened == TOKEN


async def test_a_registration_is_repeated_and_changed(member_id: int) -> None:
    first = await register(member_id)
    changed = replace(REGISTRATION, push_token=OTHER_TOKEN, app_version="2.5.0", locale=Locale.EN)

    second = await register(member_id, changed)
    third = await register(member_id, changed)

    assert (second.id, second.app_version, second.locale) == (first.id, "2.5.0", Locale.EN)
    assert replace(third, last_seen_at=second.last_seen_at) == second
    row = await database.fetch_one("SELECT count(*) AS count FROM device")
    assert row is not None
    assert row["count"] == 1


async def test_a_device_without_a_push_token_is_known_and_not_reached(member_id: int) -> None:
    await register(member_id)
    await register(
        member_id, replace(REGISTRATION, push_provider=PushProvider.NONE, push_token=None)
    )

    assert await listed(member_id) == [("device-1", "NONE")]


async def test_a_phone_that_changed_hands_reaches_its_new_member_alone(member_id: int) -> None:
    other = await new_member()
    await register(member_id)

    await register(other)

    assert await listed(member_id) == [("device-1", "NONE")]
    assert await listed(other) == [("device-1", "FCM")]


async def test_simultaneous_registrations_of_one_push_token_leave_it_with_one_device() -> None:
    members = [await new_member() for _ in range(6)]

    await asyncio.gather(*(register(member_id) for member_id in members))

    providers = [(await listed(member_id))[0][1] for member_id in members]
    assert sorted(providers) == ["FCM"] + ["NONE"] * 5


async def test_simultaneous_registrations_of_one_device_give_one_row(member_id: int) -> None:
    await asyncio.gather(*(register(member_id) for _ in range(6)))

    assert await listed(member_id) == [("device-1", "FCM")]


async def test_a_device_whose_session_ended_is_not_reached(member_id: int) -> None:
    session = await signed_in(member_id)
    await register(member_id, by=session)
    await register(member_id, replace(REGISTRATION, device_id="device-2", push_token=OTHER_TOKEN))
    assert sorted(await listed(member_id)) == [("device-1", "FCM"), ("device-2", "FCM")]

    await service.session_end(viewer=sessions.viewer_of(member_id), session_id=session.session_id)
    assert sorted(await listed(member_id)) == [("device-1", "NONE"), ("device-2", "FCM")]


async def test_a_device_on_which_a_new_session_takes_over_is_reached(member_id: int) -> None:
    await register(member_id)
    await signed_in(member_id)
    assert await listed(member_id) == [("device-1", "FCM")]


async def test_no_session_registers_another_device(member_id: int) -> None:
    """Who holds the phone for a minute would be reached after every session was ended."""
    session, other = await signed_in(member_id), await signed_in(await new_member())
    for session_id in (session.session_id, other.session_id, uuid.uuid4(), None):
        with pytest.raises(DeviceInvalid) as refused:
            await devices.register_device(
                viewer=sessions.viewer_of(member_id),
                session_id=session_id,
                registration=replace(REGISTRATION, device_id="made-up"),
            )
        assert refused.value.field == ("deviceId",)
    assert await listed(member_id) == [("device-1", "NONE")]


async def test_no_session_that_ended_or_expired_registers_its_device(member_id: int) -> None:
    with clock.frozen(NOW - domain.SESSION_LIFETIME):
        expired = await signed_in(member_id)
    ended = await signed_in(member_id, "device-2")
    await service.session_end(viewer=sessions.viewer_of(member_id), session_id=ended.session_id)
    for session, device_id in ((expired, "device-1"), (ended, "device-2")):
        with clock.frozen(NOW), pytest.raises(DeviceInvalid):
            await register(member_id, replace(REGISTRATION, device_id=device_id), by=session)


async def test_an_end_silences_whatever_has_no_live_session(member_id: int) -> None:
    """Also what was registered before devices were bound to sessions."""
    await register(member_id)
    await database.execute("UPDATE device SET device_id = 'made-up'")
    await sessions.end_all(viewer=SYSTEM, member_id=member_id, reason=domain.EndReason.REVOKED)
    assert ("made-up", "NONE") in await listed(member_id)


async def test_a_device_whose_session_expired_is_not_reached_after_the_night(
    member_id: int,
) -> None:
    with clock.frozen(NOW - domain.SESSION_LIFETIME):
        await register(member_id)
    with clock.frozen(NOW - SECOND):
        await register(
            member_id, replace(REGISTRATION, device_id="device-2", push_token=OTHER_TOKEN)
        )
    with clock.frozen(NOW):
        await upkeep.prune_sessions(keep=timedelta(days=30))
    assert sorted(await listed(member_id)) == [("device-1", "NONE"), ("device-2", "FCM")]


async def test_a_device_is_forgotten(member_id: int) -> None:
    other = await new_member()
    await register(member_id)
    await register(other, replace(REGISTRATION, push_token=OTHER_TOKEN))

    for _ in range(2):  # the answer may have been lost
        await devices.unregister_device(viewer=sessions.viewer_of(member_id), device_id="device-1")

    assert await listed(member_id) == []
    assert await listed(other) == [("device-1", "FCM")]


async def test_a_member_has_20_devices_at_most(member_id: int) -> None:
    for number in range(domain.MAX_DEVICES + 1):
        with clock.frozen(NOW + number * SECOND):
            await register(
                member_id,
                replace(REGISTRATION, device_id=f"device-{number}", push_token=f"fcm:{number}"),
            )

    assert [device_id for device_id, _ in await listed(member_id)] == [
        f"device-{number}" for number in range(20, 0, -1)
    ]


async def test_devices_are_for_members_alone(member_id: int) -> None:
    await register(member_id)

    for viewer, refusal in ((ANONYMOUS, Unauthenticated), (SYSTEM, Forbidden)):
        with pytest.raises(refusal):
            await devices.list_devices(viewer=viewer)
        with pytest.raises(refusal):
            await devices.register_device(viewer=viewer, session_id=None, registration=REGISTRATION)
        with pytest.raises(refusal):
            await devices.unregister_device(viewer=viewer, device_id="device-1")
    assert await listed(member_id) == [("device-1", "FCM")]


async def test_a_malformed_id_is_refused(member_id: int) -> None:
    with pytest.raises(DeviceInvalid):
        await devices.unregister_device(viewer=sessions.viewer_of(member_id), device_id="")
