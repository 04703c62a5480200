"""At a till: a device is enrolled by a code, and cashiers sign in on it.

A device's id is a secret of 256 bits that it is given as it is enrolled. Without it no try at a cashier's password is
looked at, so nobody from outside can lock a cashier out.
"""

import secrets
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from backend.access import bearers, guesses, passwords, staff, staff_sessions, store_staff
from backend.access import repository_store_staff as repository
from backend.access.staff import CashierState, StaffEndReason, StaffIssued, StoreDevice
from backend.access.staff_refusals import CredentialsInvalid, DeviceCodeInvalid
from backend.access.staff_sessions import Place
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import Forbidden
from backend.core.permissions import Permission
from backend.core.viewer import ANONYMOUS, ActorKind, Viewer
from backend.infra import db
from backend.infra.tokens import AccessClaims, Bearer

SECRET_BYTES: Final = 32
MAX_STORE_CODE_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device, and its id: a secret that it keeps; shown this once."""

    device: StoreDevice
    device_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CashierSignedIn:
    """A cashier who signed in: who asks from now on, and with which tokens."""

    viewer: Viewer
    issued: StaffIssued
    has_initial_password: bool


async def enrol_device(*, store_code: str, code: str, address: str | None) -> Enrolled:
    """Make who asks a device of the store, by a code that a store manager gave; public, and good once.

    A right code is never waited for, whatever others have tried: only wrong ones are counted, each for the network that
    it came from. The code has to withstand that by itself. It has 80 bits and is good for seven days at most; a store
    has 50 at most. Who tries 10,000 a second from ever other networks for all of that time has made 2^33 tries at 2^6
    of 2^80 codes, and finds one with a chance of 2^-41.

    Raises DeviceCodeInvalid, RateLimited, Unavailable.
    """
    store, device_id = _code(store_code), secrets.token_urlsafe(SECRET_BYTES)
    device = await _enrol(store, code, device_id)
    if device is None:
        await guesses.begin(
            account=f"store-device|{store}",
            source=guesses.network(address),
            is_known=False,
            address=address,
        )
        raise DeviceCodeInvalid(field=("code",))
    return Enrolled(device, device_id)


async def cashier_sign_in(
    *, store_code: str, user_name: str, password: str, device_id: str, address: str | None
) -> CashierSignedIn:
    """Sign a cashier in on a device of the store; public, alike for every store, cashier and device.

    A suspended store, cashier or device is refused as a wrong password is. Raises CredentialsInvalid, RateLimited,
    Unavailable.
    """
    name = staff.tried_user_name(user_name)
    digest = staff_sessions.device_digest(device_id)
    found = await repository.find_device_of_store(_code(store_code), digest)
    till = None if found is None else found[1]
    tried = await guesses.begin(
        account=f"cashier|{digest.hex()}|{name}" if found is not None else "cashier|nowhere",
        source=f"device|{digest.hex()}" if found is not None else guesses.network(address),
        is_known=found is not None,
        address=address,
    )
    account = None
    if till is not None:
        account = await repository.find_cashier(store_id=till.store_id, user_name=name)
    hashed = None if account is None else account[1]
    is_right = await passwords.is_right(password, hashed)
    is_let = is_right and till is not None and till.is_active
    if found is None or account is None or not (is_let and account[0].state is CashierState.ACTIVE):
        await _record_failure(None if account is None else account[0].id)
        raise CredentialsInvalid
    issued = await _open(
        cashier_id=account[0].id,
        hashed=account[1],
        place=Place(
            device_id=digest.hex(),
            device_name=name,
            address=address,
            store_device_id=found[0],
        ),
    )
    await guesses.was_right(tried)
    claims = AccessClaims(
        subject=account[0].id,
        session=issued.session_id,
        issued_at=clock.now(),
        expires_at=issued.access_token_expires_at,
        bearer=Bearer.CASHIER,
    )
    viewer = await bearers.viewer_of(claims)
    return CashierSignedIn(viewer, issued, account[0].has_initial_password)


async def change_password(
    *, viewer: Viewer, session_id: UUID | None, current: str, new: str
) -> None:
    """Set the cashier's own password; the cashier's other sessions end.

    Raises CredentialsInvalid where the current one is wrong, PasswordInvalid, RateLimited, Unavailable,
    Unauthenticated, Forbidden.
    """
    cashier_id = own_id(viewer)
    tried = await guesses.begin(
        account=f"cashier-again|{cashier_id}", source=str(session_id), is_known=True, address=None
    )
    async with db.transaction():
        found = await repository.lock_cashier(cashier_id, scope=staff.EVERYWHERE)
    if found is None or not await passwords.is_right(current, found[1]):
        raise CredentialsInvalid(field=("currentPassword",))
    await guesses.was_right(tried)
    hashed = await passwords.hash_of(passwords.check(new, user_name=found[0].user_name))
    async with db.transaction():
        again = await repository.lock_cashier(cashier_id, scope=staff.EVERYWHERE)
        if again is None or again[1] != found[1]:
            raise CredentialsInvalid(field=("currentPassword",))
        await repository.save_cashier_password(cashier_id, hashed, is_initial=False)
        await staff_sessions.end_all(
            viewer=viewer,
            bearer=Bearer.CASHIER,
            holder_id=cashier_id,
            reason=StaffEndReason.SECRET_CHANGED,
            but=session_id,
        )
        await audit.record(
            viewer=viewer,
            action="cashier.new_passphrase",
            object_type=store_staff.CASHIER,
            object_id=str(cashier_id),
        )


def own_id(viewer: Viewer) -> int:
    """The id of the cashier who asks. Raises Unauthenticated, Forbidden."""
    viewer.require(Permission.STORE_SELF)
    if viewer.kind is not ActorKind.CASHIER:
        raise Forbidden(Permission.STORE_SELF)
    return staff_sessions.holder_of(viewer)[1]


async def _enrol(store_code: str, code: str, device_id: str) -> StoreDevice | None:
    """The device that a code makes; None for a code that is wrong, used or too old."""
    async with db.transaction():
        device = await repository.enrol_device(
            store_code=store_code,
            code_digest=store_staff.code_digest(code),
            digest=staff_sessions.device_digest(device_id),
            at=clock.now(),
        )
        if device is not None:
            await audit.record(
                viewer=ANONYMOUS,
                action="store_device.enrol",
                object_type=store_staff.DEVICE,
                object_id=str(device.id),
                after={"store_id": device.store_id},
            )
    return device


async def _open(*, cashier_id: int, hashed: str, place: Place) -> StaffIssued:
    """The session. Raises CredentialsInvalid where the cashier changed since, or is suspended."""
    async with db.transaction():
        found = await repository.lock_cashier(cashier_id, scope=staff.EVERYWHERE)
        if found is None or found[1] != hashed or found[0].state is not CashierState.ACTIVE:
            raise CredentialsInvalid
        assert place.store_device_id is not None  # noqa: S101 - given above
        device = await repository.lock_device(place.store_device_id, scope=staff.EVERYWHERE)
        if device is None or device.revoked_at is not None:
            raise CredentialsInvalid
        issued = await staff_sessions.open_session(
            bearer=Bearer.CASHIER, holder_id=cashier_id, place=place
        )
        await repository.save_device_seen(device.id, at=clock.now())
        await audit.record(
            viewer=Viewer(ANONYMOUS.kind, actor=staff.cashier_actor(cashier_id)),
            action="cashier.sign_in",
            object_type=store_staff.CASHIER,
            object_id=str(cashier_id),
            after={"session": str(issued.session_id), "store_device_id": device.id},
        )
    return issued


async def _record_failure(cashier_id: int | None) -> None:
    await audit.record(
        viewer=ANONYMOUS,
        action="cashier.sign_in_failed",
        object_type=store_staff.CASHIER,
        object_id="unknown" if cashier_id is None else str(cashier_id),
    )


def _code(store_code: str) -> str:
    return store_code.strip().upper()[:MAX_STORE_CODE_CHARACTERS]
