"""Every root field and every field behind it, asked by every role and from every scope, against a written table.

`role_table.toml` says who is answered what. Who is refused must have changed nothing in any table, jobs that wait
among them, and sent nothing; who looks from outside must be told nothing of what is inside. What the two members and
the anonymous are answered field by field is in `authorization_table.toml`.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher
from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type

from backend import composition
from backend.access import passwords
from backend.core import clock
from backend.infra import jobs
from backend.infra.sms import port as sms
from backend.settings import Settings
from schema import root
from tests.api import test_authorization as members_walk
from tests.support import role_table as table
from tests.support import role_ways as ways
from tests.support import role_world
from tests.support.api import Api
from tests.support.member_scene import NOON
from tests.support.role_askers import ANONYMOUS, MEMBER, OTHER, Asker
from tests.support.role_world import World

REFUSALS = {"UNAUTHENTICATED", "FORBIDDEN", "REAUTHENTICATION_NEEDED", "NOT_FOUND", "EMPTY"}
# What is empty in this world, whoever looks; other tests see each of them filled.
UNSEEN = {
    "AuditEntry.objectNodeId",
    "AuditEntry.traceId",
    "MemberFile.openApprovals",
    "Operator.phoneMasked",
    "OperatorAccount.breakGlassRole",
    "OperatorAccount.breakGlassUntil",
    "OperatorScope.association",
    "OperatorScope.associationId",
    "StoreDevice.revokedAt",
    "StoreRecord.openApprovals",
    "Viewer.member",
}
# Of a mutation these are refusals as well, by a rule of its own.
OUTSIDE = {"SCOPE_TOO_WIDE", "STORE_INVALID", "BAD_USER_INPUT", "FILE_IMPORT_OF_ANOTHER"}


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
        made = await role_world.made(tmp_path)
        yield made
    await sms.close()


def filled(document: str, world: World, asker: Asker) -> str:
    for name, value in (world.given | asker.own).items():
        document = document.replace(f"<{name}>", json.dumps(value))
    return document


async def ask(api: Api, world: World, asker: Asker, document: str) -> httpx.Response:
    return await api.ask(filled(document, world, asker), None, **asker.headers)


def refusal(response: httpx.Response) -> str | None:
    """The code of what was refused at the root field; anything that fails below it is a fault."""
    errors = response.json().get("errors", [])
    if not errors:
        return None
    assert {len(each.get("path", [])) for each in errors} == {1}, response.text
    return str(errors[0]["extensions"]["code"])


def is_silent(response: httpx.Response, world: World) -> bool:
    return not [each for each in world.secrets if each in response.text]


def test_the_table_has_every_root_field_and_every_type_and_field_once() -> None:
    """Types that only mutations lead to are answered to whom the mutation is."""
    roots = {name.partition(":")[0] for name in table.rows("Query")}
    assert roots == set(members_walk.object_type("Query").fields)
    assert set(table.rows("Query")) == set(ways.QUERIES)
    assert {name.partition(":")[2] for name in ways.QUERIES if ":" in name} == set(root.NODES)
    assert (
        set(table.rows("Mutation"))
        == set(ways.MUTATIONS)
        == set(members_walk.object_type("Mutation").fields)
    )
    assert set(table.rows("fields")) == set(ways.TYPES)
    for name, fields in table.rows("fields").items():
        assert sorted(fields.split()) == sorted(members_walk.object_type(name).fields), name
    of_answers = {kind.name for each in ways.MUTATIONS for kind in answers_of(each)}
    known = {*ways.TYPES, *of_answers, *_parts_of_answers(of_answers), "Query", "Mutation"}
    assert {kind.name for kind in members_walk.object_types()} - known == set()


def answers_of(mutation: str) -> list[GraphQLObjectType]:
    kind = get_named_type(members_walk.object_type("Mutation").fields[mutation].type)
    assert isinstance(kind, GraphQLUnionType)
    return list(kind.types)


def _parts_of_answers(names: set[str]) -> set[str]:
    """The types of the fields of these."""
    fields = [each for name in names for each in members_walk.object_type(name).fields.values()]
    return {get_named_type(each.type).name for each in fields}


def test_the_size_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """So many cells there are: root fields by those named in their rows, fields by all of the staff."""
    cells = {
        section: sum(len(table.expected(section, name)) for name in table.rows(section))
        for section in ("Query", "Mutation")
    }
    fields = table.rows("fields")
    cells["fields"] = sum(
        len(names.split()) * len(_askers_of(_root(name))) for name, names in fields.items()
    )
    of_members = sum(len(row) for row in members_walk.TABLE.values()) * len(members_walk.ASKERS)
    with capsys.disabled():
        print(f"\nauthorization: {cells} cells of staff, {of_members} of members")  # noqa: T201 - so that it can be told
    assert min(cells.values()) > 400
    assert sum(cells.values()) > 6_000


def _root(type_name: str) -> str:
    return ways.TYPES[type_name].partition(".")[0]


def _askers_of(query: str) -> dict[str, str]:
    """The staff among those who ask a query, and what they are answered."""
    found = table.expected("Query", query)
    return {name: each for name, each in found.items() if name not in {ANONYMOUS, MEMBER, OTHER}}


async def test_every_root_field_is_answered_to_whom_the_table_says(api: Api, world: World) -> None:
    found: dict[str, dict[str, str]] = {}
    wanted = {name: table.expected("Query", name) for name in table.rows("Query")}
    before = await world.fingerprint()
    for name, row in wanted.items():
        kind = get_named_type(members_walk.object_type("Query").fields[name.partition(":")[0]].type)
        document = f"{{ asked: {ways.QUERIES[name]}{members_walk.sample(kind)} }}"
        found[name] = {}
        for asker in row:
            response = await ask(api, world, world.askers[asker], document)
            outcome = refusal(response)
            if outcome is None:
                value = response.json()["data"]["asked"]
                outcome = "EMPTY" if members_walk.says_nothing(value) else "SHOWN"
            found[name][asker] = outcome
            if row[asker] in REFUSALS:
                assert is_silent(response, world), (name, asker, response.text)

    different = _different(found, wanted)
    assert different == {}, json.dumps(different, ensure_ascii=False, indent=1)
    after = await world.fingerprint()
    # The search and the reading of a file are recorded; nothing else is written by asking.
    assert {each for each in after if after[each] != before[each]} == {"audit_entry", "file_read"}
    assert world.sent() == 0


async def test_every_field_is_answered_to_whom_its_root_field_is(api: Api, world: World) -> None:
    found: dict[str, dict[str, str]] = {}
    wanted = {name: _askers_of(_root(name)) for name in table.rows("fields")}
    unseen = []
    for name, fields in table.rows("fields").items():
        kind = members_walk.object_type(name)
        selected = " ".join(
            members_walk.selection(kind, each).removeprefix("asked: ") for each in fields.split()
        )
        document = ways.query(ways.TYPES[name], f"{{ {selected} }}")
        shown: set[str] = set()
        found[name] = {}
        for asker in wanted[name]:
            response = await ask(api, world, world.askers[asker], document)
            outcome = refusal(response)
            if outcome is None:
                data = response.json()["data"]
                outcome = "EMPTY" if members_walk.says_nothing(data) else "SHOWN"
                shown |= {each for each in fields.split() if _has(data, each)}
            found[name][asker] = outcome
            if wanted[name][asker] in REFUSALS:
                assert is_silent(response, world), (name, asker, response.text)
        if "SHOWN" in found[name].values():
            unseen += [f"{name}.{each}" for each in fields.split() if each not in shown]

    different = _different(found, wanted)
    assert different == {}, json.dumps(different, ensure_ascii=False, indent=1)
    # A row of what nobody is shown would prove nothing.
    assert set(unseen) == UNSEEN, sorted(unseen)


def _different(
    found: dict[str, dict[str, str]], wanted: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    """What was found where the table says otherwise: by row, "found, not expected" by asker."""
    return {
        name: {
            str(asker): f"{outcome}, not {wanted[name][asker]}"
            for asker, outcome in row.items()
            if outcome != wanted[name][asker]
        }
        for name, row in found.items()
        if row != wanted[name]
    }


def _has(content: object, name: str) -> bool:
    """Whether a value stands under this name, wherever in an answer."""
    if isinstance(content, list):
        return any(_has(each, name) for each in content)
    if not isinstance(content, dict):
        return False
    here = name in content and not members_walk.says_nothing(content[name])
    return here or any(_has(each, name) for each in content.values())


async def test_every_mutation_is_done_for_whom_the_table_says_and_a_refusal_changes_nothing(
    api: Api, world: World
) -> None:
    found: dict[str, dict[str, str]] = {}
    wanted = {name: table.expected("Mutation", name) for name in table.rows("Mutation")}
    await _give_sessions(api, world)
    before = await world.fingerprint()
    for name, row in wanted.items():
        document = _mutation(name)
        found[name] = {}
        for asker in row:
            found[name][asker] = await _tried(api, world, asker, document, before)
        assert await world.fingerprint() == before, name  # what was allowed has been undone

    different = _different(found, wanted)
    assert different == {}, json.dumps(different, ensure_ascii=False, indent=1)
    assert world.sent() == 0


async def _tried(
    api: Api, world: World, asker: str, document: str, before: dict[str, tuple[int, int]]
) -> str:
    own = {"own_session": world.given.get(f"session of {asker}", "none")}
    for name, value in own.items():
        document = document.replace(f"<{name}>", json.dumps(value))
    async with role_world.undone():
        response = await ask(api, world, world.askers[asker], document)
        outcome = refusal(response)
        if outcome is None:
            answer = response.json()["data"]["asked"]
            outcome = str(answer["code"] if "hint" in answer else answer["__typename"])
        if outcome in REFUSALS | OUTSIDE:
            assert is_silent(response, world), (document, asker, response.text)
            if await world.has_written():
                after = await world.fingerprint()
                changed = {each for each in after if after[each] != before[each]}
                assert changed == set(), (document, asker)
    return outcome


def _mutation(name: str) -> str:
    """The document of a mutation: of each of its answers all that can be asked, of a refusal the code."""
    parts = []
    for kind in answers_of(name):
        if "UserError" in members_walk.interfaces(kind):
            continue
        fields = " ".join(
            members_walk.selection(kind, each).removeprefix("asked: ") for each in kind.fields
        )
        parts.append(f"... on {kind.name} {{ {fields} }}")
    return (
        f"mutation {{ asked: {ways.MUTATIONS[name]} {{ __typename {' '.join(parts)}"
        f" ... on UserError {{ code message hint field }} }} }}"
    )


async def _give_sessions(api: Api, world: World) -> None:
    """The global id of each asker's own session."""
    for path in ("me", "operatorAccount", "cashierAccount"):
        for asker in world.askers.values():
            response = await ask(api, world, asker, f"{{ {path} {{ sessions {{ id current }} }} }}")
            content = (response.json().get("data") or {}).get(path)
            for each in content["sessions"] if content else []:
                if each["current"]:
                    world.given[f"session of {asker.name}"] = each["id"]
