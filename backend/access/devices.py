"""Use cases of devices: registered to be reached by push messages, forgotten, listed."""

from uuid import UUID

from backend.access import repository as sessions_repository
from backend.access import repository_devices as repository
from backend.access.domain import (
    Device,
    DeviceInvalid,
    DeviceRegistration,
    check_device_id,
)
from backend.audit.domain import MEMBER_SELF
from backend.core import clock
from backend.core.errors import Forbidden
from backend.core.viewer import Viewer
from backend.infra import db, sealing

PUSH_TOKEN = "device.push_token"  # noqa: S105 - the context of its seal and of its index


async def register_device(
    *, viewer: Viewer, session_id: UUID | None, registration: DeviceRegistration
) -> Device:
    """Make the device of the session that asks reachable, or say anew how; without a push token it is just known.

    Push goes where somebody is signed in: any other device is DeviceInvalid, so that what was registered in a
    borrowed minute ends with its session. A push token reaches one device: whoever had it before is not reached by
    it any more. A member has MAX_DEVICES at most: the one unseen for longest is forgotten. Raises DeviceInvalid,
    Unauthenticated, Forbidden.
    """
    member_id = _member_id(viewer)
    token = registration.push_token
    sealer = sealing.current()
    index = None if token is None else sealer.blind_index(token, context=PUSH_TOKEN)
    async with db.transaction():
        await _check_is_of_session(
            session_id, member_id=member_id, device_id=registration.device_id
        )
        if index is not None:
            await repository.lock_push_token(index)
            await repository.release_push_token(index)
        device = await repository.save_device(
            registration,
            member_id=member_id,
            push_token=None if token is None else sealer.seal(token, context=PUSH_TOKEN),
            push_token_index=index,
            at=clock.now(),
        )
        await repository.delete_crowded_devices(member_id=member_id)
    return device


async def unregister_device(*, viewer: Viewer, device_id: str) -> None:
    """Forget a device of the member; one that is not there stays so. Its sessions live on.

    Raises DeviceInvalid, Unauthenticated, Forbidden.
    """
    check_device_id(device_id, field=("deviceId",))
    await repository.delete_device(member_id=_member_id(viewer), device_id=device_id)


async def list_devices(*, viewer: Viewer) -> tuple[Device, ...]:
    """The member's devices, the one last seen first. Raises Unauthenticated, Forbidden."""
    return await repository.list_devices(member_id=_member_id(viewer))


async def _check_is_of_session(session_id: UUID | None, *, member_id: int, device_id: str) -> None:
    """Raise DeviceInvalid for a device that the session is not on; the session cannot end meanwhile."""
    found = session_id and await sessions_repository.lock_device_id(
        member_id=member_id, public_id=session_id, at=clock.now()
    )
    if found != device_id:
        raise DeviceInvalid(field=("deviceId",))


def _member_id(viewer: Viewer) -> int:
    viewer.require(MEMBER_SELF)
    if viewer.subject is None:
        raise Forbidden(MEMBER_SELF)
    return viewer.subject
