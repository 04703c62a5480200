"""The endpoint over a small schema: limits at their edges while it runs, GET, documents by id, other sites."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest

from schema.execution import manifest
from schema.execution.executor import Executor
from schema.execution.policy import Audience, Limits
from schema.execution.trusted import DocumentStore, Trusted
from schema.http import GraphQLEndpoint
from schema.negotiation import GRAPHQL_RESPONSE, JSON
from tests.support.boxes import SCHEMA, opened, reader

HOME = "query Home($first: Int) { boxes(first: $first) { edges { node { name } } } }\n"
WRITE = "mutation Write { open }\n"
HOME_ID, WRITE_ID = manifest.id_of(HOME), manifest.id_of(WRITE)
UNKNOWN = "0" * 64
ONE_BOX = {"data": {"boxes": {"edges": [{"node": {"name": "box"}}]}}}


def client(
    limits: Limits | None = None,
    *,
    closed_to: frozenset[Audience] = frozenset(),
    reports_cost: bool = False,
) -> httpx.AsyncClient:
    """A client of the endpoint with two trusted documents."""
    reads = reader(limits)
    documents = {name: reads.read(text) for name, text in (("Home", HOME), ("Write", WRITE))}
    trusted = [
        Trusted(manifest.id_of(each.text), Audience.APP, each, each.operation(name))
        for name, each in documents.items()
    ]
    endpoint = GraphQLEndpoint(
        DocumentStore(reads, trusted, closed_to=closed_to),
        Executor(SCHEMA, limits or Limits(), reports_cost=reports_cost),
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=endpoint),
        base_url="http://club.test",
        headers={"accept": GRAPHQL_RESPONSE, "accept-language": "en"},
    )


async def post(
    body: Mapping[str, object], limits: Limits | None = None, **more: Any
) -> httpx.Response:
    headers = more.pop("headers", {})
    async with client(limits, **more) as http:
        content = orjson.dumps(body)
        return await http.post("/", content=content, headers={"content-type": JSON, **headers})


async def get(
    params: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> httpx.Response:
    async with client() as http:
        return await http.get("/", params=dict(params), headers=headers or {})


def code(answer: httpx.Response) -> str:
    """The code of the one error."""
    [error] = answer.json()["errors"]
    return str(error["extensions"]["code"])


# Limits while it runs


@pytest.mark.parametrize(("limit", "first"), [(1 + 2 * 7, 7), (1, 0)])
async def test_an_operation_may_cost_as_much_as_the_limit(limit: int, first: int) -> None:
    within = await post({"query": HOME, "variables": {"first": first}}, Limits(cost=limit))
    beyond = await post({"query": HOME, "variables": {"first": first + 1}}, Limits(cost=limit))

    assert within.status_code == 200
    assert "errors" not in within.json()
    assert (beyond.status_code, code(beyond)) == (400, "COST_LIMIT")
    assert "data" not in beyond.json()


async def test_a_page_without_a_size_costs_what_the_longest_one_does() -> None:
    assert code(await post({"query": HOME}, Limits(cost=200))) == "COST_LIMIT"
    assert (await post({"query": HOME}, Limits(cost=201))).status_code == 200


async def test_the_cost_of_a_trusted_document_is_limited_alike() -> None:
    body = {"documentId": f"sha256:{HOME_ID}", "variables": {"first": 50}}

    assert code(await post(body, Limits(cost=100))) == "COST_LIMIT"
    assert (await post(body, Limits(cost=101))).status_code == 200


async def test_in_development_the_cost_is_told() -> None:
    body = {"query": HOME, "variables": {"first": 1}}

    told = await post(body, Limits(cost=50), reports_cost=True)
    silent = await post(body, Limits(cost=50))

    assert told.json() == {**ONE_BOX, "extensions": {"cost": {"requested": 3, "limit": 50}}}
    assert silent.json() == ONE_BOX


async def test_lists_among_the_variables_have_a_limit() -> None:
    document = "query ($names: [String!]!) { anyOf(names: $names) }"
    limits = Limits(list_items=3)

    within = await post({"query": document, "variables": {"names": ["a"] * 3}}, limits)
    beyond = await post({"query": document, "variables": {"names": ["a"] * 4}}, limits)

    assert within.json() == {"data": {"anyOf": 3}}
    assert (beyond.status_code, code(beyond)) == (400, "BAD_REQUEST")


async def test_a_query_that_takes_too_long_is_unavailable() -> None:
    answer = await post({"query": "{ slow }"}, Limits(seconds=0.02))

    assert (answer.status_code, code(answer)) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errors"][0]["extensions"]["retryAfterSeconds"] == 1
    assert "data" not in answer.json()


async def test_a_mutation_is_never_cut() -> None:
    answer = await post({"query": "mutation { wait }"}, Limits(seconds=0.001))

    assert answer.json() == {"data": {"wait": True}}


async def test_an_answer_may_be_as_long_as_the_limit() -> None:
    frame = len(b'{"data":{"long":""}}')
    document = "query ($n: Int!) { long(length: $n) }"
    limits = Limits(answer_bytes=100)

    within = await post({"query": document, "variables": {"n": 100 - frame}}, limits)
    beyond = await post({"query": document, "variables": {"n": 101 - frame}}, limits)

    assert len(within.content) == 100
    assert (beyond.status_code, code(beyond)) == (400, "COST_LIMIT")
    assert beyond.json()["errors"][0]["message"] == "The answer is larger than 100 bytes."


async def test_what_a_mutation_did_is_told_in_full() -> None:
    answer = await post({"query": "mutation { write(length: 500) }"}, Limits(answer_bytes=100))

    assert answer.json() == {"data": {"write": "x" * 500}}


# Documents by their id

BY_ID: list[dict[str, object]] = [
    {"documentId": f"sha256:{HOME_ID}"},
    {"documentId": f"sha256:{HOME_ID}", "operationName": "Home"},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HOME_ID}}},
    {"documentId": f"sha256:{HOME_ID}", "query": HOME},
    {"extensions": {"persistedQuery": {"sha256Hash": HOME_ID}}, "query": HOME},
]


@pytest.mark.parametrize("body", BY_ID)
@pytest.mark.parametrize("closed_to", [frozenset(), frozenset(Audience)])
async def test_a_trusted_document_is_run_by_its_id(
    body: dict[str, object], closed_to: frozenset[Audience]
) -> None:
    answer = await post({**body, "variables": {"first": 1}}, closed_to=closed_to)

    assert answer.json() == ONE_BOX


@pytest.mark.parametrize("body", BY_ID)
async def test_also_by_get(body: dict[str, object]) -> None:
    params = {
        name: json.dumps(value) if isinstance(value, dict) else str(value)
        for name, value in body.items()
    }

    answer = await get({**params, "variables": '{"first": 1}'})

    assert answer.json() == ONE_BOX


async def test_an_unknown_id_is_not_found() -> None:
    answer = await post({"documentId": f"sha256:{UNKNOWN}"})

    assert (answer.status_code, code(answer)) == (400, "DOCUMENT_NOT_FOUND")
    assert answer.json()["errors"][0]["message"].startswith("This document is not one of")


@pytest.mark.parametrize("accept_language", ["fa", "en"])
async def test_apollo_s_clients_read_that_they_should_send_the_text(accept_language: str) -> None:
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}}

    answer = await post(body, headers={"accept-language": accept_language, "accept": JSON})

    assert (answer.status_code, code(answer)) == (200, "DOCUMENT_NOT_FOUND")
    assert answer.json()["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_an_id_with_another_s_text_is_refused() -> None:
    for body in (
        {"documentId": f"sha256:{HOME_ID}", "query": WRITE},
        {"query": "{ __typename }", "extensions": {"persistedQuery": {"sha256Hash": HOME_ID}}},
        {
            "documentId": f"sha256:{HOME_ID}",
            "extensions": {"persistedQuery": {"sha256Hash": WRITE_ID}},
        },
    ):
        answer = await post(body)
        assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


CLOSED = frozenset({Audience.APP, Audience.CAMPAIGNS})


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        (None, False),
        ("bashgah-android", False),
        ("bashgah-campaigns", False),
        ("graphiql", False),
        ("bashgah-console", True),
        ("bashgah-console-desktop", True),
    ],
)
@pytest.mark.parametrize("header", ["x-client-name", "apollographql-client-name"])
async def test_who_may_send_other_documents_is_known_by_name(
    name: str | None, runs: bool, header: str
) -> None:
    headers = {} if name is None else {header: name}

    answer = await post({"query": "{ __typename }"}, closed_to=CLOSED, headers=headers)

    if runs:
        assert answer.json() == {"data": {"__typename": "Query"}}
    else:
        assert (answer.status_code, code(answer)) == (400, "DOCUMENT_NOT_FOUND")


async def test_a_trusted_text_is_run_without_its_id() -> None:
    body = {"query": HOME, "variables": {"first": 1}}

    assert (await post(body, closed_to=frozenset(Audience))).json() == ONE_BOX


# GET


@pytest.mark.parametrize(
    "params", [{"query": "mutation { open }"}, {"documentId": f"sha256:{WRITE_ID}"}]
)
@pytest.mark.parametrize("accept", [GRAPHQL_RESPONSE, JSON])
async def test_a_mutation_by_get_is_refused_and_nothing_is_done(
    params: dict[str, str], accept: str
) -> None:
    opened.clear()

    refused = await get(params, {"accept": accept})

    assert (refused.status_code, code(refused)) == (405, "BAD_REQUEST")
    assert refused.headers["allow"] == "POST"
    assert refused.json()["errors"][0]["message"].startswith("GET is for queries only")
    assert opened == []


async def test_one_query_of_a_document_with_mutations_may_come_by_get() -> None:
    document = "query A { __typename } mutation B { open }"

    allowed = await get({"query": document, "operationName": "A"})
    refused = await get({"query": document, "operationName": "B"})

    assert allowed.json() == {"data": {"__typename": "Query"}}
    assert refused.status_code == 405


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query ($at: GeoPointInput) { around(at: $at) }", {"at": {"latitude": 1, "longitude": 2}}),
        ("query ($at: GeoPointInput) { around(at: $at) }", {}),
        ("query ($c: NationalCode) { owned(by: $c) }", {"c": "0012345679"}),
        ("query ($o: Owner) { owned(owner: $o) }", {"o": {"phone": "09121234567"}}),
        ("{ around(at: {latitude: 1, longitude: 2}) }", {}),
    ],
)
async def test_persons_and_places_do_not_come_by_get(
    document: str, variables: dict[str, object]
) -> None:
    refused = await get({"query": document, "variables": json.dumps(variables)})
    by_post = await post({"query": document, "variables": variables})

    assert (refused.status_code, code(refused)) == (405, "BAD_REQUEST")
    assert refused.headers["allow"] == "POST"
    assert by_post.status_code == 200


# Pages of other sites


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://other.example"}]
)
async def test_a_simple_get_of_another_site_is_refused(headers: dict[str, str]) -> None:
    refused = await get({"query": "{ __typename }"}, headers)
    named = await get({"query": "{ __typename }"}, {**headers, "x-client-name": "console"})

    assert (refused.status_code, code(refused)) == (403, "BAD_REQUEST")
    assert named.status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_simple_post_is_refused(content_type: str) -> None:
    opened.clear()

    refused = await post({"query": "mutation { open }"}, headers={"content-type": content_type})

    assert (refused.status_code, code(refused)) == (415, "BAD_REQUEST")
    assert opened == []


async def test_a_client_that_goes_away_is_not_answered() -> None:
    sent: list[object] = []
    endpoint = client()._transport.app  # type: ignore[attr-defined]  # the one made above

    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    await endpoint(scope, gone, send)

    assert sent == []
