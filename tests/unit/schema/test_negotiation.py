"""Media types by their weights, plain JSON, and requests that a page of another site made."""

import pytest
from starlette.datastructures import Headers

from schema import negotiation
from schema.negotiation import GRAPHQL_RESPONSE, JSON


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (GRAPHQL_RESPONSE.upper(), GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE},{JSON};q=0.9", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL_RESPONSE}, */*;q=0.1", GRAPHQL_RESPONSE),
        (f"{JSON}, */*;q=0.1", JSON),
        (JSON, JSON),
        (f"text/html, {JSON};q=0.9", JSON),
        (f"{GRAPHQL_RESPONSE};q=0, {JSON}", JSON),
        (f"{JSON};q=0, */*;q=0.5", None),
        ("text/html", None),
        ("image/*", None),
        (f"{GRAPHQL_RESPONSE};q=0", None),
        (f"{GRAPHQL_RESPONSE};q=nan", None),
        (f"{GRAPHQL_RESPONSE};q=much", None),
        (f"{GRAPHQL_RESPONSE};q=7", None),
        ("application/xml", None),
    ],
)
def test_the_heaviest_media_type_that_is_ours_wins(
    accept: str | None, expected: str | None
) -> None:
    assert negotiation.media_type(accept) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {"content-type": "Application/JSON; Charset=UTF-8"},
        {"content-type": 'application/json;charset="utf-8"'},
        {"content-type": "application/json;"},
        {"content-type": "application/json", "content-encoding": "identity"},
    ],
)
def test_json_is_understood_however_it_is_named(headers: dict[str, str]) -> None:
    assert negotiation.is_plain_json(Headers(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/graphql"},
        {"content-type": "application/jsonx"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "br"},
        {"content-type": "application/json", "content-encoding": "identity, gzip"},
    ],
)
def test_nothing_else_is(headers: dict[str, str]) -> None:
    assert not negotiation.is_plain_json(Headers(headers))


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),  # no browser
        ({"sec-fetch-site": "none"}, False),  # typed by the user
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "https://other.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://other.example", "content-type": "text/plain"}, True),
        ({"origin": "https://other.example", "content-type": "application/json"}, False),
        ({"sec-fetch-site": "cross-site", "x-client-name": "console"}, False),
        ({"sec-fetch-site": "cross-site", "x-client-name": ""}, True),
        ({"sec-fetch-site": "cross-site", "apollo-require-preflight": "true"}, False),
        ({"sec-fetch-site": "cross-site", "accept": "application/json"}, True),
    ],
)
def test_a_page_of_another_site_must_have_asked_first(
    headers: dict[str, str], is_foreign: bool
) -> None:
    assert negotiation.is_foreign(Headers(headers)) is is_foreign
