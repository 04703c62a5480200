"""One place of the seed: everything about it drawn from its own random numbers."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from backend.core import text
from backend.stores.domain import (
    InstalmentTerms,
    OfferDraft,
    PlaceKind,
    Settlement,
    SettlementMode,
    StoreDraft,
    StoreState,
)
from backend.stores.seed import hours, words
from backend.stores.seed.catalogue import Category
from backend.stores.seed.cities import Site

SUSPENDED_PERCENT = 2
OFFER_PERCENT = 15

_RIALS_A_TOMAN = 10
_ROUND_THE_CLOCK = "شبانه‌روزی"
_REFAH = "013"
_OTHER_BANKS = ("012", "017", "018", "019", "020", "054")
_REFAH_PERCENT = 85
_AT_ONCE_PERCENT = 30
# "IR00" as ISO 7064 reads it behind the account, and the sum that a valid IBAN leaves (ISO 13616).
_IBAN_TAIL, _IBAN_MODULUS, _IBAN_COMPLEMENT = "182700", 97, 98
_IN_ARCADES = frozenset(
    {"clothing", "shoes-bags", "mobile-phones", "computers", "kitchenware", "optician", "bedding"}
)
_SERVICES = frozenset({"travel"})
_SPREAD_OUT_TOMAN = 50_000_000
_LARGEST_HOUSE_NUMBER = 420


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and its street alone for names of branches."""

    street: str
    text: str


def draw_draft(
    random: Random,
    *,
    code: str,
    category: Category,
    site: Site,
    today: date,
    name: str | None = None,
) -> StoreDraft:
    """A place of this category in this city; with a name where it is not to be drawn."""
    address = _address(random, category)
    shown = name or _name(random, category, address.street)
    is_shop = category.kind in {PlaceKind.STORE, PlaceKind.CLINIC}
    weights = {"round_the_clock": 1} if _ROUND_THE_CLOCK in shown else category.hours
    province_code = site.city.province_code
    return StoreDraft(
        code=code,
        kind=category.kind,
        state=_state(random) if is_shop else StoreState.ACTIVE,
        name=shown,
        category_code=category.code,
        province_code=province_code,
        city=site.city.name,
        address=address.text,
        location=site.draw(random),
        phones=_phones(random, province_code, least=0 if is_shop else 1),
        terms=_terms(random, category) if is_shop else None,
        schedule=hours.draw_schedule(
            random, weights=weights, province_code=province_code, today=today
        ),
        settlement=_settlement(random, code) if is_shop else None,
        offers=_offers(random, category, today) if is_shop else (),
    )


def iban_of(bank: str, account: int) -> str:
    """The Iranian IBAN of an account: bank, the type of account (0) and 18 digits, check digits first."""
    basic = f"{bank}0{account:018d}"
    check = _IBAN_COMPLEMENT - int(basic + _IBAN_TAIL) % _IBAN_MODULUS
    return f"IR{check:02d}{basic}"


def _name(random: Random, category: Category, street: str) -> str:
    return random.choice(category.names).format(
        family=random.choice(words.FAMILIES),
        word=random.choice(words.WORDS),
        care=random.choice(words.CARE_WORDS),
        chain=random.choice(words.CHAINS),
        street=street,
    )


def _address(random: Random, category: Category) -> Address:
    street = random.choice(words.STREETS)
    road = f"{'بلوار' if random.randrange(5) == 0 else 'خیابان'} {street}"
    number = random.randint(1, _LARGEST_HOUSE_NUMBER)
    alley = random.choice(words.ALLEYS)
    side_street = 2 * random.randint(1, 30)
    if category.code in _IN_ARCADES and random.randrange(3) == 0:
        place = (
            f"{random.choice(words.ARCADES)}، {random.choice(words.FLOORS)}، واحد {number % 90 + 1}"
        )
    else:
        place = random.choice(
            (
                f"کوچهٔ {alley}، پلاک {number % 60 + 1}",
                f"کوچهٔ {alley}، پلاک {number % 60 + 1}",
                f"نبش کوچهٔ {alley}، پلاک {number}",
                f"نبش کوچهٔ {side_street}",
                f"بین کوچهٔ {side_street} و {side_street + 2}، پلاک {number}",
                f"{random.choice(words.LANDMARKS)}، پلاک {number}",
                f"پلاک {number}",
            )
        )
    return Address(street, text.to_persian_digits(f"{road}، {place}"))


def _state(random: Random) -> StoreState:
    return StoreState.SUSPENDED if random.randrange(100) < SUSPENDED_PERCENT else StoreState.ACTIVE


def _phones(random: Random, province_code: str, *, least: int) -> tuple[str, ...]:
    area = words.AREA_CODES[province_code]
    # Eight digits: in the provinces they begin with 3 nearly everywhere, in Tehran with many.
    first = random.choice("2245678") if province_code == "IR-23" else random.choice("33335")
    number = int(first) * 10_000_000 + random.randrange(10_000_000)
    count = max(random.choice((0, 1, 1, 1, 1, 1, 1, 2, 2, 2)), least)
    # A second line of the same place is its neighbour.
    return tuple(f"+98{area}{number - number % 10 + (number + line) % 10}" for line in range(count))


def _terms(random: Random, category: Category) -> InstalmentTerms:
    months = random.choice(category.months)
    return InstalmentTerms(
        min_months=months[0],
        max_months=months[1],
        min_amount_rials=random.choice(category.least_toman) * _RIALS_A_TOMAN,
        max_amount_rials=random.choice(category.most_toman) * _RIALS_A_TOMAN,
    )


def _settlement(random: Random, code: str) -> Settlement:
    of_refah = random.randrange(100) < _REFAH_PERCENT
    bank = _REFAH if of_refah else random.choice(_OTHER_BANKS)
    at_once = random.randrange(100) < _AT_ONCE_PERCENT
    return Settlement(
        iban=iban_of(bank, random.randrange(10**8, 10**12)),
        contract_number=f"{code}/{random.randint(1, 9)}",
        mode=SettlementMode.AT_ONCE if at_once else SettlementMode.AS_COLLECTED,
    )


def _offers(random: Random, category: Category, today: date) -> tuple[OfferDraft, ...]:
    if random.randrange(100) >= OFFER_PERCENT:
        return ()
    goods = list(category.goods)
    random.shuffle(goods)
    return tuple(_offer(random, category, each, today) for each in goods[: random.randint(1, 2)])


def _offer(random: Random, category: Category, goods: str, today: date) -> OfferDraft:
    titles, bodies = _offer_texts(category)
    begins = today + timedelta(days=random.randint(-30, 10))
    lasts = timedelta(days=random.choice((7, 14, 30, 30, 45, 60)))
    without_end = random.randrange(8) == 0
    title = random.choice(titles).format(goods=goods, percent=random.choice((5, 7, 10, 12, 15, 20)))
    return OfferDraft(
        title=text.to_persian_digits(title),
        body=random.choice(bodies),
        valid_from=begins,
        valid_until=None if without_end else begins + lasts,
    )


def _offer_texts(category: Category) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The titles and the bodies that suit the category."""
    if category.kind is PlaceKind.CLINIC or category.code in _SERVICES:
        return words.SERVICE_TITLES, words.SERVICE_BODIES
    if max(category.most_toman) < _SPREAD_OUT_TOMAN:
        return words.OFFER_TITLES, words.OFFER_BODIES
    return words.INSTALMENT_TITLES, words.OFFER_BODIES
