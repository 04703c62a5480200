"""What needs a second person: what is asked, who may decide, and in which states it can be."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from backend.core.errors import BadUserInput, DomainError, sentences
from backend.core.permissions import MONEY, RIGHTS
from backend.core.viewer import SYSTEM, Viewer

OBJECT: Final = "Approval"
MAX_KIND_CHARACTERS: Final = 60
MAX_PAYLOAD_BYTES: Final = 16 * 1024
MAX_WAIT: Final = timedelta(days=30)  # how long a decision may be waited for
MAX_COOLING: Final = timedelta(days=30)
MAX_RUNS: Final = 6  # executions begun: a worker that dies of one counts as well


class ApprovalState(StrEnum):
    """Where an approval stands; all but the first two are final."""

    WAITING = "WAITING"
    GRANTED = "GRANTED"
    EXECUTED = "EXECUTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    VOID = "VOID"
    FAILED = "FAILED"


OPEN: Final = frozenset({ApprovalState.WAITING, ApprovalState.GRANTED})
MAKER_RIGHTS_CHANGED: Final = "دسترسی درخواست‌کننده گرفته شد یا تغییر کرد."
TAKEN_BACK: Final = frozenset({ApprovalState.REFUSED, ApprovalState.WITHDRAWN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked, as it stays: no field of it changes while somebody decides.

    `fingerprint` is that of the object's state when it was asked; `before` and `after` hold nothing personal.
    """

    public_id: UUID
    kind: str
    object_type: str
    object_id: str
    member_id: int | None
    province_code: str | None
    association_id: int | None
    before: Mapping[str, object]
    after: Mapping[str, object]
    money_effect_rials: int | None
    reason: str
    approve_permission: str
    fingerprint: str
    maker: str
    maker_created_by: str | None
    asked_at: datetime
    expires_at: datetime
    not_before: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval(Question):
    """A question, and what became of it.

    `digest` is that of the question. `outcome_code` and `outcome_text` say why it was closed without being done.
    """

    id: int
    state: ApprovalState
    digest: str
    granted_by: str | None
    granted_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    outcome_code: str | None
    outcome_text: str | None
    runs: int

    @property
    def is_open(self) -> bool:
        """Whether it may still be done."""
        return self.state in OPEN


@dataclass(kw_only=True, slots=True)
class Execution:
    """A granted approval in the hands of the slice that does it, inside the transaction that closes it.

    `viewer` is the system's; what is recorded meanwhile says that it acts for the maker. `payload` is what `ask` was
    given.
    """

    approval: Approval
    payload: Mapping[str, object]
    viewer: Viewer
    is_compared: bool = field(default=False, init=False)

    def require_unchanged(self, present: str | None) -> None:
        """Compare the object's present state with the one that was approved; every executor has to.

        Lock the object first. None where it is gone. Raises ApprovalVoid.
        """
        self.is_compared = True
        if present != self.approval.fingerprint:
            raise ApprovalVoid


class ApprovalMistakeError(Exception):
    """An approval is asked for or executed wrongly: a mistake of the program, not of a user."""


class ApprovalVoid(DomainError):
    """What was approved is no longer what is there. An executor raises it, with sentences of its own by a subclass."""

    code = "APPROVAL_VOID"
    texts = sentences(
        fa="آنچه تأیید شده بود پس از درخواست تغییر کرده است.",
        en="What was approved has changed since it was asked for.",
    )
    hints = sentences(
        fa="وضعیت تازه را ببینید و در صورت نیاز دوباره درخواست دهید.",
        en="Look at the present state, and ask again where it is still needed.",
    )


class ApprovalAltered(ApprovalVoid):
    """The row is not what its maker wrote: somebody has changed it in the database."""

    texts = sentences(
        fa="متن این درخواست با آنچه درخواست‌کننده نوشته بود یکی نیست.",
        en="The request is not what its maker wrote.",
    )
    hints = sentences(
        fa="اجرا نمی‌شود؛ به حسابرس خبر دهید.",
        en="It is not carried out; tell an auditor.",
    )


class ApprovalGivenUp(DomainError):
    """Worker after worker failed at it."""

    code = "APPROVAL_GIVEN_UP"
    texts = sentences(
        fa="اجرای این درخواست بارها شکست خورد و چیزی تغییر نکرد.",
        en="Carrying it out failed again and again, and nothing was changed.",
    )
    hints = sentences(
        fa="به پشتیبان فنی خبر دهید و پس از رفع اشکال دوباره درخواست دهید.",
        en="Tell the technical support, and ask again when the fault is gone.",
    )


class ApprovalClosed(DomainError):
    """Somebody has decided already, or its time is over."""

    code = "APPROVAL_CLOSED"
    texts = sentences(
        fa="دربارهٔ این درخواست پیش‌تر تصمیم گرفته شده یا مهلت آن گذشته است.",
        en="This request is decided already, or its time is over.",
    )
    hints = sentences(
        fa="فهرست را تازه کنید تا نتیجه را ببینید.",
        en="Refresh the list to see what became of it.",
    )


class ApprovalAlreadyAsked(DomainError):
    """The same thing waits already."""

    code = "APPROVAL_ALREADY_ASKED"
    texts = sentences(
        fa="همین کار برای همین مورد درخواست شده و هنوز انجام نشده است.",
        en="The same was asked for already, and is not done yet.",
    )
    hints = sentences(
        fa="منتظر تصمیم بمانید یا درخواست پیشین را پس بگیرید.",
        en="Wait for the decision, or withdraw the former request.",
    )


class ApproverNotIndependent(DomainError):
    """The one who decides has asked for it, or one account created the other's, or one operator created both.

    The accounts that the command line made are of nobody's making.
    """

    code = "APPROVER_NOT_INDEPENDENT"
    texts = sentences(
        fa="تأییدکننده نباید درخواست‌کننده باشد، یکی نباید حساب دیگری را ساخته باشد و سازندهٔ هر دو حساب نباید یکی باشد.",
        en="Who approves can't be who asked; neither may have created the other's account, nor one colleague both.",
    )
    hints = sentences(
        fa="تأیید را به همکاری بسپارید که حسابش را کس دیگری ساخته است.",
        en="Leave the decision to a colleague whose account somebody else has created.",
    )


class ApprovalNotAsShown(BadUserInput):
    """The digest that the approver saw is not that of the question."""

    texts = sentences(
        fa="این درخواست همان چیزی نیست که به شما نشان داده شده بود.",
        en="This request is not what you were shown.",
    )
    hints = sentences(
        fa="درخواست را دوباره باز کنید، بخوانید و سپس تأیید کنید.",
        en="Open the request again, read it, and then approve.",
    )


def digest_of(question: Question) -> str:
    """SHA-256 of all that is asked, in hexadecimal digits; the sealed payload is bound to it."""
    content = {each.name: getattr(question, each.name) for each in fields(Question)}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def require_independent(question: Question, *, actor: str, created_by: str | None) -> None:
    """Raise ApproverNotIndependent where this account may not decide what was asked."""
    is_sibling = created_by == question.maker_created_by and created_by not in {None, SYSTEM.actor}
    if (
        actor in {question.maker, question.maker_created_by}
        or created_by == question.maker
        or is_sibling
    ):
        raise ApproverNotIndependent


def needs_recent(question: Question) -> bool:
    """Whether who grants it must have said again of late who they are: where money moves or rights are given."""
    return question.money_effect_rials is not None or question.approve_permission in MONEY | RIGHTS


def may_run(approval: Approval, at: datetime) -> bool:
    """Whether a granted approval has cooled."""
    return approval.state is ApprovalState.GRANTED and (
        approval.not_before is None or approval.not_before <= at
    )


def check_times(*, asked_at: datetime, expires_in: timedelta, not_before: datetime | None) -> None:
    """Raise ApprovalMistakeError for a wait or a cooling that is not within bounds."""
    if not timedelta(0) < expires_in <= MAX_WAIT:
        raise ApprovalMistakeError(f"a decision can't be waited for {expires_in}")
    if not_before is not None and not_before > asked_at + MAX_COOLING:
        raise ApprovalMistakeError(f"{not_before} is too far away")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not for JSON")
