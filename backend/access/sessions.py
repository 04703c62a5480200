"""The life of a session: opened by a confirmed code, refreshed, ended. Nothing but hashes is stored."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from backend.access import (
    domain,
    families,
    repository,
    repository_devices,
    repository_upkeep,
    revocation,
)
from backend.access.domain import (
    DeviceGiven,
    EndReason,
    Issued,
    SessionInvalid,
)
from backend.access.families import Family, Repeated, Reused, Rotated
from backend.audit import service as audit
from backend.audit.domain import MEMBER_SELF
from backend.core import clock, errors
from backend.core.locale import Locale
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db, sealing, tokens
from backend.members import service as members
from backend.notifications import service as notifications
from backend.notifications.domain import NoticeCategory

REFRESH_PURPOSE = "access.refresh"
PHONE_CONTEXT = "session.phone"

_REUSED_TITLE = errors.sentences(
    fa="از یک دستگاه خارج شدید",
    en="You were signed out on a device",
)
_REUSED_BODY = errors.sentences(
    fa="نشست شما روی دستگاه «{device}» بسته شد، چون نشانهٔ ورود آن دوباره یا از دستگاه دیگری به کار رفت."
    " اگر کار شما نبوده است، از فهرست نشست‌ها بقیه را هم ببندید.",
    en="Your session on “{device}” was ended, because its sign-in token was used again, or from another device."
    " If that was not you, end the others in the list of sessions, too.",
)
_UNNAMED = errors.sentences(fa="بی‌نام", en="unnamed")


@dataclass(frozen=True, slots=True)
class Grant:
    """By what a member signs in: the request whose right code was given, and the phone that it was sent to.

    The seed is random and lives as long as the code: with it, and by nothing else, the first refresh token can be
    given again.
    """

    request_id: UUID
    phone: str = field(repr=False)
    seed: bytes = field(repr=False)


def viewer_of(member_id: int) -> Viewer:
    """A signed-in member, acting for the own person."""
    return Viewer(
        ActorKind.MEMBER,
        actor=f"member:{member_id}",
        subject=member_id,
        permissions=frozenset({MEMBER_SELF}),
    )


async def hold_openings(*, member_id: int) -> None:
    """Begin to sign a member in, in the caller's transaction, which then reads phone and state, and `open_session`.

    Until the transaction ends, no other opening of the member begins, and nobody looks for the member's stale
    sessions: what it opens by a phone that was changed meanwhile is found afterwards.
    """
    await repository_upkeep.hold_openings(member_id)


async def open_session(*, member_id: int, device: DeviceGiven, grant: Grant) -> Issued:
    """Sign a member in on a device, in the caller's transaction.

    The caller has proved the right to it after `hold_openings`, and writes the trail. The sessions that the member had
    on this device end, and of those beyond MAX_SESSIONS the ones unseen for longest.
    """
    at = clock.now()
    public_id = uuid.uuid4()
    token = families.first_token(public_id, seed=grant.seed, key=_refresh_keys()[0])
    expires_at = at + domain.SESSION_LIFETIME
    async with db.transaction():
        await repository.insert_session(
            public_id=public_id,
            member_id=member_id,
            device_id=device.id,
            device_name=device.shown_name,
            platform=device.platform,
            first_digest=families.digest(token),
            phone_index=phone_index(grant.phone),
            request_id=grant.request_id,
            at=at,
            expires_at=expires_at,
        )
        await _make_room(public_id, member_id=member_id, device_id=device.id, at=at)
        await repository_devices.save_device_seen(
            member_id=member_id,
            device_id=device.id,
            name=device.shown_name,
            platform=device.platform,
            at=at,
        )
        await repository_devices.delete_crowded_devices(member_id=member_id)
    return _issued(public_id, member_id, token, at=at, session_expires_at=expires_at)


async def open_again(*, member_id: int, device_id: str, grant: Grant) -> Issued | None:
    """What `open_session` gave for this grant, with a new access token; None where it opened none yet.

    In the caller's transaction after `hold_openings`. Raises SessionInvalid where the session has ended, is of
    another device, or its first refresh token was used: then its answer was not lost.
    """
    family = await repository.lock_opened(grant.request_id, member_id=member_id)
    if family is None:
        return None
    if family.device_id != device_id:
        raise SessionInvalid
    at = clock.now()
    token = families.first_given(family, seed=grant.seed, keys=_refresh_keys(), at=at)
    await repository.save_seen(family.id, at=at)
    return _issued(family.public_id, member_id, token, at=at, session_expires_at=family.expires_at)


def phone_index(phone: str) -> bytes:
    """What a session keeps of the phone that opened it: equal for equal numbers, and no number."""
    return sealing.current().blind_index(phone, context=PHONE_CONTEXT)


async def refresh(*, refresh_token: str, device_id: str, idempotency_key: UUID | None) -> Issued:
    """Exchange a refresh token for its successor and a new access token; see `families.answer`.

    A token in the wrong hands ends its session: the member gets a notice, the trail an entry. Raises
    DeviceInvalid, SessionInvalid, SessionExpired, RefreshKeyMismatch, RateLimited.
    """
    domain.check_device_id(device_id, field=("deviceId",))
    keys = _refresh_keys()
    presented = families.parse_token(refresh_token, keys=keys)
    async with db.transaction():
        family = await repository.lock_family(presented.session)
        if family is None:
            raise SessionInvalid
        at = clock.now()  # only now: the lock may have been waited for
        answer = families.answer(
            family,
            presented,
            device_id=device_id,
            idempotency_key=idempotency_key,
            keys=keys,
            at=at,
        )
        await _store(family, answer, at=at)
    if isinstance(answer, Reused):
        raise SessionInvalid
    return _issued(
        family.public_id,
        family.owner_id,
        answer.token,
        at=at,
        session_expires_at=family.expires_at,
    )


async def end(
    public_ids: Sequence[UUID], *, viewer: Viewer, member_id: int, reason: EndReason
) -> None:
    """End those of a member's sessions that are live, in the caller's transaction or one of its own.

    Their access tokens are refused at once here, and within a second everywhere.
    """
    if not public_ids:
        return
    async with db.transaction():
        ended = await repository.end_sessions(public_ids, member_id=member_id, reason=reason)
        for public_id in ended:
            await audit.record(
                viewer=viewer,
                action="access.session_end",
                object_type="Session",
                object_id=str(public_id),
                member_id=member_id,
                after={"end_reason": reason},
            )
        await db.after_commit(_Noting(ended))


async def end_all(*, viewer: Viewer, member_id: int, reason: EndReason) -> None:
    """End every session of a member: the phone number has changed hands, or the member is no more."""
    async with db.transaction():
        await end(
            await repository.list_live(member_id=member_id),
            viewer=viewer,
            member_id=member_id,
            reason=reason,
        )


async def _make_room(opened: UUID, *, member_id: int, device_id: str, at: datetime) -> None:
    """End what a new session replaces and crowds out; before any device is touched (`end_sessions`)."""
    replaced, crowded = await repository.list_outlived(
        member_id=member_id, device_id=device_id, but=opened, at=at
    )
    await end(replaced, viewer=SYSTEM, member_id=member_id, reason=EndReason.REPLACED)
    await end(crowded, viewer=SYSTEM, member_id=member_id, reason=EndReason.CROWDED_OUT)


async def _store(family: Family, answer: Rotated | Repeated | Reused, *, at: datetime) -> None:
    if isinstance(answer, Rotated):
        await repository.save_rotation(family.id, generations=answer.generations, at=at)
    elif isinstance(answer, Repeated):
        await repository.save_seen(family.id, at=at)
    else:
        await end(
            [family.public_id],
            viewer=SYSTEM,
            member_id=family.owner_id,
            reason=EndReason.REUSED,
        )
        await _warn(family)


async def _warn(family: Family) -> None:
    """Tell the member, in the member's language, that somebody else may hold a token."""
    locale = await locale_of(family.owner_id)
    device = family.device_name or _UNNAMED[locale]
    await notifications.enqueue(
        member_id=family.owner_id,
        category=NoticeCategory.SECURITY,
        title=_REUSED_TITLE[locale],
        body=_REUSED_BODY[locale].format(device=device),
    )


async def locale_of(member_id: int) -> Locale:
    """The language in which a member wants to be told something."""
    member = await members.get_member(viewer=viewer_of(member_id))
    return member.preferences.locale


class _Noting:
    """A callback for after the commit."""

    def __init__(self, ended: Sequence[UUID]) -> None:
        self._ended = ended

    async def __call__(self) -> None:
        revocation.note(self._ended)


def _refresh_keys() -> tuple[bytes, ...]:
    return tokens.current().secrets_for(REFRESH_PURPOSE)


def _issued(
    session_id: UUID, member_id: int, token: str, *, at: datetime, session_expires_at: datetime
) -> Issued:
    expires_at = min(at + domain.ACCESS_LIFETIME, session_expires_at).replace(microsecond=0)
    return Issued(
        access_token=tokens.issue(
            subject=member_id, session=session_id, at=at, expires_at=expires_at
        ),
        access_token_expires_at=expires_at,
        refresh_token=token,
        session_id=session_id,
        member_id=member_id,
    )
