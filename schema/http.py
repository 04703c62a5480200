"""GraphQL over HTTP: the endpoint /graphql, with the draft's media types and status codes, and our errors.

https://graphql.github.io/graphql-over-http/draft/
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from backend.core import locale
from backend.core.errors import DomainError, RateLimited, Unauthenticated, Unavailable, sentences
from backend.infra import tracing
from backend.infra.access_log import REFUSED_WITH
from backend.infra.clients import Client
from backend.infra.gate import ADMITTED, Gate, account_of, open_gate
from backend.infra.metrics import OK
from schema import errors, negotiation
from schema.context import client_address, of_request
from schema.errors import BadRequest, DocumentNotFound
from schema.execution import asking
from schema.execution.asking import Asked
from schema.execution.documents import Refused
from schema.execution.executor import Answer, Executor
from schema.execution.policy import Audience
from schema.execution.trusted import DocumentStore
from schema.negotiation import GRAPHQL_RESPONSE, JSON

# In an ASGI scope: what a layer further out has made of the request by compiled code, a `Tried`.
TRIED: Final = "bashgah.tried"
# What Apollo's clients look for before they send the text as well.
APOLLO_NOT_FOUND = "PersistedQueryNotFound"

_UNSUPPORTED = sentences(
    fa="بدنهٔ درخواست باید application/json باشد، به UTF-8 و نافشرده.",
    en="The body must be application/json, in UTF-8 and not compressed.",
)
_NOT_ACCEPTABLE = sentences(
    fa="پاسخ فقط به صورت application/graphql-response+json یا application/json داده می‌شود.",
    en="Answers are application/graphql-response+json or application/json only.",
)
_METHOD = sentences(
    fa="این نشانی فقط GET و POST می‌پذیرد.", en="Only GET and POST are understood here."
)
_BY_GET = sentences(
    fa="با GET فقط می‌توان پرسید؛ تغییر را با POST بفرستید.",
    en="GET is for queries only; send a mutation by POST.",
)
_PERSONAL = sentences(
    fa="شماره‌ها و مکان اشخاص در نشانی نمی‌آیند؛ این درخواست را با POST بفرستید.",
    en="Persons' numbers and places do not belong in a URL: send this by POST.",
)
_FOREIGN = sentences(
    fa="درخواست از صفحهٔ دیگری آمده است؛ سرآیند x-client-name را بفرستید.",
    en="This came from a page of another site: send the header x-client-name.",
)


class NotUnderstood(BadRequest):
    """HTTP itself has a status for what is wrong with the request."""

    def __init__(
        self, status: int, reason: Mapping[locale.Locale, str], *, allow: str = ""
    ) -> None:
        super().__init__(reason=reason)
        self.status = status
        self.allow = allow


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """The ASGI application of /graphql."""

    documents: DocumentStore
    executor: Executor
    trusted_proxies: int = 0
    support_phone: str | None = None
    gate: Gate = field(default_factory=open_gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; to a client that went away before it was read, nothing."""
        headers = Headers(scope=scope)
        kind = negotiation.media_type(headers.get("accept"))
        request = _Request(
            scope=scope,
            headers=headers,
            client=client_of(headers, self.gate),
            is_admitted=scope.get(ADMITTED, False),
        )
        with self.gate.count_statements() as statements:
            response = await self._respond(request, kind, receive)
        if response is not None:
            self._tell(request, response, statements.count)
            await response.send(send)

    async def _respond(
        self, request: "_Request", kind: str | None, receive: Receive
    ) -> "_Response | None":
        language = locale.negotiate(request.headers.get("accept-language"))
        try:
            try:
                if kind is None:
                    raise NotUnderstood(406, _NOT_ACCEPTABLE)
                asked = await _asked(request.scope, request.headers, receive)
                if asked is None:
                    return None
                return _answered(await self._run(request, asked), kind)
            except (Refused, DomainError):
                await self._count_refused(request)
                raise
        except Refused as refused:
            formatted = [errors.formatted(each, language) for each in refused.errors]
            return _Response.of_errors(formatted, 400, kind or GRAPHQL_RESPONSE)
        except DomainError as failure:  # nothing was executed
            return _refused(failure, language, kind or GRAPHQL_RESPONSE)

    async def _count_refused(self, request: "_Request") -> None:
        """What is refused before it is known who asks counts for the address. Raises RateLimited."""
        if not request.is_admitted:
            address = client_address(Request(request.scope), trusted_proxies=self.trusted_proxies)
            await self.gate.enter(None, address, request.client)

    def _tell(self, request: "_Request", response: "_Response", statements: int) -> None:
        """Count the operation, and log it where it was slow; what went wrong stands in the log of requests."""
        seconds = time.perf_counter() - request.started
        if response.code != OK:
            request.scope[REFUSED_WITH] = response.code
        name = request.operation
        if self.gate.observe(name, request.client, response.tier, response.code, seconds):
            self.gate.access_log.slow_operation(
                name,
                request.document_id,
                tier=response.tier,
                seconds=seconds,
                statements=statements,
            )

    async def _run(self, request: "_Request", asked: Asked) -> Answer:
        scope, headers = request.scope, request.headers
        try:
            document = self.documents.find(asked, audience_of(headers))
        except DocumentNotFound as error:
            raise (_NotFoundByApollo() if asked.by_apollo else error) from None
        operation = document.operation(asked.operation_name)
        request.operation, request.document_id = operation.name, asked.document_id
        if scope["method"] == "GET":
            if not operation.is_query:
                raise NotUnderstood(405, _BY_GET, allow="POST")
            if not document.is_safe_in_url:
                raise NotUnderstood(405, _PERSONAL, allow="POST")
        tried = scope.get(TRIED)
        if tried is not None and tried.failure is not None:
            raise tried.failure
        context = await of_request(
            Request(scope), trusted_proxies=self.trusted_proxies, support_phone=self.support_phone
        )
        if not request.is_admitted:
            request.is_admitted = True
            account = account_of(context.viewer)
            await self.gate.enter(account, context.client_address, request.client)
        with tracing.operation(operation.name, operation.node.operation.value):
            return await self.executor.run(
                document, operation, asked.variables, context, tried=tried
            )


@dataclass(slots=True)
class _Request:
    """What is known so far of a request, for the limits and the log."""

    scope: Scope
    headers: Headers
    client: Client
    is_admitted: bool
    started: float = field(default_factory=time.perf_counter)
    operation: str | None = None
    document_id: str | None = None


class _NotFoundByApollo(DocumentNotFound):
    """The same, in the words that Apollo's clients look for."""

    texts = sentences(fa=APOLLO_NOT_FOUND, en=APOLLO_NOT_FOUND)


def client_of(headers: Headers, gate: Gate) -> Client:
    """The program that asks, by the names that it may give itself."""
    name = headers.get("x-client-name") or headers.get("apollographql-client-name")
    version = headers.get("x-client-version") or headers.get("apollographql-client-version")
    return gate.clients.of(name, version)


def audience_of(headers: Headers) -> Audience:
    """Who asks, by the name that the client gives itself; the app where it gives none.

    A name is no proof: it chooses which documents may be sent as text, never what anybody may see.
    """
    return audience_named(headers.get("x-client-name") or headers.get("apollographql-client-name"))


def audience_named(client_name: str | None) -> Audience:
    """The audience of a client of this name."""
    for audience in (Audience.CONSOLE, Audience.CAMPAIGNS):
        if client_name and client_name.startswith(f"bashgah-{audience}"):
            return audience
    return Audience.APP


async def _asked(scope: Scope, headers: Headers, receive: Receive) -> Asked | None:
    """What is asked; None where the client went away. Raises NotUnderstood and Malformed."""
    if scope["method"] == "GET":
        if negotiation.is_foreign(headers):
            raise NotUnderstood(403, _FOREIGN)
        return asking.of_query_string(scope["query_string"])
    if scope["method"] != "POST":
        raise NotUnderstood(405, _METHOD, allow="GET, POST")
    if not negotiation.is_plain_json(headers):
        raise NotUnderstood(415, _UNSUPPORTED)
    body = await _body(receive)
    return None if body is None else asking.of_body(body)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where the client, or the limit on bodies, ended it."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Response:
    """`code` is that of the first error, or OK; `tier` tells what answered, 0 where nothing was run."""

    body: bytes
    status: int
    kind: str
    headers: Mapping[str, str]
    code: str = OK
    tier: int = 0

    @classmethod
    def of_errors(
        cls,
        formatted: list[dict[str, object]],
        status: int,
        kind: str,
        headers: Mapping[str, str] | None = None,
    ) -> "_Response":
        body = orjson.dumps({"errors": formatted})
        code = errors.code_of(formatted[0])
        return cls(body, _status(status, kind), kind, headers or {}, code)

    async def send(self, send: Send) -> None:
        own = {
            "content-type": f"{self.kind}; charset=utf-8",
            "content-length": str(len(self.body)),
            "vary": "accept, accept-language",
            **self.headers,
        }
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in own.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body})


def _answered(answer: Answer, kind: str) -> _Response:
    """200 where there is `data`; else 400, but for old clients that know only application/json."""
    status = 200 if answer.was_executed else _status(400, kind)
    return _Response(answer.body, status, kind, {}, answer.code, answer.tier)


def _refused(failure: DomainError, language: locale.Locale, kind: str) -> _Response:
    """The whole request is refused."""
    status, headers = _http(failure)
    error = errors.formatted(GraphQLError("", original_error=failure), language)
    if isinstance(
        failure, NotUnderstood | asking.Malformed
    ):  # no GraphQL request: a status of HTTP
        body = orjson.dumps({"errors": [error]})
        return _Response(body, status, kind, headers, errors.code_of(error))
    return _Response.of_errors([error], status, kind, headers)


def _http(failure: DomainError) -> tuple[int, dict[str, str]]:
    """The status of a refusal, and the headers that belong to it."""
    if isinstance(failure, NotUnderstood):
        headers = {"allow": failure.allow} if failure.allow else {}
        return failure.status, headers
    if isinstance(failure, Unauthenticated):
        return 401, {"www-authenticate": 'Bearer error="invalid_token"'}
    if isinstance(failure, Unavailable | RateLimited):
        status = 503 if isinstance(failure, Unavailable) else 429
        return status, {"retry-after": str(failure.retry_after_seconds)}
    return 400, {}


def _status(status: int, kind: str) -> int:
    """Clients that know only application/json take another status than 200 for a broken proxy."""
    return 200 if kind == JSON else status
