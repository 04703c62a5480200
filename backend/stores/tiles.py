"""Tiles over a grid: what can be among the nearest few of any point of a square of degrees, found once and kept.

A search is then one small sort over numbers that lie side by side in memory: following pointers to the points
themselves costs three times as much as the arithmetic.
"""

import math
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Generic, Protocol, TypeVar

from backend.core import geo
from backend.core.geo import GeoPoint
from backend.stores.spots import MAX_CHORD, Found, Spot, Vector, chord
from backend.stores.tile_budget import TILE_WEIGHT, Budget

T = TypeVar("T")

FINEST_LEVEL: Final = 13  # 2⁻¹³ degrees: 14 m
COARSEST_LEVEL: Final = 2

_SLACK: Final = 1e-9  # 6 mm: far above the errors of rounding, far below a tile
_Place = tuple[int, int, int]  # the level, the row, and the column


class Searched(Protocol[T]):
    """The grid below; see `grid.Grid`."""

    def walk(self, origin: Vector, *, farthest: float) -> Iterator[Found[T]]:
        """All points up to a chord, in order."""

    def within(self, origin: Vector, farthest: float, *, most: int) -> list[Spot[T]] | None:
        """The points up to a chord, in no order; None where they are more than `most`."""


@dataclass(slots=True, eq=False)
class Near(Generic[T]):
    """The nearest of a point: `found` has the chord, the key and the place in `items` of each, in order.

    `items` are more than were found. `kept` is room for what callers make of them, under a number of their own; it
    lives as long as the tile.
    """

    found: list[tuple[float, int, int]]
    items: Sequence[T]
    kept: dict[int, Any] = field(default_factory=dict)

    def spots(self) -> list[Found[T]]:
        """What was found, each with what stands there."""
        return [(away, key, self.items[place]) for away, key, place in self.found]


@dataclass(frozen=True, slots=True)
class _Tile(Generic[T]):
    """What may be among the nearest of any point of a tile, by the chord from its centre."""

    centre: Vector
    items: tuple[T, ...]
    keys: "array[int]"
    sides: "array[float]"  # x, y and z of one after the other
    chords: "array[float]"  # from the centre
    kept: dict[int, Any] = field(default_factory=dict)

    def near(self, origin: Vector, count: int) -> Near[T]:
        """The nearest `count` of a point in the tile.

        Those are no farther from the centre than the `count`-th from there and twice the point itself.
        """
        most = len(self.items)
        if most > count:
            reach = self.chords[count - 1] + 2 * math.dist(self.centre, origin) + _SLACK
            most = bisect_right(self.chords, reach)
        here_x, here_y, here_z = origin
        sqrt, sides = math.sqrt, iter(self.sides[: 3 * most])
        found = [  # the hottest loop of all
            (
                sqrt((a := x - here_x) * a + (b := y - here_y) * b + (c := z - here_z) * c),
                key,
                place,
            )
            for x, y, z, key, place in zip(
                sides, sides, sides, self.keys, range(most), strict=False
            )
        ]
        found.sort()
        del found[count:]
        return Near(found, self.items, self.kept)


class Tiles(Generic[T]):
    """The tiles for pages of up to `size`, found when first asked for; one with too many spots is parted in four."""

    def __init__(self, grid: Searched[T], size: int, budget: Budget) -> None:
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

    def forget_kept(self) -> None:
        """Drop what is kept of their items."""
        for tile in (*self._young.values(), *self._old.values()):
            if tile is not None:
                tile.kept.clear()

    def age(self) -> None:
        """Drop the old tiles; the young ones are old now."""
        self._old, self._young = self._young, {}
        self.old_weight, self.young_weight = self.young_weight, 0

    def near(self, at: GeoPoint, origin: Vector, count: int) -> Near[T]:
        """The nearest `count` points of `at` up to MAX_CHORD at least; `origin` is its vector."""
        latitude, longitude, floor, young = at.latitude, at.longitude, math.floor, self._young
        level, tile = COARSEST_LEVEL, None
        while tile is None:
            scale = 1 << level
            place = (level, floor(latitude * scale), floor(longitude * scale))
            try:
                tile = young[place]
            except KeyError:
                tile = self._older(place)
                young = self._young
            level += 1
        return tile.near(origin, count)

    def _older(self, place: _Place) -> _Tile[T] | None:
        tile = self._old[place] if place in self._old else self._made(*place)
        weight = TILE_WEIGHT + (0 if tile is None else len(tile.items))
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
        return _Tile(
            origin,
            items=tuple(spot[4] for spot in spots),
            keys=array("q", [spot[3] for spot in spots]),
            sides=array("d", [side for spot in spots for side in spot[:3]]),
            chords=array("d", [chord(origin, spot) for spot in spots]),
        )


def _radius(latitude: float, side: float) -> float:
    """The longest chord from the centre of a tile, `side` degrees wide and high, to a point in it.

    4 sin²(Δφ/2) + 4 cos φ₁ cos φ₂ sin²(Δλ/2), by the haversine formula, is at most Δφ² + c² Δλ², where no
    parallel of the tile is longer than c.
    """
    half = math.radians(side) / 2
    widest = min(1.0, math.cos(math.radians(latitude)) + half)
    return half * math.sqrt(1 + widest * widest)
