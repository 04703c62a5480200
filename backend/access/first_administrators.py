"""The first two administrators, made on the command line; all other accounts are made by one and granted by another."""

from dataclasses import dataclass, field

from backend.access import operator_sign_in, passwords, staff, totp
from backend.access import repository_operators as repository
from backend.access.staff import FIRST_ADMINISTRATORS, Operator, OperatorState
from backend.access.staff_refusals import FirstAdministratorsThere, UserNameTaken
from backend.audit import service as audit
from backend.core import clock
from backend.core.permissions import Permission, Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db

OFFICE = "ستاد مرکزی"


@dataclass(frozen=True, slots=True)
class FirstAdministrator:
    """An administrator who can sign in, and the secrets; shown this once."""

    operator: Operator
    totp_secret: str = field(repr=False)
    otpauth_uri: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)


async def require_room(*, viewer: Viewer) -> None:
    """Raise FirstAdministratorsThere where there are two who can act. Raises Unauthenticated, Forbidden."""
    viewer.require(Permission.OPERATORS_MANAGE)
    if await repository.count_administrators() >= FIRST_ADMINISTRATORS:
        raise FirstAdministratorsThere


async def make(*, viewer: Viewer, user_name: str, name: str, password: str) -> FirstAdministrator:
    """Make an administrator of the nation where fewer than two can act; for the command line.

    Raises FirstAdministratorsThere, UserNameInvalid, UserNameTaken, StaffTextInvalid, PasswordInvalid,
    Unauthenticated, Forbidden.
    """
    await require_room(viewer=viewer)
    normal = staff.normal_user_name(user_name)
    shown = staff.shown_text(name, most=staff.MAX_NAME_CHARACTERS, field="name")
    hashed = await passwords.hash_of(passwords.check(password, user_name=normal, field="password"))
    async with db.transaction():
        await repository.hold_administrators()
        await require_room(viewer=viewer)
        return await add_active(
            viewer=viewer,
            user_name=normal,
            name=shown,
            office=OFFICE,
            roles=frozenset({Role.ADMINISTRATOR}),
            scope=Scope(nation=True),
            password_hash=hashed,
        )


async def add_active(
    *,
    viewer: Viewer,
    user_name: str,
    name: str,
    office: str,
    roles: frozenset[Role],
    scope: Scope,
    password_hash: str,
) -> FirstAdministrator:
    """Add an account that can sign in at once, in the caller's transaction; also for the demo. Raises UserNameTaken."""
    secret, codes = totp.new_secret(), totp.new_recovery_codes()
    operator_id = await repository.insert_operator(
        user_name=user_name,
        name=name,
        office=office,
        state=OperatorState.INVITED,
        roles=roles,
        scope=scope,
        national_code_index=None,
        created_by=viewer.actor,
        at=clock.now(),
    )
    if operator_id is None:
        raise UserNameTaken(field=("userName",))
    await repository.save_secrets(
        operator_id,
        password_hash=password_hash,
        totp=operator_sign_in.seal_totp(operator_id, secret),
    )
    await repository.replace_recovery_codes(
        operator_id, [operator_sign_in.recovery_digest(each) for each in codes]
    )
    await repository.save_state(operator_id, OperatorState.ACTIVE, approved_by=viewer.actor)
    await audit.record(
        viewer=viewer,
        action="operator.first",
        object_type="Operator",
        object_id=str(operator_id),
        after={"user_name": user_name, "roles": sorted(roles)},
    )
    found = await repository.lock_operator(operator_id)
    assert found is not None  # noqa: S101 - inserted above
    return FirstAdministrator(found[0], secret, totp.uri(secret, user_name=user_name), codes)
