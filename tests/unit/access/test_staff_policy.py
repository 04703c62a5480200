"""What an installation may set of how operators sign in: its bounds, and that it arrives."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from backend import composition
from backend import settings as configuration
from backend.access import acting_operators, operator_rules, passwords, staff_policy
from backend.access.staff_policy import StaffPolicy
from backend.approvals import service as approvals
from backend.core.viewer import Scope
from backend.infra.tokens import Bearer
from backend.settings import Settings, SettingsInvalid

NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
NATION = Scope(nation=True)
FARS, YAZD = (Scope(province_codes=frozenset({code})) for code in ("IR-07", "IR-21"))
BOTH = Scope(province_codes=frozenset({"IR-07", "IR-21"}))
KANOON, OTHER = Scope(association_id=7), Scope(association_id=8)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    staff_policy.configure(StaffPolicy())


def test_where_nothing_is_set_the_policy_is_the_code_s() -> None:
    found = Settings()

    assert {each.name: getattr(found, f"operator_{each.name}") for each in fields(StaffPolicy)} == {
        each.name: getattr(StaffPolicy(), each.name) for each in fields(StaffPolicy)
    }


def test_what_is_set_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {each.name: 11 for each in fields(StaffPolicy)}
    for name, value in wanted.items():
        monkeypatch.setenv(f"BASHGAH_OPERATOR_{name.upper()}", str(value))

    composition.configure(configuration.load())

    assert staff_policy.current() == StaffPolicy(**wanted)
    assert approvals.still_may() is acting_operators.still_may


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FREE_TRIES", "0"),
        ("FREE_TRIES", "21"),
        ("STRANGER_TRIES_PER_HOUR", "1001"),
        ("SESSION_HOURS", "13"),  # the database refuses it, too
        ("IDLE_MINUTES", "0"),
        ("DEVICE_CODE_HOURS", "169"),  # for as long the arithmetic of the codes holds
        ("INVITATION_HOURS", "337"),
        ("LONGEST_DELAY_SECONDS", "14"),  # shorter than the first
        ("KNOWN_DAYS", "many"),
    ],
)
def test_no_limit_can_be_switched_off(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BASHGAH_OPERATOR_{name}", value)

    with pytest.raises(SettingsInvalid):
        configuration.load()


@pytest.mark.parametrize(("bearer", "minutes"), [(Bearer.OPERATOR, 30), (Bearer.CASHIER, 240)])
def test_a_session_is_idle_from_that_moment_on(bearer: Bearer, minutes: int) -> None:
    idle = timedelta(minutes=minutes)

    assert StaffPolicy().is_idle(bearer, NOON, NOON + idle)
    assert not StaffPolicy().is_idle(bearer, NOON, NOON + idle - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("scopes", "place"),
    [
        ((FARS, FARS), ("IR-07", None)),
        ((KANOON, KANOON), (None, 7)),
        ((FARS,), ("IR-07", None)),
        ((FARS, YAZD), (None, None)),
        ((FARS, BOTH), (None, None)),
        ((BOTH, BOTH), (None, None)),
        ((KANOON, OTHER), (None, None)),
        ((FARS, KANOON), (None, None)),
        ((KANOON, FARS), (None, None)),
        ((FARS, NATION), (None, None)),
        ((NATION, FARS), (None, None)),
        ((NATION, NATION), (None, None)),
    ],
)
def test_an_approval_lies_where_both_scopes_are_seen(
    scopes: tuple[Scope, ...], place: tuple[str | None, int | None]
) -> None:
    assert operator_rules.place_of(*scopes) == place


async def test_a_password_s_hash_says_by_what_it_was_made() -> None:
    hashed = await passwords.hash_of("correct horse battery staple")

    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
