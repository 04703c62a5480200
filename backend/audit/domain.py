"""The trail of what was done, and of who read a member's file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.core.errors import BadUserInput, sentences
from backend.core.viewer import ActorKind

MEMBER_SELF = "member.self"
MAX_REASON_CHARACTERS = 500
MAX_CHANGE_BYTES = 16 * 1024
MAX_CHANGE_DEPTH = 6
MAX_FILTER_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Something that was done: by whom and for whom, to what, for which member, what it changed, from where and why.

    Province and association say in whose scope it lies; without them only who sees the whole nation sees it.
    """

    created_at: datetime
    actor_kind: ActorKind
    actor: str
    on_behalf_of: str | None
    member_id: int | None
    province_code: str | None
    association_id: int | None
    action: str
    object_type: str
    object_id: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    reason: str | None
    address: str | None
    session_id: UUID | None
    trace_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry(Entry):
    """An entry of the trail, with its id."""

    id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TrailFilter:
    """Which entries are asked for; `since` is included, `until` is not."""

    actor: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    member_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewFileRead:
    """A read of a member's file that is to be kept."""

    created_at: datetime
    member_id: int
    reader_role: str
    reader_office: str
    actor: str
    purpose: str


@dataclass(frozen=True, slots=True)
class FileRead:
    """A read of a member's file by somebody else, as the member sees it: no account's name."""

    id: int
    created_at: datetime
    reader_role: str
    reader_office: str
    purpose: str


class AuditMistakeError(Exception):
    """What is recorded is not fit for the trail: a mistake of the program, not of a user."""


class ReasonInvalid(BadUserInput):
    """A reason or purpose that is blank or too long."""

    texts = sentences(
        fa="دلیل باید نوشته شود و حداکثر {most} نویسه داشته باشد.",
        en="A reason is needed, of at most {most} characters.",
    )
    hints = sentences(fa="دلیل را کوتاه بنویسید.", en="Write a short reason.")


class TrailFilterInvalid(BadUserInput):
    """A filter of the trail that finds nothing by its form."""

    texts = sentences(
        fa="شرط جست‌وجو در رد عملیات درست نیست.",
        en="The filter of the trail is not valid.",
    )
    hints = sentences(
        fa="شناسهٔ مورد را با نوع آن بدهید و آغاز بازه را پیش از پایان آن بگذارید.",
        en="Give an object's id with its type, and let the span begin before it ends.",
    )


def check_filter(asked: TrailFilter) -> TrailFilter:
    """Return the filter; raises TrailFilterInvalid."""
    if asked.object_id is not None and asked.object_type is None:
        raise TrailFilterInvalid(field=("objectId",))
    if asked.since is not None and asked.until is not None and asked.since >= asked.until:
        raise TrailFilterInvalid(field=("until",))
    texts = (asked.actor, asked.action, asked.object_type, asked.object_id)
    if any(text is not None and not 1 <= len(text) <= MAX_FILTER_CHARACTERS for text in texts):
        raise TrailFilterInvalid
    return asked


def check_reason(text: str, *, field: str = "reason") -> str:
    """Return the text without blanks at its ends; raises ReasonInvalid where it is empty or too long."""
    stripped = text.strip()
    if not 1 <= len(stripped) <= MAX_REASON_CHARACTERS:
        raise ReasonInvalid(field=(field,), most=MAX_REASON_CHARACTERS)
    return stripped
