"""The outermost layers of a request, as plain ASGI: trace, headers, other sites, errors, drain, body limit.

`layers` gives them in the order in which they rely on each other. Each costs a few microseconds.
Their own refusals have the shape of a GraphQL answer's errors.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from backend.core import errors, ids
from backend.infra import access_log, telemetry, tracing
from backend.infra.access_log import AccessLog
from backend.infra.body_limit import MAX_BODY_BYTES, BodyLimitMiddleware
from backend.infra.cors import CrossOriginMiddleware
from backend.infra.http_refusals import closing, refuse
from backend.infra.security_headers import SecurityHeadersMiddleware
from backend.infra.tracing import Parent

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from backend.infra import health
    from backend.infra.body_limit import Uploads

# In an ASGI scope: the trace id that a layer further out has given the request.
TRACE_ID = "bashgah.trace_id"

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_INTERNAL = errors.sentences(
    fa="خطایی در سامانه رخ داد. اگر تکرار شد، شناسهٔ پیگیری را به پشتیبانی بدهید.",
    en="Something went wrong here. If it happens again, give the trace id to support.",
)

_log = telemetry.logger(__name__)


def layers(
    *,
    drain: health.Drain,
    production: bool,
    max_body_bytes: int = MAX_BODY_BYTES,
    uploads: Uploads | None = None,
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
        Middleware(CrossOriginMiddleware, origins=cors_origins, uploads=uploads),
        Middleware(ErrorMiddleware),
        Middleware(DrainMiddleware, drain=drain),
        Middleware(BodyLimitMiddleware, max_body_bytes=max_body_bytes, uploads=uploads),
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
            await refuse(scope, send, 500, "INTERNAL", _INTERNAL)


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
            await refuse(scope, send, 503, "UNAVAILABLE", errors.Unavailable.texts)
            return

        async def send_draining(message: Message) -> None:
            if message["type"] == "http.response.start" and drain.is_draining:
                message["headers"] = [*message.get("headers", ()), *closing(scope)]
            await send(message)

        with drain.counted():
            await self._app(scope, receive, send_draining)


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
