"""How large the body of a request may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.core import errors
from backend.infra.http_refusals import refuse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_048_576

_CONTENT_LENGTH = re.compile(rb"[0-9]{1,18}")
_BAD_LENGTH = errors.sentences(
    fa="سرآیند Content-Length درست نیست.", en="The Content-Length header is not valid."
)
_TOO_LARGE = errors.sentences(
    fa="بدنهٔ درخواست بزرگ‌تر از اندازهٔ مجاز است.", en="The request body is too large."
)


@dataclass(frozen=True, slots=True)
class Uploads:
    """The paths that take a body by PUT, with a limit of their own."""

    paths: re.Pattern[str]
    most_bytes: int

    def has_path(self, path: str) -> bool:
        """Whether it is one of them."""
        return self.paths.fullmatch(path) is not None


class BodyLimitMiddleware:
    """Refuses bodies above the limit: 413 at once by Content-Length, else while they stream.

    A Content-Length that is no plain number, or comes twice, gets 400. When a body grows too large
    under way, the application sees the client go away, and what it answers then is dropped.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        uploads: Uploads | None = None,
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope)
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if lengths:
            if len(lengths) > 1 or not _CONTENT_LENGTH.fullmatch(lengths[0]):
                await refuse(scope, send, 400, "BAD_REQUEST", _BAD_LENGTH)
                return
            if int(lengths[0]) > most:
                await refuse(scope, send, 413, "BAD_REQUEST", _TOO_LARGE)
                return
        await self._count(scope, receive, send, most)

    def _most(self, scope: Scope) -> int:
        uploads = self._uploads
        if uploads is not None and scope["method"] == "PUT" and uploads.has_path(scope["path"]):
            return uploads.most_bytes
        return self._max_body_bytes

    async def _count(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        left = most
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
            await refuse(scope, send, 413, "BAD_REQUEST", _TOO_LARGE)
