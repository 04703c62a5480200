"""How much of an emergency an operator has left: four hours in any 24, however they are divided."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from backend.access import staff
from backend.access.staff import BreakGlassUse
from backend.core import errors

MOST = timedelta(hours=staff.MOST_BREAK_GLASS_HOURS)


class BreakGlassSpent(errors.DomainError):
    """The operator had emergencies of four hours in the last 24, or asks for more than is left of them."""

    code = "BREAK_GLASS_SPENT"
    texts = errors.sentences(
        fa="دسترسی اضطراری در هر ۲۴ ساعت حداکثر {most} ساعت است و نوبت شما پر شده است.",
        en="Emergency access is {most} hours at most in any 24 hours, and yours are used up.",
    )
    hints = errors.sentences(
        fa="برای این مدت از ساعت {next_hour}:{next_minute:02} به وقت تهران می‌توانید؛ پیش از آن از همکار دارای این نقش"
        " بخواهید.",
        en="For as long as this you may from {next_hour}:{next_minute:02} on, Tehran time; before that, ask a colleague"
        " who has the role.",
    )


class NobodyWatches(errors.DomainError):
    """No auditor is active with a phone: an emergency would be told to nobody."""

    code = "NOBODY_WATCHES"
    texts = errors.sentences(
        fa="هیچ حسابرسِ فعالی با شمارهٔ همراه نیست و دسترسی اضطراری بی‌خبر آغاز نمی‌شود.",
        en="There is no active auditor with a phone, and no emergency begins without one being told.",
    )
    hints = errors.sentences(
        fa="از مدیر سامانه بخواهید حسابرسی با شمارهٔ همراه بسازد یا تعلیق او را پایان دهد.",
        en="Ask an administrator to make an auditor with a phone, or to end the suspension of one.",
    )


def first_moment(uses: Iterable[BreakGlassUse], *, wanted: timedelta, at: datetime) -> datetime:
    """The first moment from `at` on at which an emergency of `wanted` (MOST at most) may begin.

    `uses` are those that were over before `at`, in any order. No 24 hours hold more than MOST: of all that hold the
    new one whole those that end with it reach back the furthest, so that they alone are looked at.
    """
    left = MOST - wanted
    for use in sorted(uses, key=lambda each: each.over_at, reverse=True):
        length = use.over_at - use.began_at
        if length > left:  # of this one only what lies after that moment may be within the 24 hours
            since = use.over_at - left
            return max(at, since + staff.BREAK_GLASS_WINDOW - wanted)
        left -= length
    return at
