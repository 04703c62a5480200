"""The outermost layers of a request, as plain ASGI: trace, headers, other sites, errors, drain, body limit.

`layers` gives them in the order in which they rely on each other. Each costs a few microseconds.
Their own refusals have the shape of a GraphQL answer's errors.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import orjson
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from backend.core import errors, ids, locale
from backend.infra import access_log, telemetry, tracing
from backend.infra.access_log import AccessLog
from backend.infra.security_headers import SecurityHeadersMiddleware
from backend.infra.tracing import Parent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from backend.infra import health

# In an ASGI scope: the trace id that a layer further out has given the request.
TRACE_ID = "bashgah.trace_id"
MAX_BODY_BYTES = 1_048_576
RETRY_AFTER_SECONDS = 5

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_CONTENT_LENGTH = re.compile(rb"[0-9]{1,18}")
_ALLOWED_HEADERS = (
    b"accept-language, authorization, content-type, traceparent, apollo-require-preflight, "
    b"x-client-name, x-client-version, apollographql-client-name, apollographql-client-version"
)
_EXPOSED = (b"access-control-expose-headers", b"x-request-id, retry-after")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"access-control-max-age", b"7200"),
)
_BAD_LENGTH = errors.sentences(
    fa="سرآیند Content-Length درست نیست.", en="The Content-Length header is not valid."
)
_TOO_LARGE = errors.sentences(
    fa="بدنهٔ درخواست بزرگ‌تر از اندازهٔ مجاز است.", en="The request body is too large."
)
_INTERNAL = errors.sentences(
    fa="خطایی در سامانه رخ داد. اگر تکرار شد، شناسهٔ پیگیری را به پشتیبانی بدهید.",
    en="Something went wrong here. If it happens again, give the trace id to support.",
)
_NOTHING_HERE = errors.sentences(
    fa="در این نشانی چیزی نیست.", en="There is nothing at this address."
)
_METHOD = errors.sentences(
    fa="این نشانی چنین روشی نمی‌پذیرد.", en="This address does not understand that method."
)
_NOT_SERVED = errors.sentences(fa="این درخواست پذیرفته نشد.", en="This request is not served.")
_STATUS_TEXTS = {404: _NOTHING_HERE, 405: _METHOD}

_log = telemetry.logger(__name__)


def layers(
    *,
    drain: health.Drain,
    production: bool,
    max_body_bytes: int = MAX_BODY_BYTES,
    cors_origins: frozenset[str] = frozenset(),
    requests: AccessLog | None = None,
) -> list[Middleware]:
    """Return all layers, the outermost first, for `Starlette(middleware=...)`.

    Not to be put round a whole Starlette application: that answers an exception with its own plain
    500 before the exception comes out. `production` means that the outside is always https. Without
    `requests` each leaves a line in the log.
    """
    return [
        Middleware(TraceMiddleware, access_log=requests or AccessLog()),
        Middleware(SecurityHeadersMiddleware, production=production),
        Middleware(CrossOriginMiddleware, origins=cors_origins),
        Middleware(ErrorMiddleware),
        Middleware(DrainMiddleware, drain=drain),
        Middleware(BodyLimitMiddleware, max_body_bytes=max_body_bytes),
    ]


class TraceMiddleware:
    """Binds a trace id, the caller's by W3C `traceparent` or a new one, and tells `access_log` of each request.

    The answer carries it in `x-request-id`, and its span in `traceresponse` where spans are made. A request without an
    answer counts as 499 when the client's going away cancelled it, else as 500.
    """

    def __init__(self, app: ASGIApp, *, access_log: AccessLog) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        parent = parent_of(scope)
        trace_id = scope.get(TRACE_ID) or (
            ids.new_trace_id() if parent is None else parent.trace_id
        )
        status = 499

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *trace_headers(trace_id)]
                tracing.note({"http.response.status_code": status})
            await send(message)

        with telemetry.bind_trace(trace_id), tracing.request(scope["method"], parent):
            try:
                await self._app(scope, receive, send_traced)
            except Exception:
                status = 500
                raise
            finally:
                self._access_log.finished(
                    scope["method"],
                    scope["path"],
                    status,
                    time.perf_counter() - started,
                    scope.get(access_log.REFUSED_WITH),
                )


class CrossOriginMiddleware:
    """Lets pages of the listed sites ask (CORS), and answers the browser's question whether they may.

    No site gets credentials: tokens travel in a header that the page sets itself.
    """

    def __init__(self, app: ASGIApp, *, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"])
        origin = sent.get(b"origin")
        allowed = [(b"vary", b"origin")]
        if origin in self._origins:
            allowed += [(b"access-control-allow-origin", origin), _EXPOSED]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in sent:
            headers = [*allowed, *(_PREFLIGHT if origin in self._origins else ())]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed]
            await send(message)

        await self._app(scope, receive, send_allowed)


class ErrorMiddleware:
    """Answers 500 for an exception that nobody expected; logs it once, and shows nothing of it.

    When the answer had begun already, the exception goes on, so that the server cuts the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except Exception as error:
            _log.exception("http.failed", error=type(error).__name__)
            if has_begun:
                raise
            await _refuse(scope, send, 500, "INTERNAL", _INTERNAL)


class DrainMiddleware:
    """Counts requests in flight for `health.Drain`; while draining, asks clients to reconnect.

    After `Drain.refuse`, new requests get 503; health checks pass.
    """

    def __init__(self, app: ASGIApp, *, drain: health.Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        drain = self._drain
        if drain.is_refusing and scope["path"] not in {"/healthz", "/readyz"}:
            await _refuse(scope, send, 503, "UNAVAILABLE", errors.Unavailable.texts)
            return

        async def send_draining(message: Message) -> None:
            if message["type"] == "http.response.start" and drain.is_draining:
                message["headers"] = [*message.get("headers", ()), *_closing(scope)]
            await send(message)

        with drain.counted():
            await self._app(scope, receive, send_draining)


class BodyLimitMiddleware:
    """Refuses bodies above the limit: 413 at once by Content-Length, else while they stream.

    A Content-Length that is no plain number, or comes twice, gets 400. When a body grows too large
    under way, the application sees the client go away, and what it answers then is dropped.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if lengths:
            if len(lengths) > 1 or not _CONTENT_LENGTH.fullmatch(lengths[0]):
                await _refuse(scope, send, 400, "BAD_REQUEST", _BAD_LENGTH)
                return
            if int(lengths[0]) > self._max_body_bytes:
                await _refuse(scope, send, 413, "BAD_REQUEST", _TOO_LARGE)
                return
        await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self._max_body_bytes
        has_begun = False

        async def receive_counted() -> Message:
            nonlocal left
            if left < 0:
                return {"type": "http.disconnect"}
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    return {"type": "http.disconnect"}
            return message

        async def send_unless_refused(message: Message) -> None:
            nonlocal has_begun
            if left >= 0 or has_begun:
                has_begun = True
                await send(message)

        try:
            await self._app(scope, receive_counted, send_unless_refused)
        except Exception:
            if left >= 0 or has_begun:
                raise
        if left < 0 and not has_begun:
            await _refuse(scope, send, 413, "BAD_REQUEST", _TOO_LARGE)


def parent_of(scope: Scope) -> Parent | None:
    """The caller's span, where the request names one that is well-formed."""
    values = [value for name, value in scope["headers"] if name == b"traceparent"]
    match = _TRACEPARENT.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    is_known = version != b"ff" and (version != b"00" or more is None)
    if not (is_known and trace_id.strip(b"0") and span_id.strip(b"0")):
        return None
    return Parent(str(trace_id, "ascii"), str(span_id, "ascii"), bool(int(flags, 16) & 1))


def trace_headers(trace_id: str) -> tuple[tuple[bytes, bytes], ...]:
    """How an answer names its trace: for the support, and for W3C where spans are made."""
    found = tracing.tracer()
    response = None if found is None else found.traceresponse()
    named = (b"x-request-id", trace_id.encode())
    return (named,) if response is None else (named, (b"traceresponse", response.encode()))


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """What no route answers (404, 405), in the form of every other refusal."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    texts = _STATUS_TEXTS.get(error.status_code, _NOT_SERVED)
    headers, body = _refusal(request.scope, "BAD_REQUEST", texts)
    response = Response(body, error.status_code, error.headers)
    response.raw_headers.extend(header for header in headers if header[0] != b"content-length")
    return response


async def _refuse(
    scope: Scope, send: Send, status: int, code: str, texts: Mapping[locale.Locale, str]
) -> None:
    """Answer with one error; the connection ends, because the rest of the body is not read."""
    headers, body = _refusal(scope, code, texts)
    start = {"status": status, "headers": [*headers, *_closing(scope)]}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": body})


def _refusal(
    scope: Scope, code: str, texts: Mapping[locale.Locale, str]
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of an answer with one error."""
    wanted = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
    chosen = locale.negotiate(wanted.decode("latin-1"))
    extensions: dict[str, str | int] = {"code": code, "traceId": telemetry.trace_id() or ""}
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-language", chosen.encode()),
        (b"vary", b"Accept-Language"),
    ]
    if code == "UNAVAILABLE":
        extensions["retryAfterSeconds"] = RETRY_AFTER_SECONDS
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    body = orjson.dumps({"errors": [{"message": texts[chosen], "extensions": extensions}]})
    headers.append((b"content-length", str(len(body)).encode()))
    return headers, body


def _closing(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that ends the connection, where the protocol has it (not in HTTP/2)."""
    return ((b"connection", b"close"),) if scope["http_version"].startswith("1") else ()
