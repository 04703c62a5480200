"""Use cases of sessions: refresh, list, end; and who the bearer of an access token is."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from backend.access import bearers, families, repository, revocation, sessions, staff_sessions
from backend.access.domain import EndReason, Issued, Session, SessionInvalid
from backend.access.staff import StaffIssued
from backend.access.staff_refusals import StaffSessionInvalid
from backend.audit.domain import MEMBER_SELF
from backend.core import clock
from backend.core.errors import Forbidden, NotFound
from backend.core.viewer import ActorKind, Viewer
from backend.infra import tokens
from backend.infra.tokens import AccessClaims, Bearer, TokenInvalid

STAFF = (ActorKind.OPERATOR, ActorKind.CASHIER)

_IDENTITIES: Final = 16_384


@dataclass(frozen=True, slots=True)
class Identity:
    """Who bears an access token, and in which session."""

    viewer: Viewer
    session_id: UUID


async def identity_of_token(token: str) -> Identity:
    """Who bears an access token. A member's costs no statement while the revocations are watched.

    An operator's or cashier's is looked up each time. Raises TokenInvalid, also for an ended session, TokenExpired,
    DatabaseUnavailable.
    """
    claims = tokens.verify(token, at=clock.now())
    if claims.bearer is not Bearer.MEMBER:
        return Identity(await bearers.viewer_of(claims), claims.session)
    if await revocation.is_revoked(claims.session):
        raise tokens.TokenInvalid
    return _identity(claims.subject, claims.session)


def known_identity(token: str) -> Identity | None:
    """The same at once; None where the database has to be asked: an operator's or cashier's is always looked up.

    Raises TokenInvalid, TokenExpired.
    """
    claims = tokens.verify(token, at=clock.now())
    if claims.bearer is not Bearer.MEMBER:
        return None
    is_revoked = revocation.known(claims.session)
    if is_revoked is None:
        return None
    if is_revoked:
        raise tokens.TokenInvalid
    return _identity(claims.subject, claims.session)


async def viewer_of_token(token: str) -> Viewer:
    """Who bears an access token. Raises as `identity_of_token` does."""
    return (await identity_of_token(token)).viewer


async def session_refresh(
    *, refresh_token: str, device_id: str, idempotency_key: UUID | None = None
) -> Issued:
    """Exchange a refresh token for a new pair; who has lost the answer just asks again.

    The same device with the same token, and the same key where it sent one, gets the same refresh token until that
    is used, and for 60 s after. Any other use ends the session. Raises DeviceInvalid, SessionInvalid,
    SessionExpired, RefreshKeyMismatch, RateLimited.
    """
    return await sessions.refresh(
        refresh_token=refresh_token, device_id=device_id, idempotency_key=idempotency_key
    )


async def staff_session_refresh(
    *, refresh_token: str, device_id: str, idempotency_key: UUID | None = None
) -> tuple[Identity, StaffIssued]:
    """The same for an operator or a cashier, who may be one no more. Cashiers name their device's secret id.

    Raises StaffSessionInvalid, StaffSessionExpired, RefreshKeyMismatch, RateLimited, DatabaseUnavailable.
    """
    bearer, holder_id, issued = await staff_sessions.refresh(
        refresh_token=refresh_token, device_id=device_id, idempotency_key=idempotency_key
    )
    now = clock.now()
    claims = AccessClaims(holder_id, issued.session_id, now, issued.access_token_expires_at, bearer)
    try:
        viewer = await bearers.viewer_of(claims)
    except TokenInvalid as error:
        raise StaffSessionInvalid from error
    return Identity(viewer, issued.session_id), issued


def is_of_staff(refresh_token: str) -> bool:
    """Whether a refresh token was given to an operator or cashier."""
    try:
        families.parse_token(refresh_token, keys=staff_sessions.refresh_keys())
    except SessionInvalid:
        return False
    return True


async def session_end(*, viewer: Viewer, session_id: UUID) -> None:
    """Sign out of the session that asks; one that has ended stays so.

    Raises Unauthenticated, Forbidden.
    """
    if viewer.kind in STAFF:
        await staff_sessions.end_own(viewer=viewer, session_id=session_id)
        return
    await sessions.end(
        [session_id], viewer=viewer, member_id=_member_id(viewer), reason=EndReason.SIGNED_OUT
    )


async def session_revoke(*, viewer: Viewer, session_key: int) -> None:
    """End one of the viewer's own sessions, on whichever device; one that has ended stays so.

    Raises NotFound for a session of nobody or of somebody else, Unauthenticated, Forbidden.
    """
    if viewer.kind in STAFF:
        await staff_sessions.revoke_own(viewer=viewer, session_key=session_key)
        return
    member_id = _member_id(viewer)
    public_id = await repository.find_public_id(member_id=member_id, session_key=session_key)
    if public_id is None:
        raise NotFound(field=("sessionId",))
    await sessions.end([public_id], viewer=viewer, member_id=member_id, reason=EndReason.REVOKED)


async def list_sessions(*, viewer: Viewer, session_id: UUID | None) -> tuple[Session, ...]:
    """The member's live sessions, the one last seen first, MAX_SESSIONS at most.

    `session_id` is the one that asks. Raises Unauthenticated, Forbidden.
    """
    return await repository.list_sessions(
        member_id=_member_id(viewer), at=clock.now(), current=session_id
    )


@lru_cache(maxsize=_IDENTITIES)
def _identity(member_id: int, session_id: UUID) -> Identity:
    return Identity(sessions.viewer_of(member_id), session_id)


def _member_id(viewer: Viewer) -> int:
    viewer.require(MEMBER_SELF)
    if viewer.subject is None:
        raise Forbidden(MEMBER_SELF)
    return viewer.subject
