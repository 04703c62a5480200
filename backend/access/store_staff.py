"""A store's devices and cashiers, as a store manager keeps them; each within the manager's scope."""

import hashlib
from dataclasses import dataclass, field

from backend.access import passwords, staff, staff_policy, staff_sessions, totp
from backend.access import repository_staff_sessions as sessions_repository
from backend.access import repository_store_staff as repository
from backend.access.repository_store_staff import Till
from backend.access.staff import Cashier, CashierState, StaffEndReason, StoreDevice
from backend.access.staff_refusals import TooManyOfStore, UserNameTaken
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import NotFound
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db
from backend.infra.tokens import Bearer

DEVICE = "StoreDevice"
CASHIER = "Cashier"
CODE_GROUPS = 4  # 80 bits


@dataclass(frozen=True, slots=True)
class CodeGiven:
    """A device that is to be enrolled, and its code; shown this once."""

    device: StoreDevice
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CashierMade:
    """A cashier, and the first password; shown this once."""

    cashier: Cashier
    password: str = field(repr=False)


async def give_device_code(*, viewer: Viewer, store_id: int, name: str) -> CodeGiven:
    """Make a code by which one device of a store can be enrolled within 24 hours.

    Raises NotFound, StaffTextInvalid, TooManyOfStore, ReauthenticationNeeded, Unauthenticated, Forbidden.
    """
    viewer.require(Permission.STORES_DEVICE_ENROL)
    viewer.require_recent()
    shown = staff.shown_text(name, most=staff.MAX_NAME_CHARACTERS, field="deviceName")
    code = totp.new_code(CODE_GROUPS)
    at = clock.now()
    async with db.transaction():
        till = await _till(viewer, store_id)
        await repository.hold_store(store_id)
        if await repository.count_devices(store_id, at=at) >= staff.MAX_STORE_DEVICES:
            raise TooManyOfStore(most=staff.MAX_STORE_DEVICES)
        device = await repository.insert_device(
            store_id=store_id,
            name=shown,
            code_digest=code_digest(code),
            code_expires_at=at + staff_policy.current().device_code_lifetime,
            created_by=viewer.actor,
            at=at,
        )
        await _record(viewer, "store_device.offer", DEVICE, device.id, till)
    return CodeGiven(device, code)


async def revoke_device(*, viewer: Viewer, device_key: int, reason: str) -> StoreDevice:
    """Let a device be good for nothing, and end the sessions on it; repeated, it changes nothing.

    Raises NotFound, ReasonInvalid, Unauthenticated, Forbidden.
    """
    viewer.require(Permission.STORES_DEVICE_ENROL)
    async with db.transaction():
        device = await repository.lock_device(device_key, scope=viewer.scope)
        if device is None:
            raise NotFound(field=("storeDeviceId",))
        if device.revoked_at is not None:
            return device
        till = await _till(viewer, device.store_id)
        await repository.revoke_device(device_key, at=clock.now())
        for public_id, cashier_id in await sessions_repository.list_live_on_device(device_key):
            await staff_sessions.end(
                [public_id],
                viewer=viewer,
                holder=staff.cashier_actor(cashier_id),
                reason=StaffEndReason.DEVICE_REVOKED,
            )
        await _record(viewer, "store_device.revoke", DEVICE, device_key, till, reason=reason)
        revoked = await repository.lock_device(device_key, scope=viewer.scope)
    assert revoked is not None  # noqa: S101 - it was there a moment ago
    return revoked


async def list_devices(*, viewer: Viewer, store_id: int) -> list[StoreDevice]:
    """A store's devices, enrolled and offered. Raises NotFound, Unauthenticated, Forbidden."""
    viewer.require(Permission.STORES_DEVICE_ENROL)
    await _till(viewer, store_id)
    return await repository.list_devices(store_id)


async def make_cashier(*, viewer: Viewer, store_id: int, user_name: str, name: str) -> CashierMade:
    """Make a cashier of a store, with a first password that has to be changed before anything is sold.

    Raises NotFound, UserNameInvalid, UserNameTaken, StaffTextInvalid, TooManyOfStore, ReauthenticationNeeded,
    Unauthenticated, Forbidden, Unavailable.
    """
    _require_keeper(viewer)
    normal = staff.normal_user_name(user_name)
    shown = staff.shown_text(name, most=staff.MAX_NAME_CHARACTERS, field="name")
    password = passwords.initial()
    hashed = await passwords.hash_of(password)
    async with db.transaction():
        till = await _till(viewer, store_id)
        await repository.hold_store(store_id)
        if await repository.count_cashiers(store_id) >= staff.MAX_CASHIERS:
            raise TooManyOfStore(most=staff.MAX_CASHIERS)
        cashier = await repository.insert_cashier(
            store_id=store_id,
            user_name=normal,
            name=shown,
            password_hash=hashed,
            created_by=viewer.actor,
            at=clock.now(),
        )
        if cashier is None:
            raise UserNameTaken(field=("userName",))
        await _record(viewer, "cashier.create", CASHIER, cashier.id, till)
    return CashierMade(cashier, password)


async def renew_cashier_password(*, viewer: Viewer, cashier_id: int, reason: str) -> CashierMade:
    """Another first password for a cashier who lost the own one; the cashier's sessions end.

    Raises as `make_cashier`, and ReasonInvalid.
    """
    _require_keeper(viewer)
    password = passwords.initial()
    hashed = await passwords.hash_of(password)
    async with db.transaction():
        cashier, till = await _locked(viewer, cashier_id)
        await repository.save_cashier_password(cashier_id, hashed, is_initial=True)
        await _end_all(viewer, cashier_id, StaffEndReason.RESET)
        await _record(viewer, "cashier.reset", CASHIER, cashier_id, till, reason=reason)
        cashier, _ = await _locked(viewer, cashier_id)
    return CashierMade(cashier, password)


async def set_cashier_state(
    *, viewer: Viewer, cashier_id: int, state: CashierState, reason: str
) -> Cashier:
    """Let a cashier sign in or not; suspended, the cashier's sessions end. Repeated, it changes nothing.

    Raises NotFound, ReasonInvalid, ReauthenticationNeeded, Unauthenticated, Forbidden.
    """
    _require_keeper(viewer)
    async with db.transaction():
        cashier, till = await _locked(viewer, cashier_id)
        if cashier.state is state:
            return cashier
        await repository.save_cashier_state(cashier_id, state)
        if state is CashierState.SUSPENDED:
            await _end_all(viewer, cashier_id, StaffEndReason.SUSPENDED)
        action = "cashier.suspend" if state is CashierState.SUSPENDED else "cashier.resume"
        await _record(viewer, action, CASHIER, cashier_id, till, reason=reason)
        changed, _ = await _locked(viewer, cashier_id)
    return changed


async def list_cashiers(*, viewer: Viewer, store_id: int) -> list[Cashier]:
    """A store's cashiers by user name. Raises NotFound, Unauthenticated, Forbidden."""
    viewer.require(Permission.STORES_CASHIERS_MANAGE)
    await _till(viewer, store_id)
    return await repository.list_cashiers(store_id)


def code_digest(code: str) -> bytes:
    """What is stored of a device's code, and of its secret: SHA-256 of 80 random bits or more."""
    return hashlib.sha256(totp.typed(code).encode()).digest()


async def _till(viewer: Viewer, store_id: int) -> Till:
    """The store, where it lies in the viewer's scope. Raises NotFound."""
    till = await repository.find_till(store_id, scope=viewer.scope)
    if till is None:
        raise NotFound(field=("storeId",))
    return till


async def _locked(viewer: Viewer, cashier_id: int) -> tuple[Cashier, Till]:
    found = await repository.lock_cashier(cashier_id, scope=viewer.scope)
    if found is None:
        raise NotFound(field=("cashierId",))
    return found[0], await _till(viewer, found[0].store_id)


async def _end_all(viewer: Viewer, cashier_id: int, reason: StaffEndReason) -> None:
    await staff_sessions.end_all(
        viewer=viewer, bearer=Bearer.CASHIER, holder_id=cashier_id, reason=reason
    )


def _require_keeper(viewer: Viewer) -> None:
    viewer.require(Permission.STORES_CASHIERS_MANAGE)
    viewer.require_recent()


async def _record(
    viewer: Viewer,
    action: str,
    object_type: str,
    key: int,
    till: Till,
    *,
    reason: str | None = None,
) -> None:
    await audit.record(
        viewer=viewer,
        action=action,
        object_type=object_type,
        object_id=str(key),
        after={"store_id": till.store_id},
        reason=reason,
        province_code=till.province_code,
    )
