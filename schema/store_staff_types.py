"""Stores' devices and cashiers as clients see them, and what their mutations take and answer."""

from datetime import datetime
from types import MappingProxyType
from typing import Annotated

import strawberry

from backend.access import staff, staff_sessions
from backend.access.staff import CashierState
from backend.core.errors import sentences
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from schema import enums, operator_types
from schema.access_answers import SignedIn
from schema.context import Info
from schema.operator_types import StaffSession
from schema.staff_answers import ActRefused, CredentialsInvalid, ReauthenticationNeeded

enums.describe(
    CashierState,
    "Whether a cashier may sign in.",
    ACTIVE="The cashier may.",
    SUSPENDED="The cashier may not.",
)
_STATE_TEXTS = MappingProxyType(
    {
        CashierState.ACTIVE: sentences(fa="فعال", en="Active"),
        CashierState.SUSPENDED: sentences(fa="معلق", en="Suspended"),
    }
)
StoreId = Annotated[strawberry.ID, strawberry.argument(description="The store.")]


@strawberry.type(description="A terminal of a store.")
class StoreDevice:
    """A device."""

    id: strawberry.ID = strawberry.field(
        description="For `storeDeviceRevoke`; not what it signs in by."
    )
    name: str = strawberry.field(description="As the store manager calls it.")
    created_at: datetime = strawberry.field(description="When its code was made.")
    enrolled_at: datetime | None = strawberry.field(
        description="Null where the code was not used yet."
    )
    last_seen_at: datetime | None = strawberry.field(
        description="When somebody signed in on it last."
    )
    revoked_at: datetime | None = strawberry.field(description="Null where it may be used.")


@strawberry.type(description="Somebody who sells in one store.")
class Cashier:
    """A cashier."""

    id: strawberry.ID = strawberry.field(description="Of this cashier.")
    user_name: str = strawberry.field(description="What the cashier signs in by, in that store.")
    name: str = strawberry.field(description="What colleagues call the cashier.")
    state: CashierState = strawberry.field(description="Whether the cashier may sign in.")
    state_text: str = strawberry.field(description="The same in the viewer's language.")
    must_change_password: bool = strawberry.field(
        description="Whether the password is the first one: with it nothing can be sold."
    )
    created_at: datetime = strawberry.field(description="When the account was made.")


@strawberry.type(description="The cashier who asks.")
class CashierAccount:
    """The own account."""

    store_id: strawberry.ID = strawberry.field(description="The store.")
    permissions: list[str] = strawberry.field(
        description="What may be done now: with the first password, nothing is sold."
    )

    @strawberry.field(description="Where the cashier is signed in, last seen first.")
    async def sessions(self, info: Info) -> list[StaffSession]:
        """Live sessions."""
        found = await staff_sessions.list_own(
            viewer=info.context.viewer, session_id=info.context.session_id
        )
        return [operator_types.staff_session(each) for each in found]


@strawberry.input(description="A device that a store is to have.")
class StoreDeviceCodeCreateInput:
    """What `storeDeviceCodeCreate` takes."""

    store_id: strawberry.ID = strawberry.field(description="The store.")
    device_name: str = strawberry.field(description="Such as “till 1”.")


@strawberry.input(description="Makes who asks a device of the store.")
class StoreDeviceEnrolInput:
    """What `storeDeviceEnrol` takes."""

    store_code: str = strawberry.field(description="The store's code.")
    code: str = strawberry.field(description="As the store manager gave it.")


@strawberry.input(description="A device that is to be good for nothing.")
class StoreDeviceRevokeInput:
    """What `storeDeviceRevoke` takes."""

    store_device_id: strawberry.ID = strawberry.field(description="The device.")
    reason: str = strawberry.field(description="For the trail.")


@strawberry.input(description="A cashier whom a store is to have.")
class CashierCreateInput:
    """What `cashierCreate` takes."""

    store_id: strawberry.ID = strawberry.field(description="The store.")
    user_name: str = strawberry.field(description="3 to 40 Latin letters, digits, dots, hyphens.")
    name: str = strawberry.field(description="What colleagues call the cashier.")


@strawberry.input(description="A cashier who lost the password.")
class CashierPasswordRenewInput:
    """What `cashierPasswordRenew` takes."""

    cashier_id: strawberry.ID = strawberry.field(description="The cashier.")
    reason: str = strawberry.field(description="For the trail.")


@strawberry.input(description="Whether a cashier may sign in.")
class CashierStateSetInput:
    """What `cashierStateSet` takes."""

    cashier_id: strawberry.ID = strawberry.field(description="The cashier.")
    state: CashierState = strawberry.field(description="SUSPENDED ends the cashier's sessions.")
    reason: str = strawberry.field(description="For the trail.")


@strawberry.input(description="Who signs in at a till.")
class CashierSignInInput:
    """What `cashierSignIn` takes."""

    store_code: str = strawberry.field(description="The store's code.")
    user_name: str = strawberry.field(description="In capital or small letters.")
    password: str = strawberry.field(description="The password.")
    device_id: str = strawberry.field(description="What `storeDeviceEnrol` gave: a secret.")


@strawberry.input(description="Another password.")
class CashierPasswordChangeInput:
    """What `cashierPasswordChange` takes."""

    current_password: str = strawberry.field(description="The one until now.")
    new_password: str = strawberry.field(description="12 to 128 characters.")


@strawberry.type(
    description="The code of a device, shown this once; good for 24 hours and one device."
)
class StoreDeviceCode:
    """The success of `storeDeviceCodeCreate`."""

    device: StoreDevice = strawberry.field(description="The device to be.")
    code: str = strawberry.field(description="For `storeDeviceEnrol`.")


@strawberry.type(description="Who asked is a device of the store.")
class StoreDeviceEnrolled:
    """The success of `storeDeviceEnrol`."""

    device_id: str = strawberry.field(
        description="For `cashierSignIn` and `sessionRefresh`: a secret, shown this once."
    )
    device_name: str = strawberry.field(description="As the store manager calls it.")


@strawberry.type(description="The device is good for nothing; its sessions have ended.")
class StoreDeviceRevoked:
    """The success of `storeDeviceRevoke`."""

    device: StoreDevice = strawberry.field(description="The device.")


@strawberry.type(description="A cashier with a first password, shown this once.")
class CashierPasswordMade:
    """The success of `cashierCreate` and `cashierPasswordRenew`."""

    cashier: Cashier = strawberry.field(description="The cashier.")
    password: str = strawberry.field(description="To be changed by `cashierPasswordChange`.")


@strawberry.type(description="The cashier is as asked for.")
class CashierChanged:
    """The success of `cashierStateSet`."""

    cashier: Cashier = strawberry.field(description="The cashier.")


@strawberry.type(description="The password is another one; the other sessions have ended.")
class CashierPasswordChanged:
    """The success of `cashierPasswordChange`."""

    done: bool = strawberry.field(description="Always true.")


StoreDeviceCodeCreateResult = Annotated[
    StoreDeviceCode | ReauthenticationNeeded | ActRefused,
    strawberry.union(
        "StoreDeviceCodeCreateResult", description="What `storeDeviceCodeCreate` answers."
    ),
]
StoreDeviceEnrolResult = Annotated[
    StoreDeviceEnrolled | ActRefused,
    strawberry.union("StoreDeviceEnrolResult", description="What `storeDeviceEnrol` answers."),
]
StoreDeviceRevokeResult = Annotated[
    StoreDeviceRevoked | ActRefused,
    strawberry.union("StoreDeviceRevokeResult", description="What `storeDeviceRevoke` answers."),
]
CashierCreateResult = Annotated[
    CashierPasswordMade | ReauthenticationNeeded | ActRefused,
    strawberry.union("CashierCreateResult", description="What `cashierCreate` answers."),
]
CashierPasswordRenewResult = Annotated[
    CashierPasswordMade | ReauthenticationNeeded | ActRefused,
    strawberry.union(
        "CashierPasswordRenewResult", description="What `cashierPasswordRenew` answers."
    ),
]
CashierStateSetResult = Annotated[
    CashierChanged | ReauthenticationNeeded | ActRefused,
    strawberry.union("CashierStateSetResult", description="What `cashierStateSet` answers."),
]
CashierSignInResult = Annotated[
    SignedIn | CredentialsInvalid,
    strawberry.union("CashierSignInResult", description="What `cashierSignIn` answers."),
]
CashierPasswordChangeResult = Annotated[
    CashierPasswordChanged | CredentialsInvalid | ActRefused,
    strawberry.union(
        "CashierPasswordChangeResult", description="What `cashierPasswordChange` answers."
    ),
]


def store_device(value: staff.StoreDevice) -> StoreDevice:
    """The GraphQL form of a device."""
    return StoreDevice(
        id=strawberry.ID(GlobalId("StoreDevice", value.id).encode()),
        name=value.name,
        created_at=value.created_at,
        enrolled_at=value.enrolled_at,
        last_seen_at=value.last_seen_at,
        revoked_at=value.revoked_at,
    )


def cashier(value: staff.Cashier, locale: Locale) -> Cashier:
    """The GraphQL form of a cashier."""
    return Cashier(
        id=strawberry.ID(GlobalId("Cashier", value.id).encode()),
        user_name=value.user_name,
        name=value.name,
        state=value.state,
        state_text=_STATE_TEXTS[value.state][locale],
        must_change_password=value.has_initial_password,
        created_at=value.created_at,
    )
