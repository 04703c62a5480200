"""Points on the unit sphere, found in exact order of chord, then of key: a tree of boxes, and tiles over it.

A chord is computed as PostgreSQL's `cube <-> cube` does, operation by operation, so that the two agree in every
bit. A box's bounds are computed alike: rounding never puts a point nearer than the bound of its box.

Most searches want the first few around a point. For these, a tile (a square of degrees, the smaller the denser
the points) keeps what can be among the nearest of any point in it; an exact answer is then one small sort.
"""

import heapq
import math
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Final, Generic, TypeVar

from backend.core import geo
from backend.core.geo import GeoPoint
from backend.stores.domain import MAX_RADIUS_METERS
from backend.stores.tile_budget import TILE_WEIGHT, Budget

T = TypeVar("T")

# x, y and z on the unit sphere, the key, and what stands there.
Spot = tuple[float, float, float, int, T]
Found = tuple[float, int, T]  # the chord, the key, and what stands there
Vector = tuple[float, float, float]

LEAF_SPOTS: Final = 64
FINEST_LEVEL: Final = 13  # 2⁻¹³ degrees: 14 m
COARSEST_LEVEL: Final = 2
SIZES: Final = (6, 21, 51, 101)  # of pages, with the one more that tells whether there are more
MAX_CHORD: Final = geo.chord_of(MAX_RADIUS_METERS)

_SIDES: Final[tuple[Callable[[tuple[object, ...]], float], ...]] = tuple(map(itemgetter, range(3)))
_SLACK: Final = 1e-9  # 6 mm: far above the errors of rounding, far below a tile


class Grid(Generic[T]):
    """The points of one kind. A key stands at one point only."""

    def __init__(self, spots: Iterable[Spot[T]] = (), *, budget: Budget | None = None) -> None:
        budget = budget or Budget()
        self._root: _Box[T] = _Box()
        self._root.add(list(spots))
        self._tiles = {size: _Tiles(self, size, budget) for size in SIZES}

    def add(self, spots: Iterable[Spot[T]]) -> None:
        """Put points in; their keys must not be there yet."""
        self._root.add(list(spots))
        self._forget_tiles()

    def remove(self, spot: Spot[T]) -> None:
        """Take out a point that was put in just so."""
        self._root.remove(spot)
        self._forget_tiles()

    def first(self, at: GeoPoint, count: int, *, farthest: float) -> list[Found[T]]:
        """The first `count` (at most 101) around a point, none beyond the chord `farthest` (at most MAX_CHORD)."""
        tiles = next(self._tiles[size] for size in SIZES if count <= size)
        origin = here_x, here_y, here_z = geo.unit_vector(at)
        found = []
        for x, y, z, key, item in tiles.around(at, origin, count):
            x -= here_x  # noqa: PLW2901 - the hottest loop of all
            y -= here_y  # noqa: PLW2901
            z -= here_z  # noqa: PLW2901
            found.append((math.sqrt(x * x + y * y + z * z), key, item))
        found.sort()
        del found[count:]
        while found and found[-1][0] > farthest:
            found.pop()
        return found

    def walk(
        self, origin: Vector, *, farthest: float, after: tuple[float, int] | None = None
    ) -> Iterator[Found[T]]:
        """All points up to the chord `farthest` in order, those after a chord and key where that is given.

        Nothing may be added or removed meanwhile.
        """
        waiting: list[tuple[float, int, _Box[T]]] = [(0.0, 0, self._root)]
        ready: list[Found[T]] = []
        pushed = 0
        while waiting or ready:
            # At equal distance the box comes first: it may hold a smaller key.
            if ready and (not waiting or ready[0][0] < waiting[0][0]):
                yield heapq.heappop(ready)
                continue
            box = heapq.heappop(waiting)[2]
            for part in box.parts:
                nearest = part.nearest(origin)
                if nearest > farthest or (after and part.farthest(origin) < after[0]):
                    continue
                pushed += 1
                heapq.heappush(waiting, (nearest, pushed, part))
            for each in box.spots:
                found = (chord(origin, each), each[3], each[4])
                if found[0] <= farthest and (after is None or found[:2] > after):
                    heapq.heappush(ready, found)

    def within(self, origin: Vector, farthest: float, *, most: int) -> list[Spot[T]] | None:
        """The points up to a chord, in no order; None where they are more than `most`."""
        found: list[Spot[T]] = []
        waiting = [self._root]
        while waiting and len(found) <= most:
            box = waiting.pop()
            waiting.extend(part for part in box.parts if part.nearest(origin) <= farthest)
            found.extend(each for each in box.spots if chord(origin, each) <= farthest)
        return found if len(found) <= most else None

    def _forget_tiles(self) -> None:
        for tiles in self._tiles.values():
            tiles.forget()


def chord(origin: Vector, spot: Spot[T]) -> float:
    """The chord as PostgreSQL computes it."""
    x, y, z = spot[0] - origin[0], spot[1] - origin[1], spot[2] - origin[2]
    return math.sqrt(x * x + y * y + z * z)


@dataclass(slots=True, eq=False)
class _Box(Generic[T]):
    """Points, or two boxes with the points on either side of a plane; never both. Bounds only grow."""

    spots: list[Spot[T]] = field(default_factory=list)
    parts: "tuple[_Box[T], ...]" = ()
    low: list[float] = field(default_factory=lambda: [math.inf] * 3)
    high: list[float] = field(default_factory=lambda: [-math.inf] * 3)
    axis: int = 0
    cut: float = 0.0

    def add(self, spots: list[Spot[T]]) -> None:
        if not spots:
            return
        self._widen(spots)
        if self.parts:
            self._add_below(spots)
            return
        self.spots.extend(spots)
        self._split()

    def remove(self, spot: Spot[T]) -> None:
        if self.parts:
            self.parts[_SIDES[self.axis](spot) >= self.cut].remove(spot)
            return
        self.spots.remove(spot)

    def nearest(self, origin: Vector) -> float:
        """What no point in the box is nearer than."""
        total = 0.0
        for low, here, high in zip(self.low, origin, self.high, strict=True):
            away = low - here if here < low else here - high if here > high else 0.0
            total += away * away
        return math.sqrt(total)

    def farthest(self, origin: Vector) -> float:
        """What no point in the box is farther than."""
        total = 0.0
        for low, here, high in zip(self.low, origin, self.high, strict=True):
            away = max(abs(low - here), abs(high - here))
            total += away * away
        return math.sqrt(total)

    def _add_below(self, spots: list[Spot[T]]) -> None:
        side, (below, above) = _SIDES[self.axis], self.parts
        below.add([spot for spot in spots if side(spot) < self.cut])
        above.add([spot for spot in spots if side(spot) >= self.cut])

    def _widen(self, spots: list[Spot[T]]) -> None:
        for axis, side in enumerate(_SIDES):
            values = [*map(side, spots)]
            self.low[axis] = min(self.low[axis], *values)
            self.high[axis] = max(self.high[axis], *values)

    def _split(self) -> None:
        """Part the points at the middle of the longest side, where there are many and not all at one place."""
        if len(self.spots) <= LEAF_SPOTS:
            return
        lengths = [high - low for low, high in zip(self.low, self.high, strict=True)]
        self.axis = max(range(3), key=lengths.__getitem__)
        side = _SIDES[self.axis]
        values = sorted(map(side, self.spots))
        cut = values[len(values) // 2]
        if cut == values[0]:  # half of them are at the lowest value
            above = [value for value in values if value > cut]
            if not above:
                return
            cut = above[0]
        self.cut = cut
        self.parts, spots = (_Box(), _Box()), self.spots
        self.spots = []
        self._add_below(spots)


@dataclass(frozen=True, slots=True)
class _Tile(Generic[T]):
    """What may be among the nearest of any point of a tile, by the chord from its centre."""

    centre: Vector
    spots: tuple[Spot[T], ...]
    chords: "array[float]"  # of the spots, from the centre

    def around(self, origin: Vector, count: int) -> tuple[Spot[T], ...]:
        """What may be among the nearest `count` of a point in the tile.

        Those are no farther from the centre than the `count`-th from there and twice the point itself.
        """
        if len(self.chords) <= count:
            return self.spots
        reach = self.chords[count - 1] + 2 * math.dist(self.centre, origin) + _SLACK
        return self.spots[: bisect_right(self.chords, reach)]


class _Tiles(Generic[T]):
    """The tiles for pages of up to `size`, found when first asked for; one with too many spots is parted in four."""

    def __init__(self, grid: Grid[T], size: int, budget: Budget) -> None:
        self._grid = grid
        self._size = size
        self._budget = budget
        self._young: dict[_Place, _Tile[T] | None] = {}  # None for one that is parted
        self._old: dict[_Place, _Tile[T] | None] = {}
        self.young_weight = self.old_weight = 0
        budget.share(self)

    def forget(self) -> None:
        """Drop all tiles."""
        self.age()
        self.age()

    def age(self) -> None:
        """Drop the old tiles; the young ones are old now."""
        self._old, self._young = self._young, {}
        self.old_weight, self.young_weight = self.young_weight, 0

    def around(self, at: GeoPoint, origin: Vector, count: int) -> tuple[Spot[T], ...]:
        """At least the nearest `count` points of `at` up to MAX_CHORD; `origin` is its vector."""
        latitude, longitude = at.latitude, at.longitude
        level, tile = COARSEST_LEVEL, None
        while tile is None:
            scale = 1 << level
            place = (level, math.floor(latitude * scale), math.floor(longitude * scale))
            try:
                tile = self._young[place]
            except KeyError:
                tile = self._older(place)
            level += 1
        return tile.around(origin, count)

    def _older(self, place: "_Place") -> _Tile[T] | None:
        tile = self._old[place] if place in self._old else self._made(*place)
        weight = TILE_WEIGHT + (0 if tile is None else len(tile.spots))
        self._budget.make_room(weight)
        self._young[place] = tile
        self.young_weight += weight
        return tile

    def _made(self, level: int, row: int, column: int) -> _Tile[T] | None:
        """The points within the distance of the `size`-th from the tile's centre, and twice the tile's radius."""
        side = 1 / (1 << level)
        centre = GeoPoint((row + 0.5) * side, (column + 0.5) * side)
        origin, radius = geo.unit_vector(centre), _radius(centre.latitude, side)
        beyond = MAX_CHORD + radius + _SLACK
        nearest = islice(self._grid.walk(origin, farthest=beyond), self._size - 1, None)
        last = next(nearest, (beyond,))[0]
        most = 4 * self._size + 16 if level < FINEST_LEVEL else sys.maxsize
        reach = min(beyond, last + 2 * radius + _SLACK)
        spots = self._grid.within(origin, reach, most=most)
        if spots is None:
            return None
        spots.sort(key=lambda spot: chord(origin, spot))
        return _Tile(origin, tuple(spots), array("d", [chord(origin, spot) for spot in spots]))


_Place = tuple[int, int, int]  # the level, the row, and the column


def _radius(latitude: float, side: float) -> float:
    """The longest chord from the centre of a tile, `side` degrees wide and high, to a point in it.

    4 sin²(Δφ/2) + 4 cos φ₁ cos φ₂ sin²(Δλ/2), by the haversine formula, is at most Δφ² + c² Δλ², where no
    parallel of the tile is longer than c.
    """
    half = math.radians(side) / 2
    widest = min(1.0, math.cos(math.radians(latitude)) + half)
    return half * math.sqrt(1 + widest * widest)
