"""What the members' operations may cost: SQL statements and bytes of answer."""

from collections.abc import AsyncIterator, Mapping

import pytest

from backend.core import clock
from backend.infra import db as database
from tests.support import api as support
from tests.support import debts, member_scene
from tests.support.api import Api
from tests.support.member_scene import NOON, Scene

# Operation, variables, the most statements, the most bytes.
BUDGETS: list[tuple[str, Mapping[str, object], int, int]] = [
    ("MyProfile", {}, 5, 4_000),
    ("PurchaseHistory", {"first": 20}, 2, 10_000),
    ("PurchaseHistory", {"first": 100}, 2, 45_000),
    ("Instalments", {"from": "1405-09", "first": 50}, 3, 25_000),
    ("LoanRounds", {}, 3, 4_000),
    ("MyLoans", {}, 2, 6_000),
]


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The members with a hundred more purchases, on Saturday noon; revocations and provinces are known."""
    with clock.frozen(NOON):
        scene = await member_scene.set_up()
        for _ in range(100):
            await debts.purchase(scene.member_id, scene.stores["hafez"])
        await api.ask("{ me { id } provinces { code } }", **scene.headers)
        yield scene


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget[0])
async def test_an_operation_stays_in_its_budget(
    api: Api, scene: Scene, budget: tuple[str, Mapping[str, object], int, int]
) -> None:
    name, variables, statements, size = budget

    with database.count_statements() as counted:
        answer = await api.ask(support.operation(name), variables, **scene.headers)

    assert "errors" not in answer.json()
    asked = [each for each in counted.statements if "ended_at" not in each]  # of revocations
    assert len(asked) <= statements, asked
    assert len(answer.content) <= size, len(answer.content)


async def test_instalments_of_purchases_alone_take_two_statements(api: Api, scene: Scene) -> None:
    variables = {"from": "1405-10", "first": 50}  # the loan ends with 1405-09

    with database.count_statements() as counted:
        answer = await api.ask(support.operation("Instalments"), variables, **scene.headers)

    assert len(answer.json()["data"]["me"]["instalments"]["edges"]) == 50
    asked = [each for each in counted.statements if "ended_at" not in each]
    assert len(asked) <= 2, asked


async def test_a_purchase_with_its_instalments_takes_two_statements(api: Api, scene: Scene) -> None:
    variables = {"id": scene.own_id("Purchase", scene.purchases["running"])}

    with database.count_statements() as counted:
        answer = await api.ask(support.operation("PurchaseDetails"), variables, **scene.headers)

    assert len(answer.json()["data"]["purchase"]["instalments"]) == 10
    asked = [each for each in counted.statements if "ended_at" not in each]
    assert len(asked) <= 2, asked
