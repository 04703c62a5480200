"""Documents: parsed and validated once, kept within bounds, refused beyond the limits, one operation meant."""

from functools import partial

import httpx
import orjson
import pytest
import strawberry
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from backend.core.locale import Locale
from schema import document_shape, documents, errors, root
from schema.document_shape import Shape
from schema.documents import Known, KnownDocuments
from schema.http import GraphQLView

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
DOCUMENT = parse("{ __typename }")


@strawberry.type
class Box:
    """A box with a box in it, as deep as one likes."""

    name: str = "box"

    @strawberry.field
    def inner(self) -> "Box":
        return Box()


@strawberry.type
class Query:
    """A box of the size that is asked for."""

    @strawberry.field
    def box(self, size: int = 1) -> Box:
        return Box(name=f"box {size}")


@strawberry.type
class Mutation:
    """Something that a GET may not do."""

    @strawberry.mutation
    def open(self) -> bool:
        opened.append(True)
        return True


opened: list[bool] = []


class Client:
    """A small schema with its own memory of documents."""

    def __init__(self, *, introspection: bool = True) -> None:
        self.known = Known(introspection=introspection)
        self.schema = root.Schema(
            query=Query, mutation=Mutation, extensions=[partial(KnownDocuments, self.known)]
        )

    async def ask(self, document: str, operation: str | None = None, **variables: object) -> object:
        """The data, or the messages of the errors."""
        result = await self.schema.execute(
            document, variable_values=variables, operation_name=operation
        )
        if result.errors:
            shown = [errors.formatted(error, Locale.EN) for error in result.errors]
            assert {"code": "BAD_REQUEST"} in [each["extensions"] for each in shown]
            return [each["message"] for each in shown]
        return result.data


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that was parsed."""
    texts: list[str] = []

    def counting(text: str, *, max_tokens: int) -> object:
        texts.append(text)
        return parse(text, max_tokens=max_tokens)

    monkeypatch.setattr(documents, "parse", counting)
    return texts


def nested(depth: int) -> str:
    return "{ box " + "{ inner " * (depth - 1) + "{ name }" + " }" * depth


def aliased(count: int) -> str:
    return "{ " + " ".join(f"a{n}: __typename" for n in range(count)) + " }"


def fragments(levels: int, leaf: str) -> str:
    """Fragments that spread the next one twice: 2 ** levels leaves, were each spread read out."""
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {chain} fragment F{levels} on Query {{ {leaf} }}"


# Known documents


async def test_a_document_is_parsed_at_its_first_appearance_only(
    client: Client, parsed: list[str]
) -> None:
    document = "query ($size: Int!) { box(size: $size) { name } }"

    answers = [await client.ask(document, size=size) for size in (1, 2, 3)]

    assert answers == [{"box": {"name": f"box {size}"}} for size in (1, 2, 3)]
    assert parsed == [document]


async def test_a_refusal_is_remembered_and_told_again(client: Client, parsed: list[str]) -> None:
    told = [await client.ask("{ bax { name } }") for _ in range(2)]

    assert told[0] == told[1] == ["Cannot query field 'bax' on type 'Query'. Did you mean 'box'?"]
    assert len(parsed) == 1


async def test_what_can_t_be_parsed_is_not_kept(client: Client) -> None:
    assert await client.ask("{ box {") == ["Syntax Error: Expected Name, found <EOF>."]
    assert client.known.kept == {}
    assert client.known.characters == 0


def test_the_least_recently_used_document_makes_room() -> None:
    known = Known(introspection=False)
    for number in range(documents.KEPT_DOCUMENTS):
        known.keep(f"{number}", DOCUMENT, [])
    known.find("0")

    known.keep("one more", DOCUMENT, [])

    assert len(known.kept) == documents.KEPT_DOCUMENTS
    assert known.find("1") is None
    assert known.find("0") is not None
    assert known.find("one more") is not None


def test_kept_documents_have_a_length_in_all() -> None:
    known = Known(introspection=False)
    long = [f"{n:0{documents.MAX_KEPT_CHARACTERS}}" for n in range(11)]
    assert documents.KEPT_CHARACTERS == 10 * documents.MAX_KEPT_CHARACTERS

    for text in long:
        known.keep(text, DOCUMENT, [])

    assert list(known.kept) == long[1:]
    assert known.characters == documents.KEPT_CHARACTERS


async def test_a_longer_document_is_served_and_forgotten(client: Client) -> None:
    short = "{ __typename }".ljust(documents.MAX_KEPT_CHARACTERS)

    assert await client.ask(short + " ") == {"__typename": "Query"}
    assert list(client.known.kept) == []
    assert await client.ask(short) == {"__typename": "Query"}
    assert list(client.known.kept) == [short]


@given(texts=st.lists(st.text(alphabet="ab", max_size=4), max_size=40))
def test_the_length_of_what_is_kept_is_always_known(texts: list[str]) -> None:
    known = Known(introspection=False)
    for text in texts:
        if known.find(text) is None:
            known.keep(text, DOCUMENT, [])

    assert known.characters == sum(len(text) for text in known.kept)
    assert set(known.kept) == set(texts)


# Limits


async def test_a_document_may_be_as_deep_as_the_limit_and_no_deeper(client: Client) -> None:
    assert isinstance(await client.ask(nested(documents.MAX_DEPTH)), dict)
    assert await client.ask(nested(documents.MAX_DEPTH + 1)) == [
        "The document exceeds the maximum operation depth of 12."
    ]


async def test_depth_counts_through_fragments(client: Client) -> None:
    def spread(depth: int) -> str:
        inside = nested(depth).removeprefix("{ box ").removesuffix(" }")
        return f"{{ box {{ ...A }} }} fragment A on Box {{ ... on Box {inside} }}"

    assert isinstance(await client.ask(spread(documents.MAX_DEPTH)), dict)
    assert await client.ask(spread(documents.MAX_DEPTH + 1)) == [
        "The document exceeds the maximum operation depth of 12."
    ]


async def test_a_document_may_have_as_many_aliases_as_the_limit(client: Client) -> None:
    assert isinstance(await client.ask(aliased(documents.MAX_ALIASES)), dict)
    assert await client.ask(aliased(documents.MAX_ALIASES + 1)) == [
        "The document has more than 15 aliases."
    ]


async def test_aliases_count_wherever_a_fragment_is_spread(client: Client) -> None:
    four_times = "{ ...A ...A ...A ...A } fragment A on Query { a: __typename b: __typename "

    assert isinstance(await client.ask(four_times + "c: __typename }"), dict)
    assert await client.ask(four_times + "c: __typename d: __typename }") == [
        "The document has more than 15 aliases."
    ]


@pytest.mark.parametrize("padding", ["__typename ", "# a comment takes room too\n"])
async def test_a_document_may_have_as_many_tokens_as_the_limit(
    client: Client, padding: str
) -> None:
    too_many = ["Syntax Error: Document contains more than 2000 tokens. Parsing aborted."]
    room = documents.MAX_TOKENS - 3  # of `{ __typename }`

    within = await client.ask("{ __typename " + padding * room + "}")
    beyond = await client.ask("{ __typename " + padding * (room + 1) + "}")

    assert within != too_many
    assert beyond == too_many


@pytest.mark.timeout(20)
async def test_fragments_that_double_at_every_level_are_measured_at_once(client: Client) -> None:
    """Read out, 150 levels would be 2 ** 150 fields."""
    assert await client.ask(fragments(150, "__typename")) == {"__typename": "Query"}
    assert await client.ask(fragments(150, "a: __typename")) == [
        "The document has more than 15 aliases."
    ]


async def test_an_unknown_fragment_is_a_mistake_of_the_document(client: Client) -> None:
    assert await client.ask("{ ...Missing }") == ["Unknown fragment 'Missing'."]


async def test_a_circle_of_fragments_is_a_mistake_of_the_document(client: Client) -> None:
    circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"

    assert await client.ask(circle) == ["Cannot spread fragment 'A' within itself via 'B'."]


@pytest.mark.parametrize("opening", ["{ box ", "{ box(size: ["])
async def test_a_text_that_only_opens_is_refused_before_the_stack_ends(
    client: Client, opening: str
) -> None:
    told = await client.ask(opening * 300)

    assert isinstance(told, list)
    assert [str(message).partition(":")[0] for message in told] == ["Syntax Error"]


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        ("{ a }", Shape(0, 0)),
        ("{ a { b } }", Shape(1, 0)),
        ("{ a { b { c } } d { e } }", Shape(2, 0)),
        ("{ x: a { y: b } z: c }", Shape(1, 3)),
        ("query A { a { b } } query B { x: a }", Shape(1, 1)),
        ("{ ... { a { b } } }", Shape(1, 0)),
        ("{ a { ...F } } fragment F on T { b { x: c } }", Shape(2, 1)),
        ("{ a { ...F } ...F } fragment F on T { x: b }", Shape(1, 2)),
        ("{ __schema { types { fields { type { x: name } } } } }", Shape(0, 1)),
        ("{ ...F } fragment F on T { a { ...F } }", Shape(1, 0)),
        ("{ ...None }", Shape(0, 0)),
        ("fragment F on T { a { x: b } }", Shape(0, 0)),  # no operation spreads it
    ],
)
def test_a_shape_is_the_deepest_nesting_and_all_aliases(document: str, shape: Shape) -> None:
    assert document_shape.measure(parse(document)) == shape


# Introspection


@pytest.mark.parametrize(
    "document", ["{ __schema { queryType { name } } }", '{ __type(name: "Box") { name } }']
)
async def test_the_schema_is_shown_only_where_that_is_allowed(document: str) -> None:
    assert isinstance(await Client().ask(document), dict)
    told = await Client(introspection=False).ask(document)

    assert isinstance(told, list)
    assert all("introspection" in message.lower() for message in told)


async def test_a_type_s_name_is_no_introspection() -> None:
    assert await Client(introspection=False).ask("{ box { __typename } }") == {
        "box": {"__typename": "Box"}
    }


# The operation that is meant

TWO = "query A { a: __typename } query B { b: __typename }"


@pytest.mark.parametrize(
    ("document", "operation", "answer"),
    [
        (TWO, "A", {"a": "Query"}),
        (TWO, "B", {"b": "Query"}),
        ("query A { __typename }", None, {"__typename": "Query"}),
        ("{ __typename }", None, {"__typename": "Query"}),
        (TWO, None, ["Must provide operation name if query contains multiple operations."]),
        (TWO, "C", ["There is no operation of this name in the document."]),
        (TWO, "", ["There is no operation of this name in the document."]),
        ("{ __typename }", "A", ["There is no operation of this name in the document."]),
        ("fragment F on Query { __typename }", None, ["Must provide an operation."]),
        ("type T { a: Int }", None, ["Must provide an operation."]),
    ],
)
async def test_one_operation_is_run_or_none(
    client: Client, document: str, operation: str | None, answer: object
) -> None:
    assert await client.ask(document, operation) == answer
    assert await client.ask(document, operation) == answer  # known by now


async def test_who_names_no_operation_is_asked_also_when_the_document_is_known(
    client: Client,
) -> None:
    await client.ask(TWO, "A")

    assert await client.ask(TWO) == [
        "Must provide operation name if query contains multiple operations."
    ]
    assert await client.ask(TWO, "B") == {"b": "Query"}


# Over HTTP


def http_client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=GraphQLView(Client().schema))
    return httpx.AsyncClient(transport=transport, base_url="http://club.test")


async def post(body: object, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http_client() as http:
        return await http.post(
            "/", content=orjson.dumps(body), headers={"content-type": JSON, **named}
        )


@pytest.mark.parametrize(
    "content_type", ["Application/JSON", "APPLICATION/JSON; Charset=UTF-8", "application/Json;"]
)
async def test_a_media_type_is_understood_in_any_case(content_type: str) -> None:
    answer = await post({"query": "{ __typename }"}, content_type=content_type)

    assert answer.status_code == 200
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "body",
    [
        {"query": "fragment F on Query { __typename }"},
        {"query": TWO},
        {"query": TWO, "operationName": "C"},
        {"query": "{ nothing }"},
        {"query": "{ ...Missing }"},
        {"query": nested(documents.MAX_DEPTH + 1)},
        {"query": "{"},
    ],
)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_an_old_client_gets_every_mistake_of_a_document_with_200(
    body: dict[str, str], accept: str, status: int
) -> None:
    answer = await post(body, accept=accept)

    assert answer.status_code == status
    assert set(answer.json()) == {"errors"}
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}


async def test_a_mutation_by_get_is_refused_and_nothing_is_done() -> None:
    opened.clear()
    async with http_client() as http:
        refused = await http.get("/", params={"query": "mutation { open }"})
    done = await post({"query": "mutation { open }"})

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert [error["message"] for error in refused.json()["errors"]] == [
        "با GET فقط می‌توان پرسید؛ تغییر را با POST بفرستید."
    ]
    assert done.json() == {"data": {"open": True}}
    assert opened == [True]
