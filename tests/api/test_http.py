"""GraphQL over HTTP as its draft says, and what a malformed request gets.

https://graphql.github.io/graphql-over-http/draft/
"""

from urllib.parse import urlencode

import httpx
import orjson
import pytest

from backend.settings import Settings
from schema import documents
from tests.support import api as support
from tests.support import places
from tests.support.api import Api, codes

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HERE = "{ __typename }"


def kind(response: httpx.Response) -> str:
    return response.headers["content-type"].partition(";")[0]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, GRAPHQL),
        ("", GRAPHQL),
        ("*/*", GRAPHQL),
        ("application/*", GRAPHQL),
        (GRAPHQL, GRAPHQL),
        (GRAPHQL.upper(), GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{JSON}, */*;q=0.1", GRAPHQL),
        (JSON, JSON),
        (f"text/html, {JSON};q=0.9", JSON),
        (f"{GRAPHQL};q=0, {JSON}", JSON),
    ],
)
async def test_the_answer_has_the_media_type_that_the_client_takes(
    bare: Api, accept: str | None, expected: str
) -> None:
    headers = {} if accept is None else {"accept": accept}
    if accept is None:
        bare.client.headers.pop("accept")

    answer = await bare.ask(HERE, None, **headers)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert {each.strip().lower() for each in answer.headers["vary"].split(",")} >= {
        "accept",
        "accept-language",
    }


@pytest.mark.parametrize("accept", ["text/html", "image/*", f"{GRAPHQL};q=0", "application/xml"])
async def test_a_client_that_takes_neither_is_told_so(bare: Api, accept: str) -> None:
    answer = await bare.ask(HERE, accept=accept)

    assert answer.status_code == 406
    assert codes(answer) == ["BAD_REQUEST"]


MALFORMED = [
    b"",
    b" ",
    b"null",
    b'"x"',
    b"1",
    b"true",
    b"[]",
    b"[1]",
    b'[{"query": "{ __typename }"}]',
    b"{}",
    b"{",
    b"{'query': '{ __typename }'}",
    b'{"query": null}',
    b'{"query": 1}',
    b'{"query": ["{ __typename }"]}',
    b'{"query": ""}',
    b'{"query": "{ __typename }", "variables": []}',
    b'{"query": "{ __typename }", "variables": "x"}',
    b'{"query": "{ __typename }", "variables": 1}',
    b'{"query": "{ __typename }", "operationName": 1}',
    b'{"query": "{ __typename }", "operationName": ["a"]}',
    b'{"query": "{ __typename }", "extensions": []}',
    b'{"query": "{ __typename }", "extensions": 1}',
    b'{"query": "\xff\xfe"}',
    b"\xff\xfe\x00",
    b'{"query": "\\ud800"}',
    b'{"query": "{ __typename }"} trailing',
    b"[" * 100_000,
    b'{"query": ' * 1_000,
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:40]))
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_malformed_body_is_a_bad_request(bare: Api, body: bytes, accept: str) -> None:
    answer = await bare.post(body, accept=accept)

    assert answer.status_code == 400
    assert kind(answer) == accept
    assert codes(answer) == ["BAD_REQUEST"]
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin-1",
        "application/jsonx",
        "",
    ],
)
async def test_another_media_type_than_json_is_not_supported(bare: Api, content_type: str) -> None:
    answer = await bare.post(orjson.dumps({"query": HERE}), content_type=content_type)

    assert answer.status_code == 415
    assert codes(answer) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
async def test_json_is_understood_however_it_is_named(bare: Api, content_type: str) -> None:
    answer = await bare.post(orjson.dumps({"query": HERE}), content_type=content_type)

    assert answer.status_code == 200


NOT_EXECUTED = [
    ("{ nothing }", None),  # no such field
    ("{ stores( }", None),  # no document
    ("query ($first: Int!) { stores(first: $first) { pageInfo { endCursor } } }", None),
    ("query ($first: Int!) { stores(first: $first) { pageInfo { endCursor } } }", {"first": "x"}),
    ("query ($first: Int!) { stores(first: $first) { pageInfo { endCursor } } }", {"first": 2**31}),
    ("query A { __typename } query B { __typename }", None),  # which one?
    ("fragment F on Query { __typename }", None),  # no operation
    ("subscription { __typename }", None),
    ("subscription { __typename }", None),
]


@pytest.mark.parametrize(("document", "variables"), NOT_EXECUTED)
async def test_what_could_not_be_executed_is_a_bad_request(
    bare: Api, document: str, variables: dict[str, object] | None
) -> None:
    answer = await bare.ask(document, variables, accept=GRAPHQL)

    assert answer.status_code == 400
    assert set(codes(answer)) == {"BAD_REQUEST"}
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    ("document", "variables"), [each for each in NOT_EXECUTED if "fragment" not in each[0]]
)
async def test_an_old_client_gets_the_errors_with_200(
    bare: Api, document: str, variables: dict[str, object] | None
) -> None:
    answer = await bare.ask(document, variables, accept=JSON)

    assert answer.status_code == 200
    assert set(codes(answer)) == {"BAD_REQUEST"}
    assert "data" not in answer.json()


async def test_an_operation_that_failed_was_executed(bare: Api) -> None:
    """`nearbyStores` may not be null, so the error takes all of `data`: null, and present."""
    answer = await bare.ask("{ nearbyStores { edges { cursor } } }", accept=GRAPHQL)

    assert answer.status_code == 200
    assert answer.json()["data"] is None
    assert codes(answer) == ["BAD_USER_INPUT"]


async def test_what_is_well_is_answered_beside_what_failed(bare: Api) -> None:
    answer = await bare.ask('{ a: store(id: "x") { id } b: __typename }')

    assert answer.status_code == 200
    assert answer.json()["data"] == {"a": None, "b": "Query"}
    assert [error["path"] for error in answer.json()["errors"]] == [["a"]]


async def test_the_operation_that_is_named_is_run(bare: Api) -> None:
    document = "query A { a: __typename } query B { b: __typename }"

    answer = await bare.post(orjson.dumps({"query": document, "operationName": "B"}))
    unknown = await bare.post(orjson.dumps({"query": document, "operationName": "C"}))

    assert answer.json() == {"data": {"b": "Query"}}
    assert unknown.status_code == 400
    assert codes(unknown) == ["BAD_REQUEST"]


async def test_members_of_null_count_as_left_out(bare: Api) -> None:
    body = {"query": HERE, "variables": None, "operationName": None, "extensions": None}

    answer = await bare.post(orjson.dumps(body))

    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_unknown_members_and_variables_are_left_alone(bare: Api) -> None:
    body = {"query": HERE, "variables": {"other": 1}, "id": "x"}

    answer = await bare.post(orjson.dumps(body))

    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_query_may_come_by_get(api: Api) -> None:
    question = {
        "query": "query S($first: Int!) { stores(first: $first) { edges { cursor } } }",
        "variables": '{"first": 1}',
        "operationName": "S",
    }

    answer = await api.client.get(f"/graphql?{urlencode(question)}")

    assert answer.status_code == 200
    assert answer.json() == {"data": {"stores": {"edges": []}}}


@pytest.mark.parametrize(
    "question",
    [
        "",
        "query=",
        "query=%7B",
        "query=%7B__typename%7D&variables=x",
        "query=%7B__typename%7D&variables=[]",
        "query=%7B__typename%7D&variables=1",
        "query=%7B__typename%7D&extensions=x",
        "query=mutation%20%7B__typename%7D",
    ],
)
async def test_a_malformed_question_by_get_is_a_bad_request(bare: Api, question: str) -> None:
    answer = await bare.client.get(f"/graphql?{question}")

    assert answer.status_code in {400, 405}
    assert set(codes(answer)) == {"BAD_REQUEST"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed(bare: Api, method: str) -> None:
    answer = await bare.client.request(method, "/graphql", json={"query": HERE})

    assert answer.status_code == 405
    assert {each.strip() for each in answer.headers["allow"].split(",")} == {"GET", "POST"}
    assert codes(answer) == ["BAD_REQUEST"]


async def test_persian_is_written_as_it_is(api: Api) -> None:
    await places.save(places.draft("s", name="فروشگاه رفاه‌گستر"))

    answer = await api.ask("{ stores { edges { node { name } } } }")

    assert "فروشگاه رفاه‌گستر".encode() in answer.content


async def test_no_answer_is_kept_by_a_cache(bare: Api) -> None:
    assert (await bare.ask(HERE)).headers["cache-control"] == "no-store"


async def test_a_document_has_a_greatest_depth(bare: Api) -> None:
    """Nothing of the schema nests so far yet, so a field that does not exist stands for what may come."""
    deep = "{ store " * (documents.MAX_DEPTH + 2) + "{ id }" + " }" * (documents.MAX_DEPTH + 2)

    answer = await bare.ask(deep)

    assert answer.status_code == 400
    assert set(codes(answer)) == {"BAD_REQUEST"}
    assert "maximum operation depth" in answer.text


async def test_a_document_has_a_greatest_number_of_aliases(bare: Api) -> None:
    def aliased(count: int) -> str:
        return "{ " + " ".join(f"a{n}: __typename" for n in range(count)) + " }"

    assert (await bare.ask(aliased(documents.MAX_ALIASES))).status_code == 200
    beyond = await bare.ask(aliased(documents.MAX_ALIASES + 1))
    assert beyond.status_code == 400
    assert codes(beyond) == ["BAD_REQUEST"]


async def test_a_document_has_a_greatest_number_of_tokens(bare: Api) -> None:
    answer = await bare.ask("{ " + "__typename " * documents.MAX_TOKENS + "}")

    assert answer.status_code == 400
    assert codes(answer) == ["BAD_REQUEST"]


async def test_directives_by_the_thousand_and_cycles_of_fragments_are_refused(bare: Api) -> None:
    many = await bare.ask("{ __typename " + "@a " * 1_500 + "}")
    cycle = await bare.ask("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")

    for answer in (many, cycle):
        assert answer.status_code == 400
        assert set(codes(answer)) == {"BAD_REQUEST"}


INTROSPECTION = "{ __schema { queryType { name } } }"


async def test_the_schema_may_be_asked_for_in_development(bare: Api) -> None:
    assert (await bare.ask(INTROSPECTION)).json()["data"] == {
        "__schema": {"queryType": {"name": "Query"}}
    }


async def test_production_does_not_show_its_schema(db: None, cache: None) -> None:
    async with support.serving(support.production_settings()) as api:
        asked = await api.ask(INTROSPECTION)
        by_name = await api.ask('{ __type(name: "Store") { fields { name } } }')
        guessed = await api.ask("{ storez { id } }")
        here = await api.ask(HERE)
        page = await api.client.get("/graphiql")

    for refused in (asked, by_name):
        assert refused.status_code == 400
        assert set(codes(refused)) == {"BAD_REQUEST"}
    assert "stores" not in guessed.text
    assert here.json() == {"data": {"__typename": "Query"}}
    assert page.status_code == 404


async def test_requests_of_several_operations_at_once_are_refused(bare: Api) -> None:
    """Batches would pass by every limit of one request."""
    batch = orjson.dumps([{"query": HERE}] * 2)

    assert (await bare.post(batch)).status_code == 400


def test_development_is_what_the_tests_run_with() -> None:
    assert Settings().allows_introspection
