"""Who must be told before an approval is granted, what became of it, and when the cooling that follows is over."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import DomainError, sentences


class TellRule(StrEnum):
    """What it takes that something may be granted of which others must be told."""

    REACHED = "REACHED"  # one of them at least has to know
    TRIED = "TRIED"  # who decides has to know that nobody could be told


@dataclass(frozen=True, kw_only=True, slots=True)
class MustTell:
    """How many numbers must be told, and how long nothing is done from when that is known of all of them."""

    count: int
    cooling: timedelta
    rule: TellRule


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What became of the numbers, each by its place from 0 on; `known_at` is when it was known of all.

    `ready_at` is when the cooling is over that begins then; where nobody could be told it began with the asking.
    """

    must_tell: MustTell
    told_places: tuple[int, ...]
    untold_places: tuple[int, ...]
    known_at: datetime | None
    ready_at: datetime | None

    @property
    def is_known(self) -> bool:
        """Whether it is known of all numbers."""
        return self.known_at is not None

    @property
    def has_failed(self) -> bool:
        """Whether nobody knows where somebody has to."""
        return self.is_known and not self.told_places and self.must_tell.rule is TellRule.REACHED

    def has(self, place: int) -> bool:
        """Whether it is known of this number."""
        return place in (*self.told_places, *self.untold_places)

    def noted(self, place: int, *, is_told: bool, asked_at: datetime, at: datetime) -> "Notice":
        """The notice with what became of one more number."""
        told = (*self.told_places, place) if is_told else self.told_places
        untold = self.untold_places if is_told else (*self.untold_places, place)
        after = replace(self, told_places=told, untold_places=untold)
        return after.completed(asked_at=asked_at, at=at)

    def completed(self, *, asked_at: datetime, at: datetime) -> "Notice":
        """The notice, closed at this moment where it is known of all numbers."""
        if self.is_known or len(self.told_places) + len(self.untold_places) < self.must_tell.count:
            return self
        begins = at if self.told_places else asked_at
        return replace(self, known_at=at, ready_at=begins + self.must_tell.cooling)


class NoticePending(DomainError):
    """Those who must be told are being told: who decides has to know what became of it."""

    code = "APPROVAL_NOTICE_PENDING"
    texts = sentences(
        fa="هنوز معلوم نیست به کسانی که باید خبردار شوند خبر رسیده است یا نه.",
        en="It is not known yet whether those who must be told were told.",
    )
    hints = sentences(
        fa="چند دقیقهٔ دیگر درخواست را دوباره باز کنید؛ اگر تا فردا همین است، به پشتیبان فنی خبر دهید.",
        en="Open the request again in some minutes; where it is the same tomorrow, tell the technical support.",
    )


class NobodyTold(DomainError):
    """None of the numbers of those who must know could be told."""

    code = "NOBODY_TOLD"
    texts = sentences(
        fa="به هیچ‌یک از شماره‌ها خبر نرسید و چیزی تغییر نکرد.",
        en="None of the numbers could be told, and nothing was changed.",
    )
    hints = sentences(
        fa="شمارهٔ همراه درست را ثبت کنید و ۷۲ ساعت پس از آن دوباره درخواست دهید.",
        en="Record the right mobile number, and ask again 72 hours later.",
    )
