"""The strict headers of answers: a few for data, which no browser shows, and more for pages.

After OWASP's cheat sheets for HTTP headers and for REST: what rules a document's behaviour says nothing of JSON, and
each header costs every answer its bytes and almost a microsecond.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

_HSTS: Final[Header] = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_DATA: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_PAGES: Final[tuple[Header, ...]] = (
    *_DATA,
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_DATA_KINDS: Final = (b"application/json", b"application/graphql-response+json")


class SecurityHeadersMiddleware:
    """Adds the strict headers that an answer does not set itself.

    HSTS is added when the request came by https, or always in production, where the proxy in front
    speaks it.
    """

    def __init__(self, app: ASGIApp, *, production: bool) -> None:
        self._app = app
        self._always_secure = production

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = self._always_secure or scope.get("scheme") == "https"

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower(): value for name, value in headers}
                kind = present.get(b"content-type", b"").partition(b";")[0].strip().lower()
                wanted = of_data(secure=secure) if kind in _DATA_KINDS else of_pages(secure=secure)
                headers += [header for header in wanted if header[0] not in present]
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, send_secured)


def of_data(*, secure: bool) -> tuple[Header, ...]:
    """What every JSON answer carries that does not say otherwise; `secure` where the outside is https."""
    return (*_DATA, _HSTS) if secure else _DATA


def of_pages(*, secure: bool) -> tuple[Header, ...]:
    """What every other answer carries: it might be shown, or framed."""
    return (*_PAGES, _HSTS) if secure else _PAGES
