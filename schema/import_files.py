"""The files of imports over plain HTTP: the parts of a file come up by PUT, the reports go down by GET.

Who asks is known as at /graphql: the same token, limits, counters and log. `docs/imports.md` tells it to operators.
"""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from backend.core import ids
from backend.core.errors import (
    BadUserInput,
    DomainError,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
    sentences,
)
from backend.core.ids import InvalidGlobalId
from backend.core.viewer import Viewer
from backend.imports import domain, uploads
from backend.imports.domain import ReportKind
from backend.imports.refusals import FileImportStateRefuses
from backend.infra.access_log import REFUSED_WITH
from backend.infra.body_limit import Uploads
from backend.infra.gate import Gate, account_of
from backend.infra.http_refusals import refuse_with
from backend.infra.metrics import OK
from schema.context import client_address, of_request
from schema.http import client_of

PARTS: Final = Uploads(re.compile(r"/imports/[^/]+/parts/[^/]+"), domain.PART_BYTES)
PUT_PART: Final = "ImportPart"
GET_REPORT: Final = "ImportReport"
OPERATIONS: Final = frozenset({PUT_PART, GET_REPORT})  # as /metrics names them
BODY_SECONDS: Final = 120.0  # a part of 4 MiB at 35 kB/s
DISCARD_SECONDS: Final = 10.0
PARTS_AT_ONCE: Final = 8  # in one process: each takes some 20 MB until it is stored
PARTS_OF_ONE: Final = 4  # operator among them: a slow connection is not everybody's
PLACE_SECONDS: Final = 10.0

_NUMBER: Final = re.compile("[0-9]{1,9}")
_NO_NUMBER: Final = 10**9
_STATUSES: Final[Mapping[type[DomainError], int]] = MappingProxyType(
    {
        Unauthenticated: 401,
        Forbidden: 403,
        NotFound: 404,
        FileImportStateRefuses: 409,
        RateLimited: 429,
        Unavailable: 503,
        BadUserInput: 400,
    }
)


class BodyTooSlow(BadUserInput):
    """The body of a request did not come within its time."""

    code = "BODY_TOO_SLOW"
    texts = sentences(
        fa="بدنهٔ درخواست در {seconds} ثانیه نرسید.",
        en="The body of the request did not arrive within {seconds} s.",
    )
    hints = sentences(
        fa="این بخش را دوباره بفرستید، شاید با ارتباطی بهتر.",
        en="Send the part again, perhaps over a better connection.",
    )


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """What the routes share: limits, counters, and how long a body may take in all."""

    gate: Gate
    trusted_proxies: int = 0
    body_seconds: float = BODY_SECONDS
    place_seconds: float = PLACE_SECONDS
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARTS_AT_ONCE))
    shares: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(PARTS_OF_ONE))
    )

    def routes(self) -> list[BaseRoute]:
        """The routes of parts and reports."""
        reports: list[BaseRoute] = [
            Route(f"/imports/{{import_id}}/{kind}.csv", _Report(self, kind), methods=["GET"])
            for kind in ReportKind
        ]
        parts = Route("/imports/{import_id}/parts/{number}", _Part(self), methods=["PUT"])
        return [parts, *reports]

    async def viewer_of(self, request: Request) -> Viewer:
        """Who asks, once counted; what is refused before that is known counts for the address.

        Raises RateLimited, TokenInvalid, TokenExpired, DatabaseUnavailable.
        """
        client = client_of(request.headers, self.gate)
        address = client_address(request, trusted_proxies=self.trusted_proxies)
        try:
            context = await of_request(request, trusted_proxies=self.trusted_proxies)
        except DomainError:
            await self.gate.enter(None, address, client)
            raise
        await self.gate.enter(account_of(context.viewer), address, client)
        return context.viewer

    def observe(self, scope: Scope, operation: str, code: str, seconds: float) -> None:
        """Count an answer; a slow one stands in the log of requests."""
        if code != OK:
            scope[REFUSED_WITH] = code
        self.gate.observe(operation, client_of(Headers(scope=scope), self.gate), 0, code, seconds)

    @asynccontextmanager
    async def place(self, actor: str) -> AsyncIterator[None]:
        """One of the operator's places for parts in memory. Raises Unavailable where none gets free soon."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self.place_seconds):
                    await held.enter_async_context(self.shares[actor])
                    await held.enter_async_context(self.places)
            except TimeoutError as error:
                raise Unavailable(retry_after_seconds=round(PLACE_SECONDS)) from error
            yield


@dataclass(frozen=True, slots=True)
class _Part:
    """`PUT /imports/{importId}/parts/{number}`"""

    files: ImportFiles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep a part; to a client that went away, nothing is answered."""
        started = time.perf_counter()
        code = OK
        body = _Body(receive)
        try:
            if await self._put(Request(scope), body):
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})
        except DomainError as failure:
            code = failure.code
            # Closing the connection on what is still being sent would lose the answer.
            if b"expect" not in dict(scope["headers"]):
                await body.discard()
            await refuse_with(scope, send, _status(failure), failure)
        self.files.observe(scope, PUT_PART, code, time.perf_counter() - started)

    async def _put(self, request: Request, body: "_Body") -> bool:
        """Whether the part is kept; False where the client went away."""
        viewer = await self.files.viewer_of(request)
        import_id, number = _import_id(request), _part_number(request)
        size_bytes = await uploads.check_part(viewer=viewer, import_id=import_id, number=number)
        async with self.files.place(viewer.actor):
            content = await body.read(size_bytes, seconds=self.files.body_seconds)
            if content is None:
                return False
            await uploads.put_part(
                viewer=viewer, import_id=import_id, number=number, content=content
            )
        return True


@dataclass(frozen=True, slots=True)
class _Report:
    """`GET /imports/{importId}/report.csv` and `…/vanished.csv`"""

    files: ImportFiles
    kind: ReportKind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream a report; one that ends midway cuts the answer."""
        if scope["method"] != "GET":  # Starlette takes HEAD for GET
            raise HTTPException(405, headers={"allow": "GET"})
        started = time.perf_counter()
        code = OK
        request = Request(scope)
        try:
            viewer = await self.files.viewer_of(request)
            content = await uploads.read_report(
                viewer=viewer, import_id=_import_id(request), which=self.kind
            )
        except DomainError as failure:
            code = failure.code
            await refuse_with(scope, send, _status(failure), failure)
        else:
            disposition = (
                f'attachment; filename="{self.kind}-{request.path_params["import_id"]}.csv"'
            )
            headers = {"content-disposition": disposition, "cache-control": "no-store"}
            response = StreamingResponse(
                content, headers=headers, media_type="text/csv; charset=utf-8"
            )
            await response(scope, receive, send)
        self.files.observe(scope, GET_REPORT, code, time.perf_counter() - started)


@dataclass(slots=True)
class _Body:
    """The body of a request, read once."""

    receive: Receive
    has_ended: bool = False

    async def read(self, most: int, *, seconds: float) -> bytes | None:
        """The body, of which no more is kept than one byte over `most`; None where the client went away.

        Raises BodyTooSlow where it takes longer than `seconds` in all.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._read(most)
        except TimeoutError as error:
            self.has_ended = True
            raise BodyTooSlow(seconds=round(seconds)) from error

    async def discard(self) -> None:
        """Read what is left, for a short time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not self.has_ended:
                    await self._next()

    async def _read(self, most: int) -> bytes | None:
        pieces: list[bytes] = []
        left = most + 1
        while not self.has_ended:
            piece = await self._next()
            if piece is None:
                return None
            pieces.append(piece[:left])
            left -= len(pieces[-1])
        return b"".join(pieces)

    async def _next(self) -> bytes | None:
        """The next piece; None where the client went away."""
        message = await self.receive()
        is_gone = message["type"] == "http.disconnect"
        self.has_ended = is_gone or not message.get("more_body", False)
        return None if is_gone else message.get("body", b"")


def _import_id(request: Request) -> int:
    """The import that the path names. Raises NotFound."""
    try:
        found = ids.decode(request.path_params["import_id"], expected=domain.OBJECT)
    except InvalidGlobalId as error:
        raise NotFound(field=("importId",)) from error
    if found.member_id is not None:
        raise NotFound(field=("importId",))
    return found.key


def _part_number(request: Request) -> int:
    """The part that the path names; for what is no number, one that no file has."""
    typed = request.path_params["number"]
    return int(typed) if _NUMBER.fullmatch(typed) else _NO_NUMBER


def _status(failure: DomainError) -> int:
    if isinstance(failure, BodyTooSlow):
        return 408
    return next((status for kind, status in _STATUSES.items() if isinstance(failure, kind)), 400)
