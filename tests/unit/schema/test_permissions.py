"""The guard of a field says before any work what its service would say."""

from datetime import UTC, datetime

import pytest
import strawberry
from strawberry.types import ExecutionResult

from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Viewer
from schema import errors, root
from schema.context import Context
from schema.loaders import Loaders
from schema.permissions import Requires

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
worked: list[str] = []


async def answer_later(name: str = "later") -> str | None:
    worked.append(name)
    return name


def answer_at_once(name: str = "at once") -> str | None:
    worked.append(name)
    return name


@strawberry.type
class Query:
    """Guarded fields, one that waits and one that does not."""

    waiting: str | None = strawberry.field(
        resolver=answer_later, extensions=[Requires("stores.manage")]
    )
    at_once: str | None = strawberry.field(
        resolver=answer_at_once, extensions=[Requires("stores.manage")]
    )
    twice: str | None = strawberry.field(
        resolver=answer_later, extensions=[Requires("stores.manage"), Requires("audit.read")]
    )
    free: str = "free"


SCHEMA = root.Schema(query=Query)


@pytest.fixture(autouse=True)
def nothing_worked_yet() -> None:
    worked.clear()


def operator(*permissions: str) -> Viewer:
    return Viewer(ActorKind.OPERATOR, actor="operator-1", permissions=frozenset(permissions))


async def ask(viewer: Viewer, document: str) -> ExecutionResult:
    context = Context(
        viewer=viewer, locale=Locale.EN, now=NOW, loaders=Loaders(viewer=viewer, now=NOW)
    )
    result = await SCHEMA.execute(document, context_value=context, root_value=Query())
    assert isinstance(result, ExecutionResult)
    return result


def extensions_of(result: ExecutionResult) -> list[object]:
    return [errors.formatted(error, Locale.EN)["extensions"] for error in result.errors or []]


@pytest.mark.parametrize("field", ["waiting", "atOnce"])
@pytest.mark.parametrize(
    "viewer", [operator("stores.manage"), operator("x", "stores.manage"), SYSTEM]
)
async def test_who_has_the_permission_gets_the_answer(viewer: Viewer, field: str) -> None:
    result = await ask(viewer, f'{{ {field}(name: "mine") }}')

    assert result.errors is None
    assert result.data == {field: "mine"}


@pytest.mark.parametrize("field", ["waiting", "atOnce"])
async def test_a_stranger_is_asked_to_sign_in_and_nothing_is_done(field: str) -> None:
    result = await ask(ANONYMOUS, f"{{ {field} free }}")

    assert extensions_of(result) == [{"code": "UNAUTHENTICATED", "hint": "Sign in and try again."}]
    assert result.data == {field: None, "free": "free"}
    assert worked == []


@pytest.mark.parametrize("field", ["waiting", "atOnce"])
@pytest.mark.parametrize("permissions", [(), ("stores.read",), ("stores",), ("stores.manage.all",)])
async def test_who_lacks_the_permission_is_told_which_and_nothing_is_done(
    permissions: tuple[str, ...], field: str
) -> None:
    result = await ask(operator(*permissions), f"{{ {field} free }}")

    assert extensions_of(result) == [
        {
            "code": "FORBIDDEN",
            "hint": "If you need this, ask an administrator for the permission “stores.manage”.",
        }
    ]
    assert result.data == {field: None, "free": "free"}
    assert worked == []


@pytest.mark.parametrize("permissions", [("stores.manage",), ("audit.read",)])
async def test_of_two_guards_both_must_agree(permissions: tuple[str, ...]) -> None:
    refused = await ask(operator(*permissions), "{ twice }")
    agreed = await ask(operator("stores.manage", "audit.read"), "{ twice }")

    assert [error["code"] for error in extensions_of(refused) if isinstance(error, dict)] == [
        "FORBIDDEN"
    ]
    assert agreed.data == {"twice": "later"}
    assert worked == ["later"]
