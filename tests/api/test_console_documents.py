"""Each document of the console, run as a role that may, on what there is in the world of the walk through all roles."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from argon2 import PasswordHasher
from graphql import (
    FieldNode,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableNode,
    parse,
    value_from_ast_untyped,
)

from backend import composition
from backend.access import passwords
from backend.core import clock
from backend.core.permissions import Role
from backend.infra import jobs
from backend.infra.sms import port as sms
from backend.settings import Settings
from tests.api import test_authorization as members_walk
from tests.api import test_roles as walk
from tests.support import role_table as table
from tests.support import role_ways as ways
from tests.support import role_world
from tests.support.api import Api
from tests.support.member_scene import NOON
from tests.support.role_askers import CASHIER
from tests.support.role_world import World

DOCUMENTS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[2] / "console" / "operations").glob("*.graphql"))
}
STAFF = (*Role, CASHIER)
# What nobody is answered here but a refusal: no emergency runs, and the import was begun by nobody who asks.
REFUSED = {"breakGlassEnd": Role.SUPPORT, "fileImportStart": Role.STORE_MANAGER}


@pytest.fixture
async def world(
    api: Api, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    del api
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 64, 1))  # fast: nothing is guessed
    connection = await asyncpg.connect(database_url)
    await jobs.install(connection)
    await connection.close()
    composition.configure_sms(Settings(data_dir=tmp_path))
    with clock.frozen(NOON):
        yield await role_world.made(tmp_path)
    await sms.close()


def operation(document: str) -> OperationDefinitionNode:
    (found,) = parse(document).definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


def roots(found: OperationDefinitionNode) -> list[FieldNode]:
    return [each for each in found.selection_set.selections if isinstance(each, FieldNode)]


def way_to(found: OperationDefinitionNode, root: str) -> tuple[str, str, str]:
    """The section and the row of the table of roles, and how the walk asks."""
    if found.operation is OperationType.MUTATION:
        return "Mutation", root, ways.MUTATIONS[root]
    row = "node:Operator" if root == "node" else root
    return "Query", row, ways.QUERIES[row]


def variables(asked: FieldNode, given: FieldNode) -> dict[str, object]:
    """The values that the walk gives to arguments, by the document's variables."""
    values: dict[str, ValueNode] = {each.name.value: each.value for each in given.arguments or ()}
    found: dict[str, object] = {}
    for argument in asked.arguments or ():
        assert isinstance(argument.value, VariableNode), argument.name.value
        if argument.name.value in values:
            value = value_from_ast_untyped(values[argument.name.value])
            found[argument.value.name.value] = value
    return found


def askers(section: str, row: str) -> list[tuple[str, str]]:
    """Who of the staff is answered, and what."""
    if row in REFUSED:
        return [(REFUSED[row], "ActRefused")]
    found = table.expected(section, row)
    shown = [(str(each), found[each]) for each in STAFF if not found[each].isupper()]
    return shown or [(str(each), "") for each in STAFF if found[each] == "SHOWN"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_named_like_its_file_and_can_be_paged(name: str) -> None:
    found = operation(DOCUMENTS[name])
    assert found.name is not None
    assert found.name.value == name
    for root in roots(found):
        kind = members_walk.object_type(found.operation.value.capitalize())
        field = kind.fields[root.name.value]
        asked = {each.name.value for each in root.arguments or ()}
        assert asked == set(field.args) or asked | set(field.args) == {"input"}, asked
        if str(field.type).rstrip("!").endswith("Connection"):
            assert "hasNextPage" in DOCUMENTS[name]
            assert "endCursor" in DOCUMENTS[name]
        if found.operation is OperationType.MUTATION:
            assert "__typename" in DOCUMENTS[name]
            assert {"code", "message", "hint", "field"} <= set(DOCUMENTS[name].split())


async def test_each_document_is_answered_to_who_may(api: Api, world: World) -> None:
    await walk._give_sessions(api, world)
    failed = {}
    for name, document in DOCUMENTS.items():
        found = operation(document)
        ways_there = [way_to(found, root.name.value) for root in roots(found)]
        (section, row, _), *_ = ways_there
        may = askers(section, row)
        assert may, name
        asker, outcome = may[0]
        values: dict[str, object] = {}
        for root, (_, _, way) in zip(roots(found), ways_there, strict=True):
            session = json.dumps(world.given.get(f"session of {asker}"))
            text = walk.filled(way.replace("<own_session>", session), world, world.askers[asker])
            (given,) = roots(operation(f"{{ {text} {{ x }} }}"))
            values |= variables(root, given)
        async with role_world.undone():
            response = await api.ask(document, values, **world.askers[asker].headers)
        content = response.json()
        answers = (content.get("data") or {}).values()
        if "errors" in content or None in answers or not answers:
            failed[name] = content
        elif section == "Mutation":
            (answer,) = answers
            if answer["__typename"] != outcome:
                failed[name] = content
        elif all(members_walk.says_nothing(each) for each in answers):
            failed[name] = content
    assert failed == {}
