"""What every list of stores checks of a question, and how it tells one question from another."""

from dataclasses import asdict
from datetime import date, timedelta

from backend.core import clock
from backend.core.errors import Unauthenticated
from backend.core.viewer import Viewer
from backend.organization import service as organization
from backend.stores import domain
from backend.stores.domain import FilterInvalid, LocalInstant, StoreFilter

_DAY = timedelta(days=1)


def check_filter(viewer: Viewer, matching: StoreFilter) -> None:
    """Raise Unauthenticated where a condition is about nobody, FilterInvalid where one names what can't be."""
    if matching.within_my_credit is not None and viewer.subject is None:
        raise Unauthenticated
    categories = matching.category_ids
    if categories is not None and len(categories) > domain.MAX_FILTER_CATEGORIES:
        raise FilterInvalid(field=("filter", "categoryIds"))
    if matching.province_code is not None and not domain.is_province_code(matching.province_code):
        raise FilterInvalid(field=("filter", "provinceCode"))


def asked(matching: StoreFilter) -> dict[str, dict[str, object]]:
    """What the client has asked, for a fingerprint: the credit of the moment is no argument of a list."""
    conditions = asdict(matching)
    del conditions["within_rials"]
    return {StoreFilter.__name__: conditions}


async def local_now(matching: StoreFilter) -> LocalInstant:
    """Now, with the holidays where a condition asks for them."""
    local = clock.now().astimezone(clock.TEHRAN)
    today = local.date()
    holidays: frozenset[date] = frozenset()
    if matching.open_now is not None:
        holidays = await organization.holidays_between(today - _DAY, today)
    return LocalInstant(
        today=today,
        minute=local.hour * 60 + local.minute,
        today_is_holiday=today in holidays,
        yesterday_is_holiday=today - _DAY in holidays,
    )
