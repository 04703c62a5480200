"""Use cases of members: finding one who signs in, the own profile and preferences, the club code."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from backend.core import clock
from backend.core.errors import NotFound
from backend.core.locale import Locale
from backend.core.viewer import Viewer
from backend.infra import db
from backend.members import club_codes, domain, repository, seals
from backend.members.club_codes import ClubCode
from backend.members.domain import SELF, Channel, Member, MemberKey, TextSize

VERIFY_CLUB_CODE = "members.club_code.verify"

T = TypeVar("T")


async def find_for_sign_in(*, national_code: str, phone: str) -> MemberKey | None:
    """The member with this national code and this phone, both in normal form.

    For the job that sends a code and the check of a confirmed one, never for an answer to a
    stranger. It does the same work whether it finds somebody or not: an HMAC and one statement.
    """
    return await repository.find_key(national_code=national_code, phone=phone)


async def list_keys(member_ids: Sequence[int]) -> list[MemberKey]:
    """What signing in needs to know of these members, by id; for jobs, never for an answer."""
    return await repository.list_keys(member_ids)


async def find_member(*, viewer: Viewer) -> Member | None:
    """The member acted for; None where the viewer acts for none."""
    if viewer.subject is None:
        return None
    viewer.require(SELF)
    return await repository.find_member(viewer.subject)


async def get_member(*, viewer: Viewer) -> Member:
    """The member acted for. Raises Unauthenticated, Forbidden, or NotFound where there is none."""
    viewer.require(SELF)
    return _found(await find_member(viewer=viewer))


def masked_national_code(*, viewer: Viewer, member: Member) -> str:
    """The end of the national code; all of it hidden, and an error logged, where its seal does not open.

    Raises Unauthenticated or Forbidden.
    """
    viewer.require(SELF)
    return seals.masked_national_code(member.national_code, member_id=member.id)


async def update_preferences(
    *,
    viewer: Viewer,
    locale: Locale | None = None,
    text_size: TextSize | None = None,
    channels: Mapping[str, Sequence[Channel]] | None = None,
) -> Member:
    """Change what is given of the own preferences; gives the member as it is then.

    `channels` takes the place of all channels chosen before. Raises Unauthenticated, Forbidden,
    NotFound, ChannelsInvalid, SecurityNoticesUnheard.
    """
    viewer.require(SELF)
    checked = None if channels is None else domain.check_channels(channels)
    async with db.transaction():
        return _found(
            await repository.save_preferences(
                _subject(viewer), locale=locale, text_size=text_size, channels=checked
            )
        )


async def club_code(*, viewer: Viewer) -> ClubCode:
    """What the member's QR code holds in this minute.

    Raises Unauthenticated, Forbidden, or NotFound where there is no member.
    """
    viewer.require(SELF)
    member_id = _subject(viewer)
    secret = _found(await repository.find_club_secret(member_id))
    return club_codes.club_code(member_id, secret, clock.now())


async def verify_club_code(
    *, viewer: Viewer, payload: str, at: datetime | None = None
) -> int | None:
    """The id of the member who shows this code now; None where it is not a member's, or too old.

    The code of the minute before is good as well, and a code is good as often as it is shown: who takes an
    order by it must see to the member's state, which is not looked at here, and that no code is used twice.
    Raises Unauthenticated or Forbidden.
    """
    viewer.require(VERIFY_CLUB_CODE)
    parts = club_codes.read_club_code(payload)
    if parts is None:
        return None
    secret = await repository.find_club_secret(parts.member_id)
    if secret is None or not club_codes.is_genuine(parts, secret, at or clock.now()):
        return None
    return parts.member_id


def _subject(viewer: Viewer) -> int:
    return _found(viewer.subject)


def _found(value: T | None) -> T:
    if value is None:
        raise NotFound
    return value
