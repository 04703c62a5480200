"""The short way of a compiled query: one ASGI callable in front of the application, which nothing else passes.

It takes a POST to /graphql with a plain JSON body that names a document whose operation is compiled, does what the
outer layers and the endpoint would do, and answers. Whatever else comes, and whatever does not go well, goes to the
application behind it, with the body once more: all refusals and errors are worded there.
"""

import asyncio
import random
import time
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.access import service as access
from backend.core import clock
from backend.core.errors import DomainError, RateLimited, Unavailable
from backend.core.viewer import ANONYMOUS, Viewer
from backend.infra import edge, gate, health, metrics, security_headers, telemetry, tracing
from schema import negotiation
from schema.context import client_address, of_viewer
from schema.execution import compilation
from schema.execution.executor import Tried
from schema.execution.heads import HeadReader, Heads
from schema.execution.plan import Ask, Tier
from schema.execution.wanted import BodyReader, Wanted
from schema.http import TRIED, GraphQLEndpoint

PATH: Final = "/graphql"
MAX_BODY_BYTES: Final = 65_536

_Bearer = tuple[Viewer, UUID | None]  # who asks, and in which session
_NOBODY: Final[_Bearer] = (ANONYMOUS, None)
_log = telemetry.logger(__name__)
_ids: Final = random.Random()  # noqa: S311 - seeded by the system; these only name a request


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
        self._executor = endpoint.executor
        self._gate = endpoint.gate
        self._trusted_proxies = endpoint.trusted_proxies
        self._support_phone = endpoint.support_phone
        self._drain = drain
        self._heads = HeadReader(self._gate.clients, min(max_body_bytes, MAX_BODY_BYTES))
        self._bodies = BodyReader(endpoint.documents, self._executor)
        self._headers = {
            (kind, scheme): (
                (b"content-type", f"{kind}; charset=utf-8".encode()),
                (b"vary", b"accept, accept-language"),
                *security_headers.of_data(secure=is_production or scheme == "https"),
                *([(b"vary", b"origin")] if serves_other_sites else ()),
            )
            for kind in (negotiation.GRAPHQL_RESPONSE, negotiation.JSON)
            for scheme in ("http", "https")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        is_post = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST"
        is_usual = is_post and not self._drain.is_draining and tracing.tracer() is None
        heads = self._heads.read(scope["headers"]) if is_usual else None
        if heads is None:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        message = await receive()
        trace_id = _trace_id(scope, heads)
        status, body = 499, None
        bound = telemetry.begin_trace(trace_id)
        self._drain.enter()
        try:
            body = await self._whole(scope, message, heads, started)
            if body is not None:
                status = 200
                await self._send(send, scope, heads, body, trace_id)
        except BaseException:
            self._gate.access_log.finished("POST", PATH, status, time.perf_counter() - started)
            raise
        finally:
            self._drain.leave()
            telemetry.end_trace(bound)
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
            *self._headers[heads.profile.kind, scheme],
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
        body = message.get("body", b"")
        if message["type"] != "http.request" or len(body) != heads.length:
            return None  # the body has not come whole; servers may yet say `more_body` where it has
        wanted = self._bodies.read(body, heads.profile.audience)
        bearer = None if wanted is None else await self._bearer(scope, heads)
        if wanted is None or bearer is None or not await self._is_admitted(scope, bearer, heads):
            return None
        ask = self._ask(scope, heads, bearer, wanted)
        try:
            found, statements = await self._run(scope, wanted, ask)
        except DomainError as failure:
            scope[TRIED] = Tried(failure=failure)
            return None
        if found is not None:
            self._observe(wanted, heads, time.perf_counter() - started, statements)
        return found

    async def _bearer(self, scope: Scope, heads: Heads) -> _Bearer | None:
        """Who asks; None where the token is refused, or can't be judged."""
        if heads.token is None:
            return _NOBODY
        try:
            identity = access.known_identity(heads.token)
            if identity is None:
                identity = await access.identity_of_token(heads.token)
        except Unavailable as failure:
            scope[TRIED] = Tried(failure=failure)
            return None
        except DomainError:
            return None
        return identity.viewer, identity.session_id

    async def _is_admitted(self, scope: Scope, bearer: _Bearer, heads: Heads) -> bool:
        viewer, address = bearer[0], None
        if viewer is ANONYMOUS:
            address = client_address(Request(scope), trusted_proxies=self._trusted_proxies)
        refused = self._gate.admit(gate.account_of(viewer), address, heads.profile.client)
        if refused is not None and not isinstance(refused, RateLimited):
            refused = await refused
        scope[gate.ADMITTED] = True  # once counted, however it was answered
        if refused is not None:
            scope[TRIED] = Tried(failure=refused)
        return refused is None

    def _ask(self, scope: Scope, heads: Heads, bearer: _Bearer, wanted: Wanted) -> Ask:
        (viewer, session_id), language, now = bearer, heads.profile.language, clock.now()
        return Ask(
            viewer=viewer,
            locale=language,
            now=now,
            variables=wanted.variables,
            make_context=lambda: of_viewer(
                Request(scope),
                viewer=viewer,
                session_id=session_id,
                language=language,
                now=now,
                trusted_proxies=self._trusted_proxies,
                support_phone=self._support_phone,
            ),
            tier=wanted.plan.tier,
        )

    async def _run(self, scope: Scope, wanted: Wanted, ask: Ask) -> tuple[bytes | None, int]:
        """The answer by compiled code, and how many statements it took.

        Without one, graphql-core has the time that is left. Raises Unavailable, and what the executor does beyond its
        limits.
        """
        waiting = None
        if wanted.plan.tier is Tier.REFERENCE_DATA:  # nothing to wait for, mostly
            found = compilation.begun(wanted.compiled, wanted.plan, ask)
            if isinstance(found, bytes):
                return self._checked(found), 0
            waiting = found
        deadline = self._executor.deadline()
        scope[TRIED] = Tried(deadline)
        if waiting is None and wanted.plan.tier is Tier.REFERENCE_DATA:
            return None, 0
        try:
            with self._gate.count_statements() as statements:
                async with asyncio.timeout_at(deadline):
                    body = await compilation.planned(wanted.compiled, wanted.plan, ask, waiting)
        except TimeoutError:
            raise self._executor.timed_out(wanted.operation) from None
        return None if body is None else self._checked(body), statements.count

    def _checked(self, body: bytes) -> bytes:
        self._executor.check_size(body)
        return body

    def _observe(self, wanted: Wanted, heads: Heads, seconds: float, statements: int) -> None:
        client, name, tier = heads.profile.client, wanted.operation.name, wanted.plan.tier
        if self._gate.observe(name, client, tier, metrics.OK, seconds):
            self._gate.access_log.slow_operation(
                name, wanted.document_id, tier=tier, seconds=seconds, statements=statements
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


def _trace_id(scope: Scope, heads: Heads) -> str:
    parent = edge.parent_of(scope) if heads.is_traced else None
    return f"{_ids.getrandbits(128):032x}" if parent is None else parent.trace_id
