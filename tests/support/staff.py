"""Operators and cashiers who can sign in, and what their authenticator apps show."""

import itertools
from dataclasses import dataclass
from datetime import datetime

from backend.access import (
    cashier_sign_in,
    enrolment,
    first_administrators,
    operator_phones,
    operator_sign_in,
    passwords,
    repository_operator_secrets,
    repository_operators,
    store_staff,
    totp,
)
from backend.access.domain import DeviceGiven, DevicePlatform
from backend.access.operator_sign_in import OperatorSignedIn
from backend.access.persons import Person
from backend.access.staff_policy import StaffPolicy
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope, Viewer
from backend.infra import db

PASSWORD = "correct horse battery staple"  # noqa: S105 - of tests alone
DEVICE = "browser-0123456789abcdef"
ADDRESS = "192.0.2.7"
PHONE = "+989120000007"
NATION = Scope(nation=True)

_numbers = itertools.count(1)
_hashes: dict[str, str] = {}


@dataclass(frozen=True)
class Colleague:
    """An operator, with the secrets that only the operator has."""

    id: int
    user_name: str
    totp_secret: str
    recovery_codes: tuple[str, ...]
    password: str = PASSWORD

    def code(self, at: datetime | None = None) -> str:
        """What the authenticator app shows."""
        return totp.at(self.totp_secret, at or clock.now())


async def new_operator(
    *roles: Role,
    scope: Scope = NATION,
    created_by: str = "system",
    user_name: str | None = None,
    national_code: str | None = None,
    phone: str | None = None,
) -> Colleague:
    """An active operator of these roles."""
    if PASSWORD not in _hashes:  # dear on purpose
        _hashes[PASSWORD] = await passwords.hash_of(PASSWORD)
    name = user_name or f"colleague{next(_numbers)}"
    async with db.transaction():
        made = await first_administrators.add_active(
            viewer=Viewer(SYSTEM.kind, created_by),
            user_name=name,
            name="همکار",
            office="شعبهٔ یک",
            roles=frozenset(roles),
            scope=scope,
            person=None if national_code is None else Person(national_code, phone or PHONE),
            password_hash=_hashes[PASSWORD],
        )
        if phone is not None and national_code is None:
            await repository_operators.save_phone(
                made.operator.id, operator_phones.seal(made.operator.id, phone)
            )
    return Colleague(made.operator.id, name, made.totp_secret, made.recovery_codes)


async def sign_in(
    colleague: Colleague,
    *,
    password: str | None = None,
    code: str | None = None,
    device_id: str | None = DEVICE,
    address: str | None = ADDRESS,
    user_name: str | None = None,
) -> OperatorSignedIn:
    """What signing in gives; by default with all that is right. The one-time password is spent by it."""
    device = None
    if device_id is not None:
        device = DeviceGiven(device_id, "مرورگر", DevicePlatform.WEB)
    return await operator_sign_in.operator_sign_in(
        user_name=user_name or colleague.user_name,
        password=colleague.password if password is None else password,
        one_time_password=colleague.code() if code is None else code,
        device=device,
        address=address,
    )


async def viewer_of(colleague: Colleague) -> Viewer:
    """The viewer of a new session, which has just said who it is; with a one-time password that stays unspent."""
    await db.execute("UPDATE operator SET totp_last_step = NULL WHERE id = $1", colleague.id)
    found = await sign_in(colleague)
    await db.execute("UPDATE operator SET totp_last_step = NULL WHERE id = $1", colleague.id)
    return found.viewer


async def invited() -> tuple[str, str]:
    """Somebody who may set up an account: the user name, and the code of the invitation."""
    colleague = await new_operator(Role.OBSERVER)
    code = totp.new_code(enrolment.CODE_GROUPS)
    await db.execute("UPDATE operator SET state = 'INVITED' WHERE id = $1", colleague.id)
    await repository_operator_secrets.save_invitation(
        colleague.id,
        digest=enrolment.digest(code),
        expires_at=clock.now() + StaffPolicy().invitation_lifetime,
    )
    return colleague.user_name, code


async def device_code(store_id: int) -> str:
    """A code by which a device of a store can be enrolled."""
    manager = await viewer_of(await new_operator(Role.STORE_MANAGER))
    given = await store_staff.give_device_code(viewer=manager, store_id=store_id, name="صندوق ۱")
    return given.code


async def cashier_token(store_id: int) -> str:
    """The access token of a cashier of a store, who has set the own password."""
    manager = await viewer_of(await new_operator(Role.STORE_MANAGER))
    made = await store_staff.make_cashier(
        viewer=manager, store_id=store_id, user_name="cashier", name="صندوق‌دار"
    )
    row = await db.fetch_one("SELECT code FROM store WHERE id = $1", store_id)
    assert row is not None
    device = await cashier_sign_in.enrol_device(
        store_code=row["code"], code=await device_code(store_id), address=ADDRESS
    )
    found = await cashier_sign_in.cashier_sign_in(
        store_code=row["code"],
        user_name="cashier",
        password=made.password,
        device_id=device.device_id,
        address=ADDRESS,
    )
    await cashier_sign_in.change_password(
        viewer=found.viewer,
        session_id=found.issued.session_id,
        current=made.password,
        new=PASSWORD,
    )
    return found.issued.access_token
