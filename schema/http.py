"""GraphQL over HTTP: Strawberry's view, with the draft's media types and status codes, and our errors.

https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import Mapping

import orjson
import strawberry
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult

from backend.core import locale
from backend.core.errors import DomainError, Unauthenticated, Unavailable, sentences
from backend.core.locale import Locale
from schema import errors
from schema.context import Context, of_request

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

_UNSUPPORTED = sentences(
    fa="بدنهٔ درخواست باید application/json باشد.", en="The body must be application/json."
)
_NOT_ACCEPTABLE = sentences(
    fa="پاسخ فقط به صورت application/graphql-response+json یا application/json داده می‌شود.",
    en="Answers are application/graphql-response+json or application/json only.",
)
_MALFORMED = sentences(
    fa="درخواست خوانده نشد: بدنه باید یک شیء JSON با کلید query باشد.",
    en="The request can't be read: the body must be a JSON object with the key query.",
)
_METHOD = sentences(
    fa="این نشانی فقط GET و POST می‌پذیرد.", en="Only GET and POST are understood here."
)
_BY_GET = sentences(
    fa="با GET فقط می‌توان پرسید؛ تغییر را با POST بفرستید.",
    en="GET is for queries only; send a mutation by POST.",
)
_TEXTS = {400: _MALFORMED, 405: _METHOD, 406: _NOT_ACCEPTABLE, 415: _UNSUPPORTED}


class _RequestAdapter(StarletteRequestAdapter):
    """A request whose media type may be written in any case, as RFC 9110 has it."""

    @property
    def content_type(self) -> str | None:
        given = super().content_type
        return None if given is None else given.lower()


class GraphQLView(GraphQL[Context, None]):
    """The endpoint /graphql."""

    request_adapter_class = _RequestAdapter

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        trusted_proxies: int = 0,
        support_phone: str | None = None,
    ) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self._trusted_proxies = trusted_proxies
        self._support_phone = support_phone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what HTTP forbids gets an error with a code, like all the rest."""
        request = Request(scope, receive)
        if media_type(request.headers.get("accept")) is None:
            response = _refusal(request, 406)
        else:
            try:
                response = await self.run(request)
            except HTTPException as error:
                is_by_get = isinstance(error.__cause__, InvalidOperationTypeError)
                response = (
                    _refusal(request, 405, text=_BY_GET, allow="POST")
                    if is_by_get
                    else _refusal(request, error.status_code)
                )
            except DomainError as error:  # of the context: nothing was executed
                response = _not_executed(request, error)
        await response(scope, receive, send)

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """Never: a GET without a query is a bad request here, also for a browser."""
        del request
        return False

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        """Who asks, in which language, and when."""
        assert isinstance(request, Request)  # noqa: S101 - no subscriptions yet
        return await of_request(
            request, trusted_proxies=self._trusted_proxies, support_phone=self._support_phone
        )

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Carry the media type that the client accepts to `create_response`."""
        sub_response = await super().get_sub_response(request)
        sub_response.media_type = media_type(request.headers.get("accept"))
        return sub_response

    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        """Refuse other bodies than JSON with 415, and operation names that are no text."""
        if request.method == "POST" and not _is_json(request.content_type or ""):
            raise HTTPException(415, "Unsupported media type")
        data = await super().parse_http_body(request)
        if isinstance(data, list) or not data.query:
            raise HTTPException(400, "No operation")
        if not isinstance(data.operation_name, str | None):
            raise HTTPException(400, "operationName must be a text")
        return data

    def decode_json(self, data: str | bytes) -> object:
        """An object, or the error that the view knows; Strawberry's own parser lets `null` through."""
        value = orjson.loads(data)
        if not isinstance(value, dict):
            raise HTTPException(400, "Not an object")
        return value

    def encode_json(self, data: object) -> bytes:
        """JSON with Persian as it is."""
        return orjson.dumps(data)

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        """The response's members; `data` is absent where nothing was executed."""
        language = locale.negotiate(request.headers.get("accept-language"))
        answer: GraphQLHTTPResponse = {}
        if result.errors:
            answer["errors"] = [errors.formatted(error, language) for error in result.errors]
        if result.data is not None or _was_executed(result):
            answer["data"] = result.data
        return answer

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        """200 where there is `data`; else 400, but for old clients that know only application/json."""
        kind = sub_response.media_type or GRAPHQL_RESPONSE
        failed = "data" not in response_data and kind == GRAPHQL_RESPONSE
        return _response(self.encode_json(response_data), 400 if failed else 200, kind)


def media_type(accept: str | None) -> str | None:
    """The answer's media type for an Accept header: ours where the client takes it; None for neither."""
    if accept is None or not accept.strip():
        return GRAPHQL_RESPONSE
    accepted = {
        part.partition(";")[0].strip().lower()
        for part in accept.split(",")
        if "q=0" not in part.replace(" ", "").replace("q=0.", "")
    }
    if accepted & {GRAPHQL_RESPONSE, "*/*", "application/*"}:
        return GRAPHQL_RESPONSE
    return JSON if JSON in accepted else None


def _is_json(content_type: str) -> bool:
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower()
    return kind.strip().lower() == JSON and charset in {"", "charset=utf-8", 'charset="utf-8"'}


def _was_executed(result: ExecutionResult) -> bool:
    """An error of execution has a path; those of parsing, validation and variables have none."""
    return bool(result.errors) and all(error.path is not None for error in result.errors or ())


def _refusal(
    request: Request,
    status: int,
    *,
    text: Mapping[Locale, str] | None = None,
    allow: str = "GET, POST",
) -> Response:
    language = locale.negotiate(request.headers.get("accept-language"))
    message = (text or _TEXTS.get(status, _MALFORMED))[language]
    error = {"message": message, "extensions": {"code": errors.BAD_REQUEST}}
    kind = media_type(request.headers.get("accept")) or GRAPHQL_RESPONSE
    extra = {"allow": allow} if status == 405 else {}  # noqa: PLR2004
    return _response(orjson.dumps({"errors": [error]}), status, kind, extra)


def _not_executed(request: Request, failure: DomainError) -> Response:
    """The whole request is refused: 401 for a bad token; 200 for old clients that know only application/json."""
    language = locale.negotiate(request.headers.get("accept-language"))
    error = errors.formatted(GraphQLError("", original_error=failure), language)
    kind = media_type(request.headers.get("accept")) or GRAPHQL_RESPONSE
    status, extra = 503, {}
    if isinstance(failure, Unavailable):
        extra = {"retry-after": str(failure.retry_after_seconds)}
    elif isinstance(failure, Unauthenticated):
        status, extra = 401, {"www-authenticate": 'Bearer error="invalid_token"'}
    body = orjson.dumps({"errors": [error]})
    return _response(body, 200 if kind == JSON else status, kind, extra)


def _response(
    body: bytes, status: int, kind: str, extra: Mapping[str, str] | None = None
) -> Response:
    response = Response(body, status_code=status, headers=extra)
    headers = MutableHeaders(raw=response.raw_headers)
    headers["content-type"] = f"{kind}; charset=utf-8"
    headers["vary"] = "accept, accept-language"
    return response
