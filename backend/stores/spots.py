"""A point on the unit sphere with what stands there, and the chord between two points as PostgreSQL computes it."""

import math
from typing import Final, TypeVar

from backend.core import geo
from backend.stores.domain import MAX_RADIUS_METERS

T = TypeVar("T")

# x, y and z on the unit sphere, the key, and what stands there.
Spot = tuple[float, float, float, int, T]
Found = tuple[float, int, T]  # the chord, the key, and what stands there
Vector = tuple[float, float, float]

MAX_CHORD: Final = geo.chord_of(MAX_RADIUS_METERS)


def chord(origin: Vector, spot: Spot[T]) -> float:
    """The chord as PostgreSQL computes it."""
    x, y, z = spot[0] - origin[0], spot[1] - origin[1], spot[2] - origin[2]
    return math.sqrt(x * x + y * y + z * z)
