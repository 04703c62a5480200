"""What a sign-in is charged."""

import dataclasses
from collections.abc import Iterator

import pytest

from backend.access import limits
from backend.access.limits import Charge, SignInLimits
from backend.infra import sealing
from backend.settings import Settings

PHONE = "+989121234567"
NATIONAL_CODE = "0012345679"


@pytest.fixture(autouse=True)
def sealer() -> Iterator[None]:
    sealing.configure(Settings().sealer())
    yield
    limits.configure(SignInLimits())


def test_a_request_is_charged_by_phone_person_address_and_system() -> None:
    allowed = SignInLimits(
        phone_codes_per_hour=1,
        phone_codes_per_day=2,
        national_code_codes_per_hour=3,
        national_code_codes_per_day=4,
        national_code_failures_per_day=5,
        address_codes_per_hour=6,
        address_failures_per_hour=7,
        system_requests_per_minute=8,
        system_texts_per_minute=9,
        system_texts_per_day=10,
    )
    charges = allowed.of_request(phone=PHONE, national_code=NATIONAL_CODE, address="2001:db8::1")
    assert [(each.most, each.seconds, each.is_counted) for each in charges] == [
        (1, 3_600, True),
        (2, 86_400, True),
        (3, 3_600, True),
        (4, 86_400, True),
        (6, 3_600, True),
        (24, 3_600, True),
        (96, 3_600, True),
        (8, 60, True),
        (5, 86_400, False),
        (9, 60, False),
        (10, 86_400, False),
    ]
    assert len({each.key for each in charges}) == len(charges)
    assert [each.most for each in allowed.of_address_failures("2001:db8::1")] == [7, 28, 112]
    assert [each.most for each in allowed.of_address_failures("192.0.2.7")] == [7]


def test_no_key_shows_a_number_or_an_address() -> None:
    charges = SignInLimits().of_request(
        phone=PHONE, national_code=NATIONAL_CODE, address="192.0.2.7"
    )
    for charge in (*charges, *SignInLimits().of_address_failures("192.0.2.7")):
        assert charge.key.startswith("bashgah:1:{sign-in}:limit:")
        for number in ("9121234567", NATIONAL_CODE, "192.0.2"):
            assert number not in charge.key


def test_the_failures_of_a_person_are_those_that_a_request_looks_at() -> None:
    person = limits.blind("national_code", NATIONAL_CODE)
    charges = SignInLimits().of_request(phone=PHONE, national_code=NATIONAL_CODE, address=None)
    assert SignInLimits().of_failures(person).looked_at() in charges


def test_what_is_allowed_by_default() -> None:
    assert dataclasses.asdict(limits.current()) == {
        "phone_codes_per_hour": 5,
        "phone_codes_per_day": 10,
        "national_code_codes_per_hour": 5,
        "national_code_codes_per_day": 10,
        "national_code_failures_per_day": 10,
        "address_codes_per_hour": 300,
        "address_failures_per_hour": 300,
        "system_requests_per_minute": 6_000,
        "system_texts_per_minute": 1_200,
        "system_texts_per_day": 100_000,
    }


def test_what_is_configured_is_current() -> None:
    limits.configure(SignInLimits(phone_codes_per_hour=2))
    assert limits.current().phone_codes_per_hour == 2


def test_a_charge_in_words_for_the_script() -> None:
    assert Charge("a", 5, 60).arguments == ("5", "60000", "1")
    assert Charge("a", 5, 60).looked_at().arguments == ("5", "60000", "0")
