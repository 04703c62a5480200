"""Invented staff for the demo: operators of every role and a cashier with a till, who can sign in at once."""

import secrets
from dataclasses import dataclass, field

from backend.access import (
    cashier_sign_in,
    first_administrators,
    operator_sign_in,
    passwords,
    staff_sessions,
    store_staff,
    totp,
)
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_store_staff as store_repository
from backend.access.persons import Person
from backend.core import clock
from backend.core.locale import Locale
from backend.core.permissions import ROLE_NAMES, Permission, Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db
from backend.members.seed import numbers

NATION = Scope(nation=True)
PROVINCE_CODE = "IR-07"
PROVINCE = Scope(province_codes=frozenset({PROVINCE_CODE}))
# Two administrators, so that one can ask and the other grant; a store manager of one province.
ACCOUNTS = (
    ("admin1", Role.ADMINISTRATOR, NATION),
    ("admin2", Role.ADMINISTRATOR, NATION),
    ("observer", Role.OBSERVER, NATION),
    ("stores1", Role.STORE_MANAGER, PROVINCE),
    ("loans1", Role.LOAN_OFFICER, NATION),
    ("finance1", Role.FINANCE_OFFICER, NATION),
    ("campaigns1", Role.CAMPAIGNER, NATION),
    ("support1", Role.SUPPORT, NATION),
    ("support2", Role.SUPPORT, NATION),
    ("auditor", Role.AUDITOR, NATION),
)
REGISTRAR = "registrar1"  # of one association
OPERATORS = (*(name for name, _, _ in ACCOUNTS), REGISTRAR)
CASHIER = "cashier1"

_FIRST_NUMBER = 500_000_000  # beyond the invented members, whose numbers nobody shares


@dataclass(frozen=True, slots=True)
class DemoSecrets:
    """What the demo's staff sign in with: one password and one TOTP secret for all, and the till's secret."""

    password: str = field(repr=False)
    totp_secret: str = field(repr=False)
    device_id: str = field(repr=False)


def new_secrets() -> DemoSecrets:
    """Secrets that nobody knows yet."""
    return DemoSecrets(
        password=passwords.initial(),
        totp_secret=totp.new_secret(),
        device_id=secrets.token_urlsafe(cashier_sign_in.SECRET_BYTES),
    )


async def seed_operators(*, viewer: Viewer, known: DemoSecrets, association_id: int) -> None:
    """Make the demo's operators, or let those there sign in by these secrets; never outside of a demo's own database.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(Permission.OPERATORS_MANAGE)
    hashed = await passwords.hash_of(known.password)
    registrar = (REGISTRAR, Role.REGISTRAR, Scope(association_id=association_id))
    accounts = enumerate((*ACCOUNTS, registrar), _FIRST_NUMBER)
    for number, (user_name, role, scope) in accounts:
        async with db.transaction():
            if not await _renew(user_name, hashed, known):
                await first_administrators.add_active(
                    viewer=viewer,
                    user_name=user_name,
                    name=ROLE_NAMES[role][Locale.FA],
                    office=first_administrators.OFFICE,
                    roles=frozenset({role}),
                    scope=scope,
                    person=_person(number),
                    password_hash=hashed,
                    totp_secret=known.totp_secret,
                )


async def seed_cashier(
    *, viewer: Viewer, known: DemoSecrets, store_id: int, store_code: str
) -> None:
    """Make the demo's cashier with an enrolled till where the store has none; else the same as with operators.

    Raises NotFound, Unauthenticated, Forbidden.
    """
    hashed = await passwords.hash_of(known.password)
    async with db.transaction():
        there = await store_repository.find_cashier(store_id=store_id, user_name=CASHIER)
        if there is None:
            made = await store_staff.make_cashier(
                viewer=viewer, store_id=store_id, user_name=CASHIER, name="صندوق‌دار"
            )
            cashier = made.cashier
        else:
            cashier = there[0]
        await store_repository.save_cashier_password(cashier.id, hashed, is_initial=False)
        digest = staff_sessions.device_digest(known.device_id)
        if await store_repository.find_device_of_store(store_code, digest) is None:
            given = await store_staff.give_device_code(
                viewer=viewer, store_id=store_id, name="صندوق ۱"
            )
            await store_repository.enrol_device(
                store_code=store_code,
                code_digest=store_staff.code_digest(given.code),
                digest=digest,
                at=clock.now(),
            )


def _person(number: int) -> Person:
    return Person(numbers.national_code(number, seed=0), numbers.phone(number, seed=0))


async def _renew(user_name: str, hashed: str, known: DemoSecrets) -> bool:
    """Whether there is such an operator, who signs in by these secrets from now on."""
    found = await secrets_repository.find_candidate(
        user_name, device_id=None, address_index=None, recovery_digest=None, known_since=clock.now()
    )
    if found is None:
        return False
    operator_id = found.operator.id
    await secrets_repository.save_secrets(
        operator_id,
        password_hash=hashed,
        totp=operator_sign_in.seal_totp(operator_id, known.totp_secret),
    )
    return True
