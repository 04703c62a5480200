"""What became of those who must be told before an approval is granted, in words for who decides."""

from typing import Final

from backend.approvals.notice import Notice
from backend.core import errors
from backend.core.errors import sentences
from backend.core.locale import Locale

_PENDING: Final = sentences(
    fa="به {count} شماره خبر داده می‌شود؛ تا نتیجهٔ آن معلوم نشود تأیید نمی‌شود.",
    en="{count} numbers are being told; it can't be granted before it is known what became of that.",
)
_TOLD: Final = sentences(fa="به {told} شماره خبر داده شد.", en="{told} numbers were told.")
_NOT_TOLD: Final = sentences(
    fa="به شمارهٔ پیشین نمی‌شد خبر داد. پیش از تأیید، از راه دیگری از خود صاحب آن بپرسید.",
    en="The old number could not be told. Ask its owner by another way before you grant it.",
)
_SOME_TOLD: Final = sentences(
    fa="به {told} شماره خبر داده شد و به {untold} شماره نمی‌شد خبر داد.",
    en="{told} numbers were told, and {untold} could not be told.",
)


def of(notice: Notice, locale: Locale) -> str:
    """The sentence."""
    told, untold = len(notice.told_places), len(notice.untold_places)
    if not notice.is_known:
        text, values = _PENDING, {"count": notice.must_tell.count}
    elif not told:
        text, values = _NOT_TOLD, {}
    elif not untold:
        text, values = _TOLD, {"told": told}
    else:
        text, values = _SOME_TOLD, {"told": told, "untold": untold}
    return errors.render(text[locale], values, locale)
