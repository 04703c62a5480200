"""GraphQL over HTTP as its draft says, and what a malformed request gets.

https://graphql.github.io/graphql-over-http/draft/
"""

import gzip
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from backend.settings import Settings
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
        (None, JSON),
        ("*/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
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
    b'{"query": "{ __typename }", "query": "{ __typename }"}',
    b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    b'{"query": "{ __typename }", "variables": {"a": 1, "a": 1}}',
    b'{"documentId": "Home"}',
    b'{"documentId": 1}',
    b'{"extensions": {"persistedQuery": 1}}',
    gzip.compress(b'{"query": "{ __typename }"}', mtime=0),
    gzip.compress(b'{"query": "{ __typename }"}', mtime=0)[:20],
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


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "x"])
async def test_a_compressed_body_is_not_supported(bare: Api, encoding: str) -> None:
    whole = gzip.compress(orjson.dumps({"query": HERE}), mtime=0)

    for body in (whole, whole[:20]):
        answer = await bare.post(body, content_encoding=encoding)
        assert answer.status_code == 415
        assert codes(answer) == ["BAD_REQUEST"]


async def test_a_body_of_ten_megabytes_is_too_large(bare: Api) -> None:
    body = orjson.dumps({"query": HERE, "variables": {"a": "x" * 10_000_000}})

    answer = await bare.post(body)

    assert answer.status_code == 413
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
    (
        "query ($at: GeoPointInput) { nearbyStores(at: $at) { edges { cursor } } }",
        {"at": {"latitude": None}},
    ),
    (
        "query ($f: StoreFilter) { stores(filter: $f) { edges { cursor } } }",
        {"f": {"kind": "STOR"}},
    ),
    (
        "query ($f: StoreFilter) { stores(filter: $f) { edges { cursor } } }",
        {"f": {"a": {"b": True}}},
    ),
    ("{ stores(first: $first) { edges { cursor } } }", None),  # a variable that nobody declares
]


@pytest.mark.parametrize(("document", "variables"), NOT_EXECUTED)
async def test_what_could_not_be_executed_is_a_bad_request(
    bare: Api, document: str, variables: dict[str, object] | None
) -> None:
    answer = await bare.ask(document, variables, accept=GRAPHQL)

    assert answer.status_code == 400
    assert set(codes(answer)) == {"BAD_REQUEST"}
    assert "data" not in answer.json()
    for of_python in ("None", "True", "Traceback", "Error:", "object at", "<class"):
        assert of_python not in answer.text.replace("Syntax Error:", "")


async def test_a_refused_variable_is_named_and_not_repeated(bare: Api) -> None:
    document = "query ($at: GeoPointInput) { nearbyStores(at: $at) { edges { cursor } } }"
    variables = {"at": {"latitude": "secret", "longitude": 1}}

    answer = await bare.ask(document, variables, accept_language="en")

    [error] = answer.json()["errors"]
    assert error["message"] == "The value of the variable $at is not of the type GeoPointInput."
    assert error["extensions"]["field"] == ["at", "latitude"]
    assert "secret" not in answer.text


@pytest.mark.parametrize(("document", "variables"), NOT_EXECUTED)
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
        "query=%ff",
        "query=%7B",
        "query=%7B__typename%7D&query=%7B__typename%7D",
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


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
async def test_other_addresses_refuse_in_the_same_form(bare: Api, method: str) -> None:
    nowhere = await bare.client.request(method, "/nowhere")
    health = await bare.client.request("DELETE", "/healthz")

    assert (nowhere.status_code, health.status_code) == (404, 405)
    assert set(health.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}
    for answer in (nowhere, health) if method != "HEAD" else (health,):
        assert kind(answer) == JSON
        assert codes(answer) == ["BAD_REQUEST"]
        extensions = answer.json()["errors"][0]["extensions"]
        assert extensions["traceId"] == answer.headers["x-request-id"]


async def test_persian_is_written_as_it_is(api: Api) -> None:
    await places.save(places.draft("s", name="فروشگاه رفاه‌گستر"))

    answer = await api.ask("{ stores { edges { node { name } } } }")

    assert "فروشگاه رفاه‌گستر".encode() in answer.content


async def test_no_answer_is_kept_by_a_cache(bare: Api) -> None:
    assert (await bare.ask(HERE)).headers["cache-control"] == "no-store"


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
    open_to_the_app = support.production_settings(documents={"app": "any"})
    async with support.serving(open_to_the_app) as api:
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
