"""All active places in this process's memory, searched by a grid, as fresh as the last second.

`directory_keeper` loads it and keeps it so. SQL stays the reference: a search here gives just what
`repository.list_nearby` gives, in the same order, with the same chords in every bit. Who asks looks first whether
it is fresh (`fresh`), and asks the database where it is not.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from backend.core import clock, geo
from backend.core.geo import GeoPoint
from backend.stores import directory_places
from backend.stores.directory_places import WRITTEN_BYTES, Column, Place, Written
from backend.stores.domain import LocalInstant, PlaceKind, StoreFilter
from backend.stores.grid import Grid
from backend.stores.opening import LOOKAHEAD_DAYS
from backend.stores.repository_directory import Entry
from backend.stores.tile_budget import Budget
from backend.stores.tiles import Near

if TYPE_CHECKING:
    from backend.stores.spots import Spot

FRESH_SECONDS: Final = 1.0
MAX_WRITTEN_BYTES: Final = 24 * 1024 * 1024  # of what is kept written for answers, of all places
MAX_COLUMNS: Final = 4  # of a tile: an app's few operations, in two languages
MAX_LOOKED_AT: Final = (
    2_000  # places, for one page: 2 ms; where fewer match, SQL looks them up better
)

_DAY: Final = timedelta(days=1)


class Freshness(StrEnum):
    """Whether the memory may be answered from."""

    LOADING = "LOADING"
    FRESH = "FRESH"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Status:
    """What a process tells of its memory: for /readyz and the metrics."""

    freshness: Freshness
    since: datetime
    places: int


def _grids() -> Mapping[PlaceKind, Grid[Place]]:
    """A grid for each kind; their tiles share one budget."""
    budget = Budget()
    return {kind: Grid(budget=budget) for kind in PlaceKind}


@dataclass(slots=True)
class Directory:
    """The places, and what the keeper knows of their freshness."""

    places: dict[int, Place] = field(default_factory=dict)
    grids: Mapping[PlaceKind, Grid[Place]] = field(default_factory=_grids)
    holidays: frozenset[date] = frozenset()
    first_day: date = date.max  # the days on which all holidays are known that an answer may need
    last_day: date = date.min
    edition: int = 0  # another one where something that is kept written may not hold any more
    written_bytes: int = 0
    freshness: Freshness = Freshness.LOADING
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    # When the last answered question was sent, by the monotonic clock.
    asked_at: float = float("-inf")
    _minute: int = 0
    _instant: LocalInstant | None = None

    def is_fresh(self, today: date) -> bool:
        """Whether it may be answered from, on a day."""
        return (
            self.freshness is Freshness.FRESH
            and time.monotonic() - self.asked_at < FRESH_SECONDS
            and self.first_day <= today <= self.last_day
        )

    def nearest(
        self,
        *,
        at: GeoPoint,
        chord_limit: float,
        matching: StoreFilter,
        now: LocalInstant,
        after: tuple[float, int] | None,
        limit: int,
    ) -> Near[Place] | None:
        """The active places within the chord, nearest first: chord, id and place, as `list_nearby` has them.

        None where the limit is not reached among the nearest MAX_LOOKED_AT: the database is to be asked.
        """
        grid = self.grids[matching.kind]
        conditions = directory_places.conditions(matching, now)
        if not conditions and after is None:
            return grid.near(at, limit, farthest=chord_limit)
        walk = grid.walk(geo.unit_vector(at), farthest=chord_limit, after=after)
        found: list[tuple[float, int, int]] = []
        fitting: list[Place] = []
        for looked_at, (chord, key, place) in enumerate(walk):
            if len(found) == limit:
                break
            if looked_at == MAX_LOOKED_AT:
                return None
            if all(fits(place) for fits in conditions):
                found.append((chord, key, len(fitting)))
                fitting.append(place)
        return Near(found, fitting)

    def column(self, near: Near[Place], number: int, now: float) -> Column:
        """What is written of these places under a number and holds now; what is not yet written is None there."""
        column: Column | None = near.kept.get(number)
        if (
            column is None
            or column.edition != self.edition
            or not column.since <= now < column.until
        ):
            if len(near.kept) >= MAX_COLUMNS:
                near.kept.clear()
            column = near.kept[number] = Column(self.edition, [None] * len(near.items))
        return column

    def local_instant(self, at: datetime) -> LocalInstant:
        """A moment by the wall clock in Tehran, with its holidays; the same for a whole minute."""
        minute = int(at.timestamp() // 60)
        if minute == self._minute and self._instant is not None:
            return self._instant
        local = at.astimezone(clock.TEHRAN)
        today = local.date()
        self._minute, self._instant = (
            minute,
            LocalInstant(
                today=today,
                minute=local.hour * 60 + local.minute,
                today_is_holiday=today in self.holidays,
                yesterday_is_holiday=today - _DAY in self.holidays,
            ),
        )
        return self._instant

    def save(self, entries: Iterable[Entry]) -> None:
        """Take in places that are new or have changed; what is kept of the others stays."""
        new: dict[PlaceKind, list[Spot[Place]]] = {}
        for entry in entries:
            key, kind = entry.store.id, entry.store.kind
            known = self.places.get(key)
            if known is not None and known.is_where(entry):
                if known.entry != entry:
                    self.edition += 1
                    self.written_bytes -= known.forget()
                    known.renew(entry)
                continue
            self.drop((key,))
            self.places[key] = place = Place(entry)
            new.setdefault(kind, []).append(place.spot)
        for kind, spots in new.items():
            self.grids[kind].add(spots)

    def drop(self, ids: Iterable[int]) -> None:
        """Forget places that are not active any more."""
        for store_id in ids:
            place = self.places.pop(store_id, None)
            if place is not None:
                self.written_bytes -= place.forget()
                self.grids[place.entry.store.kind].remove(place.spot)

    def know_holidays(self, holidays: frozenset[date], first: date, last: date) -> None:
        """Take in the public holidays of these days, both included."""
        if holidays != self.holidays:
            self.holidays, self._instant = holidays, None
            self.forget_written()
        self.first_day, self.last_day = first + _DAY, last - (LOOKAHEAD_DAYS + 1) * _DAY

    def keep_written(self, place: Place, number: int, written: Written) -> None:
        """Keep what was written of a place; where all that is kept grows too large, it is begun anew."""
        before = place.written.get(number)
        size = WRITTEN_BYTES + len(written[2])
        self.written_bytes += size - (0 if before is None else WRITTEN_BYTES + len(before[2]))
        if self.written_bytes > MAX_WRITTEN_BYTES:
            self.forget_written()
            self.written_bytes = size
        place.written[number] = written

    def forget_written(self) -> None:
        """Drop what is kept for answers."""
        self.edition += 1
        for grid in self.grids.values():
            grid.forget_kept()
        for place in self.places.values():
            place.forget()
        self.written_bytes = 0

    def status(self) -> Status:
        """What to tell of it."""
        silent = time.monotonic() - self.asked_at
        if self.freshness is Freshness.FRESH and silent >= FRESH_SECONDS:
            since = datetime.now(UTC) - timedelta(seconds=silent)
            return Status(Freshness.STALE, since, len(self.places))
        return Status(self.freshness, self.since, len(self.places))

    def become(self, freshness: Freshness) -> None:
        """Change its freshness, from now on."""
        if freshness is not self.freshness:
            self.freshness, self.since = freshness, datetime.now(UTC)


_this_process = Directory()


def current() -> Directory:
    """The directory of this process."""
    return _this_process
