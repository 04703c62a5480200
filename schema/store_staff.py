"""At a till: stores' devices and cashiers, as a store manager keeps them and as a cashier signs in."""

import strawberry

from backend.access import cashier_sign_in, staff_refusals, store_staff
from backend.access.passwords import PasswordInvalid
from backend.access.service import Identity
from backend.core.errors import DomainError, NotFound
from backend.core.ids import GlobalId
from backend.core.permissions import Permission
from schema import staff_answers
from schema import store_staff_types as types
from schema.context import Info
from schema.permissions import Requires
from schema.relay import public_key
from schema.store_staff_types import (
    Cashier,
    CashierAccount,
    CashierChanged,
    CashierCreateInput,
    CashierCreateResult,
    CashierPasswordChanged,
    CashierPasswordChangeInput,
    CashierPasswordChangeResult,
    CashierPasswordMade,
    CashierPasswordRenewInput,
    CashierPasswordRenewResult,
    CashierSignInInput,
    CashierSignInResult,
    CashierStateSetInput,
    CashierStateSetResult,
    StoreDevice,
    StoreDeviceCode,
    StoreDeviceCodeCreateInput,
    StoreDeviceCodeCreateResult,
    StoreDeviceEnrolInput,
    StoreDeviceEnrolled,
    StoreDeviceEnrolResult,
    StoreDeviceRevoked,
    StoreDeviceRevokeInput,
    StoreDeviceRevokeResult,
    StoreId,
)


@strawberry.type
class StoreStaffQuery:
    """The root fields of stores' devices and cashiers."""

    @strawberry.field(
        description="The cashier who asks. Needs a cashier.",
        extensions=[Requires(Permission.STORE_SELF)],
    )
    async def cashier_account(self, info: Info) -> CashierAccount:
        """The own account."""
        viewer = info.context.viewer
        cashier_sign_in.own_id(viewer)
        return CashierAccount(
            store_id=strawberry.ID(GlobalId("Store", viewer.store_id or 0).encode()),
            permissions=sorted(viewer.permissions),
        )

    @strawberry.field(
        description="A store's devices; null where the store is not in the viewer's scope. Needs the permission "
        "stores.device_enrol.",
        extensions=[Requires(Permission.STORES_DEVICE_ENROL)],
    )
    async def store_devices(self, info: Info, store_id: StoreId) -> list[StoreDevice] | None:
        """Devices."""
        try:
            found = await store_staff.list_devices(
                viewer=info.context.viewer, store_id=public_key(store_id, "Store")
            )
        except NotFound:
            return None
        return [types.store_device(each) for each in found]

    @strawberry.field(
        description="A store's cashiers; null where the store is not in the viewer's scope. Needs the permission "
        "stores.cashiers_manage.",
        extensions=[Requires(Permission.STORES_CASHIERS_MANAGE)],
    )
    async def store_cashiers(self, info: Info, store_id: StoreId) -> list[Cashier] | None:
        """Cashiers."""
        try:
            found = await store_staff.list_cashiers(
                viewer=info.context.viewer, store_id=public_key(store_id, "Store")
            )
        except NotFound:
            return None
        return [types.cashier(each, info.context.locale) for each in found]


@strawberry.type
class StoreStaffMutation:
    """The mutations of stores' devices and cashiers."""

    @strawberry.mutation(
        description="Makes a code by which one device of a store can be enrolled. Needs the permission "
        "stores.device_enrol.",
        extensions=[Requires(Permission.STORES_DEVICE_ENROL)],
    )
    async def store_device_code_create(
        self,
        info: Info,
        input: StoreDeviceCodeCreateInput,  # noqa: A002 - the contract's name
    ) -> StoreDeviceCodeCreateResult:
        """Make a code."""
        try:
            given = await store_staff.give_device_code(
                viewer=info.context.viewer,
                store_id=staff_answers.key(input.store_id, "Store", field="storeId"),
                name=input.device_name,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return StoreDeviceCode(device=types.store_device(given.device), code=given.code)

    @strawberry.mutation(
        description="Makes who asks a device of a store, by the code that a store manager gave; good once. Needs no "
        "token."
    )
    async def store_device_enrol(
        self,
        info: Info,
        input: StoreDeviceEnrolInput,  # noqa: A002 - the contract's name
    ) -> StoreDeviceEnrolResult:
        """Enrol a device."""
        try:
            found = await cashier_sign_in.enrol_device(
                store_code=input.store_code,
                code=input.code,
                address=info.context.client_address,
            )
        except staff_refusals.DeviceCodeInvalid as error:
            return staff_answers.refused(info, error)
        return StoreDeviceEnrolled(device_id=found.device_id, device_name=found.device.name)

    @strawberry.mutation(
        description="Lets a device be good for nothing and ends the sessions on it; repeated, it changes nothing. "
        "Needs the permission stores.device_enrol.",
        extensions=[Requires(Permission.STORES_DEVICE_ENROL)],
    )
    async def store_device_revoke(
        self,
        info: Info,
        input: StoreDeviceRevokeInput,  # noqa: A002 - the contract's name
    ) -> StoreDeviceRevokeResult:
        """Revoke a device."""
        try:
            found = await store_staff.revoke_device(
                viewer=info.context.viewer,
                device_key=staff_answers.key(
                    input.store_device_id, "StoreDevice", field="storeDeviceId"
                ),
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return StoreDeviceRevoked(device=types.store_device(found))

    @strawberry.mutation(
        description="Makes a cashier of a store, with a first password. Needs the permission stores.cashiers_manage.",
        extensions=[Requires(Permission.STORES_CASHIERS_MANAGE)],
    )
    async def cashier_create(
        self,
        info: Info,
        input: CashierCreateInput,  # noqa: A002 - the contract's name
    ) -> CashierCreateResult:
        """Make a cashier."""
        try:
            made = await store_staff.make_cashier(
                viewer=info.context.viewer,
                store_id=staff_answers.key(input.store_id, "Store", field="storeId"),
                user_name=input.user_name,
                name=input.name,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return _made(info, made)

    @strawberry.mutation(
        description="Another first password for a cashier; the cashier's sessions end. Needs the permission "
        "stores.cashiers_manage.",
        extensions=[Requires(Permission.STORES_CASHIERS_MANAGE)],
    )
    async def cashier_password_renew(
        self,
        info: Info,
        input: CashierPasswordRenewInput,  # noqa: A002 - the contract's name
    ) -> CashierPasswordRenewResult:
        """Make another first password."""
        try:
            made = await store_staff.renew_cashier_password(
                viewer=info.context.viewer,
                cashier_id=staff_answers.key(input.cashier_id, "Cashier", field="cashierId"),
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return _made(info, made)

    @strawberry.mutation(
        description="Lets a cashier sign in or not; repeated, it changes nothing. Needs the permission "
        "stores.cashiers_manage.",
        extensions=[Requires(Permission.STORES_CASHIERS_MANAGE)],
    )
    async def cashier_state_set(
        self,
        info: Info,
        input: CashierStateSetInput,  # noqa: A002 - the contract's name
    ) -> CashierStateSetResult:
        """Suspend or resume a cashier."""
        try:
            found = await store_staff.set_cashier_state(
                viewer=info.context.viewer,
                cashier_id=staff_answers.key(input.cashier_id, "Cashier", field="cashierId"),
                state=input.state,
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return CashierChanged(cashier=types.cashier(found, info.context.locale))

    @strawberry.mutation(
        description="Signs a cashier in on a device of the store. Needs no token. Whatever is wrong is answered alike."
    )
    async def cashier_sign_in(
        self,
        info: Info,
        input: CashierSignInInput,  # noqa: A002 - the contract's name
    ) -> CashierSignInResult:
        """Sign in."""
        try:
            found = await cashier_sign_in.cashier_sign_in(
                store_code=input.store_code,
                user_name=input.user_name,
                password=input.password,
                device_id=input.device_id,
                address=info.context.client_address,
            )
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
        identity = Identity(found.viewer, found.issued.session_id)
        return staff_answers.signed_in(info, identity, found.issued)

    @strawberry.mutation(
        description="Sets the cashier's own password; the cashier's other sessions end. Needs a cashier.",
        extensions=[Requires(Permission.STORE_SELF)],
    )
    async def cashier_password_change(
        self,
        info: Info,
        input: CashierPasswordChangeInput,  # noqa: A002 - the contract's name
    ) -> CashierPasswordChangeResult:
        """Change the password."""
        try:
            await cashier_sign_in.change_password(
                viewer=info.context.viewer,
                session_id=info.context.session_id,
                current=input.current_password,
                new=input.new_password,
            )
        except staff_refusals.CredentialsInvalid as error:
            return staff_answers.credentials_invalid(info, error)
        except PasswordInvalid as error:
            return staff_answers.refused(info, error)
        return CashierPasswordChanged(done=True)


def _made(info: Info, made: store_staff.CashierMade) -> CashierPasswordMade:
    return CashierPasswordMade(
        cashier=types.cashier(made.cashier, info.context.locale), password=made.password
    )
