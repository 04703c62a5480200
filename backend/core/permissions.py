"""Who may do what, in one place: the permissions, and the roles that hold them.

A service asks for a permission by its name; a role is a named set of them. `MONEY` are the permissions by which
money moves, or by which it is decided where money goes: who holds one must have said again who they are
(`Viewer.require_recent`) before each use, and an administrator holds none. What a role may not be joined with is
in `conflict`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from backend.core import errors
from backend.core.locale import Locale


class Permission(StrEnum):
    """What a service may ask of its viewer. The values stand in the trail and in answers: never rename one."""

    # An operator's own account: sessions, password, recovery codes. Every operator holds it.
    OPERATOR_SELF = "operator.self"
    # A cashier's own store. Every cashier holds it, and no operator.
    STORE_SELF = "store.self"

    MEMBERS_SEARCH = "members.search"
    MEMBERS_READ = "members.read"
    MEMBERS_PHONE_CHANGE = "members.phone_change"
    MEMBERS_PHONE_CHANGE_APPROVE = "members.phone_change_approve"
    MEMBERS_FREEZE_LIFT = "members.freeze_lift"
    MEMBERS_FREEZE_LIFT_APPROVE = "members.freeze_lift_approve"
    MEMBERS_IMPORT = "members.import"
    MEMBERS_IMPORT_APPROVE = "members.import_approve"
    MEMBERS_CLUB_CODE_VERIFY = "members.club_code.verify"

    STORES_READ_ALL = "stores.read_all"  # drafts and suspended ones, too
    STORES_MANAGE = "stores.manage"
    STORES_IBAN_READ = "stores.settlement.read"
    STORES_IBAN_CHANGE = "stores.iban_change"
    STORES_IBAN_APPROVE = "stores.iban_approve"
    STORES_DEVICE_ENROL = "stores.device_enrol"
    STORES_CASHIERS_MANAGE = "stores.cashiers_manage"

    PROVINCES_OPEN = "provinces.open"

    PURCHASES_READ = "purchases.read"
    PURCHASES_OPEN = "purchases.open"  # by a cashier
    PURCHASES_REFUND = "purchases.refund"

    LOANS_READ = "loans.read"
    LOANS_ROUND_MANAGE = "loans.round_manage"
    LOANS_SUBMIT_FOR = "loans.submit_for"
    LOANS_SELECT = "loans.select"
    LOANS_APPROVE = "loans.approve"
    LOANS_PAY = "loans.pay"

    DEDUCTIONS_READ = "deductions.read"
    DEDUCTIONS_PREPARE = "deductions.prepare"
    DEDUCTIONS_APPROVE = "deductions.approve"
    SETTLEMENTS_PREPARE = "settlements.prepare"
    SETTLEMENTS_APPROVE = "settlements.approve"

    CAMPAIGNS_READ = "campaigns.read"
    CAMPAIGNS_MANAGE = "campaigns.manage"
    CAMPAIGNS_APPROVE = "campaigns.approve"

    OPERATORS_READ = "operators.read"
    OPERATORS_MANAGE = "operators.manage"
    OPERATORS_APPROVE = "operators.approve"

    APPROVALS_READ = "approvals.read"
    AUDIT_READ = "audit.read"
    BREAK_GLASS_USE = "break_glass.use"
    BREAK_GLASS_READ = "break_glass.read"


class Role(StrEnum):
    """What an operator is employed as. An operator may have several, where `conflict` lets them be joined."""

    OBSERVER = "OBSERVER"
    STORE_MANAGER = "STORE_MANAGER"
    LOAN_OFFICER = "LOAN_OFFICER"
    FINANCE_OFFICER = "FINANCE_OFFICER"
    CAMPAIGNER = "CAMPAIGNER"
    SUPPORT = "SUPPORT"
    REGISTRAR = "REGISTRAR"
    AUDITOR = "AUDITOR"
    ADMINISTRATOR = "ADMINISTRATOR"


_P = Permission
_EVERY_OPERATOR: Final = frozenset({_P.OPERATOR_SELF})
_READING: Final = frozenset(
    {_P.STORES_READ_ALL, _P.PURCHASES_READ, _P.LOANS_READ, _P.DEDUCTIONS_READ, _P.CAMPAIGNS_READ}
)
_A_MEMBER: Final = frozenset({_P.MEMBERS_SEARCH, _P.MEMBERS_READ})

# What each role may do. A maker's permission and the approver's may stand in one role: the approval itself sees
# to it that they are never one person.
ROLES: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        # Looks at figures and lists; no member's file.
        Role.OBSERVER: _EVERY_OPERATOR | _READING,
        Role.STORE_MANAGER: _EVERY_OPERATOR
        | {
            _P.STORES_READ_ALL,
            _P.STORES_MANAGE,
            _P.STORES_IBAN_READ,
            _P.STORES_IBAN_CHANGE,
            _P.STORES_DEVICE_ENROL,
            _P.STORES_CASHIERS_MANAGE,
            _P.PURCHASES_READ,
            _P.APPROVALS_READ,
        },
        Role.LOAN_OFFICER: _EVERY_OPERATOR
        | _A_MEMBER
        | {
            _P.LOANS_READ,
            _P.LOANS_ROUND_MANAGE,
            _P.LOANS_SELECT,
            _P.LOANS_APPROVE,
            _P.APPROVALS_READ,
        },
        Role.FINANCE_OFFICER: _EVERY_OPERATOR
        | _A_MEMBER
        | _READING
        | {
            _P.STORES_IBAN_READ,
            _P.STORES_IBAN_APPROVE,
            _P.PURCHASES_REFUND,
            _P.LOANS_PAY,
            _P.DEDUCTIONS_PREPARE,
            _P.DEDUCTIONS_APPROVE,
            _P.SETTLEMENTS_PREPARE,
            _P.SETTLEMENTS_APPROVE,
            _P.APPROVALS_READ,
        },
        Role.CAMPAIGNER: _EVERY_OPERATOR
        | {_P.CAMPAIGNS_READ, _P.CAMPAIGNS_MANAGE, _P.CAMPAIGNS_APPROVE, _P.APPROVALS_READ},
        Role.SUPPORT: _EVERY_OPERATOR
        | _A_MEMBER
        | {
            _P.STORES_READ_ALL,
            _P.PURCHASES_READ,
            _P.LOANS_READ,
            _P.DEDUCTIONS_READ,
            _P.MEMBERS_PHONE_CHANGE,
            _P.MEMBERS_PHONE_CHANGE_APPROVE,
            _P.MEMBERS_FREEZE_LIFT,
            _P.MEMBERS_FREEZE_LIFT_APPROVE,
            _P.APPROVALS_READ,
            _P.BREAK_GLASS_USE,
        },
        # Helps members at a branch or association: in its scope.
        Role.REGISTRAR: _EVERY_OPERATOR
        | _A_MEMBER
        | {_P.LOANS_READ, _P.LOANS_SUBMIT_FOR, _P.MEMBERS_PHONE_CHANGE, _P.APPROVALS_READ},
        # Reads everything that was done, and does nothing.
        Role.AUDITOR: _EVERY_OPERATOR
        | _READING
        | {_P.AUDIT_READ, _P.APPROVALS_READ, _P.OPERATORS_READ, _P.BREAK_GLASS_READ},
        # Accounts, roles, provinces, membership files. No money, and no member's file.
        Role.ADMINISTRATOR: _EVERY_OPERATOR
        | {
            _P.OPERATORS_READ,
            _P.OPERATORS_MANAGE,
            _P.OPERATORS_APPROVE,
            _P.PROVINCES_OPEN,
            _P.MEMBERS_IMPORT,
            _P.MEMBERS_IMPORT_APPROVE,
            _P.STORES_READ_ALL,
            _P.APPROVALS_READ,
            _P.BREAK_GLASS_USE,
        },
    }
)

CASHIER: Final = frozenset({_P.STORE_SELF, _P.PURCHASES_OPEN, _P.MEMBERS_CLUB_CODE_VERIFY})

# By these money moves, or it is decided where money goes.
MONEY: Final = frozenset(
    {
        _P.STORES_IBAN_CHANGE,
        _P.STORES_IBAN_APPROVE,
        _P.PURCHASES_OPEN,
        _P.PURCHASES_REFUND,
        _P.LOANS_SELECT,
        _P.LOANS_APPROVE,
        _P.LOANS_PAY,
        _P.DEDUCTIONS_PREPARE,
        _P.DEDUCTIONS_APPROVE,
        _P.SETTLEMENTS_PREPARE,
        _P.SETTLEMENTS_APPROVE,
    }
)

# By these rights are given, or somebody is let in: they ask for `Viewer.require_recent` as money does. A membership
# file says who is a member, whose phone signs in, and who has credit.
RIGHTS: Final = frozenset(
    {
        _P.OPERATORS_MANAGE,
        _P.OPERATORS_APPROVE,
        _P.BREAK_GLASS_USE,
        _P.STORES_DEVICE_ENROL,
        _P.STORES_CASHIERS_MANAGE,
        _P.MEMBERS_PHONE_CHANGE,
        _P.MEMBERS_PHONE_CHANGE_APPROVE,
        _P.MEMBERS_IMPORT,
        _P.MEMBERS_IMPORT_APPROVE,
        _P.PROVINCES_OPEN,
    }
)

_EMERGENCY: Final = errors.sentences(fa="{role} (دسترسی اضطراری)", en="{role} (emergency)")
ROLE_NAMES: Final[Mapping[Role, Mapping[Locale, str]]] = MappingProxyType(
    {
        Role.OBSERVER: errors.sentences(fa="ناظر", en="Observer"),
        Role.STORE_MANAGER: errors.sentences(fa="کارشناس فروشگاه‌ها", en="Store manager"),
        Role.LOAN_OFFICER: errors.sentences(fa="کارشناس وام", en="Loan officer"),
        Role.FINANCE_OFFICER: errors.sentences(fa="کارشناس مالی", en="Finance officer"),
        Role.CAMPAIGNER: errors.sentences(fa="کارشناس پویش‌ها", en="Campaigner"),
        Role.SUPPORT: errors.sentences(fa="پشتیبان", en="Support"),
        Role.REGISTRAR: errors.sentences(fa="متصدی ثبت", en="Registrar"),
        Role.AUDITOR: errors.sentences(fa="حسابرس", en="Auditor"),
        Role.ADMINISTRATOR: errors.sentences(fa="مدیر سامانه", en="Administrator"),
    }
)


def of_roles(roles: Iterable[Role]) -> frozenset[str]:
    """All that these roles may do."""
    return frozenset(permission for role in roles for permission in ROLES[role])


def conflict(roles: Iterable[Role]) -> frozenset[Role]:
    """The roles among these that may not be joined in one person; empty where all may.

    An administrator, who gives rights, holds no role with money. An auditor, who looks on, holds no role that acts.
    """
    held = frozenset(roles)
    if Role.ADMINISTRATOR in held:
        with_money = frozenset(role for role in held if ROLES[role] & MONEY)
        if with_money:
            return with_money | {Role.ADMINISTRATOR}
    if Role.AUDITOR in held and held - {Role.AUDITOR, Role.OBSERVER}:
        return held - {Role.OBSERVER}
    return frozenset()


def shown_roles(roles: Iterable[Role], locale: Locale = Locale.FA) -> str:
    """The roles' names in one text, in the order of this file; what a member is shown of who read the own file."""
    held = frozenset(roles)
    separator = "، " if locale is Locale.FA else ", "
    return separator.join(ROLE_NAMES[role][locale] for role in Role if role in held)


def shown_emergency(role: Role, locale: Locale = Locale.FA) -> str:
    """The name of a role that was taken for an emergency; what a member is shown while it runs."""
    return _EMERGENCY[locale].format(role=ROLE_NAMES[role][locale])
