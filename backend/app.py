"""The composition root: settings → adapters → the Starlette application of one API process."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache as cache_forever
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from backend import composition, observation
from backend.access import revocation
from backend.infra import (
    cache,
    db,
    edge,
    graphiql,
    health,
    http_refusals,
    migrations,
    telemetry,
    tokens,
)
from backend.infra.gate import Gate
from backend.settings import Settings
from backend.stores import directory_keeper
from schema import import_files, root
from schema.execution import manifest, trusted
from schema.execution.compilation import Compilation
from schema.execution.documents import Reader
from schema.execution.executor import Executor
from schema.execution.fast_path import FastPath
from schema.execution.policy import Execution, Limits
from schema.execution.trusted import DocumentStore, Trusted
from schema.http import GraphQLEndpoint
from schema.import_files import ImportFiles

# A new key stands in every process before it signs: whoever verifies has this long to see it.
JWKS_SECONDS = 300
WEB_PACKAGES = Path(__file__).resolve().parent.parent / "node_modules"

_log = telemetry.logger(__name__)


def create(settings: Settings, *, drain: health.Drain | None = None) -> ASGIApp:
    """The whole application behind its outer layers; connects when its lifespan begins.

    Sets the keys, limits and policies of this process.
    """
    composition.configure(settings)
    drain = drain or health.Drain()
    checks: dict[str, Callable[[], Awaitable[object]]] = {
        "database": _check_database,
        "migrations": _MigrationCheck(settings.database_url),
        "cache": cache.ping,
        "stores": directory_keeper.check,
    }
    if settings.cache_url is None:
        del checks["cache"]
    known = _trusted(settings.limits(), compiled=settings.executor is not Execution.REFERENCE)
    gate = observation.gate_of(settings, known)
    endpoint = _graphql(settings, known, gate)
    routes: list[BaseRoute] = [
        Route("/graphql", endpoint),
        *ImportFiles(gate, trusted_proxies=settings.trusted_proxies).routes(),
        Route("/metrics", observation.page_of(settings, gate, drain=drain, trusted=known)),
        Route("/.well-known/jwks.json", _jwks),
        Route("/healthz", health.healthz),
        # Without the cache or the stores in memory we are slower, not out of order: taking every process away
        # would be worse.
        Route(
            "/readyz", health.readyz(checks, drain=drain, optional=frozenset({"cache", "stores"}))
        ),
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
            await composition.check_rights(settings)
            await composition.check_cache(settings)
            async with (
                composition.spans(settings),
                revocation.watching(),
                directory_keeper.keeping(settings.database_url),
            ):
                yield
        finally:
            await cache.close()
            await db.close()

    application = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=edge.layers(
            drain=drain,
            production=settings.is_production,
            max_body_bytes=settings.body_limit_bytes,
            uploads=import_files.PARTS,
            cors_origins=frozenset(settings.cors_origins),
            requests=gate.access_log,
        ),
        exception_handlers={HTTPException: http_refusals.answer_http_exception},
    )
    if settings.executor is Execution.REFERENCE or settings.reports_cost:
        return application
    return FastPath(
        application,
        endpoint,
        drain=drain,
        is_production=settings.is_production,
        max_body_bytes=settings.body_limit_bytes,
        serves_other_sites=bool(settings.cors_origins),
    )


def _graphql(settings: Settings, known: Sequence[Trusted], gate: Gate) -> GraphQLEndpoint:
    """The endpoint with its documents."""
    limits, introspection = settings.limits(), settings.allows_introspection
    schema = root.build()._schema  # noqa: SLF001 - graphql-core's schema, which Strawberry builds on
    sent = Compilation(root.build()) if settings.executor is Execution.ANY else None
    return GraphQLEndpoint(
        DocumentStore(
            Reader(schema, limits, introspection=introspection, compilation=sent),
            known,
            closed_to=settings.closed_audiences,
        ),
        Executor(schema, limits, reports_cost=settings.reports_cost),
        trusted_proxies=settings.trusted_proxies,
        support_phone=settings.support_phone,
        gate=gate,
    )


@cache_forever
def _trusted(limits: Limits, *, compiled: bool) -> tuple[Trusted, ...]:
    """Every trusted document and the probes; made ready once a process, however many applications it holds.

    Raises ManifestInvalid where one can't be run.
    """
    schema = root.build()
    reader = Reader(
        schema._schema,  # noqa: SLF001 - as above
        limits,
        introspection=False,
        compilation=Compilation(schema) if compiled else None,
    )
    return (*trusted.load(reader, manifest.FOLDERS), *trusted.probes(reader))


class Server(uvicorn.Server):
    """uvicorn that leaves service politely: first not ready, after a grace no new connections.

    The grace lets balancers notice; what is in flight then has `drain_seconds` to finish.
    """

    def __init__(self, config: uvicorn.Config, *, drain: health.Drain, grace_seconds: int) -> None:
        super().__init__(config)
        self._drain = drain
        self._grace_seconds = grace_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve; what was loaded by now stays for good, and the garbage collector need not walk it again."""
        await super().startup(sockets=sockets)
        gc.collect()
        gc.freeze()

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
