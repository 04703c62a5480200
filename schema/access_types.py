"""The types of sessions and devices, and their places among a member's fields."""

from datetime import datetime

import strawberry

from backend.access import devices, domain, service
from backend.access.domain import DevicePlatform, PushProvider
from backend.core.ids import GlobalId
from schema import enums
from schema.context import Info

enums.describe(
    DevicePlatform,
    "What an app runs on.",
    ANDROID="A telephone or tablet with Android.",
    IOS="An iPhone or iPad.",
    WEB="A browser.",
)
enums.describe(
    PushProvider,
    "Who carries messages to a device; NONE where nobody does.",
    FCM="Google's Firebase Cloud Messaging.",
    APNS="Apple's Push Notification service.",
    HMS="Huawei's Push Kit.",
    NONE="Nobody: the app asks by itself.",
)


@strawberry.type(description="A device on which a member is, or was, signed in.")
class Session:
    """A live session."""

    id: strawberry.ID = strawberry.field(description="For `sessionRevoke`.")
    device_name: str = strawberry.field(description="As the device calls itself.")
    platform: DevicePlatform = strawberry.field(description="What its app runs on.")
    created_at: datetime = strawberry.field(description="When the member signed in.")
    last_seen_at: datetime = strawberry.field(description="When it was last refreshed.")
    current: bool = strawberry.field(description="Whether it is the one that asks.")


@strawberry.type(description="A device that a member's app has told of.")
class Device:
    """A device."""

    id: strawberry.ID = strawberry.field(description="Of this device of this member.")
    device_id: str = strawberry.field(description="As the app names it.")
    name: str = strawberry.field(description="As the device calls itself.")
    platform: DevicePlatform = strawberry.field(description="What its app runs on.")
    push_provider: PushProvider = strawberry.field(description="How messages reach it.")
    app_version: str | None = strawberry.field(description="Null before it was registered.")
    last_seen_at: datetime = strawberry.field(description="When it was last heard of.")


@strawberry.type
class MemberAccess:
    """Sessions and devices among a member's fields."""

    @strawberry.field(description="Where the member is signed in, last seen first; at most 20.")
    async def sessions(self, info: Info) -> list[Session]:
        """Live sessions."""
        found = await service.list_sessions(
            viewer=info.context.viewer, session_id=info.context.session_id
        )
        return [session(each) for each in found]

    @strawberry.field(description="The member's devices, last seen first; at most 20.")
    async def devices(self, info: Info) -> list[Device]:
        """Known devices."""
        return [device(each) for each in await devices.list_devices(viewer=info.context.viewer)]


def session(value: domain.Session) -> Session:
    """The GraphQL form of a session."""
    return Session(
        id=strawberry.ID(GlobalId("Session", value.id, value.member_id).encode()),
        device_name=value.device_name,
        platform=value.platform,
        created_at=value.created_at,
        last_seen_at=value.last_seen_at,
        current=value.is_current,
    )


def device(value: domain.Device) -> Device:
    """The GraphQL form of a device."""
    return Device(
        id=strawberry.ID(GlobalId("Device", value.id, value.member_id).encode()),
        device_id=value.device_id,
        name=value.name,
        platform=value.platform,
        push_provider=value.push_provider,
        app_version=value.app_version,
        last_seen_at=value.last_seen_at,
    )
