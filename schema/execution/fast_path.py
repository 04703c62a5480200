"""The short way of a compiled query: one ASGI callable in front of the application, which nothing else passes.

It takes a POST to /graphql with a plain JSON body that names a document whose operation is compiled, does what the
outer layers and the endpoint would do, and answers. Whatever else comes, and whatever does not go well, goes to the
application behind it, with the body once more: all refusals and errors are worded there.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.access import service as access
from backend.core import clock, locale
from backend.core.errors import DomainError, RateLimited, Unavailable
from backend.core.viewer import ANONYMOUS, Viewer
from backend.infra import edge, gate, health, metrics, telemetry, tracing
from schema import negotiation
from schema.context import client_address, of_viewer
from schema.execution import asking, compilation
from schema.execution.asking import Asked
from schema.execution.documents import Operation, Refused
from schema.execution.executor import Tried
from schema.execution.plan import Ask
from schema.http import TRIED, GraphQLEndpoint, audience_named

PATH: Final = "/graphql"
MAX_BODY_BYTES: Final = 65_536

_JSON_BODIES: Final = frozenset({b"application/json", b"application/json; charset=utf-8"})
# Whoever sends one of these is served behind: compressed bodies, other sites' pages.
_UNUSUAL: Final = frozenset({b"content-encoding", b"transfer-encoding", b"origin", b"expect"})
_NAMES: Final = (b"x-client-name", b"apollographql-client-name")
_VERSIONS: Final = (b"x-client-version", b"apollographql-client-version")
_log = telemetry.logger(__name__)
_ids: Final = random.Random()  # noqa: S311 - seeded by the system; these only name a request


@dataclass(frozen=True, slots=True)
class Heads:
    """What the headers of a usual request say."""

    kind: str
    length: int
    language: str | None
    token: str | None
    client: tuple[str | None, str | None]
    is_traced: bool


class FastPath:
    """Answers compiled queries; the application behind it answers everything else."""

    def __init__(
        self,
        app: ASGIApp,
        endpoint: GraphQLEndpoint,
        *,
        drain: health.Drain,
        is_production: bool,
        max_body_bytes: int = MAX_BODY_BYTES,
        serves_other_sites: bool = False,
    ) -> None:
        """`endpoint` is the one behind `app`: documents, limits and counters are the same here and there."""
        self._app = app
        self._documents = endpoint.documents
        self._executor = endpoint.executor
        self._gate = endpoint.gate
        self._trusted_proxies = endpoint.trusted_proxies
        self._support_phone = endpoint.support_phone
        self._drain = drain
        self._max_body_bytes = min(max_body_bytes, MAX_BODY_BYTES)
        self._headers = {
            (kind, scheme): (
                (b"content-type", f"{kind}; charset=utf-8".encode()),
                (b"vary", b"accept, accept-language"),
                *edge.security_headers(secure=is_production or scheme == "https"),
                *([(b"vary", b"origin")] if serves_other_sites else ()),
            )
            for kind in (negotiation.GRAPHQL_RESPONSE, negotiation.JSON)
            for scheme in ("http", "https")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        is_post = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST"
        is_usual = is_post and not self._drain.is_draining and tracing.tracer() is None
        heads = usual(scope["headers"], self._max_body_bytes) if is_usual else None
        if heads is None:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        message = await receive()
        trace_id = _trace_id(scope, heads)
        status = 499
        try:
            with self._drain.counted(), telemetry.bind_trace(trace_id):
                body = await self._whole(scope, message, heads, started)
            if body is not None:
                status = 200
                await self._send(send, scope, heads, body, trace_id)
        except BaseException:
            self._gate.access_log.finished("POST", PATH, status, time.perf_counter() - started)
            raise
        if body is None:
            scope[edge.TRACE_ID] = trace_id
            await self._app(scope, replayed(message, receive), send)
        else:
            self._gate.access_log.finished("POST", PATH, 200, time.perf_counter() - started)

    async def _send(
        self, send: Send, scope: Scope, heads: Heads, body: bytes, trace_id: str
    ) -> None:
        scheme = "https" if scope.get("scheme") == "https" else "http"
        headers = [
            *self._headers[heads.kind, scheme],
            (b"content-length", b"%d" % len(body)),
            *edge.trace_headers(trace_id),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _whole(
        self, scope: Scope, message: Message, heads: Heads, started: float
    ) -> bytes | None:
        """The same as `_answer`; a mistake of the program is logged, and left to the application too."""
        try:
            return await self._answer(scope, message, heads, started)
        except Exception:  # noqa: BLE001 - the application answers what comes of it, masked
            _log.exception("short_way.failed")
            return None

    async def _answer(
        self, scope: Scope, message: Message, heads: Heads, started: float
    ) -> bytes | None:
        """The body; None where the application behind is to answer."""
        found = self._found(message, heads)
        if found is None:
            return None
        asked, operation = found
        try:
            viewer, session_id = ANONYMOUS, None
            if heads.token is not None:
                identity = await access.identity_of_token(heads.token)
                viewer, session_id = identity.viewer, identity.session_id
        except Unavailable as failure:
            scope[TRIED] = Tried(failure=failure)
            return None
        except DomainError:
            return None
        if not await self._is_admitted(scope, viewer, heads):
            return None
        ask = self._ask(scope, heads, viewer, session_id)
        deadline, statements = self._executor.deadline(), 0
        try:
            with self._gate.count_statements() as counted:
                body = await self._run(operation, ask, asked, deadline)
            statements = counted.count
        except DomainError as failure:
            scope[TRIED] = Tried(deadline, failure)
            return None
        if body is None:
            scope[TRIED] = Tried(deadline)
        else:
            seconds = time.perf_counter() - started
            self._observe(operation, asked, heads, ask.tier, seconds, statements)
        return body

    def _found(self, message: Message, heads: Heads) -> tuple[Asked, Operation] | None:
        """What is asked, and its compiled operation; None where there is none, or it is refused."""
        body = message.get("body", b"")
        if message["type"] != "http.request" or len(body) != heads.length:
            return None  # the body has not come whole; servers may yet say `more_body` where it has
        try:
            asked = asking.of_body(body)
            audience = audience_named(heads.client[0])
            operation = self._documents.find(asked, audience).operation(asked.operation_name)
            if operation.compiled is None:
                return None
            self._executor.check(operation, asked.variables)
        except (DomainError, Refused):
            return None
        return asked, operation

    async def _is_admitted(self, scope: Scope, viewer: Viewer, heads: Heads) -> bool:
        client = self._gate.clients.of(*heads.client)
        address = None
        if viewer is ANONYMOUS:
            address = client_address(Request(scope), trusted_proxies=self._trusted_proxies)
        answer = self._gate.admit(gate.account_of(viewer), address, client)
        if answer is not None:
            answer = answer if isinstance(answer, RateLimited) else await answer
        scope[gate.ADMITTED] = True  # once counted, however it was answered
        if answer is not None:
            scope[TRIED] = Tried(failure=answer)
        return answer is None

    def _ask(self, scope: Scope, heads: Heads, viewer: Viewer, session_id: UUID | None) -> Ask:
        language, now = locale.negotiate(heads.language), clock.now()
        return Ask(
            viewer=viewer,
            locale=language,
            now=now,
            variables={},
            make_context=lambda: of_viewer(
                Request(scope),
                viewer=viewer,
                session_id=session_id,
                language=language,
                now=now,
                trusted_proxies=self._trusted_proxies,
                support_phone=self._support_phone,
            ),
        )

    async def _run(
        self, operation: Operation, ask: Ask, asked: Asked, deadline: float
    ) -> bytes | None:
        """The answer by compiled code. Raises Unavailable, and what the executor does beyond its limits."""
        assert operation.compiled is not None  # noqa: S101 - looked at before
        try:
            async with asyncio.timeout_at(deadline):
                body = await compilation.answer(operation.compiled, ask, asked.variables)
        except TimeoutError:
            raise self._executor.timed_out(operation) from None
        if body is not None:
            self._executor.check_size(body)
        return body

    def _observe(
        self,
        operation: Operation,
        asked: Asked,
        heads: Heads,
        tier: int,
        seconds: float,
        statements: int,
    ) -> None:
        client = self._gate.clients.of(*heads.client)
        if self._gate.observe(operation.name, client, tier, metrics.OK, seconds):
            self._gate.access_log.slow_operation(
                operation.name, asked.document_id, tier=tier, seconds=seconds, statements=statements
            )


def usual(headers: list[tuple[bytes, bytes]], max_body_bytes: int = MAX_BODY_BYTES) -> Heads | None:
    """What a usual request's headers say; None for one that the application should look at."""
    found = dict(headers)
    if len(found) < len(headers) or not _UNUSUAL.isdisjoint(found):
        return None
    length = found.get(b"content-length", b"")
    is_short = length.isdigit() and len(length) <= len(str(MAX_BODY_BYTES))
    if not is_short or int(length) > max_body_bytes:
        return None
    kind = negotiation.media_type(_text(found.get(b"accept")))
    bearer = found.get(b"authorization")
    is_readable = bearer is None or bearer[:7].lower() == b"bearer "
    if kind is None or not is_readable or found.get(b"content-type") not in _JSON_BODIES:
        return None
    return Heads(
        kind=kind,
        length=int(length),
        language=_text(found.get(b"accept-language")),
        token=None if bearer is None else bearer[7:].decode("latin-1").strip(),
        client=(_first(found, _NAMES), _first(found, _VERSIONS)),
        is_traced=b"traceparent" in found,
    )


def replayed(message: Message, receive: Receive) -> Receive:
    """A `receive` that gives a message once more before it goes on."""
    first: Message | None = message

    async def again() -> Message:
        nonlocal first
        if first is None:
            return await receive()
        given, first = first, None
        return given

    return again


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _first(found: dict[bytes, bytes], names: tuple[bytes, ...]) -> str | None:
    return next((found[name].decode("latin-1") for name in names if found.get(name)), None)


def _trace_id(scope: Scope, heads: Heads) -> str:
    parent = edge.parent_of(scope) if heads.is_traced else None
    return f"{_ids.getrandbits(128):032x}" if parent is None else parent.trace_id
