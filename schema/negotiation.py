"""What the headers of a request say: the media type of the answer, of the body, and where it comes from."""

from functools import lru_cache

from starlette.datastructures import Headers

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

# A page of another site can send neither without asking first (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
PREFLIGHT_HEADERS = (
    "x-client-name",
    "apollographql-client-name",
    "apollo-require-preflight",
    "x-apollo-operation-name",
)
_SIMPLE_CONTENT = frozenset(
    {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
)
_UTF_8 = frozenset({"", "charset=utf-8", 'charset="utf-8"'})
# Of equal weight the first wins. Who takes anything gets what every client reads.
_OFFERS = {
    GRAPHQL_RESPONSE: (GRAPHQL_RESPONSE,),
    JSON: (JSON, "application/*", "*/*"),
}


@lru_cache(maxsize=64)  # clients send the same few over and over
def media_type(accept: str | None) -> str | None:
    """The answer's media type for an Accept header, the one of greatest weight; None where neither is taken."""
    if accept is None or not accept.strip():
        return JSON
    weights = dict(_weighted(part) for part in accept.split(","))
    best: tuple[float, str | None] = (0.0, None)
    for kind, ranges in _OFFERS.items():
        weight = next((weights[each] for each in ranges if each in weights), 0.0)
        if weight > best[0]:
            best = (weight, kind)
    return best[1]


def is_plain_json(headers: Headers) -> bool:
    """Whether the body is JSON in UTF-8, not compressed."""
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    is_plain = headers.get("content-encoding", "identity").strip().lower() in {"", "identity"}
    return is_plain and kind.strip() == JSON and parameters.strip() in _UTF_8


def is_foreign(headers: Headers) -> bool:
    """Whether a page of another site made a browser send this without asking us first.

    Browsers say so by Sec-Fetch-Site or Origin; what forces a preflight has been answered by the list of origins.
    """
    is_another_site = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    if not is_another_site and "origin" not in headers:
        return False
    content = headers.get("content-type", "").partition(";")[0].strip().lower()
    return content in _SIMPLE_CONTENT and not any(headers.get(each) for each in PREFLIGHT_HEADERS)


def _weighted(part: str) -> tuple[str, float]:
    kind, *parameters = (each.strip().lower() for each in part.split(";"))
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip() == "q":
            return kind, _number(value.strip())
    return kind, 1.0


def _number(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0  # also for NaN
