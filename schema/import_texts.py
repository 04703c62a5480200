"""What states and figures of imports are called in both languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backend.core.errors import sentences
from backend.core.locale import Locale
from backend.imports.domain import ImportState

STATES: Final[Mapping[ImportState, Mapping[Locale, str]]] = MappingProxyType(
    {
        ImportState.UPLOADING: sentences(fa="در حال بارگذاری", en="Being uploaded"),
        ImportState.QUEUED: sentences(fa="در صف", en="Waiting for its turn"),
        ImportState.RUNNING: sentences(fa="در حال انجام", en="Under way"),
        ImportState.CHECKED: sentences(fa="آزمایش شد", en="Tried out"),
        ImportState.WAITING_FOR_APPROVAL: sentences(
            fa="در انتظار تأیید همکار", en="Waiting for a colleague's approval"
        ),
        ImportState.DONE: sentences(fa="انجام شد", en="Done"),
        ImportState.FAILED: sentences(fa="ناموفق", en="Failed"),
        ImportState.REFUSED: sentences(fa="تأیید نشد", en="Not approved"),
        ImportState.CANCELLED: sentences(fa="لغو شد", en="Cancelled"),
        ImportState.EXPIRED: sentences(fa="مهلت گذشت", en="Expired"),
    }
)
# By the names of `members.domain.figures`.
FIGURES: Final[Mapping[str, Mapping[Locale, str]]] = MappingProxyType(
    {
        "deactivated": sentences(
            fa="اعضای فعالی که غیرفعال می‌شوند", en="Active members who become inactive"
        ),
        "renumbered": sentences(
            fa="اعضایی که تلفن دیگری می‌گیرند", en="Members who get another phone"
        ),
        "deaths": sentences(fa="اعضایی که فوت‌شده می‌شوند", en="Members who become deceased"),
        "unpensioned": sentences(
            fa="اعضایی که مستمری‌شان خالی می‌شود", en="Members whose pension becomes unknown"
        ),
        "invalid": sentences(fa="ردیف‌های نادرست", en="Rows that are not valid"),
    }
)
