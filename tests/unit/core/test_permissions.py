"""Who may do what: what holds of the table of roles, whatever it says in detail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import permissions
from backend.core.locale import Locale
from backend.core.permissions import CASHIER, MONEY, RIGHTS, ROLES, Permission, Role

MAKERS = {
    Permission.STORES_IBAN_CHANGE: Permission.STORES_IBAN_APPROVE,
    Permission.OPERATORS_MANAGE: Permission.OPERATORS_APPROVE,
    Permission.MEMBERS_PHONE_CHANGE: Permission.MEMBERS_PHONE_CHANGE_APPROVE,
    Permission.MEMBERS_FREEZE_LIFT: Permission.MEMBERS_FREEZE_LIFT_APPROVE,
    Permission.MEMBERS_IMPORT: Permission.MEMBERS_IMPORT_APPROVE,
}


def test_an_administrator_holds_no_permission_with_money() -> None:
    assert ROLES[Role.ADMINISTRATOR] & MONEY == frozenset()


def test_an_auditor_changes_nothing() -> None:
    assert all(
        each.endswith((".read", ".read_all")) or each is Permission.OPERATOR_SELF
        for each in ROLES[Role.AUDITOR]
    )


def test_an_observer_sees_no_members_file() -> None:
    assert not any(each.startswith("members.") for each in ROLES[Role.OBSERVER])


def test_every_role_has_its_permissions_and_its_names() -> None:
    assert set(ROLES) == set(Role) == set(permissions.ROLE_NAMES)
    assert all(Permission.OPERATOR_SELF in found for found in ROLES.values())
    assert all(set(names) == set(Locale) for names in permissions.ROLE_NAMES.values())


def test_every_permission_is_held_by_somebody() -> None:
    held = permissions.of_roles(Role) | CASHIER

    assert [each.value for each in Permission if each not in held] == []


def test_a_cashier_and_an_operator_share_no_own_account() -> None:
    assert Permission.OPERATOR_SELF not in CASHIER
    assert Permission.STORE_SELF not in permissions.of_roles(Role)


@pytest.mark.parametrize(("asks", "decides"), MAKERS.items())
def test_what_is_asked_for_can_be_decided_by_somebody(
    asks: Permission, decides: Permission
) -> None:
    assert asks in permissions.of_roles(Role)
    assert decides in permissions.of_roles(Role)


def test_who_changes_an_iban_does_not_approve_it() -> None:
    both = {Permission.STORES_IBAN_CHANGE, Permission.STORES_IBAN_APPROVE}

    assert [role for role in Role if both <= ROLES[role]] == []


@given(st.frozensets(st.sampled_from(list(Role))))
def test_roles_without_a_conflict_join_neither_rights_with_money_nor_looking_with_acting(
    roles: frozenset[Role],
) -> None:
    found = permissions.conflict(roles)

    assert found <= roles
    if not found:
        held = permissions.of_roles(roles)
        assert not (Permission.OPERATORS_MANAGE in held and held & MONEY)
        assert not (Role.AUDITOR in roles and held & (MONEY | RIGHTS))


def test_shown_roles_stand_in_one_order() -> None:
    assert permissions.shown_roles({Role.SUPPORT, Role.LOAN_OFFICER}) == "کارشناس وام، پشتیبان"
    assert permissions.shown_roles([Role.SUPPORT], Locale.EN) == "Support"
