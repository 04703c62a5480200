"""Notices: what a member must know, kept in the inbox; their limits and refusals."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.core.errors import BadUserInput, sentences

MAX_TITLE_CHARACTERS = 120
MAX_BODY_CHARACTERS = 1_000
MAX_DEEP_LINK_CHARACTERS = 300
MAX_MARKED = 100

# An address in an app's own scheme, or a path in it; never a page of the web.
_DEEP_LINK = re.compile(
    r"(?!https?:|javascript:|data:|//)(?:[a-z][a-z0-9+.-]*:/)?/[!-~]*", re.ASCII
)


class NoticeCategory(StrEnum):
    """What a notice is about."""

    PURCHASE = "PURCHASE"
    INSTALMENT = "INSTALMENT"
    LOAN = "LOAN"
    SECURITY = "SECURITY"
    SERVICE = "SERVICE"
    CAMPAIGN = "CAMPAIGN"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice in a member's inbox; `read_at` of None where the member has not read it."""

    id: int
    created_at: datetime
    category: NoticeCategory
    title: str
    body: str
    deep_link: str | None
    read_at: datetime | None


class NoticeTextInvalid(BadUserInput):
    """A title or a body that is blank or too long."""

    texts = sentences(
        fa="عنوان و متن اعلان باید نوشته شود و حداکثر {title} و {body} نویسه داشته باشد.",
        en="A notice has a title and a body, of at most {title} and {body} characters.",
    )
    hints = sentences(fa="متن اعلان را اصلاح کنید.", en="Correct the text of the notice.")


class DeepLinkInvalid(BadUserInput):
    """A link that does not lead to a place in the app."""

    texts = sentences(
        fa="پیوند اعلان باید به بخشی از برنامک برسد و حداکثر {most} نویسه داشته باشد.",
        en="The link of a notice leads to a place in the app and has at most {most} characters.",
    )
    hints = sentences(fa="پیوندی مانند /purchases بفرستید.", en="Send a link such as /purchases.")


class MarkChoiceInvalid(BadUserInput):
    """What to mark as read is named in both ways, or in none."""

    texts = sentences(
        fa="یا اعلان‌ها را نام ببرید یا زمانی را که پیش از آن همه خوانده شده‌اند.",
        en="Name either the notices, or the time before which all are read.",
    )
    hints = sentences(fa="تنها یکی از این دو را بفرستید.", en="Send just one of the two.")


class TooManyMarked(BadUserInput):
    """More notices are named at once than may be."""

    texts = sentences(
        fa="در هر بار حداکثر {most} اعلان را می‌توان خوانده‌شده کرد.",
        en="At most {most} notices can be marked as read at once.",
    )
    hints = sentences(
        fa="آن‌ها را در چند بار بفرستید، یا همهٔ پیش از یک زمان را.",
        en="Send them in parts, or mark all before a time.",
    )


def check_text(*, title: str, body: str) -> None:
    """Raise NoticeTextInvalid where the title or the body is blank or too long."""
    for field, text, most in (
        ("title", title, MAX_TITLE_CHARACTERS),
        ("body", body, MAX_BODY_CHARACTERS),
    ):
        if not text.strip() or len(text) > most or "\0" in text:
            raise NoticeTextInvalid(
                field=(field,), title=MAX_TITLE_CHARACTERS, body=MAX_BODY_CHARACTERS
            )


def check_deep_link(link: str) -> None:
    """Raise DeepLinkInvalid where the link is no place in the app, or too long."""
    if len(link) > MAX_DEEP_LINK_CHARACTERS or _DEEP_LINK.fullmatch(link) is None:
        raise DeepLinkInvalid(field=("deepLink",), most=MAX_DEEP_LINK_CHARACTERS)
