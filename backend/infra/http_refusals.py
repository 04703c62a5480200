"""Refusals of HTTP itself and of what is no GraphQL: one shape, that of a GraphQL answer's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from backend.core import errors, locale
from backend.infra import telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import Scope, Send

    from backend.core.errors import DomainError

RETRY_AFTER_SECONDS = 5

_NOTHING_HERE = errors.sentences(
    fa="در این نشانی چیزی نیست.", en="There is nothing at this address."
)
_METHOD = errors.sentences(
    fa="این نشانی چنین روشی نمی‌پذیرد.", en="This address does not understand that method."
)
_NOT_SERVED = errors.sentences(fa="این درخواست پذیرفته نشد.", en="This request is not served.")
_STATUS_TEXTS = {404: _NOTHING_HERE, 405: _METHOD}


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """What no route answers (404, 405), in the form of every other refusal."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    texts = _STATUS_TEXTS.get(error.status_code, _NOT_SERVED)
    headers, body = refusal(request.scope, "BAD_REQUEST", texts)
    response = Response(body, error.status_code, error.headers)
    response.raw_headers.extend(header for header in headers if header[0] != b"content-length")
    return response


async def refuse(
    scope: Scope, send: Send, status: int, code: str, texts: Mapping[locale.Locale, str]
) -> None:
    """Answer with one error; the connection ends, because the rest of the body is not read."""
    headers, body = refusal(scope, code, texts)
    await _send(send, status, [*headers, *closing(scope)], body)


async def refuse_with(scope: Scope, send: Send, status: int, failure: DomainError) -> None:
    """Answer with an expected failure, and say what to do next; the connection ends."""
    headers, body = _refused_with(scope, failure)
    await _send(send, status, [*headers, *closing(scope)], body)


def refusal(
    scope: Scope, code: str, texts: Mapping[locale.Locale, str]
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of an answer with one error."""
    after = RETRY_AFTER_SECONDS if code == errors.Unavailable.code else None
    language = _language(scope)
    return _answer(language, texts[language], {"code": code}, retry_after_seconds=after)


def _refused_with(scope: Scope, failure: DomainError) -> tuple[list[tuple[bytes, bytes]], bytes]:
    language = _language(scope)
    extensions = {"code": failure.code, "hint": failure.hint(language)}
    after = None
    if isinstance(failure, errors.Unavailable | errors.RateLimited):
        after = failure.retry_after_seconds
    headers, body = _answer(
        language, failure.message(language), extensions, retry_after_seconds=after
    )
    if isinstance(failure, errors.Unauthenticated):
        headers.append((b"www-authenticate", b'Bearer error="invalid_token"'))
    return headers, body


def _answer(
    language: locale.Locale,
    message: str,
    extensions: Mapping[str, str],
    *,
    retry_after_seconds: int | None,
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-language", language.encode()),
        (b"vary", b"Accept-Language"),
    ]
    told: dict[str, str | int] = {**extensions, "traceId": telemetry.trace_id() or ""}
    if retry_after_seconds is not None:
        told["retryAfterSeconds"] = retry_after_seconds
        headers.append((b"retry-after", str(retry_after_seconds).encode()))
    body = orjson.dumps({"errors": [{"message": message, "extensions": told}]})
    headers.append((b"content-length", str(len(body)).encode()))
    return headers, body


def _language(scope: Scope) -> locale.Locale:
    wanted = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
    return locale.negotiate(wanted.decode("latin-1"))


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def closing(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that ends the connection, where the protocol has it (not in HTTP/2)."""
    return ((b"connection", b"close"),) if scope["http_version"].startswith("1") else ()
