"""Invented operators of every role, for the demo: each can sign in at once."""

from dataclasses import dataclass, field

from backend.access import first_administrators, passwords
from backend.access import repository_operators as repository
from backend.core.locale import Locale
from backend.core.permissions import ROLE_NAMES, Permission, Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db

FARS = Scope(province_codes=frozenset({"IR-07"}))
# Two administrators, so that one can ask and the other grant; one operator of Fars alone.
ACCOUNTS = (
    ("admin1", Role.ADMINISTRATOR, Scope(nation=True)),
    ("admin2", Role.ADMINISTRATOR, Scope(nation=True)),
    ("observer", Role.OBSERVER, Scope(nation=True)),
    ("stores1", Role.STORE_MANAGER, Scope(nation=True)),
    ("loans1", Role.LOAN_OFFICER, Scope(nation=True)),
    ("finance1", Role.FINANCE_OFFICER, Scope(nation=True)),
    ("campaigns1", Role.CAMPAIGNER, Scope(nation=True)),
    ("support1", Role.SUPPORT, Scope(nation=True)),
    ("support2", Role.SUPPORT, Scope(nation=True)),
    ("registrar1", Role.REGISTRAR, FARS),
    ("auditor", Role.AUDITOR, Scope(nation=True)),
)


@dataclass(frozen=True, slots=True)
class DemoOperator:
    """An invented operator, and the secrets; known this once."""

    user_name: str
    role: Role
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)


async def seed_operators(*, viewer: Viewer) -> tuple[DemoOperator, ...]:
    """Make the demo's operators where there is no operator at all; gives the ones made.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(Permission.OPERATORS_MANAGE)
    known = await repository.list_operators(
        scope=Scope(nation=True), search=None, role=None, after=None, limit=1
    )
    if known:
        return ()
    made = []
    for user_name, role, scope in ACCOUNTS:
        password = passwords.initial()
        hashed = await passwords.hash_of(password)
        async with db.transaction():
            account = await first_administrators.add_active(
                viewer=viewer,
                user_name=user_name,
                name=ROLE_NAMES[role][Locale.FA],
                office=first_administrators.OFFICE,
                roles=frozenset({role}),
                scope=scope,
                password_hash=hashed,
            )
        made.append(DemoOperator(user_name, role, password, account.totp_secret))
    return tuple(made)
