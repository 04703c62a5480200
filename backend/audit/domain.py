"""The trail of what was done, and of who read a member's file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from backend.core.errors import BadUserInput, sentences
from backend.core.viewer import ActorKind

MEMBER_SELF = "member.self"
MAX_REASON_CHARACTERS = 500
MAX_CHANGE_BYTES = 16 * 1024
MAX_CHANGE_DEPTH = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Something that was done: by whom, to what, for which member, and what it changed."""

    created_at: datetime
    actor_kind: ActorKind
    actor: str
    member_id: int | None
    action: str
    object_type: str
    object_id: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    reason: str | None
    trace_id: str | None


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


def check_reason(text: str, *, field: str = "reason") -> str:
    """Return the text without blanks at its ends; raises ReasonInvalid where it is empty or too long."""
    stripped = text.strip()
    if not 1 <= len(stripped) <= MAX_REASON_CHARACTERS:
        raise ReasonInvalid(field=(field,), most=MAX_REASON_CHARACTERS)
    return stripped
