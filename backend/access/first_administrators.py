"""The first two administrators, made on the command line; all other accounts are made by one and granted by another.

Those who are suspended or invited anew count as well: who has a shell and suspends the other of two would else be two
persons. A house that has lost its administrators says so, with a reason, and all who watch are told.
"""

from dataclasses import dataclass, field

from backend.access import operator_phones, operator_sign_in, passwords, staff, totp, watchers
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as repository
from backend.access.persons import Person
from backend.access.staff import FIRST_ADMINISTRATORS, Operator, OperatorState
from backend.access.staff_refusals import (
    FirstAdministratorsThere,
    SuspendedAdministratorsThere,
    UserNameTaken,
)
from backend.access.watchers import Act
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


async def require_room(*, viewer: Viewer, is_recovery: bool = False) -> None:
    """Raise FirstAdministratorsThere where there are two, whatever became of them; in a recovery, two who can act.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(Permission.OPERATORS_MANAGE)
    if await repository.count_administrators() >= FIRST_ADMINISTRATORS:
        raise FirstAdministratorsThere
    there = await repository.count_administrators(states=watchers.EVERYBODY)
    if there >= FIRST_ADMINISTRATORS and not is_recovery:
        raise SuspendedAdministratorsThere


async def make(
    *,
    viewer: Viewer,
    user_name: str,
    name: str,
    person: Person,
    password: str,
    recover: str | None = None,
) -> FirstAdministrator:
    """Make an administrator of the nation where there are fewer than two; for the command line.

    `recover` is the reason why one is made in place of those who are there and can't act. All auditors and
    administrators are told, in a recovery the suspended ones as well. The caller has asked in whose name the person's
    number is. Raises FirstAdministratorsThere, UserNameInvalid, UserNameTaken (also where the person has an account),
    StaffTextInvalid, PasswordInvalid, ReasonInvalid, Unauthenticated, Forbidden.
    """
    is_recovery = recover is not None
    reason = None if recover is None else audit.fit_reason(recover)
    await require_room(viewer=viewer, is_recovery=is_recovery)
    normal = staff.normal_user_name(user_name)
    shown = staff.shown_text(name, most=staff.MAX_NAME_CHARACTERS, field="name")
    hashed = await passwords.hash_of(passwords.check(password, user_name=normal, field="password"))
    async with db.transaction():
        await repository.hold_administrators()
        await require_room(viewer=viewer, is_recovery=is_recovery)
        made = await add_active(
            viewer=viewer,
            user_name=normal,
            name=shown,
            office=OFFICE,
            roles=frozenset({Role.ADMINISTRATOR}),
            scope=staff.EVERYWHERE,
            person=person,
            password_hash=hashed,
            reason=reason,
        )
        await watchers.tell(
            operator=made.operator,
            act=Act.RECOVERED if is_recovery else Act.MADE,
            by=viewer.actor,
            at=clock.now(),
            states=watchers.EVERYBODY if is_recovery else watchers.ACTIVE,
        )
        return made


async def add_active(
    *,
    viewer: Viewer,
    user_name: str,
    name: str,
    office: str,
    roles: frozenset[Role],
    scope: Scope,
    person: Person | None,
    password_hash: str,
    totp_secret: str | None = None,
    reason: str | None = None,
) -> FirstAdministrator:
    """Add an account that can sign in at once, in the caller's transaction; also for the demo. Raises UserNameTaken.

    Without a person it knows no own file and gets no message; without a TOTP secret it gets a new one.
    """
    secret, codes = totp_secret or totp.new_secret(), totp.new_recovery_codes()
    operator_id = await repository.insert_operator(
        user_name=user_name,
        name=name,
        office=office,
        state=OperatorState.INVITED,
        roles=roles,
        scope=scope,
        national_code_index=None if person is None else person.national_code_index,
        created_by=viewer.actor,
        at=clock.now(),
    )
    if operator_id is None:
        raise UserNameTaken(field=("userName",))
    if person is not None:
        await repository.save_phone(operator_id, operator_phones.seal(operator_id, person.phone))
    await secrets_repository.save_secrets(
        operator_id,
        password_hash=password_hash,
        totp=operator_sign_in.seal_totp(operator_id, secret),
    )
    await secrets_repository.replace_recovery_codes(
        operator_id, [operator_sign_in.recovery_digest(each) for each in codes]
    )
    await repository.save_state(operator_id, OperatorState.ACTIVE, approved_by=viewer.actor)
    await audit.record(
        viewer=viewer,
        action="operator.first" if reason is None else "operator.recovered",
        object_type="Operator",
        object_id=str(operator_id),
        after={"user_name": user_name, "roles": sorted(roles)},
        reason=reason,
    )
    found = await secrets_repository.lock_operator(operator_id)
    assert found is not None  # noqa: S101 - inserted above
    return FirstAdministrator(found[0], secret, totp.uri(secret, user_name=user_name), codes)
