"""What a request asks, from a body or a URL; and that no body at all does worse than being malformed."""

import contextlib
import json
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schema.execution import asking
from schema.execution.asking import Asked, Malformed

ID = "a1" * 32
APOLLO = {"persistedQuery": {"version": 1, "sha256Hash": ID}}


def of(body: object) -> Asked:
    return asking.of_body(orjson.dumps(body))


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"query": "{ a }"}, Asked("{ a }", None, None, {})),
        (
            {"query": "{ a }", "operationName": "A", "variables": {"b": [1, None]}, "other": 1},
            Asked("{ a }", None, "A", {"b": [1, None]}),
        ),
        (
            {"query": "{ a }", "operationName": None, "variables": None, "extensions": None},
            Asked("{ a }", None, None, {}),
        ),
        ({"query": "{ a }", "operationName": ""}, Asked("{ a }", None, None, {})),
        ({"documentId": f"sha256:{ID}"}, Asked(None, ID, None, {})),
        ({"query": "", "documentId": f"sha256:{ID}"}, Asked(None, ID, None, {})),
        ({"extensions": APOLLO}, Asked(None, ID, None, {}, by_apollo=True)),
        (
            {"query": "{ a }", "extensions": APOLLO, "documentId": f"sha256:{ID}"},
            Asked("{ a }", ID, None, {}, by_apollo=True),
        ),
    ],
)
def test_a_request_is_read_from_its_body_or_its_url(body: dict[str, object], asked: Asked) -> None:
    assert of(body) == asked
    in_url = {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value is not None
    }
    assert asking.of_query_string(urlencode(in_url).encode()) == asked


BAD_IDS = ["x", f"sha256:{ID.upper()}", f"sha256:{ID}0", f"md5:{ID}", ID, "sha256:", ":"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": None},
        {"query": ""},
        {"query": 1},
        {"query": ["{ a }"]},
        {"query": {}},
        {"query": "{ a }", "operationName": 1},
        {"query": "{ a }", "variables": []},
        {"query": "{ a }", "variables": "x"},
        {"query": "{ a }", "variables": 0},
        {"query": "{ a }", "variables": False},
        {"query": "{ a }", "extensions": []},
        {"query": "{ a }", "extensions": {"persistedQuery": 1}},
        {"query": "{ a }", "extensions": {"persistedQuery": {}}},
        {"query": "{ a }", "extensions": {"persistedQuery": {"sha256Hash": 1}}},
        {"extensions": {"persistedQuery": {"sha256Hash": f"sha256:{ID}"}}},
        {"documentId": 1},
        *({"documentId": each} for each in BAD_IDS),
        {"documentId": "sha256:" + "b" * 64, "extensions": APOLLO},
        [],
        [{"query": "{ a }"}],
        None,
        "x",
        1,
    ],
)
def test_what_has_not_the_form_of_a_request_is_malformed(body: object) -> None:
    with pytest.raises(Malformed) as refused:
        of(body)

    assert refused.value.code == "BAD_REQUEST"


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ a }", "query": "{ b }"}',
        b'{"query": "{ a }", "variables": {"a": 1, "a": 2}}',
        b'{"query": "{ a }", "variables": {"a": [{"b": {"c": 1, "c": 1}}]}}',
        b'{"query": "{ a }", "qu\\u0065ry": "{ a }"}',
        b'{"query": "{ a:\\"b\\" }", "variables": {"\\\\": 1, "\\\\": 2}}',
    ],
)
def test_a_key_that_stands_twice_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        asking.of_body(body)


@pytest.mark.parametrize(
    "variables",
    [{"a": ":", "b": '":"', "c\\": "\\", ":": [":", {":": ":"}]}, {"a": {"a": {"a": 1}}}],
)
def test_colons_and_quotes_within_texts_are_no_keys(variables: dict[str, object]) -> None:
    assert of({"query": '{ a(b: "c:d") }', "variables": variables}).variables == variables


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"query": NaN}',
        b'{"query": "{ a }", "variables": {"a": NaN}}',
        b'{"query": "{ a }", "variables": {"a": Infinity}}',
        b'{"query": "{ a }"} trailing',
        b'{"query": "\xff\xfe"}',
        b'\xef\xbb\xbf{"query": "{ a }"}',
        b'{"query": "\\ud800"}',
        b"[" * 100_000,
        b'{"query": ' * 10_000,
        b'{"query": "{ a }", "variables": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
        b"{'query': '{ a }'}",
        '{"query": "{ a }"}'.encode("utf-16"),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        asking.of_body(body)


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"query=",
        b"query=%ff",
        b"query=\xff",
        b"query=%7Ba%7D&query=%7Bb%7D",
        b"query=%7Ba%7D&variables=x",
        b"query=%7Ba%7D&variables=[]",
        b"query=%7Ba%7D&variables=1",
        b"query=%7Ba%7D&extensions=x",
        b"query=%7Ba%7D&documentId=x",
        b"query=%7Ba%7D" + b"&a=1" * 1_000,
    ],
)
def test_a_url_that_asks_nothing_clear_is_malformed(query: bytes) -> None:
    with pytest.raises(Malformed):
        asking.of_query_string(query)


@given(body=st.binary(max_size=200))
@example(body=b'{"query":1e999}')
@example(body=b'"')
def test_any_bytes_are_a_request_or_malformed(body: bytes) -> None:
    for read in (asking.of_body, asking.of_query_string):
        with contextlib.suppress(Malformed):
            assert isinstance(read(body), Asked)


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
JSON = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(variables=st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_variables_arrive_as_they_were_sent(variables: dict[str, object]) -> None:
    try:
        body = orjson.dumps({"query": "{ a }", "variables": variables})
    except TypeError:  # a lone surrogate
        return

    assert asking.of_body(body).variables == variables
