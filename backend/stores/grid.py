"""Points on the unit sphere, found in exact order of chord, then of key: a tree of boxes, and tiles over it.

A chord is computed as PostgreSQL's `cube <-> cube` does, operation by operation, so that the two agree in every
bit. A box's bounds are computed alike: rounding never puts a point nearer than the bound of its box.

Most searches want the first few around a point. For these, a tile (a square of degrees, the smaller the denser
the points) keeps what can be among the nearest of any point in it; an exact answer is then one small sort.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final, Generic, TypeVar

from backend.core import geo
from backend.core.geo import GeoPoint
from backend.stores.spots import Found, Spot, Vector, chord
from backend.stores.tile_budget import Budget
from backend.stores.tiles import Near, Tiles

T = TypeVar("T")

LEAF_SPOTS: Final = 64
SIZES: Final = (6, 21, 51, 101)  # of pages, with the one more that tells whether there are more

_SIDES: Final[tuple[Callable[[tuple[object, ...]], float], ...]] = tuple(map(itemgetter, range(3)))


class Grid(Generic[T]):
    """The points of one kind. A key stands at one point only."""

    def __init__(self, spots: Iterable[Spot[T]] = (), *, budget: Budget | None = None) -> None:
        budget = budget or Budget()
        self._root: _Box[T] = _Box()
        self._root.add(list(spots))
        self._tiles = {size: Tiles(self, size, budget) for size in SIZES}
        self._sized = [  # the tiles for each number that may be asked for
            self._tiles[next(size for size in SIZES if count <= size)]
            for count in range(SIZES[-1] + 1)
        ]

    def add(self, spots: Iterable[Spot[T]]) -> None:
        """Put points in; their keys must not be there yet."""
        self._root.add(list(spots))
        self._forget_tiles()

    def remove(self, spot: Spot[T]) -> None:
        """Take out a point that was put in just so."""
        self._root.remove(spot)
        self._forget_tiles()

    def near(self, at: GeoPoint, count: int, *, farthest: float) -> Near[T]:
        """The first `count` (at most 101) around a point, none beyond the chord `farthest` (at most MAX_CHORD)."""
        origin = geo.unit_vector(at)
        near = self._sized[count].near(at, origin, count)
        found = near.found
        while found and found[-1][0] > farthest:
            found.pop()
        return near

    def first(self, at: GeoPoint, count: int, *, farthest: float) -> list[Found[T]]:
        """The same with what stands there."""
        return self.near(at, count, farthest=farthest).spots()

    def forget_kept(self) -> None:
        """Drop what is kept of the tiles' items (see `Near`)."""
        for tiles in self._tiles.values():
            tiles.forget_kept()

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
