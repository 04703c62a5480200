"""Who bears an operator's or cashier's access token, and what they may do at this moment.

Their sessions are few and may do much, so each request reads the account anew: a role that was taken away, a
suspended account, store or device holds from the next request on, in every process.
"""

from datetime import datetime, timedelta

import asyncpg

from backend.access import repository_bearers as repository
from backend.access import repository_staff_sessions as sessions_repository
from backend.access import staff, staff_policy
from backend.access.repository_bearers import CashierBearer, OperatorNow
from backend.access.staff import CashierState, OperatorState
from backend.core import clock, permissions
from backend.core.permissions import Permission
from backend.core.viewer import ActorKind, BreakGlass, Scope, Viewer
from backend.infra import db
from backend.infra.tokens import AccessClaims, Bearer, TokenInvalid

SEEN_STEP = timedelta(minutes=1)  # how exactly it is known when a session was used last

_LOSSES = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


async def viewer_of(claims: AccessClaims) -> Viewer:
    """Who bears an operator's or cashier's access token, with what they may do at this moment.

    One statement, and a second once a minute, which remembers that the session is in use. Raises TokenInvalid where
    the session is over, or the account, store or device may not be used any more; DatabaseUnavailable.
    """
    at = clock.now()
    try:
        return await _viewer_of(claims, at)
    except _LOSSES as error:
        raise db.DatabaseUnavailable(retry_after_seconds=1) from error


def operator_viewer(found: OperatorNow, *, reauthenticated_at: datetime | None) -> Viewer:
    """The viewer of an operator's request: the roles' permissions, and those of an emergency."""
    operator = found.operator
    own = permissions.of_roles(operator.roles)
    broken = _broken(found, own)
    return Viewer(
        ActorKind.OPERATOR,
        actor=operator.actor,
        permissions=own if broken is None else own | broken.permissions,
        scope=operator.scope,
        created_by=operator.created_by,
        makers=operator.makers,
        own_member_id=found.own_member_id,
        roles=operator.roles,
        office=operator.office,
        reauthenticated_at=reauthenticated_at,
        break_glass=broken,
    )


def cashier_viewer(found: CashierBearer) -> Viewer:
    """The viewer of a cashier's request; before the own password is set, nothing can be sold."""
    may = {Permission.STORE_SELF} if found.has_initial_password else permissions.CASHIER
    return Viewer(
        ActorKind.CASHIER,
        actor=staff.cashier_actor(found.cashier_id),
        permissions=frozenset(may),
        scope=Scope(province_codes=frozenset({found.province_code})),
        created_by=found.created_by,
        store_id=found.store_id,
    )


async def _viewer_of(claims: AccessClaims, at: datetime) -> Viewer:
    if claims.bearer is Bearer.OPERATOR:
        operator = await repository.find_operator_bearer(
            claims.session, operator_id=claims.subject, at=at
        )
        if operator is None or operator.person.operator.state is not OperatorState.ACTIVE:
            raise TokenInvalid
        await _see(claims, operator.last_seen_at, at)
        return operator_viewer(operator.person, reauthenticated_at=operator.reauthenticated_at)
    cashier = await repository.find_cashier_bearer(claims.session, cashier_id=claims.subject, at=at)
    if cashier is None or not _may_sell(cashier):
        raise TokenInvalid
    await _see(claims, cashier.last_seen_at, at)
    return cashier_viewer(cashier)


async def _see(claims: AccessClaims, last_seen_at: datetime, at: datetime) -> None:
    if staff_policy.current().is_idle(claims.bearer, last_seen_at, at):
        raise TokenInvalid
    if at - last_seen_at >= SEEN_STEP:
        await sessions_repository.save_seen(claims.session, at=at)


def _may_sell(found: CashierBearer) -> bool:
    return (
        found.state is CashierState.ACTIVE and found.is_store_active and not found.is_device_revoked
    )


def _broken(found: OperatorNow, own: frozenset[str]) -> BreakGlass | None:
    if found.break_glass_id is None or found.break_glass_role is None:
        return None
    if found.break_glass_ends_at is None:
        return None
    role = found.break_glass_role
    return BreakGlass(
        found.break_glass_id,
        role,
        permissions.of_roles([role]) - own,
        found.break_glass_ends_at,
        found.break_glass_reason,
    )
