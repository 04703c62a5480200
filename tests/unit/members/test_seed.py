"""Invented members: numbers that pass their formulas, plausible people, the same for the same seed."""

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from backend.core import identifiers
from backend.members.domain import MemberState, name_sort_key
from backend.members.seed import numbers, people
from backend.members.seed.people import Person, Town

TODAY = date(2026, 11, 21)
TOWNS = (
    Town("IR-07", "شیراز", 1_500_000, ("B-1", "B-2"), ("A-1",)),
    Town("IR-23", "تهران", 8_500_000, (), ()),
)
NUMBERS = st.integers(min_value=1, max_value=10_000_000)
SEEDS = st.integers(min_value=-1_000, max_value=1_000_000)


def generate(first: int = 1, beyond: int = 2_001, seed: int = 1) -> list[Person]:
    return people.generate_people(first=first, beyond=beyond, seed=seed, today=TODAY, towns=TOWNS)


@given(NUMBERS, SEEDS)
def test_every_number_passes_its_formula(number: int, seed: int) -> None:
    code = numbers.national_code(number, seed)
    account = numbers.iban(number, seed)
    phone = numbers.phone(number, seed)

    assert identifiers.normalize_national_code(code) == code
    assert identifiers.normalize_iban(account) == account
    assert identifiers.normalize_mobile(phone) == phone
    assert phone[:5] in {"+9896", "+9897"}


@given(NUMBERS, NUMBERS, SEEDS)
def test_two_members_share_no_number(one: int, other: int, seed: int) -> None:
    for make in (numbers.national_code, numbers.iban, numbers.phone):
        assert (make(one, seed) == make(other, seed)) == (one == other)


def test_the_same_seed_makes_the_same_members_and_another_makes_others() -> None:
    assert generate() == generate()
    assert not {each.national_code for each in generate()} & {
        each.national_code for each in generate(seed=2)
    }


def test_members_are_plausible() -> None:
    made = generate()

    states = Counter(each.state for each in made)
    towns = Counter(each.town.name for each in made)
    pensions = sorted(each.net_pension_rials for each in made if each.net_pension_rials is not None)
    assert states.keys() == set(MemberState)
    assert 1_850 <= states[MemberState.ACTIVE] <= 1_930
    assert 250 <= towns["شیراز"] <= 350
    assert pensions[0] >= 57_500_000
    assert pensions[-1] <= 600_000_000
    assert 115_000_000 <= pensions[len(pensions) // 2] <= 200_000_000
    assert all(39 <= (TODAY - each.birth_date).days // 365 <= 97 for each in made)
    assert all(
        each.name_sort_key == name_sort_key(each.first_name, each.last_name) for each in made
    )
    assert all(
        each.branch_code in {"B-1", "B-2"} if each.town is TOWNS[0] else each.branch_code is None
        for each in made
    )
