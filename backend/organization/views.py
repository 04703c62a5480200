"""What slices above may ask of the organization in their own statements: an expression, and how to read it."""

from functools import lru_cache

import orjson

from backend.core.geo import GeoPoint
from backend.organization import domain
from backend.organization.domain import City


def places(*, province_code: str, city: str) -> str:
    """An expression whose JSON `center_of` reads; the arguments are columns of the statement's own table.

    It holds the province's capital and the city of this very name, or all cities of the province where none is
    spelt so: names are compared by the rules of text, which SQL does not know.
    """
    one = "json_build_array(c.name_fa, c.name_en, c.latitude, c.longitude)"
    cities = f"FROM city c WHERE c.province_code = p.code AND {city} IS NOT NULL"
    return f"""(
        SELECT json_build_array(p.capital_latitude, p.capital_longitude, coalesce(
                   (SELECT json_build_array({one}) {cities} AND c.name_fa = {city}),
                   (SELECT json_agg({one} ORDER BY c.population DESC, c.name_fa) {cities})
               ))
          FROM province p WHERE p.code = {province_code}
    )"""  # noqa: S608 - columns of the caller's statement


@lru_cache(maxsize=1024)
def center_of(city: str | None, places: str) -> GeoPoint:
    """The centre of a city, else of its province's capital, from the value of `places`.

    Remembered, because many members live in one city.
    """
    latitude, longitude, cities = orjson.loads(places)
    return domain.center_of(
        city,
        cities=[
            City(name_fa, name_en, GeoPoint(*place)) for name_fa, name_en, *place in cities or ()
        ],
        capital=GeoPoint(latitude, longitude),
    )
