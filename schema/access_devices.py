"""Devices: how an app says that it is to be reached, and that it is not."""

from typing import Annotated

import strawberry

from backend.access import devices, domain
from backend.access.domain import DevicePlatform, PushProvider
from backend.core.locale import Locale
from backend.members.domain import SELF
from schema import access_types, errors
from schema.access_answers import DeviceInvalid
from schema.access_types import Device
from schema.context import Info
from schema.permissions import Requires


@strawberry.input(description="How a device is reached.")
class DeviceRegisterInput:
    """What `deviceRegister` takes."""

    device_id: str = strawberry.field(
        description="The device that signed in: that of the session which asks."
    )
    platform: DevicePlatform = strawberry.field(description="What the app runs on.")
    push_provider: PushProvider = strawberry.field(description="NONE without a push token.")
    push_token: str | None = strawberry.field(
        default=None, description="As the provider gave it; null where there is none."
    )
    app_version: str = strawberry.field(description="Such as `1.4.2`.")
    locale: Locale = strawberry.field(description="The language of the app.")


@strawberry.input(description="A device that is not to be reached any more.")
class DeviceUnregisterInput:
    """What `deviceUnregister` takes."""

    device_id: str = strawberry.field(description="The device.")


@strawberry.type(description="The device is known, and reached where it gave a push token.")
class DeviceRegistered:
    """The success of `deviceRegister`."""

    device: Device = strawberry.field(description="The device.")


@strawberry.type(description="The device is forgotten; its sessions live on.")
class DeviceUnregistered:
    """The success of `deviceUnregister`."""

    device_id: str = strawberry.field(description="The device.")


DeviceRegisterResult = Annotated[
    DeviceRegistered | DeviceInvalid,
    strawberry.union("DeviceRegisterResult", description="What `deviceRegister` answers."),
]

DeviceUnregisterResult = Annotated[
    DeviceUnregistered | DeviceInvalid,
    strawberry.union("DeviceUnregisterResult", description="What `deviceUnregister` answers."),
]


@strawberry.type
class DeviceMutation:
    """The mutations of devices."""

    @strawberry.mutation(
        description="Tells how a device is reached by push messages; said again, it holds anew. Needs a member.",
        extensions=[Requires(SELF)],
    )
    async def device_register(
        self,
        info: Info,
        input: DeviceRegisterInput,  # noqa: A002 - the contract's name
    ) -> DeviceRegisterResult:
        """Register a device."""
        try:
            found = await devices.register_device(
                viewer=info.context.viewer,
                session_id=info.context.session_id,
                registration=domain.DeviceRegistration(
                    device_id=input.device_id,
                    platform=input.platform,
                    push_provider=input.push_provider,
                    push_token=input.push_token,
                    app_version=input.app_version,
                    locale=input.locale,
                ),
            )
        except domain.DeviceInvalid as error:
            return errors.user_error(DeviceInvalid, error, info.context.locale)
        return DeviceRegistered(device=access_types.device(found))

    @strawberry.mutation(
        description="Forgets a device: no push message reaches it any more. Needs a member; repeated, it changes "
        "nothing.",
        extensions=[Requires(SELF)],
    )
    async def device_unregister(
        self,
        info: Info,
        input: DeviceUnregisterInput,  # noqa: A002 - the contract's name
    ) -> DeviceUnregisterResult:
        """Forget a device."""
        try:
            await devices.unregister_device(viewer=info.context.viewer, device_id=input.device_id)
        except domain.DeviceInvalid as error:
            return errors.user_error(DeviceInvalid, error, info.context.locale)
        return DeviceUnregistered(device_id=input.device_id)
