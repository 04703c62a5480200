"""What a request asks: the parameters of GraphQL over HTTP, read from a body or a query string.

https://graphql.github.io/graphql-over-http/draft/ and its appendix on persisted documents. Whatever can't be read
is a BadRequest; values are never repeated in it.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson

from backend.core.errors import sentences
from schema.errors import BadRequest

Variables = dict[str, object]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_PARAMETERS = frozenset({"query", "documentId", "operationName", "variables", "extensions"})
_TWICE = sentences(
    fa="یک کلید در درخواست دو بار آمده است.", en="A key stands twice in the request."
)
_BATCH = sentences(
    fa="در هر درخواست یک عملیات بفرستید.", en="Send one operation a request; batches are not taken."
)
_WRONG_TYPE = sentences(
    fa="یکی از کلیدهای درخواست از نوع درست نیست.",
    en="A key of the request is not of the right type: query, documentId and operationName are texts, "
    "variables and extensions objects.",
)
_TWO_DOCUMENTS = sentences(
    fa="شناسهٔ سند و متن آن با هم نمی‌خوانند.", en="The document's id is not that of its text."
)
_BAD_ID = sentences(
    fa="شناسهٔ سند باید به شکل sha256:<hex> باشد.",
    en="A document's id is written sha256:<hex>, with 64 lower-case digits.",
)


class Malformed(BadRequest):
    """The request has no form that is understood."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation to run: `text`, or `document_id` (64 hexadecimal digits), or both.

    `by_apollo` says that the id came as Apollo's clients send it.
    """

    text: str | None
    document_id: str | None
    operation_name: str | None
    variables: Variables
    by_apollo: bool = False


def of_body(body: bytes) -> Asked:
    """What a JSON body asks. Raises Malformed."""
    parameters = _object(body)
    # Written anew it would be shorter, had a key stood twice; most clients write it just as we do.
    if orjson.dumps(parameters) != body and _pairs(parameters) != _STRING.sub(b"", body).count(
        b":"
    ):
        raise Malformed(reason=_TWICE)
    return _asked(parameters)


def of_query_string(query: bytes) -> Asked:
    """What a URL asks; an empty parameter counts as left out. Raises Malformed."""
    try:
        # One field too many for our own names, in whatever order: strangers' parameters are few.
        given = parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=20)
    except ValueError:
        raise Malformed from None
    ours = [(name, value) for name, value in given if name in _PARAMETERS]
    parameters: dict[str, object] = dict(ours)
    if len(parameters) < len(ours):
        raise Malformed(reason=_TWICE)
    for name in ("variables", "extensions"):
        if name in parameters:
            text = str(parameters[name]).encode()
            parameters[name] = _value(text)
    return _asked(parameters)


def _object(text: bytes) -> dict[str, object]:
    value = _value(text)
    if isinstance(value, list):
        raise Malformed(reason=_BATCH)
    if not isinstance(value, dict):
        raise Malformed
    return value


def _value(text: bytes) -> object:
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed from None
    return value


def _pairs(value: object) -> int:
    """How many keys a JSON value has in all; a text that has more names one twice."""
    count, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            count += len(each)
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return count


def _asked(parameters: dict[str, object]) -> Asked:
    text = _text(parameters, "query")
    extensions = _map(parameters, "extensions")
    document_id = _plain_id(_text(parameters, "documentId"))
    apollos_id = _apollos_id(extensions)
    if document_id and apollos_id and document_id != apollos_id:
        raise Malformed(reason=_TWO_DOCUMENTS)
    if text is None and document_id is None and apollos_id is None:
        raise Malformed
    return Asked(
        text=text,
        document_id=document_id or apollos_id,
        operation_name=_text(parameters, "operationName"),
        variables=_map(parameters, "variables"),
        by_apollo=apollos_id is not None,
    )


def _text(parameters: dict[str, object], name: str) -> str | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, str):
        raise Malformed(reason=_WRONG_TYPE, field=(name,))
    return value or None


def _map(parameters: dict[str, object], name: str) -> dict[str, object]:
    value = parameters.get(name)
    if value is not None and not isinstance(value, dict):
        raise Malformed(reason=_WRONG_TYPE, field=(name,))
    return value or {}


def _plain_id(document_id: str | None) -> str | None:
    if document_id is None:
        return None
    prefix, _, digits = document_id.partition(":")
    if prefix != "sha256" or _SHA256.fullmatch(digits) is None:
        raise Malformed(reason=_BAD_ID, field=("documentId",))
    return digits


def _apollos_id(extensions: dict[str, object]) -> str | None:
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    digits = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digits, str) or _SHA256.fullmatch(digits) is None:
        raise Malformed(reason=_BAD_ID, field=("extensions", "persistedQuery", "sha256Hash"))
    return digits


def mismatch() -> Malformed:
    """The refusal of a text together with the id of another."""
    return Malformed(reason=_TWO_DOCUMENTS)
