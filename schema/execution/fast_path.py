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
from backend.core.errors import DomainError, RateLimited
from backend.core.viewer import ANONYMOUS, Viewer
from backend.infra import edge, gate, health, metrics, telemetry, tracing
from schema import negotiation
from schema.context import client_address, of_viewer
from schema.execution import asking, compilation
from schema.execution.asking import Asked
from schema.execution.documents import Operation, Refused
from schema.execution.plan import Ask
from schema.execution.policy import Audience
from schema.http import GraphQLEndpoint

PATH: Final = "/graphql"
MAX_BODY_BYTES: Final = 65_536

_JSON_BODIES: Final = frozenset({b"application/json", b"application/json; charset=utf-8"})
# Whoever sends one of these is served behind: compressed bodies, other sites' pages.
_UNUSUAL: Final = frozenset({b"content-encoding", b"transfer-encoding", b"origin", b"expect"})
_NAMES: Final = (b"x-client-name", b"apollographql-client-name")
_VERSIONS: Final = (b"x-client-version", b"apollographql-client-version")
_ids: Final = random.Random()  # noqa: S311 - seeded by the system; these only name a request


@dataclass(frozen=True, slots=True)
class Heads:
    """What the headers of a usual request say."""

    kind: str
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
    ) -> None:
        """`endpoint` is the one behind `app`: documents, limits and counters are the same here and there."""
        self._app = app
        self._documents = endpoint.documents
        self._executor = endpoint.executor
        self._gate = endpoint.gate
        self._trusted_proxies = endpoint.trusted_proxies
        self._support_phone = endpoint.support_phone
        self._drain = drain
        self._headers = {
            kind: (
                (b"content-type", f"{kind}; charset=utf-8".encode()),
                (b"vary", b"accept, accept-language"),
                *edge.security_headers(secure=is_production),
            )
            for kind in (negotiation.GRAPHQL_RESPONSE, negotiation.JSON)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        is_post = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST"
        is_usual = is_post and not self._drain.is_draining and tracing.tracer() is None
        heads = usual(scope["headers"]) if is_usual else None
        if heads is None:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        message = await receive()
        trace_id = _trace_id(scope, heads)
        with self._drain.counted(), telemetry.bind_trace(trace_id):
            body = await self._answer(scope, message, heads, started)
        if body is None:
            await self._app(scope, replayed(message, receive), send)
            return
        headers = [
            *self._headers[heads.kind],
            (b"content-length", b"%d" % len(body)),
            *edge.trace_headers(trace_id),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._gate.access_log.finished("POST", PATH, 200, time.perf_counter() - started)

    async def _answer(
        self, scope: Scope, message: Message, heads: Heads, started: float
    ) -> bytes | None:
        """The body; None where the application behind is to answer."""
        if message["type"] != "http.request" or message.get("more_body"):
            return None
        try:
            asked = asking.of_body(message["body"])
            operation = self._documents.find(asked, Audience.APP).operation(asked.operation_name)
            if operation.compiled is None:
                return None
            self._executor.check(operation, asked.variables)
            viewer, session_id = ANONYMOUS, None
            if heads.token is not None:
                identity = await access.identity_of_token(heads.token)
                viewer, session_id = identity.viewer, identity.session_id
        except (DomainError, Refused):
            return None
        if not await self._is_admitted(scope, viewer, heads):
            return None
        ask = self._ask(scope, heads, viewer, session_id)
        body = await self._run(operation, ask, asked)
        if body is not None and operation.compiled is not None:
            self._observe(operation, asked, heads, time.perf_counter() - started)
        return body

    async def _is_admitted(self, scope: Scope, viewer: Viewer, heads: Heads) -> bool:
        client = self._gate.clients.of(*heads.client)
        address = None
        if viewer is ANONYMOUS:
            address = client_address(Request(scope), trusted_proxies=self._trusted_proxies)
        answer = self._gate.admit(gate.account_of(viewer), address, client)
        if answer is not None:
            answer = answer if isinstance(answer, RateLimited) else await answer
        # Who is answered behind has been counted.
        scope[gate.ADMITTED] = answer is None
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

    async def _run(self, operation: Operation, ask: Ask, asked: Asked) -> bytes | None:
        """The answer by compiled code, within the limits on time and size."""
        assert operation.compiled is not None  # noqa: S101 - looked at before
        limits = self._executor.limits
        try:
            async with asyncio.timeout(limits.seconds):
                body = await compilation.answer(operation.compiled, ask, asked.variables)
        except TimeoutError:
            return None
        return None if body is None or len(body) > limits.answer_bytes else body

    def _observe(self, operation: Operation, asked: Asked, heads: Heads, seconds: float) -> None:
        client = self._gate.clients.of(*heads.client)
        tier = 0 if operation.compiled is None else int(operation.compiled.tier)
        if self._gate.observe(operation.name, client, tier, metrics.OK, seconds):
            self._gate.access_log.slow_operation(
                operation.name, asked.document_id, tier=tier, seconds=seconds, statements=0
            )


def usual(headers: list[tuple[bytes, bytes]]) -> Heads | None:
    """What a usual request's headers say; None for one that the application should look at."""
    found = dict(headers)
    if len(found) < len(headers) or not _UNUSUAL.isdisjoint(found):
        return None
    length = found.get(b"content-length", b"")
    is_short = length.isdigit() and len(length) <= len(str(MAX_BODY_BYTES))
    if not is_short or int(length) > MAX_BODY_BYTES:
        return None
    kind = negotiation.media_type(_text(found.get(b"accept")))
    bearer = found.get(b"authorization")
    is_readable = bearer is None or bearer[:7].lower() == b"bearer "
    if kind is None or not is_readable or found.get(b"content-type") not in _JSON_BODIES:
        return None
    return Heads(
        kind=kind,
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
    return next((found[name].decode("latin-1") for name in names if name in found), None)


def _trace_id(scope: Scope, heads: Heads) -> str:
    parent = edge.parent_of(scope) if heads.is_traced else None
    return f"{_ids.getrandbits(128):032x}" if parent is None else parent.trace_id
