"""Points, rectangles and distances on a spherical earth.

A distance is kept and compared as the straight chord through a sphere of radius 1, which an index
can search; it is told in meters over ground. Against the ellipsoid this errs by at most 0.6 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.core import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

# The mean radius (2a + b) / 3 of WGS 84 (IUGG).
EARTH_RADIUS_METERS = 6_371_008.8
LONGEST_DISTANCE_METERS = math.pi * EARTH_RADIUS_METERS

_MAX_LATITUDE = 90
_MAX_LONGITUDE = 180
_DIAMETER = 2.0
_DIAMETER_METERS = 2 * EARTH_RADIUS_METERS


class InvalidGeoPoint(errors.BadUserInput):
    """Coordinates that are not numbers of the globe."""

    texts = errors.sentences(
        fa="مختصات نقطه درست نیست.",
        en="The coordinates of the point are not valid.",
    )
    hints = errors.sentences(
        fa="عرض جغرافیایی را از منفی ۹۰ تا ۹۰ و طول جغرافیایی را از منفی ۱۸۰ تا ۱۸۰ درجه بدهید.",
        en="Give a latitude from -90 to 90 and a longitude from -180 to 180 degrees.",
    )


class InvalidGeoBounds(errors.BadUserInput):
    """A rectangle with a side off the globe, or with its sides in the wrong order."""

    texts = errors.sentences(
        fa="محدودهٔ نقشه درست نیست.",
        en="The bounds of the map are not valid.",
    )
    hints = errors.sentences(
        fa="جنوب نباید از شمال و غرب نباید از شرق بزرگ‌تر باشد.",
        en="South must not exceed north, and west must not exceed east.",
    )


class InvalidDistance(errors.BadUserInput):
    """A distance that is negative or no number."""

    texts = errors.sentences(
        fa="فاصله درست نیست.",
        en="The distance is not valid.",
    )
    hints = errors.sentences(
        fa="فاصله را به متر و بزرگ‌تر از صفر بدهید.",
        en="Give a distance in meters that is greater than zero.",
    )


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """A place in degrees of WGS 84, unchecked until `check_point`."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class GeoBounds:
    """A rectangle of a map in degrees, its edges included; it never crosses the antimeridian."""

    south: float
    west: float
    north: float
    east: float


def check_point(point: GeoPoint, *, field: tuple[str, ...] = ()) -> GeoPoint:
    """Return the point if it is on the globe; raises InvalidGeoPoint for `field`, also for NaN."""
    if not _is_latitude(point.latitude) or not _is_longitude(point.longitude):
        raise InvalidGeoPoint(field=field)
    return point


def check_bounds(bounds: GeoBounds, *, field: tuple[str, ...] = ()) -> GeoBounds:
    """Return the bounds if south ≤ north and west ≤ east on the globe; else InvalidGeoBounds."""
    on_globe = (
        _is_latitude(bounds.south)
        and _is_latitude(bounds.north)
        and _is_longitude(bounds.west)
        and _is_longitude(bounds.east)
    )
    if not on_globe or bounds.south > bounds.north or bounds.west > bounds.east:
        raise InvalidGeoBounds(field=field)
    return bounds


def chord_of(meters: float) -> float:
    """Return the chord of the unit sphere under a distance over ground, 2 for all beyond half way.

    Raises InvalidDistance for a negative number and NaN.
    """
    if not meters >= 0:
        raise InvalidDistance
    return _DIAMETER * math.sin(min(meters, LONGEST_DISTANCE_METERS) / EARTH_RADIUS_METERS / 2)


def meters_of(chord: float) -> float:
    """Return the distance over ground of a chord of the unit sphere; the inverse of `chord_of`.

    A chord that rounding has made longer than the diameter counts as the diameter. Raises
    InvalidDistance for a negative number and NaN.
    """
    if not chord >= 0:
        raise InvalidDistance
    return 2 * EARTH_RADIUS_METERS * math.asin(min(chord, _DIAMETER) / _DIAMETER)


def whole_meters(chords: Iterable[float]) -> list[int]:
    """The rounded distances over ground of chords from 0 to 2, as `meters_of` gives each."""
    asin = math.asin
    return [round(_DIAMETER_METERS * asin(chord / _DIAMETER)) for chord in chords]


def distance_meters(a: GeoPoint, b: GeoPoint) -> float:
    """Return the distance over ground between two points in meters, by the haversine formula."""
    latitude_a, latitude_b = math.radians(a.latitude), math.radians(b.latitude)
    longitudes = math.radians(b.longitude - a.longitude)
    haversine = (
        math.sin((latitude_b - latitude_a) / 2) ** 2
        + math.cos(latitude_a) * math.cos(latitude_b) * math.sin(longitudes / 2) ** 2
    )
    return meters_of(_DIAMETER * math.sqrt(haversine))


def unit_vector(point: GeoPoint) -> tuple[float, float, float]:
    """Return the point on the unit sphere: x through (0, 0), y through (0, 90 E), z north."""
    latitude, longitude = math.radians(point.latitude), math.radians(point.longitude)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


# Written so that NaN, which compares false with everything, is refused.
def _is_latitude(degrees: float) -> bool:
    return -_MAX_LATITUDE <= degrees <= _MAX_LATITUDE


def _is_longitude(degrees: float) -> bool:
    return -_MAX_LONGITUDE <= degrees <= _MAX_LONGITUDE
