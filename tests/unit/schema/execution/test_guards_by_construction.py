"""Whatever field gets a guard, no compiled form of an operation answers it without asking the viewer."""

from collections import Counter, deque
from dataclasses import dataclass

import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    OperationDefinitionNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    parse,
    validate,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from backend.core import clock
from backend.core.errors import Unauthenticated
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS
from schema import root
from schema.context import Context
from schema.execution import compilation, selection
from schema.execution.bindings import BINDINGS
from schema.execution.compiler import CompiledOperation
from schema.execution.plan import Ask, Refused
from schema.loaders import Loaders

NEEDED = "nobody.has.this"
SCHEMA = root.build()
CORE = SCHEMA._schema


@dataclass(frozen=True, slots=True)
class Way:
    """What stands before and after a selection, and the variables that it needs."""

    before: str = ""
    after: str = ""
    declared: tuple[str, ...] = ()

    def to(self, name: str, field: GraphQLField) -> "Way":
        """The way as far as a field, with what it must be given."""
        needed = {
            each: argument.type
            for each, argument in field.args.items()
            if is_required_argument(argument)
        }
        given = ", ".join(f"{each}: ${name}_{each}" for each in needed)
        return Way(
            f"{self.before}{name}{f'({given})' if given else ''}",
            self.after,
            (*self.declared, *(f"${name}_{each}: {kind}" for each, kind in needed.items())),
        )

    def into(self, kind: GraphQLObjectType) -> "Way":
        """The way into the objects of a type."""
        return Way(f"{self.before} {{ ... on {kind.name} {{ ", f" }} }}{self.after}", self.declared)

    def document(self, below: str) -> str:
        """The operation that ends here."""
        head = f"query ({', '.join(self.declared)})" if self.declared else "query"
        return f"{head} {{ {self.before}{below}{self.after} }}"


@dataclass(frozen=True, slots=True)
class Case:
    """A field, the root field under which it stands, how far below, and an operation that selects it."""

    root: str
    depth: int
    field: StrawberryField
    document: str


def cases() -> list[Case]:
    """Every field of every type, by each root field that leads to it."""
    query = CORE.query_type
    assert query is not None
    found: list[Case] = []
    for name, field in query.fields.items():
        ways = deque([(0, name, field, Way())])
        seen: set[str] = set()
        while ways:
            depth, each, definition, way = ways.popleft()
            here = way.to(each, definition)
            kind = get_named_type(definition.type)
            leaf = "" if is_leaf_type(kind) else " { __typename }"
            source = definition.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
            found.append(Case(name, depth, source, here.document(leaf)))
            for concrete in CORE.get_possible_types(kind) if is_abstract_type(kind) else (kind,):
                if isinstance(concrete, GraphQLObjectType) and concrete.name not in seen:
                    seen.add(concrete.name)
                    inside = here.into(concrete)
                    ways.extend((depth + 1, *child, inside) for child in concrete.fields.items())
    return found


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> list[StrawberryField]:
    """The fields that have one more guard than they are written with."""
    fields: list[StrawberryField] = []
    written = selection._guards
    monkeypatch.setattr(
        selection,
        "_guards",
        lambda field: (
            (*written(field), NEEDED) if any(field is each for each in fields) else written(field)
        ),
    )
    return fields


async def test_a_guard_on_any_field_is_asked(seeded: list[StrawberryField]) -> None:
    every = cases()
    unguarded = []
    for case in every:
        seeded[:] = [case.field]
        if not asks(case):
            unguarded.append(case.document)

    assert unguarded == []
    below = Counter(case.root for case in every if case.depth)
    assert all(below[name] > 10 for _, name in BINDINGS), below


def asks(case: Case) -> bool:
    """Whether it is refused, or asked for by its code, or, of a root field, before anything is begun."""
    document = parse(case.document)
    assert validate(CORE, document) == [], case.document
    [operation] = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    try:
        compiled = CompiledOperation(SCHEMA, document, operation, BINDINGS)
    except Refused:
        return True
    if any(f"ask.viewer.require({NEEDED!r})" in note.detail for note in compiled.notes):
        return True
    return case.depth == 0 and is_refused_at_once(compiled)


def is_refused_at_once(compiled: CompiledOperation) -> bool:
    [(_, part)] = compiled.plan({}).parts
    try:
        part.start(nobody())
    except Unauthenticated:
        return True
    return False


def nobody() -> Ask:
    now = clock.now()
    context = Context(
        viewer=ANONYMOUS, locale=Locale.EN, now=now, loaders=Loaders(viewer=ANONYMOUS, now=now)
    )
    return compilation.ask_of(context)
