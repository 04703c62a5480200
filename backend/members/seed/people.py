"""Who the invented members are: age, pension, home and state in plausible proportions."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import TypeVar

from backend.core import text
from backend.members.domain import MemberState, PensionKind
from backend.members.seed import names, numbers

T = TypeVar("T")

_KINDS = (PensionKind.RETIREMENT, PensionKind.SURVIVOR, PensionKind.DISABILITY)
_KIND_WEIGHTS = (68, 94, 100)
_STATES = (MemberState.ACTIVE, MemberState.INACTIVE, MemberState.DECEASED, MemberState.FROZEN)
_STATE_WEIGHTS = (945, 975, 993, 1000)
# Net pensions of a month in 100,000 rials: most are near the least, few are high.
_LEAST_PENSION, _MOST_PENSION = 1_150, 6_000
_SURVIVOR_SHARES = (50, 60, 75, 100)
_STEP_RIALS = 100_000
_SUMS = (0, 0, 0, 0, 0, 0, 3_000_000, 5_000_000, 8_000_000, 15_000_000)
_LOCALES = ("fa",) * 49 + ("en",)
_TEXT_SIZES = ("NORMAL",) * 5 + ("LARGE",) * 4 + ("HUGE",)
_NEITHER_PHONE, _UNKNOWN_PENSION, _NO_IBAN = 0.02, 0.004, 0.03


@dataclass(frozen=True, slots=True)
class Town:
    """Where members live, with the codes of the units that serve them there."""

    province_code: str
    name: str
    population: int
    branches: tuple[str, ...]
    associations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """An invented member; amounts in rials."""

    number: int
    national_code: str
    first_name: str
    last_name: str
    name_sort_key: str
    birth_date: date
    pension_number: str
    pension_kind: PensionKind
    state: MemberState
    town: Town
    branch_code: str | None
    association_code: str | None
    net_pension_rials: int | None
    other_deductions_rials: int
    iban: str | None
    phone: str | None
    locale: str
    text_size: str


def generate_people(
    *, first: int, beyond: int, seed: int, today: date, towns: Sequence[Town]
) -> list[Person]:
    """The members `first` to `beyond` - 1; the same call gives the same ones."""
    random = Random(f"members:{seed}:{first}")  # noqa: S311 - invented data
    weights = list(accumulate(town.population for town in towns))
    homes = random.choices(towns, cum_weights=weights, k=beyond - first)
    return [
        _person(random, number, seed, today, town)
        for number, town in zip(range(first, beyond), homes, strict=True)
    ]


def _person(random: Random, number: int, seed: int, today: date, town: Town) -> Person:
    kind = _KINDS[bisect_right(_KIND_WEIGHTS, 100 * random.random())]
    is_woman = random.random() < (0.85 if kind is PensionKind.SURVIVOR else 0.22)
    first_name = _pick(random, names.WOMEN if is_woman else names.MEN)
    last_name = _pick(random, names.FAMILIES) + _pick(random, names.ENDINGS)
    pension = _pension(random, kind)
    return Person(
        number=number,
        national_code=numbers.national_code(number, seed),
        first_name=first_name,
        last_name=last_name,
        name_sort_key=f"{_sort_key(last_name)} {_sort_key(first_name)}",
        birth_date=today - timedelta(days=int(random.triangular(40, 97, 66) * 365.25)),
        pension_number=numbers.pension_number(number),
        pension_kind=kind,
        state=_STATES[bisect_right(_STATE_WEIGHTS, 1_000 * random.random())],
        town=town,
        branch_code=_pick(random, town.branches) if town.branches else None,
        association_code=_pick(random, town.associations) if town.associations else None,
        net_pension_rials=None if random.random() < _UNKNOWN_PENSION else pension,
        other_deductions_rials=min(_pick(random, _SUMS), pension // 5),
        iban=None if random.random() < _NO_IBAN else numbers.iban(number, seed),
        phone=None if random.random() < _NEITHER_PHONE else numbers.phone(number, seed),
        locale=_pick(random, _LOCALES),
        text_size=_pick(random, _TEXT_SIZES),
    )


def _pension(random: Random, kind: PensionKind) -> int:
    steps = _LEAST_PENSION + int((_MOST_PENSION - _LEAST_PENSION) * random.random() ** 4)
    if kind is PensionKind.SURVIVOR:
        steps = steps * _pick(random, _SURVIVOR_SHARES) // 100
    return steps * _STEP_RIALS


def _pick(random: Random, among: Sequence[T]) -> T:
    """One of these: `Random.choice` takes eight times as long, most of a member's time."""
    return among[int(random.random() * len(among))]


@cache
def _sort_key(name: str) -> str:
    """A part of `domain.name_sort_key`."""
    return text.persian_sort_key(name)
