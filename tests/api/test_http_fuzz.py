"""Whatever bytes come, by POST or in a URL: a well-formed answer with codes, never a 500, nothing of Python's."""

from collections.abc import Mapping
from string import printable

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schema.negotiation import GRAPHQL_RESPONSE, JSON
from tests.support import api as support
from tests.support.api import Api

CODES = {"BAD_REQUEST", "BAD_USER_INPUT", "COST_LIMIT", "DOCUMENT_NOT_FOUND"}
OF_PYTHON = ("Traceback", "object at 0x", "<class", "NoneType", ".py", "codec can't", "KeyError")
FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

words = st.sampled_from(
    ["query", "mutation", "{", "}", "(", ")", "...", "on", "fragment", "F", "$v", ":", "Int", "!", "[", "]", "=",
     "stores", "first", "node", "id", "edges", "__typename", "@skip", "@include", "if", "true", "null", "1", "-1",
     "1e99", '"x"', '"\\u{110000}"', '"""b"""', "#c\n", "provinces", "storeCategories", "name", "&", "|", ","]
)  # fmt: skip
texts = st.lists(words, max_size=30).map(" ".join) | st.text(max_size=40) | st.text(printable)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
requests = st.fixed_dictionaries(
    {},
    optional={
        "query": texts | values,
        "variables": st.dictionaries(st.sampled_from(["v", "first", "at"]), values) | values,
        "operationName": texts | values,
        "extensions": values | st.fixed_dictionaries({"persistedQuery": values}),
        "documentId": texts | values,
    },
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.sampled_from([GRAPHQL_RESPONSE, JSON, "*/*", "text/html", "a;q=x", ",;,"]),
        "accept-language": st.sampled_from(["fa", "en", "x;q=y", ";;", "*"]),
        "content-type": st.sampled_from([JSON, f"{JSON};charset=x", "text/plain", ";", ""]),
        "content-encoding": st.sampled_from(["gzip", "identity", ""]),
        "authorization": st.sampled_from(["Bearer x", "Bearer", "Basic a", ""]),
        "x-client-name": st.sampled_from(["bashgah-console", "", "x"]),
        "origin": st.sampled_from(["null", "https://other.example"]),
        "traceparent": st.sampled_from(["00-x", ""]),
    },
)


def check(answer: httpx.Response) -> None:
    assert answer.status_code in {200, 400, 401, 403, 405, 406, 413, 415}, answer.text
    content = answer.json()
    assert set(content) <= {"data", "errors"}
    for error in content.get("errors", []):
        assert error["message"]
        assert error["extensions"]["code"] in CODES | {"UNAUTHENTICATED"}, answer.text
        for of_python in OF_PYTHON:
            assert of_python not in error["message"]
    if "data" not in content:
        assert content["errors"]


@pytest.mark.timeout(600)
@FUZZ
@given(body=st.binary(max_size=300))
@example(body=b'{"query":"{__typename}","variables":{"a":1e999}}')
@example(body=b"\x1f\x8b\x08\x00")
async def test_raw_bytes(bare: Api, body: bytes) -> None:
    check(await bare.post(body))
    check(await bare.client.get("/graphql", params={"query": body}))


@pytest.mark.timeout(600)
@FUZZ
@given(request=requests, sent=headers)
async def test_nearly_right_requests(
    bare: Api, request: Mapping[str, object], sent: Mapping[str, str]
) -> None:
    try:
        body = orjson.dumps(request, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer beyond 64 bits, or a lone surrogate
        body = repr(request).encode(errors="replace")

    check(await bare.client.post("/graphql", content=body, headers={"content-type": JSON, **sent}))


@pytest.mark.timeout(600)
@FUZZ
@given(
    query=st.text("querydocumntIvabls=&;+%0123fF{}[]:,.~", max_size=80),
    document=texts,
    variables=st.text('{}[]":,0aeE-', max_size=20),
)
async def test_any_query_string(bare: Api, query: str, document: str, variables: str) -> None:
    check(await bare.client.get(f"/graphql?{query}"))
    asked = {"query": document, "variables": variables}
    check(await bare.client.get("/graphql", params=asked))


@pytest.mark.timeout(600)
@FUZZ
@given(document=st.lists(words, max_size=40).map(" ".join))
async def test_documents_in_production(document: str) -> None:
    """Where only trusted documents are run, nothing is said about any other."""
    async with support.serving(support.production_settings()) as api:
        answer = await api.ask(document)

    assert [error["extensions"]["code"] for error in answer.json()["errors"]] in (
        ["DOCUMENT_NOT_FOUND"],
        ["BAD_REQUEST"],
    )
