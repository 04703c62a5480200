"""Distances agree with geometry, and what is not on the globe is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import geo
from backend.core.geo import GeoBounds, GeoPoint

TEHRAN = GeoPoint(35.6892, 51.3890)
MASHHAD = GeoPoint(36.2605, 59.6168)
NAN, INFINITY = math.nan, math.inf

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
points = st.builds(GeoPoint, latitudes, longitudes)
points_in_iran = st.builds(GeoPoint, st.floats(25, 40), st.floats(44, 64))
any_numbers = st.floats() | st.sampled_from([90.0, -90.0, 180.0, -180.0, NAN, INFINITY])


def chord_between(a: GeoPoint, b: GeoPoint) -> float:
    """The straight line between two points of the unit sphere, by their Cartesian coordinates."""
    return math.dist(_cartesian(a), _cartesian(b))


def _cartesian(point: GeoPoint) -> tuple[float, float, float]:
    latitude, longitude = math.radians(point.latitude), math.radians(point.longitude)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


@pytest.mark.parametrize(
    "point", [GeoPoint(90, 180), GeoPoint(-90, -180), GeoPoint(0.0, -0.0), TEHRAN]
)
def test_a_point_of_the_globe_is_accepted(point: GeoPoint) -> None:
    assert geo.check_point(point) is point


@pytest.mark.parametrize(
    "point",
    [
        GeoPoint(90.000001, 0),
        GeoPoint(-90.000001, 0),
        GeoPoint(0, 180.000001),
        GeoPoint(0, -180.000001),
        GeoPoint(NAN, 0),
        GeoPoint(0, NAN),
        GeoPoint(INFINITY, 0),
        GeoPoint(0, -INFINITY),
        GeoPoint(10**400, 0),
    ],
)
def test_a_point_off_the_globe_is_refused(point: GeoPoint) -> None:
    with pytest.raises(geo.InvalidGeoPoint):
        geo.check_point(point)


@pytest.mark.parametrize(
    "bounds", [GeoBounds(25, 44, 40, 64), GeoBounds(35, 51, 35, 51), GeoBounds(-90, -180, 90, 180)]
)
def test_bounds_of_the_globe_are_accepted(bounds: GeoBounds) -> None:
    assert geo.check_bounds(bounds) is bounds


@pytest.mark.parametrize(
    "bounds",
    [
        GeoBounds(40, 44, 25, 64),
        GeoBounds(25, 64, 40, 44),
        GeoBounds(-91, 44, 40, 64),
        GeoBounds(25, 44, 91, 64),
        GeoBounds(25, -181, 40, 64),
        GeoBounds(25, 44, 40, 181),
        GeoBounds(NAN, 44, 40, 64),
        GeoBounds(25, NAN, 40, 64),
        GeoBounds(25, 44, NAN, 64),
        GeoBounds(25, 44, 40, NAN),
        GeoBounds(-INFINITY, -INFINITY, INFINITY, INFINITY),
    ],
)
def test_bounds_off_the_globe_or_in_the_wrong_order_are_refused(bounds: GeoBounds) -> None:
    with pytest.raises(geo.InvalidGeoBounds):
        geo.check_bounds(bounds)


@given(any_numbers, any_numbers, any_numbers, any_numbers)
def test_accepted_bounds_hold_their_own_corners(
    south: float, west: float, north: float, east: float
) -> None:
    try:
        geo.check_bounds(GeoBounds(south, west, north, east))
    except geo.InvalidGeoBounds:
        return
    assert -90 <= south <= north <= 90
    assert -180 <= west <= east <= 180
    geo.check_point(GeoPoint(south, west))
    geo.check_point(GeoPoint(north, east))


@given(st.floats(0, 10_000_000))
def test_a_distance_survives_its_chord(meters: float) -> None:
    assert geo.meters_of(geo.chord_of(meters)) == pytest.approx(meters, rel=1e-12, abs=1e-9)


@given(st.floats(0, 2))
def test_a_chord_survives_its_distance(chord: float) -> None:
    assert geo.chord_of(geo.meters_of(chord)) == pytest.approx(chord, rel=1e-12, abs=1e-15)


@given(st.floats(0, 25_000_000), st.floats(0, 25_000_000))
def test_a_longer_distance_never_has_a_shorter_chord(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))

    assert geo.chord_of(shorter) <= geo.chord_of(longer) <= 2


@pytest.mark.parametrize("meters", [geo.LONGEST_DISTANCE_METERS, 10**9, INFINITY])
def test_a_distance_beyond_half_way_round_reaches_everything(meters: float) -> None:
    assert geo.chord_of(meters) == 2


def test_a_chord_that_rounding_made_too_long_is_the_longest_distance() -> None:
    assert geo.meters_of(2.0000000000000004) == geo.LONGEST_DISTANCE_METERS


@pytest.mark.parametrize("length", [-1, -INFINITY, NAN, -5e-324])
def test_a_negative_length_and_nan_are_refused(length: float) -> None:
    with pytest.raises(geo.InvalidDistance):
        geo.chord_of(length)
    with pytest.raises(geo.InvalidDistance):
        geo.meters_of(length)


def test_a_degree_of_a_meridian_has_its_length() -> None:
    degree = geo.EARTH_RADIUS_METERS * math.pi / 180

    assert degree == pytest.approx(111_195.08, abs=0.01)
    assert geo.distance_meters(GeoPoint(35, 51), GeoPoint(36, 51)) == pytest.approx(degree)
    assert geo.distance_meters(GeoPoint(0, 51), GeoPoint(0, 52)) == pytest.approx(degree)


def test_tehran_and_mashhad_are_743_kilometers_apart() -> None:
    assert round(geo.distance_meters(TEHRAN, MASHHAD) / 1_000) == 743


def test_the_poles_are_half_way_round_apart() -> None:
    assert geo.distance_meters(GeoPoint(90, 0), GeoPoint(-90, 77)) == pytest.approx(
        geo.LONGEST_DISTANCE_METERS
    )


def test_the_antimeridian_does_not_lengthen_a_distance() -> None:
    across = geo.distance_meters(GeoPoint(0, 179.5), GeoPoint(0, -179.5))

    assert across == pytest.approx(111_195.08, abs=0.01)


@given(points)
def test_a_point_is_at_no_distance_from_itself(point: GeoPoint) -> None:
    assert geo.distance_meters(point, point) == 0


@given(points, points)
def test_a_distance_is_the_same_there_and_back(a: GeoPoint, b: GeoPoint) -> None:
    there = geo.distance_meters(a, b)

    assert there == pytest.approx(geo.distance_meters(b, a), rel=1e-12, abs=1e-6)
    assert 0 <= there <= geo.LONGEST_DISTANCE_METERS


@given(points, points)
def test_a_distance_has_the_chord_that_the_index_compares(a: GeoPoint, b: GeoPoint) -> None:
    assert geo.chord_of(geo.distance_meters(a, b)) == pytest.approx(chord_between(a, b), abs=1e-12)


@given(points_in_iran, points_in_iran)
def test_in_iran_both_ways_to_measure_agree_to_a_millimeter(a: GeoPoint, b: GeoPoint) -> None:
    assert geo.distance_meters(a, b) == pytest.approx(geo.meters_of(chord_between(a, b)), abs=1e-3)
