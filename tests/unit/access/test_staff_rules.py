"""Rules of operators' accounts: names, roles and scopes that may be given, one-time passwords, and where they live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access import operator_rules, staff, totp
from backend.access.staff_refusals import (
    RolesConflict,
    RolesMissing,
    ScopeTooWide,
    StaffTextInvalid,
    UserNameInvalid,
)
from backend.core.permissions import Role
from backend.core.viewer import ActorKind, Scope, Viewer

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
STEP = timedelta(seconds=30)
NATION = Scope(nation=True)
FARS = Scope(province_codes=frozenset({"IR-07"}))
BOTH = Scope(province_codes=frozenset({"IR-07", "IR-23"}))
KANOON = Scope(association_id=7)
# RFC 6238, appendix B: the secret "12345678901234567890", and SHA-1.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # noqa: S105 - of the standard


def admin(scope: Scope = NATION) -> Viewer:
    return Viewer(ActorKind.OPERATOR, "operator:1", scope=scope)


@pytest.mark.parametrize(
    ("typed", "stored"), [("Sara", "sara"), (" SARA.R-1 ", "sara.r-1"), ("sara۱۲", "sara12")]
)
def test_a_user_name_has_one_form(typed: str, stored: str) -> None:
    assert staff.normal_user_name(typed) == stored


@pytest.mark.parametrize("typed", ["", "ab", "1sara", "sara reza", "سارا", "a" * 41, "a" * 1_000])
def test_other_texts_are_no_user_names(typed: str) -> None:
    with pytest.raises(UserNameInvalid):
        staff.normal_user_name(typed)


@pytest.mark.parametrize("typed", ["", "  ", "\u200f", "ن" * 81])
def test_a_name_is_written_and_short(typed: str) -> None:
    with pytest.raises(StaffTextInvalid):
        staff.shown_text(typed, most=80, field="name")


@pytest.mark.parametrize(
    ("moment", "code"), [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")]
)
def test_one_time_passwords_are_those_of_the_standard(moment: int, code: str) -> None:
    at = datetime.fromtimestamp(moment, UTC)

    assert totp.at(RFC_SECRET, at) == code
    assert totp.step_of(RFC_SECRET, code, moment=at, after=None) == moment // 30


@given(st.integers(min_value=-4, max_value=4), st.integers(min_value=-4, max_value=4))
def test_a_one_time_password_fits_a_step_around_now_and_after_the_last(
    offset: int, last: int
) -> None:
    now = int(NOW.timestamp()) // 30
    code = totp.at(RFC_SECRET, NOW + offset * STEP)

    found = totp.step_of(RFC_SECRET, code, moment=NOW, after=now + last)

    assert (found is not None) is (abs(offset) <= 1 and offset > last)


def test_the_uri_names_the_service_and_the_account() -> None:
    assert totp.uri(RFC_SECRET, user_name="sara") == (
        f"otpauth://totp/Bashgah:sara?secret={RFC_SECRET}&issuer=Bashgah"
    )


@pytest.mark.parametrize("scope", [Scope(), Scope(nation=True, association_id=7)])
def test_an_operator_has_one_scope(scope: Scope) -> None:
    with pytest.raises(RolesMissing) as error:
        operator_rules.check_roles(frozenset({Role.SUPPORT}), scope, giver=admin())
    assert error.value.field == ("scope",)


def test_an_operator_has_a_role() -> None:
    with pytest.raises(RolesMissing) as error:
        operator_rules.check_roles(frozenset(), NATION, giver=admin())
    assert error.value.field == ("roles",)


def test_roles_with_money_are_not_an_administrators() -> None:
    with pytest.raises(RolesConflict):
        operator_rules.check_roles(
            frozenset({Role.ADMINISTRATOR, Role.FINANCE_OFFICER}), NATION, giver=admin()
        )


@pytest.mark.parametrize(
    ("own", "given", "may"),
    [
        (NATION, NATION, True),
        (NATION, KANOON, True),
        (BOTH, FARS, True),
        (FARS, BOTH, False),
        (FARS, NATION, False),
        (FARS, KANOON, False),
        (KANOON, KANOON, True),
        (KANOON, FARS, False),
        (KANOON, Scope(association_id=8), False),
    ],
)
def test_nobody_gives_more_than_the_own_scope(own: Scope, given: Scope, may: bool) -> None:
    assert own.includes(given) is may
    if not may:
        with pytest.raises(ScopeTooWide):
            operator_rules.check_roles(frozenset({Role.SUPPORT}), given, giver=admin(own))


@pytest.mark.parametrize(
    ("scope", "province", "association", "covered"),
    [
        (NATION, "IR-23", None, True),
        (FARS, "IR-07", 7, True),
        (FARS, "IR-23", 7, False),
        (FARS, None, None, False),
        (KANOON, "IR-07", 7, True),
        (KANOON, "IR-07", 8, False),
        (KANOON, "IR-07", None, False),
        (Scope(), "IR-07", 7, False),
    ],
)
def test_a_scope_covers_what_lies_within(
    scope: Scope,
    province: str | None,
    association: int | None,
    covered: bool,
) -> None:
    assert scope.covers(province_code=province, association_id=association) is covered
