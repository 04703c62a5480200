"""Every permission that the code asks for is one of the table, and every one of the table is asked for somewhere.

The names are read out of the code: what is given to `require`, `may` and `Requires`, and every `Permission.…` that
stands outside the table itself.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from backend.core import permissions
from backend.core.permissions import CASHIER, MONEY, RIGHTS, ROLES, Permission, Role

ROOT: Final = Path(__file__).resolve().parents[3]
TABLE: Final = ROOT / "backend" / "core" / "permissions.py"
ASKING: Final = {"require", "may", "Requires"}

# Of members, and of the system alone (the command line and jobs): no role holds them.
HELD_BY_NO_ROLE: Final = {
    "access.seals.renew",
    "approvals.seals.renew",
    "imports.seals.renew",
    "ledger.post",
    "member.self",
    "members.seals.renew",
    "members.seed",
    "organization.manage",
    "stores.seals.renew",
}
# Asked for by parts of the service that are yet to come.
OF_LATER_PARTS: Final = {
    Permission.CAMPAIGNS_APPROVE,
    Permission.CAMPAIGNS_MANAGE,
    Permission.CAMPAIGNS_READ,
    Permission.DEDUCTIONS_APPROVE,
    Permission.DEDUCTIONS_PREPARE,
    Permission.DEDUCTIONS_READ,
    Permission.LOANS_APPROVE,
    Permission.LOANS_PAY,
    Permission.LOANS_READ,
    Permission.LOANS_ROUND_MANAGE,
    Permission.LOANS_SELECT,
    Permission.LOANS_SUBMIT_FOR,
    Permission.PURCHASES_OPEN,
    Permission.PURCHASES_READ,
    Permission.PURCHASES_REFUND,
    Permission.SETTLEMENTS_APPROVE,
    Permission.SETTLEMENTS_PREPARE,
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("backend", "schema"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path != TABLE:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def named() -> set[str]:
    """The members of `Permission` that the code names."""
    return {
        Permission[node.attr].value
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Permission"
        and node.attr in Permission.__members__
    }


def asked() -> Iterator[tuple[str, str]]:
    """What is given to `require` and the like, where it is said there: the module, and the permission's name.

    A name that is a variable, such as an argument, is what the caller says, and is found there.
    """
    for module, tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            if called in ASKING:
                found = _value(module, node.args[0])
                if found is not None:
                    yield module, found


def _value(module: str, given: ast.expr) -> str | None:
    if isinstance(given, ast.Constant):
        return str(given.value)
    found: object = import_module(module)
    for part in ast.unparse(given).split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, str) else None


def test_every_permission_that_is_asked_for_is_held_by_somebody() -> None:
    held = permissions.of_roles(Role) | CASHIER
    found = {name: module for module, name in asked()}

    assert len(found) > 20
    assert {name: found[name] for name in found if name not in held | HELD_BY_NO_ROLE} == {}
    assert set(found) >= HELD_BY_NO_ROLE
    assert not HELD_BY_NO_ROLE & held


def test_every_permission_is_asked_for_or_listed_as_of_a_later_part() -> None:
    found = named() | {name for _, name in asked()}

    assert sorted(set(Permission) - found) == sorted(OF_LATER_PARTS)


@pytest.mark.parametrize("role", list(Role))
def test_who_holds_money_gives_no_rights_to_operators(role: Role) -> None:
    """The administrator, who may, holds no money; nor does anybody else hold both."""
    assert not (ROLES[role] & MONEY and Permission.OPERATORS_MANAGE in ROLES[role])
    assert frozenset() == MONEY & RIGHTS
