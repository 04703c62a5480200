"""The composition root: settings → adapters → the Starlette application of one API process."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from backend import composition
from backend.access import revocation
from backend.infra import cache, db, edge, graphiql, health, migrations, telemetry, tokens
from backend.settings import Settings
from schema import root
from schema.http import GraphQLView

# A new key stands in every process before it signs: whoever verifies has this long to see it.
JWKS_SECONDS = 300
WEB_PACKAGES = Path(__file__).resolve().parent.parent / "node_modules"

_log = telemetry.logger(__name__)


def create(settings: Settings, *, drain: health.Drain | None = None) -> Starlette:
    """The whole application behind its outer layers; connects when its lifespan begins.

    Sets the keys, limits and policies of this process.
    """
    composition.configure(settings)
    drain = drain or health.Drain()
    checks: dict[str, Callable[[], Awaitable[object]]] = {
        "database": _check_database,
        "migrations": _MigrationCheck(settings.database_url),
        "cache": cache.ping,
    }
    if settings.cache_url is None:
        del checks["cache"]
    routes: list[BaseRoute] = [
        Route(
            "/graphql",
            GraphQLView(
                root.build(introspection=settings.allows_introspection),
                trusted_proxies=settings.trusted_proxies,
                support_phone=settings.support_phone,
            ),
        ),
        Route("/.well-known/jwks.json", _jwks),
        Route("/healthz", health.healthz),
        # Without the cache we are slower, not out of order: taking every process away would be worse.
        Route("/readyz", health.readyz(checks, drain=drain, optional=frozenset({"cache"}))),
    ]
    if settings.serves_graphiql:
        routes += graphiql.routes(WEB_PACKAGES)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await db.connect(
            settings.database_url,
            pool_max=settings.database_pool_max,
            statement_timeout_ms=settings.statement_timeout_ms,
        )
        await cache.connect(settings.cache_url, timeout_ms=settings.cache_timeout_ms)
        try:
            async with revocation.watching():
                yield
        finally:
            await cache.close()
            await db.close()

    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=edge.layers(
            drain=drain,
            production=settings.is_production,
            max_body_bytes=settings.body_limit_bytes,
        ),
    )


class Server(uvicorn.Server):
    """uvicorn that leaves service politely: first not ready, after a grace no new connections.

    The grace lets balancers notice; what is in flight then has `drain_seconds` to finish.
    """

    def __init__(self, config: uvicorn.Config, *, drain: health.Drain, grace_seconds: int) -> None:
        super().__init__(config)
        self._drain = drain
        self._grace_seconds = grace_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal; a second one, or Ctrl-C, does not wait for the grace."""
        if self._drain.is_draining or sig == signal.SIGINT or not self._grace_seconds:
            self._drain.begin()
            super().handle_exit(sig, frame)
            return
        self._drain.begin()
        _log.info("draining", grace_seconds=self._grace_seconds)
        loop = asyncio.get_running_loop()
        loop.call_later(self._grace_seconds, super().handle_exit, sig, frame)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    drain = health.Drain()
    config = uvicorn.Config(
        create(settings, drain=drain),
        host=settings.host,
        port=settings.port,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # uvicorn would believe X-Forwarded-For of any neighbour on this machine
        server_header=False,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    await Server(config, drain=drain, grace_seconds=settings.drain_grace_seconds).serve()


async def _jwks(_: Request) -> JSONResponse:
    """The public keys of access tokens (RFC 7517)."""
    return JSONResponse(tokens.jwks(), headers={"cache-control": f"public, max-age={JWKS_SECONDS}"})


async def _check_database() -> None:
    await db.fetch_one("SELECT 1")


class _MigrationCheck:
    """Ready once nothing is pending; after that the answer can't change while this code runs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_current = False

    async def __call__(self) -> None:
        if not self._is_current and await migrations.pending(self._url):
            raise MigrationsPending
        self._is_current = True


class MigrationsPending(Exception):
    """The database is older than the code: run `bashgah migrate`."""
