"""What is compiled, what is refused, and that refusing leads to graphql-core."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

import orjson
import pytest
import strawberry
from graphql import DocumentNode, OperationDefinitionNode, graphql, parse, validate
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.types import Info

from backend.core import clock
from backend.core.errors import Forbidden, Unavailable
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, ActorKind, Viewer
from schema.context import Context
from schema.execution import compilation, writing
from schema.execution.awaiting import Begun, Working
from schema.execution.compilation import Compilation
from schema.execution.compiler import CompiledOperation, Plan
from schema.execution.plan import Ask, Part, Refused, Selected, Tier
from schema.execution.selection import OperationTree, Switches
from schema.loaders import Loaders
from schema.permissions import Requires

ALLOWED = Viewer(ActorKind.MEMBER, actor="member:1", subject=1, permissions=frozenset({"see"}))


FIVE_SWITCHES = (
    "query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!)"
    " { echo @skip(if: $a) a: echo @skip(if: $b) b: echo @skip(if: $c) c: echo @skip(if: $d)"
    " d: echo @skip(if: $e) }"
)


class Unknown(FieldExtension):
    """A guard that the compiler has never heard of."""


class Nobody(BasePermission):
    """A permission class: Strawberry's own way, which is not ours."""

    message = "never"

    def has_permission(self, source: object, info: Info, **kwargs: object) -> bool:
        """Never."""
        del source, info, kwargs
        return False


@strawberry.input
class Range:
    """An input object with a default."""

    least: int = 1
    most: int | None = None
    names: list[str] | None = None


@strawberry.interface
class Named:
    """An interface."""

    name: str


@strawberry.type
class Cat(Named):
    """One of its types."""

    lives: int = 9


@strawberry.type
class Dog(Named):
    """The other."""

    @strawberry.field
    async def barks(self, times: int = 2) -> list[str]:
        """Waits, so that tasks are needed."""
        return ["wuff"] * times


ended: list[str] = []


async def wait() -> str:
    """Wait for what never comes."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    return ""


@strawberry.type
class Person:
    """The first waits; the second fails."""

    number: int

    @strawberry.field
    async def waiting(self) -> str:
        """Wait, or fail after the others have begun."""
        if self.number == 0:
            return await wait()
        await asyncio.sleep(0)
        raise LookupError


@strawberry.type
class Query:
    """Fields of every kind of answer."""

    @strawberry.field
    def echo(self, value: Range | None = None, word: str = "none", at: int | None = 7) -> str:
        """What it was given, as Python sees it."""
        return f"{value} {word} {at}"

    @strawberry.field
    async def animals(self) -> list[Named]:
        """Objects of several types."""
        return [Cat(name="Mishi"), Dog(name="Gorgi")]

    @strawberry.field
    def away(self) -> str | None:
        """What the database would say, were it there."""
        raise Unavailable(retry_after_seconds=7)

    @strawberry.field
    async def stuck(self) -> str | None:
        """Never answers."""
        return await wait()

    @strawberry.field
    async def failing(self) -> str | None:
        """Fails after the others have begun."""
        await asyncio.sleep(0)
        raise LookupError

    @strawberry.field
    def crowd(self) -> list[Person]:
        """Several, side by side."""
        return [Person(number=0), Person(number=1)]

    @strawberry.field
    def broken(self) -> str:
        """A null where the schema allows none."""
        return None  # type: ignore[return-value]

    @strawberry.field(extensions=[Requires("see")])  # type: ignore[untyped-decorator]  # typed for its plugin
    def guarded(self) -> str:
        """Behind the guard that is understood."""
        return "seen"

    @strawberry.field(extensions=[Unknown()])  # type: ignore[untyped-decorator]  # typed for its plugin
    def strange(self) -> str:
        """Behind one that is not."""
        return "seen"

    @strawberry.field(permission_classes=[Nobody])  # type: ignore[untyped-decorator]  # typed for its plugin
    def forbidden(self) -> str:
        """Behind Strawberry's own."""
        return "seen"


@dataclass(frozen=True, slots=True)
class Case:
    """A document that is valid, parsed."""

    document: DocumentNode
    operation: OperationDefinitionNode


@pytest.fixture(scope="module")
def schema() -> strawberry.Schema:
    """A small schema of this test's own."""
    return strawberry.Schema(Query, types=[Cat, Dog])


def case(schema: strawberry.Schema, text: str) -> Case:
    document = parse(text)
    assert validate(schema._schema, document) == []
    (operation,) = (
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    )
    return Case(document, operation)


def compiled(schema: strawberry.Schema, text: str) -> CompiledOperation:
    made = case(schema, text)
    return CompiledOperation(schema, made.document, made.operation, {})


def ask(viewer: Viewer = ANONYMOUS) -> Ask:
    now = clock.now()
    context = Context(
        viewer=viewer, locale=Locale.EN, now=now, loaders=Loaders(viewer=viewer, now=now)
    )
    return compilation.ask_of(context)


async def answers(
    schema: strawberry.Schema, text: str, variables: Mapping[str, object] | None = None
) -> tuple[object, object]:
    """What compiled code answers, None where it leaves it, and what graphql-core does."""
    given = dict(variables or {})
    found = await compilation.answer(compiled(schema, text), ask(ALLOWED), given)
    expected = await graphql(
        schema._schema, text, variable_values=given, context_value=ask(ALLOWED).context
    )
    return None if found is None else orjson.loads(found)["data"], expected.data


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ strange }", "a field extension"),
        ("{ echo animals { name } strange }", "a field extension"),
        ("{ forbidden }", "a permission class"),
        ("{ __schema { queryType { name } } }", "introspection"),
        (
            FIVE_SWITCHES,
            "too many variables in directives",
        ),
    ],
)
def test_what_is_not_understood_is_refused(
    schema: strawberry.Schema, text: str, reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        compiled(schema, text)

    made = case(schema, text)
    assert refusal.value.reason == reason
    assert Compilation(schema, {}).compiled(made.document, made.operation) is None


async def test_a_guard_stands_in_front_of_its_field(schema: strawberry.Schema) -> None:
    operation = compiled(schema, "{ guarded }")

    assert await operation.plan({}).answer(ask(ALLOWED)) == b'{"data":{"guarded":"seen"}}'
    with pytest.raises(Forbidden):
        await operation.plan({}).answer(ask(Viewer(ActorKind.MEMBER, actor="member:2", subject=2)))
    assert operation.tier is Tier.RESOLVER


async def test_an_error_is_left_to_graphql_core_and_counted(schema: strawberry.Schema) -> None:
    operation = compiled(schema, "{ broken }")

    assert await compilation.answer(operation, ask(), {}) is None
    assert await compilation.answer(operation, ask(), {}) is None
    assert operation.fallbacks == {"null in Query.broken": 2}


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ echo }", {}),
        ("{ echo(at: null) }", {}),
        ("query ($at: Int) { echo(at: $at) }", {}),
        ("query ($at: Int) { echo(at: $at) }", {"at": None}),
        ("query ($at: Int = 3) { echo(at: $at) }", {}),
        ("query ($at: Int = 3) { echo(at: $at) }", {"at": None}),
        ('query ($word: String = "x") { echo(word: $word) }', {}),
        ("{ echo(value: {}) }", {}),
        ('{ echo(value: {least: 4, names: ["a"]}) }', {}),
        ("query ($v: Range) { echo(value: $v) }", {"v": {"most": 3}}),
        ("query ($v: Range) { echo(value: $v) }", {"v": None}),
        ("query ($n: [String!]) { echo(value: {names: $n}) }", {"n": ["a", "b"]}),
        ("query ($n: [String!]) { echo(value: {names: $n}) }", {}),
        ("query ($n: String!) { echo(value: {names: [$n]}) }", {"n": "a"}),
        ("{ animals { __typename name ... on Cat { lives } ... on Dog { barks(times: 1) } } }", {}),
        ("{ a: animals { name } animals { ... on Named { x: name } } kind: __typename }", {}),
        (
            "query ($s: Boolean!) { echo @skip(if: $s) animals @include(if: $s) { name } }",
            {"s": True},
        ),
        (
            "query ($s: Boolean!) { echo @skip(if: $s) animals @include(if: $s) { name } }",
            {"s": False},
        ),
        ("query ($s: Boolean = true) { echo @skip(if: $s) kind: __typename }", {}),
        ("{ animals { ...F } } fragment F on Dog { barks name } ", {}),
    ],
)
async def test_answers_are_those_of_graphql_core(
    schema: strawberry.Schema, text: str, variables: dict[str, object]
) -> None:
    found, expected = await answers(schema, text, variables)

    assert found == expected
    assert orjson.dumps(found) == orjson.dumps(expected)  # the order of keys counts


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query ($at: Int) { echo(at: $at) }", {"at": "7"}),
        ("query ($at: Int) { echo(at: $at) }", {"at": 2**31}),
        ("query ($at: Int) { echo(at: $at) }", {"at": True}),
        ("query ($at: Int!) { echo(at: $at) }", {}),
        ("query ($word: String!) { echo(word: $word) }", {"word": None}),
        ('query ($word: String = "x") { echo(word: $word) }', {"word": None}),
        ("query ($v: Range) { echo(value: $v) }", {"v": {"unknown": 1}}),
        ("query ($v: Range) { echo(value: $v) }", {"v": {"names": "one"}}),
    ],
)
async def test_values_that_are_not_plainly_right_are_left_to_graphql_core(
    schema: strawberry.Schema, text: str, variables: dict[str, object]
) -> None:
    found, _ = await answers(schema, text, variables)

    assert found is None


async def test_a_constant_answer_needs_nothing(schema: strawberry.Schema) -> None:
    operation = compiled(schema, "{ kind: __typename }")

    assert operation.plan({}).constant == b'{"data":{"kind":"Query"}}'
    assert operation.tier is Tier.REFERENCE_DATA


async def test_what_is_away_is_not_asked_again_by_graphql_core(schema: strawberry.Schema) -> None:
    operation = compiled(schema, "{ away }")

    with pytest.raises(Unavailable):
        await compilation.answer(operation, ask(), {})
    assert operation.fallbacks == {}


async def test_what_was_begun_ends_where_another_part_fails(schema: strawberry.Schema) -> None:
    for text in ("{ stuck failing }", "{ crowd { waiting } }"):
        ended.clear()
        operation = compiled(schema, text)

        assert await compilation.answer(operation, ask(), {}) is None
        assert ended == ["cancelled"], text


@pytest.mark.parametrize("has_more_to_begin", [False, True])
async def test_a_part_that_was_begun_is_let_go_where_the_next_refuses(
    has_more_to_begin: bool,
) -> None:
    row: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def written() -> object:
        return await row

    def start(_: Ask) -> Awaitable[object]:
        return Working(written(), row) if has_more_to_begin else Begun(row, lambda found: found)

    def refuse(_: Ask) -> object:
        raise Refused("later")

    begun = Part(Tier.READ_VIEW, start, is_async=True)
    plan = Plan((("a", begun), ("b", Part(Tier.RESOLVER, refuse, is_async=False))), None)
    with pytest.raises(Refused):
        await plan.answer(ask())

    assert row.cancelled()


def test_plans_are_made_when_they_are_first_asked_for(
    schema: strawberry.Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "query ($a: Boolean!, $b: Boolean!) { echo @skip(if: $a) strange @skip(if: $a)"
        " kind: __typename @include(if: $b) }"
    )
    made: list[object] = []
    selected = OperationTree.selected

    def count(tree: OperationTree, setting: Switches) -> tuple[Selected, ...]:
        made.append(setting)
        return selected(tree, setting)

    monkeypatch.setattr(OperationTree, "selected", count)
    operation = compiled(schema, text)
    assert made == [(("a", True), ("b", True))]

    for _ in range(2):
        assert operation.plan({"a": True, "b": False}).parts == ()
        with pytest.raises(Refused, match="a field extension"):
            operation.plan({"a": False, "b": True})
    assert made[1:] == [(("a", True), ("b", False)), (("a", False), ("b", True))]


def test_no_two_things_of_the_generated_code_have_one_name(schema: strawberry.Schema) -> None:
    """The functions that write a type, and the classes by which an object's type is told."""
    module = writing._Module(schema)
    names = [module._function("Cat", "source", ["return None"], is_async=False) for _ in range(8)]
    names += [module._constant("Cat", object()) for _ in range(8)]

    assert len(set(names)) == 16
