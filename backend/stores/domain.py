"""Stores and the other places: what they are, what a list of them may be filtered by, and their refusals."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from backend.core.errors import BadUserInput, DomainError, sentences
from backend.core.geo import GeoPoint
from backend.core.money import MAX_RIALS
from backend.stores.opening import OpeningSchedule

MAX_RADIUS_METERS = 100_000
MAX_SEARCH_CHARACTERS = 100
MAX_SEARCH_TERMS = 8
MAX_FILTER_CATEGORIES = 50
MAX_FAVOURITES = 500  # of one member, suspended places not counted
MAX_MONTHS = 60
MIN_AMOUNT_RIALS = 1_000

_PROVINCE_CODE = re.compile(r"IR-(?:[01][0-9]|2[0-9]|30)")


class PlaceKind(StrEnum):
    """What a place on the map is."""

    STORE = "STORE"
    CLINIC = "CLINIC"
    BRANCH = "BRANCH"
    ASSOCIATION = "ASSOCIATION"


class StoreState(StrEnum):
    """Whether a place is shown; a suspended one stays readable through a member's own purchases."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class SettlementMode(StrEnum):
    """When a store is paid: as the instalments are collected, or at once by the bank's advance."""

    AS_COLLECTED = "AS_COLLECTED"
    AT_ONCE = "AT_ONCE"


@dataclass(frozen=True, slots=True)
class StoreCategory:
    """What a place offers."""

    id: int
    code: str
    name_fa: str
    name_en: str


@dataclass(frozen=True, slots=True)
class InstalmentTerms:
    """The instalments that a store agrees to; both ends included, amounts in rials."""

    min_months: int
    max_months: int
    min_amount_rials: int
    max_amount_rials: int


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of a store, shown until its last day."""

    id: int
    store_id: int
    title: str
    body: str
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Store:
    """A place as the public may see it: nothing of its settlement."""

    id: int
    kind: PlaceKind
    state: StoreState
    name: str
    category: StoreCategory
    province_code: str
    city: str
    address: str
    location: GeoPoint
    phones: tuple[str, ...]
    terms: InstalmentTerms | None
    schedule: OpeningSchedule


@dataclass(frozen=True, slots=True)
class NearbyStore:
    """A store and the length of the chord to it on the unit sphere, which orders like the distance."""

    store: Store
    chord: float


@dataclass(frozen=True, slots=True)
class StoreFilter:
    """What every list of stores can be narrowed by; all given conditions must hold.

    `within_rials` is the credit that `within_my_credit` asks about. It comes from a slice above, and changes while
    a member pages: a cursor does not depend on it.
    """

    kind: PlaceKind = PlaceKind.STORE
    category_ids: tuple[int, ...] | None = None
    province_code: str | None = None
    open_now: bool | None = None
    within_my_credit: bool | None = None
    has_offers: bool | None = None
    within_rials: int | None = None


@dataclass(frozen=True, slots=True)
class LocalInstant:
    """Now as the wall clock shows it, and which of today and yesterday are public holidays."""

    today: date
    minute: int
    today_is_holiday: bool
    yesterday_is_holiday: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a store is paid, unsealed: for the import and, later, for those who may see it."""

    iban: str
    contract_number: str | None
    mode: SettlementMode


@dataclass(frozen=True, slots=True)
class OfferDraft:
    """An offer as it is brought in."""

    title: str
    body: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class StoreDraft:
    """A whole place as an import or the seed brings it, by its code; already checked and cleaned.

    `settlement` and `offers` of None leave alone what is stored; an empty tuple of offers removes them.
    """

    code: str
    kind: PlaceKind
    state: StoreState
    name: str
    category_code: str
    province_code: str
    city: str
    address: str
    location: GeoPoint
    phones: tuple[str, ...]
    terms: InstalmentTerms | None
    schedule: OpeningSchedule
    settlement: Settlement | None = None
    offers: tuple[OfferDraft, ...] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """A place as operators see it; `version` counts its changes. Its settlement is in the draft where asked for."""

    id: int
    version: int
    changed_at: datetime
    draft: StoreDraft


class RadiusInvalid(BadUserInput):
    """The radius is not between 1 metre and 100 km."""

    texts = sentences(
        fa="شعاع جست‌وجو باید بین ۱ متر و {most} متر باشد.",
        en="The radius must be between 1 and {most} metres.",
    )
    hints = sentences(fa="شعاع دیگری بفرستید.", en="Send another radius.")


class SearchInvalid(BadUserInput):
    """The search text is too long, or has too many words."""

    texts = sentences(
        fa="متن جست‌وجو حداکثر {characters} نویسه و {words} واژه می‌تواند داشته باشد.",
        en="A search has at most {characters} characters and {words} words.",
    )
    hints = sentences(fa="متن کوتاه‌تری بنویسید.", en="Write a shorter text.")


class FilterInvalid(BadUserInput):
    """A condition of the filter names what does not exist, or too much."""

    texts = sentences(
        fa="یکی از شرط‌های فهرست فروشگاه‌ها درست نیست.",
        en="A condition of the store filter is not valid.",
    )
    hints = sentences(
        fa="دسته‌ها را از storeCategories و استان‌ها را از provinces بردارید.",
        en="Take categories from storeCategories and provinces from provinces.",
    )


class OriginMissing(BadUserInput):
    """There is neither a point to search around nor a member whose city could serve."""

    texts = sentences(
        fa="برای یافتن فروشگاه‌های نزدیک، مکان شما لازم است.",
        en="Finding stores near you needs your location.",
    )
    hints = sentences(
        fa="مکان دستگاه را بفرستید یا وارد شوید.", en="Send the device's location, or sign in."
    )


class TooManyFavourites(DomainError):
    """A member keeps as many places at hand as one may."""

    code = "TOO_MANY_FAVOURITES"
    texts = sentences(
        fa="بیش از {most} فروشگاه را نمی‌توان نشان کرد.",
        en="No more than {most} stores can be kept as favourites.",
    )
    hints = sentences(
        fa="یکی از فروشگاه‌های نشان‌شده را بردارید و دوباره تلاش کنید.",
        en="Remove one of your favourites and try again.",
    )


class TermsInvalid(BadUserInput):
    """Instalment terms that contradict themselves or a limit."""

    texts = sentences(
        fa="شرایط اقساط درست نیست: ماه‌ها باید ۱ تا {most_months} و مبلغ‌ها {least_rials:,} ریال تا {most_rials:,} ریال"
        " باشد، و کمترین از بیشترین بزرگ‌تر نباشد.",
        en="The instalment terms are not valid: 1 to {most_months} months, amounts of {least_rials:,} rials to"
        " {most_rials:,} rials, and the least no larger than the most.",
    )
    hints = sentences(fa="شرایط را اصلاح کنید.", en="Correct the terms.")

    def __init__(self, part: str) -> None:
        """Take what is wrong: `months` or `amounts`."""
        super().__init__(
            field=("terms", part),
            most_months=MAX_MONTHS,
            least_rials=MIN_AMOUNT_RIALS,
            most_rials=MAX_RIALS,
        )


def is_province_code(text: str) -> bool:
    """Whether the text is one of the 31 ISO 3166-2 codes in force since 2020-11-24."""
    return _PROVINCE_CODE.fullmatch(text) is not None


def check_terms(terms: InstalmentTerms) -> None:
    """Raise TermsInvalid where the terms contradict themselves or a limit."""
    if not 1 <= terms.min_months <= terms.max_months <= MAX_MONTHS:
        raise TermsInvalid("months")
    if not MIN_AMOUNT_RIALS <= terms.min_amount_rials <= terms.max_amount_rials <= MAX_RIALS:
        raise TermsInvalid("amounts")
