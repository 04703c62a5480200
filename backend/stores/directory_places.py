"""A place in this process's memory, what is kept of it for answers, and the conditions that it may meet."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from backend.stores import opening
from backend.stores.domain import LocalInstant, Store, StoreFilter
from backend.stores.opening import LOOKAHEAD_DAYS, OpeningState
from backend.stores.repository_conditions import CreditMissingError
from backend.stores.repository_directory import Entry

if TYPE_CHECKING:
    from backend.stores.spots import Spot

WRITTEN_BYTES: Final = 256  # that keeping a text takes beside it

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_NO_STATE: Final = OpeningState(open_now=False, changes_at=None)

Condition = Callable[["Place"], bool]
Written = tuple[float, float, bytes]  # from when until when it holds, in seconds; and the text


@dataclass(slots=True)
class Column:
    """What is written of the places of a tile, each at its place, under one number; all of it holds at one time."""

    edition: int
    texts: list[bytes | None]
    since: float = float("-inf")
    until: float = float("inf")

    def put(self, place: int, written: Written) -> None:
        """Take in what was written of the place there."""
        self.texts[place] = written[2]
        self.since, self.until = max(self.since, written[0]), min(self.until, written[1])


@dataclass(slots=True, eq=False)
class Place:
    """An active place, and what is kept of it for the next answer: until it, the day or the hour changes."""

    entry: Entry
    spot: "Spot[Place]" = field(init=False, repr=False)
    # By whoever writes answers, under a number of its own: from when until when it holds, and the bytes.
    written: dict[int, "Written"] = field(default_factory=dict, repr=False)
    _store: Store = field(init=False, repr=False)
    _store_of: date | None = None
    _state: OpeningState = _NO_STATE
    _state_from: datetime = _NEVER
    _state_until: datetime = _NEVER

    def __post_init__(self) -> None:
        self.spot = (*self.entry.vector, self.entry.store.id, self)
        self._store = self.entry.store

    def store(self, today: date) -> Store:
        """The place as the database's lists give it on a day: with the exceptional days that are near."""
        if self._store_of != today and self.entry.store.schedule.exceptions:
            schedule = self.entry.store.schedule
            first, last = today - 2 * _DAY, today + (LOOKAHEAD_DAYS + 1) * _DAY
            near = tuple(each for each in schedule.exceptions if first <= each.on_date <= last)
            self._store = replace(self.entry.store, schedule=replace(schedule, exceptions=near))
            self._store_of = today
        return self._store

    def opening(
        self, at: datetime, holidays: frozenset[date]
    ) -> tuple[OpeningState, datetime, datetime]:
        """Whether it is open and when that changes, and from when until when this is the answer."""
        if not self._state_from <= at < self._state_until:
            state = opening.opening_state(self.entry.store.schedule, at=at, holidays=holidays)
            self._state_from, self._state, self._state_until = at, state, _state_until(at, state)
        return self._state, self._state_from, self._state_until

    def has_offer(self, today: date) -> bool:
        """Whether an offer counts today."""
        return any(
            first <= today and (last is None or today <= last) for first, last in self.entry.offers
        )

    def is_open(self, now: LocalInstant) -> bool:
        """The rule of `opening_state` at one instant: what began today or, over midnight, yesterday."""
        schedule, yesterday = self.entry.store.schedule, now.today - _DAY
        return schedule.is_open(
            now.today, now.minute, is_holiday=now.today_is_holiday
        ) or schedule.is_open(yesterday, now.minute + 1440, is_holiday=now.yesterday_is_holiday)

    def is_where(self, entry: Entry) -> bool:
        """Whether it is found in the same list and at the same point as before."""
        return self.entry.store.kind is entry.store.kind and self.entry.vector == entry.vector

    def renew(self, entry: Entry) -> None:
        """Take in what has changed, but for where it stands."""
        self.entry, self._store = entry, entry.store
        self._store_of = None
        self.forget()

    def forget(self) -> int:
        """Drop what is kept for answers; gives how many bytes had been written."""
        size = sum(WRITTEN_BYTES + len(written) for _, _, written in self.written.values())
        self.written = {}
        self._state_until = _NEVER
        return size


def conditions(matching: StoreFilter, now: LocalInstant) -> list[Condition]:
    """What `repository_conditions.filter_conditions` says in SQL, but for the kind."""
    conditions: list[Condition] = []
    if matching.category_ids is not None:
        categories = frozenset(matching.category_ids)
        conditions.append(lambda place: place.entry.store.category.id in categories)
    if matching.province_code is not None:
        conditions.append(lambda place: place.entry.store.province_code == matching.province_code)
    if matching.within_my_credit is not None:
        if matching.within_rials is None:
            raise CreditMissingError
        credit = matching.within_rials
        conditions.append(
            lambda place: _is_within(credit, place.entry.store) == matching.within_my_credit
        )
    if matching.has_offers is not None:
        conditions.append(lambda place: place.has_offer(now.today) == matching.has_offers)
    if matching.open_now is not None:
        conditions.append(lambda place: place.is_open(now) == matching.open_now)
    return conditions


def _is_within(credit_rials: int, store: Store) -> bool:
    return store.terms is not None and store.terms.min_amount_rials <= credit_rials


def _state_until(at: datetime, state: OpeningState) -> datetime:
    """Until when a state of a moment holds.

    Where no change is near, one may come into sight with the next minute: all hours are of whole minutes.
    """
    if state.changes_at is not None:
        return state.changes_at
    return at.replace(second=0, microsecond=0) + _MINUTE
