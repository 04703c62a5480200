"""A small schema: boxes in boxes, one mutation, and the documents that tests make of it."""

import asyncio
from dataclasses import dataclass, field

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from schema import root
from schema.execution.documents import Document, Reader
from schema.execution.policy import Limits
from schema.scalars import SCALARS, NationalCode, PhoneNumber


@strawberry.input
class GeoPointInput:
    """Where somebody is."""

    latitude: float
    longitude: float


@strawberry.input
class Owner:
    """Whose box it is."""

    phone: PhoneNumber | None = None
    friends: list["Owner"] | None = None


@strawberry.type
class BoxEdge:
    """A box in a page."""

    node: "Box"


@strawberry.type
class BoxPage:
    """A page of boxes."""

    edges: list[BoxEdge]


@strawberry.type
class Box:
    """A box with a box in it, as deep as one likes."""

    name: str = "box"

    @strawberry.field
    def inner(self) -> "Box":
        return Box()

    @strawberry.field
    def shelf(self) -> list["Box"]:
        return [Box(), Box()]

    @strawberry.field
    def boxes(self, first: int = 20) -> BoxPage:
        return BoxPage(edges=[BoxEdge(node=Box()) for _ in range(first)])


@strawberry.type
class Query:
    """A box of the size that is asked for."""

    @strawberry.field
    def box(self, size: int = 1) -> Box:
        return Box(name=f"box {size}")

    @strawberry.field
    def boxes(self, first: int | None = None) -> BoxPage:
        return BoxPage(edges=[BoxEdge(node=Box()) for _ in range(first or 2)])

    @strawberry.field
    def any_of(self, names: list[str]) -> int:
        return len(names)

    @strawberry.field
    def around(self, at: GeoPointInput | None = None) -> bool:
        return at is not None

    @strawberry.field
    def owned(self, by: NationalCode | None = None, owner: Owner | None = None) -> bool:
        return by is not None or owner is not None

    @strawberry.field
    async def slow(self) -> bool:
        await asyncio.Event().wait()
        return True

    @strawberry.field
    def long(self, length: int) -> str:
        return "x" * length


@strawberry.type
class Mutation:
    """Something that a GET may not do."""

    @strawberry.mutation
    def open(self) -> bool:
        opened.append(True)
        return True

    @strawberry.mutation
    def write(self, length: int) -> str:
        return "x" * length

    @strawberry.mutation
    async def wait(self) -> bool:
        await asyncio.sleep(0.05)
        return True


opened: list[bool] = []
SCHEMA: GraphQLSchema = root.Schema(
    query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS)
)._schema
TWO = "query A { a: __typename } query B { b: __typename }"


@dataclass(frozen=True, slots=True)
class CountingReader(Reader):
    """Remembers every text that it read."""

    texts: list[str] = field(default_factory=list)

    def read(self, text: str) -> Document:
        self.texts.append(text)
        return Reader.read(self, text)


def reader(limits: Limits | None = None, *, introspection: bool = True) -> CountingReader:
    """What reads documents of this schema."""
    return CountingReader(SCHEMA, limits or Limits(), introspection=introspection)


def nested(depth: int) -> str:
    """A document with a field inside so many others."""
    return "{ box " + "{ inner " * (depth - 1) + "{ name }" + " }" * depth


def aliased(count: int) -> str:
    """A document with so many aliases."""
    return "{ " + " ".join(f"a{n}: __typename" for n in range(count)) + " }"


def doubling_fragments(levels: int, leaf: str) -> str:
    """Fragments that spread the next one twice: 2 ** levels leaves, were each spread read out."""
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {chain} fragment F{levels} on Query {{ {leaf} }}"
