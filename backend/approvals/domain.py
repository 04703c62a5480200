"""What needs a second person: what is asked, who may decide, and in which states it can be."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from backend.approvals.notice import MustTell, Notice, TellRule
from backend.core.errors import DomainError, sentences
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
GRANTER_RIGHTS_CHANGED: Final = "دسترسی تأییدکننده گرفته شد یا تغییر کرد."
TAKEN_BACK: Final = frozenset({ApprovalState.REFUSED, ApprovalState.WITHDRAWN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked, as it stays: no field of it changes while somebody decides.

    `fingerprint` is that of the object's state when it was asked; `before` and `after` hold nothing personal. Where
    others must be told, `tell_count` numbers are, and `cooling_seconds` begin when that is known. `maker_makers` are
    all who made the maker's account; None only of what was asked before that was kept, which nobody can grant.
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
    tell_count: int | None = None
    tell_rule: TellRule | None = None
    cooling_seconds: int | None = None
    maker_makers: tuple[str, ...] | None = None


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
    told_places: tuple[int, ...] = ()
    untold_places: tuple[int, ...] = ()
    notice_known_at: datetime | None = None
    ready_at: datetime | None = None

    @property
    def notice(self) -> Notice | None:
        """What became of those who must be told; None where nobody must."""
        if self.tell_count is None or self.tell_rule is None or self.cooling_seconds is None:
            return None
        cooling = timedelta(seconds=self.cooling_seconds)
        return Notice(
            must_tell=MustTell(count=self.tell_count, cooling=cooling, rule=self.tell_rule),
            told_places=self.told_places,
            untold_places=self.untold_places,
            known_at=self.notice_known_at,
            ready_at=self.ready_at,
        )

    @property
    def is_notice_pending(self) -> bool:
        """Whether somebody must be told, and it is not known of all whether they were."""
        return self.tell_count is not None and self.notice_known_at is None

    @property
    def begins_at(self) -> datetime | None:
        """Before which it is not done; of what somebody must be told, as far as it is known yet."""
        return max((at for at in (self.not_before, self.ready_at) if at is not None), default=None)

    @property
    def shown_digest(self) -> str:
        """The digest of what an approver is shown: what is asked, and who of those who must be told was not."""
        if self.tell_count is None:
            return self.digest
        shown = f"{self.digest} {sorted(self.told_places)} {sorted(self.untold_places)}"
        return hashlib.sha256(shown.encode()).hexdigest()

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

    def require_unchanged(
        self, present: str | None, *, province_code: str | None, association_id: int | None
    ) -> None:
        """Compare the object's present state, and where it lies, with what was approved; every executor has to.

        Lock the object first. None where it is gone. Who saw it where it lay then says nothing about where it lies
        now. Raises ApprovalVoid.
        """
        self.is_compared = True
        asked = self.approval
        was = (asked.fingerprint, asked.province_code, asked.association_id)
        if (present, province_code, association_id) != was:
            raise ApprovalVoid


class StillMay(Protocol):
    """Whether an account is active now, holds a permission, and sees a place; without one, the whole nation."""

    async def __call__(
        self,
        actor: str,
        permission: str,
        /,
        *,
        province_code: str | None,
        association_id: int | None,
        anywhere: bool = False,
        by_role: bool = False,
        held: bool = False,
    ) -> bool:
        """Tell by what is committed now. `anywhere`: wherever the account sees; `by_role`: without an emergency.

        `held`: the account is held until the transaction ends, so that whoever would suspend it waits.
        """


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


class ApproverNotIndependent(DomainError):
    """The one who decides has asked for it, or it is about their own account, or one account created the other's, or
    one operator created both.

    The accounts that the command line made are of nobody's making.
    """

    code = "APPROVER_NOT_INDEPENDENT"
    texts = sentences(
        fa="تأییدکننده نباید درخواست‌کننده باشد و درخواست نباید دربارهٔ حساب خودش باشد؛ یکی نباید حساب دیگری را ساخته"
        " باشد و سازندهٔ هر دو حساب نباید یکی باشد.",
        en="Who approves can't be who asked, nor whose account it is about; neither may have created the other's"
        " account, nor one colleague both.",
    )
    hints = sentences(
        fa="تأیید را به همکاری بسپارید که حسابش را کس دیگری ساخته است.",
        en="Leave the decision to a colleague whose account somebody else has created.",
    )


# What was asked before these were there keeps its digest.
_ASKED_LATER: Final = frozenset({"tell_count", "tell_rule", "cooling_seconds", "maker_makers"})


def digest_of(question: Question) -> str:
    """SHA-256 of all that is asked, in hexadecimal digits; the sealed payload is bound to it."""
    content = {
        each.name: value
        for each in fields(Question)
        if (value := getattr(question, each.name)) is not None or each.name not in _ASKED_LATER
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def is_as_asked(approval: Approval) -> bool:
    """Whether the row is what its digest is of; what was open when makers began to be kept has them beside it."""
    return approval.digest in {digest_of(approval), digest_of(replace(approval, maker_makers=None))}


def require_independent(
    question: Question, *, actor: str, created_by: str | None, makers: frozenset[str]
) -> None:
    """Raise ApproverNotIndependent where this account, of these makers, may not decide what was asked."""
    if question.maker_makers is None:
        raise ApproverNotIndependent
    is_sibling = created_by == question.maker_created_by and created_by not in {None, SYSTEM.actor}
    their_makers = {question.maker_created_by, *question.maker_makers}
    if (
        actor in {question.maker, account_of(question), *their_makers}
        or question.maker in {created_by, *makers}
        or is_sibling
    ):
        raise ApproverNotIndependent


def account_of(question: Question) -> str:
    """The account that it is about, by the name that the trail would have for it; where it is about no account, a name
    that nobody has.
    """
    return f"{question.object_type.lower()}:{question.object_id}"


def needs_recent(question: Question) -> bool:
    """Whether who grants it must have said again of late who they are: where money moves or rights are given."""
    return question.money_effect_rials is not None or question.approve_permission in MONEY | RIGHTS


def may_run(approval: Approval, at: datetime) -> bool:
    """Whether a granted approval has cooled."""
    if approval.state is not ApprovalState.GRANTED or approval.is_notice_pending:
        return False
    return approval.begins_at is None or approval.begins_at <= at


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
