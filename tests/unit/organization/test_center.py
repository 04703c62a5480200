"""Where a city lies, whatever its name looks like."""

import orjson
import pytest

from backend.core.geo import GeoPoint
from backend.organization import domain, views
from backend.organization.domain import City

CAPITAL = GeoPoint(29.61, 52.53)
ABADEH = City("آباده", "Abadeh", GeoPoint(31.16, 52.65))
NUR_ABAD = City("نورآباد ممسنی", "Nur Abad", GeoPoint(30.11, 51.52))


@pytest.mark.parametrize(
    ("city", "center"),
    [
        ("آباده", ABADEH.center),
        ("اباده", ABADEH.center),
        (" ABADEH ", ABADEH.center),
        ("نور آباد ممسني", NUR_ABAD.center),
        ("نورآباد\u200cممسنی", NUR_ABAD.center),
        ("آباد", CAPITAL),
        ("", CAPITAL),
        (None, CAPITAL),
    ],
)
def test_a_city_is_known_by_any_spelling_of_its_whole_name(
    city: str | None, center: GeoPoint
) -> None:
    assert domain.center_of(city, cities=[ABADEH, NUR_ABAD], capital=CAPITAL) == center


def test_of_two_names_alike_the_first_counts() -> None:
    other = City("آباده", "Other", GeoPoint(1, 2))

    assert domain.center_of("Abadeh", cities=[ABADEH, other], capital=CAPITAL) == ABADEH.center
    assert domain.center_of("آباده", cities=[ABADEH, other], capital=CAPITAL) == ABADEH.center


@pytest.mark.parametrize(
    ("cities", "center"),
    [
        (None, CAPITAL),
        ([["آباده", "Abadeh", 31.16, 52.65]], ABADEH.center),
        ([["نورآباد ممسنی", "Nur Abad", 30.11, 51.52]], CAPITAL),
    ],
)
def test_the_places_of_a_statement_are_read(cities: object, center: GeoPoint) -> None:
    places = orjson.dumps([CAPITAL.latitude, CAPITAL.longitude, cities]).decode()

    assert views.center_of("آباده", places) == center
