"""Whether the process lives, whether it should get traffic, and how it stops getting any."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

CHECK_TIMEOUT_SECONDS = 1.0

Check = Callable[[], Awaitable[object]]


class NotWell(Exception):
    """A check's own account of what is wrong, to be shown as it is: without anything secret or personal."""


class Drain:
    """The way out of service: `begin` (not ready any more), `refuse` (no new work), `wait_idle`."""

    def __init__(self) -> None:
        """Start in service with nothing in flight."""
        self.is_draining = False
        self.is_refusing = False
        self.in_flight = 0
        self._idle = asyncio.Event()

    def begin(self) -> None:
        """Let /readyz answer 503; requests are still served, until balancers have noticed."""
        self.is_draining = True
        if not self.in_flight:
            self._idle.set()

    def refuse(self) -> None:
        """Let new requests be refused with 503; those in flight go on."""
        self.begin()
        self.is_refusing = True

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count one request in flight for as long as the block runs."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Count a request in flight, until `leave`."""
        self.in_flight += 1
        self._idle.clear()

    def leave(self) -> None:
        """One request less is in flight."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    async def wait_idle(self, *, timeout_seconds: float) -> bool:
        """Return True as soon as nothing is in flight, False when the time is over before."""
        if not self.in_flight:
            return True
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


async def healthz(_request: Request) -> Response:
    """Answer 200 whenever the event loop turns; looks at nothing else."""
    return _answer(200, {"status": "ok"})


def readyz(
    checks: Mapping[str, Check],
    *,
    drain: Drain,
    optional: frozenset[str] = frozenset(),
    timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that runs all checks at once, each within the time-out.

    200 when every check returns; else 503, with the class name of what a check raised and never
    its message, but for NotWell. A failing check that is `optional` makes it "degraded", with 200. While draining
    503, without checks.
    """

    async def endpoint(_request: Request) -> Response:
        if drain.is_draining:
            return _answer(503, {"status": "draining", "checks": {}})
        outcomes = await asyncio.gather(
            *(asyncio.wait_for(check(), timeout_seconds) for check in checks.values()),
            return_exceptions=True,
        )
        found = {name: _shown(outcome) for name, outcome in zip(checks, outcomes, strict=True)}
        failed = {name for name, outcome in found.items() if outcome != "ok"}
        is_ready = failed <= optional
        status = "unavailable" if not is_ready else "degraded" if failed else "ok"
        return _answer(200 if is_ready else 503, {"status": status, "checks": found})

    return endpoint


def _shown(outcome: object) -> str:
    if isinstance(outcome, NotWell):
        return str(outcome)
    return type(outcome).__name__ if isinstance(outcome, BaseException) else "ok"


def _answer(status: int, content: dict[str, object]) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")
