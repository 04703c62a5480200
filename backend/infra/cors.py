"""Other sites' pages: whether a browser lets them ask (CORS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from backend.infra.body_limit import Uploads

_ALLOWED_HEADERS = (
    b"accept-language, authorization, content-type, traceparent, apollo-require-preflight, "
    b"x-client-name, x-client-version, apollographql-client-name, apollographql-client-version"
)
_EXPOSED = (b"access-control-expose-headers", b"x-request-id, retry-after")
_PREFLIGHT = (
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"access-control-max-age", b"7200"),
)
_METHODS = (b"access-control-allow-methods", b"GET, POST")
_METHODS_OF_UPLOADS = (b"access-control-allow-methods", b"PUT")


class CrossOriginMiddleware:
    """Lets pages of the listed sites ask (CORS), and answers the browser's question whether they may.

    No site gets credentials: tokens travel in a header that the page sets itself.
    """

    def __init__(
        self, app: ASGIApp, *, origins: frozenset[str], uploads: Uploads | None = None
    ) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._uploads = uploads

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
            headers = [*allowed, *(self._preflight(scope) if origin in self._origins else ())]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed]
            await send(message)

        await self._app(scope, receive, send_allowed)

    def _preflight(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        is_upload = self._uploads is not None and self._uploads.has_path(scope["path"])
        return (_METHODS_OF_UPLOADS if is_upload else _METHODS, *_PREFLIGHT)
