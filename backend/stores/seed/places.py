"""The places of the seed, one by one: a place depends on the seed and its own code alone."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate
from random import Random

from backend.core import text
from backend.organization.domain import Province
from backend.stores.domain import PlaceKind, StoreDraft
from backend.stores.seed import catalogue, cities, drafts
from backend.stores.seed.cities import City, Site

CODE_PREFIX = "SEED-"
STORE_PREFIX = f"{CODE_PREFIX}S-"

_PEOPLE_A_BRANCH, _PEOPLE_FOR_A_BRANCH, _MOST_BRANCHES = 300_000, 60_000, 15
_PEOPLE_FOR_AN_ASSOCIATION, _PEOPLE_FOR_QUARTERS = 100_000, 5_000_000
_PEOPLE_A_CLINIC, _PEOPLE_FOR_A_CLINIC, _MOST_CLINICS = 200_000, 100_000, 15
_QUARTERS = ("شمال", "شرق", "جنوب", "غرب")

_STORE_WEIGHTS = tuple(accumulate(category.weight for category in catalogue.STORES))
_CLINIC_WEIGHTS = tuple(accumulate(category.weight for category in catalogue.CLINICS))


def generate_stores(
    *, count: int, seed: int, provinces: Sequence[Province], today: date
) -> Iterator[StoreDraft]:
    """Stores number 1 to `count`; a larger count begins with the same ones."""
    country = cities.country(provinces)
    for number in range(1, count + 1):
        code = f"{STORE_PREFIX}{number:06d}"
        random = _random(seed, code)
        yield drafts.draw_draft(
            random,
            code=code,
            category=random.choices(catalogue.STORES, cum_weights=_STORE_WEIGHTS)[0],
            site=country.draw(random),
            today=today,
        )


def generate_other_places(
    *, seed: int, provinces: Sequence[Province], today: date
) -> Iterator[StoreDraft]:
    """Branches, associations and clinics, city by city; every province has each of them."""
    capitals = {(province.code, province.capital_fa) for province in provinces}
    for site in cities.country(provinces).sites:
        is_capital = (site.city.province_code, site.city.name) in capitals
        yield from _branches(site, is_capital=is_capital, seed=seed, today=today)
        yield from _associations(site, is_capital=is_capital, seed=seed, today=today)
        yield from _clinics(site, is_capital=is_capital, seed=seed, today=today)


def _branches(site: Site, *, is_capital: bool, seed: int, today: date) -> Iterator[StoreDraft]:
    city = site.city
    has_one = is_capital or city.population >= _PEOPLE_FOR_A_BRANCH
    count = min(max(city.population // _PEOPLE_A_BRANCH, int(has_one)), _MOST_BRANCHES)
    for number in range(1, count + 1):
        ordinal = f" {text.to_persian_digits(str(number))}" if count > 1 else ""
        code = _code(PlaceKind.BRANCH, city, number)
        yield drafts.draw_draft(
            _random(seed, code),
            code=code,
            category=catalogue.BRANCH,
            site=site,
            today=today,
            name=f"شعبهٔ{ordinal} تأمین اجتماعی {city.name}",
        )


def _associations(site: Site, *, is_capital: bool, seed: int, today: date) -> Iterator[StoreDraft]:
    city = site.city
    if not is_capital and city.population < _PEOPLE_FOR_AN_ASSOCIATION:
        return
    quarters = _QUARTERS if city.population >= _PEOPLE_FOR_QUARTERS else ("",)
    for number, quarter in enumerate(quarters, start=1):
        code = _code(PlaceKind.ASSOCIATION, city, number)
        yield drafts.draw_draft(
            _random(seed, code),
            code=code,
            category=catalogue.ASSOCIATION,
            site=site,
            today=today,
            name=f"کانون بازنشستگان تأمین اجتماعی {f'{quarter} {city.name}'.strip()}",
        )


def _clinics(site: Site, *, is_capital: bool, seed: int, today: date) -> Iterator[StoreDraft]:
    city = site.city
    if not is_capital and city.population < _PEOPLE_FOR_A_CLINIC:
        return
    for number in range(1, min(2 + city.population // _PEOPLE_A_CLINIC, _MOST_CLINICS) + 1):
        code = _code(PlaceKind.CLINIC, city, number)
        random = _random(seed, code)
        yield drafts.draw_draft(
            random,
            code=code,
            category=random.choices(catalogue.CLINICS, cum_weights=_CLINIC_WEIGHTS)[0],
            site=site,
            today=today,
        )


def _code(kind: PlaceKind, city: City, number: int) -> str:
    return f"{CODE_PREFIX}{kind.value[0]}-{city.geonames_id}-{number:02d}"


def _random(seed: int, code: str) -> Random:
    # Seeded by text, which Python digests the same way whatever its hash seed.
    return Random(f"bashgah:{seed}:{code}")  # noqa: S311 - invented data, no secret
