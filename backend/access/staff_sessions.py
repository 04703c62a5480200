"""The life of an operator's or cashier's session: opened, refreshed, ended; who bears one now is in `bearers`."""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from backend.access import domain, families, staff, staff_policy
from backend.access import repository_staff_sessions as repository
from backend.access.families import Repeated, Reused, Rotated
from backend.access.repository_staff_sessions import StaffFamily
from backend.access.staff import StaffEndReason, StaffIssued, StaffSession
from backend.access.staff_refusals import StaffSessionExpired, StaffSessionInvalid
from backend.audit import service as audit
from backend.core import addresses, clock
from backend.core.errors import NotFound
from backend.core.permissions import Permission
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db, sealing, tokens
from backend.infra.tokens import Bearer

REFRESH_PURPOSE = "access.refresh.staff"
ADDRESS_CONTEXT = "staff_session.address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """On what and from where somebody signs in; `device_id` is what a refresh has to name again."""

    device_id: str = field(repr=False)
    device_name: str
    address: str | None
    store_device_id: int | None = None


def address_index(address: str | None) -> bytes | None:
    """By what a network is known again: an HMAC, and nothing where no address is known."""
    group = addresses.group(address)
    if group == addresses.UNKNOWN:
        return None
    return sealing.current().blind_index(group, context=ADDRESS_CONTEXT)


def device_digest(device_id: str) -> bytes:
    """What is stored of a store device's id, which is a secret: SHA-256 of 256 random bits."""
    return hashlib.sha256(device_id.encode()).digest()


async def open_session(*, bearer: Bearer, holder_id: int, place: Place) -> StaffIssued:
    """Sign somebody in, in the caller's transaction, which has locked the account and writes the trail.

    The session counts as just authenticated. Of those beyond MAX_SESSIONS the ones unseen for longest end.
    """
    at = clock.now()
    public_id = uuid.uuid4()
    seed = secrets.token_bytes(families.SEED_BYTES)
    token = families.first_token(public_id, seed=seed, key=refresh_keys()[0])
    expires_at = at + staff_policy.current().session_lifetime
    live = await repository.list_live(bearer=bearer, holder_id=holder_id)
    crowded = live[: max(0, len(live) - staff.MAX_SESSIONS + 1)]
    await end(
        crowded, viewer=SYSTEM, holder=_actor(bearer, holder_id), reason=StaffEndReason.CROWDED_OUT
    )
    await repository.insert_session(
        repository.Opened(
            public_id=public_id,
            bearer=bearer,
            holder_id=holder_id,
            device_id=place.device_id,
            device_name=place.device_name,
            address_index=address_index(place.address),
            first_digest=families.digest(token),
            at=at,
            expires_at=expires_at,
            reauthenticated_at=at,
            store_device_id=place.store_device_id,
        )
    )
    return _issued(bearer, holder_id, public_id, token, at=at, session_expires_at=expires_at)


async def refresh(
    *, refresh_token: str, device_id: str, idempotency_key: UUID | None
) -> tuple[Bearer, int, StaffIssued]:
    """Exchange a refresh token for its successor and a new access token; see `families.answer`.

    Gives whose it is. A token in the wrong hands ends its session, and one that was not used for too long is over.
    Raises SessionInvalid where it is no token of staff, StaffSessionInvalid, StaffSessionExpired,
    RefreshKeyMismatch, RateLimited.
    """
    keys = refresh_keys()
    presented = families.parse_token(refresh_token, keys=keys)
    async with db.transaction():
        found = await repository.lock_family(presented.session)
        if found is None:
            raise StaffSessionInvalid
        at = clock.now()
        family, bearer = found.family, found.bearer
        if not family.has_ended and staff_policy.current().is_idle(bearer, found.last_seen_at, at):
            raise StaffSessionExpired
        given = device_id if bearer is Bearer.OPERATOR else device_digest(device_id).hex()
        answer = _answer(found, presented, given, idempotency_key, at=at)
        if isinstance(answer, Rotated):
            await repository.save_rotation(family.id, generations=answer.generations, at=at)
        elif isinstance(answer, Repeated):
            await repository.save_seen(family.public_id, at=at)
        else:
            await end(
                [family.public_id],
                viewer=SYSTEM,
                holder=_actor(bearer, family.owner_id),
                reason=StaffEndReason.REUSED,
            )
    if isinstance(answer, Reused):
        raise StaffSessionInvalid
    issued = _issued(
        bearer,
        family.owner_id,
        family.public_id,
        answer.token,
        at=at,
        session_expires_at=family.expires_at,
    )
    return bearer, family.owner_id, issued


async def end(
    public_ids: Sequence[UUID], *, viewer: Viewer, holder: str, reason: StaffEndReason
) -> None:
    """End those sessions that are live, in the caller's transaction or one of its own; `holder` is whose they are."""
    if not public_ids:
        return
    async with db.transaction():
        for public_id in await repository.end_sessions(public_ids, reason=reason):
            await audit.record(
                viewer=viewer,
                action="access.staff_session_end",
                object_type="StaffSession",
                object_id=str(public_id),
                after={"holder": holder, "end_reason": reason},
            )


async def end_all(
    *,
    viewer: Viewer,
    bearer: Bearer,
    holder_id: int,
    reason: StaffEndReason,
    but: UUID | None = None,
) -> None:
    """End every session of an operator or cashier, save one where it is named."""
    live = await repository.list_live(bearer=bearer, holder_id=holder_id)
    await end(
        [each for each in live if each != but],
        viewer=viewer,
        holder=_actor(bearer, holder_id),
        reason=reason,
    )


async def list_own(*, viewer: Viewer, session_id: UUID | None) -> tuple[StaffSession, ...]:
    """The viewer's live sessions, the one last seen first. Raises Unauthenticated, Forbidden."""
    bearer, holder_id = holder_of(viewer)
    return await repository.list_sessions(
        bearer=bearer, holder_id=holder_id, at=clock.now(), current=session_id
    )


async def end_own(*, viewer: Viewer, session_id: UUID) -> None:
    """Sign out of the session that asks; one that has ended stays so. Raises Unauthenticated, Forbidden."""
    holder_of(viewer)
    await end([session_id], viewer=viewer, holder=viewer.actor, reason=StaffEndReason.SIGNED_OUT)


async def revoke_own(*, viewer: Viewer, session_key: int) -> None:
    """End one of the viewer's own sessions. Raises NotFound, Unauthenticated, Forbidden."""
    bearer, holder_id = holder_of(viewer)
    public_id = await repository.find_public_id(
        bearer=bearer, holder_id=holder_id, session_key=session_key
    )
    if public_id is None:
        raise NotFound(field=("sessionId",))
    await end([public_id], viewer=viewer, holder=viewer.actor, reason=StaffEndReason.REVOKED)


def holder_of(viewer: Viewer) -> tuple[Bearer, int]:
    """Whose sessions are the viewer's own. Raises Unauthenticated, Forbidden."""
    if viewer.kind is ActorKind.CASHIER:
        viewer.require(Permission.STORE_SELF)
        return Bearer.CASHIER, _number(viewer)
    viewer.require(Permission.OPERATOR_SELF)
    return Bearer.OPERATOR, _number(viewer)


def _number(viewer: Viewer) -> int:
    return int(viewer.actor.rpartition(":")[2])


def _actor(bearer: Bearer, holder_id: int) -> str:
    if bearer is Bearer.OPERATOR:
        return staff.operator_actor(holder_id)
    return staff.cashier_actor(holder_id)


def _answer(
    found: StaffFamily,
    presented: families.RefreshToken,
    device_id: str,
    idempotency_key: UUID | None,
    *,
    at: datetime,
) -> Rotated | Repeated | Reused:
    try:
        return families.answer(
            found.family,
            presented,
            device_id=device_id,
            idempotency_key=idempotency_key,
            keys=refresh_keys(),
            at=at,
        )
    except domain.SessionInvalid as error:
        raise StaffSessionInvalid from error
    except domain.SessionExpired as error:
        raise StaffSessionExpired from error


def refresh_keys() -> tuple[bytes, ...]:
    """The keys of staff's refresh tokens, the current one first; members' have others."""
    return tokens.current().secrets_for(REFRESH_PURPOSE)


def _issued(
    bearer: Bearer,
    holder_id: int,
    session_id: UUID,
    token: str,
    *,
    at: datetime,
    session_expires_at: datetime,
) -> StaffIssued:
    expires_at = min(at + staff.ACCESS_LIFETIME, session_expires_at).replace(microsecond=0)
    return StaffIssued(
        access_token=tokens.issue(
            subject=holder_id, session=session_id, at=at, expires_at=expires_at, bearer=bearer
        ),
        access_token_expires_at=expires_at,
        refresh_token=token,
        session_id=session_id,
    )
